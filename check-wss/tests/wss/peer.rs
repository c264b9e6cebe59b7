//! The other side of the tests: a WebSocket server that behaves, and the tool pointed at servers.

use netcheck_lab::script::Wire;
use netcheck_lab::tool::Tool;
use tokio_tungstenite::tungstenite;

/// The name the certificates are for.
pub const NAME: &str = "lab.example";

/// Speaks WebSocket: answers pings, and sends texts back.
pub fn echo(wire: Wire) {
    let Ok(mut socket) = tungstenite::accept(wire) else { return };
    while let Ok(message) = socket.read() {
        if message.is_text() && socket.send(message).is_err() {
            return;
        }
    }
}

/// The tool with these arguments.
pub fn tool(args: &[&str]) -> Tool {
    Tool::new(env!("CARGO_BIN_EXE_check-wss")).args(args)
}
