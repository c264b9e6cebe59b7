//! SPF as RFC 7208 has it: each case a domain of one zone, all asked in one run.

use netcheck_lab::dns::{DnsServer, Zone};
use serde_json::Value;

use crate::tool;

const SENDER: &str = "192.0.2.25";

/// Domain, record, result for 192.0.2.25, and a word of the reason.
const CASES: &[(&str, &str, &str, &str)] = &[
    ("all.example", "v=spf1 -all", "fail", ""),
    ("soft.example", "v=spf1 ~all", "softfail", ""),
    ("nothing.example", "v=spf1", "neutral", ""),
    ("query.example", "v=spf1 ?all", "neutral", ""),
    ("network.example", "v=spf1 ip4:192.0.2.0/27 -all", "pass", ""),
    ("outside.example", "v=spf1 ip4:192.0.2.0/28 -all", "fail", ""),
    ("v6only.example", "v=spf1 ip6:2001:db8::/32 -all", "fail", ""),
    ("a.example", "v=spf1 a:host.a.example -all", "pass", ""),
    ("a24.example", "v=spf1 a:near.a.example/24 -all", "pass", ""),
    ("mx.example", "v=spf1 mx -all", "pass", ""),
    ("include.example", "v=spf1 include:network.example -all", "pass", ""),
    ("includefail.example", "v=spf1 include:all.example +all", "pass", ""),
    ("redirect.example", "v=spf1 redirect=network.example", "pass", ""),
    ("redirectall.example", "v=spf1 -all redirect=network.example", "fail", ""),
    ("exists.example", "v=spf1 exists:%{ir}.%{v}.list.example -all", "pass", ""),
    ("macro.example", "v=spf1 a:%{l}.%{d2}.hosts.example -all", "pass", ""),
    ("ptr.example", "v=spf1 ptr:names.example -all", "pass", ""),
    ("ptrother.example", "v=spf1 ptr:other.example -all", "fail", ""),
    ("pmacro.example", "v=spf1 exists:%{p}.known.example -all", "pass", ""),
    ("case.example", "V=SPF1 IP4:192.0.2.25 -ALL", "pass", ""),
    ("spaces.example", "v=spf1   ip4:192.0.2.25    -all  ", "pass", ""),
    ("modifier.example", "v=spf1 contact=http://example.org/%{d} ip4:192.0.2.25 -all", "pass", ""),
    ("refused-explained.example", "v=spf1 exp=silent.example -all", "fail", ""),
    ("explain.example", "v=spf1 exp=silent.example ip4:192.0.2.25 -all", "pass", ""),
    ("port.example", "v=spf1 a:host.a.example:25 -all", "permerror", "a:host.a.example:25"),
    ("mask.example", "v=spf1 ip4:192.0.2.0/99 ip4:192.0.2.25 -all", "permerror", "ip4:192.0.2.0/99"),
    ("comma.example", "v=spf1 ip4:192.0.2.25, -all", "permerror", "ip4:192.0.2.25,"),
    ("tab.example", "v=spf1 ip4:192.0.2.25\t-all", "permerror", "visible ASCII"),
    ("unknown.example", "v=spf1 ipv4:192.0.2.25 -all", "permerror", "ipv4:192.0.2.25"),
    ("late.example", "v=spf1 ip4:192.0.2.25 -all oops", "permerror", "oops"),
    (
        "dangling.example",
        "v=spf1 include:missing.example ip4:192.0.2.25 -all",
        "permerror",
        "include:missing.example",
    ),
    ("dead.example", "v=spf1 redirect=missing.example", "permerror", "redirect=missing.example"),
    ("loop.example", "v=spf1 include:loop.example -all", "permerror", "lookup number 11"),
    (
        "eleven.example",
        "v=spf1 a:h.x a:h.x a:h.x a:h.x a:h.x a:h.x a:h.x a:h.x a:h.x a:h.x a:h.x ip4:192.0.2.25",
        "permerror",
        "lookup number",
    ),
    (
        "void.example",
        "v=spf1 a:v1.missing.example a:v2.missing.example a:v3.missing.example ip4:192.0.2.25 -all",
        "permerror",
        "a:v3.missing.example",
    ),
    ("twovoid.example", "v=spf1 a:v1.missing.example a:v2.missing.example ip4:192.0.2.25 -all", "pass", ""),
    ("manymx.example", "v=spf1 mx:manymx.example ip4:192.0.2.25 -all", "permerror", "MX records"),
    ("lost.example", "v=spf1 a:refused.example ip4:192.0.2.25 -all", "temperror", "refused.example"),
    ("late-lost.example", "v=spf1 ip4:192.0.2.25 a:refused.example -all", "pass", ""),
];

