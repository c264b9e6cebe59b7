//! What concerns destinations: one finding for one device, with the whole range.

use serde_json::{Value, json};

use crate::run::check;

fn destinations(request: &Value) -> Vec<(&str, &str, &str)> {
    let rules = request["destinations"].as_array().unwrap();
    rules
        .iter()
        .map(|rule| {
            let word = |key: &str| rule[key].as_str().unwrap_or_default();
            (word("rule"), word("protocol"), word("ports"))
        })
        .collect()
}

#[test]
fn a_service_that_refuses_everywhere_is_not_known() {
    let checked = check("reset-same-ttl", &[]);
    assert_eq!((checked.run.code, checked.status("ingest")), (Some(1), "not known"));
    assert_eq!(checked.findings(), [("port_idle", "")]);
    assert!(
        checked.headline().starts_with("It is not known whether the event can run"),
        "{}",
        checked.headline()
    );
    assert_eq!(checked.request().0, "service");
}

#[test]
fn a_rule_of_this_machine_is_one_finding_with_the_whole_range() {
    let checked = check("local-drop", &[]);
    assert_eq!((checked.run.code, checked.findings()), (Some(1), vec![("local_firewall", "")]));
    assert_eq!(checked.request().0, "person");
    assert_eq!(
        destinations(&checked.requests()[0]),
        [("{eu,us,ap}-channel.spotme.com", "TCP", "10000-10050"), ("*.tokbox.com", "UDP", "443")]
    );
}

#[test]
fn a_block_page_names_the_filter_and_asks_for_an_exemption() {
    let checked = check("block-page-https", &[]);
    assert_eq!(checked.findings(), [("block_page", "")]);
    let (to, text) = checked.request();
    assert_eq!(to, "security");
    assert!(text.starts_with("Exempt from the web filter (Fortinet):"), "{text}");
}

#[test]
fn each_way_out_is_judged_by_itself() {
    let checked = check("healthy-proxy", &["--path", "direct,proxy", "--row", "core", "--row", "apns"]);
    let paths = |name: &str| {
        let requirements = checked.answer["requirements"].as_array().unwrap();
        requirements.iter().find(|one| one["name"] == name).unwrap()["paths"].clone()
    };
    assert_eq!(paths("core"), json!({ "direct": "does not work", "proxy": "works" }));
    assert_eq!(paths("apns"), json!({ "direct": "does not work", "proxy": "does not work" }));
    assert_eq!(checked.status("core"), "works");
    // What works through the proxy asks for no opening.
    assert_eq!(destinations(&checked.requests()[0]), [("17.0.0.0/8", "TCP", "443, 2197, 5223")]);
}

#[test]
fn a_way_out_that_is_not_configured_is_said_and_not_tried() {
    let checked = check("healthy", &["--path", "direct,proxy", "--row", "core"]);
    assert_eq!((checked.run.code, checked.findings().len()), (Some(0), 0));
    let notes = checked.answer["run"]["notes"].to_string();
    assert!(notes.contains("No proxy is configured"), "{notes}");
}

#[test]
fn a_firewalls_form_is_filled_in() {
    let checked = check("drop-hop2", &["--row", "ingest"]);
    let request = &checked.requests()[0];
    assert_eq!(checked.requests().len(), 1);
    for (key, value) in [
        ("to", "network"),
        ("action", "allow"),
        ("direction", "outbound"),
        ("near", "10.30.0.2"),
        ("reason", "live-stream ingest"),
    ] {
        assert_eq!(request[key], value, "{key}");
    }
    assert_eq!(request["required"], true);
    assert_eq!(request["source"], json!({ "address": "10.20.0.10", "interface": "eth0" }));
    let rule = json!({ "rule": "{eu,us,ap}-channel.spotme.com", "protocol": "TCP", "ports": "10000-10050",
        "addresses": ["13.228.50.1", "52.28.30.1", "54.208.40.1"] });
    assert_eq!(request["destinations"], json!([rule]));
    let text = request["text"].as_str().unwrap();
    let seen = request["seen"].as_str().unwrap().replace('T', " ");
    for part in [
        "Allow outbound TCP 10000-10050 to {eu,us,ap}-channel.spotme.com",
        "(now 13.228.50.1, 52.28.30.1, 54.208.40.1)",
        "from 10.20.0.10 (eth0)",
        "at 10.30.0.2",
        "Needed for: live-stream ingest (required)",
        "Evidence: no answer within",
        seen.trim_end_matches('Z'),
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}
