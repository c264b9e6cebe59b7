//! The DKIM signatures of a message, verified again (RFC 6376 section 6), in bounded time whatever the message says.

use mail_auth::dkim::{DkimError, Signature};
use mail_auth::{AuthenticatedMessage, DkimResult, DnsError, Error};
use netcheck_common::escape;
use netcheck_common::failure::Failure;

use crate::dkim_key::{DkimKey, KeyState};
use crate::dkim_tags::Tags;
use crate::facts::{Judgement, Verification};
use crate::message::field::{Block, Field};
use crate::message::hostname;
use crate::names::Names;

/// The most signatures verified; each may ask for a body hash of its own.
const MOST_SIGNATURES: usize = 5;
/// The most fields a signature may name.
const MOST_SIGNED: usize = 200;
/// The largest signature field read.
const LARGEST: usize = 16 << 10;

/// How many fields claim to be a signature.
#[must_use]
pub fn count(block: &Block<'_>) -> usize {
    block.all("dkim-signature").count()
}

/// The domains that claim to have signed.
#[must_use]
pub fn signers(block: &Block<'_>) -> Vec<String> {
    let values = block.all("dkim-signature").filter(|value| value.len() <= LARGEST).take(MOST_SIGNATURES);
    values.filter_map(|value| hostname::clean(Tags::parse(value).value("d")?.as_bytes())).collect()
}

/// The signatures of a message.
#[derive(Debug, Default)]
pub struct Verifications {
    /// What became of each.
    pub all: Vec<Verification>,
    /// Why a key could not be asked for.
    pub lost: Option<Failure>,
}

/// Verifies the signatures of a message, the newest first.
pub async fn verify(block: &Block<'_>, names: &Names) -> Verifications {
    let mut verifications = Verifications::default();
    let mut kept = Vec::new();
    let fields =
        block.fields.iter().filter(|field| field.is("dkim-signature") && field.value.len() <= LARGEST);
    for field in fields.take(MOST_SIGNATURES) {
        let tags = Tags::parse(field.value);
        let readable =
            Signature::parse(field.value).ok().filter(|signature| signature.h.len() <= MOST_SIGNED);
        match (unsupported(&tags), readable) {
            (None, Some(signature)) => kept.push((*field, signature)),
            (reason, _) => verifications.all.push(refused(&tags, reason)),
        }
    }
    verifications.run(block, &kept, names).await;
    verifications
}

/// The name that a signature's key is published under.
fn place(signature: &Signature) -> String {
    format!("{}._domainkey.{}", signature.s, signature.d)
}

impl Verifications {
    async fn run(&mut self, block: &Block<'_>, kept: &[(Field<'_>, Signature)], names: &Names) {
        let header = header(block, kept);
        // The empty line before the body keeps it from being taken for more header.
        let tail = with_crlf(block.tail);
        let Some(message) = AuthenticatedMessage::parse_with_opts(&tail, Some(&header), false) else {
            return;
        };
        let Some((_, first)) = kept.first() else { return };
        let authenticator = names.authenticator(&place(first)).await;
        for output in authenticator.verify_dkim(&message).await {
            let Some(signature) = output.signature() else { continue };
            let mut verification = Verification {
                domain: hostname::clean(signature.d.as_bytes()),
                selector: hostname::clean(signature.s.as_bytes()),
                result: judge(output.result()),
                reason: reason(output.result()),
                signed_bytes: (signature.l > 0).then_some(signature.l),
                expires: signature.x,
            };
            self.examine_key(&mut verification, &place(signature), names).await;
            self.all.push(verification);
        }
    }

    /// A key that is not to be used decides, whatever the arithmetic says.
    async fn examine_key(&mut self, verification: &mut Verification, place: &str, names: &Names) {
        if matches!(verification.result, Judgement::BodyChanged | Judgement::Expired | Judgement::Malformed) {
            return;
        }
        let texts = match names.texts(place).await {
            Ok(texts) => texts.records(),
            Err(failure) => {
                verification.result = Judgement::Unknown;
                self.lost = Some(failure);
                return;
            }
        };
        let keys = texts.iter().map(|text| DkimKey::read("", text));
        let Some(key) = keys.min_by_key(|key| !key.sound()) else { return };
        match key.result {
            KeyState::Sound | KeyState::Missing => {}
            KeyState::Revoked => {
                verification.result = Judgement::KeyUnusable;
                verification.reason = Some("it is revoked (p= is empty)".to_owned());
            }
            KeyState::Unsound => {
                verification.result = Judgement::KeyUnusable;
                verification.reason = key.reason;
            }
        }
    }
}

