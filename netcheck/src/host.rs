//! The machine's name.

/// The machine's name; empty where the system does not tell.
pub(crate) fn name() -> String {
    nix::sys::utsname::uname()
        .ok()
        .and_then(|name| name.nodename().to_str().map(str::to_owned))
        .unwrap_or_default()
}
