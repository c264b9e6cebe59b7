//! The schemes `turn` and `turns`: an Allocate that draws a challenge proves the way to the relay; with credentials
//! the relay is used (relay.rs). What was allocated is always released.

use netcheck_common::escape;
use netcheck_common::failure::{Code, Failure, Layer};
use netcheck_common::target::Target;
use netcheck_common::tls::Hello;
use netcheck_common::trace::{Stopped, Trace};

use crate::allocate::{Answer, allocate};
use crate::check::{Udp, lossy};
use crate::facts::{Facts, Turn};
use crate::reach;
use crate::relay;
use crate::wire::{Framed, Reply, Wire};

/// TURN over UDP.
pub const TURN: Layer = Layer::new("turn", Code::UdpTimeout, Code::UdpRefused, Code::StunMalformed);
/// TURN over TCP.
pub const OVER_TCP: Layer = Layer::new("turn", Code::TcpTimeout, Code::TcpReset, Code::StunMalformed);
/// TURN over TLS over TCP.
pub const OVER_TLS: Layer = Layer::new("turn", Code::TlsTimeout, Code::TlsReset, Code::TlsClosed);

/// What carries TURN to its server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// A TCP connection.
    Tcp,
    /// TLS over TCP.
    Tls,
}

impl Transport {
    /// The word in facts and on the ladder.
    pub fn as_str(self) -> &'static str {
        match self {
            Transport::Udp => "udp",
            Transport::Tcp => "tcp",
            Transport::Tls => "tls",
        }
    }

    /// The codes of its silence and its ends.
    pub fn layer(self) -> Layer {
        match self {
            Transport::Udp => TURN,
            Transport::Tcp => OVER_TCP,
            Transport::Tls => OVER_TLS,
        }
    }

    /// What the target asks for (RFC 7065: `turns` and `?transport=`).
    fn of(target: &Target) -> Option<Transport> {
        match (target.scheme.name, target.query("transport")) {
            ("turn", None | Some("udp")) => Some(Transport::Udp),
            ("turn", Some("tcp")) => Some(Transport::Tcp),
            ("turns", None | Some("tcp")) => Some(Transport::Tls),
            _ => None,
        }
    }
}

/// The ClientHello of TURN over TLS (RFC 7443).
pub fn hello(target: &Target) -> Hello {
    let mut hello = Hello::to(&target.host);
    hello.alpn = vec![b"stun.turn".to_vec()];
    hello
}

/// Checks one target.
pub async fn check(udp: &Udp, target: &Target, trace: &mut Trace<Facts>) -> Result<(), Stopped> {
    match Transport::of(target) {
        Some(Transport::Udp) => {
            let addresses = trace.addresses(target).await?;
            let net = trace.diagnosis();
            let bound = reach::bound(&net);
            let port = target.port();
            let work = reach::race(&net, &addresses, port, |address| {
                let net = net.clone();
                async move {
                    let mut wire = net.udp(address, port).await?;
                    let reply = allocate(&mut wire, bound).await?;
                    Ok((wire, reply))
                }
            });
            let (wire, reply) = trace
                .stage_within(TURN, reach::outer(&net), udp.controls.beside(&net, Box::pin(work)))
                .await?;
            reach::settle(&net, &wire);
            proceed(udp, target, trace, Transport::Udp, wire, reply).await
        }
        Some(transport) => {
            let mut stream = trace.reach(target).await?;
            if transport == Transport::Tls {
                stream = trace.secure(stream, &hello(target)).await?.stream;
            }
            let mut wire = Framed::new(stream, transport.layer());
            let bound = reach::bound(&trace.diagnosis());
            let outer = reach::outer(&trace.diagnosis());
            let reply =
                trace.stage_within(transport.layer(), outer, Box::pin(allocate(&mut wire, bound))).await?;
            proceed(udp, target, trace, transport, wire, reply).await
        }
        None => {
            let detail = "the transport is not one of turn?transport=udp, turn?transport=tcp, turns";
            trace.stage(TURN, async { Err(Failure::new(Code::InputInvalid, detail)) }).await
        }
    }
}

/// After the first answer: a challenge is success, unless there are credentials to meet it with.
async fn proceed<W: Wire>(
    udp: &Udp,
    target: &Target,
    trace: &mut Trace<Facts>,
    transport: Transport,
    mut wire: W,
    reply: Reply<Answer>,
) -> Result<(), Stopped> {
    let mut turn = Turn { transport: transport.as_str(), round_trip_us: reply.micros(), ..Turn::default() };
    let layer = transport.layer();
    match reply.value {
        Answer::Challenge(challenge) => {
            turn.realm = Some(escape::bytes(&challenge.realm, 120));
            turn.software.clone_from(&challenge.software);
            trace.facts.turn = Some(turn);
            let Some(credentials) = &udp.credentials else { return Ok(()) };
            let net = trace.diagnosis();
            let bound = reach::bound(&net);
            let relay = Layer { name: "relay", ..layer };
            let work = relay::run(&mut wire, credentials, &challenge, udp.echo.plan(&net), bound);
            // Every wait inside has its own bound, so that the release is never cut off.
            let outcome = trace.stage_within(relay, net.left(), Box::pin(work)).await?;
            let turn = trace.facts.turn.get_or_insert_default();
            let relayed = match outcome {
                Ok(relayed) => relayed,
                Err(refusal) => {
                    turn.error = refusal.number;
                    return Err(trace.retract(refusal.failure()));
                }
            };
            relayed.note(turn);
            if let Some((failure, cause)) = relayed.silence(target) {
                trace.degrade(failure, Some(cause));
            }
            if let Some(quality) = relayed.quality {
                if udp.series.count.is_some()
                    && let Some((failure, cause)) = lossy(&quality, udp.min_mos, target)
                {
                    trace.degrade(failure, Some(cause));
                }
                trace.facts.quality = Some(quality);
            }
            Ok(())
        }
        Answer::Granted(granted) => {
            turn.open = true;
            turn.relayed = granted.relayed;
            turn.mapped = granted.mapped;
            turn.software = granted.software;
            trace.facts.turn = Some(turn);
            Ok(())
        }
        Answer::Declined(refusal) => {
            turn.error = refusal.number;
            trace.facts.turn = Some(turn);
            Err(trace.retract(refusal.failure()))
        }
    }
}
