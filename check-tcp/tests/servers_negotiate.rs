//! A Kerberos proxy as companies have it (MIT's KDC, Squid with its Negotiate helper): healthy, and with one fault each.

use std::fs;

use netcheck_lab::kerberos::{Realm, Squid};
use netcheck_lab::tool::{Outcome, Tool};
use netcheck_lab::view::diagnosed;
use netcheck_lab::{Act, Server, closed_port};
use serde_json::{Value, json};

const REALM: &str = "LAB.TEST";
/// An NTLM challenge ([MS-NLMP] section 2.2.1.2) of the domain CORP.
const NTLM_CHALLENGE: &str = "TlRMTVNTUAACAAAABAAEACAAAAACAAAABwcHBwcHBwdDT1JQ";
const SPN: &str = "HTTP/proxy.lab.test@LAB.TEST";

/// A realm with Alice, the proxy, and the proxy's keytab.
fn realm() -> Realm {
    Realm::with_proxy("secret", "")
}

/// The tool on Alice's office; `clock` shifts hers.
fn office(realm: &Realm, squid: &Squid, host: &str, clock: Option<&str>) -> Tool {
    office_at(realm, squid.port, host, clock)
}

/// The same with a proxy on this port.
fn office_at(realm: &Realm, port: u16, host: &str, clock: Option<&str>) -> Tool {
    let program = env!("CARGO_BIN_EXE_check-tcp");
    let tool = match clock {
        Some(clock) => Tool::new("faketime").args(["-f", clock, program]),
        None => Tool::new(program),
    };
    let proxy = format!("http://{host}:{port}");
    tool.args(["--proxy", &proxy, "--connect-to", "proxy.lab.test=127.0.0.1", "--connect-to"])
        .args(["alias.lab.test=127.0.0.1", "--resolver", &format!("127.0.0.1:{}", closed_port())])
        .env("KRB5_CONFIG", realm.path("krb5.conf").display().to_string())
        .env("KRB5CCNAME", format!("FILE:{}", realm.path("cc").display()))
}

/// A service that accepts.
fn service() -> (Server, String) {
    let server = Server::tcp(vec![Act::Stall]);
    let target = format!("tcp://127.0.0.1:{}", server.port);
    (server, target)
}

fn action(outcome: &Outcome, key: &str) -> Value {
    outcome.one()["cause"]["action"][key].clone()
}

fn auth(outcome: &Outcome, key: &str) -> Value {
    outcome.one()["facts"]["proxy"]["auth"][key].clone()
}

#[test]
fn a_ticket_opens_the_proxy_and_is_shown_without_its_secrets() {
    let realm = realm();
    realm.log_on("alice", "secret", &[]);
    let squid = Squid::negotiate(&realm, None);
    let (server, target) = service();
    let outcome = office(&realm, &squid, "proxy.lab.test", None).arg(&target).run();
    assert_eq!(diagnosed(&outcome), "pass - - - -", "{outcome:?}");
    for (key, value) in [
        ("scheme", json!("Negotiate")),
        ("spn", json!(SPN)),
        ("principal", json!("alice@LAB.TEST")),
        ("etype", json!(20)),
        ("kvno", json!(2)),
        ("kdc", json!(realm.kdc_address)),
    ] {
        assert_eq!(auth(&outcome, key), value, "{key}: {outcome:?}");
    }
    assert_eq!(outcome.one()["facts"]["proxy"]["schemes"], json!(["Negotiate"]));
    // A plain HTTP request is forwarded with a token of its own.
    let page = Server::tcp(vec![
        Act::until("\r\n\r\n"),
        Act::send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
        Act::Close,
    ]);
    let web = format!("http://127.0.0.1:{}/", page.port);
    let outcome = office(&realm, &squid, "proxy.lab.test", None).args([&web, &target]).arg("--ordered").run();
    assert!(outcome.records.iter().all(|record| record["verdict"] == "pass"), "{outcome:?}");
    drop(server);
}

