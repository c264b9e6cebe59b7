//! What the receiving side wrote into the header: marks of spam filters, greylisting, gateways' own fields.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use super::field::Field;
use super::vendor;

/// The score from which Exchange puts a message into the junk folder.
const JUNK_SCL: i32 = 5;
/// What Exchange calls a message it does not deliver to the inbox (`SFV`, `CAT` of X-Forefront-Antispam-Report).
const JUNK_VERDICTS: [&str; 4] = ["SPM", "SKS", "SKB", "SKQ"];
const JUNK_CATEGORIES: [&str; 13] = [
    "SPM", "HSPM", "BULK", "PHSH", "HPHISH", "HPHSH", "SPOOF", "MALW", "DIMP", "UIMP", "GIMP", "INTOS", "AMP",
];

/// Reads a mark: whether it means junk, and the score.
type Reading = fn(&str) -> Option<(bool, Option<String>)>;

/// The fields read: name and meaning.
const FIELDS: [(&str, Reading); 17] = [
    ("x-spam-flag", |text| Some((begins(text, "yes"), None))),
    ("x-spam", |text| Some((begins(text, "yes"), None))),
    ("x-spam-status", |text| Some((begins(text, "yes"), after(text, "score=")))),
    ("x-barracuda-spam-status", |text| Some((begins(text, "yes"), after(text, "SCORE=")))),
    ("x-ms-exchange-organization-scl", level),
    ("x-forefront-antispam-report", forefront),
    ("x-microsoft-antispam-mailbox-delivery", |text| Some((holds(text, "dest", &["J", "Q"]), None))),
    ("x-ms-exchange-organization-quarantine", |_| Some((true, None))),
    ("x-rspamd-action", |text| {
        Some((
            ["add header", "rewrite subject", "reject", "quarantine"].iter().any(|word| begins(text, word)),
            None,
        ))
    }),
    ("x-spamd-result", |text| Some((text.contains(": True"), None))),
    ("x-gm-spam", |text| Some((begins(text, "1"), None))),
    ("x-proofpoint-spam-details", |text| {
        Some((
            ["rule=spam", "rule=quarantine", "rule=phish", "rule=adultscore"]
                .iter()
                .any(|word| text.contains(word)),
            after(text, " score="),
        ))
    }),
    ("x-ironport-anti-spam-result", |_| None),
    ("x-ironport-suspectedspam", |_| Some((true, None))),
    ("x-tm-as-result", |text| Some((begins(text, "yes"), None))),
    ("x-hornetsecurity-spamstatus", |text| Some((begins(text, "spam") || begins(text, "infomail"), None))),
    ("x-antispameurope-spamstatus", |text| Some((begins(text, "spam"), None))),
];

