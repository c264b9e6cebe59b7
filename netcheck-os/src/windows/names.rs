//! The resolvers of the adapters, and the hosts file below the system's folder.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;

use super::adapters;

/// Where Windows is.
const FOLDER: &str = "SystemRoot";

pub(crate) fn hosts_file() -> PathBuf {
    let folder = std::env::var_os(FOLDER).unwrap_or_else(|| r"C:\Windows".into());
    PathBuf::from(folder).join(r"System32\drivers\etc\hosts")
}

/// The adapter with the lowest metric first: a VPN client gives its own the lowest one.
pub(crate) fn resolvers(_: u64) -> String {
    let mut up: Vec<_> = adapters::all().into_iter().filter(|adapter| adapter.up).collect();
    up.sort_by_key(|adapter| adapter.metric_v4.min(adapter.metric_v6));
    let mut text = String::new();
    let mut suffixes: Vec<&str> = Vec::new();
    let mut written: Vec<SocketAddr> = Vec::new();
    for adapter in &up {
        for server in adapter.resolvers.iter().filter(|server| !is_placeholder(**server)) {
            if !written.contains(server) {
                written.push(*server);
                // Writing into a string cannot fail.
                let _ = writeln!(text, "nameserver {}", shown(*server));
            }
        }
        if !adapter.suffix.is_empty() && !suffixes.contains(&adapter.suffix.as_str()) {
            suffixes.push(&adapter.suffix);
        }
    }
    if !suffixes.is_empty() {
        let _ = writeln!(text, "search {}", suffixes.join(" "));
    }
    text
}

/// The addresses that Windows lists where no IPv6 resolver is configured; nobody listens there.
fn is_placeholder(server: SocketAddr) -> bool {
    match server {
        SocketAddr::V4(_) => false,
        SocketAddr::V6(v6) => v6.ip().segments()[..7] == [0xfec0, 0, 0, 0xffff, 0, 0, 0],
    }
}

/// The address, with the number of its interface where it is known on a link alone.
fn shown(server: SocketAddr) -> String {
    match server {
        SocketAddr::V6(v6) if v6.ip().is_unicast_link_local() => format!("{}%{}", v6.ip(), v6.scope_id()),
        _ => server.ip().to_string(),
    }
}
