//! The certificate judged: whom it convinces, since when, until when, and for which names.

use netcheck_lab::pki::{Authority, ChainFlaw, Leaf, self_signed};
use netcheck_lab::tool::Outcome;
use netcheck_lab::view::{diagnosed, observed, word};
use netcheck_lab::{Act, Server};

use crate::view::{Believes as _, NAME, QUICK, answer, page, plain, tool};

fn shown(leaf: &Leaf, public: &Authority) -> Outcome {
    let server = Server::tls(leaf, &[], vec![Act::Stall]);
    tool(QUICK).public(public).check("tls", server.port)
}

fn detail(outcome: &Outcome) -> String {
    word(outcome.one(), "/failure/detail")
}

#[test]
fn a_genuine_certificate_passes() {
    let root = Authority::new("Lab Public Root");
    for leaf in
        [root.leaf(&[NAME]), root.leaf(&["*.spotme.com"]), root.intermediate("Lab Issuing CA").leaf(&[NAME])]
    {
        let outcome = shown(&leaf, &root);
        assert_eq!(diagnosed(&outcome), "pass - - - -");
        assert_eq!((outcome.code, word(outcome.one(), "/facts/tls/trust")), (0, "public".into()));
    }
}

#[test]
fn a_self_signed_certificate_is_untrusted() {
    let outcome = shown(&self_signed(&[NAME]), &Authority::new("Lab Public Root"));
    assert_eq!(diagnosed(&outcome), "fail tls.untrusted service_misconfigured service low");
    assert_eq!(word(outcome.one(), "/facts/tls/trust"), "none");
    assert_eq!(word(outcome.one(), "/facts/tls/issuer"), NAME);
}

#[test]
fn a_private_authority_is_untrusted_and_named() {
    let own = Authority::new("Spotme Private CA");
    let outcome = shown(&own.leaf(&[NAME]), &Authority::new("Lab Public Root"));
    assert_eq!(observed(&outcome), "fail tls.untrusted");
    assert_eq!(
        detail(&outcome),
        "signed by Spotme Private CA; the chain is incomplete: the certificate of Spotme Private CA is missing, or nobody trusts it"
    );
    let between = own.intermediate("Spotme Issuing CA").leaf(&[NAME]);
    let outcome = shown(&between, &Authority::new("Lab Public Root"));
    assert_eq!(diagnosed(&outcome), "fail tls.untrusted unknown unknown low");
    assert_eq!(word(outcome.one(), "/facts/tls/issuer"), "Spotme Issuing CA");
}

#[test]
fn a_chain_without_its_intermediate_is_untrusted() {
    let root = Authority::new("Lab Public Root");
    let leaf = root.intermediate("Lab Issuing CA").leaf(&[NAME]);
    let config = alone(&leaf);
    let server = Server::bind(([127, 0, 0, 1], 0).into(), Some(config), vec![vec![Act::Stall]]);
    let outcome = tool(QUICK).public(&root).check("tls", server.port);
    assert_eq!(diagnosed(&outcome), "fail tls.untrusted service_misconfigured service low");
    assert!(word(outcome.one(), "/cause/fix").contains("the certificate of Lab Issuing CA is missing"));
}

#[test]
fn faults_of_a_genuine_chain_have_their_names() {
    let root = Authority::new("Lab Public Root");
    for (flaw, expected, named) in [
        (ChainFlaw::Incomplete, "fail tls.untrusted service_misconfigured service low", "is incomplete"),
        (
            ChainFlaw::Purpose,
            "fail tls.untrusted service_misconfigured service medium",
            "not for TLS servers",
        ),
        (
            ChainFlaw::NameConstraint,
            "fail tls.untrusted service_misconfigured service medium",
            "name constraint",
        ),
        (
            ChainFlaw::ExpiredIntermediate,
            "fail tls.expired service_misconfigured service low",
            "the intermediate certificate of Lab Issuing CA expired on",
        ),
    ] {
        let outcome = shown(&root.flawed_leaf(&[NAME], flaw), &root);
        assert_eq!(diagnosed(&outcome), expected, "{flaw:?}");
        assert!(detail(&outcome).contains(named), "{flaw:?}: {outcome:?}");
    }
}

/// A server that forgot its chain.
fn alone(leaf: &Leaf) -> std::sync::Arc<rustls::ServerConfig> {
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let chain = leaf.chain().into_iter().take(1).collect();
    builder.with_no_client_auth().with_single_cert(chain, leaf.key()).unwrap().into()
}

#[test]
fn an_expired_certificate_is_tls_expired_of_the_service() {
    let root = Authority::new("Lab Public Root");
    let outcome = shown(&root.leaf_valid(&[NAME], -90, -1), &root);
    assert_eq!(diagnosed(&outcome), "fail tls.expired service_misconfigured service low");
    assert!(detail(&outcome).starts_with("valid until 2"), "{outcome:?}");
}

#[test]
fn a_certificate_of_tomorrow_is_tls_not_yet_valid() {
    let root = Authority::new("Lab Public Root");
    let outcome = shown(&root.leaf_valid(&[NAME], 1, 90), &root);
    assert_eq!(diagnosed(&outcome), "fail tls.not_yet_valid service_misconfigured service low");
    assert!(detail(&outcome).starts_with("valid only from 2"), "{outcome:?}");
}

