//! An untrusted certificate: the interceptor's work, or the service's own?

use netcheck_lab::pki::{Authority, Leaf, self_signed};
use netcheck_lab::tool::Outcome;
use netcheck_lab::view::{diagnosed, word};

use crate::front::Front;
use crate::view::{Believes as _, NAME, OTHER, SOON, tool};

fn against(front: &Front) -> Outcome {
    tool(SOON).public(&Authority::new("Lab Public Root")).check("tls", front.port)
}

fn evidence(outcome: &Outcome) -> String {
    outcome.one()["cause"]["evidence"].to_string()
}

#[test]
fn a_certificate_for_whatever_name_is_asked_for_is_inspection_for_certain() {
    let front = Front::minting(Authority::new("Corp Proxy CA"));
    let outcome = against(&front);
    assert_eq!(diagnosed(&outcome), "fail tls.untrusted tls_inspection network high");
    assert_eq!(front.names(), [NAME, "example.com"]);
    assert!(evidence(&outcome).contains("example.com"), "{outcome:?}");
    assert!(word(outcome.one(), "/cause/fix").contains(NAME), "{outcome:?}");
}

#[test]
fn an_interceptor_with_an_intermediate_is_inspection_too() {
    let front = Front::minting(Authority::new("Corp Root").intermediate("Corp Issuing CA 7"));
    assert_eq!(diagnosed(&against(&front)), "fail tls.untrusted tls_inspection network high");
}

#[test]
fn one_self_signed_certificate_for_every_name_is_the_services_own() {
    let front = Front::showing(&self_signed(&[NAME]));
    let outcome = against(&front);
    assert_eq!(diagnosed(&outcome), "fail tls.untrusted service_misconfigured service low");
    assert_eq!(front.names(), [NAME, "example.com"]);
}

#[test]
fn a_default_certificate_that_happens_to_name_the_control_is_no_inspection() {
    for leaf in [self_signed(&["example.com"]), self_signed(&["example.com", NAME])] {
        let outcome = against(&Front::showing(&leaf));
        assert_eq!(diagnosed(&outcome), "fail tls.untrusted service_misconfigured service low");
    }
}

#[test]
fn one_certificate_of_a_private_authority_for_every_name_is_unknown() {
    let leaf = Authority::new("Private Root").intermediate("Private Issuing CA").leaf(&[NAME]);
    assert_eq!(diagnosed(&against(&Front::showing(&leaf))), "fail tls.untrusted unknown unknown low");
}

#[test]
fn the_issuer_of_a_known_product_is_a_sign_of_inspection() {
    for (issuer, vendor) in [
        ("Zscaler Intermediate Root CA (zscalertwo.net)", "Zscaler"),
        ("FortiGate CA", "Fortinet"),
        ("ca.spotme.goskope.com", "Netskope"),
        ("Cisco Umbrella Secondary SubCA ams-SG", "Cisco Umbrella"),
        ("mitmproxy", "mitmproxy"),
    ] {
        let leaf: Leaf = Authority::new("Root").intermediate(issuer).leaf(&[NAME]);
        let outcome = against(&Front::showing(&leaf));
        assert_eq!(diagnosed(&outcome), "fail tls.untrusted tls_inspection network medium", "{issuer}");
        assert_eq!(word(outcome.one(), "/facts/tls/vendor"), vendor);
        assert!(evidence(&outcome).contains(vendor), "{outcome:?}");
    }
}

#[test]
fn a_trusted_interceptor_of_a_known_product_is_named() {
    let zscaler = Authority::new("Zscaler Root CA");
    let front = Front::showing(&zscaler.leaf(&[NAME]));
    let outcome = tool(SOON).system(&zscaler).check("tls", front.port);
    assert_eq!(diagnosed(&outcome), "degraded tls.untrusted tls_inspection network medium");
    assert_eq!(word(outcome.one(), "/facts/tls/vendor"), "Zscaler");
}

/// Two services, one after the other, each with a server of its own.
fn two(one: &Leaf, other: &Leaf) -> Vec<String> {
    let (one, other) = (Front::showing(one), Front::showing(other));
    let targets = [format!("tls://{NAME}:{}", one.port), format!("tls://{OTHER}:{}", other.port)];
    let outcome = tool(SOON).args(["--jobs", "1", "--ordered"]).args(targets).run();
    outcome.records.iter().map(diagnosed).collect()
}

#[test]
fn what_a_service_shows_does_not_depend_on_the_services_before_it() {
    let corporate = Authority::new("Some Appliance CA");
    let records = two(&corporate.leaf(&[NAME]), &corporate.leaf(&[OTHER]));
    assert_eq!(records, ["fail tls.untrusted service_misconfigured service low"; 2]);
}

#[test]
fn an_issuer_that_names_itself_is_a_sign_of_inspection() {
    for issuer in ["Acme TLS Inspection CA", "SSL Forward Trust", "Head Office HTTPS Inspection"] {
        let leaf: Leaf = Authority::new("Root").intermediate(issuer).leaf(&[NAME]);
        let outcome = against(&Front::showing(&leaf));
        assert_eq!(diagnosed(&outcome), "fail tls.untrusted tls_inspection network medium", "{issuer}");
    }
}

#[test]
fn a_program_that_decrypts_on_this_machine_is_local() {
    for issuer in
        ["Avast Web/Mail Shield Root", "Kaspersky Anti-Virus Personal Root Certificate", "ESET SSL Filter CA"]
    {
        let antivirus = Authority::new(issuer);
        let front = Front::showing(&antivirus.leaf(&[NAME]));
        let outcome = tool(SOON).system(&antivirus).check("tls", front.port);
        assert_eq!(diagnosed(&outcome), "degraded tls.untrusted tls_inspection local medium", "{issuer}");
    }
}

#[test]
fn two_services_with_the_same_factory_certificate_are_no_inspection() {
    // Whoever signs for himself is no issuer of two services, whatever name he goes by.
    let records = two(&self_signed(&["localhost", NAME]), &self_signed(&["localhost", OTHER]));
    assert_eq!(records, ["fail tls.untrusted service_misconfigured service low"; 2]);
}

#[test]
fn without_diagnosis_nothing_more_is_sent() {
    let front = Front::minting(Authority::new("Corp Proxy CA"));
    let outcome = tool(&["--diagnose", "never"]).check("tls", front.port);
    assert_eq!(front.names(), [NAME]);
    assert!(!diagnosed(&outcome).contains("high"), "{outcome:?}");
}
