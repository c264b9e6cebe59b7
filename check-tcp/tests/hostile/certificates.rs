//! Certificates made to harm: huge, many, misleading, or costly to judge.

use std::sync::Arc;

use netcheck_lab::{Act, Server};
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
};
use rustls::ServerConfig;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::Value;

use crate::trial::{NAME, against, seen};

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
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = builder.with_no_client_auth().with_single_cert(chain, key).unwrap();
    let server = Server::bind(([127, 0, 0, 1], 0).into(), Some(Arc::new(config)), vec![vec![Act::Stall]]);
    against("tls", &server)
}

#[test]
fn names_with_escape_sequences_are_harmless() {
    let evil = "a\u{1b}[31mred\u{202e}\r\n{\"v\":1}";
    let record = show_one(&params(evil, &[NAME.into()]));
    assert_eq!(seen(&record), "fail tls.untrusted");
    assert_eq!(record["facts"]["tls"]["issuer"], "a\\u{1b}[31mred\\u{202e}\\r\\n{\"v\":1}");
}

fn show_one(params: &CertificateParams) -> Value {
    let (certificate, key) = self_signed(params);
    show(vec![certificate], &key)
}

#[test]
fn a_very_long_name_is_cut() {
    let record = show_one(&params(&"n".repeat(30_000), &[NAME.into()]));
    assert_eq!(seen(&record), "fail tls.untrusted");
    assert_eq!(record["facts"]["tls"]["issuer"].as_str().unwrap().chars().count(), 201);
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
    assert_eq!(seen(&show_one(&params)), "fail tls.untrusted");
}

#[test]
fn a_chain_of_more_than_64_kib_ends_the_handshake() {
    let (certificate, key) = self_signed(&params("long chain", &[NAME.into()]));
    let mut chain = vec![certificate];
    chain.extend((0..20).map(|_| CertificateDer::from(vec![0x30; 4096])));
    assert_eq!(seen(&show(chain, &key)), "fail tls.not_tls");
}

#[test]
fn a_chain_of_garbage_is_untrusted() {
    let (certificate, key) = self_signed(&params("garbage behind", &[NAME.into()]));
    let mut chain = vec![certificate];
    chain.extend((0..60).map(|_| CertificateDer::from(vec![0xff; 1000])));
    assert_eq!(seen(&show(chain, &key)), "fail tls.untrusted");
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
    assert_eq!(seen(&show(chain, &key)), "fail tls.untrusted");
}
