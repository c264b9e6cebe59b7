//! The text parts of a message (RFC 2046 section 5), found line by line.
//!
//! Nesting is never followed: a line is looked up among all the boundaries announced so far, and a part ends at the next such line.
//! So depth costs nothing, and the time is that of reading the body once.

use std::collections::HashSet;

use super::decode::{self, Encoding};
use super::field::{Block, bare, line};

/// The most text that is decoded of one message.
const MOST_TEXT: usize = 8 << 20;
/// The most boundaries remembered.
const MOST_BOUNDARIES: usize = 1000;
/// The longest boundary (RFC 2046 allows 70).
const LONGEST_BOUNDARY: usize = 200;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Message,
    Other,
}

struct Walk<'a> {
    boundaries: HashSet<Vec<u8>>,
    left: usize,
    visit: &'a mut dyn FnMut(&[u8]),
}

/// Whether the body of a multipart message ends with its closing delimiter; none where it is no multipart.
#[must_use]
pub fn is_closed(block: &Block<'_>) -> Option<bool> {
    let value = block.first("content-type")?;
    let multipart =
        value.trim_ascii_start().get(..10).is_some_and(|kind| kind.eq_ignore_ascii_case(b"multipart/"));
    let end = [b"--".as_slice(), &boundary(value).filter(|_| multipart)?, b"--"].concat();
    let mut rest = block.body;
    while !rest.is_empty() {
        let (first, after) = line(rest);
        if bare(first).trim_ascii_end() == end {
            return Some(true);
        }
        rest = after;
    }
    Some(false)
}

/// The first message attached to a multipart message as a whole (`message/rfc822`).
#[must_use]
pub fn attached<'a>(block: &Block<'a>) -> Option<&'a [u8]> {
    let delimiter = [b"--".as_slice(), &boundary(block.first("content-type")?)?].concat();
    let is_delimiter = |text: &[u8]| {
        bare(text).strip_prefix(&delimiter[..]).is_some_and(|end| matches!(end.trim_ascii_end(), b"" | b"--"))
    };
    let (mut rest, mut begun): (&[u8], Option<&[u8]>) = (block.body, None);
    loop {
        let (first, after) = line(rest);
        if first.is_empty() || is_delimiter(first) {
            if let Some(part) = begun.map(|begun| &begun[..begun.len() - rest.len()]) {
                let inner = Block::split(part);
                let kind = inner.first("content-type").unwrap_or_default().trim_ascii_start();
                let is_message =
                    kind.get(..14).is_some_and(|kind| kind.eq_ignore_ascii_case(b"message/rfc822"));
                let encoded =
                    inner.first("content-transfer-encoding").map(Encoding::named).unwrap_or_default();
                if is_message && encoded == Encoding::Identity {
                    return Some(inner.body);
                }
            }
            if first.is_empty() {
                return None;
            }
            begun = Some(after);
        }
        rest = after;
    }
}

/// Shows `visit` the decoded text of every text part, in order, at most 8 MiB of it.
pub fn texts(block: &Block<'_>, visit: &mut dyn FnMut(&[u8])) {
    let mut walk = Walk { boundaries: HashSet::new(), left: MOST_TEXT, visit };
    let (kind, encoding) = walk.declared(block);
    walk.body(block.body, kind, encoding);
}

impl Walk<'_> {
    /// The media type and transfer encoding that a header block declares for its body; a multipart boundary is kept.
    fn declared(&mut self, block: &Block<'_>) -> (Kind, Encoding) {
        let encoding = block.first("content-transfer-encoding").map(Encoding::named).unwrap_or_default();
        let Some(value) = block.first("content-type") else { return (Kind::Text, encoding) };
        let kind = value.trim_ascii_start();
        let is = |name: &[u8]| kind.get(..name.len()).is_some_and(|head| head.eq_ignore_ascii_case(name));
        if is(b"multipart/") {
            if let Some(boundary) = boundary(value)
                && self.boundaries.len() < MOST_BOUNDARIES
            {
                self.boundaries.insert(boundary);
            }
            return (Kind::Other, encoding);
        }
        match () {
            () if is(b"text/") => (Kind::Text, encoding),
            () if is(b"message/rfc822") || is(b"message/global") => (Kind::Message, encoding),
            () => (Kind::Other, encoding),
        }
    }

    fn body(&mut self, body: &[u8], mut kind: Kind, mut encoding: Encoding) {
        let (mut rest, mut begun) = (body, body);
        loop {
            while kind == Kind::Message {
                let inner = Block::split(rest);
                (kind, encoding) = self.declared(&inner);
                (rest, begun) = (inner.body, inner.body);
            }
            let (first, after) = line(rest);
            if first.is_empty() {
                return self.show(begun, kind, encoding);
            }
            if let Some(opens) = self.delimits(first) {
                self.show(&begun[..begun.len() - rest.len()], kind, encoding);
                // A part begins with its own header block, as a message does.
                kind = if opens { Kind::Message } else { Kind::Other };
                begun = after;
            }
            rest = after;
        }
    }

    /// Whether the line is a delimiter, and if so whether a part follows it.
    fn delimits(&self, line: &[u8]) -> Option<bool> {
        let text = line.strip_prefix(b"--")?;
        let text = bare(text).trim_ascii_end();
        if text.len() > LONGEST_BOUNDARY + 2 {
            return None;
        }
        if self.boundaries.contains(text) {
            return Some(true);
        }
        self.boundaries.contains(text.strip_suffix(b"--")?).then_some(false)
    }

    fn show(&mut self, raw: &[u8], kind: Kind, encoding: Encoding) {
        if kind != Kind::Text || raw.is_empty() || self.left == 0 {
            return;
        }
        let raw = &raw[..raw.len().min(self.left)];
        self.left -= raw.len();
        match encoding {
            Encoding::Identity => (self.visit)(raw),
            Encoding::Base64 => (self.visit)(&decode::base64(raw)),
            Encoding::Quoted => (self.visit)(&decode::quoted(raw)),
        }
    }
}

fn boundary(value: &[u8]) -> Option<Vec<u8>> {
    let value = &value[..value.len().min(4096)];
    let lower = value.to_ascii_lowercase();
    let at = lower.windows(9).position(|window| window == b"boundary=")? + 9;
    let text = &value[at..];
    let text = match text.strip_prefix(b"\"") {
        Some(quoted) => &quoted[..quoted.iter().position(|&byte| byte == b'"').unwrap_or(quoted.len())],
        None => {
            let end = |byte: &u8| byte.is_ascii_whitespace() || *byte == b';';
            &text[..text.iter().position(end).unwrap_or(text.len())]
        }
    };
    let text = text.trim_ascii_end();
    (!text.is_empty() && text.len() <= LONGEST_BOUNDARY).then(|| text.to_vec())
}
