//! Packets handed to user space by iptables' NFQUEUE, over a netlink socket (linux/netfilter/nfnetlink_queue.h).

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, send, setsockopt,
    socket, sockopt,
};

const SUBSYSTEM: u16 = 3 << 8;
const PACKET: u16 = SUBSYSTEM;
const VERDICT: u16 = SUBSYSTEM | 1;
const CONFIG: u16 = SUBSYSTEM | 2;
const REQUEST: u16 = 1;

/// A packet that waits for its verdict.
pub struct Packet {
    id: [u8; 4],
    /// From the IP header on.
    pub bytes: Vec<u8>,
}

/// One queue.
pub struct Queue {
    socket: OwnedFd,
    number: u16,
    buffer: Vec<u8>,
}

impl Queue {
    /// Binds a queue of the network namespace this thread is in.
    ///
    /// # Errors
    /// The kernel refuses the socket.
    pub fn bind(number: u16) -> io::Result<Queue> {
        let family = SockProtocol::NetlinkNetFilter;
        let socket = socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, family)?;
        bind(socket.as_raw_fd(), &NetlinkAddr::new(0, 0))?;
        // Not every kernel grants so much; less is enough.
        let _ = setsockopt(&socket, sockopt::RcvBuf, &(4 << 20));
        let queue = Queue { socket, number, buffer: vec![0; 1 << 17] };
        queue.tell(CONFIG, &attribute(1, &[1, 0, 0, 0]))?;
        // Whole packets, and room for as many as a burst has.
        queue.tell(CONFIG, &attribute(2, &[0, 0, 0xff, 0xff, 2]))?;
        queue.tell(CONFIG, &attribute(3, &100_000_u32.to_be_bytes()))?;
        Ok(queue)
    }

    /// The packets that have come, after at most `milliseconds`; negative waits for as long as it takes.
    ///
    /// # Errors
    /// The socket failed.
    pub fn packets(&mut self, milliseconds: i32) -> io::Result<Vec<Packet>> {
        let timeout = PollTimeout::try_from(milliseconds.max(-1)).unwrap_or(PollTimeout::NONE);
        let mut waiting = [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
        if poll(&mut waiting, timeout)? == 0 {
            return Ok(Vec::new());
        }
        let length = match recv(self.socket.as_raw_fd(), &mut self.buffer, MsgFlags::MSG_DONTWAIT) {
            Ok(length) => length,
            // Packets lost for want of room are lost as on a full line.
            Err(nix::errno::Errno::ENOBUFS | nix::errno::Errno::EAGAIN) => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        };
        Ok(messages(&self.buffer[..length]).collect())
    }

    /// Lets a packet pass.
    ///
    /// # Errors
    /// The socket failed.
    pub fn pass(&self, packet: &Packet) -> io::Result<()> {
        self.tell(VERDICT, &attribute(2, &[&[0, 0, 0, 1], &packet.id[..]].concat()))
    }

    /// Lets a packet pass with other bytes.
    ///
    /// # Errors
    /// The socket failed.
    pub fn pass_changed(&self, packet: &Packet) -> io::Result<()> {
        let verdict = attribute(2, &[&[0, 0, 0, 1], &packet.id[..]].concat());
        self.tell(VERDICT, &[verdict, attribute(10, &packet.bytes)].concat())
    }

    /// Drops a packet.
    ///
    /// # Errors
    /// The socket failed.
    pub fn discard(&self, packet: &Packet) -> io::Result<()> {
        self.tell(VERDICT, &attribute(2, &[&[0, 0, 0, 0], &packet.id[..]].concat()))
    }

    fn tell(&self, kind: u16, attributes: &[u8]) -> io::Result<()> {
        let length = u32::try_from(20 + attributes.len()).map_err(io::Error::other)?;
        let mut message = Vec::with_capacity(20 + attributes.len());
        message.extend(length.to_ne_bytes());
        message.extend(kind.to_ne_bytes());
        message.extend(REQUEST.to_ne_bytes());
        message.extend([0; 8]);
        message.extend([0, 0]);
        message.extend(self.number.to_be_bytes());
        message.extend(attributes);
        send(self.socket.as_raw_fd(), &message, MsgFlags::empty())?;
        Ok(())
    }
}

/// A netlink attribute: length, type and value, padded to four bytes.
fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(4 + value.len()).unwrap_or(u16::MAX);
    let mut attribute = [&length.to_ne_bytes()[..], &kind.to_ne_bytes(), value].concat();
    attribute.resize(attribute.len().next_multiple_of(4), 0);
    attribute
}

/// The packets of one read.
fn messages(mut bytes: &[u8]) -> impl Iterator<Item = Packet> {
    std::iter::from_fn(move || {
        let length = usize::try_from(u32::from_ne_bytes(bytes.get(..4)?.try_into().ok()?)).ok()?;
        let message = bytes.get(..length)?;
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(message)
    })
    .filter_map(packet)
}

fn packet(message: &[u8]) -> Option<Packet> {
    if u16::from_ne_bytes(message.get(4..6)?.try_into().ok()?) != PACKET {
        return None;
    }
    let mut rest = message.get(20..)?;
    let (mut id, mut bytes) = (None, Vec::new());
    while let Some(header) = rest.get(..4) {
        let length = usize::from(u16::from_ne_bytes([header[0], header[1]]));
        let value = rest.get(4..length)?;
        match u16::from_ne_bytes([header[2], header[3]]) {
            1 => id = value.get(..4)?.try_into().ok(),
            10 => bytes = value.to_vec(),
            _ => {}
        }
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Some(Packet { id: id?, bytes })
}
