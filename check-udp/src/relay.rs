//! A full TURN allocation with long-term credentials, and an echo through it (RFC 8656 sections 7, 9 and 11).
//!
//! The echo needs no second host: what we send to the relay's own address comes back as data from that address, over
//! whatever carries us to the relay.

use std::net::SocketAddr;
use std::time::Duration;

use netcheck_common::cause::{Cause, Reason, Who};
use netcheck_common::clock::now;
use netcheck_common::failure::{Code, Failure};
use netcheck_common::target::Target;

use crate::allocate::{Challenge, Drew, Granted, Refusal};
use crate::random::random;
use crate::facts::Turn;
use crate::message::{Class, Key, Message, Writer, attribute, method};
use crate::quality::Quality;
use crate::session::{Session, Signature};
use crate::wire::{Plan, Wire, series};

/// As long as 20 ms of speech (G.711).
const SPEECH: usize = 160;
/// A permission lasts five minutes (RFC 8656 section 9); what comes after it would be counted as lost.
const LONGEST: Duration = Duration::from_mins(4);

/// Name and password, as the environment gives them.
#[derive(Clone)]
pub struct Credentials {
    pub user: String,
    pub password: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The password must not reach a log.
        f.debug_struct("Credentials").field("user", &self.user).finish_non_exhaustive()
    }
}

/// What came of an allocation.
pub struct Relayed {
    granted: Granted,
    echo: &'static str,
    /// How the echo was.
    pub quality: Option<Quality>,
}

impl Relayed {
    /// Writes it into the facts.
    pub fn note(&self, turn: &mut Turn) {
        turn.relayed = self.granted.relayed;
        turn.mapped = self.granted.mapped;
        turn.echo = Some(self.echo);
        if self.granted.software.is_some() {
            turn.software.clone_from(&self.granted.software);
        }
    }

    /// What is wrong when the relay was allocated and relayed nothing.
    pub fn silence(&self, target: &Target) -> Option<(Failure, Cause)> {
        (self.echo == "silent").then(|| {
            let failure =
                Failure::new(Code::UdpTimeout, "the relay was allocated, and no echo came through it");
            let fix = format!(
                "Let the TURN server of {} send to and receive from its own relay addresses.",
                target.host
            );
            (
                failure,
                Cause::new(Reason::Unknown, Who::Service, fix).seen("allocation and permission were granted"),
            )
        })
    }
}

/// Allocates, echoes and releases; or what the server says instead of allocating.
pub async fn run<W: Wire>(
    wire: &mut W,
    credentials: &Credentials,
    challenge: &Challenge,
    mut plan: Plan,
    timeout: Duration,
) -> Result<Result<Relayed, Refusal>, Failure> {
    plan.end = plan.end.min(now() + LONGEST);
    // Whatever is waited for ends in time for the release.
    let bound = || timeout.min(plan.end.saturating_duration_since(now()));
    let mut session = Session::new(wire, Some(signature(credentials, challenge)));
    let granted = match session.allocate(bound()).await?.value {
        Drew::Success(granted) => granted,
        Drew::Error(refusal) => return Ok(Err(refusal)),
    };
    let echo = echo(&mut session, &granted, plan, bound()).await;
    session.release(timeout).await;
    let (echo, quality) = echo?;
    Ok(Ok(Relayed { granted, echo, quality }))
}

fn signature(credentials: &Credentials, challenge: &Challenge) -> Signature {
    // The key is made of text; a realm that is none cannot be met by any password.
    let realm = String::from_utf8_lossy(&challenge.realm);
    Signature {
        user: credentials.user.clone(),
        key: Key::new(&credentials.user, &realm, &credentials.password),
        realm: challenge.realm.clone(),
        nonce: challenge.nonce.clone(),
    }
}

/// Lets the relay's own address in and sends to it: `measured`, `silent`, or `refused` by the server's policy.
async fn echo<W: Wire>(
    session: &mut Session<'_, W>,
    granted: &Granted,
    plan: Plan,
    bound: Duration,
) -> Result<(&'static str, Option<Quality>), Failure> {
    let Some(relayed) = granted.relayed else {
        return Err(Failure::new(Code::StunMalformed, "the allocation holds no relayed address"));
    };
    let add = |request: Writer| request.xor_address(attribute::XOR_PEER_ADDRESS, relayed);
    let permission = session.ask(method::CREATE_PERMISSION, bound, add, |_| ()).await?;
    if let Drew::Error(_) = permission.value {
        return Ok(("refused", None));
    }
    let mark: [u8; 8] = random();
    let probe = |number| indication(relayed, mark, number);
    let series = series(session.wire(), plan, probe, |bytes| echoed(bytes, mark)).await?;
    Ok((if series.silent() { "silent" } else { "measured" }, series.quality()))
}

fn indication(peer: SocketAddr, mark: [u8; 8], number: u32) -> Vec<u8> {
    let mut data = [0; SPEECH];
    data[..8].copy_from_slice(&mark);
    data[8..12].copy_from_slice(&number.to_be_bytes());
    Writer::new(Class::Indication, method::SEND, random())
        .xor_address(attribute::XOR_PEER_ADDRESS, peer)
        .attribute(attribute::DATA, &data)
        .finish()
}

fn echoed(bytes: &[u8], mark: [u8; 8]) -> Option<u32> {
    let message = Message::parse(bytes).ok()?;
    let data = (message.class == Class::Indication && message.method == method::DATA)
        .then(|| message.value(attribute::DATA))??;
    let (head, rest) = data.split_first_chunk::<8>()?;
    (*head == mark).then(|| rest.first_chunk::<4>().map(|number| u32::from_be_bytes(*number)))?
}
