//! The stage `rtmp`: right handshakes, silence, strangers, other versions.

use super::*;

#[test]
fn a_right_handshake_passes_and_needs_no_connect() {
    let server = Server::tcp(peer::handshake([Act::Stall]));
    let outcome = tool().arg(format!("rtmp://127.0.0.1:{}", server.port)).run();
    assert_eq!(outcome.code, 0);
    let mut record = normal(outcome.one());
    record.as_object_mut().unwrap().remove("path");
    insta::assert_json_snapshot!(record, @r#"
    {
      "v": 1,
      "ts": "TS",
      "check": "rtmps",
      "target": "rtmp://127.0.0.1:PORT",
      "verdict": "pass",
      "stages": [
        {
          "stage": "tcp",
          "ok": true,
          "us": 0
        },
        {
          "stage": "rtmp",
          "ok": true,
          "us": 0
        }
      ],
      "facts": {
        "rtmp": {
          "version": 3,
          "server_time_ms": 0,
          "server_version": "13.14.10.13",
          "echo": true
        }
      }
    }
    "#);
    let seen = &server.seen()[0];
    assert_eq!(seen.len(), 1537 + 1536, "C0, C1 and C2, nothing else");
    assert_eq!((seen[0], &seen[5..9]), (3, &[0; 4][..]));
    assert_eq!(seen[1537..], peer::answer(&seen[..1537])[1..1537], "C2 repeats S1");
}

#[test]
fn a_handshake_inside_tls_passes() {
    let record = check_tls(peer::handshake([Act::Stall]), "", &[]);
    assert_eq!(record["verdict"], "pass", "{record}");
    assert_eq!(stages(&record), passed(&["tcp", "tls", "rtmp"]));
    assert_eq!(record["facts"]["tls"]["trust"], "public");
}

#[test]
fn an_answer_byte_by_byte_is_still_an_answer() {
    let acts = vec![
        Act::Read(1537),
        Act::reply(|hello| peer::answer(hello)[..1].to_vec()),
        Act::reply(|hello| peer::answer(hello)[1..1600].to_vec()),
        Act::reply(|hello| peer::answer(hello)[1600..].to_vec()),
        Act::Stall,
    ];
    assert_eq!(check(acts, &[])["verdict"], "pass");
}

#[test]
fn a_server_that_sends_s2_only_after_c2_passes() {
    let acts = vec![
        Act::Read(1537),
        Act::reply(|hello| peer::answer(hello)[..1537].to_vec()),
        Act::Read(1536),
        Act::reply(|received| received[1..1537].to_vec()),
        Act::Stall,
    ];
    let record = check(acts, &FAST);
    assert_eq!(record["verdict"], "pass", "{record}");
    assert_eq!(record["facts"]["rtmp"]["echo"], true);
}

#[test]
fn a_server_that_copies_c1_into_s1_passes() {
    let copies = |hello: &[u8]| [&hello[..1537], &hello[1..1537]].concat();
    let record = check(vec![Act::Read(1537), Act::reply(copies), Act::Read(1536), Act::Stall], &FAST);
    assert_eq!(record["verdict"], "pass", "{record}");
}

#[test]
fn an_answer_sent_before_the_question_proves_nothing() {
    let early = peer::answer(&[0x33; 1537]);
    let record = check(vec![Act::Send(early), Act::Read(3073), Act::Stall], &FAST);
    assert_eq!((&record["verdict"], &record["failure"]["code"]), (&json!("fail"), &json!("rtmp.bad_echo")));
}

#[test]
fn a_silent_server_is_rtmp_timeout() {
    let record = check(vec![Act::Stall], &FAST);
    assert_eq!(observed(&record), "fail rtmp.timeout");
    assert_eq!(record["failure"]["detail"], "silent after 0 of the 3073 bytes of S0, S1 and S2");
    let record = check(
        vec![Act::Read(1537), Act::reply(|hello| peer::answer(hello)[..1537].to_vec()), Act::Stall],
        &FAST,
    );
    assert_eq!(record["failure"]["detail"], "silent after 1537 of the 3073 bytes of S0, S1 and S2");
}

#[test]
fn a_reset_is_rtmp_reset_and_a_close_is_rtmp_closed() {
    let record = check(vec![Act::Read(1537), Act::Reset], &[]);
    assert_eq!(observed(&record), "fail rtmp.reset");
    let record = check(vec![Act::Read(1537), Act::Close], &[]);
    assert_eq!(observed(&record), "fail rtmp.closed");
    let half = Act::reply(|hello| peer::answer(hello)[..2000].to_vec());
    let record = check(vec![Act::Read(1537), half, Act::Close], &[]);
    assert_eq!(observed(&record), "fail rtmp.closed");
    assert_eq!(record["failure"]["detail"], "closed after 2000 of the 3073 bytes of S0, S1 and S2");
}

#[test]
fn a_peer_that_does_not_speak_rtmp_is_named_by_its_first_bytes() {
    let page = format!("HTTP/1.1 403 Forbidden\r\nContent-Length: 3000\r\n\r\n{}", "x".repeat(3000));
    let cases: [(&[u8], &str, &str); 5] = [
        (
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
            "http",
            "an HTTP answer instead of S0: \"HTTP/1.1 400 Bad Request\"",
        ),
        (page.as_bytes(), "http", "an HTTP answer instead of S0: \"HTTP/1.1 403 Forbidden\""),
        (
            &[0x15, 3, 3, 0, 2, 2, 70],
            "tls",
            "a TLS record instead of S0: \"\\u{15}\\u{3}\\u{3}\\u{0}\\u{2}\\u{2}F\"",
        ),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "text", "text instead of S0: \"SSH-2.0-OpenSSH_9.2\""),
        (
            b"\xff\xfb\x01\x1b[31m",
            "bytes",
            "bytes of another protocol instead of S0: \"\u{fffd}\u{fffd}\\u{1}\\u{1b}[31m\"",
        ),
    ];
    for (answer, speaks, detail) in cases {
        for end in [Act::Close, Act::Stall, Act::Reset] {
            let record = check(vec![Act::Read(1537), Act::send(answer), end], &FAST);
            assert_eq!(observed(&record), "fail rtmp.not_rtmp", "{record}");
            assert_eq!(record["facts"]["rtmp"]["speaks"], speaks);
            assert_eq!(record["failure"]["detail"], detail);
        }
    }
}

