//! The stage `publish`: what is sent, measured, refused and cut; and that the key stays hidden.

use super::*;

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
