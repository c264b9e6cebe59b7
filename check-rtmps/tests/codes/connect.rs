//! The stage `connect`, by choice and as the proof that a wrong echo needs.

use super::*;
use netcheck_lab::view::failure_detail;

/// A handshake whose S2 repeats something else.
fn deaf_handshake(then: impl IntoIterator<Item = Act>) -> Vec<Act> {
    let mut acts = vec![Act::Read(1537), Act::Send([vec![3], vec![9; 3072]].concat()), Act::Read(1536)];
    acts.extend(then);
    acts
}

#[test]
fn a_wrong_echo_is_degraded_when_connect_is_answered() {
    for answer in [peer::success(), peer::rejected("no such application")] {
        let record = check(deaf_handshake([Act::until([0, 0, 9]), Act::Send(answer), Act::Stall]), &[]);
        assert_eq!(attributed(&record), "degraded rtmp.bad_echo service_misconfigured service");
        assert_eq!(record["facts"]["rtmp"]["echo"], false);
        assert_eq!(record["facts"]["rtmp"]["connect"]["app"], "live");
    }
}

#[test]
fn a_wrong_echo_is_a_failure_when_connect_is_not_answered() {
    for end in [Act::Stall, Act::Close, Act::Reset, Act::Send(vec![0xff; 100])] {
        let record = check(deaf_handshake([Act::until([0, 0, 9]), end, Act::Stall]), &FAST);
        assert_eq!(record["verdict"], "fail", "{record}");
        assert_eq!(record["failure"]["code"], "rtmp.bad_echo", "{record}");
        assert_eq!(stages(&record).pop(), Some(("connect".to_owned(), false)));
    }
}

#[test]
fn connect_follows_a_path_and_names_its_application() {
    let answers = [peer::greetings(1000), peer::success()].concat();
    let server = Server::tcp(peer::connected([Act::Send(answers), Act::Stall]));
    let record = tool().arg(format!("rtmp://127.0.0.1:{}/event/one/", server.port)).run().one().clone();
    assert_eq!(record["verdict"], "pass", "{record}");
    assert_eq!(stages(&record), passed(&["tcp", "rtmp", "connect"]));
    let mut connect = record["facts"]["rtmp"]["connect"].clone();
    assert!(connect.as_object_mut().unwrap().remove("us").unwrap().as_u64().unwrap() > 0);
    assert_eq!(
        connect,
        json!({
            "app": "event/one", "answer": "accepted", "code": "NetConnection.Connect.Success",
            "description": "Connected.", "server": "LAB/1,0", "chunk_size": 4096, "window": 1000,
        })
    );
    let seen = server.seen()[0].clone();
    let has = |what: &[u8]| seen.windows(what.len()).any(|window| window == what);
    assert!(has(b"\x00\x03app\x02\x00\x09event/one"));
    assert!(has(format!("rtmp://127.0.0.1:{}/event/one", server.port).as_bytes()));
    assert!(has(&[4, 0, 0, 0, 0, 0, 7, 0, 0, 0, 77]), "the ping was answered");
}

#[test]
fn connect_is_asked_for_by_flags_too() {
    for (args, app) in
        [(&["--connect"][..], "live"), (&["--app", "stage"], "stage"), (&["--connect", "--app", "b"], "b")]
    {
        let record = check(peer::connected([Act::Send(peer::success()), Act::Stall]), args);
        assert_eq!(record["verdict"], "pass", "{record}");
        assert_eq!(record["facts"]["rtmp"]["connect"]["app"], app);
    }
}

#[test]
fn a_refused_application_is_degraded_because_the_path_is_open() {
    let hostile = format!("no such\u{202e}app\x1b[31m {}", "x".repeat(5000));
    let acts = peer::connected([Act::Send(peer::rejected(&hostile)), Act::Close]);
    let record = run(acts, "/nosuch", &[]).one().clone();
    assert_eq!(attributed(&record), "degraded rtmp.rejected service_refused service", "{record}");
    assert_eq!(stages(&record).pop(), Some(("connect".to_owned(), false)));
    let description = record["facts"]["rtmp"]["connect"]["description"].as_str().unwrap();
    assert!(description.starts_with("no such\\u{202e}app\\u{1b}[31m xxx") && description.len() < 300);
}

#[test]
fn a_refusal_inside_proven_tls_is_certain() {
    let acts = peer::connected([Act::Send(peer::rejected("unknown")), Act::Close]);
    let record = check_tls(acts, "/nosuch", &[]);
    assert_eq!(attributed(&record), "degraded rtmp.rejected service_refused service");
    assert_eq!(record["cause"]["confidence"], "high");
}

