//! The server name in a QUIC Initial, as a filter reads it: its keys are public (RFC 9001 section 5.2).

use rustls::Side;
use rustls::quic::{Keys, Version};

const V1: [u8; 4] = [0, 0, 0, 1];

/// The name a client asks for, where the datagram is a version 1 Initial that holds the ClientHello's beginning.
#[must_use]
pub fn server_name(datagram: &[u8]) -> Option<String> {
    let mut hello = Vec::new();
    crypto(&plain(datagram)?, &mut hello)?;
    name_in(&hello)
}

/// The ClientHello of a connection's first datagrams; none where a part of it is missing.
#[must_use]
pub fn client_hello(datagrams: &[Vec<u8>]) -> Option<Vec<u8>> {
    let mut hello = Vec::new();
    let mut known = Vec::new();
    for datagram in datagrams {
        if let Some(frames) = plain(datagram) {
            known.extend(crypto(&frames, &mut hello)?);
        }
    }
    let [1, a, b, c] = *hello.first_chunk()? else { return None };
    let whole = 4 + usize::try_from(u32::from_be_bytes([0, a, b, c])).ok()?;
    hello.truncate(whole);
    known.sort_unstable();
    let covered =
        known.iter().fold(0, |covered, (from, to)| if *from <= covered { covered.max(*to) } else { covered });
    (covered >= whole).then_some(hello)
}

/// Whether a datagram begins with an Initial.
#[must_use]
pub fn is_initial(datagram: &[u8]) -> bool {
    datagram.first().is_some_and(|first| first & 0xf0 == 0xc0) && datagram.get(1..5) == Some(&V1)
}

/// Where in the ClientHello the first part begins that this Initial holds.
#[must_use]
pub fn first_offset(datagram: &[u8]) -> Option<u64> {
    let parts = crypto(&plain(datagram)?, &mut Vec::new())?;
    parts.first().and_then(|(from, _)| u64::try_from(*from).ok())
}

/// The destination connection id of a version 1 Initial: it is the same in all of a client's first flight.
#[must_use]
pub fn destination(datagram: &[u8]) -> Option<&[u8]> {
    if is_initial(datagram) { prefixed(datagram, &mut 5) } else { None }
}

/// Removes header protection and encryption (RFC 9001 sections 5.3 and 5.4).
fn plain(datagram: &[u8]) -> Option<Vec<u8>> {
    // Long header, Initial (RFC 9000 section 17.2.2).
    if datagram.first()? & 0xf0 != 0xc0 || datagram.get(1..5)? != V1 {
        return None;
    }
    let mut at = 5;
    let destination = prefixed(datagram, &mut at)?;
    prefixed(datagram, &mut at)?;
    let token = integer(datagram, &mut at)?;
    at += usize::try_from(token).ok()?;
    let length = usize::try_from(integer(datagram, &mut at)?).ok()?;
    let mut packet = datagram.get(..at.checked_add(length)?)?.to_vec();

    let suite = rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256.tls13()?;
    let keys = Keys::initial(Version::V1, suite, suite.quic?, destination, Side::Server);
    let (head, sample) = packet.split_at_mut_checked(at + 4)?;
    let (first, rest) = head.split_first_mut()?;
    let number = rest.get_mut(at - 1..)?;
    keys.remote.header.decrypt_in_place(sample.get(..16)?, first, number).ok()?;
    let width = usize::from(*first & 3) + 1;
    let number = number[..width].iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
    let (header, payload) = packet.split_at_mut_checked(at + width)?;
    keys.remote.packet.decrypt_in_place(number, header, payload).ok().map(<[u8]>::to_vec)
}

/// Puts the CRYPTO frames where they belong (RFC 9000 section 19.6), and tells which bytes they are.
fn crypto(frames: &[u8], stream: &mut Vec<u8>) -> Option<Vec<(usize, usize)>> {
    let (mut at, mut known) = (0, Vec::new());
    while let Some(kind) = frames.get(at) {
        at += 1;
        match kind {
            0 | 1 => {}
            6 => {
                let offset =
                    usize::try_from(integer(frames, &mut at)?).ok().filter(|offset| *offset < 1 << 16)?;
                let length = usize::try_from(integer(frames, &mut at)?).ok()?;
                let data = frames.get(at..at.checked_add(length)?)?;
                at += length;
                stream.resize(stream.len().max(offset + length), 0);
                stream[offset..offset + length].copy_from_slice(data);
                known.push((offset, offset + length));
            }
            _ => break,
        }
    }
    Some(known)
}

/// The server_name extension of a ClientHello (RFC 6066 section 3).
fn name_in(hello: &[u8]) -> Option<String> {
    let mut at = 4 + 2 + 32;
    at += 1 + usize::from(*hello.get(at)?);
    at += 2 + short(hello, at)?;
    at += 1 + usize::from(*hello.get(at)?);
    at += 2;
    loop {
        let (kind, length) = (short(hello, at)?, short(hello, at + 2)?);
        if kind == 0 {
            let name = hello.get(at + 9..at + 4 + length)?;
            return Some(String::from_utf8_lossy(name).to_ascii_lowercase());
        }
        at += 4 + length;
    }
}

fn short(bytes: &[u8], at: usize) -> Option<usize> {
    Some(usize::from(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?)))
}

fn prefixed<'a>(bytes: &'a [u8], at: &mut usize) -> Option<&'a [u8]> {
    let length = usize::from(*bytes.get(*at)?);
    let value = bytes.get(*at + 1..*at + 1 + length)?;
    *at += 1 + length;
    Some(value)
}

/// A variable-length integer (RFC 9000 section 16).
fn integer(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let first = *bytes.get(*at)?;
    let length = 1 << (first >> 6);
    let rest = bytes.get(*at + 1..*at + length)?;
    *at += length;
    Some(rest.iter().fold(u64::from(first & 0x3f), |value, byte| value << 8 | u64::from(*byte)))
}
