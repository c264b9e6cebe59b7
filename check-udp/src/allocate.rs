//! The Allocate and Refresh methods of TURN (RFC 8656 sections 7 and 8): what is asked, and what an answer says.

use std::net::SocketAddr;
use std::time::Duration;

use netcheck_common::failure::{Code, Failure};

use crate::binding::{declined, software};
use crate::check::random;
use crate::message::{Class, Id, Key, Message, Writer, attribute, method};
use crate::wire::{Heard, Reply, Wire, ask, malformed};

/// REQUESTED-TRANSPORT: UDP (RFC 8656 section 18.7).
const UDP: [u8; 4] = [17, 0, 0, 0];

/// What a server wants to be met with.
#[derive(Clone, Debug)]
pub struct Challenge {
    /// Which credentials.
    pub realm: Vec<u8>,
    /// To be sent back as it is.
    pub nonce: Vec<u8>,
    /// What the server says it runs.
    pub software: Option<String>,
}

/// An allocation.
#[derive(Clone, Debug)]
pub struct Granted {
    /// The relay's address.
    pub relayed: Option<SocketAddr>,
    /// Us, as the server sees us.
    pub mapped: Option<SocketAddr>,
    /// What the server says it runs.
    pub software: Option<String>,
}

/// How a server answers an Allocate without credentials.
#[derive(Clone, Debug)]
pub enum Answer {
    /// 401 with realm and nonce: what a healthy server does.
    Challenge(Challenge),
    /// It relays for anyone.
    Granted(Granted),
    /// Another error.
    Declined(Refusal),
}

/// Who we are to a server: the name, the key made of the password, and what it wants sent back.
pub struct Signature {
    pub user: String,
    pub key: Key,
    pub realm: Vec<u8>,
    pub nonce: Vec<u8>,
}

impl Signature {
    /// Signs a request.
    pub fn sign(&self, request: Writer) -> Vec<u8> {
        request
            .attribute(attribute::USERNAME, self.user.as_bytes())
            .attribute(attribute::REALM, &self.realm)
            .attribute(attribute::NONCE, &self.nonce)
            .signed(&self.key)
            .finish()
    }
}

/// What a signed or unsigned request drew.
pub enum Drew<T> {
    /// Success.
    Success(T),
    /// An error response.
    Error(Refusal),
}

/// An error response.
#[derive(Clone, Debug)]
pub struct Refusal {
    pub number: Option<u16>,
    pub words: String,
    pub challenge: Option<Challenge>,
}

impl Refusal {
    /// As a failure of the record.
    pub fn failure(&self) -> Failure {
        Failure::new(Code::TurnError, format!("the server answers {}", self.words))
    }
}

/// Asks for an allocation without credentials.
pub async fn allocate<W: Wire>(wire: &mut W, bound: Duration) -> Result<Reply<Answer>, Failure> {
    let id = random();
    let request = allocation(id).finish();
    let reply = ask(wire, &request, bound, |bytes| read(bytes, method::ALLOCATE, &id, None, granted)).await?;
    let answer = match &reply.value {
        Drew::Success(granted) => Answer::Granted(granted.clone()),
        Drew::Error(Refusal { number: Some(401), challenge: Some(challenge), .. }) => {
            Answer::Challenge(challenge.clone())
        }
        Drew::Error(refusal) => Answer::Declined(refusal.clone()),
    };
    Ok(reply.with(answer))
}

/// An Allocate request, to be signed or not.
pub fn allocation(id: Id) -> Writer {
    Writer::new(Class::Request, method::ALLOCATE, id).attribute(attribute::REQUESTED_TRANSPORT, &UDP)
}

/// What a success holds.
pub fn granted(message: &Message<'_>) -> Granted {
    Granted {
        relayed: message.xor_address(attribute::XOR_RELAYED_ADDRESS),
        mapped: message.xor_address(attribute::XOR_MAPPED_ADDRESS),
        software: software(message),
    }
}

/// Gives the allocation back. The server's word on it changes nothing, so it is not waited for longer than a moment.
pub async fn release<W: Wire>(wire: &mut W, signature: Option<&Signature>, bound: Duration) {
    let id = random();
    let request = Writer::new(Class::Request, method::REFRESH, id).attribute(attribute::LIFETIME, &[0; 4]);
    let request = match signature {
        Some(signature) => signature.sign(request),
        None => request.finish(),
    };
    let bound = bound.min(Duration::from_millis(800));
    // Unanswered or not: there is nothing more to be done about it, and a server forgets it by itself.
    let _ = ask(wire, &request, bound, |bytes| read(bytes, method::REFRESH, &id, None, |_| ())).await;
}

/// What `bytes` are to the request with that id; a success has to be signed with `key`, where there is one.
pub fn read<T>(
    bytes: &[u8],
    method: u16,
    id: &Id,
    key: Option<&Key>,
    success: impl Fn(&Message<'_>) -> T,
) -> Heard<Drew<T>> {
    let message = match Message::parse(bytes) {
        Ok(message) => message,
        Err(why) => return Heard::Broken(malformed(why)),
    };
    if message.id != *id || message.method != method {
        return Heard::Ignored;
    }
    match message.class {
        Class::Request | Class::Indication => Heard::Ignored,
        Class::Success if key.is_some_and(|key| !message.signed_by(key)) => {
            Heard::Broken(Failure::new(Code::StunMalformed, "the success is not signed with our password"))
        }
        Class::Success => Heard::Answer(Drew::Success(success(&message))),
        Class::Error => Heard::Answer(Drew::Error(refusal(&message))),
    }
}

fn refusal(message: &Message<'_>) -> Refusal {
    let text = |kind: u16| message.value(kind).map(<[u8]>::to_vec);
    let challenge = text(attribute::REALM).zip(text(attribute::NONCE));
    Refusal {
        number: message.error().map(|(number, _)| number),
        words: declined(message),
        challenge: challenge.map(|(realm, nonce)| Challenge { realm, nonce, software: software(message) }),
    }
}
