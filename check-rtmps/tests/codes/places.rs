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
    // It waits for half of its deadline, and a silent handshake keeps its place for longer.
    let args = ["--per-host", "1", "--timeout", "2", "--deadline", "0.4"];
    let outcome = tool().args(args).args([&target, &target]).run();
    let crowded: Vec<_> = outcome.records.iter().filter(|r| r["facts"]["rtmp"]["crowded"] == true).collect();
    assert_eq!(crowded.len(), 1, "{:?}", outcome.records);
    assert_eq!(attributed(crowded[0]), "inconclusive rtmp.timeout unknown local");
    assert_eq!(outcome.code, 1);
}

#[test]
fn a_silent_handshake_gives_its_place_to_the_next() {
    let (silent, healthy) = (Server::tcp(vec![Act::Stall]), Server::tcp(peer::handshake([])));
    // A target waits for half of its deadline at most: less than the silent one's timeout.
    let args = ["--per-host", "1", "--timeout", "2", "--deadline", "2.4", "--ordered", "--diagnose", "never"];
    for scheme in ["rtmp", "rtmps"] {
        let targets =
            [format!("{scheme}://127.0.0.1:{}", silent.port), format!("rtmp://127.0.0.1:{}", healthy.port)];
        let outcome = tool().args(args).args(targets).run();
        let codes: Vec<_> = outcome.records.iter().map(|record| word(record, "/verdict")).collect();
        assert_eq!(codes, ["fail", "pass"], "{scheme}: {:#?}", outcome.records);
    }
}

#[test]
fn no_open_connection_waits_in_line_for_its_place() {
    let silent = Server::tcp(vec![Act::Stall]);
    // A client that has connected has a second to begin: the silent port holds the only place for two.
    let hasty = || {
        Server::each(|mut wire| {
            let mut hello = vec![0; 1537];
            wire.socket().set_read_timeout(Some(Duration::from_secs(1))).unwrap();
            if wire.read_exact(&mut hello).is_ok() {
                let _ = wire.write_all(&peer::answer(&hello));
                let _ = wire.read_exact(&mut hello[..1536]);
            }
        })
    };
    let healthy: Vec<Server> = (0..4).map(|_| hasty()).collect();
    let ports = std::iter::once(silent.port).chain(healthy.iter().map(|server| server.port));
    let targets = ports.map(|port| format!("rtmp://127.0.0.1:{port}"));
    let outcome = tool().args(["--per-host", "1", "--timeout", "2", "--ordered"]).args(targets).run();
    let codes: Vec<_> = outcome.records.iter().map(|record| word(record, "/failure/code")).collect();
    assert_eq!(codes, ["rtmp.timeout", "-", "-", "-", "-"], "{:#?}", outcome.records);
}

/// A port whose SYNs are dropped: its queue of connections that wait for accept(2) is full.
struct Full {
    listener: std::net::TcpListener,
    _waiting: Vec<std::net::TcpStream>,
}

fn full() -> Full {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    let any: std::net::SocketAddr = "127.0.0.1:0".parse().unwrap();
    socket.bind(&any.into()).unwrap();
    socket.listen(0).unwrap();
    let listener: std::net::TcpListener = socket.into();
    let address = listener.local_addr().unwrap();
    let waiting = vec![std::net::TcpStream::connect(address).unwrap()];
    Full { listener, _waiting: waiting }
}

#[test]
fn a_syn_without_an_answer_gives_its_place_to_the_next() {
    let (dropped, healthy) = (full(), Server::tcp(peer::handshake([])));
    let ports = [dropped.listener.local_addr().unwrap().port(), healthy.port];
    // A target waits for half of its deadline at most: less than the silent one's timeout.
    let args = ["--per-host", "1", "--timeout", "2", "--deadline", "2.4", "--ordered", "--diagnose", "never"];
    let outcome = tool().args(args).args(ports.map(|port| format!("rtmp://127.0.0.1:{port}"))).run();
    let codes: Vec<_> = outcome.records.iter().map(observed).collect();
    assert_eq!(codes, ["fail tcp.timeout", "pass -"], "{:#?}", outcome.records);
}

#[test]
fn silence_is_tcp_timeout_after_the_time_of_a_stage() {
    let dropped = full();
    let target = format!("rtmp://127.0.0.1:{}", dropped.listener.local_addr().unwrap().port());
    let record = tool().args(["--timeout", "1", "--diagnose", "never"]).arg(target).run().one().clone();
    assert_eq!(observed(&record), "fail tcp.timeout");
    assert_eq!(record["failure"]["detail"], "no answer within 1 s");
}

#[test]
fn a_late_connection_without_a_place_is_closed_and_made_again() {
    // Each in its turn, for as long as it may be.
    let busy = Server::each(|mut wire| {
        let mut hello = vec![0; 1537];
        wire.read_exact(&mut hello).unwrap();
        std::thread::park_timeout(Duration::from_millis(400));
        wire.write_all(&peer::answer(&hello)).unwrap();
        let _ = wire.read_exact(&mut hello[..1536]);
    });
    let late = full();
    let port = late.listener.local_addr().unwrap().port();
    // After the first SYN has been dropped there is room for its repetition.
    let server = std::thread::spawn(move || {
        std::thread::park_timeout(Duration::from_millis(700));
        let mut hurried = 0;
        drop(late.listener.accept());
        for wire in late.listener.incoming().flatten().take(2) {
            let mut wire = wire;
            wire.set_read_timeout(Some(Duration::from_millis(1500))).unwrap();
            let mut hello = vec![0; 1537];
            if wire.read_exact(&mut hello).is_ok() {
                let _ = wire.write_all(&peer::answer(&hello));
                let _ = wire.read_exact(&mut hello[..1536]);
                return hurried;
            }
            hurried += 1;
        }
        hurried
    });
    let args = ["--per-host", "1", "--timeout", "4", "--ordered", "--diagnose", "never"];
    let ports = std::iter::once(port).chain([busy.port; 5]);
    let outcome = tool().args(args).args(ports.map(|port| format!("rtmp://127.0.0.1:{port}"))).run();
    let codes: Vec<_> = outcome.records.iter().map(observed).collect();
    assert_eq!(codes, ["pass -"; 6], "{:#?}", outcome.records);
    assert_eq!(server.join().unwrap(), 1, "the first connection was closed unused");
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
