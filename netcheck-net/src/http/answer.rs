//! An HTTP answer, as it was received.

use netcheck_record::secret::Secrets;
use netcheck_record::web_address;

/// One answer, bounded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// `HTTP/1.0`, `HTTP/1.1` or `HTTP/2.0`.
    pub version: String,
    /// The headers, in order; values are as they came, made harmless.
    pub headers: Vec<(String, String)>,
    /// At most 64 KiB of the body, unless more was asked for.
    pub body: Vec<u8>,
    /// Whether the body was given up before its end, because it did not come.
    pub cut_short: bool,
}

impl Answer {
    /// The first header of that name (lower case).
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The answer without what was sent in confidence: a peer may send it back.
    pub fn hide(&mut self, secrets: &Secrets) {
        for (_, value) in &mut self.headers {
            *value = secrets.hide(value);
        }
        let body = String::from_utf8_lossy(&self.body);
        let hidden = secrets.hide(&body);
        if hidden != body {
            self.body = hidden.into_bytes();
        }
    }

    /// Where a redirect leads, as a record may hold it: see [`web_address`].
    #[must_use]
    pub fn destination(&self) -> Option<String> {
        self.header("location").map(web_address::without_secrets)
    }
}
