//! The Binding method of STUN: what is asked, and what an answer says (RFC 8489 section 3).

use std::net::SocketAddr;

use netcheck_common::escape;
use netcheck_common::failure::{Code, Failure};

use crate::message::{Class, Id, Message, Writer, attribute, method};
use crate::random::random;
use crate::wire::{Received, malformed};

/// What a Binding response says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// Us, as the server sees us: XOR-MAPPED-ADDRESS, or what a server of RFC 3489 sends instead.
    pub mapped: SocketAddr,
    /// Whether the answer has XOR-MAPPED-ADDRESS; a server of RFC 3489 sends MAPPED-ADDRESS alone.
    pub masked: bool,
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

/// A Binding request with a fresh transaction id.
pub fn question() -> (Id, Vec<u8>) {
    let id = random();
    (id, request(id))
}

/// What a server runs, made harmless.
pub fn software(message: &Message<'_>) -> Option<String> {
    message.value(attribute::SOFTWARE).map(|name| escape::bytes(before_null(name), 80))
}

/// Number and phrase of an error response, in words.
pub fn declined(message: &Message<'_>) -> String {
    match message.error() {
        Some((number, phrase)) => {
            format!("{number} {}", escape::bytes(before_null(phrase), 80)).trim_end().to_owned()
        }
        None => "an error without a number".to_owned(),
    }
}

/// A text up to its first NUL: some servers pad with them.
fn before_null(text: &[u8]) -> &[u8] {
    text.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// What `bytes` are to the Binding request for which `ours` is true of its id.
pub fn read(bytes: &[u8], ours: &dyn Fn(&Id) -> bool) -> Received<(Id, Result<Binding, Failure>)> {
    let message = match Message::parse(bytes) {
        Ok(message) => message,
        Err(why) => return Received::Broken(malformed(why)),
    };
    if !ours(&message.id) || message.method != method::BINDING {
        return Received::Ignored;
    }
    match message.class {
        Class::Request | Class::Indication => Received::Ignored,
        Class::Error => {
            let detail = format!("the server answers {}", declined(&message));
            Received::Answer((message.id, Err(Failure::new(Code::StunError, detail))))
        }
        Class::Success => match success(&message) {
            Some(binding) => Received::Answer((message.id, Ok(binding))),
            None => {
                Received::Broken(Failure::new(Code::StunMalformed, "the Binding response holds no address"))
            }
        },
    }
}

fn success(message: &Message<'_>) -> Option<Binding> {
    let plain = message.address(attribute::MAPPED_ADDRESS);
    let masked = message.xor_address(attribute::XOR_MAPPED_ADDRESS);
    let mapped = masked.or(plain)?;
    let other = message.address(attribute::OTHER_ADDRESS);
    Some(Binding { mapped, masked: masked.is_some(), plain, other, software: software(message) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phrase_ends_at_its_first_null() {
        let error = |phrase: &[u8]| {
            let value = [&[0, 0, 4, 1], phrase].concat();
            let bytes =
                Writer::new(Class::Error, method::BINDING, [7; 12]).attribute(attribute::ERROR_CODE, &value);
            declined(&Message::parse(&bytes.finish()).expect("a message"))
        };
        assert_eq!(error(b"Unauthorized\0\0\0\0"), "401 Unauthorized");
        assert_eq!(error(b"\0rest"), "401");
    }
}
