//! How many handshakes an address sees at once, and what never comes to one.

use super::*;

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
