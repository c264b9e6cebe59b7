//! A system that this crate does not know yet: it tells nothing beyond the errors of its sockets.

use std::io;

use crate::Sense;
pub(crate) use crate::blind::{datagram, hops, octets, peer_socket, segment, tcp_counters, tcp_info};

/// Nothing that a sense rests on is there.
pub(crate) fn probe() -> Vec<(Sense, io::Result<()>)> {
    Sense::all().map(|sense| (sense, crate::blind::unsupported())).collect()
}

pub(crate) mod child {
    //! A program is ended without being asked.
    use std::process::{Child, Command};

    pub(crate) fn prepare(_: &mut Command) {}

    pub(crate) fn keep(_: &Child) {}

    pub(crate) fn ask_to_end(child: &mut Child) {
        let _ = child.kill();
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
        crate::blind::unsupported()
    }
}

pub(crate) mod echo {
    //! Echo requests are for those who may open sockets for them: routers are found by the port's own packets.
    use std::net::IpAddr;
    use std::time::Duration;

    use crate::Sight;
    use crate::echo::Reply;

    pub(crate) const IS_TOLD: bool = false;

    pub(crate) fn ask(_: IpAddr, _: u8, _: Duration) -> Sight<Reply> {
        Sight::Blind
    }
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

pub(crate) mod file {
    //! Files are what their names say.
    use std::fs::File;
    use std::path::Path;

    pub(crate) fn is_named(_: &File, path: &Path) -> bool {
        path.exists()
    }

    pub(crate) fn everybody_writes_to(_: &Path) -> bool {
        true
    }

    pub(crate) fn make_private(path: &Path) -> std::io::Result<File> {
        std::fs::OpenOptions::new().write(true).create_new(true).open(path)
    }

    pub(crate) fn sync_folder(_: &Path) -> std::io::Result<()> {
        Ok(())
    }
}

pub(crate) mod icmp {
    //! ICMP stays unseen, and whether packets may be fragmented is the system's choice.
    use std::io;

    use socket2::Socket;

    pub(crate) use crate::blind::icmp::{listen, take};

    pub(crate) fn do_not_fragment(_: &Socket, _: bool) -> io::Result<()> {
        crate::blind::unsupported()
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

pub(crate) mod names {
    //! The files that every Unix has.
    use std::path::{Path, PathBuf};

    use netcheck_record::file;

    pub(crate) fn hosts_file() -> PathBuf {
        PathBuf::from("/etc/hosts")
    }

    pub(crate) fn resolvers(longest: u64) -> String {
        let text = file::beginning(Path::new("/etc/resolv.conf"), longest).unwrap_or_default();
        String::from_utf8_lossy(&text).into_owned()
    }
}

pub(crate) mod network {
    //! Interfaces and routes stay unseen.
    use crate::network::{Interface, Route};

    pub(crate) fn interfaces() -> Vec<Interface> {
        Vec::new()
    }

    pub(crate) fn default_route(_: bool) -> Option<Route> {
        None
    }
}

pub(crate) mod parent {
    //! A process goes on by itself.
    pub(crate) fn follow(_: Option<u32>) -> Result<(), &'static str> {
        Ok(())
    }
}

pub(crate) mod socket {
    //! Sockets are told afterwards not to wait.
    use std::io;

    use socket2::{Domain, Protocol, Socket, Type};

    pub(crate) fn open(domain: Domain, kind: Type, protocol: Protocol) -> io::Result<Socket> {
        let socket = Socket::new(domain, kind, Some(protocol))?;
        socket.set_nonblocking(true)?;
        Ok(socket)
    }

    pub(crate) fn limit_unsent(_: &Socket, _: u32) -> io::Result<()> {
        crate::blind::unsupported()
    }

    pub(crate) fn mark(_: &Socket, _: bool, _: u8) -> io::Result<()> {
        crate::blind::unsupported()
    }
}

#[path = "../windows/program.rs"]
pub(crate) mod program;

pub(crate) mod stop {
    //! The keyboard's interrupt, within an event loop.
    use std::io;

    #[cfg(feature = "runtime")]
    use crate::stop::INTERRUPT;

    #[cfg(feature = "runtime")]
    pub(crate) async fn signal(_: bool) -> u8 {
        match tokio::signal::ctrl_c().await {
            Ok(()) => INTERRUPT,
            Err(_) => std::future::pending().await,
        }
    }

    pub(crate) fn listen(_: bool, _: impl FnMut(u8) -> bool + Send + 'static) -> io::Result<()> {
        Ok(())
    }

    pub(crate) fn hangup_is_ignored() -> bool {
        false
    }
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
