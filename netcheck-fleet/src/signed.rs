//! A signed request: who sends it, when, and that nobody altered it on the way. Proxies that inspect TLS break client
//! certificates; they leave headers and body alone.

use netcheck_record::escape;
use serde::{Deserialize, Serialize};

use crate::key::{self, PublicKey, SecretKey};
use crate::office::Office;

/// How far the clocks of an agent and the hub may differ, in seconds.
pub const CLOCKS: i64 = 300;
/// The header of the office, `tenant/office`.
pub const OFFICE: &str = "x-netcheck-office";
/// The header of the time, in seconds since 1970.
pub const TIME: &str = "x-netcheck-time";
/// The header of the number that is used once.
pub const ONCE: &str = "x-netcheck-once";
/// The header of the signature.
pub const SIGNATURE: &str = "x-netcheck-signature";

/// What is signed, apart from method, path and body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Who sends it.
    pub office: Office,
    /// When, in seconds since 1970 by the hub's clock.
    pub time: i64,
    /// 32 hexadecimal digits that are used once.
    pub once: String,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// A header of the signature is missing or cannot be read.
    Unsigned,
    /// No such office, or its key was revoked.
    UnknownOffice,
    /// The signature is another key's, or method, path or body were altered.
    WrongSignature,
    /// The time is too far from the hub's.
    WrongTime,
    /// A request with this number was received before.
    Replayed,
}

impl Refusal {
    /// A sentence for people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Refusal::Unsigned => "the request is not signed",
            Refusal::UnknownOffice => "the office is not enrolled, or its key was revoked",
            Refusal::WrongSignature => "the signature is not this office's, or the request was altered",
            Refusal::WrongTime => "the clock of the office differs by more than 5 minutes",
            Refusal::Replayed => "the same request was received before",
        }
    }
}

/// The bytes that are signed.
fn message(method: &str, path: &str, body: &[u8], claim: &Claim) -> Vec<u8> {
    let Claim { office, time, once } = claim;
    format!("netcheck-fleet 1\n{method}\n{path}\n{}\n{office}\n{time}\n{once}\n", key::digest(body))
        .into_bytes()
}

/// The headers of a signed request.
///
/// # Errors
/// The system gives no random numbers.
pub fn headers(
    key: &SecretKey,
    office: &Office,
    time: i64,
    method: &str,
    path: &str,
    body: &[u8],
) -> Result<Vec<(String, String)>, String> {
    let claim = Claim { office: office.clone(), time, once: key::random::<16>()? };
    let signature = key.sign(&message(method, path, body, &claim));
    Ok([
        (OFFICE, claim.office.to_string()),
        (TIME, claim.time.to_string()),
        (ONCE, claim.once),
        (SIGNATURE, signature),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into())
}

/// What the headers of a request claim, and the signature.
///
/// # Errors
/// A header is missing or cannot be read.
pub fn claim<'a>(header: impl Fn(&str) -> Option<&'a str>) -> Result<(Claim, String), Refusal> {
    let read = || {
        let office = Office::parse(header(OFFICE)?).ok()?;
        let time = header(TIME)?.parse().ok()?;
        let once = header(ONCE)?;
        let digits = once.len() == 32 && once.bytes().all(|byte| byte.is_ascii_hexdigit());
        let signature = header(SIGNATURE)?;
        digits.then(|| (Claim { office, time, once: once.to_ascii_lowercase() }, signature.to_owned()))
    };
    read().ok_or(Refusal::Unsigned)
}

/// Whether a claim holds; that its number is new is for the one who remembers numbers.
///
/// # Errors
/// It does not.
pub fn verify(
    key: &PublicKey,
    claim: &Claim,
    signature: &str,
    method: &str,
    path: &str,
    body: &[u8],
    now: i64,
) -> Result<(), Refusal> {
    if !key.signed(&message(method, path, body, claim), signature) {
        return Err(Refusal::WrongSignature);
    }
    if (now - claim.time).abs() > CLOCKS {
        return Err(Refusal::WrongTime);
    }
    Ok(())
}

/// What the hub answers where it does not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// A sentence for people.
    pub error: String,
    /// Why the signature was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<Refusal>,
    /// The hub's clock, in seconds since 1970.
    #[serde(default)]
    pub now: i64,
}

impl Problem {
    /// What of an answer's body can be read.
    #[must_use]
    pub fn read(body: &[u8]) -> Option<Problem> {
        let mut problem: Problem = serde_json::from_slice(body).ok()?;
        problem.error = escape::line(&problem.error, 300);
        Some(problem)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = b"a run";

    fn signed() -> (SecretKey, Vec<(String, String)>) {
        let folder = tempfile::tempdir().unwrap();
        let key = SecretKey::of_file(&folder.path().join("key")).unwrap();
        let office = Office::new("acme", "zurich").unwrap();
        let headers = headers(&key, &office, 1_000_000, "POST", "/v1/runs", BODY).unwrap();
        (key, headers)
    }

    fn judged(method: &str, path: &str, body: &[u8], now: i64) -> Result<(), Refusal> {
        let (key, headers) = signed();
        let header = |name: &str| headers.iter().find(|(key, _)| key == name).map(|(_, value)| &**value);
        let (claim, signature) = claim(header)?;
        verify(&key.public(), &claim, &signature, method, path, body, now)
    }

    #[test]
    fn a_request_is_refused_when_any_part_of_it_was_altered_or_it_is_old() {
        assert_eq!(judged("POST", "/v1/runs", BODY, 1_000_300), Ok(()));
        assert_eq!(judged("PUT", "/v1/runs", BODY, 1_000_000), Err(Refusal::WrongSignature));
        assert_eq!(judged("POST", "/v1/runs?x", BODY, 1_000_000), Err(Refusal::WrongSignature));
        assert_eq!(judged("POST", "/v1/runs", b"another run", 1_000_000), Err(Refusal::WrongSignature));
        assert_eq!(judged("POST", "/v1/runs", BODY, 1_000_301), Err(Refusal::WrongTime));
        assert_eq!(judged("POST", "/v1/runs", BODY, 999_699), Err(Refusal::WrongTime));
    }

    #[test]
    fn another_offices_key_proves_nothing() {
        let ((_, headers), (other, _)) = (signed(), signed());
        let header = |name: &str| headers.iter().find(|(key, _)| key == name).map(|(_, value)| &**value);
        let (claim, signature) = claim(header).unwrap();
        let judged = verify(&other.public(), &claim, &signature, "POST", "/v1/runs", BODY, 1_000_000);
        assert_eq!(judged, Err(Refusal::WrongSignature));
    }

    #[test]
    fn a_request_without_a_header_is_unsigned() {
        let (_, headers) = signed();
        for missing in [OFFICE, TIME, ONCE, SIGNATURE] {
            let header = |name: &str| {
                headers.iter().find(|(key, _)| key == name && key != missing).map(|(_, value)| &**value)
            };
            assert_eq!(claim(header).map(|_| ()), Err(Refusal::Unsigned), "{missing}");
        }
    }
}
