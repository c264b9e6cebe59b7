//! `sender://`: what the DNS says of a sending domain.

use netcheck_lab::dns::{DnsServer, Zone};
use netcheck_lab::tool::Outcome;
use netcheck_lab::view::{cause_fix, failure_detail};
use serde_json::{Value, json};

use crate::messages::Signer;
use crate::tool;

const ADDRESS: &str = "198.2.132.142";

/// The parts of a healthy identity, each of which a test can leave out.
pub fn spf(zone: Zone) -> Zone {
    zone.txt("spotme.com", "google-site-verification=1")
        .txt("spotme.com", "v=spf1 include:_spf.spotme.com -all")
        .txt("_spf.spotme.com", "v=spf1 ip4:198.2.132.142 ~all")
}

pub fn dkim(zone: Zone) -> Zone {
    zone.txt("mandrill._domainkey.spotme.com", &Signer::new().record())
}

pub fn host(zone: Zone) -> Zone {
    zone.a("mail.spotme.com", &[ADDRESS]).ptr(ADDRESS, "mail.spotme.com")
}

pub fn dmarc(zone: Zone) -> Zone {
    zone.txt("_dmarc.spotme.com", "v=DMARC1; p=reject; rua=mailto:a@example.com")
}

fn ask(zone: Zone) -> Outcome {
    ask_with(zone, &[])
}

fn ask_with(zone: Zone, more: &[&str]) -> Outcome {
    let dns = DnsServer::start(zone);
    tool()
        .args(["sender://spotme.com", "--timeout", "2", "--resolver", &dns.addr.to_string()])
        .args(more)
        .run()
}

fn summary(record: &Value) -> Value {
    json!({
        "verdict": record["verdict"],
        "failure": record["failure"],
        "cause": record["cause"]["code"],
        "who": record["cause"]["who"],
        "confidence": record["cause"]["confidence"],
        "spf": record["facts"]["sender"]["spf"]["result"],
    })
}

#[test]
fn an_identity_passes_through_a_resolver_that_drops_questions_with_edns() {
    let outcome = ask(dmarc(host(dkim(spf(Zone::new())))).without_edns());
    assert_eq!(
        summary(outcome.one()),
        json!({"verdict": "pass", "failure": null, "cause": null, "who": null, "confidence": null, "spf": "pass"})
    );
}

