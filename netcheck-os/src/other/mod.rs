//! A system that this crate does not know yet: it tells nothing beyond the errors of its sockets.

use std::io;

use crate::Sense;

/// Nothing that a sense rests on is there.
pub(crate) fn probe() -> Vec<(Sense, io::Result<()>)> {
    Sense::all().map(|sense| (sense, unsupported())).collect()
}

fn unsupported<T>() -> io::Result<T> {
    Err(io::ErrorKind::Unsupported.into())
}

pub(crate) mod errno {
    //! Errors by their kind in the standard library.
    use std::io::{self, ErrorKind};

    use crate::errno::Kind;

    pub(crate) fn kind(error: &io::Error) -> Kind {
        match error.kind() {
            ErrorKind::ConnectionRefused => Kind::Refused,
            ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe => Kind::Reset,
            ErrorKind::NetworkUnreachable => Kind::NetUnreachable,
            ErrorKind::HostUnreachable => Kind::HostUnreachable,
            ErrorKind::PermissionDenied => Kind::Denied,
            ErrorKind::OutOfMemory => Kind::Shortage,
            ErrorKind::WouldBlock => Kind::InProgress,
            ErrorKind::AddrNotAvailable => Kind::NoAddress,
            ErrorKind::InvalidInput => Kind::Invalid,
            ErrorKind::Unsupported => Kind::Unsupported,
            _ => Kind::Other,
        }
    }
}

pub(crate) mod icmp {
    //! ICMP stays unseen.
    use std::io;

    use socket2::Socket;

    use crate::icmp::Message;

    pub(crate) fn listen(_: &Socket, _: bool, _: bool) -> io::Result<()> {
        super::unsupported()
    }

    pub(crate) fn take(_: &Socket) -> Option<Message> {
        None
    }

    pub(crate) fn do_not_fragment(_: &Socket, _: bool) -> io::Result<()> {
        super::unsupported()
    }
}

pub(crate) mod hops {
    //! The distance of an answer stays unseen.
    use std::io;

    use socket2::Socket;

    pub(crate) fn accept_from(_: &Socket, _: bool, _: u8) -> io::Result<()> {
        super::unsupported()
    }
}

pub(crate) mod segment {
    //! Segments have the size that the system chooses.
    use std::io;

    use socket2::Socket;

    pub(crate) fn set(_: &Socket, _: u32) -> io::Result<()> {
        super::unsupported()
    }

    pub(crate) fn get(_: &Socket) -> io::Result<u32> {
        super::unsupported()
    }
}

pub(crate) mod tcp_info {
    //! The state of a connection stays unseen.
    use std::io;

    use socket2::Socket;

    use crate::tcp_info::TcpInfo;

    pub(crate) fn read(_: &Socket) -> io::Result<TcpInfo> {
        super::unsupported()
    }

    pub(crate) fn asks_for_ecn() -> bool {
        false
    }
}

pub(crate) mod tcp_counters {
    //! Nothing is counted.
    use std::io;

    use socket2::Socket;

    use crate::tcp_counters::TcpCounters;

    pub(crate) fn is_available() -> bool {
        false
    }

    pub(crate) fn read(_: &Socket) -> io::Result<TcpCounters> {
        super::unsupported()
    }
}

pub(crate) mod peer_socket {
    //! Sockets of other programs stay unseen.
    use std::net::SocketAddr;

    pub(crate) fn is_on_this_machine(_: SocketAddr) -> bool {
        false
    }
}

pub(crate) mod octets {
    //! Nothing is counted.
    pub(crate) fn sent(_: bool) -> Option<u64> {
        None
    }
}

pub(crate) mod device {
    //! Interfaces stay unseen.
    use std::io;

    use socket2::Socket;

    use crate::device::Link;

    pub(crate) fn links() -> Vec<Link> {
        Vec::new()
    }

    pub(crate) fn is_tunnel(_: &str) -> bool {
        false
    }

    pub(crate) fn index(_: &str) -> Option<u32> {
        None
    }

    pub(crate) fn bind(_: &Socket, _: &str) -> io::Result<()> {
        super::unsupported()
    }
}

pub(crate) mod limits {
    //! No limits are known.
    use std::io;

    pub(crate) fn raise_files(_: u64) -> Option<u64> {
        None
    }

    pub(crate) fn memory() -> Option<(u64, u64)> {
        None
    }

    pub(crate) fn try_descriptors() -> io::Result<()> {
        Ok(())
    }
}

pub(crate) mod parent {
    //! A process goes on by itself.
    pub(crate) fn follow(_: Option<u32>) -> Result<(), &'static str> {
        Ok(())
    }
}

pub(crate) mod program {
    //! Programs that are waited for.
    use std::io;
    use std::process::Command;

    pub(crate) fn call(_: &mut Command, _: &str) {}

    pub(crate) fn become_it(command: &mut Command) -> io::Result<u8> {
        let code = command.status()?.code().and_then(|code| u8::try_from(code).ok());
        Ok(code.unwrap_or(2))
    }
}

pub(crate) mod stop {
    //! The keyboard's interrupt.
    use crate::stop::INTERRUPT;

    pub(crate) async fn signal(_: bool) -> u8 {
        match tokio::signal::ctrl_c().await {
            Ok(()) => INTERRUPT,
            Err(_) => std::future::pending().await,
        }
    }

    pub(crate) fn interrupt(_: u32) {}
}

pub(crate) mod user {
    //! Users without numbers, and a name from the environment.
    use std::io;
    use std::path::Path;

    pub(crate) fn id() -> u32 {
        0
    }

    pub(crate) fn host_name() -> String {
        std::env::var("COMPUTERNAME").unwrap_or_default()
    }

    pub(crate) fn make_private_folder(folder: &Path) -> io::Result<()> {
        std::fs::create_dir(folder)
    }
}
