//! What a script answers: `PROXY a:8080; SOCKS5 b; DIRECT`, read as Chromium reads it.

use std::fmt;

/// The longest list that is kept.
const MOST_STEPS: usize = 16;
/// The longest host name (RFC 1035).
const LONGEST_HOST: usize = 253;

/// What a proxy speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyKind {
    /// `PROXY`: HTTP CONNECT, port 80 unless said otherwise.
    Http,
    /// `HTTPS`: HTTP CONNECT over TLS, port 443.
    Https,
    /// `SOCKS`, `SOCKS4`: SOCKS 4, port 1080.
    Socks4,
    /// `SOCKS5`: port 1080.
    Socks5,
}

/// One step of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProxyStep {
    /// Without a proxy.
    Direct,
    /// Through a proxy.
    Through {
        /// What it speaks.
        kind: ProxyKind,
        /// Its host, without brackets.
        host: String,
        /// Its port.
        port: u16,
    },
}

impl fmt::Display for ProxyStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ProxyStep::Through { kind, host, port } = self else { return f.write_str("DIRECT") };
        let word = match kind {
            ProxyKind::Http => "PROXY",
            ProxyKind::Https => "HTTPS",
            ProxyKind::Socks4 => "SOCKS4",
            ProxyKind::Socks5 => "SOCKS5",
        };
        if host.contains(':') {
            write!(f, "{word} [{host}]:{port}")
        } else {
            write!(f, "{word} {host}:{port}")
        }
    }
}

/// Reads a list. What cannot be read is left out; where nothing is left, the browser goes direct.
#[must_use]
pub fn read_answer(text: &str) -> Vec<ProxyStep> {
    let mut steps: Vec<ProxyStep> = Vec::new();
    for step in text.split(';').filter_map(read_step) {
        if steps.len() < MOST_STEPS && !steps.contains(&step) {
            steps.push(step);
        }
    }
    if steps.is_empty() {
        steps.push(ProxyStep::Direct);
    }
    steps
}

/// Whether anything in the answer is a step at all: junk makes a browser go direct without a word.
#[must_use]
pub fn has_step(text: &str) -> bool {
    text.split(';').any(|part| read_step(part).is_some())
}

/// Reads one entry of a PAC answer, such as `PROXY host:port` or `DIRECT`; `None` where it is malformed.
fn read_step(text: &str) -> Option<ProxyStep> {
    let blank = [' ', '\t'];
    let text = text.trim_matches(blank);
    let (word, rest) = text.split_once(blank).unwrap_or((text, ""));
    let (kind, port) = match word.to_ascii_lowercase().as_str() {
        "direct" => return rest.trim_matches(blank).is_empty().then_some(ProxyStep::Direct),
        "proxy" => (ProxyKind::Http, 80),
        "https" => (ProxyKind::Https, 443),
        "socks" | "socks4" => (ProxyKind::Socks4, 1080),
        "socks5" => (ProxyKind::Socks5, 1080),
        _ => return None,
    };
    let (host, port) = host_and_port(rest.trim_matches(blank), port)?;
    Some(ProxyStep::Through { kind, host, port })
}

fn host_and_port(text: &str, usual: u16) -> Option<(String, u16)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']')?;
            host.parse::<std::net::Ipv6Addr>().ok()?;
            (host, if rest.is_empty() { None } else { Some(rest.strip_prefix(':')?) })
        }
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    let digits = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let port = match port {
        Some(port) => port.parse::<u16>().ok().filter(|_| digits(port))?,
        None => usual,
    };
    let plain = |c: char| !c.is_control() && !c.is_whitespace() && !"/\\?#@<>%|^\"`{}".contains(c);
    let fits = !host.is_empty() && host.len() <= LONGEST_HOST && host.chars().all(plain);
    fits.then(|| (host.to_ascii_lowercase(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        read_answer(text).iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn answers_are_read_as_the_browser_reads_them() {
        for (text, steps) in [
            ("DIRECT", "DIRECT"),
            ("PROXY h", "PROXY h:80"),
            ("proxy H:8080 ; direct", "PROXY h:8080; DIRECT"),
            ("HTTPS h", "HTTPS h:443"),
            ("SOCKS h; SOCKS5 h:99", "SOCKS4 h:1080; SOCKS5 h:99"),
            ("PROXY [2001:db8::1]:3128", "PROXY [2001:db8::1]:3128"),
            ("PROXY a;;PROXY a;\tPROXY\tb", "PROXY a:80; PROXY b:80"),
            ("QUIC h:1; PROXY h:2", "PROXY h:2"),
            ("", "DIRECT"),
            ("null", "DIRECT"),
            ("PROXY", "DIRECT"),
            ("PROXY h:0x50; PROXY h:99999; PROXY h:", "DIRECT"),
            ("PROXY http://h:80", "DIRECT"),
            ("<html>", "DIRECT"),
        ] {
            assert_eq!(shown(text), steps, "{text}");
        }
        assert!(has_step("junk; DIRECT") && !has_step("junk"));
    }
}
