//! SIGINT while a transfer runs: the record is written with what is known by then.

use std::io::{Read, Write};
use std::sync::mpsc;

use netcheck_lab::Server;

use crate::peer::tool;

/// Sends a body without an end, and says once that 4 MB of it were taken.
fn endless() -> (Server, mpsc::Receiver<()>) {
    let (told, taken) = mpsc::channel();
    let server = Server::each(move |mut wire| {
        let mut request = [0; 4096];
        let upload = |request: &[u8]| request.starts_with(b"POST");
        let Ok(count) = wire.read(&mut request) else { return };
        if upload(&request[..count]) {
            let (mut total, mut bytes) = (0, vec![0; 65_536]);
            while let Ok(more) = wire.read(&mut bytes) {
                total += more;
                if more == 0 {
                    return;
                }
                if total > 4_000_000 {
                    let _ = told.send(());
                }
            }
            return;
        }
        if request.starts_with(b"GET /take") {
            let _ = wire.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
            return;
        }
        let length = 1_000_000_000;
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
        let mut sent = 0;
        if wire.write_all(head.as_bytes()).is_err() {
            return;
        }
        while sent < length && wire.write_all(&[7; 65_536]).is_ok() {
            sent += 65_536;
            if sent > 4_000_000 {
                let _ = told.send(());
            }
        }
    });
    (server, taken)
}

#[test]
fn sigint_during_a_download_keeps_the_figures_so_far() {
    let (server, taken) = endless();
    let target = format!("http://127.0.0.1:{}/large", server.port);
    let running = tool(&["--download", "60", "--budget", "100000", "--diagnose", "never", &target]).start();
    taken.recv().unwrap();
    running.interrupt();
    let outcome = running.wait();
    assert_eq!(outcome.code, 130, "{}", outcome.stderr);
    let download = &outcome.one()["facts"]["download"];
    assert_eq!(download["interrupted"], true, "{download:#}");
    assert!(download["bytes"].as_u64().unwrap() > 0, "{download:#}");
    assert!(download["throughput_kbps"].as_f64().unwrap() > 0.0, "{download:#}");
    assert!(download["seconds"].as_f64().unwrap() < 30.0, "{download:#}");
}

#[test]
fn sigint_during_an_upload_keeps_the_figures_so_far() {
    let (server, taken) = endless();
    let target = format!("http://127.0.0.1:{}/take", server.port);
    let running = tool(&["--upload", "60", "--budget", "100000", "--diagnose", "never", &target]).start();
    taken.recv().unwrap();
    running.interrupt();
    let outcome = running.wait();
    assert_eq!(outcome.code, 130, "{}", outcome.stderr);
    let upload = &outcome.one()["facts"]["upload"];
    assert_eq!(upload["interrupted"], true, "{upload:#}");
    assert!(upload["bytes"].as_u64().unwrap() > 0, "{upload:#}");
    assert!(upload["status"].is_null() && upload["seconds"].as_f64().unwrap() < 30.0, "{upload:#}");
}
