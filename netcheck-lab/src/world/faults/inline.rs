//! Devices that look at packets as they pass: they delay, change or drop them, and end no connection.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::super::internet::World;
use super::super::place::Place;
use super::client_hello::DroppedHello;
use super::initial;
use super::name_filter::{Connections, NameFilter};
use super::queue::{Packet, Queue};

/// One such device.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inline {
    /// `router1` or `router2`.
    pub at: String,
    /// Which packets it looks at: arguments of iptables in the chain FORWARD, or FORWARD and back with none.
    #[serde(default)]
    pub matching: String,
    /// What it does with them.
    pub does: Act,
}

/// What an inline device does.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// Holds each packet for so many milliseconds.
    Delay(u64),
    /// Writes another address into the MAPPED-ADDRESS of STUN answers, as a meddling gateway does.
    RewriteStun,
    /// Drops ClientHellos over TCP by their form.
    DropHello(DroppedHello),
    /// Drops ClientHellos over TCP by their server name.
    DropNamed(NameFilter),
    /// Drops each QUIC Initial of a connection but the first.
    DropLaterInitials,
    /// Drops QUIC Initials by the server name of their ClientHello.
    DropQuic(NameFilter),
}

impl Inline {
    /// Puts the device in place.
    ///
    /// # Errors
    /// There is no such place, or the kernel has no queues.
    pub fn place(&self, world: &World, number: u16) -> io::Result<()> {
        let at =
            world.network.place(&self.at).ok_or_else(|| io::Error::other(format!("no place {}", self.at)))?;
        let queue = number.to_string();
        let mut arguments = vec!["-A", "FORWARD"];
        arguments.extend(self.matching.split_whitespace());
        arguments.extend(["-j", "NFQUEUE", "--queue-num", &queue]);
        let act = self.does.clone();
        serve(at, number, act)?;
        at.run("iptables", &arguments, "").map(drop)
    }
}

/// Starts the device on a thread of its own and waits until its queue is bound.
fn serve(at: &Place, number: u16, act: Act) -> io::Result<()> {
    at.inside(|| {
        let (tell, told) = mpsc::channel();
        thread::spawn(move || match Queue::bind(number) {
            Ok(queue) => {
                let _ = tell.send(Ok(()));
                // The queue fails when the world ends.
                let _ = match act {
                    Act::Delay(milliseconds) => delay(queue, Duration::from_millis(milliseconds)),
                    Act::RewriteStun => rewrite(queue),
                    Act::DropQuic(filter) => drop_where(queue, |packet| names(packet, &filter)),
                    Act::DropNamed(filter) => {
                        let mut connections = Connections::default();
                        drop_where(queue, move |packet| connections.catches(packet, &filter))
                    }
                    Act::DropHello(dropped) => drop_where(queue, |packet| dropped.catches(packet)),
                    Act::DropLaterInitials => {
                        let mut seen = HashMap::new();
                        drop_where(queue, move |packet| is_later_initial(packet, &mut seen))
                    }
                };
            }
            Err(error) => drop(tell.send(Err(error))),
        });
        told.recv().map_err(io::Error::other)?
    })
}

#[expect(clippy::disallowed_methods, reason = "a delay line has a clock of its own")]
fn delay(mut queue: Queue, delay: Duration) -> io::Result<()> {
    let mut held: VecDeque<(Instant, Packet)> = VecDeque::new();
    loop {
        let wait = held.front().map(|(due, _)| due.saturating_duration_since(Instant::now()));
        let wait = wait.map_or(-1, |wait| i32::try_from(wait.as_millis() + 1).unwrap_or(i32::MAX));
        for packet in queue.packets(wait)? {
            held.push_back((Instant::now() + delay, packet));
        }
        while let Some((_, packet)) = held.pop_front_if(|(due, _)| *due <= Instant::now()) {
            queue.pass(&packet)?;
        }
    }
}

fn rewrite(mut queue: Queue) -> io::Result<()> {
    loop {
        for mut packet in queue.packets(-1)? {
            if mapped(&mut packet.bytes).is_some() {
                queue.pass_changed(&packet)?
            } else {
                queue.pass(&packet)?
            }
        }
    }
}

/// Replaces the address of MAPPED-ADDRESS (RFC 8489 section 14.1) in an IPv4 packet, and leaves UDP without checksum.
fn mapped(packet: &mut [u8]) -> Option<()> {
    let header = usize::from(packet.first()? & 15) * 4;
    let message = header + 8;
    if packet.get(message..message + 2)? != [1, 1] {
        return None;
    }
    let mut at = message + 20;
    loop {
        let kind = packet.get(at..at + 2)?.to_vec();
        let length = usize::from(u16::from_be_bytes(packet.get(at + 2..at + 4)?.try_into().ok()?));
        if kind == [0, 1] && length == 8 {
            packet.get_mut(at + 8..at + 12)?.copy_from_slice(&[203, 0, 114, 7]);
            packet.get_mut(header + 6..header + 8)?.fill(0);
            return Some(());
        }
        at += 4 + length.next_multiple_of(4);
    }
}

fn drop_where(mut queue: Queue, mut caught: impl FnMut(&[u8]) -> bool) -> io::Result<()> {
    loop {
        for packet in queue.packets(-1)? {
            if caught(&packet.bytes) { queue.discard(&packet)? } else { queue.pass(&packet)? }
        }
    }
}

fn names(packet: &[u8], filter: &NameFilter) -> bool {
    let asked = datagram(packet).and_then(initial::server_name);
    asked.is_some_and(|asked| filter.matches(&asked))
}

/// Whether an Initial of this flow with another part of the ClientHello went before this one; the first may be sent again.
fn is_later_initial(packet: &[u8], first: &mut HashMap<Vec<u8>, Option<u64>>) -> bool {
    let Some(datagram) = datagram(packet).filter(|datagram| initial::is_initial(datagram)) else {
        return false;
    };
    // None where the connection id is the server's: then this device cannot read it, and it is a later one.
    let offset = initial::first_offset(datagram);
    // A flow, because the connection id changes with the server's first answer: addresses and ports.
    let header = packet.first().map_or(0, |first| usize::from(first & 15) * 4);
    let flow = [packet.get(12..20), packet.get(header..header + 4)].into_iter().flatten().flatten();
    *first.entry(flow.copied().collect()).or_insert(offset) != offset
}

/// What a UDP packet over IPv4 carries.
fn datagram(packet: &[u8]) -> Option<&[u8]> {
    packet.get(usize::from(packet.first()? & 15) * 4 + 8..)
}
