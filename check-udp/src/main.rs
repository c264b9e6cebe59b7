//! `check-udp`, as a program of its own.

fn main() -> std::process::ExitCode {
    check_udp::main()
}
