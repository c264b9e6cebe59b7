//! `netcheck-fleet`, as a program of its own.

fn main() -> std::process::ExitCode {
    netcheck_fleet::main()
}
