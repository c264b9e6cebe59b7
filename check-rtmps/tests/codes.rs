//! Every code and verdict of the stages `rtmp`, `connect` and `publish`, by the real binary against scripted servers.
#![expect(clippy::unwrap_used, reason = "a helper of a test ends the test")]

mod peer;

use std::io::{Read, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

use netcheck_lab::pki::{Authority, Leaf};
use netcheck_lab::script::{Act, Server, closed_port};
use netcheck_lab::tool::{Outcome, Tool, normal};
use serde_json::{Value, json};

const FAST: [&str; 2] = ["--timeout", "1"];

fn tool() -> Tool {
    Tool::new(env!("CARGO_BIN_EXE_check-rtmps"))
}

fn run(acts: Vec<Act>, path: &str, args: &[&str]) -> Outcome {
    let server = Server::tcp(acts);
    tool().args(args).arg(format!("rtmp://127.0.0.1:{}{path}", server.port)).run()
}

fn check(acts: Vec<Act>, args: &[&str]) -> Value {
    run(acts, "", args).one().clone()
}

/// Verdict, failure and cause, as one comparable value.
fn gist(record: &Value) -> (&str, &str, &str, &str) {
    let text = |pointer| record.pointer(pointer).and_then(Value::as_str).unwrap_or("-");
    (text("/verdict"), text("/failure/code"), text("/cause/code"), text("/cause/who"))
}

fn verdict_and_code(record: &Value) -> (&str, &str) {
    let (verdict, code, _, _) = gist(record);
    (verdict, code)
}

fn stages(record: &Value) -> Vec<(String, bool)> {
    let stages = record["stages"].as_array().unwrap();
    stages
        .iter()
        .map(|stage| (stage["stage"].as_str().unwrap().to_owned(), stage["ok"].as_bool().unwrap()))
        .collect()
}

fn passed(names: &[&str]) -> Vec<(String, bool)> {
    names.iter().map(|name| ((*name).to_owned(), true)).collect()
}

struct Genuine {
    roots: PathBuf,
    leaf: Leaf,
    _dir: tempfile::TempDir,
}

fn genuine() -> Genuine {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::new("Lab Public Root");
    Genuine { roots: authority.write(dir.path()), leaf: authority.leaf(&["ingest.test"]), _dir: dir }
}

/// Checks an RTMPS server whose certificate is as good as a public one.
fn check_tls(acts: Vec<Act>, path: &str, args: &[&str]) -> Value {
    run_tls(tool(), acts, path, args)
}

fn run_tls(tool: Tool, acts: Vec<Act>, path: &str, args: &[&str]) -> Value {
    let genuine = genuine();
    let server = Server::tls(&genuine.leaf, &[], acts);
    let target = format!("rtmps://ingest.test:{}{path}", server.port);
    let tool = tool.args(["--connect-to", "ingest.test=127.0.0.1", "--public-roots"]).arg(&genuine.roots);
    tool.args(args).arg(target).run().one().clone()
}

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
fn a_silent_server_is_rtmp_timeout() {
    let record = check(vec![Act::Stall], &FAST);
    assert_eq!(verdict_and_code(&record), ("fail", "rtmp.timeout"));
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
    assert_eq!(verdict_and_code(&record), ("fail", "rtmp.reset"));
    let record = check(vec![Act::Read(1537), Act::Close], &[]);
    assert_eq!(verdict_and_code(&record), ("fail", "rtmp.closed"));
    let half = Act::reply(|hello| peer::answer(hello)[..2000].to_vec());
    let record = check(vec![Act::Read(1537), half, Act::Close], &[]);
    assert_eq!(verdict_and_code(&record), ("fail", "rtmp.closed"));
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
            assert_eq!(verdict_and_code(&record), ("fail", "rtmp.not_rtmp"), "{record}");
            assert_eq!(record["facts"]["rtmp"]["speaks"], speaks);
            assert_eq!(record["failure"]["detail"], detail);
        }
    }
}

