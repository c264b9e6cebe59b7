//! The DKIM keys of a domain and whether they can be used (RFC 6376 section 3.6.1, RFC 8301, RFC 8463).

use mail_auth::common::parse::TxtRecordParser;
use mail_auth::common::verify::DomainKey;
use netcheck_common::escape;
use netcheck_common::failure::{Code, Failure};
use schemars::JsonSchema;
use serde::Serialize;

use crate::dkim_tags::Tags;
use crate::message::decode;
use crate::names::Names;

/// Verifiers ignore shorter RSA keys (RFC 8301 section 3.2).
const SHORTEST_RSA: usize = 1024;
/// An Ed25519 key, in bytes.
const ED25519: usize = 32;

/// What a selector holds.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum KeyState {
    /// A key that can be used.
    Sound,
    /// Nothing.
    Missing,
    /// A revoked key: `p=` is empty.
    Revoked,
    /// A record that is no usable key for mail.
    Unsound,
}

/// One selector.
#[derive(Clone, Debug, Serialize, JsonSchema, PartialEq, Eq)]
pub struct DkimKey {
    /// Its name.
    pub selector: String,
    /// What it holds.
    pub result: KeyState,
    /// Why it cannot be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The length of an RSA key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bits: Option<usize>,
    /// Whether verifiers are asked to treat the domain as testing (`t=y`).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub testing: bool,
}

impl DkimKey {
    /// Looks up every selector.
    ///
    /// # Errors
    /// The `dns.*` codes: the DNS could not be asked.
    pub async fn look_up(domain: &str, selectors: &[String], names: &Names) -> Result<Vec<DkimKey>, Failure> {
        let mut keys = Vec::with_capacity(selectors.len());
        for selector in selectors {
            let texts = names.texts(&format!("{selector}._domainkey.{domain}")).await?.records();
            let best = texts.iter().map(|text| DkimKey::read(selector, text)).min_by_key(|key| !key.sound());
            keys.push(best.unwrap_or_else(|| DkimKey::empty(selector, KeyState::Missing)));
        }
        Ok(keys)
    }

    /// Whether signatures made with it can be verified.
    #[must_use]
    pub fn sound(&self) -> bool {
        self.result == KeyState::Sound
    }

    /// What is wrong, if anything.
    #[must_use]
    pub fn problem(&self, domain: &str) -> Option<(Code, String)> {
        let place = format!("{}._domainkey.{domain}", self.selector);
        match self.result {
            KeyState::Sound => None,
            KeyState::Missing => Some((Code::MailNoDkim, format!("there is no DKIM key at {place}"))),
            KeyState::Revoked => {
                Some((Code::MailDkimInvalid, format!("the DKIM key at {place} is revoked (p= is empty)")))
            }
            KeyState::Unsound => {
                let reason = self.reason.as_deref().unwrap_or("it cannot be read");
                Some((Code::MailDkimInvalid, format!("the DKIM key at {place} cannot be used: {reason}")))
            }
        }
    }

    fn empty(selector: &str, result: KeyState) -> DkimKey {
        DkimKey { selector: selector.to_owned(), result, reason: None, bits: None, testing: false }
    }

    /// Reads a key record.
    #[must_use]
    pub fn read(selector: &str, text: &[u8]) -> DkimKey {
        let tags = Tags::parse(text);
        if tags.value("p") == Some("") {
            return DkimKey::empty(selector, KeyState::Revoked);
        }
        let mut key = DkimKey::empty(selector, KeyState::Sound);
        key.testing = tags.value("t").is_some_and(|flags| flags.split(':').any(|flag| flag == "y"));
        key.reason = misuse(&tags).or_else(|| key.measure(&tags, text));
        if key.reason.is_some() {
            key.result = KeyState::Unsound;
        }
        key
    }

    /// The length of the key, and what is wrong with it.
    fn measure(&mut self, tags: &Tags, text: &[u8]) -> Option<String> {
        if tags.value("k") == Some("ed25519") {
            let bytes = decode::base64(tags.value("p").unwrap_or_default().as_bytes()).len();
            return (bytes != ED25519)
                .then(|| format!("an Ed25519 key has {ED25519} bytes, this one {bytes}"));
        }
        // mail-auth refuses a record for services it does not know; those are named before this.
        let bits = DomainKey::parse(text).map(|key| key.p.public_key_bits()).unwrap_or(0);
        if bits == 0 {
            return Some("it is no RSA key".to_owned());
        }
        self.bits = Some(bits);
        (bits < SHORTEST_RSA)
            .then(|| format!("it has {bits} bits, too short: verifiers ignore RSA keys under {SHORTEST_RSA} bits (RFC 8301)"))
    }
}

/// Why a key is not one for mail signed today.
fn misuse(tags: &Tags) -> Option<String> {
    let shown = |name: &str| escape::line(tags.value(name).unwrap_or_default(), 40);
    if tags.value("v").is_some_and(|version| version != "DKIM1") {
        return Some(format!("its version is v={}, not DKIM1", shown("v")));
    }
    if tags.value("p").is_none() {
        return Some("it has no p= with a key".to_owned());
    }
    if tags.value("k").is_some_and(|kind| !matches!(kind, "rsa" | "ed25519")) {
        return Some(format!("its type k={} is unknown", shown("k")));
    }
    if !tags.allows("s", &["*", "email"]) {
        return Some(format!("it is a key for another service (s={}), not for email", shown("s")));
    }
    (!tags.allows("h", &["sha256"]))
        .then(|| format!("it allows other hashes only (h={}), not sha256", shown("h")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn reason(text: &str) -> String {
        let key = DkimKey::read("s", text.as_bytes());
        assert_eq!(key.result, KeyState::Unsound, "{text}");
        key.reason.expect("a reason")
    }

    #[test]
    fn an_ed25519_key_has_32_bytes() {
        let sound = b"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
        assert_eq!(DkimKey::read("s", sound).result, KeyState::Sound);
        assert_eq!(reason("v=DKIM1; k=ed25519; p=AAAA"), "an Ed25519 key has 32 bytes, this one 3");
    }

    #[test]
    fn an_empty_key_is_revoked_and_nonsense_unsound() {
        assert_eq!(DkimKey::read("s", b"v=DKIM1; p=").result, KeyState::Revoked);
        assert_eq!(reason("v=DKIM1; k=rsa; p=AAAA"), "it is no RSA key");
        assert_eq!(reason("hello"), "it has no p= with a key");
    }

    #[test]
    fn a_key_for_something_else_is_named() {
        let key = "p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
        assert_eq!(
            reason(&format!("k=ed25519; s=tls; {key}")),
            "it is a key for another service (s=tls), not for email"
        );
        assert_eq!(
            reason(&format!("k=ed25519; h=sha1; {key}")),
            "it allows other hashes only (h=sha1), not sha256"
        );
        assert_eq!(reason(&format!("v=DKIM2; k=ed25519; {key}")), "its version is v=DKIM2, not DKIM1");
        assert_eq!(reason(&format!("k=dsa; {key}")), "its type k=dsa is unknown");
        assert!(DkimKey::read("s", format!("k=ed25519; s=*:tls; h=sha1:sha256; {key}").as_bytes()).sound());
    }

    proptest! {
        #[test]
        fn no_record_makes_it_panic(text in proptest::collection::vec(any::<u8>(), 0..600), tail in "[ -~]{0,200}") {
            let _ = DkimKey::read("s", &text);
            let _ = DkimKey::read("s", format!("v=DKIM1; p={tail}").as_bytes());
        }
    }
}
