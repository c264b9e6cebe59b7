//! The upgrade: every way it can end, and whom each is put down to.

use crate::peer::{NAME, tool};
use crate::scripts::{answer, genuine, plain, right, secure, upgraded};
use netcheck_lab::pki::Authority;
use netcheck_lab::tool::normal;
use netcheck_lab::view::{cause_evidence, cause_fix, diagnosed, failure_detail};
use netcheck_lab::{Act, Server};

#[test]
fn a_server_that_speaks_websocket_passes() {
    let server = Server::each(crate::peer::echo);
    insta::assert_json_snapshot!(normal(plain(&server, &[]).one()), @r#"
    {
      "v": 1,
      "ts": "TS",
      "check": "wss",
      "target": "ws://127.0.0.1:PORT/socket",
      "verdict": "pass",
      "stages": [
        {
          "stage": "tcp",
          "ok": true,
          "us": 0
        },
        {
          "stage": "ws",
          "ok": true,
          "us": 0
        },
        {
          "stage": "ping",
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
        "status": 101,
        "deflate": "not_offered",
        "rtt_us": 0
      }
    }
    "#);
}

#[test]
fn one_inside_tls_passes_as_well() {
    let root = Authority::new("Lab Root");
    let server = Server::tls_each(&root.leaf(&[NAME]), &["http/1.1"], crate::peer::echo);
    insta::assert_json_snapshot!(normal(secure(&server, &root, &[]).run().one()), @r#"
    {
      "v": 1,
      "ts": "TS",
      "check": "wss",
      "target": "wss://lab.example:PORT/socket",
      "verdict": "pass",
      "stages": [
        {
          "stage": "tcp",
          "ok": true,
          "us": 0
        },
        {
          "stage": "tls",
          "ok": true,
          "us": 0
        },
        {
          "stage": "ws",
          "ok": true,
          "us": 0
        },
        {
          "stage": "ping",
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
          "sni": "lab.example",
          "subject": "lab.example",
          "issuer": "Lab Root",
          "names": [
            "lab.example"
          ],
          "not_before": "NOT_BEFORE",
          "not_after": "NOT_AFTER",
          "chain": 1,
          "sha256": "SHA256",
          "version": "TLS 1.3",
          "cipher": "TLS13_AES_128_GCM_SHA256",
          "alpn": "http/1.1",
          "trust": "public"
        },
        "status": 101,
        "deflate": "not_offered",
        "rtt_us": 0
      }
    }
    "#);
}

#[test]
fn a_status_of_the_service_itself_is_degraded() {
    for (status, cause) in [
        ("401 Unauthorized", "service_refused"),
        ("403 Forbidden", "service_refused"),
        ("404 Not Found", "service_refused"),
        ("426 Upgrade Required", "service_refused"),
        ("302 Found\r\nLocation: https://other.example/", "service_misconfigured"),
        ("503 Service Unavailable", "service_down"),
    ] {
        let outcome = genuine(answer(&format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n")), &[]);
        assert_eq!(diagnosed(&outcome), format!("degraded ws.status {cause} service medium"), "{status}");
        assert_eq!(outcome.code, 0);
    }
}

#[test]
fn a_status_over_plain_ws_keeps_its_evidence_and_fails() {
    let body = "x".repeat(5000);
    let acts =
        answer(&format!("HTTP/1.1 403 Forbidden\r\nServer: nginx\r\nContent-Length: 5000\r\n\r\n{body}"));
    let outcome = plain(&Server::tcp(acts), &[]);
    assert_eq!(diagnosed(&outcome), "fail ws.status websocket_filter network low");
    let facts = &outcome.one()["facts"];
    assert_eq!((&facts["status"], &facts["headers"]["server"]), (&403.into(), &"nginx".into()));
    assert_eq!(facts["body"].as_str().unwrap().len(), 4096);
    assert_eq!(outcome.code, 1);
}

#[test]
fn a_device_that_shows_itself_in_the_answer_is_a_second_sign() {
    for head in [
        "HTTP/1.1 400 Bad Request\r\nVia: 1.1 gate (squid)",
        "HTTP/1.1 404 Not Found\r\nProxy-Agent: gate",
        // It asks for what was sent: somebody took it out.
        "HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket",
        "HTTP/1.1 426 Upgrade Required\r\nUpgrade: WebSocket\r\nSec-WebSocket-Version: 8, 13",
    ] {
        let outcome = plain(&Server::tcp(answer(&format!("{head}\r\nContent-Length: 0\r\n\r\n"))), &[]);
        assert_eq!(diagnosed(&outcome), "fail ws.status websocket_filter network medium", "{head}");
    }
}

#[test]
fn without_tls_what_services_answer_by_themselves_is_theirs() {
    for (head, cause) in [
        ("301 Moved Permanently\r\nLocation: https://lab.example/", "service_refused service"),
        ("308 Permanent Redirect\r\nLocation: /other", "service_refused service"),
        ("401 Unauthorized\r\nWWW-Authenticate: Bearer", "service_refused service"),
        ("404 Not Found", "service_refused service"),
        ("404 Not Found\r\nVia: 1.1 varnish", "service_refused service"),
        ("426 Upgrade Required\r\nSec-WebSocket-Version: 8, 7", "service_refused service"),
        ("426 Upgrade Required", "unknown unknown"),
    ] {
        let text = format!("HTTP/1.1 {head}\r\nContent-Length: 0\r\n\r\n");
        let outcome = plain(&Server::tcp(answer(&text)), &[]);
        assert_eq!(diagnosed(&outcome), format!("degraded ws.status {cause} low"), "{head}");
        assert_eq!(outcome.code, 0);
    }
}

#[test]
fn a_front_end_that_forces_http_2_is_the_services() {
    let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    let outcome = genuine(vec![Act::ReadSome, Act::send(settings), Act::Stall], &[]);
    assert_eq!(diagnosed(&outcome), "degraded http.malformed service_misconfigured service medium");
    insta::assert_snapshot!(cause_evidence(&outcome), @r#"
    the service answered: the answer is HTTP/2, whose connections have no upgrade to WebSocket: "\u{0}\u{0}\u{0}\u{4}\u{0}\u{0}\u{0}\u{0}\u{0}"
    the answer came inside TLS that the public roots vouch for
    "#);
    let root = Authority::new("Lab Root");
    let server = Server::tls(&root.leaf(&[NAME]), &["h2"], vec![Act::Stall]);
    let outcome = secure(&server, &root, &[]).run();
    assert_eq!(diagnosed(&outcome), "degraded tls.alpn service_misconfigured service medium");
    insta::assert_snapshot!(cause_fix(&outcome), @"No network change needed: tell the operator of lab.example (TCP PORT) that it speaks only HTTP/2 (ALPN h2), whose connections have no upgrade to WebSocket: offer HTTP/1.1 there.");
    // Not proven by public TLS, it may be anybody's.
    let outcome = secure(&server, &Authority::new("Another Root"), &[]).run();
    assert!(diagnosed(&outcome).starts_with("fail tls.alpn "), "{outcome:?}");
}

#[test]
fn a_block_page_is_one_whatever_it_travels_in() {
    let page = "HTTP/1.1 403 Forbidden\r\nContent-Length: 74\r\n\r\n\
                <html><title>FortiGuard Web Filtering</title>Web Page Blocked!</html>     ";
    assert_eq!(
        diagnosed(&plain(&Server::tcp(answer(page)), &[])),
        "fail ws.status block_page network medium"
    );
    assert_eq!(diagnosed(&genuine(answer(page), &[])), "fail ws.status block_page network medium");
}

#[test]
fn a_plain_page_is_upgrade_missing() {
    let page = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    assert_eq!(
        diagnosed(&plain(&Server::tcp(answer(page)), &[])),
        "fail ws.upgrade_missing websocket_filter network low"
    );
    assert_eq!(
        diagnosed(&genuine(answer(page), &[])),
        "degraded ws.upgrade_missing service_misconfigured service medium"
    );
}

#[test]
fn a_101_without_its_headers_is_upgrade_missing() {
    let outcome = plain(&Server::tcp(answer("HTTP/1.1 101 Switching Protocols\r\n\r\n")), &[]);
    assert_eq!(diagnosed(&outcome), "fail ws.upgrade_missing websocket_filter network low");
}

#[test]
fn a_wrong_hash_is_bad_accept() {
    let head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n";
    assert_eq!(
        diagnosed(&plain(&Server::tcp(answer(head)), &[])),
        "fail ws.bad_accept websocket_filter network low"
    );
    assert_eq!(
        diagnosed(&genuine(answer(head), &[])),
        "degraded ws.bad_accept service_misconfigured service medium"
    );
}

#[test]
fn a_server_that_hangs_up_is_ws_closed() {
    let acts = vec![Act::until("\r\n\r\n"), Act::Close];
    assert!(diagnosed(&plain(&Server::tcp(acts.clone()), &[])).starts_with("fail ws.closed "));
    assert!(diagnosed(&genuine(acts, &[])).starts_with("fail ws.closed "));
    let acts = vec![Act::until("\r\n\r\n"), Act::send("HTTP/1.1 101 Swi"), Act::Close];
    assert!(diagnosed(&plain(&Server::tcp(acts), &[])).starts_with("fail ws.closed "));
}

#[test]
fn a_reset_is_ws_reset() {
    let acts = vec![Act::until("\r\n\r\n"), Act::Reset];
    assert!(diagnosed(&plain(&Server::tcp(acts.clone()), &[])).starts_with("fail ws.reset "));
    assert!(diagnosed(&genuine(acts, &[])).starts_with("fail ws.reset "));
}

#[test]
fn silence_is_ws_timeout_and_costs_one_timeout() {
    let outcome = plain(&Server::tcp(vec![Act::Stall]), &["--timeout", "0.3", "--diagnose", "never"]);
    assert!(diagnosed(&outcome).starts_with("fail ws.timeout "), "{outcome:?}");
    let us = outcome.one()["stages"][1]["us"].as_u64().unwrap();
    assert!((300_000..2_000_000).contains(&us), "{us}");
}

#[test]
fn an_answer_that_dribbles_in_forever_is_ws_timeout() {
    let head = format!("HTTP/1.1 200 OK\r\nX: {}", "a".repeat(10_000));
    let acts = vec![Act::SendSlowly(head.into_bytes(), std::time::Duration::from_millis(1))];
    let outcome = plain(&Server::tcp(acts), &["--timeout", "0.3", "--diagnose", "never"]);
    assert!(diagnosed(&outcome).starts_with("fail ws.timeout "), "{outcome:?}");
}

#[test]
fn a_head_that_never_ends_is_given_up() {
    let acts =
        vec![Act::ReadSome, Act::send("HTTP/1.1 200 OK\r\n"), Act::Flood(b"X-Filler: aaaaaaaa\r\n".to_vec())];
    let outcome = plain(&Server::tcp(acts), &["--diagnose", "never"]);
    assert!(diagnosed(&outcome).starts_with("fail http.malformed "), "{outcome:?}");
}

#[test]
fn an_answer_that_is_not_http_is_named_by_its_first_bytes() {
    let outcome = plain(&Server::tcp(vec![Act::ReadSome, Act::send("SSH-2.0-OpenSSH\r\n"), Act::Close]), &[]);
    assert!(diagnosed(&outcome).starts_with("fail http.malformed "), "{outcome:?}");
    insta::assert_snapshot!(failure_detail(&outcome), @r#"the answer is not HTTP: "SSH-2.0-OpenSSH\r\n""#);
}

#[test]
fn answers_before_the_answer_are_passed_over() {
    let acts = vec![
        Act::until("\r\n\r\n"),
        Act::send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"),
        Act::reply(right),
        Act::Close,
    ];
    let outcome = plain(&Server::tcp(acts), &[]);
    assert_eq!(outcome.one()["facts"]["status"], 101);
}

/// The same server, trusted by the system and not by the public.
fn inspected(acts: Vec<Act>) -> String {
    let root = Authority::new("Corp Inspection CA");
    let server = Server::tls(&root.leaf(&[NAME]), &["http/1.1"], acts);
    let run = secure(&server, &Authority::new("Another Root"), &[]).file("system.pem", root.pem());
    diagnosed(&run.env("SSL_CERT_FILE", "system.pem").run())
}

#[test]
fn inside_inspected_tls_a_status_is_a_failure() {
    let forbidden = answer("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(inspected(forbidden), "fail ws.status websocket_filter network medium");
}

/// A proxy that follows a script, asked for a tunnel to a name nobody else knows.
fn through(acts: Vec<Act>) -> String {
    let proxy = Server::tcp(acts);
    let url = format!("http://127.0.0.1:{}", proxy.port);
    let outcome = tool(&["--proxy", &url, "ws://lab.example/socket"]).run();
    let request = String::from_utf8(proxy.seen().remove(0)).unwrap();
    assert!(request.starts_with("CONNECT lab.example:80 HTTP/1.1\r\n"), "{request}");
    diagnosed(&outcome)
}

#[test]
fn a_proxy_that_refuses_the_tunnel_is_told_from_one_that_strips_the_upgrade() {
    let tunnel = |then: Vec<Act>| {
        let mut acts = vec![Act::until("\r\n\r\n"), Act::send("HTTP/1.1 200 Connection established\r\n\r\n")];
        acts.extend(then);
        acts
    };
    let refused = through(answer("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"));
    assert!(refused.starts_with("fail proxy.denied "), "{refused}");
    let stripped = through(tunnel(answer("HTTP/1.1 200 OK\r\nVia: 1.1 gate\r\nContent-Length: 2\r\n\r\nhi")));
    assert_eq!(stripped, "fail ws.upgrade_missing websocket_filter proxy medium");
    let asked =
        through(tunnel(answer("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")));
    assert_eq!(asked, "fail ws.status proxy_auth proxy medium");
    let closed = through(tunnel(upgraded([Act::send([0x88, 0x00])])));
    assert_eq!(closed, "degraded ws.closed service_misconfigured service low");
}

#[test]
fn an_upgrade_that_is_cut_where_a_plain_request_is_answered_is_filtered() {
    for end in [Act::Reset, Act::Close, Act::Stall] {
        let page = answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
        let server = Server::sequence(vec![vec![Act::until("\r\n\r\n"), end.clone()], page]);
        let outcome = plain(&server, &["--timeout", "1"]);
        let record = diagnosed(&outcome);
        assert!(record.ends_with(" websocket_filter network medium"), "{end:?}: {record}");
        let requests = server.seen().into_iter().map(|bytes| String::from_utf8(bytes).unwrap());
        let control = requests.into_iter().find(|request| !request.contains("pgrade")).unwrap();
        assert!(control.starts_with("GET /socket HTTP/1.1\r\n"), "{control}");
        let never = Server::tcp(vec![Act::until("\r\n\r\n"), end]);
        let _ = plain(&never, &["--timeout", "0.3", "--diagnose", "never"]);
        assert_eq!(never.accepted(), 1);
    }
}
