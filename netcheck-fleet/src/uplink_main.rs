//! `netcheck-uplink`, as a program of its own.

fn main() -> std::process::ExitCode {
    netcheck_fleet::uplink_main()
}