#[test]
fn what_this_machine_lacks_is_this_machines() {
    let realm = realm();
    let squid = Squid::negotiate(&realm, None);
    let (_server, target) = service();
    let outcome = office(&realm, &squid, "proxy.lab.test", None).arg(&target).run();
    assert_eq!(diagnosed(&outcome), "fail proxy.auth_impossible proxy_ticket local high", "{outcome:?}");
    assert_eq!(action(&outcome, "how"), "renew_ticket");

    realm.log_on("alice", "secret", &["-l", "1m"]);
    let outcome = office(&realm, &squid, "proxy.lab.test", Some("+3994")).arg(&target).run();
    assert_eq!(diagnosed(&outcome), "fail proxy.auth_impossible proxy_ticket local high", "{outcome:?}");
    let detail = outcome.one()["failure"]["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("ticket of alice@LAB.TEST expired at") && detail.contains(" s ago"), "{detail}");

    realm.log_on("alice", "secret", &[]);
    for (clock, low, high) in [("+600", 595, 605), ("-600", -605, -595)] {
        let outcome = office(&realm, &squid, "proxy.lab.test", Some(clock)).arg(&target).run();
        assert_eq!(diagnosed(&outcome), "fail proxy.auth_impossible clock_skew local high", "{outcome:?}");
        let skew = auth(&outcome, "skew_s").as_i64().unwrap();
        assert!((low..=high).contains(&skew), "{skew}");
        assert_eq!(auth(&outcome, "kdc_code"), 37);
    }
}

#[test]
fn a_proxy_that_the_directory_does_not_know_by_that_name() {
    let realm = realm();
    realm.log_on("alice", "secret", &[]);
    let squid = Squid::negotiate(&realm, None);
    let (_server, target) = service();
    for (host, spn) in [("127.0.0.1", "HTTP/127.0.0.1"), ("alias.lab.test", "HTTP/alias.lab.test@LAB.TEST")] {
        let outcome = office(&realm, &squid, host, None).arg(&target).run();
        assert_eq!(diagnosed(&outcome), "fail proxy.auth_impossible proxy_spn proxy high", "{outcome:?}");
        assert_eq!((action(&outcome, "spn"), auth(&outcome, "kdc_code")), (json!(spn), json!(7)));
    }
    let named = office(&realm, &squid, "127.0.0.1", None).args(["--proxy-spn", SPN]).arg(&target).run();
    assert_eq!(diagnosed(&named), "pass - - - -", "{named:?}");
}

#[test]
fn a_kdc_that_refuses_is_silent_or_is_not_named() {
    let mut realm = realm();
    realm.log_on("alice", "secret", &[]);
    let squid = Squid::negotiate(&realm, None);
    let (_server, target) = service();
    realm.pause();
    let silent = Server::tcp(vec![Act::Stall]);
    let config = fs::read_to_string(realm.path("krb5.conf")).unwrap();
    let elsewhere = config.replace(&realm.kdc_address, &format!("127.0.0.1:{}", silent.port));
    let nowhere = config.replace("kdc = ", "admin_server = ");
    for (name, text, why) in [
        ("refused", &config, "RST"),
        ("silent", &elsewhere, "no answer"),
        ("unnamed", &nowhere, "no KDC is configured"),
    ] {
        fs::write(realm.path(name), text).unwrap();
        let outcome = office(&realm, &squid, "proxy.lab.test", None)
            .env("KRB5_CONFIG", realm.path(name).display().to_string())
            .args(["--timeout", "2", &target])
            .run();
        assert_eq!(
            diagnosed(&outcome),
            "fail proxy.auth_impossible kdc_unreachable network medium",
            "{outcome:?}"
        );
        assert!(outcome.one()["failure"]["detail"].as_str().unwrap().contains(why), "{outcome:?}");
    }
}

#[test]
fn a_kdc_that_is_reached_over_udp_alone_gives_its_ticket() {
    let mut realm = realm();
    realm.log_on("alice", "secret", &[]);
    let squid = Squid::negotiate(&realm, None);
    let (_server, target) = service();
    realm.over_udp_only();
    let outcome = office(&realm, &squid, "proxy.lab.test", None).arg(&target).run();
    assert_eq!(diagnosed(&outcome), "pass - - - -", "{outcome:?}");
    assert_eq!(auth(&outcome, "kdc"), realm.kdc_address, "{outcome:?}");
}

#[test]
fn passwords_and_keytabs_log_on_or_are_refused_by_the_directory() {
    let realm = realm();
    realm.admin(REALM, "addprinc -randkey robot");
    realm.admin(REALM, "ktadd -k robot.keytab robot");
    let squid = Squid::negotiate(&realm, None);
    let (_server, target) = service();
    for (user, password, expected, code) in [
        ("alice", "secret", "pass - - - -", Value::Null),
        ("alice@LAB.TEST", "wrong", "fail proxy.auth_impossible proxy_auth local high", json!(24)),
        ("nobody", "secret", "fail proxy.auth_impossible proxy_auth local high", json!(6)),
    ] {
        let outcome = office(&realm, &squid, "proxy.lab.test", None)
            .env("NETCHECK_PROXY_USER", user)
            .env("NETCHECK_PROXY_PASSWORD", password)
            .arg(&target)
            .run();
        assert_eq!(diagnosed(&outcome), expected, "{user}: {outcome:?}");
        assert_eq!(auth(&outcome, "kdc_code"), code, "{user}");
        assert!(!format!("{outcome:?}").contains("wrong"), "{outcome:?}");
    }
    let keytab = realm.path("robot.keytab").display().to_string();
    let outcome =
        office(&realm, &squid, "proxy.lab.test", None).args(["--proxy-keytab", &keytab, &target]).run();
    assert_eq!(diagnosed(&outcome), "pass - - - -", "{outcome:?}");
    assert_eq!(auth(&outcome, "principal"), "robot@LAB.TEST");
    let outcome =
        office(&realm, &squid, "proxy.lab.test", None).args(["--proxy-auth", "none", &target]).run();
    assert_eq!(diagnosed(&outcome), "fail proxy.auth_required proxy_auth proxy medium", "{outcome:?}");
}

#[test]
fn a_proxy_whose_key_or_clock_is_wrong_refuses_a_fresh_ticket() {
    let realm = realm();
    let (_server, target) = service();
    {
        realm.log_on("alice", "secret", &[]);
        let late = Squid::negotiate(&realm, Some("+1200"));
        let outcome = office(&realm, &late, "proxy.lab.test", None).arg(&target).run();
        assert_eq!(diagnosed(&outcome), "fail proxy.auth_refused clock_skew proxy medium", "{outcome:?}");
        let skew = action(&outcome, "skew_s").as_i64().unwrap();
        assert!((1190..=1210).contains(&skew), "{skew}");
    }
    realm.admin(REALM, "cpw -randkey HTTP/proxy.lab.test");
    realm.log_on("alice", "secret", &[]);
    let squid = Squid::negotiate(&realm, None);
    let outcome = office(&realm, &squid, "proxy.lab.test", None).arg(&target).run();
    assert_eq!(diagnosed(&outcome), "fail proxy.auth_refused proxy_keytab proxy medium", "{outcome:?}");
    assert_eq!((action(&outcome, "spn"), action(&outcome, "kvno")), (json!(SPN), json!(3)));
}

#[test]
fn clocks_a_few_minutes_off_and_a_keytab_with_an_old_key_beside_the_new_one_are_no_fault() {
    let realm = realm();
    realm.log_on("alice", "secret", &[]);
    let (_server, target) = service();
    {
        let squid = Squid::negotiate(&realm, None);
        for clock in ["+200", "-200"] {
            let outcome = office(&realm, &squid, "proxy.lab.test", Some(clock)).arg(&target).run();
            assert_eq!(diagnosed(&outcome), "pass - - - -", "{clock}: {outcome:?}");
        }
    }
    {
        let squid = Squid::negotiate(&realm, Some("+200"));
        let outcome = office(&realm, &squid, "proxy.lab.test", None).arg(&target).run();
        assert_eq!(diagnosed(&outcome), "pass - - - -", "{outcome:?}");
    }
    // The same change of key as the fault's, and the new one is given to the proxy.
    realm.admin(REALM, "ktadd -k http.keytab HTTP/proxy.lab.test");
    realm.log_on("alice", "secret", &[]);
    let squid = Squid::negotiate(&realm, None);
    let outcome = office(&realm, &squid, "proxy.lab.test", None).arg(&target).run();
    assert_eq!(diagnosed(&outcome), "pass - - - -", "{outcome:?}");
    assert_eq!(auth(&outcome, "kvno"), 3);
}

#[test]
fn a_proxy_that_speaks_only_ntlm_is_named_as_such() {
    let realm = realm();
    let ntlm = "auth_param ntlm program /usr/lib/squid/ntlm_fake_auth\nauth_param ntlm children 1";
    let squid = Squid::start(&realm, ntlm, None);
    let (_server, target) = service();
    let outcome = office(&realm, &squid, "proxy.lab.test", None).arg(&target).run();
    assert_eq!(diagnosed(&outcome), "fail proxy.auth_required proxy_scheme proxy medium", "{outcome:?}");
    assert_eq!(action(&outcome, "offered"), json!(["NTLM"]));
}

#[test]
fn beside_ntlm_negotiate_is_used_with_a_ticket_and_without_one_ntlm_is_named_and_not_spoken() {
    let realm = realm();
    let keytab = realm.path("http.keytab");
    let both = format!(
        "auth_param negotiate program /usr/lib/squid/negotiate_kerberos_auth -k {} -s {SPN} -t none\n\
         auth_param negotiate children 2 startup=1 idle=1\n\
         auth_param ntlm program /usr/lib/squid/ntlm_fake_auth\nauth_param ntlm children 1",
        keytab.display()
    );
    let squid = Squid::start(&realm, &both, None);
    let (_server, target) = service();
    let without = office(&realm, &squid, "proxy.lab.test", None).arg(&target).run();
    assert_eq!(diagnosed(&without), "fail proxy.auth_impossible proxy_ticket local high", "{without:?}");
    assert_eq!(without.one()["facts"]["proxy"]["schemes"], json!(["Negotiate", "NTLM"]));
    realm.log_on("alice", "secret", &[]);
    let with = office(&realm, &squid, "proxy.lab.test", None).arg(&target).run();
    assert_eq!(diagnosed(&with), "pass - - - -", "{with:?}");
    assert_eq!(auth(&with, "scheme"), "Negotiate");

    // A proxy whose NTLM names its domain at once: nothing of NTLM is sent to it.
    let refusal = format!(
        "HTTP/1.1 407 No\r\nProxy-Authenticate: Negotiate\r\nProxy-Authenticate: NTLM {NTLM_CHALLENGE}\r\n\
         Content-Length: 0\r\n\r\n"
    );
    let proxy = Server::tcp(vec![Act::until("\r\n\r\n"), Act::send(&refusal), Act::Close]);
    let outcome = office_at(&realm, proxy.port, "proxy.lab.test", None)
        .env("KRB5CCNAME", "FILE:/nonexistent")
        .arg(&target)
        .run();
    assert_eq!(diagnosed(&outcome), "fail proxy.auth_impossible proxy_ticket local high", "{outcome:?}");
    assert_eq!(outcome.one()["facts"]["proxy"]["ntlm_domain"], "CORP", "{outcome:?}");
    let asked = String::from_utf8_lossy(&proxy.seen().concat()).to_lowercase();
    assert!(!asked.contains("proxy-authorization"), "{asked}");
}
