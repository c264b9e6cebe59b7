//! The form of records: a reader that knows the contract and nothing of our types.

use std::collections::BTreeMap;

use netcheck_lab::dns::{DnsServer, Zone};
use netcheck_lab::tool::normal;
use netcheck_lab::{Act, Server, closed_port};
use serde::Deserialize;
use serde_json::Value;

use crate::peer::{OK, http, quiet, tool};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    v: u8,
    ts: String,
    check: String,
    target: String,
    verdict: Verdict,
    stages: Vec<Stage>,
    failure: Option<Failure>,
    cause: Option<Cause>,
    path: Option<Path>,
    facts: BTreeMap<String, Value>,
    labels: Option<BTreeMap<String, Value>>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Pass,
    Degraded,
    Fail,
    Inconclusive,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stage {
    stage: String,
    ok: bool,
    us: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Failure {
    code: String,
    detail: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cause {
    code: String,
    who: Who,
    confidence: Confidence,
    near: Option<std::net::IpAddr>,
    evidence: Vec<String>,
    fix: String,
    action: Value,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Who {
    Network,
    Dns,
    Proxy,
    Local,
    Service,
    Unknown,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Confidence {
    High,
    Medium,
    Low,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Path {
    via: String,
    proxy: Option<String>,
    address: Option<std::net::SocketAddr>,
    local: Option<std::net::SocketAddr>,
    interface: Option<String>,
    tunnel: Option<bool>,
}

/// `2026-11-22T07:00:00.123Z`.
fn is_timestamp(text: &str) -> bool {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    shape == "0000-00-00T00:00:00.000Z"
}

fn has_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.iter().any(has_null),
        Value::Object(map) => map.values().any(has_null),
        _ => false,
    }
}

fn check(record: &Record) {
    assert_eq!((record.v, record.check.as_str()), (1, "tcp"));
    assert!(is_timestamp(&record.ts), "{}", record.ts);
    let invalid = record.failure.as_ref().is_some_and(|failure| failure.code == "input.invalid");
    assert!(invalid || record.target.contains("://"), "{}", record.target);
    assert!(record.stages.iter().all(|stage| !stage.stage.is_empty() && stage.us < 60_000_000));
    match record.verdict {
        Verdict::Pass => assert!(record.failure.is_none() && record.stages.iter().all(|stage| stage.ok)),
        Verdict::Fail | Verdict::Inconclusive => assert!(record.failure.is_some()),
        Verdict::Degraded => assert!(record.cause.is_some()),
    }
    if let Some(failure) = &record.failure {
        assert!(!failure.code.is_empty() && !failure.detail.is_empty());
    }
    if let Some(cause) = &record.cause {
        assert!(cause.action["kind"].is_string());
        assert!(!cause.code.is_empty() && !cause.fix.is_empty() && !cause.evidence.is_empty(), "{cause:?}");
        assert!(cause.confidence != Confidence::High || !cause.evidence.is_empty());
        assert!(!matches!(cause.who, Who::Unknown) || cause.near.is_none());
    }
    if let Some(path) = &record.path {
        assert_eq!(path.proxy.is_some(), path.via == "proxy");
        assert_eq!(path.local.is_some(), path.interface.is_some());
        assert_eq!(path.interface.is_some(), path.tunnel.is_some());
        assert!(path.address.is_some());
    }
}

#[test]
fn a_reader_of_the_contract_can_read_records_of_every_kind() {
    let (quiet, web, down) =
        (quiet(), http(OK), http("HTTP/1.1 503 Down\r\nServer: lab\r\nContent-Length: 0\r\n\r\n"));
    let refusing =
        Server::tcp(vec![Act::until("\r\n\r\n"), Act::send("HTTP/1.1 407 No\r\n\r\n"), Act::Close]);
    let resolver =
        DnsServer::start(Zone::new().a("www.lab.test", &["127.0.0.1"]).ede("bad.lab.test", 3, 15, "no"));
    let text = format!(
        "tcp://127.0.0.1:{0}\ntcp://127.0.0.1:{1}\ntcp://www.lab.test:{0}\ntls://bad.lab.test\nhttp://127.0.0.1:{2}/\n\
         http://127.0.0.1:{3}/\nhttps://127.0.0.1:{2}/\nnonsense\nhttps://service.example/\n\
         {{\"target\":\"tls://www.lab.test:{1}\",\"labels\":{{\"required\":false}}}}\n",
        quiet.port,
        closed_port(),
        web.port,
        down.port
    );
    let outcome = tool(&["--resolver", &resolver.addr.to_string(), "--ordered"])
        .env("https_proxy", format!("http://127.0.0.1:{}", refusing.port))
        .env("no_proxy", "127.0.0.1")
        .stdin(text)
        .run();
    let verdicts: Vec<Verdict> = outcome
        .stdout
        .lines()
        .map(|line| {
            assert!(!has_null(&serde_json::from_str(line).unwrap()), "{line}");
            let record: Record = serde_json::from_str(line).unwrap();
            check(&record);
            assert_eq!(record.labels.is_some(), line.contains("\"required\""));
            assert!(record.facts.len() < 10);
            record.verdict
        })
        .collect();
    use Verdict::{Degraded, Fail, Inconclusive, Pass};
    assert_eq!(verdicts, [Pass, Degraded, Pass, Fail, Pass, Fail, Fail, Inconclusive, Fail, Degraded]);
}

#[test]
fn the_order_of_fields_is_that_of_the_contract() {
    let resolver = DnsServer::start(Zone::new().ede("www.lab.example", 3, 17, "by order"));
    let line = "{\"target\":\"tls://www.lab.example\",\"labels\":{\"role\":\"stage\",\"required\":false}}";
    let outcome = tool(&["--resolver", &resolver.addr.to_string()]).stdin(line).run();
    let mut record = normal(outcome.one());
    record["facts"]["dns"]["server"] = "RESOLVER".into();
    let text = serde_json::to_string_pretty(&record).unwrap().replace(&resolver.addr.to_string(), "RESOLVER");
    insta::assert_snapshot!(text, @r#"
    {
      "v": 1,
      "ts": "TS",
      "check": "tcp",
      "target": "tls://www.lab.example:443",
      "verdict": "fail",
      "stages": [
        {
          "stage": "dns",
          "ok": false,
          "us": 0
        }
      ],
      "failure": {
        "code": "dns.nxdomain",
        "detail": "www.lab.example: the name does not exist, says RESOLVER; extended error 17 by order"
      },
      "cause": {
        "code": "dns_filter",
        "who": "dns",
        "confidence": "medium",
        "evidence": [
          "www.lab.example: the name does not exist, says RESOLVER; extended error 17 by order",
          "the resolver says itself: filtered (extended error 17)"
        ],
        "fix": "Have the resolver answer www.lab.example with its public addresses, exempt from DNS filtering: it is needed for TCP 443 to www.lab.example (TLS over TCP).",
        "action": {
          "kind": "repair_dns",
          "host": "www.lab.example",
          "transport": "tcp",
          "ports": "443",
          "to": "www.lab.example",
          "scheme": "tls"
        }
      },
      "facts": {
        "dns": {
          "a": "nxdomain",
          "aaaa": "nxdomain",
          "server": "RESOLVER",
          "extended_errors": [
            {
              "code": 17,
              "text": "by order"
            }
          ]
        }
      },
      "labels": {
        "role": "stage",
        "required": false
      }
    }
    "#);
}

#[test]
fn a_bad_line_has_a_record_of_its_own_form() {
    insta::assert_json_snapshot!(normal(tool(&[]).stdin("tcp://a\x1b[31m:9\n").run().one()), @r#"
    {
      "v": 1,
      "ts": "TS",
      "check": "tcp",
      "target": "tcp://a\\u{1b}[31m:9",
      "verdict": "inconclusive",
      "stages": [],
      "failure": {
        "code": "input.invalid",
        "detail": "a target has no spaces or control characters"
      },
      "facts": {}
    }
    "#);
}

#[test]
fn text_is_for_people_and_harmless() {
    let idle = closed_port();
    let hostile = Server::tcp(vec![Act::ReadSome, Act::send("SSH-\x1b]0;owned\x07\u{202e}\r\n"), Act::Close]);
    let lines =
        format!("tcp://127.0.0.1:{idle}\ntls://127.0.0.1:{}\ntcp://\x1b[31m\u{202e}:9\n", hostile.port);
    let outcome = tool(&["--format", "text", "--ordered", "--diagnose", "never"]).stdin(lines).run();
    assert_eq!((outcome.records.len(), outcome.code), (0, 2));
    let printed: Vec<&str> = outcome.stdout.lines().collect();
    assert_eq!(printed.len(), 3, "{outcome:?}");
    for (line, begin, within) in [
        (printed[0], "degraded ", "[port_idle]"),
        (printed[1], "fail ", "tls.not_tls: the answer begins with \"SSH-\\u{1b}]0;owned\\u{7}\\u{202e}\""),
        (printed[2], "inconclusive ", "tcp://\\u{1b}[31m\\u{202e}:9"),
    ] {
        assert!(line.starts_with(begin) && line.contains(within), "{line}");
    }
    assert!(!outcome.stdout.contains(|c: char| c != '\n' && (c.is_control() || c == '\u{202e}')));
}

#[test]
fn nothing_but_records_goes_to_standard_output() {
    let server = quiet();
    let outcome = tool(&["-v", "-v", &format!("tcp://127.0.0.1:{}", server.port)]).run();
    assert_eq!(outcome.stdout.lines().count(), outcome.records.len());
    assert!(outcome.stdout.ends_with("}\n"));
}