#[test]
fn a_tls_port_asked_in_plain_rtmp_is_told_so() {
    let record = check(vec![Act::Read(1537), Act::send([0x15, 3, 3, 0, 2, 2, 70]), Act::Close], &[]);
    assert_eq!(gist(&record), ("fail", "rtmp.not_rtmp", "service_misconfigured", "service"));
    assert!(record["cause"]["fix"].as_str().unwrap().starts_with("Check rtmps://127.0.0.1:"));
}

#[test]
fn a_known_block_page_in_place_of_rtmp_is_the_networks() {
    let page = b"HTTP/1.1 403 Forbidden\r\nServer: Zscaler/6.2\r\nContent-Length: 4\r\n\r\nno.\n";
    let record = check(vec![Act::Read(1537), Act::send(page), Act::Close], &[]);
    assert_eq!(gist(&record), ("fail", "rtmp.not_rtmp", "block_page", "network"));
    let page = b"<html><title>FortiGuard Intrusion Prevention - Access Blocked</title>";
    let record = check(vec![Act::Read(1537), Act::send(page), Act::Close], &[]);
    assert_eq!(gist(&record), ("fail", "rtmp.not_rtmp", "block_page", "network"));
}

#[test]
fn http_inside_the_services_own_tls_is_the_services_doing() {
    let acts = vec![Act::Read(1537), Act::send(b"HTTP/1.1 400 Bad Request\r\n\r\n"), Act::Close];
    let record = check_tls(acts, "", &[]);
    assert_eq!(gist(&record), ("fail", "rtmp.not_rtmp", "service_misconfigured", "service"));
    assert_eq!(record["cause"]["confidence"], "medium");
}

#[test]
fn another_version_is_rtmp_bad_version() {
    for version in [0, 2, 6, 8, 31] {
        let mut answer = vec![version];
        answer.extend([1; 3072]);
        let record = check(vec![Act::Read(1537), Act::send(answer), Act::Stall], &[]);
        assert_eq!(verdict_and_code(&record), ("fail", "rtmp.bad_version"));
        assert_eq!(record["facts"]["rtmp"]["version"], version);
    }
}

#[test]
fn an_echo_service_is_no_rtmp_server() {
    let record = check(vec![Act::Echo], &FAST);
    assert_eq!(verdict_and_code(&record), ("fail", "rtmp.not_rtmp"));
    assert!(record["failure"]["detail"].as_str().unwrap().ends_with("an echo service"));
}

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
        assert_eq!(gist(&record), ("degraded", "rtmp.bad_echo", "service_misconfigured", "service"));
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
    assert_eq!(gist(&record), ("degraded", "rtmp.rejected", "port_idle", "service"), "{record}");
    assert_eq!(stages(&record).pop(), Some(("connect".to_owned(), false)));
    let description = record["facts"]["rtmp"]["connect"]["description"].as_str().unwrap();
    assert!(description.starts_with("no such\\u{202e}app\\u{1b}[31m xxx") && description.len() < 300);
}

#[test]
fn a_refusal_inside_proven_tls_is_certain() {
    let acts = peer::connected([Act::Send(peer::rejected("unknown")), Act::Close]);
    let record = check_tls(acts, "/nosuch", &[]);
    assert_eq!(gist(&record), ("degraded", "rtmp.rejected", "port_idle", "service"));
    assert_eq!(record["cause"]["confidence"], "high");
}

#[test]
fn a_close_in_answer_to_connect_is_degraded() {
    let outcome = run(peer::connected([Act::Close]), "/nosuch", &[]);
    assert_eq!(gist(outcome.one()), ("degraded", "rtmp.closed", "port_idle", "service"));
    assert_eq!(outcome.code, 0);
    assert_eq!(run(peer::connected([Act::Close]), "/nosuch", &["--strict"]).code, 1);
}

