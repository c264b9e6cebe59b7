//! `check-push`, as a program of its own.

fn main() -> std::process::ExitCode {
    check_push::main()
}
