//! What stands in the header of a message that arrived: its author's domain, spam filters' marks, gateways' own fields.

use std::collections::BTreeSet;

use serde::Serialize;

use super::field::Block;
use super::hop;
use super::vendor;

/// The score from which Exchange puts a message into the junk folder.
const JUNK_SCL: i32 = 5;

/// Reads a mark: whether it means junk, and the score.
type Reading = fn(&str) -> Option<(bool, Option<String>)>;

/// What one spam filter wrote.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
pub struct Junk {
    /// The field it wrote into.
    pub field: &'static str,
    /// Whether it takes the message for junk.
    pub junk: bool,
    /// Its score.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<String>,
}

/// The marks of spam filters; of several fields of one name the newest.
#[must_use]
pub fn junk(block: &Block<'_>) -> Vec<Junk> {
    let mark = |field: &'static str, read: Reading| {
        let value = block.first(field)?;
        let text = String::from_utf8_lossy(&value[..value.len().min(2048)]);
        let (junk, score) = read(text.trim())?;
        Some(Junk { field, junk, score })
    };
    [
        mark("x-spam-flag", |text| Some((begins(text, "yes"), None))),
        mark("x-spam-status", |text| Some((begins(text, "yes"), after(text, "score=")))),
        mark("x-barracuda-spam-status", |text| Some((begins(text, "yes"), after(text, "SCORE=")))),
        mark("x-ms-exchange-organization-scl", level),
        mark("x-forefront-antispam-report", |text| level(&after(text, "SCL:")?)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn begins(text: &str, word: &str) -> bool {
    text.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word))
}

fn after(text: &str, key: &str) -> Option<String> {
    let (_, rest) = text.split_once(key)?;
    let number: String =
        rest.chars().take(8).take_while(|c| c.is_ascii_digit() || matches!(c, '-' | '.')).collect();
    (!number.is_empty()).then_some(number)
}

fn level(number: &str) -> Option<(bool, Option<String>)> {
    let level: i32 = number.trim().parse().ok()?;
    Some((level >= JUNK_SCL, Some(level.to_string())))
}

/// The delay that postgrey and its kin note: `delayed 602 seconds by postgrey-1.36 at mx.example.net`.
#[must_use]
pub fn greylisted(value: &[u8]) -> Option<u32> {
    let text = String::from_utf8_lossy(&value[..value.len().min(200)]);
    let mut words = text.split_whitespace().skip_while(|word| !word.eq_ignore_ascii_case("delayed")).skip(1);
    words.next()?.parse().ok()
}

/// The gateways whose own fields the message carries.
#[must_use]
pub fn gateways(block: &Block<'_>) -> Vec<&'static str> {
    let named: BTreeSet<_> = block.fields.iter().filter_map(|field| vendor::gateway(field.name)).collect();
    named.into_iter().collect()
}

/// The domain of the last address of a `From` field.
#[must_use]
pub fn domain(value: &[u8]) -> Option<String> {
    let value = &value[..value.len().min(16 << 10)];
    let at = value.iter().rposition(|&byte| byte == b'@')?;
    let rest = &value[at + 1..];
    let end =
        rest.iter().position(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'.' | b'-' | b'_'));
    hop::host(&rest[..end.unwrap_or(rest.len())])
}