#[test]
fn an_identity_in_order_passes() {
    let outcome = ask(dmarc(host(dkim(spf(Zone::new())))));
    insta::assert_json_snapshot!(outcome.one(), {".ts" => "", ".stages[].us" => 0}, @r#"
    {
      "v": 1,
      "ts": "",
      "check": "mail",
      "target": "sender://spotme.com",
      "verdict": "pass",
      "stages": [
        {
          "stage": "dns",
          "ok": true,
          "us": 0
        },
        {
          "stage": "host",
          "ok": true,
          "us": 0
        },
        {
          "stage": "spf",
          "ok": true,
          "us": 0
        },
        {
          "stage": "dkim",
          "ok": true,
          "us": 0
        },
        {
          "stage": "dmarc",
          "ok": true,
          "us": 0
        },
        {
          "stage": "ptr",
          "ok": true,
          "us": 0
        }
      ],
      "facts": {
        "sender": {
          "spf": {
            "records": 1,
            "address": "198.2.132.142",
            "result": "pass",
            "includes": [
              "_spf.spotme.com"
            ],
            "lookups": 1,
            "queries": 2
          },
          "dkim": [
            {
              "selector": "mandrill",
              "result": "sound"
            }
          ],
          "dmarc": {
            "policy": "reject"
          },
          "host": {
            "name": "mail.spotme.com",
            "addresses": [
              "198.2.132.142"
            ],
            "published": "198.2.132.142",
            "reverse": [
              "mail.spotme.com"
            ],
            "confirmed": true
          }
        }
      }
    }
    "#);
    assert_eq!(outcome.code, 0);
}

#[test]
fn a_domain_without_spf_is_mail_no_spf() {
    let zone = dmarc(host(dkim(Zone::new().txt("spotme.com", "hello"))));
    insta::assert_json_snapshot!(summary(ask(zone).one()), @r#"
    {
      "verdict": "degraded",
      "failure": {
        "code": "mail.no_spf",
        "detail": "spotme.com has no SPF record"
      },
      "cause": "sender_identity",
      "who": "service",
      "confidence": "low",
      "spf": "none"
    }
    "#);
}

#[test]
fn an_address_that_spf_shuts_out_is_mail_spf_excludes() {
    let outcome = ask_with(dmarc(host(dkim(spf(Zone::new())))), &["--sender", "192.0.2.7"]);
    let record = outcome.one();
    assert_eq!(record["verdict"], "fail");
    assert_eq!(record["failure"]["code"], "mail.spf_excludes");
    assert_eq!(record["cause"]["code"], "sender_identity");
    assert_eq!(record["cause"]["who"], "service");
    insta::assert_snapshot!(cause_fix(record), @"Publish an SPF record (DNS, TXT) for spotme.com that covers 192.0.2.7.");
    assert_eq!(outcome.code, 1);
}

#[test]
fn a_softfail_is_degraded_while_dkim_carries_the_mail() {
    let zone = Zone::new().txt("spotme.com", "v=spf1 ip4:192.0.2.1 ~all");
    let with_key = ask(dmarc(host(dkim(zone.clone()))));
    assert_eq!(with_key.one()["verdict"], "degraded");
    assert_eq!(with_key.one()["failure"]["code"], "mail.spf_excludes");
    let without = ask(dmarc(host(zone)));
    assert_eq!(without.one()["verdict"], "fail", "neither SPF nor DKIM, and DMARC asks to reject");
}

#[test]
fn a_chain_of_too_many_includes_is_mail_spf_excludes() {
    let mut zone = Zone::new().txt("spotme.com", "v=spf1 include:s0.spotme.com -all");
    for step in 0..12 {
        zone = zone.txt(&format!("s{step}.spotme.com"), &format!("v=spf1 include:s{}.spotme.com", step + 1));
    }
    zone = zone.txt("s12.spotme.com", "v=spf1 ip4:198.2.132.142");
    let record = ask(dmarc(host(dkim(zone)))).one().clone();
    assert_eq!(record["failure"]["code"], "mail.spf_excludes");
    assert_eq!(record["facts"]["sender"]["spf"]["result"], "permerror");
}

#[test]
fn a_record_that_includes_itself_ends() {
    let zone = Zone::new().txt("spotme.com", "v=spf1 include:spotme.com -all");
    assert_eq!(ask(dmarc(host(dkim(zone)))).one()["facts"]["sender"]["spf"]["result"], "permerror");
}

#[test]
fn two_spf_records_are_none() {
    let zone = spf(Zone::new()).txt("spotme.com", "v=spf1 ip4:198.2.132.142 -all");
    let record = ask(dmarc(host(dkim(zone)))).one().clone();
    assert_eq!(record["failure"]["code"], "mail.spf_excludes");
    assert_eq!(record["facts"]["sender"]["spf"]["records"], 2);
}

#[test]
fn a_missing_key_is_mail_no_dkim() {
    insta::assert_json_snapshot!(summary(ask(dmarc(host(spf(Zone::new())))).one()), @r#"
    {
      "verdict": "degraded",
      "failure": {
        "code": "mail.no_dkim",
        "detail": "there is no DKIM key at mandrill._domainkey.spotme.com"
      },
      "cause": "sender_identity",
      "who": "service",
      "confidence": "low",
      "spf": "pass"
    }
    "#);
}

#[test]
fn a_revoked_key_is_mail_dkim_invalid() {
    let zone = spf(Zone::new()).txt("mandrill._domainkey.spotme.com", "v=DKIM1; k=rsa; p=");
    let record = ask(dmarc(host(zone))).one().clone();
    assert_eq!(record["failure"]["code"], "mail.dkim_invalid");
    assert_eq!(record["verdict"], "degraded");
    assert_eq!(record["facts"]["sender"]["dkim"][0]["result"], "revoked");
}

#[test]
fn every_selector_given_is_looked_up() {
    let outcome =
        ask_with(dmarc(host(dkim(spf(Zone::new())))), &["--selector", "mandrill", "--selector", "s2"]);
    let keys = &outcome.one()["facts"]["sender"]["dkim"];
    assert_eq!((&keys[0]["result"], &keys[1]["result"]), (&json!("sound"), &json!("missing")));
    assert_eq!(outcome.one()["failure"]["code"], "mail.no_dkim");
}

#[test]
fn an_address_without_a_way_back_is_mail_ptr_mismatch() {
    let parts = || dmarc(dkim(spf(Zone::new()))).a("mail.spotme.com", &[ADDRESS]);
    let without_name = ask(parts());
    assert_eq!(without_name.one()["failure"]["code"], "mail.ptr_mismatch");
    let elsewhere =
        ask(parts().ptr(ADDRESS, "elsewhere.example.com").a("elsewhere.example.com", &["192.0.2.9"]));
    insta::assert_json_snapshot!(summary(elsewhere.one()), @r#"
    {
      "verdict": "degraded",
      "failure": {
        "code": "mail.ptr_mismatch",
        "detail": "the reverse name of 198.2.132.142 is elsewhere.example.com, which has another address"
      },
      "cause": "sender_identity",
      "who": "service",
      "confidence": "low",
      "spf": "pass"
    }
    "#);
}

#[test]
fn a_reverse_name_other_than_the_mail_hosts_is_right_if_it_leads_back() {
    let zone = dmarc(dkim(spf(Zone::new()))).a("mail.spotme.com", &[ADDRESS]);
    let zone = zone
        .ptr(ADDRESS, "mail132-142.atl131.mandrillapp.com")
        .a("mail132-142.atl131.mandrillapp.com", &[ADDRESS]);
    assert_eq!(ask(zone).one()["verdict"], "pass");
}

#[test]
fn another_address_than_the_published_one_is_mail_address_mismatch() {
    let zone =
        dmarc(dkim(spf(Zone::new()))).a("mail.spotme.com", &["192.0.2.50"]).ptr(ADDRESS, "out.spotme.com");
    insta::assert_json_snapshot!(summary(ask(zone.a("out.spotme.com", &[ADDRESS])).one()), @r#"
    {
      "verdict": "degraded",
      "failure": {
        "code": "mail.address_mismatch",
        "detail": "mail.spotme.com has the address 192.0.2.50; the published address is 198.2.132.142"
      },
      "cause": "sender_identity",
      "who": "service",
      "confidence": "low",
      "spf": "pass"
    }
    "#);
}

#[test]
fn a_changed_address_of_the_mail_host_is_said_first_and_may_be_the_resolvers_doing() {
    let changed = || {
        dmarc(dkim(spf(Zone::new()))).a("mail.spotme.com", &["192.0.2.50"]).ptr(ADDRESS, "mail.spotme.com")
    };
    let alone = ask(changed());
    assert_eq!(alone.one()["failure"]["code"], "mail.address_mismatch");
    assert_eq!(alone.one()["facts"]["sender"]["host"]["confirmed"], false);
    let reference = DnsServer::start(dmarc(host(dkim(spf(Zone::new())))));
    let compared = ask_with(changed(), &["--reference-resolver", &reference.addr.to_string()]);
    insta::assert_json_snapshot!(summary(compared.one()), @r#"
    {
      "verdict": "degraded",
      "failure": {
        "code": "mail.address_mismatch",
        "detail": "mail.spotme.com has the address 192.0.2.50; the published address is 198.2.132.142"
      },
      "cause": "dns_hijack",
      "who": "dns",
      "confidence": "medium",
      "spf": "pass"
    }
    "#);
}

#[test]
fn a_domain_of_ones_own_is_judged_by_what_is_known_of_it() {
    let zone = Zone::new()
        .txt("events.example.com", "v=spf1 -all")
        .txt("_dmarc.example.com", "v=DMARC1; p=reject; sp=quarantine")
        .a("post.example.com", &["192.0.2.3"])
        .ptr("192.0.2.3", "post.example.com");
    let dns = DnsServer::start(zone);
    let args =
        ["sender://events.example.com", "--mail-host", "post.example.com", "--selector", "x", "--resolver"];
    let record = tool().args(args).arg(dns.addr.to_string()).run().one().clone();
    let facts = &record["facts"]["sender"];
    assert_eq!(facts["dmarc"], json!({ "policy": "quarantine", "from": "example.com" }));
    assert_eq!(facts["spf"]["address"], "192.0.2.3");
    assert_eq!(facts["spf"]["result"], "fail");
    assert_eq!(facts["host"]["confirmed"], true);
    assert_eq!(record["failure"]["code"], "mail.spf_excludes");
}

#[test]
fn a_domain_that_does_not_exist_is_dns_nxdomain() {
    let outcome = ask(Zone::new());
    assert_eq!(outcome.one()["failure"]["code"], "dns.nxdomain");
    assert_eq!(outcome.one()["verdict"], "fail");
}

#[test]
fn an_address_has_no_sending_identity() {
    let outcome = tool().arg("sender://192.0.2.1").run();
    assert_eq!(outcome.one()["failure"]["code"], "input.invalid");
    assert_eq!(outcome.one()["verdict"], "inconclusive");
}

#[test]
fn a_resolver_that_fails_is_told_by_its_code() {
    let of = |zone: Zone| ask(zone).one()["failure"]["code"].clone();
    assert_eq!(of(Zone::new().rcode("spotme.com", 2)), "dns.servfail");
    assert_eq!(of(Zone::new().rcode("spotme.com", 5)), "dns.refused");
    assert_eq!(of(Zone::new().silent("spotme.com")), "dns.timeout");
}

#[test]
fn an_include_that_cannot_be_resolved_is_a_dns_failure_and_temperror() {
    let zone =
        Zone::new().txt("spotme.com", "v=spf1 include:_spf.spotme.com -all").rcode("_spf.spotme.com", 2);
    let record = ask(dmarc(host(dkim(zone)))).one().clone();
    assert_eq!(record["failure"]["code"], "dns.servfail");
    assert_eq!(record["facts"]["sender"]["spf"]["result"], "temperror");
    insta::assert_snapshot!(failure_detail(&record), @"the resolver answers the query for _spf.spotme.com (TXT) with RCODE 2");
}

#[test]
fn what_another_resolver_finds_in_order_is_the_resolvers_doing() {
    let reference = DnsServer::start(dmarc(host(dkim(spf(Zone::new())))));
    let here = dmarc(host(dkim(Zone::new().txt("spotme.com", "hello"))));
    let outcome = ask_with(here, &["--reference-resolver", &reference.addr.to_string()]);
    insta::assert_json_snapshot!(summary(outcome.one()), @r#"
    {
      "verdict": "degraded",
      "failure": {
        "code": "mail.no_spf",
        "detail": "spotme.com has no SPF record"
      },
      "cause": "dns_filter",
      "who": "dns",
      "confidence": "medium",
      "spf": "none"
    }
    "#);
    assert_eq!(outcome.one()["facts"]["sender"]["in_order_elsewhere"], json!(["mail.no_spf"]));
}

#[test]
fn an_unanswered_question_about_the_reverse_name_leaves_spf_as_it_is() {
    let zone = dmarc(dkim(spf(Zone::new()))).a("mail.spotme.com", &[ADDRESS]);
    let record = ask(zone.rcode("142.132.2.198.in-addr.arpa", 2)).one().clone();
    assert_eq!(record["verdict"], "degraded");
    assert_eq!(record["failure"]["code"], "dns.servfail");
    insta::assert_snapshot!(failure_detail(&record), @"the resolver answers the query for 142.132.2.198.in-addr.arpa (PTR) with RCODE 2");
    assert_eq!(record["facts"]["sender"]["spf"]["result"], "pass");
    assert_eq!(record["facts"]["sender"]["unanswered"].as_array().unwrap().len(), 1);
}

#[test]
fn an_unanswered_question_about_dmarc_stops_nothing_else() {
    let zone = host(dkim(spf(Zone::new()))).silent("_dmarc.spotme.com");
    let record = ask(zone).one().clone();
    assert_eq!(record["failure"]["code"], "dns.timeout");
    assert_eq!(record["facts"]["sender"]["host"]["confirmed"], true);
    assert_eq!(record["facts"]["sender"]["dkim"][0]["result"], "sound");
}

#[test]
fn an_explanation_that_would_be_lost_is_not_asked_for() {
    let zone = Zone::new().txt("spotme.com", "v=spf1 exp=why.spotme.com -all").silent("why.spotme.com");
    let dns = DnsServer::start(dmarc(host(dkim(zone))));
    let resolver = dns.addr.to_string();
    let outcome = tool().args(["sender://spotme.com", "--timeout", "2", "--resolver", &resolver]).run();
    // "-all" refuses the address, whatever becomes of the explanation (RFC 7208 section 6.2).
    assert_eq!(summary(outcome.one())["spf"], "fail");
    assert_eq!(outcome.one()["failure"]["code"], "mail.spf_excludes");
    assert_eq!(outcome.one()["facts"]["sender"]["dkim"][0]["result"], "sound");
    assert_eq!(outcome.one()["facts"]["sender"]["unanswered"], Value::Null);
    assert!(dns.queries().iter().all(|query| !query.starts_with("why.spotme.com")), "{:?}", dns.queries());
}

#[test]
fn a_domain_that_does_not_exist_is_to_be_published_not_allowed_through() {
    let record = ask(Zone::new()).one().clone();
    let fix = record["cause"]["fix"].as_str().unwrap();
    assert!(fix.contains("spotme.com") && fix.contains("(DNS, TXT)") && !fix.contains("ICMP"), "{fix}");
}

#[test]
fn a_key_for_another_service_is_named() {
    let key = Signer::new().record().replacen("v=DKIM1;", "v=DKIM1; s=tlsrpt;", 1);
    let record = ask(dmarc(host(spf(Zone::new()))).txt("mandrill._domainkey.spotme.com", &key)).one().clone();
    assert_eq!(record["failure"]["code"], "mail.dkim_invalid");
    insta::assert_snapshot!(failure_detail(&record), @"the DKIM key at mandrill._domainkey.spotme.com cannot be used: it is a key for another service (s=tlsrpt), not for email");
}
