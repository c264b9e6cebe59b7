//! The senses: what a system may tell, and what this one does not.

use std::io;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::errno::{self, Kind};
use crate::{Sight, system};

/// The variable that makes senses blind, for tests: their names with commas between them, or `all`.
pub const SWITCH: &str = "NETCHECK_BLIND";

/// Something that a system may tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Sense {
    /// How many bytes the peer's TCP acknowledged, and how many were not sent (`TCP_INFO`).
    Acked,
    /// Whether a program of this machine holds the other end of a connection.
    PeerSocket,
    /// ICMP echo from a socket of this user.
    Ping,
    /// How far the RST or SYN-ACK travelled (`IP_MINTTL`).
    ResetDistance,
    /// How many octets this machine's IP layer sent.
    SentOctets,
    /// A limit of the segment size for one connection (`TCP_MAXSEG`).
    SmallSegments,
    /// ICMP type, code and sender for a TCP connection.
    TcpIcmp,
    /// ICMP type, code and sender for a datagram.
    UdpIcmp,
}

/// Each sense with its name and what a system without it does not tell.
const TABLE: [(Sense, &str, &str); 8] = [
    (Sense::Acked, "acked", "this system does not tell how many bytes the peer acknowledged"),
    (
        Sense::PeerSocket,
        "peer_socket",
        "this system does not tell whether a program of this machine accepts the connection",
    ),
    (Sense::Ping, "ping", "this system does not let this user send ICMP echo requests"),
    (Sense::ResetDistance, "reset_distance", "this system does not tell who sent the reset"),
    (Sense::SentOctets, "sent_octets", "this system does not tell whether a packet has left it"),
    (Sense::SmallSegments, "small_segments", "this system does not limit the segment size of a connection"),
    (
        Sense::TcpIcmp,
        "tcp_icmp",
        "this system does not tell which ICMP message ended a connection, and who sent it",
    ),
    (
        Sense::UdpIcmp,
        "udp_icmp",
        "this system does not tell which ICMP message answered a datagram, and who sent it",
    ),
];

/// The senses found blind, as bits.
static BLIND: AtomicU32 = AtomicU32::new(0);

impl Sense {
    /// All senses, sorted by name.
    pub fn all() -> impl Iterator<Item = Sense> {
        TABLE.iter().map(|(sense, ..)| *sense)
    }

    const fn bit(self) -> u32 {
        1 << self as u8
    }

    fn row(self) -> &'static (Sense, &'static str, &'static str) {
        &TABLE[self as usize]
    }

    /// Its name in records and in [`SWITCH`].
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().1
    }

    /// What a system without it does not tell, as evidence.
    #[must_use]
    pub fn words(self) -> &'static str {
        self.row().2
    }

    /// Whether this system does not tell it.
    #[must_use]
    pub fn is_blind(self) -> bool {
        BLIND.load(Ordering::Relaxed) & self.bit() != 0
    }

    /// Notes that this system does not tell it.
    pub(crate) fn mark_blind(self) {
        BLIND.fetch_or(self.bit(), Ordering::Relaxed);
    }

    /// What the system answered: blind where it does not know the option.
    pub fn told<T>(self, answer: io::Result<T>) -> Sight<T> {
        match answer {
            _ if self.is_blind() => Sight::Blind,
            Ok(seen) => Sight::Seen(seen),
            Err(error) if errno::kind(&error) == Kind::Unsupported => {
                self.mark_blind();
                Sight::Blind
            }
            Err(_) => Sight::Nothing,
        }
    }
}

/// A set of senses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Senses(u32);

impl Senses {
    /// The set of these.
    #[must_use]
    pub const fn of(senses: &[Sense]) -> Senses {
        let (mut bits, mut at) = (0, 0);
        while at < senses.len() {
            bits |= senses[at].bit();
            at += 1;
        }
        Senses(bits)
    }

    /// The senses of both.
    #[must_use]
    pub const fn with(self, other: Senses) -> Senses {
        Senses(self.0 | other.0)
    }

    /// Those of the set that this system does not tell, sorted by name.
    pub fn blind(self) -> impl Iterator<Item = Sense> {
        Sense::all().filter(move |sense| self.0 & sense.bit() != 0 && sense.is_blind())
    }
}

/// A set that grows while a target is looked into.
#[derive(Debug, Default)]
pub struct Asked(AtomicU32);

impl Asked {
    /// Adds senses.
    pub fn note(&self, senses: Senses) {
        self.0.fetch_or(senses.0, Ordering::Relaxed);
    }

    /// What was asked so far.
    #[must_use]
    pub fn senses(&self) -> Senses {
        Senses(self.0.load(Ordering::Relaxed))
    }
}

/// The names of what this system does not tell, sorted.
#[must_use]
pub fn blind() -> Vec<&'static str> {
    Sense::all().filter(|sense| sense.is_blind()).map(Sense::name).collect()
}

/// Finds out what this system tells: once, before the first packet. Nothing is sent.
///
/// # Errors
/// [`SWITCH`] names what is no sense.
pub fn find() -> Result<(), String> {
    let text = std::env::var_os(SWITCH).unwrap_or_default();
    BLIND.fetch_or(read(&text.to_string_lossy())?.0, Ordering::Relaxed);
    for (sense, answer) in system::probe() {
        let _ = sense.told(answer);
    }
    Ok(())
}

/// Reads the value of [`SWITCH`].
fn read(text: &str) -> Result<Senses, String> {
    let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
    names.into_iter().try_fold(Senses::default(), |known, name| {
        if name == "all" {
            return Ok(Senses(u32::MAX));
        }
        let sense = Sense::all().find(|sense| sense.name() == name).ok_or_else(|| {
            let all: Vec<&str> = Sense::all().map(Sense::name).collect();
            format!(
                "{SWITCH}: there is no {}; there are all, {}",
                netcheck_record::escape::line(name, 40),
                all.join(", ")
            )
        })?;
        Ok(known.with(Senses::of(&[sense])))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sense_is_found_in_its_row_and_the_names_are_sorted() {
        assert!(Sense::all().all(|sense| sense.row().0 == sense));
        assert!(Sense::all().map(Sense::name).is_sorted());
    }

    #[test]
    fn the_switch_takes_names_and_all_and_nothing_else() {
        assert_eq!(read(""), Ok(Senses::default()));
        assert_eq!(read("acked, ping"), Ok(Senses::of(&[Sense::Acked, Sense::Ping])));
        assert_eq!(read("all"), Ok(Senses(u32::MAX)));
        assert!(
            read("tcp-icmp").is_err_and(
                |why| why.starts_with("NETCHECK_BLIND: there is no tcp-icmp; there are all, acked")
            )
        );
    }
}
