//! Certificates made to harm: huge, many, misleading, or costly to judge.

use std::sync::Arc;

use netcheck_lab::view::observed;
use netcheck_lab::{Act, Server};
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
};
use rustls::ServerConfig;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::Value;

use crate::trial::{NAME, against};

fn params(common_name: &str, names: &[String]) -> CertificateParams {
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params
}

fn self_signed(params: &CertificateParams) -> (CertificateDer<'static>, KeyPair) {
    let key = KeyPair::generate().unwrap();
    (params.self_signed(&key).unwrap().der().clone(), key)
}

fn show(chain: Vec<CertificateDer<'static>>, key: &KeyPair) -> Value {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = builder().with_no_client_auth().with_single_cert(chain, key).unwrap();
    serve(config)
}

/// The same for a chain that the library would not take from us.
fn present(chain: Vec<CertificateDer<'static>>, key: &KeyPair) -> Value {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let key = rustls::crypto::ring::sign::any_supported_type(&key).unwrap();
    let certified = Arc::new(CertifiedKey::new(chain, key));
    serve(builder().with_no_client_auth().with_cert_resolver(Arc::new(Fixed(certified))))
}

/// Shows one chain to everybody.
#[derive(Debug)]
struct Fixed(Arc<CertifiedKey>);

impl ResolvesServerCert for Fixed {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

fn builder() -> rustls::ConfigBuilder<ServerConfig, rustls::WantsVerifier> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap()
}

fn serve(config: ServerConfig) -> Value {
    let server = Server::bind(([127, 0, 0, 1], 0).into(), Some(Arc::new(config)), vec![vec![Act::Stall]]);
    against("tls", &server)
}

#[test]
fn names_with_escape_sequences_are_harmless() {
    let evil = "a\u{1b}[31mred\u{202e}\r\n{\"v\":1}";
    let record = show_one(&params(evil, &[NAME.into()]));
    assert_eq!(observed(&record), "fail tls.untrusted");
    assert_eq!(record["facts"]["tls"]["issuer"], "a\\u{1b}[31mred\\u{202e}\\r\\n{\"v\":1}");
}

fn show_one(params: &CertificateParams) -> Value {
    let (certificate, key) = self_signed(params);
    show(vec![certificate], &key)
}

#[test]
fn a_very_long_name_is_cut() {
    let record = show_one(&params(&"n".repeat(30_000), &[NAME.into()]));
    assert_eq!(observed(&record), "fail tls.untrusted");
    assert_eq!(record["facts"]["tls"]["issuer"].as_str().unwrap().chars().count(), 201);
}

#[test]
fn a_name_of_a_megabyte_ends_the_handshake() {
    let (certificate, key) = self_signed(&params(&"n".repeat(1 << 20), &[NAME.into()]));
    assert_eq!(observed(&present(vec![certificate], &key)), "inconclusive tls.unsupported");
}

#[test]
fn dates_that_are_none_are_untrusted_and_shown_as_nothing_harmful() {
    let (certificate, key) = self_signed(&params("dates", &[NAME.into()]));
    let begin = certificate.windows(2).position(|two| two == [0x18, 15] || two == [0x17, 13]).unwrap();
    let length = usize::from(certificate[begin + 1]);
    for date in [&b"99999999999999Z"[..], b"\x1b[31m\x1b[2J\x07\x07\x07\x07\x07\x07\x07", b"20261301250061Z"]
    {
        let mut bytes = certificate.to_vec();
        bytes[begin + 2..begin + 2 + length].copy_from_slice(&date[..length]);
        let chain = vec![CertificateDer::from(bytes)];
        // A library that shows only what it can read itself cannot show this one.
        let record = present(chain, &key);
        assert!(["fail tls.untrusted", "fail tls.alert"].contains(&observed(&record).as_str()), "{record}");
    }
}

#[test]
fn of_a_thousand_names_a_few_are_kept() {
    let names: Vec<String> = (0..1000).map(|number| format!("host-{number}.spotme.com")).collect();
    let record = show_one(&params("many", &names));
    assert_eq!(record["facts"]["tls"]["names"].as_array().unwrap().len(), 20);
}

#[test]
fn a_huge_certificate_is_still_only_untrusted() {
    let mut params = params("huge", &[NAME.into()]);
    params
        .custom_extensions
        .push(CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 55555, 1], vec![7; 60_000]));
    assert_eq!(observed(&show_one(&params)), "fail tls.untrusted");
}

#[test]
fn a_chain_of_more_than_64_kib_ends_the_handshake() {
    let (certificate, key) = self_signed(&params("long chain", &[NAME.into()]));
    let mut chain = vec![certificate];
    chain.extend((0..20).map(|_| CertificateDer::from(vec![0x30; 4096])));
    let record = show(chain, &key);
    assert_eq!(observed(&record), "inconclusive tls.unsupported");
    let detail = "a message of the handshake, most likely the chain of certificates, is longer than 64 KiB";
    assert_eq!(record["failure"]["detail"], detail);
}

#[test]
fn a_chain_of_garbage_is_untrusted() {
    let (certificate, key) = self_signed(&params("garbage behind", &[NAME.into()]));
    let mut chain = vec![certificate];
    chain.extend((0..60).map(|_| CertificateDer::from(vec![0xff; 1000])));
    assert_eq!(observed(&show(chain, &key)), "fail tls.untrusted");
}

#[test]
fn authorities_that_all_have_one_name_cost_no_search_through_every_order() {
    let authority = |name: &str| {
        let mut params = params(name, &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
    };
    let signer = Issuer::new(authority("Same"), KeyPair::generate().unwrap());
    let key = KeyPair::generate().unwrap();
    let leaf = params("leaf", &[NAME.into()]).signed_by(&key, &signer).unwrap();
    let mut chain = vec![leaf.der().clone()];
    for _ in 0..60 {
        let own = KeyPair::generate().unwrap();
        chain.push(authority("Same").signed_by(&own, &signer).unwrap().der().clone());
    }
    assert_eq!(observed(&show(chain, &key)), "fail tls.untrusted");
}