#[test]
fn a_reset_in_answer_to_connect_counts_for_the_service_only_inside_its_tls() {
    let record = run(peer::connected([Act::Reset]), "/live", &[]).one().clone();
    assert_eq!(verdict_and_code(&record), ("fail", "rtmp.reset"));
    let record = check_tls(peer::connected([Act::Reset]), "/live", &[]);
    assert_eq!(gist(&record), ("degraded", "rtmp.reset", "port_idle", "service"));
}

#[test]
fn a_server_that_never_answers_connect_is_rtmp_timeout() {
    let record = run(peer::connected([Act::Stall]), "/live", &FAST).one().clone();
    assert_eq!(verdict_and_code(&record), ("fail", "rtmp.timeout"));
    assert_eq!(stages(&record).iter().filter(|(stage, _)| stage == "connect").count(), 1);
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
        assert_eq!(verdict_and_code(&record), ("fail", "rtmp.not_rtmp"), "{record}");
    }
}

#[test]
fn a_flood_costs_one_bound_and_no_more() {
    // A message that says nothing, again and again: never an answer.
    let nothing = [4, 0, 0, 0, 0, 0, 4, 18, 0, 0, 0, 0, 5, 5, 5, 5].repeat(1000);
    let record = run(peer::connected([Act::Flood(nothing)]), "/live", &[]).one().clone();
    assert_eq!(verdict_and_code(&record), ("fail", "rtmp.not_rtmp"));
    assert!(record["failure"]["detail"].as_str().unwrap().contains("more than 4194304 bytes"));
    let record = run(vec![Act::Flood(vec![3; 4096])], "", &[]).one().clone();
    assert_eq!(verdict_and_code(&record), ("fail", "rtmp.bad_echo"));
}

#[test]
fn a_closed_port_is_not_asked_for_rtmp() {
    let record = tool().arg(format!("rtmp://127.0.0.1:{}", closed_port())).run().one().clone();
    assert_eq!(record["failure"]["code"], "tcp.refused");
    assert_eq!(stages(&record), [("tcp".to_owned(), false)]);
}

#[test]
fn plain_rtmp_where_tls_is_expected_is_tls_not_tls() {
    let server = Server::tcp(peer::handshake([]));
    let record = tool().args(FAST).arg(format!("rtmps://127.0.0.1:{}", server.port)).run().one().clone();
    assert_eq!(record["stages"][1]["stage"], "tls");
    assert_eq!(record["verdict"], "fail");
}

#[test]
fn an_address_sees_no_more_handshakes_at_once_than_asked_for() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let meeting = Arc::new(Barrier::new(3));
    let (inside, peak) = (Arc::clone(&now), Arc::clone(&most));
    let server = Server::each(move |mut wire| {
        let mut hello = vec![0; 1537];
        wire.read_exact(&mut hello).unwrap();
        peak.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        // Nobody is answered before three are here: fewer at once would end in silence.
        meeting.wait();
        inside.fetch_sub(1, Ordering::SeqCst);
        wire.write_all(&peer::answer(&hello)).unwrap();
        let _ = wire.read_exact(&mut hello[..1536]);
    });
    let target = format!("rtmp://127.0.0.1:{}", server.port);
    let outcome = tool().args(["--per-host", "3"]).args(vec![target; 21]).run();
    assert_eq!(outcome.records.len(), 21);
    assert!(outcome.records.iter().all(|record| record["verdict"] == "pass"), "{:?}", outcome.records);
    assert_eq!(most.load(Ordering::SeqCst), 3);
}

