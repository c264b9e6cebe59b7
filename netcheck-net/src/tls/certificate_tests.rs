//! Whatever a peer presents, reading it ends well and keeps little.

use proptest::prelude::*;

use super::*;

fn certificate(common: &str) -> Vec<u8> {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(vec!["www.spotme.com".to_owned()]).unwrap();
    params.distinguished_name.push(rcgen::DnType::CommonName, common);
    params.distinguished_name.push(rcgen::DnType::OrganizationName, "An Organisation");
    params.self_signed(&key).unwrap().der().to_vec()
}

fn chain(certificates: Vec<Vec<u8>>) -> Chain {
    Chain::new(certificates.into_iter().map(CertificateDer::from).collect())
}

/// Cut to so many characters, each of which takes at most ten when it is made harmless.
fn is_bounded(chain: &Chain) -> bool {
    let texts = || chain.names().iter().map(String::as_str).chain([chain.issuer(), chain.subject()]);
    chain.certificates.len() <= CERTIFICATES
        && chain.between().len() < CERTIFICATES
        && chain.names().len() <= NAMES
        && texts().all(|text| text.chars().count() <= 2551 && !text.chars().any(char::is_control))
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_harm(raw in prop::collection::vec(any::<Vec<u8>>(), 0..30)) {
        let chain = chain(raw);
        prop_assert!(is_bounded(&chain));
        let _ = (chain.vendor(), date(chain.not_before()), date(chain.not_after()));
    }

    #[test]
    fn a_certificate_with_wrong_bytes_is_read_without_harm(
        faults in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        // One key pair does for all: making them costs more than reading.
        static GOOD: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
        let mut raw = GOOD.get_or_init(|| certificate("A Name")).clone();
        for (at, byte) in faults {
            let at = at.index(raw.len());
            raw[at] = byte;
        }
        let chain = chain(vec![raw.clone(), raw]);
        prop_assert!(is_bounded(&chain));
        let _ = (chain.vendor(), date(chain.not_before()), date(chain.not_after()));
    }

    #[test]
    fn any_time_can_be_written(unix in any::<i64>()) {
        let text = date(unix);
        prop_assert!(text.is_empty() || text.ends_with('Z'), "{text}");
    }
}

#[test]
fn a_good_certificate_is_read_as_people_read_it() {
    let chain = chain(vec![certificate("A Name")]);
    assert_eq!(chain.issuer(), "A Name (An Organisation)");
    assert_eq!(chain.names(), ["www.spotme.com"]);
    assert!(chain.not_before() < chain.not_after());
}

#[test]
fn of_authorities_with_one_name_two_are_searched() {
    let mut all = vec![certificate("Leaf")];
    all.extend((0..5).map(|_| certificate("Same")));
    let twice = certificate("Other");
    all.extend([twice.clone(), twice, vec![0xff; 100]]);
    let chain = chain(all);
    assert_eq!((chain.certificates.len(), chain.between().len()), (9, 3));
}
