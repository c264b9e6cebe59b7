//! Every tool in one program: it is the tool by whose name it was called, and `netcheck` by any other.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let called = std::env::args_os().next().unwrap_or_default();
    match Path::new(&called).file_name().and_then(|name| name.to_str()) {
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