#[test]
fn a_target_that_gets_no_place_is_inconclusive() {
    let server = Server::tcp(vec![Act::Stall]);
    let target = format!("rtmp://127.0.0.1:{}", server.port);
    let args = ["--per-host", "1", "--timeout", "2", "--deadline", "2.4"];
    let outcome = tool().args(args).args([&target, &target]).run();
    let crowded: Vec<_> = outcome.records.iter().filter(|r| r["facts"]["rtmp"]["crowded"] == true).collect();
    assert_eq!(crowded.len(), 1, "{:?}", outcome.records);
    assert_eq!(gist(crowded[0]), ("inconclusive", "rtmp.timeout", "unknown", "local"));
    assert_eq!(outcome.code, 1);
}

const KEY: &str = "sk_live_do-not-show-me";

fn publish(acts: Vec<Act>, args: &[&str]) -> Outcome {
    let server = Server::tcp(acts);
    let target = format!("rtmp://127.0.0.1:{}/event", server.port);
    let outcome = tool().env("RTMP_STREAM_KEY", KEY).args(["--publish", "1"]).args(args).arg(target).run();
    assert!(!outcome.stdout.contains(KEY) && !outcome.stderr.contains(KEY), "{outcome:?}");
    outcome
}

#[test]
fn a_stream_is_published_and_measured() {
    let mark = [peer::create_stream(6.0), Act::Send(peer::created(6.0, 2.0)), Act::Stall];
    let server = Server::tcp(peer::publishing([peer::start()].into_iter().chain(mark)));
    let target = format!("rtmp://127.0.0.1:{}/event", server.port);
    let args = ["-v", "--publish", "1", "--bitrate", "400"];
    let outcome = tool().env("RTMP_STREAM_KEY", KEY).args(args).arg(&target).run();
    let record = outcome.one();
    assert_eq!(record["verdict"], "pass", "{record}");
    assert_eq!(stages(record), passed(&["tcp", "rtmp", "connect", "publish"]));
    let publish = &record["facts"]["publish"];
    assert_eq!((&publish["pictures"], &publish["measured_by"]), (&json!(25), &json!("answer")));
    assert_eq!(publish["bytes"], 50_000, "400 kbit in a second");
    assert!(publish["throughput_kbps"].as_f64().unwrap() > 320.0);
    assert!(!outcome.stdout.contains(KEY) && !outcome.stderr.contains(KEY));
    let seen = server.seen()[0].clone();
    assert!(seen.windows(KEY.len()).any(|window| window == KEY.as_bytes()), "the server got the key");
}

#[test]
fn a_stream_without_a_sign_of_arrival_is_measured_by_the_socket() {
    let record =
        publish(peer::publishing([peer::start(), Act::Stall]), &["--timeout", "1", "--bitrate", "200"]);
    assert_eq!(record.one()["verdict"], "pass", "{record:?}");
    assert_eq!(record.one()["facts"]["publish"]["measured_by"], "socket");
}

#[test]
fn a_server_that_takes_no_more_makes_the_stream_lossy() {
    let acts = peer::publishing([peer::start(), Act::Deaf]);
    let record = publish(acts, &["--timeout", "1", "--bitrate", "150000"]).one().clone();
    assert_eq!(gist(&record), ("degraded", "rtmp.timeout", "lossy_path", "network"), "{record}");
    let publish = &record["facts"]["publish"];
    assert!(publish["stalls"].as_u64().unwrap() + publish["send_waits"].as_u64().unwrap() > 0, "{publish}");
    assert!(record["cause"]["fix"].as_str().unwrap().contains("150000 kbit/s"));
}

#[test]
fn a_refused_stream_is_degraded_and_never_shows_the_key() {
    let busy = format!("stream {KEY} is already publishing");
    let acts =
        peer::publishing([Act::Send(peer::status("error", "NetStream.Publish.BadName", &busy)), Act::Stall]);
    let outcome = publish(acts, &[]);
    assert_eq!(gist(outcome.one()), ("degraded", "rtmp.rejected", "port_idle", "service"));
    assert!(outcome.one()["failure"]["detail"].as_str().unwrap().ends_with("NetStream.Publish.BadName"));
    let acts = peer::publishing([Act::Send(peer::status("error", KEY, &busy)), Act::Stall]);
    assert_eq!(gist(publish(acts, &[]).one()), ("degraded", "rtmp.rejected", "port_idle", "service"));
    let acts = peer::connected([Act::Send(peer::success()), peer::create_stream(4.0), Act::Close]);
    assert_eq!(gist(publish(acts, &[]).one()), ("degraded", "rtmp.closed", "port_idle", "service"));
}

