//! The certificates a peer presented, as people read them. Every name in them is hostile text.

use std::net::IpAddr;

use rustls_pki_types::CertificateDer;
use serde_json::{Value, json};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate, X509Name};

use crate::signature;
use netcheck_record::escape;

/// How many names of a certificate go into a record.
const NAMES: usize = 20;
/// How many certificates of a chain are kept, and how large each may be to be looked into.
const CERTIFICATES: usize = 16;
const LARGEST: usize = 64 << 10;
/// How many different certificates of one subject are of use: a path is sought through every order of them.
const ALIKE: usize = 2;

/// The chain as it was presented, leaf first.
#[derive(Clone, Debug)]
pub struct Chain {
    /// The certificates, DER.
    pub certificates: Vec<CertificateDer<'static>>,
    leaf: Leaf,
}

/// What the leaf says of itself.
#[derive(Clone, Debug, Default)]
struct Leaf {
    subject: String,
    issuer: String,
    names: Vec<String>,
    not_before: i64,
    not_after: i64,
}

impl Chain {
    /// A chain of DER certificates, leaf first.
    #[must_use]
    pub fn new(mut certificates: Vec<CertificateDer<'static>>) -> Self {
        certificates.truncate(CERTIFICATES);
        let leaf = certificates.first().and_then(|der| Leaf::read(der)).unwrap_or_default();
        Chain { certificates, leaf }
    }

    /// The certificates a path to a root may lead through: of each subject a few, so that authorities of one
    /// name cannot make the search endless.
    pub(super) fn between(&self) -> Vec<CertificateDer<'static>> {
        let mut kept: Vec<(Vec<u8>, &CertificateDer<'static>)> = Vec::new();
        for der in self.certificates.iter().skip(1) {
            let Some(subject) = subject(der) else { continue };
            let alike = kept.iter().filter(|(known, _)| *known == subject).count();
            if alike < ALIKE && !kept.iter().any(|(_, known)| *known == der) {
                kept.push((subject, der));
            }
        }
        kept.into_iter().map(|(_, der)| der.clone()).collect()
    }

    /// Who signed the leaf.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.leaf.issuer
    }

    /// Whom the leaf is for.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.leaf.subject
    }

    /// The names the leaf is for.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.leaf.names
    }

    /// From when the leaf is valid, in seconds since 1970.
    #[must_use]
    pub fn not_before(&self) -> i64 {
        self.leaf.not_before
    }

    /// Until when the leaf is valid, in seconds since 1970.
    #[must_use]
    pub fn not_after(&self) -> i64 {
        self.leaf.not_after
    }

    /// The certificates presented after the leaf: whose each is, and from when until when it is valid, in seconds
    /// since 1970.
    pub fn authorities(&self) -> impl Iterator<Item = (String, i64, i64)> {
        let certificates = self.certificates.iter().skip(1).filter(|der| der.len() <= LARGEST);
        certificates.filter_map(|der| {
            let (_, certificate) = X509Certificate::from_der(der).ok()?;
            let validity = certificate.validity();
            let (from, to) = (validity.not_before.timestamp(), validity.not_after.timestamp());
            Some((distinguished(certificate.subject()), from, to))
        })
    }

    /// The authority whose certificate would continue the chain and was not presented; none where it ends with one that
    /// signed itself.
    #[must_use]
    pub fn missing_issuer(&self) -> Option<String> {
        let mut links: Vec<(Vec<u8>, Vec<u8>, String)> = self
            .certificates
            .iter()
            .filter(|der| der.len() <= LARGEST)
            .filter_map(|der| {
                let (_, certificate) = X509Certificate::from_der(der).ok()?;
                let (subject, issuer) = (certificate.subject(), certificate.issuer());
                Some((subject.as_raw().to_vec(), issuer.as_raw().to_vec(), distinguished(issuer)))
            })
            .collect();
        if links.is_empty() {
            return None;
        }
        let mut last = links.remove(0);
        // Each is taken once: authorities that sign for each other end it.
        while last.0 != last.1 {
            match links.iter().position(|(subject, ..)| *subject == last.1) {
                Some(next) => last = links.remove(next),
                None => return Some(last.2),
            }
        }
        None
    }

    /// The vendor of a known interception product whose name the issuer bears.
    #[must_use]
    pub fn vendor(&self) -> Option<&'static str> {
        signature::vendor_of_issuer(self.issuer()).or_else(|| signature::vendor_of_issuer(self.subject()))
    }

    /// What `facts.tls` says of the chain.
    #[must_use]
    pub fn facts(&self) -> Vec<(&'static str, Value)> {
        let mut facts = vec![
            ("subject", json!(self.leaf.subject)),
            ("issuer", json!(self.leaf.issuer)),
            ("names", json!(self.leaf.names)),
            ("not_before", json!(date(self.leaf.not_before))),
            ("not_after", json!(date(self.leaf.not_after))),
            ("chain", json!(self.certificates.len())),
        ];
        if let Some(leaf) = self.certificates.first() {
            let digest = ring::digest::digest(&ring::digest::SHA256, leaf);
            let hex: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
            facts.push(("sha256", json!(hex)));
        }
        facts.extend(self.vendor().map(|vendor| ("vendor", json!(vendor))));
        facts
    }
}

/// A time as records have it.
#[must_use]
pub fn date(unix: i64) -> String {
    jiff::Timestamp::from_second(unix).map(|stamp| stamp.to_string()).unwrap_or_default()
}

/// The subject as it stands in the certificate.
fn subject(der: &[u8]) -> Option<Vec<u8>> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    Some(certificate.subject().as_raw().to_vec())
}

impl Leaf {
    fn read(der: &[u8]) -> Option<Leaf> {
        if der.len() > LARGEST {
            return None;
        }
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let alternative = certificate.subject_alternative_name().ok().flatten();
        let names = alternative.map_or_else(Vec::new, |extension| {
            extension.value.general_names.iter().filter_map(name).take(NAMES).collect()
        });
        Some(Leaf {
            subject: distinguished(certificate.subject()),
            issuer: distinguished(certificate.issuer()),
            names,
            not_before: certificate.validity().not_before.timestamp(),
            not_after: certificate.validity().not_after.timestamp(),
        })
    }
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some(escape::line(name, 255)),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => <[u8; 4]>::try_from(*bytes).ok().map(|bytes| IpAddr::from(bytes).to_string()),
            16 => <[u8; 16]>::try_from(*bytes).ok().map(|bytes| IpAddr::from(bytes).to_string()),
            _ => None,
        },
        _ => None,
    }
}

/// The common name and organisation, or all of it where there is neither.
fn distinguished(name: &X509Name<'_>) -> String {
    let common = name.iter_common_name().filter_map(|part| part.as_str().ok()).next();
    let organisation = name.iter_organization().filter_map(|part| part.as_str().ok()).next();
    let text = match (common, organisation) {
        (Some(common), Some(organisation)) if common != organisation => format!("{common} ({organisation})"),
        (Some(one), _) | (None, Some(one)) => one.to_owned(),
        (None, None) => name.to_string(),
    };
    escape::line(&text, 200)
}

#[cfg(test)]
#[path = "certificate_tests.rs"]
mod properties;
