//! The numbers of Winsock, and those of the system that sockets report.

use std::io::{self, ErrorKind};

use windows_sys::Win32::Foundation::{
    ERROR_ACCESS_DENIED, ERROR_BROKEN_PIPE, ERROR_CONNECTION_REFUSED, ERROR_HOST_UNREACHABLE,
    ERROR_NETNAME_DELETED, ERROR_NETWORK_UNREACHABLE, ERROR_NO_DATA, ERROR_NOT_ENOUGH_MEMORY,
    ERROR_OUTOFMEMORY, ERROR_PORT_UNREACHABLE,
};
use windows_sys::Win32::Networking::WinSock::{
    WSAEACCES, WSAEADDRNOTAVAIL, WSAECONNABORTED, WSAECONNREFUSED, WSAECONNRESET, WSAEHOSTUNREACH,
    WSAEINPROGRESS, WSAEINVAL, WSAEMFILE, WSAEMSGSIZE, WSAENETUNREACH, WSAENOBUFS, WSAENOPROTOOPT,
    WSAEOPNOTSUPP, WSAEWOULDBLOCK,
};

use crate::errno::Kind;

pub(crate) fn kind(error: &io::Error) -> Kind {
    let Some(number) = error.raw_os_error() else {
        return if error.kind() == ErrorKind::Unsupported { Kind::Unsupported } else { Kind::Other };
    };
    match number {
        WSAECONNREFUSED => Kind::Refused,
        WSAECONNRESET | WSAECONNABORTED => Kind::Reset,
        WSAENETUNREACH => Kind::NetUnreachable,
        WSAEHOSTUNREACH => Kind::HostUnreachable,
        WSAEACCES => Kind::Denied,
        WSAEMFILE | WSAENOBUFS => Kind::Shortage,
        WSAEADDRNOTAVAIL => Kind::NoAddress,
        WSAEMSGSIZE => Kind::TooBig,
        WSAEWOULDBLOCK | WSAEINPROGRESS => Kind::InProgress,
        WSAEINVAL => Kind::Invalid,
        WSAENOPROTOOPT | WSAEOPNOTSUPP => Kind::Unsupported,
        _ => of_the_system(number.cast_unsigned()),
    }
}

/// Numbers that are not Winsock's own.
fn of_the_system(number: u32) -> Kind {
    match number {
        ERROR_CONNECTION_REFUSED | ERROR_PORT_UNREACHABLE => Kind::Refused,
        ERROR_NETNAME_DELETED | ERROR_BROKEN_PIPE | ERROR_NO_DATA => Kind::Reset,
        ERROR_NETWORK_UNREACHABLE => Kind::NetUnreachable,
        ERROR_HOST_UNREACHABLE => Kind::HostUnreachable,
        ERROR_ACCESS_DENIED => Kind::Denied,
        ERROR_NOT_ENOUGH_MEMORY | ERROR_OUTOFMEMORY => Kind::Shortage,
        _ => Kind::Other,
    }
}