#[test]
fn a_server_that_never_allows_the_stream_is_rtmp_timeout() {
    for acts in [peer::connected([Act::Send(peer::success()), Act::Stall]), peer::publishing([Act::Stall])] {
        let outcome = publish(acts, &FAST);
        assert_eq!(verdict_and_code(outcome.one()), ("fail", "rtmp.timeout"));
        assert_eq!(stages(outcome.one()).pop(), Some(("publish".to_owned(), false)));
    }
}

#[test]
fn a_stream_that_is_cut_while_it_runs_is_a_failure() {
    let acts = peer::publishing([peer::start(), Act::Read(10_000), Act::Close]);
    let record = publish(acts, &["--bitrate", "800"]).one().clone();
    assert_eq!(record["verdict"], "fail", "{record}");
    let code = record["failure"]["code"].as_str().unwrap();
    assert!(code == "rtmp.closed" || code == "rtmp.reset", "{record}");
    let acts = peer::publishing([peer::start(), Act::Read(10_000), Act::Reset]);
    let record = publish(acts, &["--bitrate", "800"]).one().clone();
    assert_eq!(verdict_and_code(&record), ("fail", "rtmp.reset"));
}

#[test]
fn a_server_that_leaves_after_the_last_frame_has_to_have_acknowledged() {
    let leave = |before: Vec<Act>| {
        let acts = [vec![peer::start()], before, vec![peer::create_stream(6.0), Act::Close]].concat();
        publish(peer::publishing(acts), &["--bitrate", "200"]).one().clone()
    };
    assert_eq!(verdict_and_code(&leave(vec![])), ("fail", "rtmp.closed"));
    let record = leave(vec![Act::Read(24_000), Act::Send(peer::acknowledgement(24_000))]);
    assert_eq!(record["verdict"], "pass", "{record}");
    assert_eq!(record["facts"]["publish"]["measured_by"], "acknowledgements");
}

#[test]
fn a_stream_ended_in_good_order_inside_proven_tls_is_the_services_word() {
    let end = |end| {
        let tool = tool().env("RTMP_STREAM_KEY", KEY);
        let acts = peer::publishing([peer::start(), Act::Read(10_000), end]);
        run_tls(tool, acts, "/live", &["--publish", "2", "--bitrate", "200"])
    };
    assert_eq!(gist(&end(Act::Close)), ("degraded", "rtmp.closed", "port_idle", "service"));
    // A bare FIN may be anybody's.
    assert_eq!(verdict_and_code(&end(Act::HangUp)), ("fail", "rtmp.closed"));
}

#[test]
fn wrong_flags_end_before_any_packet() {
    let server = Server::tcp(peer::handshake([]));
    let target = format!("rtmp://127.0.0.1:{}", server.port);
    for args in [
        &["--publish", "1"][..],
        &["--publish", "0"],
        &["--bitrate", "100"],
        &["--app", ""],
        &["--per-host", "0"],
        &["--connect", "now"],
    ] {
        let outcome = tool().args(args).arg(&target).run();
        assert_eq!((outcome.code, outcome.records.len()), (2, 0), "{args:?}: {outcome:?}");
        assert!(!outcome.stderr.is_empty());
    }
    let outcome = tool().env("RTMP_STREAM_KEY", "two\nlines").args(["--publish", "1"]).arg(&target).run();
    assert_eq!(outcome.code, 2);
    assert!(!outcome.stderr.contains("lines"));
    assert_eq!(server.accepted(), 0);
}