/// Why a signature was not verified, where mail-auth says more than the judgement.
fn reason(result: &DkimResult) -> Option<String> {
    let (DkimResult::Neutral(error) | DkimResult::Fail(error) | DkimResult::PermError(error)) = result else {
        return None;
    };
    let Error::Dkim(error) = error else { return None };
    let text = match error {
        DkimError::FailedAuidMatch => {
            "its i= is not in the domain of d=, or in a subdomain where the key forbids that (t=s)"
        }
        DkimError::UnsupportedCanonicalization => "its canonicalization (c=) is unknown",
        DkimError::UnsupportedKeyType => "the key is of another type than the signature",
        _ => return None,
    };
    Some(text.to_owned())
}

/// Why a signature is none of those this version of DKIM defines.
fn unsupported(tags: &Tags) -> Option<String> {
    let shown = |name: &str| escape::line(tags.value(name).unwrap_or_default(), 40);
    if let Some(version) = tags.value("v").filter(|version| *version != "1") {
        return Some(format!("its version is unknown (v={}); the only one is 1", escape::line(version, 40)));
    }
    match tags.value("a").map(str::to_ascii_lowercase).as_deref() {
        Some("rsa-sha256" | "ed25519-sha256") => None,
        Some("rsa-sha1") => Some("it uses rsa-sha1, which verifiers reject (RFC 8301)".to_owned()),
        Some(_) => Some(format!("its algorithm is unknown (a={})", shown("a"))),
        None => Some("it names no algorithm (a=)".to_owned()),
    }
}

fn refused(tags: &Tags, reason: Option<String>) -> Verification {
    Verification {
        domain: tags.value("d").and_then(|domain| hostname::clean(domain.as_bytes())),
        selector: tags.value("s").and_then(|selector| hostname::clean(selector.as_bytes())),
        result: Judgement::Malformed,
        reason: reason.or_else(|| Some("its tags cannot be read".to_owned())),
        signed_bytes: None,
        expires: 0,
    }
}

/// The header with the signatures kept, and of the other fields those that they sign, each line ended as in transit.
fn header(block: &Block<'_>, kept: &[(Field<'_>, Signature)]) -> Vec<u8> {
    let signed = |field: &Field<'_>| {
        let mut names = kept.iter().flat_map(|(_, signature)| &signature.h);
        !field.is("dkim-signature") && names.any(|name| field.is(name.trim()))
    };
    let mut header = Vec::new();
    for field in &block.fields {
        if kept.iter().any(|(one, _)| std::ptr::eq(one.value, field.value)) || signed(field) {
            write_field(&mut header, field);
        }
    }
    header
}

/// Writes one field; a saved message may have lost the CR of its line ends.
fn write_field(header: &mut Vec<u8>, field: &Field<'_>) {
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

/// The text with its line ends as in transit: `l=` counts them.
fn with_crlf(text: &[u8]) -> std::borrow::Cow<'_, [u8]> {
    let lone = text.iter().enumerate().any(|(at, &byte)| byte == b'\n' && (at == 0 || text[at - 1] != b'\r'));
    if !lone {
        return text.into();
    }
    let mut out = Vec::with_capacity(text.len() + text.len() / 32);
    for (at, &byte) in text.iter().enumerate() {
        if byte == b'\n' && (at == 0 || text[at - 1] != b'\r') {
            out.push(b'\r');
        }
        out.push(byte);
    }
    out.into()
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
