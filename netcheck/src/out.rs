//! Standard output, with pipe manners.

use std::io::{self, ErrorKind, Write};

/// Prints `text`. A reader that has left is no error.
///
/// # Errors
/// Standard output cannot be written.
pub fn print(text: &str) -> Result<(), String> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(why) if why.kind() == ErrorKind::BrokenPipe => Ok(()),
        Err(why) => Err(format!("standard output: {why}")),
        Ok(()) => Ok(()),
    }
}