#[test]
fn a_tls_port_asked_in_plain_rtmp_is_told_so() {
    let record = check(vec![Act::Read(1537), Act::send([0x15, 3, 3, 0, 2, 2, 70]), Act::Close], &[]);
    assert_eq!(attributed(&record), "fail rtmp.not_rtmp service_misconfigured service");
    assert!(record["cause"]["fix"].as_str().unwrap().starts_with("Check rtmps://127.0.0.1:"));
}

#[test]
fn a_known_block_page_in_place_of_rtmp_is_the_networks() {
    let page = b"HTTP/1.1 403 Forbidden\r\nServer: Zscaler/6.2\r\nContent-Length: 4\r\n\r\nno.\n";
    let record = check(vec![Act::Read(1537), Act::send(page), Act::Close], &[]);
    assert_eq!(attributed(&record), "fail rtmp.not_rtmp block_page network");
    let page = b"<html><title>FortiGuard Intrusion Prevention - Access Blocked</title>";
    let record = check(vec![Act::Read(1537), Act::send(page), Act::Close], &[]);
    assert_eq!(attributed(&record), "fail rtmp.not_rtmp block_page network");
}

#[test]
fn http_inside_the_services_own_tls_is_the_services_doing() {
    let acts = vec![Act::Read(1537), Act::send(b"HTTP/1.1 400 Bad Request\r\n\r\n"), Act::Close];
    let record = check_tls(acts, "", &[]);
    assert_eq!(attributed(&record), "fail rtmp.not_rtmp service_misconfigured service");
    assert_eq!(record["cause"]["confidence"], "medium");
}

#[test]
fn another_version_is_rtmp_bad_version() {
    for version in [0, 2, 6, 8, 31] {
        let mut answer = vec![version];
        answer.extend([1; 3072]);
        let record = check(vec![Act::Read(1537), Act::send(answer), Act::Stall], &[]);
        assert_eq!(observed(&record), "fail rtmp.bad_version");
        assert_eq!(record["facts"]["rtmp"]["version"], version);
    }
}

#[test]
fn an_echo_service_is_no_rtmp_server() {
    let record = check(vec![Act::Echo], &FAST);
    assert_eq!(observed(&record), "fail rtmp.not_rtmp");
    assert!(record["failure"]["detail"].as_str().unwrap().ends_with("an echo service"));
}
