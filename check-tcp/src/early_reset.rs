//! Whether a connection stands: middleboxes accept first and reset a moment later.

use std::time::Duration;

use netcheck_common::clock;
use netcheck_common::failure::{Code, Failure, Layer};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

/// The longest time a connection is watched.
const MOST: Duration = Duration::from_millis(200);
/// A peer this near is watched for [`BRIEFLY`]: a timer would round it up.
const NEAR: Duration = Duration::from_millis(1);
const BRIEFLY: Duration = Duration::from_millis(1);

/// Watches a fresh connection for one and a half times the time it took to make: a reset that follows the handshake
/// is a round trip away. Returns what the peer said by itself.
///
/// # Errors
/// `tcp.reset`.
pub async fn watch_for_reset(stream: &mut TcpStream, took: Duration) -> Result<Option<Vec<u8>>, Failure> {
    let mut first = [0u8; 256];
    let received = tokio::select! {
        biased;
        read = stream.read(&mut first) => read,
        // Silence is what a sound connection does.
        () = watch(took) => return Ok(None),
    };
    match received {
        // A close by the peer is its right.
        Ok(0) => Ok(None),
        Ok(length) => Ok(Some(first[..length].to_vec())),
        Err(error) if Layer::TCP.io(&error).code == Code::TcpReset => {
            Err(Failure::new(Code::TcpReset, "the connection was reset after it opened"))
        }
        Err(_) => Ok(None),
    }
}

async fn watch(took: Duration) {
    if took >= NEAR {
        return clock::pause((took * 3 / 2).min(MOST)).await;
    }
    let begun = clock::now();
    while begun.elapsed() < BRIEFLY {
        // A peer this near may be waiting for the very core that watches it.
        std::thread::yield_now();
        tokio::task::yield_now().await;
    }
}
