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

use crate::allocate::{Challenge, Drew, Granted, Refusal, Signature, allocation, granted, read, release};
use crate::check::random;
use crate::facts::Turn;
use crate::message::{Class, Key, Message, Writer, attribute, method};
use crate::quality::Quality;
use crate::wire::{Plan, Wire, ask, series};

/// As long as 20 ms of speech (G.711).
const SPEECH: usize = 160;

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
    plan: Plan,
    timeout: Duration,
) -> Result<Result<Relayed, Refusal>, Failure> {
    // Whatever is waited for ends in time for the release.
    let bound = || timeout.min(plan.end.saturating_duration_since(now()));
    let mut signature = signature(credentials, challenge);
    let granted = match signed(wire, &signature, bound()).await? {
        Drew::Success(granted) => granted,
        // The nonce ran out between two packets (RFC 8489 section 9.2.5): once more with the new one.
        Drew::Error(Refusal { number: Some(438), challenge: Some(fresh), .. }) => {
            signature = self::signature(credentials, &fresh);
            match signed(wire, &signature, bound()).await? {
                Drew::Success(granted) => granted,
                Drew::Error(refusal) => return Ok(Err(refusal)),
            }
        }
        Drew::Error(refusal) => return Ok(Err(refusal)),
    };
    let echo = echo(wire, &signature, &granted, plan, bound()).await;
    release(wire, Some(&signature), timeout).await;
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

async fn signed<W: Wire>(
    wire: &mut W,
    signature: &Signature,
    bound: Duration,
) -> Result<Drew<Granted>, Failure> {
    let id = random();
    let request = signature.sign(allocation(id));
    let key = Some(&signature.key);
    let reply = ask(wire, &request, bound, |bytes| read(bytes, method::ALLOCATE, &id, key, granted)).await?;
    Ok(reply.value)
}

/// Lets the relay's own address in and sends to it: `measured`, `silent`, or `refused` by the server's policy.
async fn echo<W: Wire>(
    wire: &mut W,
    signature: &Signature,
    granted: &Granted,
    plan: Plan,
    bound: Duration,
) -> Result<(&'static str, Option<Quality>), Failure> {
    let Some(relayed) = granted.relayed else {
        return Err(Failure::new(Code::StunMalformed, "the allocation holds no relayed address"));
    };
    let id = random();
    let request = Writer::new(Class::Request, method::CREATE_PERMISSION, id)
        .xor_address(attribute::XOR_PEER_ADDRESS, relayed);
    let request = signature.sign(request);
    let key = Some(&signature.key);
    let permission =
        ask(wire, &request, bound, |bytes| read(bytes, method::CREATE_PERMISSION, &id, key, |_| ())).await?;
    if let Drew::Error(_) = permission.value {
        return Ok(("refused", None));
    }
    let mark: [u8; 8] = random();
    let probe = |number| indication(relayed, mark, number);
    let series = series(wire, plan, probe, |bytes| echoed(bytes, mark)).await?;
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
