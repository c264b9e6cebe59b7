//! check-udp against servers of others (packages.txt): coturn for STUN and TURN, caddy for QUIC and HTTP/3.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test says so by failing")]
#![expect(
    clippy::disallowed_methods,
    reason = "the ban on sockets is for the product, not for its test servers"
)]

mod caddy;
mod coturn;

use std::io::{BufRead, BufReader, Read};
use std::net::{TcpListener, UdpSocket};
use std::sync::mpsc;
use std::time::Duration;

/// A port that is free over TCP and UDP.
fn free_port() -> u16 {
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = tcp.local_addr().unwrap().port();
    if UdpSocket::bind(("127.0.0.1", port)).is_ok() { port } else { free_port() }
}

/// What a server writes, line by line; all of it is read, or the server would stop.
struct Log(mpsc::Receiver<String>);

impl Log {
    fn of(output: impl Read + Send + 'static) -> Log {
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        Log(receiver)
    }

    /// Waits for a line that contains `what`.
    fn wait_for(&self, what: &str) {
        let line =
            || self.0.recv_timeout(Duration::from_secs(20)).expect("the server goes on writing its log");
        while !line().contains(what) {}
    }
}
