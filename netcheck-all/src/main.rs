//! Every tool in one program: it is the tool by whose name it was called, and `netcheck` by any other.

use std::path::Path;
use std::process::ExitCode;

/// The name of a program without what this system appends to it.
fn tool(name: &str) -> &str {
    name.strip_suffix(std::env::consts::EXE_SUFFIX).unwrap_or(name)
}

fn main() -> ExitCode {
    let called = std::env::args_os().next().unwrap_or_default();
    match Path::new(&called).file_name().and_then(|name| name.to_str()).map(tool) {
        Some("check-mail") => check_mail::main(),
        Some("check-push") => check_push::main(),
        Some("check-rtmps") => check_rtmps::main(),
        Some("check-tcp") => check_tcp::main(),
        Some("check-udp") => check_udp::main(),
        Some("check-wss") => check_wss::main(),
        #[cfg(feature = "fleet")]
        Some("netcheck-fleet") => netcheck_fleet::main(),
        #[cfg(feature = "fleet")]
        Some("netcheck-uplink") => netcheck_fleet::uplink_main(),
        _ => netcheck::main(),
    }
}
