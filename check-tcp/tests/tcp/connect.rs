//! Connections: which way they take, and every way they are not made.

use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener};
use std::time::Duration;

use netcheck_common::clock;
use netcheck_lab::tool::{Outcome, normal};
use netcheck_lab::view::{diagnosed, failure_detail, stages};
use netcheck_lab::{Act, Server, closed_port, free_port};
use serde_json::json;
use socket2::{Domain, SockAddr, Socket, Type};

use crate::peer::{quiet, tool};

const SIX: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

/// A port that accepts no more: its queue is full, and each further SYN is dropped without a word.
struct Silent {
    _listener: Socket,
    _filler: Socket,
}

impl Silent {
    fn on(address: SocketAddr) -> Silent {
        let listener = Socket::new(Domain::for_address(address), Type::STREAM, None).unwrap();
        listener.bind(&SockAddr::from(address)).unwrap();
        listener.listen(0).unwrap();
        let filler = Socket::new(Domain::for_address(address), Type::STREAM, None).unwrap();
        filler.connect(&listener.local_addr().unwrap()).unwrap();
        Silent { _listener: listener, _filler: filler }
    }
}

/// A server on 127.0.0.1 whose port is free on ::1.
fn half(acts: &[Act]) -> Server {
    loop {
        let server = Server::tcp(acts.to_vec());
        if TcpListener::bind((SIX, server.port)).is_ok() {
            return server;
        }
    }
}

/// A port that is free on both loopback addresses.
fn neither() -> u16 {
    loop {
        let port = free_port();
        if TcpListener::bind((SIX, port)).is_ok() {
            return port;
        }
    }
}

/// A name with both loopback addresses.
fn both(port: u16, args: &[&str]) -> Outcome {
    let pins = ["--connect-to", "both.test=127.0.0.1", "--connect-to", "both.test=[::1]"];
    tool(&pins).args(args).arg(format!("tcp://both.test:{port}")).run()
}

