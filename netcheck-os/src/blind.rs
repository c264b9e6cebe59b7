//! What a system does not tell: shared by the systems that lack it.

use std::io;

pub(crate) fn unsupported<T>() -> io::Result<T> {
    Err(io::ErrorKind::Unsupported.into())
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

pub(crate) mod datagram {
    //! A datagram arrives when it is read.
    use std::io::{self, Read};

    use socket2::Socket;

    use crate::Sight;
    use crate::datagram::Received;

    pub(crate) fn listen(_: &Socket, _: bool) -> io::Result<()> {
        super::unsupported()
    }

    pub(crate) fn receive(mut socket: &Socket, space: &mut [u8]) -> io::Result<Received> {
        Ok(Received { length: socket.read(space)?, waited: Sight::Blind, dscp: Sight::Blind })
    }
}
