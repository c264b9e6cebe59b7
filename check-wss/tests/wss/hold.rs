//! Idle connections: that a cut is noticed, when it came, and whether pings prevent it.

use std::time::Duration;

use crate::peer::NAME;
use crate::scripts::{idle_for, plain, secure};
use netcheck_lab::Server;
use netcheck_lab::pki::Authority;
use netcheck_lab::script::Wire;
use netcheck_lab::view::diagnosed;
use serde_json::Value;
use tokio_tungstenite::tungstenite::WebSocket;

const IDLE: Duration = Duration::from_millis(1200);

/// Cuts without a word: whatever comes afterwards is lost.
fn forget(socket: WebSocket<Wire>) {
    let mut socket = socket;
    socket.get_ref().socket().set_read_timeout(None).unwrap();
    socket.get_mut().drain();
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

#[test]
fn connections_that_are_left_alone_pass() {
    let outcome = plain(&Server::each(crate::peer::echo), &["--hold", "0.4", "--keepalive", "0.1"]);
    let hold = &outcome.one()["facts"]["hold"];
    assert_eq!(outcome.one()["verdict"], "pass");
    assert!(number(&hold["alive_s"]) >= 0.4, "{hold}");
    assert_eq!(hold["connections"].as_array().unwrap().len(), 4);
    assert_eq!((hold.get("cut_s"), hold["keepalive"].get("end")), (None, None));
    assert_eq!(outcome.one()["stages"].as_array().unwrap().last().unwrap()["stage"], "hold");
}

#[test]
fn a_silent_cut_is_bracketed_by_connections_used_after_different_times() {
    let server = Server::each(|wire| idle_for(wire, IDLE, forget));
    let outcome = plain(&server, &["--timeout", "0.5", "--hold", "3.2", "--diagnose", "never"]);
    assert_eq!(diagnosed(&outcome), "degraded ws.idle_closed idle_timeout network medium");
    let hold = &outcome.one()["facts"]["hold"];
    let (alive, cut) = (number(&hold["alive_s"]), number(&hold["cut_s"]));
    assert!((0.8..1.2).contains(&alive) && (1.6..2.4).contains(&cut), "{hold}");
    assert_eq!(hold["again"], true);
    let detail = outcome.one()["failure"]["detail"].as_str().unwrap();
    assert!(detail.contains(&format!("ended between {alive} and {cut} s")), "{detail}");
}

#[test]
fn pings_that_prevent_it_prove_the_timer() {
    let server = Server::each(|wire| idle_for(wire, IDLE, forget));
    let args = ["--timeout", "0.5", "--hold", "3.2", "--keepalive", "0.2", "--diagnose", "never"];
    let outcome = plain(&server, &args);
    assert_eq!(diagnosed(&outcome), "degraded ws.idle_closed idle_timeout network high");
    let evidence = outcome.one()["cause"]["evidence"].to_string();
    assert!(evidence.contains("a connection pinged every 0.2 s lived: pings prevent the cut"), "{evidence}");
    assert_eq!(outcome.code, 0);
}

#[test]
fn a_reset_has_its_moment() {
    let server = Server::each(|wire| idle_for(wire, IDLE, |socket| socket.into_inner().reset()));
    let outcome = plain(&server, &["--hold", "3.2"]);
    assert_eq!(diagnosed(&outcome), "degraded ws.idle_closed idle_timeout unknown medium");
    let cut = number(&outcome.one()["facts"]["hold"]["cut_s"]);
    assert!((1.1..3.0).contains(&cut), "{cut}");
}

#[test]
fn a_service_that_takes_its_leave_is_named() {
    let root = Authority::new("Lab Root");
    let server = Server::tls_each(&root.leaf(&[NAME]), &["http/1.1"], |wire| {
        idle_for(wire, IDLE, |mut socket| {
            let _ = socket.close(None);
            let _ = socket.flush();
            socket.get_mut().finish();
        });
    });
    let outcome = secure(&server, &root, &["--hold", "3.2"]).run();
    assert_eq!(diagnosed(&outcome), "degraded ws.idle_closed idle_timeout service medium");
}

/// A server that echoes, and ends each connection when it is as old as `IDLE`, whatever passes.
fn cut_at_an_age() -> Server {
    Server::each(|wire| {
        let stream = wire.socket().try_clone().unwrap();
        std::thread::spawn(move || {
            let (_never, wait) = std::sync::mpsc::channel::<()>();
            let _ = wait.recv_timeout(IDLE);
            let _ = stream.shutdown(std::net::Shutdown::Both);
        });
        crate::peer::echo(wire);
    })
}

#[test]
fn a_cut_that_pings_do_not_prevent_is_no_idle_timer() {
    let server = cut_at_an_age();
    let outcome = plain(&server, &["--hold", "3.2", "--keepalive", "0.2"]);
    assert_eq!(diagnosed(&outcome), "degraded ws.idle_closed unknown unknown low");
    let fix = outcome.one()["cause"]["fix"].as_str().unwrap();
    assert!(fix.contains("pings do not prevent it") && !fix.contains("Keep idle"), "{fix}");
}

#[test]
fn strict_counts_a_cut_connection_as_a_failure() {
    let server = Server::each(|wire| idle_for(wire, IDLE, forget));
    let args = ["--timeout", "0.5", "--hold", "3.2", "--connections", "2", "--strict", "--diagnose", "never"];
    assert_eq!(plain(&server, &args).code, 1);
}

#[test]
fn the_number_of_connections_has_an_older_name_that_help_does_not_show() {
    let server = Server::each(crate::peer::echo);
    for flag in ["--connections", "--lines"] {
        let outcome = plain(&server, &["--hold", "0.2", flag, "2"]);
        assert_eq!(outcome.one()["facts"]["hold"]["connections"].as_array().unwrap().len(), 2, "{flag}");
    }
    let help = crate::peer::tool(&["--help"]).run().stdout;
    assert!(help.contains("--connections") && !help.contains("--lines"), "{help}");
}

#[test]
fn sigint_during_a_hold_keeps_what_is_known_by_then() {
    let (told, pinged) = std::sync::mpsc::channel();
    let server = Server::each(move |wire| {
        let Ok(mut socket) = tokio_tungstenite::tungstenite::accept(wire) else { return };
        let mut pings = 0;
        while let Ok(message) = socket.read() {
            pings += u32::from(message.is_ping());
            if pings == 5 {
                let _ = told.send(());
            }
        }
    });
    let target = format!("ws://127.0.0.1:{}/socket", server.port);
    let args = ["--hold", "600", "--connections", "2", "--keepalive", "0.1", &target];
    let running = crate::peer::tool(&args).start();
    pinged.recv().unwrap();
    running.interrupt();
    let outcome = running.wait();
    assert_eq!((outcome.code, diagnosed(&outcome).as_str()), (130, "pass - - - -"));
    let hold = &outcome.one()["facts"]["hold"];
    assert_eq!(hold["interrupted"], true, "{hold}");
    assert_eq!(hold["connections"].as_array().unwrap().len(), 2, "{hold}");
    assert!(number(&hold["keepalive"]["alive_s"]) >= 0.2 && number(&hold["alive_s"]) < 60.0, "{hold}");
}

#[test]
fn the_end_of_the_pinged_connection_ends_the_hold_where_that_is_asked_for() {
    let server = cut_at_an_age();
    let args = ["--hold", "600", "--connections", "1", "--keepalive", "0.2", "--stop-at-cut"];
    let outcome = plain(&server, &args);
    let pinged = &outcome.one()["facts"]["hold"]["keepalive"];
    let (alive, ended) = (number(&pinged["alive_s"]), number(&pinged["ended_s"]));
    assert!((0.8..=1.3).contains(&alive) && (1.1..2.0).contains(&ended) && alive <= ended, "{pinged}");
}