#[test]
fn a_port_that_accepts_passes() {
    let server = quiet();
    let outcome = tool(&[&format!("tcp://127.0.0.1:{}", server.port)]).run();
    assert_eq!(outcome.code, 0);
    insta::assert_json_snapshot!(normal(outcome.one()), @r#"
    {
      "v": 1,
      "ts": "TS",
      "check": "tcp",
      "target": "tcp://127.0.0.1:PORT",
      "verdict": "pass",
      "stages": [
        {
          "stage": "tcp",
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
      "facts": {}
    }
    "#);
}

#[test]
fn a_bare_host_and_port_is_tcp() {
    let server = quiet();
    let outcome = tool(&[&format!("127.0.0.1:{}", server.port)]).run();
    assert_eq!(outcome.one()["target"], format!("tcp://127.0.0.1:{}", server.port));
    assert_eq!(diagnosed(&outcome), "pass - - - -");
}

#[test]
fn a_closed_port_of_this_machine_is_idle() {
    let outcome = tool(&[&format!("tcp://127.0.0.1:{}", closed_port())]).run();
    assert_eq!(outcome.code, 0);
    insta::assert_json_snapshot!(normal(outcome.one()), @r#"
    {
      "v": 1,
      "ts": "TS",
      "check": "tcp",
      "target": "tcp://127.0.0.1:PORT",
      "verdict": "degraded",
      "stages": [
        {
          "stage": "tcp",
          "ok": false,
          "us": 0
        }
      ],
      "failure": {
        "code": "tcp.refused",
        "detail": "the SYN was answered by RST"
      },
      "cause": {
        "code": "port_idle",
        "who": "service",
        "confidence": "high",
        "evidence": [
          "127.0.0.1 is an address of this machine"
        ],
        "fix": "No network change needed: 127.0.0.1 itself refuses TCP PORT; check that the service runs.",
        "action": {
          "kind": "check_service",
          "transport": "tcp",
          "ports": "PORT",
          "to": "127.0.0.1",
          "scheme": "tcp"
        }
      },
      "path": {
        "via": "direct",
        "address": "127.0.0.1:PORT",
        "local": "LOCAL",
        "interface": "lo",
        "tunnel": false
      },
      "facts": {}
    }
    "#);
}

#[test]
fn it_is_idle_without_any_control_experiment() {
    let outcome = tool(&["--diagnose", "never", &format!("tcp://127.0.0.1:{}", closed_port())]).run();
    assert_eq!(diagnosed(&outcome), "degraded tcp.refused port_idle service high");
}

#[test]
fn silence_is_a_timeout() {
    let port = free_port();
    let silent = Silent::on(([127, 0, 0, 1], port).into());
    let args = ["--timeout", "0.4", "--diagnose", "never"];
    let outcome = tool(&args).arg(format!("tcp://127.0.0.1:{port}")).run();
    assert_eq!((diagnosed(&outcome).as_str(), outcome.code), ("fail tcp.timeout unknown unknown low", 1));
    assert_eq!(stages(outcome.one()), "tcp!");
    assert_eq!(outcome.one()["path"]["address"], format!("127.0.0.1:{port}"));
    drop(silent);
}

#[test]
fn a_connection_reset_after_it_opened_is_reset() {
    // The silent IPv6 attempt makes the connection slow, and a slow connection is watched for longer.
    let server = half(&[Act::Reset]);
    let silent = Silent::on((SIX, server.port).into());
    let outcome = both(server.port, &["--timeout", "2"]);
    assert!(diagnosed(&outcome).starts_with("fail tcp.reset "), "{outcome:?}");
    assert_eq!(stages(outcome.one()), "tcp!");
    drop(silent);
}

#[test]
fn a_close_by_the_peer_is_its_right() {
    let server = Server::tcp(vec![Act::Close]);
    assert_eq!(diagnosed(&tool(&[&format!("tcp://127.0.0.1:{}", server.port)]).run()), "pass - - - -");
}

#[test]
fn a_connection_that_opens_wins_over_a_silent_family() {
    let server = half(&[Act::send("220 lab\x1b[31m ready\r\n"), Act::Stall]);
    let silent = Silent::on((SIX, server.port).into());
    let outcome = both(server.port, &["--timeout", "0.6"]);
    assert_eq!(diagnosed(&outcome), "degraded tcp.timeout ipv6_broken network medium");
    let record = outcome.one();
    assert_eq!(record["path"]["address"], format!("127.0.0.1:{}", server.port));
    assert_eq!(record["facts"]["banner"], "220 lab\\u{1b}[31m ready\\r\\n");
    let families = &record["facts"]["tcp"];
    assert_eq!((&families["ipv4"]["ok"], &families["ipv6"]["ok"]), (&json!(true), &json!(false)));
    drop(silent);
}

#[test]
fn a_family_that_refuses_is_noted_and_harms_nobody() {
    let server = half(&[Act::Stall]);
    let outcome = both(server.port, &[]);
    assert_eq!(diagnosed(&outcome), "pass - - - -");
    let families = &outcome.one()["facts"]["tcp"];
    assert_eq!((&families["ipv4"]["ok"], &families["ipv6"]["ok"]), (&json!(true), &json!(false)));
    assert_eq!(
        (&families["ipv6"]["failure"], &families["ipv6"]["address"]),
        (&json!("tcp.refused"), &json!("::1"))
    );
}

#[test]
fn a_refusal_says_more_than_the_silence_of_the_other_family() {
    let port = neither();
    let silent = Silent::on((SIX, port).into());
    let outcome = both(port, &["--timeout", "0.6"]);
    assert_eq!(diagnosed(&outcome), "degraded tcp.refused port_idle service high");
    assert_eq!(outcome.one()["path"]["address"], format!("127.0.0.1:{port}"));
    drop(silent);
    let silent = Silent::on(([127, 0, 0, 1], port).into());
    let outcome = both(port, &["--timeout", "0.6"]);
    assert_eq!(diagnosed(&outcome), "degraded tcp.refused port_idle service high");
    let path = &outcome.one()["path"];
    assert_eq!(path["address"], format!("[::1]:{port}"));
    assert!(path["local"].as_str().unwrap().starts_with("[::1]:"), "both ends are of one connection: {path}");
    drop(silent);
}

#[test]
fn with_both_families_open_ipv6_goes_first_and_both_are_told() {
    let server = half(&[Act::Stall]);
    let other = Server::bind((SIX, server.port).into(), None, vec![vec![Act::Stall]]);
    let outcome = both(other.port, &[]);
    assert_eq!(outcome.one()["path"]["address"], format!("[::1]:{}", other.port));
    let families = &outcome.one()["facts"]["tcp"];
    assert_eq!((&families["ipv4"]["ok"], &families["ipv6"]["ok"]), (&json!(true), &json!(true)));
}

#[test]
fn one_family_can_be_asked_for() {
    let server = half(&[Act::Stall]);
    let four = both(server.port, &["-4"]);
    assert_eq!(four.one()["path"]["address"], format!("127.0.0.1:{}", server.port));
    assert_eq!(four.one()["facts"].pointer("/tcp/ipv6"), None);
    let six = both(server.port, &["-6"]);
    assert_eq!(diagnosed(&six), "degraded tcp.refused port_idle service high");
    assert_eq!(six.one()["path"]["address"], format!("[::1]:{}", server.port));
}

#[test]
fn an_address_of_the_family_not_wanted_has_no_route() {
    let outcome = tool(&["-6", &format!("tcp://127.0.0.1:{}", closed_port())]).run();
    assert_eq!(diagnosed(&outcome), "inconclusive route.none unknown local low", "{outcome:?}");
    assert_eq!(tool(&["-4", "-6", "tcp://127.0.0.1:9"]).run().code, 2);
}

#[test]
fn a_pinned_name_needs_no_resolver() {
    let server = quiet();
    let nobody = format!("127.0.0.1:{}", closed_port());
    let args = ["--resolver", &nobody, "--connect-to", "WWW.Lab.Example=127.0.0.1"];
    let outcome = tool(&args).arg(format!("tcp://www.lab.example:{}", server.port)).run();
    assert_eq!(diagnosed(&outcome), "pass - - - -");
    assert_eq!(stages(outcome.one()), "tcp");
    assert_eq!(outcome.one()["target"], format!("tcp://www.lab.example:{}", server.port));
}

#[test]
fn an_address_in_brackets_can_be_pinned_too() {
    let server = quiet();
    let outcome =
        tool(&["--connect-to", "[2001:db8::1]=127.0.0.1", &format!("tcp://[2001:db8::1]:{}", server.port)])
            .run();
    assert_eq!(diagnosed(&outcome), "pass - - - -");
    assert_eq!(outcome.one()["path"]["address"], format!("127.0.0.1:{}", server.port));
}

#[test]
fn a_pinned_name_keeps_its_name_in_the_request() {
    let server = crate::peer::http(crate::peer::OK);
    let target = format!("http://www.lab.example:{}/a?b", server.port);
    let outcome = tool(&["--connect-to", "www.lab.example=127.0.0.1", &target]).run();
    assert_eq!(diagnosed(&outcome), "pass - - - -");
    let request = String::from_utf8(server.seen().remove(0)).unwrap();
    assert!(request.starts_with("GET /a?b HTTP/1.1\r\n"), "{request}");
    assert!(
        request.to_lowercase().contains(&format!("\r\nhost: www.lab.example:{}\r\n", server.port)),
        "{request}"
    );
}

#[test]
fn packets_leave_from_the_address_asked_for() {
    let server = quiet();
    let outcome = tool(&["--source", "127.0.0.9", &format!("tcp://127.0.0.1:{}", server.port)]).run();
    assert_eq!(diagnosed(&outcome), "pass - - - -");
    let path = &outcome.one()["path"];
    assert!(path["local"].as_str().unwrap().starts_with("127.0.0.9:"), "{path}");
    assert_eq!((&path["interface"], &path["tunnel"]), (&json!("lo"), &json!(false)));
}

#[test]
fn packets_leave_through_the_interface_asked_for() {
    let server = quiet();
    let target = format!("tcp://127.0.0.1:{}", server.port);
    assert_eq!(diagnosed(&tool(&["--interface", "lo", &target]).run()), "pass - - - -");
    let outcome = tool(&["--interface", "nosuch\x1b0", &target]).run();
    assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""));
    assert!(outcome.stderr.contains("nosuch\\u{1b}0") && !outcome.stderr.contains('\x1b'), "{outcome:?}");
    assert_eq!(server.accepted(), 1);
}

#[test]
fn an_address_that_is_not_ours_is_a_usage_error() {
    let server = quiet();
    for source in ["52.28.30.1", "2620:149::1"] {
        let outcome = tool(&["--source", source, &format!("tcp://127.0.0.1:{}", server.port)]).run();
        assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""));
        assert!(outcome.stderr.contains(source), "{outcome:?}");
    }
    assert_eq!(server.accepted(), 0);
}

