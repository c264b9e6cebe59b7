//! The stream key: read from the environment, sent to the server, never shown.

use std::fmt;

/// Where the key comes from.
pub const VARIABLE: &str = "RTMP_STREAM_KEY";
/// The longest key that is taken, in bytes.
const LONGEST: usize = 4096;

/// A stream key.
#[derive(Clone, Default)]
pub struct StreamKey(String);

impl fmt::Debug for StreamKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StreamKey(…)")
    }
}

impl StreamKey {
    /// The key of the environment.
    ///
    /// # Errors
    /// There is none, or it cannot be one.
    pub fn from_environment() -> Result<StreamKey, String> {
        let text = std::env::var(VARIABLE).unwrap_or_default();
        let text = text.trim();
        if text.is_empty() {
            return Err(format!("--publish needs the stream key in the environment variable {VARIABLE}"));
        }
        if text.len() > LONGEST || text.chars().any(char::is_control) {
            return Err(format!("{VARIABLE} is no stream key: too long, or not one line"));
        }
        Ok(StreamKey(text.to_owned()))
    }

    /// The key itself, for the wire alone.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether a text holds the key.
    pub fn is_in(&self, text: &str) -> bool {
        !self.0.is_empty() && text.contains(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_does_not_show_itself() {
        let key = StreamKey("live_123".to_owned());
        assert_eq!(format!("{key:?}"), "StreamKey(…)");
        assert!(key.is_in("stream live_123 is busy"));
        assert!(!key.is_in("stream is busy"));
    }
}
