//! The scheme `stun`.

use std::collections::HashSet;

use netcheck_lab::UdpServer;
use netcheck_lab::script::{Act, Server};
use netcheck_lab::tool::normal;
use netcheck_lab::view::explained;

use crate::answers::{bound, error, id, message, plain, xor};
use crate::{check, tool};

fn stun(server: &UdpServer) -> String {
    format!("stun://127.0.0.1:{}", server.port)
}

#[test]
fn an_answered_binding_passes() {
    let server = UdpServer::new(|request, peer| vec![bound(request, peer)]);
    let outcome = check(&[&stun(&server)]);
    assert_eq!(outcome.code, 0);
    let mut record = normal(outcome.one());
    record["facts"]["stun"]["mapped"] = "MAPPED".into();
    insta::assert_json_snapshot!(record, @r#"
    {
      "v": 1,
      "ts": "TS",
      "check": "udp",
      "target": "stun://127.0.0.1:PORT",
      "verdict": "pass",
      "stages": [
        {
          "stage": "stun",
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
        "stun": {
          "mapped": "MAPPED",
          "round_trip_us": 0,
          "requests": 1
        }
      }
    }
    "#);
}

#[test]
fn a_bare_host_and_port_is_a_stun_target() {
    let server = UdpServer::new(|request, peer| vec![bound(request, peer)]);
    let outcome = check(&[&format!("127.0.0.1:{}", server.port)]);
    assert_eq!(outcome.one()["target"], stun(&server));
    assert_eq!(explained(outcome.one()), "pass - -");
}

#[test]
fn a_lost_request_is_sent_again() {
    let mut count = 0;
    let server = UdpServer::new(move |request, peer| {
        count += 1;
        if count < 3 { Vec::new() } else { vec![bound(request, peer)] }
    });
    let outcome = check(&[&stun(&server)]);
    assert_eq!(explained(outcome.one()), "pass - -");
    assert_eq!(outcome.one()["facts"]["stun"]["requests"], 3);
}

#[test]
fn the_round_trip_is_that_of_the_transmission_that_was_answered() {
    // The third goes out 300 ms after the first.
    let mut requests = Vec::new();
    let server = UdpServer::new(move |request, peer| {
        requests.push(request.to_vec());
        if requests.len() < 3 { Vec::new() } else { vec![bound(request, peer)] }
    });
    let round_trip = |server: &UdpServer| {
        let outcome = check(&[&stun(server)]);
        assert_eq!(explained(outcome.one()), "pass - -");
        outcome.one()["facts"]["stun"]["round_trip_us"].as_u64().unwrap()
    };
    assert!(round_trip(&server) < 250_000);
    let mut first = None;
    let server = UdpServer::new(move |request, peer| {
        let first = first.get_or_insert_with(|| request.to_vec()).clone();
        // Every repetition draws an answer to the first.
        if first == request { Vec::new() } else { vec![bound(&first, peer)] }
    });
    assert!(round_trip(&server) >= 100_000, "the second went out 100 ms after the first");
}

#[test]
fn a_server_of_rfc_3489_passes_with_a_note() {
    let server = UdpServer::new(|request, peer| vec![message(0x0101, id(request), &[(0x0001, plain(peer))])]);
    let outcome = check(&[&stun(&server)]);
    assert_eq!(explained(outcome.one()), "pass - -");
    let note = outcome.one()["facts"]["note"].as_str().unwrap();
    assert!(note.contains("MAPPED-ADDRESS alone") && note.contains("cannot be excluded"), "{note}");
}

#[test]
fn an_answer_from_another_port_is_told_and_no_drop_is_invented() {
    let asked = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = asked.local_addr().unwrap().port();
    let other = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let from = other.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut buffer = [0; 2048];
        while let Ok((length, peer)) = asked.recv_from(&mut buffer) {
            let _ = other.send_to(&bound(&buffer[..length], peer), peer);
        }
    });
    for target in [format!("stun://127.0.0.1:{port}"), format!("turn://127.0.0.1:{port}")] {
        let outcome = check(&[&target]);
        let record = outcome.one();
        assert_eq!(explained(record), "fail udp.timeout service_misconfigured", "{record:#}");
        assert_eq!(record["cause"]["who"], "service");
        let scheme = &target[..4];
        assert_eq!(record["facts"][scheme]["answered_from"], from.to_string(), "{record:#}");
        assert!(record["cause"]["fix"].as_str().unwrap().contains(&from.to_string()));
    }
}

