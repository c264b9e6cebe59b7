//! `Authentication-Results`: what a gateway found out about the sender (RFC 8601).

use std::collections::BTreeMap;

use super::hostname;

/// The methods read.
const METHODS: [&str; 6] = ["spf", "dkim", "dmarc", "arc", "compauth", "iprev"];

/// What one gateway says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuthenticationResults {
    /// Which gateway, where it says so (Microsoft's does not).
    pub by: Option<String>,
    /// The result of each method; of several, the best.
    pub methods: BTreeMap<&'static str, String>,
}

impl AuthenticationResults {
    /// Reads one field; `None` where it names no result.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<AuthenticationResults> {
        let plain = without_comments(&value[..value.len().min(16 << 10)]);
        let mut results = AuthenticationResults::default();
        for (at, clause) in plain.split(|&byte| byte == b';').enumerate().take(64) {
            let mut words = clause.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
            let Some(word) = words.next() else { continue };
            match word.iter().position(|&byte| byte == b'=') {
                Some(equals) => results.add(&word[..equals], &word[equals + 1..]),
                None if at == 0 => results.by = hostname::clean(word),
                None => {}
            }
        }
        (!results.methods.is_empty()).then_some(results)
    }

    fn add(&mut self, method: &[u8], result: &[u8]) {
        let Some(name) = METHODS.into_iter().find(|name| name.as_bytes().eq_ignore_ascii_case(method)) else {
            return;
        };
        let proper = !result.is_empty() && result.len() <= 12 && result.iter().all(u8::is_ascii_alphabetic);
        if proper && self.methods.get(name).is_none_or(|known| known != "pass") {
            self.methods.insert(name, String::from_utf8_lossy(result).to_ascii_lowercase());
        }
    }

    /// How the receiving side judged the sender, where it failed it. Microsoft's combined result decides where it is there.
    #[must_use]
    pub fn failed(&self) -> Option<String> {
        let is = |method: &str, wanted: &str| self.methods.get(method).is_some_and(|result| result == wanted);
        match self.methods.get("compauth").map(String::as_str) {
            Some("fail") => Some("compauth=fail".to_owned()),
            Some("pass" | "softpass" | "none") => None,
            _ => is("dmarc", "fail").then(|| "dmarc=fail".to_owned()),
        }
    }

    /// Whether that method passed.
    #[must_use]
    pub fn passed(&self, method: &str) -> bool {
        self.methods.get(method).is_some_and(|result| result == "pass")
    }
}

fn without_comments(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut depth = 0_usize;
    for &byte in text {
        match byte {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            _ if depth == 0 => out.push(byte),
            _ => {}
        }
    }
    out
}
