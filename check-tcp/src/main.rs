//! `check-tcp`, as a program of its own.

fn main() -> std::process::ExitCode {
    check_tcp::main()
}
