//! One hop of a message: what a `Received` field says (RFC 5321 section 4.4).

use mail_parser::DateTime;

use super::field::Block;

/// The most bytes of one field looked at, from either end.
const LONGEST: usize = 2048;
/// The most hops looked at, newest first: mail that went through a hundred is in a loop (RFC 5321 section 6.3).
const MOST: usize = 1000;

/// One hop.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hop {
    /// Who took the message.
    pub by: Option<String>,
    /// Who gave it, by its own word.
    pub from: Option<String>,
    /// When, in seconds since 1970 by the clock of `by`.
    pub time: Option<i64>,
}

/// The hops of a message, oldest first.
#[must_use]
pub fn chain(block: &Block<'_>) -> Vec<Hop> {
    let mut hops: Vec<Hop> = block.all("received").take(MOST).map(Hop::parse).collect();
    hops.reverse();
    hops
}

impl Hop {
    /// Reads one field. What it does not say, or says in no form a hop should, is absent.
    #[must_use]
    pub fn parse(value: &[u8]) -> Hop {
        let clauses = &value[..value.len().min(LONGEST)];
        let mut hop = Hop { time: stamp(value), ..Hop::default() };
        let mut words = Words { rest: clauses };
        while let Some(word) = words.next() {
            let slot = match word {
                word if word.eq_ignore_ascii_case(b"from") => &mut hop.from,
                word if word.eq_ignore_ascii_case(b"by") => &mut hop.by,
                _ => continue,
            };
            if slot.is_none() {
                *slot = words.next().and_then(host);
            }
        }
        hop
    }
}

/// The time after the last semicolon.
fn stamp(value: &[u8]) -> Option<i64> {
    let tail = &value[value.len().saturating_sub(LONGEST)..];
    let at = tail.iter().rposition(|&byte| byte == b';')?;
    time(&tail[at + 1..])
}

/// A date of RFC 5322 section 3.3, in seconds since 1970.
#[must_use]
pub fn time(text: &[u8]) -> Option<i64> {
    let text = String::from_utf8_lossy(&text[..text.len().min(200)]);
    let date = DateTime::parse_rfc822(text.trim())?;
    date.is_valid().then(|| date.to_timestamp())
}

/// A host as a record may carry it: lower-cased, of the letters hosts are made of, and nothing with an `@`.
#[must_use]
pub fn host(text: &[u8]) -> Option<String> {
    let text = text.trim_ascii();
    let text = text.strip_prefix(b"[").unwrap_or(text);
    let text = text.strip_suffix(b"]").unwrap_or(text);
    let text = text.strip_suffix(b".").unwrap_or(text);
    let fits = !text.is_empty()
        && text.len() <= 253
        && text.iter().all(|&byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':'));
    fits.then(|| String::from_utf8_lossy(text).to_ascii_lowercase())
}

/// The words of a field outside its comments, up to the date.
struct Words<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Words<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let mut depth = 0_usize;
        let mut at = 0;
        loop {
            match *self.rest.get(at)? {
                b'(' => depth += 1,
                b')' => depth = depth.saturating_sub(1),
                b';' if depth == 0 => return None,
                byte if depth == 0 && !byte.is_ascii_whitespace() => break,
                _ => {}
            }
            at += 1;
        }
        let word = &self.rest[at..];
        let end = word
            .iter()
            .position(|&byte| byte.is_ascii_whitespace() || matches!(byte, b'(' | b';'))
            .unwrap_or(word.len());
        self.rest = &word[end..];
        Some(&word[..end])
    }
}
