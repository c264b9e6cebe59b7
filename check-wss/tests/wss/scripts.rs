//! Servers that do not behave: what they send instead, and when they leave.

use std::time::Duration;

use netcheck_lab::pki::Authority;
use netcheck_lab::script::Wire;
use netcheck_lab::tool::{Outcome, Tool};
use netcheck_lab::{Act, Server};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::{self, Message, WebSocket};

use crate::peer::{NAME, tool};

/// The 101 that the request deserves.
pub fn right(request: &[u8]) -> Vec<u8> {
    let request = String::from_utf8_lossy(request);
    let key = request.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).unwrap_or_default();
    let accept = derive_accept_key(key.as_bytes());
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    )
    .into_bytes()
}

/// A script that upgrades and then does this.
pub fn upgraded(then: impl IntoIterator<Item = Act>) -> Vec<Act> {
    let mut acts = vec![Act::until("\r\n\r\n"), Act::reply(right)];
    acts.extend(then);
    acts
}

/// A script that answers the upgrade with these bytes.
pub fn answer(bytes: &str) -> Vec<Act> {
    vec![Act::until("\r\n\r\n"), Act::send(bytes), Act::Close]
}

/// The same, until nothing has come for so long; then `end` decides.
pub fn idle_for(wire: Wire, idle: Duration, end: impl Fn(WebSocket<Wire>)) {
    let Ok(mut socket) = tungstenite::accept(wire) else { return };
    socket.get_ref().socket().set_read_timeout(Some(idle)).unwrap();
    loop {
        match socket.read() {
            Ok(Message::Close(_)) => return,
            Ok(_) => {}
            Err(tungstenite::Error::Io(_)) => return end(socket),
            Err(_) => return,
        }
    }
}

/// Runs the tool against a plain server.
pub fn plain(server: &Server, args: &[&str]) -> Outcome {
    tool(args).arg(format!("ws://127.0.0.1:{}/socket", server.port)).run()
}

/// A server inside TLS whose root the tool takes for a public one, and what the tool says of it.
pub fn genuine(acts: Vec<Act>, args: &[&str]) -> Outcome {
    let root = Authority::new("Lab Root");
    let server = Server::tls(&root.leaf(&[NAME]), &["http/1.1"], acts);
    secure(&server, &root, args).run()
}

/// The tool about to check a server inside TLS whose root counts as public.
pub fn secure(server: &Server, root: &Authority, args: &[&str]) -> Tool {
    tool(args).file("roots.pem", root.pem()).args([
        "--public-roots",
        "roots.pem",
        "--connect-to",
        &format!("{NAME}=127.0.0.1"),
        &format!("wss://{NAME}:{}/socket", server.port),
    ])
}
