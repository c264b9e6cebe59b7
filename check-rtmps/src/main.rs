//! `check-rtmps`, as a program of its own.

fn main() -> std::process::ExitCode {
    check_rtmps::main()
}
