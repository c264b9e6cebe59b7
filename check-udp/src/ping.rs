//! Echo requests over `surge-ping`: one question, asked again until it is answered, or a series of them.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use netcheck_common::clock::{now, pause, within};
use netcheck_common::failure::Failure;
use netcheck_common::icmp::Icmp;
use netcheck_common::net::Net;
use netcheck_common::os::Sense;
use netcheck_common::os::errno::{self, Kind};
use socket2::Type;
use surge_ping::{Config, ICMP, IcmpPacket, PingIdentifier, PingSequence, SurgeError};

use crate::pinger::{denied, refused_here};
use crate::quality::ProbeLog;
use crate::random::random;
use crate::series::SeriesPlan;
use crate::wire::{FIRST_WAIT, PATIENCE};

/// As much data as ping(8) sends.
pub const USUAL: usize = 56;

/// A socket of `surge-ping`, and the address it asks.
pub struct Client {
    inner: surge_ping::Client,
    address: IpAddr,
    identifier: PingIdentifier,
}

/// What became of one echo request.
enum EchoOutcome {
    Answered(Duration),
    Lost,
    /// A device on the path refused: a raw socket receives that, a datagram socket does not.
    Refused(Icmp),
    /// This machine would not send.
    Unsent(Failure),
}

impl Client {
    /// Opens a socket: the kind open to users first, the raw one where this user may have it.
    pub fn open(net: &Net, address: IpAddr) -> Result<Self, Failure> {
        Self::with(address, &config(net, address))
    }

    /// The same, for requests that travel so many hops at most.
    pub fn open_limited(net: &Net, address: IpAddr, hops: u32) -> Result<Self, Failure> {
        Self::with(address, &Config { ttl: Some(hops), ..config(net, address) })
    }

    fn with(address: IpAddr, config: &Config) -> Result<Self, Failure> {
        if Sense::Ping.is_blind() {
            return Err(denied());
        }
        let inner = surge_ping::Client::new(config).map_err(|error| {
            // Either no socket was had, or it was not to be bound as the user asked; a plain one shows which.
            let bare = Config { kind: family(address), ..Config::default() };
            surge_ping::Client::new(&bare).map_or_else(|_| denied(), |_| refused_here(&error))
        })?;
        Ok(Client { inner, address, identifier: PingIdentifier(u16::from_be_bytes(random())) })
    }

    /// `dgram` or `raw`.
    pub fn socket_type(&self) -> &'static str {
        if self.inner.get_socket().get_type() == Type::RAW { "raw" } else { "dgram" }
    }

    /// Asks until the first answer: again after 100 ms, each wait twice the last, for 3 s or `bound` if that is
    /// shorter.
    pub async fn ask(&self, bound: Duration) -> Result<ProbeLog, Failure> {
        let patience = bound.min(PATIENCE);
        let plan = SeriesPlan { count: 16, interval: FIRST_WAIT, patience, end: now() + patience };
        self.measure(plan, |number| FIRST_WAIT * ((1 << number) - 1), |series| !series.silent()).await
    }

    /// Sends a series at a steady pace; every answer is waited for as long as any other.
    pub async fn series(&self, plan: SeriesPlan) -> Result<ProbeLog, Failure> {
        self.measure(plan, |number| plan.interval * number, |_| false).await
    }

    /// Sends each request at its time after the first, until the plan is through or `enough` is known.
    async fn measure(
        &self,
        plan: SeriesPlan,
        after: impl Fn(u32) -> Duration,
        enough: impl Fn(&ProbeLog) -> bool,
    ) -> Result<ProbeLog, Failure> {
        let begun = now();
        let mut series = ProbeLog::default();
        let mut flight = FuturesUnordered::new();
        loop {
            let number = series.count();
            let next = (number < plan.count).then(|| begun + after(number)).filter(|at| *at < plan.end);
            if next.is_some_and(|at| at <= now()) {
                series.sent();
                flight.push(self.echo(number, plan.patience.min(left(plan.end))));
                continue;
            }
            let ended = match next {
                Some(at) if flight.is_empty() => {
                    pause(left(at)).await;
                    continue;
                }
                Some(at) => within(left(at), flight.next()).await,
                None => Some(flight.next().await),
            };
            match ended {
                // It is time for the next one.
                None => {}
                Some(None) => return Ok(series),
                Some(Some((number, EchoOutcome::Answered(round_trip)))) => {
                    series.answered(number, round_trip)
                }
                Some(Some((_, EchoOutcome::Unsent(failure)))) => return Err(failure),
                // It ends a series that has no answer yet; later it is one more loss.
                Some(Some((_, EchoOutcome::Refused(message)))) if series.silent() => {
                    return Err(message.attribute(message.echo(), None, self.address));
                }
                Some(Some((_, EchoOutcome::Refused(_) | EchoOutcome::Lost))) => {}
            }
            if enough(&series) {
                return Ok(series);
            }
        }
    }

    /// One echo request and what became of it. Sequence numbers have 16 bits and start over after them; none is waited
    /// for that long.
    async fn echo(&self, number: u32, patience: Duration) -> (u32, EchoOutcome) {
        let sequence = PingSequence(u16::try_from(number & 0xffff).unwrap_or_default());
        let mut pinger = self.inner.pinger(self.address, self.identifier).await;
        pinger.timeout(patience);
        // A router's redirect takes the place of the answer it announces: the request is repeated once.
        for _ in 0..2 {
            match pinger.ping(sequence, &[0; USUAL]).await {
                Ok((packet, round_trip)) if answers(&packet) => {
                    return (number, EchoOutcome::Answered(round_trip));
                }
                Ok((packet, _)) => {
                    if let Some(message) = refusal(&packet) {
                        return (number, EchoOutcome::Refused(message));
                    }
                }
                // A queue on this machine discarded it: one more loss.
                Err(SurgeError::IOError(error)) if errno::kind(&error) != Kind::Shortage => {
                    return (number, EchoOutcome::Unsent(refused_here(&error)));
                }
                Err(_) => break,
            }
        }
        (number, EchoOutcome::Lost)
    }
}