#[test]
fn a_certificate_for_another_name_is_tls_name_mismatch() {
    let root = Authority::new("Lab Public Root");
    for name in ["other.spotme.com", "spotme.com", "*.www.spotme.com"] {
        let outcome = shown(&root.leaf(&[name]), &root);
        assert_eq!(diagnosed(&outcome), "fail tls.name_mismatch service_misconfigured service low", "{name}");
        assert_eq!(detail(&outcome), format!("the certificate is for {name}, not for {NAME}"));
    }
}

#[test]
fn untrusted_comes_before_expired_and_expired_before_the_name() {
    let root = Authority::new("Lab Public Root");
    let unknown_ca = Authority::new("Unknown CA");
    assert_eq!(
        observed(&shown(&unknown_ca.leaf_valid(&["other.example"], -90, -1), &root)),
        "fail tls.untrusted"
    );
    assert_eq!(
        observed(&shown(&unknown_ca.leaf_valid(&["other.example"], 1, 90), &root)),
        "fail tls.untrusted"
    );
    assert_eq!(observed(&shown(&root.leaf_valid(&["other.example"], -90, -1), &root)), "fail tls.expired");
    assert_eq!(
        observed(&shown(&root.leaf_valid(&["other.example"], 1, 90), &root)),
        "fail tls.not_yet_valid"
    );
}

#[test]
fn an_address_needs_a_certificate_for_the_address() {
    let root = Authority::new("Lab Public Root");
    let check = |leaf: &Leaf| {
        let server = Server::tls(leaf, &[], vec![Act::Stall]);
        tool(QUICK).public(&root).arg(format!("tls://127.0.0.1:{}", server.port)).run()
    };
    let right = check(&root.leaf(&["127.0.0.1"]));
    assert_eq!(diagnosed(&right), "pass - - - -");
    assert_eq!(right.one()["facts"]["tls"].get("sni"), None);
    assert_eq!(observed(&check(&root.leaf(&[NAME]))), "fail tls.name_mismatch");
}

#[test]
fn interception_that_this_system_trusts_is_degraded() {
    let corporate = Authority::new("Corp Inspection CA");
    let server = Server::tls(&corporate.leaf(&[NAME]), &[], vec![Act::Stall]);
    let outcome = tool(&[]).system(&corporate).check("tls", server.port);
    assert_eq!(diagnosed(&outcome), "degraded tls.untrusted tls_inspection network medium");
    assert_eq!(word(outcome.one(), "/facts/tls/trust"), "system");
    assert_eq!(outcome.code, 0);
    assert!(word(outcome.one(), "/cause/fix").contains(NAME), "{outcome:?}");
    let strict = tool(&["--strict"]).system(&corporate).check("tls", server.port);
    assert_eq!((diagnosed(strict.one()), strict.code), (diagnosed(&outcome), 1));
}

#[test]
fn an_authority_that_is_public_as_well_is_no_interception() {
    let root = Authority::new("Lab Public Root");
    let server = Server::tls(&root.leaf(&[NAME]), &[], vec![Act::Stall]);
    let outcome = tool(&[]).public(&root).system(&root).check("tls", server.port);
    assert_eq!(diagnosed(&outcome), "pass - - - -");
}

#[test]
fn an_intercepted_certificate_for_another_name_fails_as_interception() {
    let corporate = Authority::new("Corp Inspection CA");
    let server = Server::tls(&corporate.leaf(&["portal.corp.example"]), &[], vec![Act::Stall]);
    let outcome = tool(QUICK).system(&corporate).check("tls", server.port);
    assert_eq!(diagnosed(&outcome), "fail tls.untrusted tls_inspection network medium");
}

#[test]
fn over_intercepted_tls_the_answer_still_counts() {
    let corporate = Authority::new("Corp Inspection CA");
    let check = |status: &str| {
        let server = Server::tls(&corporate.leaf(&[NAME]), &["http/1.1"], answer(page(status, "")));
        tool(QUICK).system(&corporate).check("https", server.port)
    };
    for status in ["200 OK", "401 Unauthorized", "403 Forbidden", "404 Not Found"] {
        assert_eq!(
            diagnosed(&check(status)),
            "degraded tls.untrusted tls_inspection network medium",
            "{status}"
        );
    }
}

#[test]
fn no_certificate_is_asked_of_plain_http() {
    assert_eq!(diagnosed(&plain(answer(page("200 OK", "hello")), QUICK)), "pass - - - -");
}

#[test]
fn an_expired_certificate_of_the_systems_own_authority_is_interception_all_the_same() {
    let corporate = Authority::new("Corp Inspection CA");
    let server = Server::tls(&corporate.leaf_valid(&[NAME], -60, -30), &[], vec![Act::Stall]);
    let outcome = tool(QUICK).system(&corporate).check("tls", server.port);
    assert_eq!(diagnosed(&outcome), "fail tls.untrusted tls_inspection network medium");
    let detail = outcome.one()["failure"]["detail"].as_str().unwrap();
    assert!(detail.contains("this system trusts") && detail.contains("valid until"), "{detail}");
}

#[test]
fn a_validity_that_ends_before_it_begins_is_said() {
    let root = Authority::new("Lab Public Root");
    let server = Server::tls(&root.leaf_valid(&[NAME], 30, -30), &[], vec![Act::Stall]);
    let outcome = tool(QUICK).public(&root).check("tls", server.port);
    assert_eq!(observed(&outcome), "fail tls.untrusted");
    let detail = outcome.one()["failure"]["detail"].as_str().unwrap();
    assert!(detail.ends_with("its validity ends before it begins"), "{detail}");
}