#[test]
fn a_close_in_answer_to_connect_is_degraded() {
    let outcome = run(peer::connected([Act::Close]), "/nosuch", &[]);
    assert_eq!(attributed(outcome.one()), "degraded rtmp.closed service_refused service");
    assert_eq!(outcome.code, 0);
    assert_eq!(run(peer::connected([Act::Close]), "/nosuch", &["--strict"]).code, 1);
}

#[test]
fn a_reset_in_answer_to_connect_counts_for_the_service_only_inside_its_tls() {
    let record = run(peer::connected([Act::Reset]), "/live", &[]).one().clone();
    assert_eq!(observed(&record), "fail rtmp.reset");
    let record = check_tls(peer::connected([Act::Reset]), "/live", &[]);
    assert_eq!(attributed(&record), "degraded rtmp.reset service_refused service");
}

#[test]
fn a_server_that_never_answers_connect_is_rtmp_timeout() {
    let record = run(peer::connected([Act::Stall]), "/live", &FAST).one().clone();
    assert_eq!(observed(&record), "fail rtmp.timeout");
    assert_eq!(stages(&record).iter().filter(|(stage, _)| stage == "connect").count(), 1);
}

#[test]
fn silence_after_connect_inside_proven_tls_is_the_services() {
    let record = check_tls(peer::connected([Act::Stall]), "/live", &FAST);
    assert_eq!(attributed(&record), "fail rtmp.timeout service_down service", "{record}");
    assert_eq!(record["cause"]["confidence"], "medium");
    let record = check_tls(vec![Act::Stall], "", &FAST);
    let expected = "fail rtmp.timeout protocol_filter network";
    assert_eq!(attributed(&record), expected, "a filter may go by sizes: {record}");
}

#[test]
fn an_answer_that_begins_with_a_type_1_header_passes_with_a_note() {
    let body = [
        &b"\x02\x00\x07_result\x00\x3f\xf0\x00\x00\x00\x00\x00\x00\x05\x03"[..],
        b"\x00\x04code\x02\x00\x1dNetConnection.Connect.Success\x00\x00\x09",
    ]
    .concat();
    let header = [0x43, 0, 0, 0, 0, 0, u8::try_from(body.len()).unwrap(), 20];
    let acts = peer::connected([Act::Send([&header[..], &body].concat()), Act::Stall]);
    let record = run(acts, "/live", &[]).one().clone();
    assert_eq!(record["verdict"], "pass", "{record}");
    assert!(record["facts"]["note"].as_str().unwrap().contains("type 1 header"), "{record}");
}

#[test]
fn garbage_after_the_handshake_is_no_rtmp() {
    let nested = [0x03, 0x00, 0x01, b'a'].repeat(15_000);
    let length = u32::try_from(nested.len()).unwrap().to_be_bytes();
    let mut deep = vec![
        2, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0, 0, 1, 0, 0, 3, 0, 0, 0, length[1], length[2], length[3], 20, 0,
        0, 0, 0,
    ];
    deep.extend(nested);
    let array = [3, 0, 0, 0, 0, 0, 5, 20, 0, 0, 0, 0, 0x0a, 0xff, 0xff, 0xff, 0xff];
    for garbage in [vec![0xff; 64], deep, array.to_vec(), b"HTTP/1.1 200 OK\r\n\r\n".to_vec()] {
        let record = run(peer::connected([Act::Send(garbage), Act::Close]), "/live", &FAST).one().clone();
        assert_eq!(observed(&record), "fail rtmp.not_rtmp", "{record}");
    }
}

#[test]
fn a_flood_costs_one_bound_and_no_more() {
    // A message that says nothing, again and again: never an answer.
    let nothing = [4, 0, 0, 0, 0, 0, 4, 18, 0, 0, 0, 0, 5, 5, 5, 5].repeat(1000);
    let record = run(peer::connected([Act::Flood(nothing)]), "/live", &[]).one().clone();
    assert_eq!(observed(&record), "fail rtmp.not_rtmp");
    insta::assert_snapshot!(failure_detail(&record), @"more than 4194304 bytes, after a right handshake, during connect");
    let record = run(vec![Act::Flood(vec![3; 4096])], "", &[]).one().clone();
    assert_eq!(observed(&record), "fail rtmp.bad_echo");
}
