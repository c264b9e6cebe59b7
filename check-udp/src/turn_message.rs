//! The answers of a TURN server (RFC 8656 sections 7 and 18): bytes in, values out, no sockets.

use std::net::SocketAddr;

use netcheck_common::escape;
use netcheck_common::failure::{Code, Failure};

use crate::binding::{declined, software};
use crate::message::{Class, Id, Key, Message, attribute};
use crate::wire::{Received, malformed};

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

/// The answer to a signed or unsigned request.
pub enum Outcome<T> {
    /// Success.
    Success(T),
    /// An error response.
    Error(Refusal),
}

/// An error response.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// Its number, 300 to 699.
    pub number: Option<u16>,
    /// Number and phrase, in words.
    pub words: String,
    /// What the server wants to be met with, where it says so.
    pub challenge: Option<Challenge>,
    /// The server it refers to (300 Try Alternate, RFC 8489 section 10).
    pub alternate: Option<Alternate>,
}

/// Another server that a server refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alternate {
    /// ALTERNATE-SERVER.
    pub address: SocketAddr,
    /// ALTERNATE-DOMAIN: the name its certificate is for.
    pub domain: Option<String>,
}

impl Refusal {
    /// As a failure of the record.
    pub fn failure(&self) -> Failure {
        Failure::new(Code::TurnError, format!("the server answers {}", self.words))
    }
}

/// What a success holds.
pub fn granted(message: &Message<'_>) -> Granted {
    Granted {
        relayed: message.xor_address(attribute::XOR_RELAYED_ADDRESS),
        mapped: message.xor_address(attribute::XOR_MAPPED_ADDRESS),
        software: software(message),
    }
}

/// What `bytes` are to the request whose transaction ids `ours` knows; a success has to be signed with `key`, where there is one.
pub fn read<T>(
    bytes: &[u8],
    method: u16,
    ours: &dyn Fn(&Id) -> bool,
    key: Option<&Key>,
    success: impl Fn(&Message<'_>) -> T,
) -> Received<(Id, Outcome<T>)> {
    let message = match Message::parse(bytes) {
        Ok(message) => message,
        Err(why) => return Received::Broken(malformed(why)),
    };
    if !ours(&message.id) || message.method != method {
        return Received::Ignored;
    }
    match message.class {
        Class::Request | Class::Indication => Received::Ignored,
        Class::Success if key.is_some_and(|key| !message.signed_by(key)) => {
            Received::Broken(Failure::new(Code::StunMalformed, "the success is not signed with our password"))
        }
        Class::Success => Received::Answer((message.id, Outcome::Success(success(&message)))),
        Class::Error => Received::Answer((message.id, Outcome::Error(refusal(&message)))),
    }
}

fn refusal(message: &Message<'_>) -> Refusal {
    let text = |kind: u16| message.value(kind).map(<[u8]>::to_vec);
    let challenge = text(attribute::REALM).zip(text(attribute::NONCE));
    Refusal {
        number: message.error().map(|(number, _)| number),
        words: declined(message),
        challenge: challenge.map(|(realm, nonce)| Challenge { realm, nonce, software: software(message) }),
        alternate: alternate(message),
    }
}

fn alternate(message: &Message<'_>) -> Option<Alternate> {
    message.error().filter(|(number, _)| *number == 300)?;
    let address = message.address(attribute::ALTERNATE_SERVER)?;
    let domain = message.value(attribute::ALTERNATE_DOMAIN).map(|name| escape::bytes(name, 253));
    Some(Alternate { address, domain: domain.filter(|name| !name.is_empty()) })
}