fn zone() -> Zone {
    let mut zone = CASES.iter().fold(Zone::new(), |zone, (domain, record, ..)| zone.txt(domain, record));
    for number in 0..11 {
        zone = zone.mx("manymx.example", 10, &format!("mx{number}.manymx.example"));
    }
    zone.a("host.a.example", &["198.51.100.1", SENDER])
        .a("near.a.example", &["192.0.2.1"])
        .mx("mx.example", 10, "mx1.mx.example")
        .a("mx1.mx.example", &[SENDER])
        .a("25.2.0.192.in-addr.list.example", &["127.0.0.2"])
        .a("postmaster.macro.example.hosts.example", &[SENDER])
        .ptr(SENDER, "out.names.example")
        .a("out.names.example", &[SENDER])
        .a("out.names.example.known.example", &["127.0.0.2"])
        .a("h.x", &["198.51.100.1"])
        .rcode("refused.example", 5)
        .silent("silent.example")
}

fn evaluate(zone: Zone, sender: &[&str], domains: &[&str]) -> Vec<Value> {
    let dns = DnsServer::start(zone);
    let senders = sender.iter().flat_map(|address| ["--sender", address]);
    let outcome = tool()
        .args(["--ordered", "--timeout", "2", "--diagnose", "never", "--resolver", &dns.addr.to_string()])
        .args(senders)
        .args(domains.iter().map(|domain| format!("sender://{domain}")))
        .run();
    assert_eq!(outcome.records.len(), domains.len(), "{}", outcome.stderr);
    outcome.records.iter().map(|record| record["facts"]["sender"]["spf"].clone()).collect()
}

#[test]
fn every_case_of_the_standard_has_its_result_and_its_term() {
    let domains: Vec<&str> = CASES.iter().map(|(domain, ..)| *domain).collect();
    let results = evaluate(zone(), &[SENDER], &domains);
    for ((domain, record, wanted, word), spf) in CASES.iter().zip(&results) {
        assert_eq!(spf["result"], *wanted, "{domain}: {record}: {spf}");
        let reason = spf["reason"].as_str().unwrap_or_default();
        assert!(reason.contains(word) && reason.is_empty() == word.is_empty(), "{domain}: {spf}");
    }
}

#[test]
fn an_ipv4_address_written_as_ipv6_is_an_ipv4_address() {
    let results = evaluate(zone(), &["::ffff:192.0.2.25"], &["network.example", "v6only.example"]);
    assert_eq!((&results[0]["result"], &results[1]["result"]), (&"pass".into(), &"fail".into()));
}

#[test]
fn every_sender_is_evaluated_and_the_worst_result_speaks() {
    let results = evaluate(zone(), &[SENDER, "192.0.2.99", "2001:db8::1"], &["network.example"]);
    assert_eq!(results[0]["address"], "192.0.2.99");
    assert_eq!(results[0]["result"], "fail");
    let of: Vec<&str> = results[0]["addresses"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["result"].as_str().unwrap())
        .collect();
    assert_eq!(of, ["pass", "fail", "fail"]);
}

#[test]
fn without_a_sender_the_mail_hosts_own_address_is_evaluated() {
    let zone = zone().a("mail.network.example", &["192.0.2.7"]).aaaa("mail.v6only.example", &["2001:db8::9"]);
    let results = evaluate(zone, &[], &["network.example", "v6only.example", "all.example"]);
    assert_eq!((&results[0]["address"], &results[0]["result"]), (&"192.0.2.7".into(), &"pass".into()));
    assert_eq!((&results[1]["address"], &results[1]["result"]), (&"2001:db8::9".into(), &"pass".into()));
    assert_eq!(results[2]["result"], Value::Null, "no address is known");
}

#[test]
fn the_local_part_of_a_mailbox_given_as_sender_replaces_its_macro() {
    let zone = || zone().a("first.last.macro.example.hosts.example", &[SENDER]);
    let with = evaluate(zone(), &[SENDER, "first.last@macro.example"], &["macro.example"]);
    assert_eq!(with[0]["result"], "pass");
    let other = zone()
        .txt("reverse.example", "v=spf1 exists:%{lr-}.hosts.example -all")
        .a("b.a.hosts.example", &["127.0.0.2"]);
    let reversed = evaluate(other, &[SENDER, "a-b@reverse.example"], &["reverse.example"]);
    assert_eq!(reversed[0]["result"], "pass");
}
