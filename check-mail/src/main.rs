//! `check-mail`, as a program of its own.

fn main() -> std::process::ExitCode {
    check_mail::main()
}
