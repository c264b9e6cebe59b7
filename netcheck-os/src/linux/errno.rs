//! The numbers of errno(3).

use std::io;

use nix::libc;

use crate::errno::Kind;

/// What an error number means.
pub(crate) fn kind(error: &io::Error) -> Kind {
    match error.raw_os_error() {
        Some(libc::ECONNREFUSED) => Kind::Refused,
        Some(libc::ECONNRESET | libc::EPIPE) => Kind::Reset,
        Some(libc::ENETUNREACH) => Kind::NetUnreachable,
        Some(libc::EHOSTUNREACH) => Kind::HostUnreachable,
        Some(libc::EACCES | libc::EPERM) => Kind::Denied,
        Some(libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM | libc::EAGAIN) => Kind::Shortage,
        Some(libc::EADDRNOTAVAIL) => Kind::NoAddress,
        Some(libc::EMSGSIZE) => Kind::TooBig,
        Some(libc::EINPROGRESS) => Kind::InProgress,
        Some(libc::ENODEV) => Kind::NoDevice,
        Some(libc::EINVAL) => Kind::Invalid,
        Some(libc::ENOPROTOOPT | libc::EOPNOTSUPP) => Kind::Unsupported,
        _ => Kind::Other,
    }
}
