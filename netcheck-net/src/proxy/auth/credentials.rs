//! A proxy's credentials: from the environment or a file, and never into a record, a log or a process list.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// User and password.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user's name.
    pub(crate) user: String,
    /// The password.
    pub(crate) password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(…)")
    }
}

impl Credentials {
    /// Reads `USER:PASSWORD`.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let (user, password) = text.split_once(':').unwrap_or((text, ""));
        Credentials { user: user.to_owned(), password: password.to_owned() }
    }

    /// Reads the user information of a URL, with its percent-encoding.
    #[must_use]
    pub fn of_url(user_information: &str) -> Self {
        let (user, password) = user_information.split_once(':').unwrap_or((user_information, ""));
        Credentials { user: decode(user), password: decode(password) }
    }

    /// The value of `Proxy-Authorization` (RFC 7617).
    #[must_use]
    pub(crate) fn basic(&self) -> String {
        format!("Basic {}", self.token())
    }

    fn token(&self) -> String {
        STANDARD.encode(format!("{}:{}", self.user, self.password))
    }

    /// What of them nobody may see, in every form that is sent.
    pub(crate) fn secrets(&self) -> [String; 2] {
        [self.password.clone(), self.token()]
    }
}

fn decode(text: &str) -> String {
    let raw = text.as_bytes();
    let mut out = Vec::with_capacity(raw.len());
    let mut at = 0;
    while let Some(byte) = raw.get(at) {
        let code = raw.get(at + 1..at + 3).and_then(|hex| std::str::from_utf8(hex).ok());
        match code.and_then(|hex| u8::from_str_radix(hex, 16).ok()).filter(|_| *byte == b'%') {
            Some(decoded) => {
                out.push(decoded);
                at += 3;
            }
            None => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_show_themselves_to_nobody() {
        let credentials = Credentials::of_url("al%40ice:s%3Acret%");
        assert_eq!((credentials.user.as_str(), credentials.password.as_str()), ("al@ice", "s:cret%"));
        assert_eq!(format!("{credentials:?}"), "Credentials(…)");
    }
}
