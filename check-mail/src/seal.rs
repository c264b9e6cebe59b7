//! The DKIM signatures of a message, verified again (RFC 6376 section 6), in bounded time whatever the message says.

use mail_auth::dkim::{DkimError, Signature};
use mail_auth::{AuthenticatedMessage, DkimResult, DnsError, Error};
use netcheck_common::failure::Failure;
use serde::Serialize;

use crate::message::field::{Block, Field};
use crate::message::hop;
use crate::names::Names;

/// The most signatures verified; each may ask for a body hash of its own.
const MOST_SIGNATURES: usize = 5;
/// The most fields a signature may name.
const MOST_SIGNED: usize = 200;
/// The largest signature field read.
const LARGEST: usize = 16 << 10;

/// What became of a signature.
#[derive(Clone, Copy, Debug, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Judgement {
    /// It holds.
    Valid,
    /// The body is not what was signed.
    BodyChanged,
    /// The body is what was signed, the header is not (or the key is another).
    HeaderChanged,
    /// The key is no longer, or not, in the DNS.
    KeyMissing,
    /// The key in the DNS cannot be used.
    KeyUnusable,
    /// Its time is over.
    Expired,
    /// It is not a signature that can be verified.
    Malformed,
    /// The DNS could not be asked.
    Unknown,
}

/// One signature.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
pub struct Seal {
    /// Whose it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// Under which name the key stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector: Option<String>,
    /// What became of it.
    pub result: Judgement,
    /// Until when it was to be valid, in seconds since 1970.
    #[serde(skip)]
    pub expires: u64,
}

impl Seal {
    /// Whether it is that of `author` or of a domain above or below.
    #[must_use]
    pub fn aligned(&self, author: &str) -> bool {
        let under = |name: &str, domain: &str| {
            name == domain || name.strip_suffix(domain).is_some_and(|head| head.ends_with('.'))
        };
        self.domain.as_deref().is_some_and(|domain| under(domain, author) || under(author, domain))
    }
}

/// How many fields claim to be a signature.
#[must_use]
pub fn count(block: &Block<'_>) -> usize {
    block.all("dkim-signature").count()
}

/// The signatures of a message.
#[derive(Debug, Default)]
pub struct Seals {
    /// What became of each.
    pub all: Vec<Seal>,
    /// Why a key could not be asked for.
    pub lost: Option<Failure>,
}

/// Verifies the signatures of a message, the newest first.
pub async fn verify(block: &Block<'_>, names: &Names) -> Seals {
    let header = header(block);
    // The empty line before the body keeps it from being taken for more header.
    let Some(message) = AuthenticatedMessage::parse_with_opts(block.tail, Some(&header), false) else {
        return Seals::default();
    };
    let mut seals = Seals::default();
    for output in names.authenticator.verify_dkim(&message).await {
        let result = judge(output.result());
        let signature = output.signature();
        if result == Judgement::Unknown
            && let Some(signature) = signature
        {
            let key = format!("{}._domainkey.{}", signature.s, signature.d);
            seals.lost = names.texts(&key).await.err();
        }
        seals.all.push(Seal {
            domain: signature.and_then(|signature| hop::host(signature.d.as_bytes())),
            selector: signature.and_then(|signature| hop::host(signature.s.as_bytes())),
            result,
            expires: signature.map_or(0, |signature| signature.x),
        });
    }
    seals
}

/// The header with at most five signatures, and of the other fields those that they sign, each line ended as in transit.
fn header(block: &Block<'_>) -> Vec<u8> {
    let signatures: Vec<(Field<'_>, Signature)> = block
        .fields
        .iter()
        .filter(|field| field.is("dkim-signature") && field.value.len() <= LARGEST)
        .take(MOST_SIGNATURES)
        .filter_map(|field| Some((*field, Signature::parse(field.value).ok()?)))
        .filter(|(_, signature)| signature.h.len() <= MOST_SIGNED)
        .collect();
    let signed = |field: &Field<'_>| {
        let mut names = signatures.iter().flat_map(|(_, signature)| &signature.h);
        !field.is("dkim-signature") && names.any(|name| field.is(name.trim()))
    };
    let mut header = Vec::new();
    for field in block.fields.iter() {
        if signatures.iter().any(|(kept, _)| std::ptr::eq(kept.value, field.value)) || signed(field) {
            write(&mut header, field);
        }
    }
    header
}

/// Writes one field; a saved message may have lost the CR of its line ends.
fn write(header: &mut Vec<u8>, field: &Field<'_>) {
    header.extend_from_slice(field.name);
    header.push(b':');
    for (at, line) in field.value.split(|&byte| byte == b'\n').enumerate() {
        if at > 0 {
            header.extend_from_slice(b"\r\n");
        }
        header.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
    }
    header.extend_from_slice(b"\r\n");
}

fn judge(result: &DkimResult) -> Judgement {
    let error = match result {
        DkimResult::Pass => return Judgement::Valid,
        DkimResult::None => return Judgement::Malformed,
        // The signature was computed and differs; for Ed25519 mail-auth has no error of its own for that.
        DkimResult::Fail(Error::Crypto(_)) => return Judgement::HeaderChanged,
        DkimResult::Neutral(error)
        | DkimResult::Fail(error)
        | DkimResult::PermError(error)
        | DkimResult::TempError(error) => error,
    };
    match error {
        Error::Dkim(DkimError::FailedBodyHashMatch) => Judgement::BodyChanged,
        Error::Dkim(DkimError::SignatureExpired) => Judgement::Expired,
        Error::Dns(DnsError::Resolver(_)) => Judgement::Unknown,
        Error::Dns(DnsError::RecordNotFound(_)) => Judgement::KeyMissing,
        Error::Dns(DnsError::InvalidRecordType)
        | Error::Dkim(DkimError::RevokedPublicKey | DkimError::UnsupportedKeyType)
        | Error::Crypto(_) => Judgement::KeyUnusable,
        _ => Judgement::Malformed,
    }
}
