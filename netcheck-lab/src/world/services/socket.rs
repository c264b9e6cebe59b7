//! The WebSocket server behind the web servers: it echoes messages and answers pings.

use std::io;
use std::path::Path;

use futures_util::{SinkExt, StreamExt};
use tokio::net::{UnixListener, UnixStream};

use super::super::place::Place;

/// Serves `socket.sock` under `dir`.
///
/// # Errors
/// The socket cannot be made.
pub fn start(inet: &Place, dir: &Path) -> io::Result<()> {
    let listener = inet.open(|| UnixListener::bind(dir.join("socket.sock")))?;
    inet.serve(async move {
        while let Ok((stream, _)) = listener.accept().await {
            drop(tokio::spawn(echo(stream)));
        }
    });
    Ok(())
}

async fn echo(stream: UnixStream) {
    let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else { return };
    // Pings are answered by the library as messages are read.
    while let Some(Ok(message)) = socket.next().await {
        if (message.is_text() || message.is_binary()) && socket.send(message).await.is_err() {
            return;
        }
    }
}
