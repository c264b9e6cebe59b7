//! A full TURN allocation with long-term credentials, and an echo through it (RFC 8656 sections 7, 9 and 11).
//!
//! The echo needs no second host: what is sent to the relay's own address comes back as data from that address, over
//! whatever carries it to the relay.

use std::net::SocketAddr;
use std::time::Duration;

use netcheck_common::cause::{Cause, Reason, Who};
use netcheck_common::clock::now;
use netcheck_common::failure::{Code, Failure};
use netcheck_common::net::Net;
use netcheck_common::target::Target;

use crate::binding;
use crate::credentials::Credentials;
use crate::facts::TurnFacts;
use crate::message::{Class, Id, Message, Writer, attribute, method};
use crate::quality::Quality;
use crate::random::random;
use crate::series::{SeriesPlan, send_series};
use crate::session::{Session, Signature};
use crate::turn_message::{Challenge, Granted, Outcome, Refusal};
use crate::wire::{Received, Wire, ask};

/// How many packets an echo through a relay is measured with, unless the user says how many.
pub const ECHOES: u32 = 5;
/// As long as 20 ms of speech (G.711).
const SPEECH: usize = 160;
/// A permission lasts five minutes (RFC 8656 section 9); what comes after it would be counted as lost.
const LONGEST: Duration = Duration::from_mins(4);
/// Error numbers (RFC 8656 section 19).
const FORBIDDEN: u16 = 403;
const ALLOCATION_MISMATCH: u16 = 437;

/// What came of an allocation.
pub struct Relayed {
    granted: Granted,
    /// How the echo went.
    pub echo: Echo,
    /// What the flow looks like to the server after it refused a request on it with 437.
    mapped_again: Option<SocketAddr>,
    /// What the echo measured.
    pub quality: Option<Quality>,
}

/// How an echo through a relay went.
#[derive(Clone, Debug)]
pub enum Echo {
    /// Echoes came back.
    Measured,
    /// None did.
    Silent,
    /// The server's policy forbids its own address as a peer (403).
    Forbidden,
    /// The server refused the permission for another reason.
    Declined(Refusal),
}

impl Echo {
    fn as_str(&self) -> Option<&'static str> {
        match self {
            Echo::Measured => Some("measured"),
            Echo::Silent => Some("silent"),
            Echo::Forbidden => Some("refused"),
            Echo::Declined(_) => None,
        }
    }
}

impl Relayed {
    /// Writes it into the facts.
    pub fn note(&self, turn: &mut TurnFacts) {
        turn.relayed = self.granted.relayed;
        turn.mapped = self.granted.mapped;
        turn.mapped_again = self.mapped_again;
        turn.echo = self.echo.as_str();
        if let Echo::Declined(refusal) = &self.echo {
            turn.error = refusal.number;
        }
        if self.granted.software.is_some() {
            turn.software.clone_from(&self.granted.software);
        }
    }
}

/// What a record says of an echo that stayed silent where no measurement was asked for.
pub const SILENT: &str = "allocation and permission were granted; no echo came back, so this server does not relay to its own addresses or relays nothing";

/// The failure of a relay that was allocated and relayed nothing.
pub fn silence() -> Failure {
    Failure::new(Code::UdpTimeout, "the relay was allocated, and no echo came through it")
}

/// Its cause.
pub fn silence_cause(target: &Target) -> Cause {
    let fix =
        format!("Let the TURN server of {} send to and receive from its own relay addresses.", target.host);
    Cause::new(Reason::Unknown, Who::Service, fix).with_evidence("allocation and permission were granted")
}

