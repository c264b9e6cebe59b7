//! Files that are not one whole message as received: what is wrong with them, and the message they still show.

use std::ops::Range;

use super::arrival;
use super::field::{Block, bare, line};
use super::part;

/// What Outlook writes above a header that is copied out of it.
const OUTLOOK: &[u8] = b"Microsoft Mail Internet Headers";
/// Body hashes of nothing: SHA-256 of the empty body, relaxed and simple (RFC 6376 section 3.4).
const EMPTY_BODY: [&[u8]; 2] =
    [b"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", b"frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY="];

/// What is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Defect {
    /// It is text in UTF-16.
    Utf16,
    /// Its lines end in CR alone.
    BareCr,
    /// Its lines end in CR CR LF.
    DoubledCr,
    /// Outlook's own first line is above the header.
    OutlookHeader,
    /// It is a mailbox of several messages.
    SeveralMessages(usize),
    /// The message is an attachment of another one.
    Attached,
    /// There is a header and no body.
    HeaderOnly,
    /// The body ends before its last part does.
    Truncated,
    /// It does not show that anybody received it.
    NotReceived,
    /// Lines that began with "From " were changed by a mailbox file.
    EscapedFrom,
}

impl Defect {
    /// The defect in words.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Defect::Utf16 => "the file is UTF-16 text, not the bytes of a message".to_owned(),
            Defect::BareCr => "the lines of the file end in CR alone".to_owned(),
            Defect::DoubledCr => "the lines of the file end in CR CR LF".to_owned(),
            Defect::OutlookHeader => "the file is a header copied out of Outlook".to_owned(),
            Defect::SeveralMessages(count) => {
                format!("the file is a mailbox of {count} messages; the first one is shown")
            }
            Defect::Attached => "the message is an attachment of another one, which was read instead".to_owned(),
            Defect::HeaderOnly => "the file has a header and no body".to_owned(),
            Defect::Truncated => "the body ends before its last part does".to_owned(),
            Defect::NotReceived => "the message has no Received field: it is not a message as received".to_owned(),
            Defect::EscapedFrom => {
                "a mailbox file has put \">\" before lines that begin with \"From \"; without it the signature is valid".to_owned()
            }
        }
    }

    /// Whether the body cannot be compared with what was signed.
    #[must_use]
    pub fn hides_body(&self) -> bool {
        matches!(self, Defect::HeaderOnly | Defect::Truncated | Defect::OutlookHeader)
    }
}

/// A file with its message found.
#[derive(Debug)]
pub struct Prepared {
    bytes: Vec<u8>,
    message: Range<usize>,
    /// What is wrong with the file.
    pub defects: Vec<Defect>,
}

impl Prepared {
    /// Finds the message of a file.
    #[must_use]
    pub fn of(raw: Vec<u8>) -> Prepared {
        let mut defects = Vec::new();
        let bytes = with_lines(from_utf16(raw, &mut defects), &mut defects);
        let mut message = 0..bytes.len();
        message.start = first_line(&bytes, &mut defects);
        let (end, count) = mailbox(&bytes[message.clone()]);
        if count > 1 {
            message.end = message.start + end;
            defects.push(Defect::SeveralMessages(count));
        }
        let mut prepared = Prepared { bytes, message, defects };
        prepared.open_attached_message();
        prepared
    }

    /// The message.
    #[must_use]
    pub fn message(&self) -> &[u8] {
        &self.bytes[self.message.clone()]
    }

    /// Goes to an attached message, and looks for what is missing.
    fn open_attached_message(&mut self) {
        let block = Block::split(self.message());
        if let Some(inner) = part::attached(&block)
            && is_the_message(&block, inner)
        {
            let length = inner.len();
            let start = inner.as_ptr() as usize - self.bytes.as_ptr() as usize;
            self.message = start..start + length;
            self.defects.push(Defect::Attached);
        }
        let block = Block::split(self.message());
        let missing = missing(&block);
        self.defects.extend(missing);
    }
}

/// Whether an attached message is the one in question: it was received from somebody else, or the outer one is unsigned.
fn is_the_message(outer: &Block<'_>, inner: &[u8]) -> bool {
    let inner = Block::split(inner);
    let author = |block: &Block<'_>| block.first("from").and_then(arrival::domain);
    let foreign = author(outer) != author(&inner) || outer.first("dkim-signature").is_none();
    inner.first("received").is_some() && foreign
}

