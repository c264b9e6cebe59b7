//! The DKIM keys of a domain: present, and sound (RFC 6376 section 3.6.1, RFC 8301, RFC 8463).

use mail_auth::Error;
use mail_auth::common::parse::TxtRecordParser;
use mail_auth::common::verify::DomainKey;
use mail_auth::dkim::DkimError;
use netcheck_common::failure::{Code, Failure};
use serde::Serialize;

use crate::message::decode;
use crate::names::Names;

/// Shorter RSA keys are to be taken for none (RFC 8301 section 3.2).
const SHORTEST_RSA: usize = 1024;
/// An Ed25519 key, in bytes.
const ED25519: usize = 32;

/// What a selector holds.
#[derive(Clone, Copy, Debug, Serialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// A key to be used.
    Sound,
    /// Nothing.
    Missing,
    /// A key taken back: `p=` is empty.
    Revoked,
    /// What is no key, or one too short.
    Unsound,
}

/// One selector.
#[derive(Clone, Debug, Serialize)]
pub struct Key {
    /// Its name.
    pub selector: String,
    /// What it holds.
    pub result: State,
    /// How long an RSA key is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bits: Option<usize>,
    /// Whether receivers are asked to take the key for a test (`t=y`).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub testing: bool,
}

impl Key {
    /// Looks up every selector.
    ///
    /// # Errors
    /// The `dns.*` codes: the DNS could not be asked.
    pub async fn all(domain: &str, selectors: &[String], names: &Names) -> Result<Vec<Key>, Failure> {
        let mut keys = Vec::with_capacity(selectors.len());
        for selector in selectors {
            let texts = names.texts(&format!("{selector}._domainkey.{domain}")).await?.records();
            let best = texts.iter().map(|text| Key::read(selector, text)).min_by_key(|key| !key.sound());
            keys.push(best.unwrap_or_else(|| Key::bare(selector, State::Missing)));
        }
        Ok(keys)
    }

    /// Whether signatures made with it can be verified.
    #[must_use]
    pub fn sound(&self) -> bool {
        self.result == State::Sound
    }

    /// What is wrong, if anything.
    #[must_use]
    pub fn problem(&self, domain: &str) -> Option<(Code, String)> {
        let place = format!("{}._domainkey.{domain}", self.selector);
        match (self.result, self.bits) {
            (State::Sound, _) => None,
            (State::Missing, _) => Some((Code::MailNoDkim, format!("there is no DKIM key at {place}"))),
            (State::Revoked, _) => {
                Some((Code::MailDkimInvalid, format!("the DKIM key at {place} is revoked")))
            }
            (State::Unsound, Some(bits)) => {
                Some((Code::MailDkimInvalid, format!("the DKIM key at {place} has {bits} bits: too short")))
            }
            (State::Unsound, None) => Some((
                Code::MailDkimInvalid,
                format!("what stands at {place} is no DKIM key that can be used"),
            )),
        }
    }

    fn bare(selector: &str, result: State) -> Key {
        Key { selector: selector.to_owned(), result, bits: None, testing: false }
    }

    fn read(selector: &str, text: &[u8]) -> Key {
        let key = match DomainKey::parse(text) {
            Ok(key) => key,
            Err(Error::Dkim(DkimError::RevokedPublicKey)) => return Key::bare(selector, State::Revoked),
            Err(_) => return Key::bare(selector, State::Unsound),
        };
        let testing = tag(text, b't').is_some_and(|flags| flags.contains(&b'y'));
        let bits = key.p.public_key_bits();
        // mail-auth gives every Ed25519 key the largest number there is.
        let (bits, sound) = match bits {
            usize::MAX => (None, tag(text, b'p').is_some_and(|key| decode::base64(key).len() == ED25519)),
            0 => (None, false),
            bits => (Some(bits), bits >= SHORTEST_RSA),
        };
        let result = if sound { State::Sound } else { State::Unsound };
        Key { selector: selector.to_owned(), result, bits, testing }
    }
}

/// The value of a tag of one letter (RFC 6376 section 3.2).
fn tag(text: &[u8], name: u8) -> Option<&[u8]> {
    let mut parts = text.split(|&byte| byte == b';').map(<[u8]>::trim_ascii);
    parts.find_map(|part| part.strip_prefix(&[name])?.trim_ascii_start().strip_prefix(b"="))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_ed25519_key_has_32_bytes() {
        let sound = b"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
        assert_eq!(Key::read("s", sound).result, State::Sound);
        assert_eq!(Key::read("s", b"v=DKIM1; k=ed25519; p=AAAA").result, State::Unsound);
    }

    #[test]
    fn an_empty_key_is_revoked_and_nonsense_unsound() {
        assert_eq!(Key::read("s", b"v=DKIM1; p=").result, State::Revoked);
        assert_eq!(Key::read("s", b"v=DKIM1; k=rsa; p=AAAA").result, State::Unsound);
        assert_eq!(Key::read("s", b"hello").result, State::Unsound);
    }

    proptest! {
        #[test]
        fn no_record_makes_it_panic(text in proptest::collection::vec(any::<u8>(), 0..600), tail in "[ -~]{0,200}") {
            let _ = Key::read("s", &text);
            let _ = Key::read("s", format!("v=DKIM1; p={tail}").as_bytes());
        }
    }
}
