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
    assert_eq!((&publish["pictures"], &publish["measured_by"]), (&json!(25), &json!("tcp")));
    assert_eq!((&publish["answered"], &publish["pauses"]), (&json!(true), &json!(0)));
    assert_eq!(publish["bytes"], 50_000, "400 kbit in a second");
    assert!(publish["throughput_kbps"].as_f64().unwrap() > 320.0);
    assert!(!outcome.stdout.contains(KEY) && !outcome.stderr.contains(KEY));
    let seen = server.seen()[0].clone();
    assert!(seen.windows(KEY.len()).any(|window| window == KEY.as_bytes()), "the server got the key");
}

#[test]
fn a_stream_whose_end_the_server_never_answers_is_not_proven_to_have_been_read() {
    let acts = peer::publishing([peer::start(), Act::Stall]);
    let record = publish(acts, &["--timeout", "1", "--bitrate", "200"]).one().clone();
    assert_eq!(attributed(&record), "degraded rtmp.timeout unknown service", "{record}");
    let publish = &record["facts"]["publish"];
    assert_eq!((&publish["measured_by"], &publish["answered"]), (&json!("tcp"), &json!(false)));
}

#[test]
fn a_server_that_stops_reading_makes_the_stream_slow_by_the_receiver() {
    let acts = peer::publishing([peer::start(), Act::Deaf]);
    let record = publish(acts, &["--timeout", "2", "--bitrate", "150000"]).one().clone();
    assert_eq!(attributed(&record), "degraded rtmp.slow unknown service", "{record}");
    let publish = &record["facts"]["publish"];
    assert_eq!((&publish["limited_by"], &publish["pauses"]), (&json!("receiver"), &json!(1)), "{publish}");
    assert!(publish["throughput_kbps"].as_f64().unwrap() < 140_000.0, "{publish}");
    let evidence = record["cause"]["evidence"][0].as_str().unwrap();
    assert!(evidence.starts_with("the receive window of the peer was full"), "{record}");
}

fn read_until(wire: &mut impl Read, what: &[u8]) {
    let mut got = Vec::new();
    while !got.windows(what.len()).any(|window| window == what) {
        let mut byte = [0];
        wire.read_exact(&mut byte).unwrap();
        got.push(byte[0]);
    }
}

/// A server that takes a stream and reads it in pieces, with a pause after each; it answers the command at the end.
fn reading(piece: usize, pause: Duration, times: usize) -> Server {
    Server::each(move |mut wire| {
        // A buffer that is soon full.
        socket2::SockRef::from(wire.socket()).set_recv_buffer_size(49_152).unwrap();
        let mut hello = vec![0; 1537];
        wire.read_exact(&mut hello).unwrap();
        wire.write_all(&peer::answer(&hello)).unwrap();
        wire.read_exact(&mut hello[..1536]).unwrap();
        read_until(&mut wire, &[0, 0, 9]);
        wire.write_all(&peer::success()).unwrap();
        read_until(&mut wire, b"createStream\0");
        wire.write_all(&peer::created(4.0, 1.0)).unwrap();
        read_until(&mut wire, b"\x02\x00\x04live");
        wire.write_all(&peer::status("status", "NetStream.Publish.Start", "go")).unwrap();
        let mut buffer = vec![0; piece];
        for _ in 0..times {
            if wire.read_exact(&mut buffer).is_err() {
                return;
            }
            std::thread::park_timeout(pause);
        }
        let mut rest = Vec::new();
        let mut chunk = vec![0; 65_536];
        while let Ok(count @ 1..) = wire.read(&mut chunk) {
            rest.extend_from_slice(&chunk[..count]);
            if rest.windows(13).any(|window| window == b"createStream\0") {
                rest.clear();
                let _ = wire.write_all(&peer::created(6.0, 2.0));
            }
        }
    })
}

fn publish_to(server: &Server, args: &[&str]) -> Value {
    let target = format!("rtmp://127.0.0.1:{}/event", server.port);
    tool().env("RTMP_STREAM_KEY", KEY).args(args).arg(target).run().one().clone()
}

#[test]
fn a_pause_of_the_server_in_a_stream_that_fills_its_buffer_is_told_with_its_length() {
    let server = reading(2_000_000, Duration::from_secs(2), 1);
    let record = publish_to(&server, &["--publish", "6", "--bitrate", "8000", "--timeout", "5"]);
    assert_eq!(attributed(&record), "degraded rtmp.slow unknown service", "{record}");
    let publish = &record["facts"]["publish"];
    assert_eq!(publish["limited_by"], "receiver", "{publish}");
    let pause = publish["longest_pause_ms"].as_u64().unwrap();
    assert!((1500..=2500).contains(&pause), "{publish}");
    assert!(record["failure"]["detail"].as_str().unwrap().contains("delivery paused "), "{record}");
}

#[test]
fn a_refused_stream_is_degraded_and_never_shows_the_key() {
    let busy = format!("stream {KEY} is already publishing");
    let acts =
        peer::publishing([Act::Send(peer::status("error", "NetStream.Publish.BadName", &busy)), Act::Stall]);
    let outcome = publish(acts, &[]);
    assert_eq!(attributed(outcome.one()), "degraded rtmp.rejected service_refused service");
    assert!(outcome.one()["failure"]["detail"].as_str().unwrap().ends_with("NetStream.Publish.BadName"));
    let acts = peer::publishing([Act::Send(peer::status("error", KEY, &busy)), Act::Stall]);
    assert_eq!(attributed(publish(acts, &[]).one()), "degraded rtmp.rejected service_refused service");
    let acts = peer::connected([Act::Send(peer::success()), peer::create_stream(4.0), Act::Close]);
    assert_eq!(attributed(publish(acts, &[]).one()), "degraded rtmp.closed service_refused service");
}

#[test]
fn a_server_that_never_allows_the_stream_is_rtmp_timeout() {
    for acts in [peer::connected([Act::Send(peer::success()), Act::Stall]), peer::publishing([Act::Stall])] {
        let outcome = publish(acts, &FAST);
        assert_eq!(observed(outcome.one()), "fail rtmp.timeout");
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
    assert_eq!(observed(&record), "fail rtmp.reset");
}

#[test]
fn a_server_that_leaves_after_the_last_frame_has_to_have_acknowledged() {
    let leave = |before: Vec<Act>| {
        let acts = [vec![peer::start()], before, vec![peer::create_stream(6.0), Act::Close]].concat();
        publish(peer::publishing(acts), &["--bitrate", "200"]).one().clone()
    };
    assert_eq!(observed(&leave(vec![])), "fail rtmp.closed");
    let record = leave(vec![Act::Read(24_000), Act::Send(peer::acknowledgement(24_000))]);
    assert_eq!(record["verdict"], "pass", "{record}");
    assert_eq!(record["facts"]["publish"]["measured_by"], "tcp");
    assert!(record["facts"]["publish"]["acknowledgements"]["count"].as_u64().unwrap() > 0);
}

#[test]
fn a_stream_ended_in_good_order_inside_proven_tls_is_the_services_word() {
    let end = |end| {
        let tool = tool().env("RTMP_STREAM_KEY", KEY);
        let acts = peer::publishing([peer::start(), Act::Read(10_000), end]);
        run_tls(tool, acts, "/live", &["--publish", "2", "--bitrate", "200"])
    };
    assert_eq!(attributed(&end(Act::Close)), "degraded rtmp.closed service_refused service");
    // A bare FIN may be anybody's.
    assert_eq!(observed(&end(Act::HangUp)), "fail rtmp.closed");
}
