//! Certificates as a peer presents them, each behind its length in two bytes.

use netcheck_net::tls::Chain;
use netcheck_net::tls::certificate::date;
use rustls_pki_types::CertificateDer;

/// Reads them as a chain.
pub fn decode(bytes: &[u8]) {
    let mut certificates = Vec::new();
    let mut rest = bytes;
    while let Some((length, after)) = rest.split_first_chunk() {
        let length = usize::from(u16::from_be_bytes(*length)).min(after.len());
        let (certificate, after) = after.split_at(length);
        certificates.push(CertificateDer::from(certificate.to_vec()));
        rest = after;
    }
    let chain = Chain::new(certificates);
    assert!(chain.certificates.len() <= 16 && chain.names().len() <= 20);
    let texts = chain.names().iter().map(String::as_str).chain([chain.issuer(), chain.subject()]);
    assert!(texts.into_iter().all(|text| text.len() <= 4096 && !text.chars().any(char::is_control)));
    let _ = (chain.vendor(), date(chain.not_before()), date(chain.not_after()));
}
