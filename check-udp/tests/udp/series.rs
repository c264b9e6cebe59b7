//! Series of probes: loss, order and jitter of a scripted server are measured as they are.

use std::net::UdpSocket;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use netcheck_common::clock::now;
use netcheck_lab::UdpServer;
use netcheck_lab::view::explained;

use crate::answers::{bound, error};
use crate::check;

/// A server that answers by turns after 10 and 410 ms, and how long it really took each time. Beside a difference this
/// large, what a busy machine adds is small.
struct Jittery {
    port: u16,
    delays: Arc<Mutex<Vec<(u32, Duration)>>>,
}

impl Jittery {
    fn start() -> Jittery {
        let socket = Arc::new(UdpSocket::bind("127.0.0.1:0").unwrap());
        let port = socket.local_addr().unwrap().port();
        let delays: Arc<Mutex<Vec<_>>> = Arc::default();
        let notes = Arc::clone(&delays);
        thread::spawn(move || {
            let mut buffer = [0; 2048];
            let mut number = 0;
            while let Ok((length, peer)) = socket.recv_from(&mut buffer) {
                let (socket, notes) = (Arc::clone(&socket), Arc::clone(&notes));
                let (answer, this) = (bound(&buffer[..length], peer), number);
                let begun = now();
                thread::spawn(move || {
                    thread::park_timeout(Duration::from_millis(if this % 2 == 0 { 10 } else { 410 }));
                    notes.lock().unwrap().push((this, begun.elapsed()));
                    let _ = socket.send_to(&answer, peer);
                });
                number += 1;
            }
        });
        Jittery { port, delays }
    }

    /// The jitter of RFC 3550 that these delays make, and their mean difference, in microseconds.
    fn jitter(&self) -> (f64, f64) {
        let mut delays = self.delays.lock().unwrap().clone();
        delays.sort_unstable();
        let us: Vec<f64> = delays.iter().map(|(_, delay)| delay.as_secs_f64() * 1e6).collect();
        let differences: Vec<f64> = us.windows(2).map(|pair| (pair[1] - pair[0]).abs()).collect();
        let mean = differences.iter().sum::<f64>() / differences.len() as f64;
        (differences.iter().fold(0.0, |jitter, difference| jitter + (difference - jitter) / 16.0), mean)
    }
}

#[test]
fn every_tenth_probe_lost_is_ten_percent_and_degrades_the_path() {
    let mut count = 0;
    let server = UdpServer::new(move |request, peer| {
        count += 1;
        if count % 10 == 0 { Vec::new() } else { vec![bound(request, peer)] }
    });
    let target = format!("stun://127.0.0.1:{}", server.port);
    let outcome = check(&["--count", "100", "--interval", "2", &target]);
    let record = outcome.one();
    assert_eq!(explained(record), "degraded udp.lossy lossy_path");
    let quality = &record["facts"]["quality"];
    assert_eq!((&quality["sent"], &quality["received"]), (&100.into(), &90.into()));
    assert_eq!(quality["loss"], 0.1);
    assert_eq!(server.seen().len(), 100, "no probe is sent twice");
}

#[test]
fn one_probe_lost_of_many_passes() {
    let mut count = 0;
    let server = UdpServer::new(move |request, peer| {
        count += 1;
        if count == 7 { Vec::new() } else { vec![bound(request, peer)] }
    });
    let target = format!("stun://127.0.0.1:{}", server.port);
    let outcome = check(&["--count", "50", "--interval", "2", &target]);
    assert_eq!(explained(outcome.one()), "pass - -");
    assert_eq!(outcome.one()["facts"]["quality"]["received"], 49);
}

#[test]
fn a_score_under_the_bound_without_loss_is_udp_quality_and_no_lossy_path() {
    let server = UdpServer::new(|request, peer| vec![bound(request, peer)]);
    let target = format!("stun://127.0.0.1:{}", server.port);
    let outcome = check(&["--count", "20", "--interval", "2", "--min-mos", "4.5", &target]);
    let record = outcome.one();
    assert_eq!(explained(record), "degraded udp.quality unknown");
    assert_eq!(record["cause"]["who"], "unknown");
    assert!(
        record["cause"]["evidence"][0].as_str().unwrap().starts_with("0 of 20 probes lost"),
        "{record:#}"
    );
}