#[test]
fn the_deadline_ends_a_target_before_its_stages_do() {
    let server = quiet();
    let target = format!("http://127.0.0.1:{}/", server.port);
    let outcome = tool(&["--diagnose", "never", "--timeout", "60", "--deadline", "0.3", &target]).run();
    assert!(diagnosed(&outcome).starts_with("fail http.timeout "), "{outcome:?}");
    insta::assert_snapshot!(failure_detail(&outcome), @"the target's deadline was reached");
    assert_eq!(stages(outcome.one()), "tcp http!");
}

#[test]
fn a_silent_family_holds_up_no_target_beyond_its_deadline() {
    let server = half(&[Act::until("\r\n\r\n"), Act::send(crate::peer::OK), Act::Close]);
    let silent = Silent::on((SIX, server.port).into());
    let pins = ["--connect-to", "both.test=127.0.0.1", "--connect-to", "both.test=[::1]"];
    let begun = clock::now();
    let outcome = tool(&pins)
        .args(["--timeout", "60", "--deadline", "1"])
        .arg(format!("http://both.test:{}/", server.port))
        .run();
    assert!(begun.elapsed() < Duration::from_secs(30), "{outcome:?}");
    assert_eq!(diagnosed(&outcome), "pass - - - -");
    // It was not waited for long enough to say that it is broken.
    assert_eq!(outcome.one()["facts"]["tcp"].get("ipv6"), None, "{outcome:?}");
    drop(silent);
}
