//! The Binding method of STUN: what is asked, and what an answer says (RFC 8489 section 3).

use std::net::SocketAddr;

use netcheck_common::escape;
use netcheck_common::failure::{Code, Failure};

use crate::message::{Class, Id, Message, Writer, attribute, method};
use crate::wire::{Heard, malformed};

/// What a Binding response says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// Us, as the server sees us: XOR-MAPPED-ADDRESS, or what a server of RFC 3489 sends instead.
    pub mapped: SocketAddr,
    /// MAPPED-ADDRESS, which a device that rewrites payloads can find.
    pub plain: Option<SocketAddr>,
    /// OTHER-ADDRESS (RFC 5780 section 7.4).
    pub other: Option<SocketAddr>,
    /// SOFTWARE.
    pub software: Option<String>,
}

impl Binding {
    /// The failure, where the two addresses differ.
    pub fn mismatch(&self) -> Option<Failure> {
        let plain = self.plain.filter(|plain| *plain != self.mapped)?;
        let detail = format!("MAPPED-ADDRESS is {plain}, XOR-MAPPED-ADDRESS is {}", self.mapped);
        Some(Failure::new(Code::StunMismatch, detail))
    }
}

/// A Binding request.
pub fn request(id: Id) -> Vec<u8> {
    Writer::new(Class::Request, method::BINDING, id).finish()
}

/// What a server runs, made harmless.
pub fn software(message: &Message<'_>) -> Option<String> {
    message.value(attribute::SOFTWARE).map(|name| escape::bytes(name, 80))
}

/// Number and phrase of an error response, in words.
pub fn declined(message: &Message<'_>) -> String {
    match message.error() {
        Some((number, phrase)) => format!("{number} {}", escape::bytes(phrase, 80)).trim_end().to_owned(),
        None => "an error without a number".to_owned(),
    }
}

/// What `bytes` are to the Binding request for which `ours` is true of its id.
pub fn read(bytes: &[u8], ours: impl Fn(&Id) -> bool) -> Heard<(Id, Result<Binding, Failure>)> {
    let message = match Message::parse(bytes) {
        Ok(message) => message,
        Err(why) => return Heard::Broken(malformed(why)),
    };
    if !ours(&message.id) || message.method != method::BINDING {
        return Heard::Ignored;
    }
    match message.class {
        Class::Request | Class::Indication => Heard::Ignored,
        Class::Error => {
            let detail = format!("the server answers {}", declined(&message));
            Heard::Answer((message.id, Err(Failure::new(Code::StunError, detail))))
        }
        Class::Success => match success(&message) {
            Some(binding) => Heard::Answer((message.id, Ok(binding))),
            None => Heard::Broken(Failure::new(Code::StunMalformed, "the Binding response holds no address")),
        },
    }
}

fn success(message: &Message<'_>) -> Option<Binding> {
    let plain = message.address(attribute::MAPPED_ADDRESS);
    let mapped = message.xor_address(attribute::XOR_MAPPED_ADDRESS).or(plain)?;
    let other = message.address(attribute::OTHER_ADDRESS);
    Some(Binding { mapped, plain, other, software: software(message) })
}
