//! A filter that cuts TLS by the name in the ClientHello, and what only looks like one.

use std::sync::Arc;

use netcheck_lab::pki::Authority;
use netcheck_lab::tool::Outcome;
use netcheck_lab::view::{cause_evidence, diagnosed, word};
use netcheck_lab::{Act, Server};

use crate::front::{Front, Reaction};
use crate::view::{Believes as _, NAME, SOON, tool};

/// Speaks TLS for every name but those `cut` decides about.
fn front(cut: impl Fn(&str) -> Option<Reaction> + Send + Sync + 'static) -> Front {
    let config = Authority::new("Lab Public Root").leaf(&["elsewhere.example"]).server_config(&[]);
    Front::new(move |name| cut(name).unwrap_or_else(|| Reaction::Speak(Arc::clone(&config))))
}

fn check(front: &Front, host: &str) -> Outcome {
    tool(SOON).arg(format!("tls://{host}:{}", front.port)).run()
}

#[test]
fn a_reset_for_one_name_is_a_filter_or_a_balancer_without_a_backend() {
    let front = front(|name| (name == NAME).then_some(Reaction::Reset));
    let outcome = check(&front, NAME);
    assert_eq!(diagnosed(&outcome), "fail tls.reset sni_filter network medium");
    insta::assert_snapshot!(cause_evidence(&outcome), @"
    www.spotme.com: connection reset after ClientHello
    same address and port, the same ClientHello with the name example.com: answered each time
    nothing shows that it ended on its way: a balancer with no server for this name looks the same
    ");
    let fix = word(outcome.one(), "/cause/fix");
    assert!(fix.contains(NAME) && fix.contains(&front.port.to_string()), "{fix}");
}

#[test]
fn silence_for_one_name_is_a_filter_or_a_balancer_with_a_dead_backend() {
    let front = front(|name| (name == NAME).then_some(Reaction::Stall));
    assert_eq!(diagnosed(&check(&front, NAME)), "fail tls.timeout sni_filter network medium");
}

#[test]
fn names_below_a_filtered_one_are_filtered_too() {
    let front = front(|name| name.ends_with("spotme.com").then_some(Reaction::Reset));
    assert_eq!(diagnosed(&check(&front, "app.spotme.com")), "fail tls.reset sni_filter network medium");
}

#[test]
fn a_list_of_allowed_names_shows_by_a_neighbour() {
    let front = front(|name| (name != NAME).then_some(Reaction::Reset));
    let outcome = check(&front, "app.spotme.com");
    assert_eq!(diagnosed(&outcome), "fail tls.reset sni_filter network medium");
    assert!(outcome.one()["cause"]["evidence"].to_string().contains(NAME), "{outcome:?}");
}

#[test]
fn a_cut_for_every_name_is_no_filter_by_name() {
    for (reaction, code) in
        [(Act::Reset, "tls.reset"), (Act::Stall, "tls.timeout"), (Act::Close, "tls.closed")]
    {
        let server = Server::tcp(vec![Act::ReadSome, reaction]);
        let outcome = tool(SOON).check("tls", server.port);
        assert_eq!(diagnosed(&outcome), format!("fail {code} unknown unknown low"));
    }
}

#[test]
fn an_alert_for_one_name_is_the_services_word() {
    let alert = [21, 3, 3, 0, 2, 2, 112];
    let server = Server::tcp(vec![Act::ReadSome, Act::send(alert)]);
    let outcome = tool(SOON).check("tls", server.port);
    assert_eq!(diagnosed(&outcome), "fail tls.alert unknown unknown low");
}

#[test]
fn an_address_has_no_name_to_filter_by() {
    let front = front(|name| name.is_empty().then_some(Reaction::Reset));
    let outcome = check(&front, "127.0.0.1");
    assert!(diagnosed(&outcome).starts_with("fail tls.reset "), "{outcome:?}");
    assert!(!diagnosed(&outcome).contains("sni_filter"), "{outcome:?}");
}

#[test]
fn a_close_for_one_name_is_a_filter_or_a_balancer_without_a_backend() {
    let front = front(|name| (name == NAME).then_some(Reaction::Close));
    let outcome = check(&front, NAME);
    assert!(diagnosed(&outcome).starts_with("fail tls.closed sni_filter network "), "{outcome:?}");
}