/// What one spam filter wrote.
#[derive(Clone, Debug, Serialize, JsonSchema, PartialEq, Eq)]
pub struct FilterMark {
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
pub fn marks(fields: &[Field<'_>]) -> Vec<FilterMark> {
    let mark = |(name, read): &(&'static str, Reading)| {
        let value = fields.iter().find(|field| field.is(name))?.value;
        let text = String::from_utf8_lossy(&value[..value.len().min(2048)]);
        let (junk, score) = read(text.trim())?;
        Some(FilterMark { field: name, junk, score })
    };
    FIELDS.iter().filter_map(mark).collect()
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

/// Words that gateways put before the subject of what they take for junk.
const SUBJECT_TAGS: [&str; 8] = [
    "[spam]",
    "***spam***",
    "*****spam*****",
    "{spam?}",
    "[suspected spam]",
    "[probable spam]",
    "[bulk]",
    "spam:",
];

/// The mark in a subject, of which nothing else is kept.
#[must_use]
pub fn subject_mark(value: &[u8]) -> Option<FilterMark> {
    let text = String::from_utf8_lossy(&value[..value.len().min(100)]).trim().to_lowercase();
    let tagged = SUBJECT_TAGS.iter().any(|tag| text.starts_with(tag));
    tagged.then_some(FilterMark { field: "subject", junk: true, score: None })
}

/// Whether `KEY:VALUE;` of a list has one of the values.
fn holds(text: &str, key: &str, values: &[&str]) -> bool {
    text.split(';').filter_map(|part| part.split_once(':')).any(|(name, value)| {
        name.trim().eq_ignore_ascii_case(key)
            && values.iter().any(|wanted| wanted.eq_ignore_ascii_case(value.trim()))
    })
}

/// Reads `X-Forefront-Antispam-Report` (Microsoft 365): whether the message was filed as junk, and its spam level.
fn forefront(text: &str) -> Option<(bool, Option<String>)> {
    let (junk, score) = level(&after(text, "SCL:")?)?;
    let junk = junk || holds(text, "SFV", &JUNK_VERDICTS) || holds(text, "CAT", &JUNK_CATEGORIES);
    Some((junk, score))
}

fn level(number: &str) -> Option<(bool, Option<String>)> {
    let level: i32 = number.trim().parse().ok()?;
    Some((level >= JUNK_SCL, Some(level.to_string())))
}

/// The delay that a greylisting gateway notes, in seconds: `delayed 602 seconds by postgrey`, `Delayed for 00:30:59 by
/// milter-greylist`.
#[must_use]
pub fn greylisted(value: &[u8]) -> Option<u32> {
    let text = String::from_utf8_lossy(&value[..value.len().min(200)]);
    let mut words = text.split_whitespace().skip_while(|word| !word.eq_ignore_ascii_case("delayed")).skip(1);
    let word = words.find(|word| !word.eq_ignore_ascii_case("for"))?;
    let parts: Option<Vec<u32>> = word.split(':').map(|part| part.parse().ok()).collect();
    match parts?[..] {
        [seconds] => Some(seconds),
        [hours, minutes, seconds] if minutes < 60 && seconds < 60 => {
            hours.checked_mul(3600)?.checked_add(minutes * 60 + seconds)
        }
        _ => None,
    }
}

/// The gateways whose own fields the message carries, and those whose hosts took it.
#[must_use]
pub fn gateways<'h>(fields: &[Field<'_>], hosts: impl Iterator<Item = &'h str>) -> Vec<&'static str> {
    let mut named: BTreeSet<_> = fields.iter().filter_map(|field| vendor::of_field(field.name)).collect();
    named.extend(hosts.filter_map(vendor::of_host));
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
    super::hostname::clean(&rest[..end.unwrap_or(rest.len())])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn junk(name: &str, value: &str) -> bool {
        let field = Field { name: name.as_bytes(), value: value.as_bytes() };
        marks(&[field]).first().is_some_and(|mark| mark.junk)
    }

    #[test]
    fn filters_say_junk_in_words_of_their_own() {
        assert!(junk("X-Spam-Flag", " YES") && !junk("X-Spam-Flag", " NO"));
        assert!(junk("X-Forefront-Antispam-Report", " CIP:192.0.2.1;SCL:6;SFV:NSPM;CAT:NONE;"));
        assert!(junk("X-Forefront-Antispam-Report", " CIP:192.0.2.1;SCL:1;SFV:SPM;CAT:NONE;"));
        assert!(junk("X-Forefront-Antispam-Report", " SCL:1;SFV:NSPM;CAT:SPOOF;"));
        assert!(!junk("X-Forefront-Antispam-Report", " SCL:-1;SFV:SKN;CAT:NONE;"));
        assert!(junk(
            "X-Microsoft-Antispam-Mailbox-Delivery",
            " ucf:0;jmr:0;auth:0;dest:J;ENG:(5062000285);"
        ));
        assert!(!junk("X-Microsoft-Antispam-Mailbox-Delivery", " ucf:0;jmr:0;dest:I;"));
        assert!(junk("X-Rspamd-Action", " add header") && !junk("X-Rspamd-Action", " no action"));
        assert!(!junk("X-Proofpoint-Spam-Details", " rule=inbound_notspam policy=inbound score=0"));
        assert!(junk("X-Proofpoint-Spam-Details", " rule=spam policy=default score=99"));
    }

    #[test]
    fn greylisting_is_told_in_seconds_or_as_a_clock() {
        assert_eq!(greylisted(b" delayed 602 seconds by postgrey-1.37 at mx.example.net"), Some(602));
        assert_eq!(greylisted(b" Delayed for 00:05:12 by milter-greylist-4.6 (mx)"), Some(312));
        assert_eq!(greylisted(b" Sender IP whitelisted, not delayed by milter-greylist"), None);
        assert_eq!(greylisted(b" Delayed for 99999999:00:00 by x"), None);
    }
}
