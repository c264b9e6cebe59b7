//! Whether a connection stands: middleboxes accept first and reset a moment later.

use std::time::Duration;

use netcheck_common::clock;
use netcheck_common::failure::{Code, Failure, Layer};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

/// The shortest and the longest time a connection is watched.
const LEAST: Duration = Duration::from_micros(1500);
const MOST: Duration = Duration::from_millis(200);

/// Watches a fresh connection for one and a half times the time it took to make: a reset that follows the handshake
/// is a round trip away. Returns what the peer said by itself.
///
/// # Errors
/// `tcp.reset`.
pub async fn stand(mut stream: TcpStream, took: Duration) -> Result<Option<Vec<u8>>, Failure> {
    let mut first = [0u8; 256];
    match clock::within((took * 3 / 2).clamp(LEAST, MOST), stream.read(&mut first)).await {
        // Silence is what a sound connection does, and a close by the peer is its right.
        None | Some(Ok(0)) => Ok(None),
        Some(Ok(length)) => Ok(Some(first[..length].to_vec())),
        Some(Err(error)) if Layer::TCP.io(&error).code == Code::TcpReset => {
            Err(Failure::new(Code::TcpReset, "the connection was reset after it stood"))
        }
        Some(Err(_)) => Ok(None),
    }
}