fn family(address: IpAddr) -> ICMP {
    if address.is_ipv6() { ICMP::V6 } else { ICMP::V4 }
}

/// A datagram socket, else a raw one, from the interface and address the user named.
fn config(net: &Net, address: IpAddr) -> Config {
    let origin = net.egress();
    let mut config = Config::builder().kind(family(address)).sock_type_hint(Type::DGRAM);
    if let Some(interface) = &origin.interface {
        config = config.interface(interface);
    }
    if let Some(source) = origin.source.filter(|source| source.is_ipv6() == address.is_ipv6()) {
        config = config.bind(SocketAddr::new(source, 0));
    }
    config.build()
}

fn answers(packet: &IcmpPacket) -> bool {
    match packet {
        IcmpPacket::V4(packet) => packet.get_icmp_type().0 == 0,
        IcmpPacket::V6(packet) => packet.get_icmpv6_type().0 == 129,
    }
}

/// The error message that quotes our request (RFC 792; RFC 4443 section 2.1); redirects and the like are none.
fn refusal(packet: &IcmpPacket) -> Option<Icmp> {
    let (v6, kind, code, sender) = match packet {
        IcmpPacket::V4(packet) => {
            (false, packet.get_icmp_type().0, packet.get_icmp_code().0, packet.get_source().into())
        }
        IcmpPacket::V6(packet) => {
            (true, packet.get_icmpv6_type().0, packet.get_icmpv6_code().0, packet.get_source().into())
        }
    };
    matches!((v6, kind), (false, 3 | 11 | 12) | (true, 1..=4)).then_some(Icmp {
        v6,
        kind,
        code,
        sender: Some(sender),
        mtu: None,
    })
}

fn left(until: Instant) -> Duration {
    until.saturating_duration_since(now())
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use surge_ping::Icmpv4Packet;

    use super::*;

    /// What a raw socket receives: an ICMP message that quotes echo request 5 to 192.0.2.1.
    fn received(kind: u8, code: u8) -> IcmpPacket {
        let header = |source: [u8; 4], to: [u8; 4]| {
            let mut bytes = vec![0x45, 0, 0, 56, 0, 0, 0, 0, 64, 1, 0, 0];
            bytes.extend(source.into_iter().chain(to));
            bytes
        };
        let mut bytes = header([10, 20, 0, 1], [10, 20, 0, 2]);
        bytes.extend([kind, code, 0, 0, 0, 0, 0, 5]);
        bytes.extend(header([10, 20, 0, 2], [192, 0, 2, 1]));
        bytes.extend([8, 0, 0, 0, 0, 7, 0, 5]);
        let any = Ipv4Addr::UNSPECIFIED;
        IcmpPacket::V4(Icmpv4Packet::decode(&bytes, Type::RAW, any, any).expect("a whole message"))
    }

    #[test]
    fn an_error_message_is_a_refusal_with_its_sender() {
        let message = refusal(&received(3, 13)).expect("a refusal");
        assert_eq!(message.words(), "ICMP administratively prohibited (type 3 code 13) from 10.20.0.1");
        assert!(!answers(&received(3, 13)));
    }

    #[test]
    fn a_redirect_is_neither_an_answer_nor_a_refusal() {
        assert!(!answers(&received(5, 1)));
        assert_eq!(refusal(&received(5, 1)), None);
    }

    #[test]
    fn an_echo_reply_is_an_answer() {
        assert!(answers(&received(0, 0)));
        assert_eq!(refusal(&received(0, 0)), None);
    }
}