fn missing(block: &Block<'_>) -> Vec<Defect> {
    let mut defects = Vec::new();
    if block.is_message() && block.first("received").is_none() {
        defects.push(Defect::NotReceived);
    }
    let signed = block.all("dkim-signature").any(|value| {
        let value: Vec<u8> = value.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
        let has = |hash: &[u8]| value.windows(hash.len()).any(|window| window == hash);
        !EMPTY_BODY.iter().any(|hash| has(hash))
    });
    let multipart = part::is_closed(block);
    if block.body.trim_ascii().is_empty() {
        if signed || multipart.is_some() {
            defects.push(Defect::HeaderOnly);
        }
    } else if multipart == Some(false) {
        defects.push(Defect::Truncated);
    }
    defects
}

fn from_utf16(raw: Vec<u8>, defects: &mut Vec<Defect>) -> Vec<u8> {
    let big = match raw.get(..4) {
        Some([0xff, 0xfe, ..]) => false,
        Some([0xfe, 0xff, ..]) => true,
        Some([first, 0, second, 0]) if first.is_ascii_graphic() && second.is_ascii_graphic() => false,
        Some([0, first, 0, second]) if first.is_ascii_graphic() && second.is_ascii_graphic() => true,
        _ => return raw,
    };
    defects.push(Defect::Utf16);
    let units = raw.chunks_exact(2).map(|pair| {
        let pair = [pair[0], pair[1]];
        if big { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) }
    });
    let text: String = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    text.trim_start_matches('\u{feff}').as_bytes().to_vec()
}

/// Repairs line ends that no mail server writes.
fn with_lines(raw: Vec<u8>, defects: &mut Vec<Defect>) -> Vec<u8> {
    let has_lf = raw.contains(&b'\n');
    if !has_lf && raw.contains(&b'\r') {
        defects.push(Defect::BareCr);
        return raw
            .iter()
            .flat_map(|&byte| [byte, b'\n'].into_iter().take(if byte == b'\r' { 2 } else { 1 }))
            .collect();
    }
    let first = line(&raw).0;
    if !first.ends_with(b"\r\r\n") {
        return raw;
    }
    defects.push(Defect::DoubledCr);
    let mut out = Vec::with_capacity(raw.len());
    for (at, &byte) in raw.iter().enumerate() {
        if byte != b'\r' || raw.get(at + 1..at + 3) != Some(b"\r\n") {
            out.push(byte);
        }
    }
    out
}

/// Where the header begins, after Outlook's own first line.
fn first_line(bytes: &[u8], defects: &mut Vec<Defect>) -> usize {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if !text.starts_with(OUTLOOK) {
        return 0;
    }
    defects.push(Defect::OutlookHeader);
    bytes.len() - line(text).1.len()
}

/// The end of the first message of a mailbox, and how many there are: a "From " line after an empty one, and a header field after it.
fn mailbox(bytes: &[u8]) -> (usize, usize) {
    if !bytes.starts_with(b"From ") {
        return (bytes.len(), 1);
    }
    let (mut rest, mut blank, mut count, mut end) = (bytes, true, 0, None);
    while !rest.is_empty() {
        let (first, after) = line(rest);
        if blank && first.starts_with(b"From ") && is_field(line(after).0) {
            count += 1;
            if count == 2 {
                end = Some(bytes.len() - rest.len());
            }
        }
        blank = bare(first).is_empty();
        rest = after;
    }
    (end.unwrap_or(bytes.len()), count.max(1))
}

fn is_field(line: &[u8]) -> bool {
    let colon = line.iter().take(77).position(|&byte| byte == b':');
    colon.is_some_and(|at| at > 0 && line[..at].iter().all(u8::is_ascii_graphic))
}

/// The message with the ">" taken from lines that begin with ">From ", where there are any.
#[must_use]
pub fn without_escapes(message: &[u8]) -> Option<Vec<u8>> {
    let head = message.len() - Block::split(message).body.len();
    let mut out = message[..head].to_vec();
    let (mut rest, mut found) = (&message[head..], false);
    while !rest.is_empty() {
        let (first, after) = line(rest);
        let escaped = first.starts_with(b">From ");
        found |= escaped;
        out.extend_from_slice(&first[usize::from(escaped)..]);
        rest = after;
    }
    found.then_some(out)
}
