//! The throw-away certificates are what a verifier takes them for.
#![expect(clippy::unwrap_used, reason = "these tests are the client, and end where it fails")]

use netcheck_lab::pki::{self, Authority, Leaf};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use webpki::{EndEntityCert, Error, KeyUsage, anchor_from_trusted_cert};

fn verify(leaf: &Leaf, root: &Authority, name: &str) -> Result<(), Error> {
    let root = root.der();
    let anchors = [anchor_from_trusted_cert(&root).unwrap()];
    let chain = leaf.chain();
    let certificate = EndEntityCert::try_from(&chain[0])?;
    let now = UnixTime::now();
    certificate
        .verify_for_usage(
            webpki::ALL_VERIFICATION_ALGS,
            &anchors,
            &chain[1..],
            now,
            KeyUsage::server_auth(),
            None,
            None,
        )
        .map(|_| ())?;
    certificate.verify_is_valid_for_subject_name(&ServerName::try_from(name).unwrap())
}

#[test]
fn a_leaf_is_good_for_its_names_and_addresses_only() {
    let root = Authority::new("Lab Root");
    let leaf = root.leaf(&["lab.example", "127.0.0.1", "::1"]);
    for name in ["lab.example", "127.0.0.1", "::1"] {
        assert_eq!(verify(&leaf, &root, name), Ok(()));
    }
    assert!(matches!(verify(&leaf, &root, "other.example"), Err(Error::CertNotValidForName(_))));
    assert_eq!(verify(&leaf, &Authority::new("Other Root"), "lab.example"), Err(Error::UnknownIssuer));
}

#[test]
fn validity_is_counted_in_days_from_today() {
    let root = Authority::new("Lab Root");
    let judged = |from, to| verify(&root.leaf_valid(&["lab.example"], from, to), &root, "lab.example");
    assert!(matches!(judged(-10, -1), Err(Error::CertExpired { .. })));
    assert!(matches!(judged(1, 10), Err(Error::CertNotValidYet { .. })));
    assert_eq!(judged(-1, 1), Ok(()));
}

#[test]
fn a_chain_leads_through_its_intermediates() {
    let root = Authority::new("Lab Root");
    let middle = root.intermediate("Lab Middle").intermediate("Lab Issuing");
    let leaf = middle.leaf(&["lab.example"]);
    assert_eq!(leaf.chain().len(), 3);
    assert_eq!(verify(&leaf, &root, "lab.example"), Ok(()));
}

#[test]
fn a_self_signed_leaf_has_no_issuer_anybody_knows() {
    let leaf = pki::self_signed(&["lab.example"]);
    let own: CertificateDer<'_> = leaf.chain()[0].clone();
    assert!(verify(&leaf, &Authority::new("Lab Root"), "lab.example").is_err());
    assert!(EndEntityCert::try_from(&own).is_ok());
}

#[test]
fn pem_files_have_names_of_their_own() {
    let dir = tempfile::tempdir().unwrap();
    let root = Authority::new("Lab / Root");
    let (first, second) = (root.write(dir.path()), root.write(dir.path()));
    assert_ne!(first, second);
    assert_eq!(std::fs::read_to_string(first).unwrap(), root.pem());
    assert!(root.leaf(&["lab.example"]).key_pem().starts_with("-----BEGIN PRIVATE KEY-----"));
}
