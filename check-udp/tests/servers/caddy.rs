//! QUIC and HTTP/3 of caddy: what a server that none of us wrote makes the records say.

use std::process::{Child, Command, Stdio};

use netcheck_lab::pki::Authority;
use netcheck_lab::tool::{Outcome, Tool, normal};
use serde_json::Value;

use crate::{Log, free_port};

/// A caddy of this test's own; it ends with it.
struct Caddy {
    child: Child,
    port: u16,
    root: String,
    _dir: tempfile::TempDir,
}

impl Drop for Caddy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Caddy {
    /// Starts it and waits until it says that it serves.
    fn start() -> Caddy {
        let dir = tempfile::tempdir().unwrap();
        let root = Authority::new("Lab Root");
        let leaf = root.leaf(&["h3.test"]);
        let file = |name: &str| dir.path().join(name).display().to_string();
        std::fs::write(file("cert.pem"), leaf.chain_pem()).unwrap();
        std::fs::write(file("key.pem"), leaf.key_pem()).unwrap();
        let port = free_port();
        let site = format!(
            "{{\n\tauto_https off\n\tadmin off\n}}\n\
             https://:{port} {{\n\ttls {} {}\n\theader Alt-Svc `h3=\":443\"; ma=60`\n\trespond /gone 410\n\trespond hello\n}}\n",
            file("cert.pem"),
            file("key.pem"),
        );
        std::fs::write(file("Caddyfile"), site).unwrap();
        let mut child = Command::new("caddy")
            .args(["run", "--adapter", "caddyfile", "--config", &file("Caddyfile")])
            .env("HOME", dir.path())
            .env_remove("XDG_DATA_HOME")
            .env_remove("XDG_CONFIG_HOME")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("caddy of the package caddy");
        Log::of(child.stderr.take().unwrap()).wait_for("serving initial configuration");
        Caddy { child, port, root: root.pem(), _dir: dir }
    }

    fn check(&self, scheme: &str, host: &str, path: &str, more: &[&str]) -> Outcome {
        Tool::new(env!("CARGO_BIN_EXE_check-udp"))
            .file("roots.pem", &self.root)
            .args(["--public-roots", "roots.pem", "--connect-to", &format!("{host}=127.0.0.1")])
            .arg(format!("{scheme}://{host}:{}{path}", self.port))
            .args(more)
            .run()
    }
}

/// The record with what changes made constant; caddy offers its versions in any order, and a reserved one among them.
fn steady(outcome: &Outcome) -> Value {
    let mut record = normal(outcome.one());
    if let Some(versions) = record.pointer_mut("/facts/quic/versions").and_then(Value::as_array_mut) {
        versions.sort_by_key(ToString::to_string);
    }
    record
}

#[test]
fn real_caddy_negotiates_versions_and_shakes_hands() {
    let caddy = Caddy::start();
    let record = steady(&caddy.check("quic", "h3.test", "", &[]));
    assert_eq!(record["verdict"], "pass", "{record:#}");
    // The rest of the record is that of h3://, one test further.
    insta::assert_json_snapshot!(record["facts"]["quic"], @r#"
    {
      "version_negotiation": true,
      "versions": [
        "0x709a50c4",
        "1",
        "draft-29",
        "reserved"
      ],
      "handshake_us": 0,
      "round_trip_us": 0,
      "alpn": "h3"
    }
    "#);
}

#[test]
fn real_caddy_answers_a_head_request_over_http3() {
    let caddy = Caddy::start();
    insta::assert_json_snapshot!(steady(&caddy.check("h3", "h3.test", "/", &[])), @r#"
    {
      "v": 1,
      "ts": "TS",
      "check": "udp",
      "target": "h3://h3.test:PORT/",
      "verdict": "pass",
      "stages": [
        {
          "stage": "quic",
          "ok": true,
          "us": 0
        },
        {
          "stage": "h3",
          "ok": true,
          "us": 0
        }
      ],
      "path": {
        "via": "direct",
        "address": "127.0.0.1:PORT",
        "local": "LOCAL",
        "interface": "lo",
        "tunnel": false
      },
      "facts": {
        "tls": {
          "subject": "h3.test",
          "issuer": "Lab Root",
          "names": [
            "h3.test"
          ],
          "not_before": "NOT_BEFORE",
          "not_after": "NOT_AFTER",
          "chain": 1,
          "sha256": "SHA256",
          "trust": "public"
        },
        "quic": {
          "version_negotiation": true,
          "versions": [
            "0x709a50c4",
            "1",
            "draft-29",
            "reserved"
          ],
          "handshake_us": 0,
          "round_trip_us": 0,
          "alpn": "h3"
        },
        "h3": {
          "status": 200,
          "server": "Caddy",
          "alt_svc": "h3=\":443\"; ma=60"
        }
      }
    }
    "#);
    let gone = caddy.check("h3", "h3.test", "/gone", &[]);
    assert_eq!((&gone.one()["verdict"], &gone.one()["facts"]["h3"]["status"]), (&"pass".into(), &410.into()));
}

#[test]
fn real_caddy_refuses_a_protocol_it_does_not_speak_as_tls_alpn() {
    let caddy = Caddy::start();
    let outcome = caddy.check("quic", "h3.test", "", &["--alpn", "moq-00", "--diagnose", "never"]);
    assert_eq!(outcome.one()["failure"]["code"], "tls.alpn", "{outcome:#?}");
}

#[test]
fn real_caddy_under_another_name_is_tls_name_mismatch() {
    let caddy = Caddy::start();
    let outcome = caddy.check("quic", "other.test", "", &["--diagnose", "never"]);
    assert_eq!(outcome.one()["failure"]["code"], "tls.name_mismatch", "{outcome:#?}");
    assert_eq!(outcome.one()["facts"]["quic"]["version_negotiation"], true);
}
