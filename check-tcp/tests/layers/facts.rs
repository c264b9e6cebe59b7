//! What a record tells of a handshake and an answer that went well.

use netcheck_lab::pki::Authority;
use netcheck_lab::tool::normal;
use netcheck_lab::view::word;
use netcheck_lab::{Act, Server};

use crate::view::{Believes as _, NAME, answer, page, tool};

#[test]
fn a_handshake_leaves_its_parameters() {
    let root = Authority::new("Lab Public Root");
    let leaf = root.intermediate("Lab Issuing CA").leaf(&[NAME, "spotme.com"]);
    let server = Server::tls(&leaf, &["h2", "http/1.1"], vec![Act::Stall]);
    let outcome = tool(&["--alpn", "http/1.1"]).public(&root).check("tls", server.port);
    let digest = ring::digest::digest(&ring::digest::SHA256, &leaf.chain()[0]);
    let hex: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(word(outcome.one(), "/facts/tls/sha256"), hex);
    let record = normal(outcome.one());
    insta::assert_json_snapshot!(record["facts"]["tls"], @r#"
    {
      "sni": "www.spotme.com",
      "subject": "www.spotme.com",
      "issuer": "Lab Issuing CA",
      "names": [
        "www.spotme.com",
        "spotme.com"
      ],
      "not_before": "NOT_BEFORE",
      "not_after": "NOT_AFTER",
      "chain": 2,
      "sha256": "SHA256",
      "version": "TLS 1.3",
      "cipher": "TLS13_AES_128_GCM_SHA256",
      "alpn": "http/1.1",
      "trust": "public"
    }
    "#);
    let stages: Vec<_> = record["stages"].as_array().unwrap().iter().map(|stage| &stage["stage"]).collect();
    assert_eq!(stages, ["tcp", "tls"]);
}

#[test]
fn a_server_of_tls_1_2_is_named_so() {
    let root = Authority::new("Lab Public Root");
    let config = root.leaf(&[NAME]).server_config_of(&[], &[&rustls::version::TLS12]);
    let server = Server::bind(([127, 0, 0, 1], 0).into(), Some(config), vec![vec![Act::Stall]]);
    let outcome = tool(&[]).public(&root).check("tls", server.port);
    assert_eq!(word(outcome.one(), "/verdict"), "pass");
    assert_eq!(word(outcome.one(), "/facts/tls/version"), "TLS 1.2");
    assert!(word(outcome.one(), "/facts/tls/cipher").starts_with("TLS_ECDHE_ECDSA_"), "{outcome:?}");
}

#[test]
fn without_alpn_there_is_no_fact_of_it() {
    let root = Authority::new("Lab Public Root");
    let server = Server::tls(&root.leaf(&[NAME]), &["h2"], vec![Act::Stall]);
    let outcome = tool(&[]).public(&root).check("tls", server.port);
    assert_eq!(outcome.one()["facts"]["tls"].get("alpn"), None);
}

#[test]
fn a_certificate_that_convinces_nobody_leaves_its_facts_too() {
    let server = Server::tls(&Authority::new("Nobody's CA").leaf(&[NAME]), &[], vec![Act::Stall]);
    let outcome = tool(&["--diagnose", "never"]).check("tls", server.port);
    let tls = &outcome.one()["facts"]["tls"];
    assert_eq!((&tls["issuer"], &tls["subject"]), (&"Nobody's CA".into(), &NAME.into()));
    assert_eq!((&tls["names"], &tls["chain"]), (&serde_json::json!([NAME]), &1.into()));
    assert_eq!(word(outcome.one(), "/facts/tls/sha256").len(), 64);
}

#[test]
fn an_answer_leaves_status_version_and_server() {
    let root = Authority::new("Lab Public Root");
    let head = "HTTP/1.1 302 Found\r\nServer: lab\r\nVia: 1.1 edge\r\nLocation: https://install.events/x\r\nContent-Length: 0\r\n\r\n";
    let server = Server::tls(&root.leaf(&[NAME]), &["http/1.1"], answer(head));
    let outcome = tool(&[]).public(&root).check("https", server.port);
    let record = normal(outcome.one());
    insta::assert_json_snapshot!(record["facts"]["http"], @r#"
    {
      "status": 302,
      "version": "HTTP/1.1",
      "server": "lab",
      "location": "https://install.events/x",
      "via": "1.1 edge"
    }
    "#);
    assert_eq!(
        (word(&record, "/path/via"), word(&record, "/path/address")),
        ("direct".into(), "127.0.0.1:PORT".into())
    );
}

#[test]
fn the_request_is_a_plain_get_of_the_path_asked_for() {
    let root = Authority::new("Lab Public Root");
    let server = Server::tls(&root.leaf(&[NAME]), &["http/1.1"], answer(page("204 No Content", "")));
    let outcome = tool(&[]).public(&root).arg(format!("https://{NAME}:{}/a/b?c=d", server.port)).run();
    assert_eq!(word(outcome.one(), "/verdict"), "pass");
    let request =
        String::from_utf8(server.seen().remove(0)).unwrap().replace(&server.port.to_string(), "PORT");
    assert_eq!(
        request,
        format!(
            "GET /a/b?c=d HTTP/1.1\r\nhost: {NAME}:PORT\r\nuser-agent: netcheck/{}\r\naccept: */*\r\n\r\n",
            env!("CARGO_PKG_VERSION")
        )
    );
}
