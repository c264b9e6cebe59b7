//! The Allocate method of TURN (RFC 8656 section 7): what an answer says.

use std::net::SocketAddr;
use std::time::Duration;

use netcheck_common::failure::{Code, Failure};

use crate::binding::{declined, software};
use crate::message::{Class, Id, Key, Message, attribute};
use crate::session::Session;
use crate::wire::{Heard, Reply, Wire, malformed};

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

/// Asks for an allocation without credentials, and gives back what an open relay grants.
pub async fn allocate<W: Wire>(wire: &mut W, bound: Duration) -> Result<Reply<Answer>, Failure> {
    let mut session = Session::new(wire, None);
    let reply = session.allocate(bound).await?;
    session.release(bound).await;
    let answer = match &reply.value {
        Drew::Success(granted) => Answer::Granted(granted.clone()),
        Drew::Error(Refusal { number: Some(401), challenge: Some(challenge), .. }) => {
            Answer::Challenge(challenge.clone())
        }
        Drew::Error(refusal) => Answer::Declined(refusal.clone()),
    };
    Ok(reply.with(answer))
}

/// What a success holds.
pub fn granted(message: &Message<'_>) -> Granted {
    Granted {
        relayed: message.xor_address(attribute::XOR_RELAYED_ADDRESS),
        mapped: message.xor_address(attribute::XOR_MAPPED_ADDRESS),
        software: software(message),
    }
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
