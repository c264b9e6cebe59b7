//! Flags that cannot be used end the tool before any packet.

use netcheck_lab::pki::Authority;
use netcheck_lab::view::explained;
use netcheck_lab::{Act, Server, closed_port};

use crate::fake_service::{APNS, Believes as _, COURIER, HOST, elsewhere, tool};

#[test]
fn a_file_that_cannot_be_used_is_named_with_its_fault() {
    for (name, contents, flag, word) in [
        ("list.txt", "10.0.0.0/8\n", "--networks", "line 1: a prefix before"),
        ("goog.json", "{\"prefixes\":[]}", "--networks", "0 prefixes"),
        ("empty.txt", "", "--networks", "no prefix"),
        ("roots.pem", "nothing", "--apple-roots", "no certificate"),
    ] {
        let outcome = elsewhere().file(name, contents).args([flag, name]).check("apns", HOST, 1);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""), "{outcome:?}");
        assert!(outcome.stderr.contains(flag) && outcome.stderr.contains(name), "{}", outcome.stderr);
        assert!(outcome.stderr.contains(word), "{}", outcome.stderr);
    }
    for flag in ["--networks", "--apple-roots"] {
        let outcome = elsewhere().args([flag, "missing"]).check("apns", HOST, 1);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""));
    }
}

#[test]
fn a_hold_of_no_time_is_a_usage_error() {
    for span in ["0", "-1", "NaN", "90000", "x"] {
        let outcome = elsewhere().arg(format!("--hold={span}")).check("fcm", HOST, 1);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""), "{span}");
    }
}

#[test]
fn proxies_of_the_environment_are_not_for_devices() {
    let apple = Authority::new("Lab Apple Root CA");
    let server = Server::tls(&apple.leaf(&[COURIER]), APNS, vec![Act::Stall]);
    let proxy = format!("http://127.0.0.1:{}", closed_port());
    let tool = tool().apple(&apple).env("all_proxy", &proxy).env("https_proxy", &proxy);
    assert_eq!(explained(&tool.check("apns", HOST, server.port)), "pass - -");
}

#[test]
fn a_script_is_not_for_devices_and_the_record_says_where_it_sends_browsers() {
    let apple = Authority::new("Lab Apple Root CA");
    let server = Server::tls(&apple.leaf(&[COURIER]), APNS, vec![Act::Stall]);
    let proxy = format!("127.0.0.1:{}", closed_port());
    let script =
        tool().file("p.pac", format!("function FindProxyForURL() {{ return \"PROXY {proxy}; DIRECT\"; }}"));
    let url = format!("pac+file://{}", script.dir().join("p.pac").display());
    let outcome = script.args(["--proxy", &url]).apple(&apple).check("apns", HOST, server.port);
    assert_eq!(explained(&outcome), "pass - -", "{outcome:?}");
    let facts = &outcome.one()["facts"]["proxy"];
    assert_eq!(
        *facts,
        serde_json::json!({ "source": "flag", "browser": [format!("http://{proxy}"), "DIRECT"] })
    );
}

#[test]
fn bare_hosts_are_couriers_and_ports_have_defaults() {
    let outcome = elsewhere().args(["--timeout", "0.1", "--diagnose", "never"]).stdin(
        "127.0.0.1:1\napns://127.0.0.1\nfcm://127.0.0.1\napns-provider://127.0.0.1\nfcm-api://127.0.0.1\n{\"target\":\"wss://a\"}\n",
    );
    let outcome = outcome.arg("--ordered").run();
    let targets: Vec<_> = outcome.records.iter().map(|record| record["target"].clone()).collect();
    assert_eq!(
        targets,
        [
            "apns://127.0.0.1:1",
            "apns://127.0.0.1:5223",
            "fcm://127.0.0.1:5228",
            "apns-provider://127.0.0.1:443",
            "fcm-api://127.0.0.1:443",
        ]
    );
}
