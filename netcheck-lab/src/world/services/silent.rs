//! A push server behind its TLS: it listens and says nothing, as couriers do until a device speaks.

use std::io;
use std::path::Path;

use tokio::io::{AsyncReadExt, copy, sink};
use tokio::net::UnixListener;

use super::super::place::Place;

/// Serves `silent.sock` under `dir`.
///
/// # Errors
/// The socket cannot be made.
pub fn start(inet: &Place, dir: &Path) -> io::Result<()> {
    let listener = inet.open(|| UnixListener::bind(dir.join("silent.sock")))?;
    inet.serve(async move {
        while let Ok((stream, _)) = listener.accept().await {
            drop(tokio::spawn(async move {
                let (from, _to) = stream.into_split();
                let _ = copy(&mut from.take(1 << 20), &mut sink()).await;
            }));
        }
    });
    Ok(())
}