#[test]
fn a_whole_series_without_loss_passes_with_a_good_score() {
    let server = UdpServer::new(|request, peer| vec![bound(request, peer)]);
    let target = format!("stun://127.0.0.1:{}", server.port);
    let outcome = check(&["--count", "50", "--interval", "2", &target]);
    let record = outcome.one();
    assert_eq!(explained(record), "pass - -");
    assert_eq!(record["facts"]["quality"]["loss"], 0.0);
    assert!(record["facts"]["quality"]["mos"].as_f64().unwrap() > 4.0);
    assert!(record["facts"]["nat"].is_null());
}

#[test]
fn silence_of_a_whole_series_is_udp_timeout() {
    let server = UdpServer::new(|_, _| Vec::new());
    let target = format!("stun://127.0.0.1:{}", server.port);
    let outcome = check(&["--count", "5", "--interval", "2", "--diagnose", "never", &target]);
    assert_eq!(outcome.one()["failure"]["code"], "udp.timeout");
    assert_eq!(outcome.one()["failure"]["detail"], "none of 5 probes was answered");
}

#[test]
fn errors_alone_make_a_series_stun_error() {
    let server = UdpServer::new(|request, _| vec![error(request, 500, "Server Error", &[])]);
    let target = format!("stun://127.0.0.1:{}", server.port);
    let outcome = check(&["--count", "5", "--interval", "2", &target]);
    assert_eq!(outcome.one()["failure"]["code"], "stun.error");
}

#[test]
fn answers_out_of_order_are_counted() {
    let mut held: Option<Vec<u8>> = None;
    let server = UdpServer::new(move |request, peer| {
        let answer = bound(request, peer);
        match held.take() {
            Some(earlier) => vec![answer, earlier],
            None => {
                held = Some(answer);
                Vec::new()
            }
        }
    });
    let target = format!("stun://127.0.0.1:{}", server.port);
    let outcome = check(&["--count", "20", "--interval", "2", &target]);
    let quality = &outcome.one()["facts"]["quality"];
    assert_eq!((&quality["received"], &quality["reordered"]), (&20.into(), &10.into()));
}

#[test]
fn duplicates_are_no_answers() {
    let server = UdpServer::new(|request, peer| vec![bound(request, peer), bound(request, peer)]);
    let target = format!("stun://127.0.0.1:{}", server.port);
    let outcome = check(&["--count", "10", "--interval", "2", &target]);
    let quality = &outcome.one()["facts"]["quality"];
    assert_eq!(quality["received"], 10);
    assert!(quality["duplicates"].as_u64().unwrap() >= 9);
}

#[test]
fn the_jitter_of_a_scripted_server_is_measured_within_a_tenth() {
    let server = Jittery::start();
    let outcome =
        check(&["--count", "20", "--interval", "700", &format!("stun://127.0.0.1:{}", server.port)]);
    let quality = &outcome.one()["facts"]["quality"];
    assert_eq!(explained(outcome.one()), "degraded udp.quality unknown");
    let (interarrival, mean) = server.jitter();
    for (measured, made) in [("interarrival_jitter_us", interarrival), ("jitter_us", mean)] {
        let measured = quality[measured].as_f64().unwrap();
        assert!((measured / made - 1.0).abs() < 0.1, "measured {measured}, made {made}");
    }
}

#[test]
fn a_series_ends_before_the_deadline_with_what_it_has() {
    let server = UdpServer::new(|request, peer| vec![bound(request, peer)]);
    let target = format!("stun://127.0.0.1:{}", server.port);
    let outcome = check(&["--count", "1000", "--interval", "10", "--deadline", "2", &target]);
    let quality = &outcome.one()["facts"]["quality"];
    let sent = quality["sent"].as_u64().unwrap();
    assert!((20..400).contains(&sent), "{sent}");
    assert_eq!(explained(outcome.one()), "pass - -");
}

#[test]
fn even_a_very_short_deadline_leaves_time_to_measure() {
    let server = UdpServer::new(|request, peer| vec![bound(request, peer)]);
    let target = format!("stun://127.0.0.1:{}", server.port);
    let outcome = check(&["--count", "5", "--interval", "1", "--deadline", "0.8", &target]);
    assert_eq!(outcome.one()["facts"]["quality"]["received"], 5, "{outcome:#?}");
}