/// Allocates, echoes and releases; or what the server says instead of allocating.
pub async fn echo_through<W: Wire>(
    wire: &mut W,
    net: &Net,
    credentials: &Credentials,
    challenge: &Challenge,
    mut plan: SeriesPlan,
    dscp: Option<u8>,
    timeout: Duration,
) -> Result<Result<Relayed, Refusal>, Failure> {
    plan.end = plan.end.min(now() + LONGEST);
    // Whatever is waited for ends in time for the release.
    let bound = || timeout.min(plan.end.saturating_duration_since(now()));
    let mut session = Session::new(wire, Some(Signature::new(credentials, challenge)));
    let granted = match session.allocate(bound()).await?.value {
        Outcome::Success(granted) => granted,
        Outcome::Error(refusal) => return Ok(Err(refusal)),
    };
    let echoed = echo(&mut session, net, &granted, plan, dscp, bound()).await;
    let mapped_again = match &echoed {
        Ok((Echo::Declined(Refusal { number: Some(ALLOCATION_MISMATCH), .. }), _)) => {
            mapping(session.wire(), bound()).await
        }
        _ => None,
    };
    session.release(timeout).await;
    let (echo, quality) = echoed?;
    Ok(Ok(Relayed { granted, echo, mapped_again, quality }))
}

/// Lets the relay's own address in and sends to it.
async fn echo<W: Wire>(
    session: &mut Session<'_, W>,
    net: &Net,
    granted: &Granted,
    plan: SeriesPlan,
    dscp: Option<u8>,
    bound: Duration,
) -> Result<(Echo, Option<Quality>), Failure> {
    let Some(relayed) = granted.relayed else {
        return Err(Failure::new(Code::StunMalformed, "the allocation holds no relayed address"));
    };
    if let Outcome::Error(refusal) = session.permit(relayed, bound).await? {
        let forbidden = refusal.number == Some(FORBIDDEN);
        return Ok((if forbidden { Echo::Forbidden } else { Echo::Declined(refusal) }, None));
    }
    let mark: [u8; 8] = random();
    let probe = |number| send_indication(relayed, &probe_data(mark, number, SPEECH));
    let number = |bytes: &[u8]| data_indication(bytes).and_then(|data| probe_number(data, mark));
    let log = send_series(session.wire(), net, plan, dscp, probe, number).await?;
    Ok((if log.silent() { Echo::Silent } else { Echo::Measured }, log.quality()))
}

/// Us, as the server sees us on this flow now.
async fn mapping<W: Wire>(wire: &mut W, bound: Duration) -> Option<SocketAddr> {
    let bound = bound.min(Duration::from_millis(500));
    let read = |bytes: &[u8], ours: &dyn Fn(&Id) -> bool| match binding::read(bytes, ours) {
        // What is no answer to a Binding request here, was one to an earlier request.
        Received::Broken(_) => Received::Ignored,
        received => received,
    };
    Some(ask(wire, binding::question, bound, read).await.ok()?.value.ok()?.mapped)
}

/// The data of a numbered packet: the mark, the number, and as many zeros as fill it.
pub fn probe_data(mark: [u8; 8], number: u32, length: usize) -> Vec<u8> {
    let mut data = vec![0; length.max(12)];
    data[..8].copy_from_slice(&mark);
    data[8..12].copy_from_slice(&number.to_be_bytes());
    data
}

/// The number of a packet with that mark.
pub fn probe_number(data: &[u8], mark: [u8; 8]) -> Option<u32> {
    let (head, rest) = data.split_first_chunk::<8>()?;
    (*head == mark).then(|| rest.first_chunk::<4>().map(|number| u32::from_be_bytes(*number)))?
}

/// Data for a peer through the relay (RFC 8656 section 11.1).
pub fn send_indication(peer: SocketAddr, data: &[u8]) -> Vec<u8> {
    Writer::new(Class::Indication, method::SEND, random())
        .xor_address(attribute::XOR_PEER_ADDRESS, peer)
        .attribute(attribute::DATA, data)
        .finish()
}

/// The data that a peer sent through the relay (RFC 8656 section 11.4).
pub fn data_indication(bytes: &[u8]) -> Option<&[u8]> {
    let message = Message::parse(bytes).ok()?;
    (message.class == Class::Indication && message.method == method::DATA)
        .then(|| message.value(attribute::DATA))?
}