#[test]
fn silence_is_udp_timeout() {
    let server = UdpServer::new(|_, _| Vec::new());
    let outcome = check(&[&stun(&server), "--diagnose", "never"]);
    assert_eq!(outcome.code, 1);
    assert!(explained(outcome.one()).starts_with("fail udp.timeout"), "{:#}", outcome.one());
    // 0, 100, 300 and 700 ms.
    assert_eq!(server.seen().len(), 4);
    let ids: HashSet<Vec<u8>> = server.seen().iter().map(|request| id(request).to_vec()).collect();
    assert_eq!(ids.len(), 4, "an answer tells which transmission it answers");
}

#[test]
fn silence_of_a_service_not_known_to_answer_is_inconclusive() {
    let server = UdpServer::new(|_, _| Vec::new());
    let line = format!(r#"{{"target":"{}","labels":{{"known_to_answer":false}}}}"#, stun(&server));
    let outcome = tool().args(["--diagnose", "never"]).stdin(line).run();
    assert!(explained(outcome.one()).starts_with("inconclusive udp.timeout"), "{:#}", outcome.one());
}

#[test]
fn a_closed_port_is_udp_refused_with_its_sender() {
    let port = {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.local_addr().unwrap().port()
    };
    let outcome = check(&[&format!("stun://127.0.0.1:{port}"), "--diagnose", "never"]);
    let record = outcome.one();
    assert_eq!(record["failure"]["code"], "udp.refused");
    assert_eq!(record["failure"]["detail"], "ICMP port unreachable (type 3 code 3) from 127.0.0.1");
}

#[test]
fn another_transaction_is_ignored() {
    let server = UdpServer::new(|request, peer| {
        let mut strange = bound(request, "192.0.2.9:9".parse().unwrap());
        strange[19] ^= 1;
        vec![strange, bound(request, peer)]
    });
    let outcome = check(&[&stun(&server)]);
    assert_eq!(explained(outcome.one()), "pass - -");
    assert_eq!(outcome.one()["facts"]["stun"]["ignored"], 1);
    assert_ne!(outcome.one()["facts"]["stun"]["mapped"], "192.0.2.9:9");
}

#[test]
fn only_other_transactions_is_udp_timeout_and_nobody_drops_them() {
    let server = UdpServer::new(|request, peer| {
        let mut strange = bound(request, peer);
        strange[12] ^= 1;
        vec![strange]
    });
    for series in [&[][..], &["--count", "3", "--interval", "5"]] {
        let target = stun(&server);
        let outcome = check(&[&[target.as_str()][..], series].concat());
        let record = outcome.one();
        assert_eq!(explained(record), "fail udp.timeout unknown", "{record:#}");
        let came = format!("came from 127.0.0.1:{} that answer nothing we asked", server.port);
        assert!(record["failure"]["detail"].as_str().unwrap().ends_with(&came), "{record:#}");
        assert_eq!(record["cause"]["who"], "unknown");
        assert_eq!(record["cause"]["confidence"], "low");
        assert_eq!(record["cause"].get("near"), None);
    }
}

#[test]
fn an_error_response_is_stun_error_of_the_service() {
    let server = UdpServer::new(|request, _| vec![error(request, 500, "Server\x1b[31m Error", &[])]);
    let outcome = check(&[&stun(&server)]);
    let record = outcome.one();
    assert_eq!(explained(record), "degraded stun.error service_misconfigured");
    assert_eq!(record["failure"]["detail"], "the server answers 500 Server\\u{1b}[31m Error");
    assert_eq!(record["cause"]["who"], "service");
}

#[test]
fn garbage_is_stun_malformed() {
    let server = UdpServer::new(|_, _| vec![b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()]);
    let outcome = check(&[&stun(&server), "--diagnose", "never"]);
    assert_eq!(outcome.one()["failure"]["code"], "stun.malformed");
    assert_eq!(outcome.one()["failure"]["detail"], "the answer is not a STUN message");
}

#[test]
fn a_lying_length_is_stun_malformed() {
    let server = UdpServer::new(|request, peer| {
        let mut answer = bound(request, peer);
        answer[3] += 8;
        vec![answer]
    });
    let outcome = check(&[&stun(&server), "--diagnose", "never"]);
    assert_eq!(outcome.one()["failure"]["code"], "stun.malformed");
}

#[test]
fn a_truncated_attribute_is_stun_malformed() {
    let server = UdpServer::new(|request, peer| {
        let mut answer = bound(request, peer);
        answer[23] += 4;
        vec![answer]
    });
    let outcome = check(&[&stun(&server), "--diagnose", "never"]);
    assert_eq!(outcome.one()["failure"]["detail"], "an attribute of the STUN message runs past its end");
}

#[test]
fn a_success_without_an_address_is_stun_malformed() {
    let server = UdpServer::new(|request, _| vec![message(0x0101, id(request), &[])]);
    let outcome = check(&[&stun(&server), "--diagnose", "never"]);
    assert_eq!(outcome.one()["failure"]["code"], "stun.malformed");
}

#[test]
fn garbage_before_the_answer_does_not_matter() {
    let server = UdpServer::new(|request, peer| vec![vec![0; 3], bound(request, peer)]);
    assert_eq!(explained(check(&[&stun(&server)]).one()), "pass - -");
}

#[test]
fn a_server_of_rfc_3489_that_sends_only_the_plain_address_passes() {
    let server = UdpServer::new(|request, peer| vec![message(0x0101, id(request), &[(0x0001, plain(peer))])]);
    assert_eq!(explained(check(&[&stun(&server)]).one()), "pass - -");
}

#[test]
fn two_equal_addresses_are_no_mismatch() {
    let server = UdpServer::new(|request, peer| {
        vec![message(0x0101, id(request), &[(0x0001, plain(peer)), (0x0020, xor(peer))])]
    });
    assert_eq!(explained(check(&[&stun(&server)]).one()), "pass - -");
}

#[test]
fn a_rewritten_plain_address_is_stun_mismatch() {
    let server = UdpServer::new(|request, peer| {
        let public = "203.0.113.5:4000".parse().unwrap();
        // What an ALG does on the path back: the public address in the payload becomes the private one.
        vec![message(0x0101, id(request), &[(0x0001, plain(peer)), (0x0020, xor(public))])]
    });
    let outcome = check(&[&stun(&server)]);
    let record = outcome.one();
    assert_eq!(explained(record), "degraded stun.mismatch nat_rewrite");
    assert_eq!(record["cause"]["confidence"], "medium");
    assert_eq!(record["facts"]["stun"]["mapped"], "203.0.113.5:4000");
    assert_eq!(outcome.code, 0);
}

#[test]
fn what_the_server_says_of_itself_is_told_harmless() {
    let server = UdpServer::new(|request, peer| {
        let attributes = [
            (0x8022, b"Lab\n\x1b[2J".to_vec()),
            (0x802c, plain("192.0.2.7:3479".parse().unwrap())),
            (0x0020, xor(peer)),
        ];
        vec![message(0x0101, id(request), &attributes)]
    });
    let outcome = check(&[&stun(&server)]);
    assert_eq!(outcome.one()["facts"]["stun"]["software"], "Lab\\n\\u{1b}[2J");
    assert_eq!(outcome.one()["facts"]["stun"]["other_address"], "192.0.2.7:3479");
}

#[test]
fn a_control_that_answers_points_at_this_destination() {
    let silent = UdpServer::new(|_, _| Vec::new());
    let control = UdpServer::new(|request, peer| vec![bound(request, peer)]);
    let outcome = check(&[&stun(&silent), "--control", &format!("stun:127.0.0.1:{}", control.port)]);
    let record = outcome.one();
    assert_eq!(explained(record), "fail udp.timeout firewall_drop");
    assert_ne!(record["cause"]["confidence"], "high", "a dead service looks the same");
}

#[test]
fn a_control_that_answers_leaves_a_service_not_known_to_answer_inconclusive() {
    let silent = UdpServer::new(|_, _| Vec::new());
    let control = UdpServer::new(|request, peer| vec![bound(request, peer)]);
    let line = format!(r#"{{"target":"{}","labels":{{"known_to_answer":false}}}}"#, stun(&silent));
    let outcome = tool().args(["--control", &format!("stun:127.0.0.1:{}", control.port)]).stdin(line).run();
    assert_eq!(outcome.one()["verdict"], "inconclusive");
    assert_ne!(outcome.one()["cause"]["code"], "firewall_drop");
}

#[test]
fn silent_controls_beside_tcp_that_works_are_udp_blocked_and_asked_once_a_run() {
    // The same port over TCP and over UDP: TCP accepts, UDP says nothing.
    let tcp = Server::tcp(vec![Act::Stall]);
    let control = UdpServer::on(tcp.addr, |_, _| Vec::new());
    let silent = UdpServer::new(|_, _| Vec::new());
    let other = UdpServer::new(|_, _| Vec::new());
    let outcome =
        check(&[&stun(&silent), &stun(&other), "--control", &format!("stun:127.0.0.1:{}", control.port)]);
    assert_eq!(outcome.records.len(), 2);
    for record in &outcome.records {
        assert_eq!(explained(record), "fail udp.timeout udp_blocked");
        assert_eq!(record["cause"]["confidence"], "medium", "no hop shows how far datagrams get");
    }
    // Besides, it is looked how far datagrams get.
    let asked = control.seen().into_iter().filter(|request| !request.ends_with(b"netcheck-hop"));
    assert_eq!(asked.count(), 4, "one request and its retransmissions");
}

#[test]
fn a_silent_control_without_any_tcp_is_not_udp_blocked() {
    let control = UdpServer::new(|_, _| Vec::new());
    let silent = UdpServer::new(|_, _| Vec::new());
    let outcome = check(&[&stun(&silent), "--control", &format!("stun:127.0.0.1:{}", control.port)]);
    assert_ne!(outcome.one()["cause"]["code"], "udp_blocked");
}

#[test]
fn through_an_explicit_proxy_the_record_says_that_udp_goes_directly() {
    let server = UdpServer::new(|request, peer| vec![bound(request, peer)]);
    let outcome = check(&["--proxy", "http://127.0.0.1:1", &stun(&server)]);
    assert_eq!(explained(outcome.one()), "pass - -");
    assert_eq!(outcome.one()["facts"]["note"], "no proxy carries UDP: this was tried directly");
}

#[test]
fn a_control_that_is_no_stun_server_is_a_usage_error() {
    for control in ["quic://127.0.0.1", "stun://{a,b}.example", "nonsense"] {
        assert_eq!(check(&["stun://127.0.0.1", "--control", control]).code, 2, "{control}");
    }
}

#[test]
fn an_ipv6_server_is_asked_over_ipv6() {
    let server = UdpServer::on("[::1]:0".parse().unwrap(), |request, _| {
        vec![bound(request, "192.0.2.1:5".parse().unwrap())]
    });
    let outcome = check(&[&format!("stun://[::1]:{}", server.port)]);
    assert_eq!(explained(outcome.one()), "pass - -");
}

#[test]
fn of_two_families_the_one_that_answers_counts() {
    let server = UdpServer::new(|request, peer| vec![bound(request, peer)]);
    let deaf = UdpServer::on(format!("[::1]:{}", server.port).parse().unwrap(), |_, _| Vec::new());
    let target = format!("stun://both.test:{}", server.port);
    let outcome = check(&["--connect-to", "both.test=::1", "--connect-to", "both.test=127.0.0.1", &target]);
    assert_eq!(explained(outcome.one()), "pass - -");
    assert_eq!(outcome.one()["path"]["address"], format!("127.0.0.1:{}", server.port));
    drop(deaf);
}
