//! Host names and addresses as mail servers write them: what a record may carry of them.

use std::net::IpAddr;

/// A host as a record may carry it: lower-cased, of the letters hosts are made of, without brackets, port or last dot.
#[must_use]
pub fn clean(text: &[u8]) -> Option<String> {
    let text = text.trim_ascii();
    let text = trim(text, |byte| matches!(byte, b'<' | b'>' | b'[' | b']' | b'"' | b'\'' | b',' | b'.'));
    let text = text.strip_prefix(b"IPv6:").or_else(|| text.strip_prefix(b"ipv6:")).unwrap_or(text);
    let text = text.split(|&byte| byte == b'/').next().unwrap_or(text);
    let text = without_port(text);
    let text = text.strip_suffix(b".").unwrap_or(text);
    let fits = !text.is_empty()
        && text.len() <= 253
        && text.iter().all(|&byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':'))
        && text.iter().any(u8::is_ascii_alphanumeric);
    fits.then(|| String::from_utf8_lossy(text).to_ascii_lowercase())
}

/// The name without `:25`; an IPv6 address has more than one colon and keeps them.
fn without_port(text: &[u8]) -> &[u8] {
    let mut parts = text.splitn(2, |&byte| byte == b':');
    match (parts.next(), parts.next()) {
        (Some(name), Some(port)) if !name.is_empty() && port.iter().all(u8::is_ascii_digit) => name,
        _ => text,
    }
}

fn trim(mut text: &[u8], strip: impl Fn(u8) -> bool) -> &[u8] {
    while let Some((first, rest)) = text.split_first()
        && strip(*first)
    {
        text = rest;
    }
    while let Some((last, rest)) = text.split_last()
        && strip(*last)
    {
        text = rest;
    }
    text
}

/// The first IP address of a text: bare, in brackets, with `IPv6:` before it or a port after it.
#[must_use]
pub fn first_address(text: &[u8]) -> Option<IpAddr> {
    let separators = |byte: &u8| {
        byte.is_ascii_whitespace()
            || matches!(byte, b'(' | b')' | b'[' | b']' | b',' | b';' | b'=' | b'<' | b'>')
    };
    text.split(separators).filter(|word| word.len() >= 2).find_map(|word| {
        let word = word.strip_prefix(b"IPv6:").or_else(|| word.strip_prefix(b"ipv6:")).unwrap_or(word);
        let word = std::str::from_utf8(without_port(word)).ok()?;
        // A zone index is of no use outside the machine.
        let word = word.split('%').next().unwrap_or(word);
        let address: IpAddr = word.strip_suffix('.').unwrap_or(word).parse().ok()?;
        Some(address.to_canonical())
    })
}

/// Whether a host names the machine itself, and so no machine.
#[must_use]
pub fn is_local(host: &str) -> bool {
    let loopback = host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback() || ip.is_unspecified());
    loopback || host == "localhost" || host.starts_with("localhost.") || host.ends_with(".localhost")
}

/// The organisation a host belongs to, near enough to compare two: its last two labels, three under `co.uk` and its like.
#[must_use]
pub fn organisation(host: &str) -> Option<&str> {
    if host.parse::<IpAddr>().is_ok() || !host.contains('.') {
        return None;
    }
    let mut dots = host.rmatch_indices('.').map(|(at, _)| at);
    let (last, second) = (dots.next()?, dots.next());
    let short = host.len() - last == 3 && last - second.map_or(0, |at| at + 1) <= 3;
    let cut = if short { dots.next() } else { second };
    Some(cut.map_or(host, |at| &host[at + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_cleaned_of_what_servers_put_around_it() {
        let is =
            |text: &str, wanted: &str| assert_eq!(clean(text.as_bytes()).as_deref(), Some(wanted), "{text}");
        is("MX.Example.org.", "mx.example.org");
        is("mx.example.org:25", "mx.example.org");
        is("<mx.example.org>", "mx.example.org");
        is("[IPv6:2001:db8::1]", "2001:db8::1");
        is("mx.example.org/8.12.1", "mx.example.org");
        assert_eq!(clean(b"jane@example.org"), None);
        assert_eq!(clean(b"--"), None);
    }

    #[test]
    fn an_address_is_found_in_every_form() {
        let of = |text: &str| first_address(text.as_bytes()).map(|ip| ip.to_string());
        assert_eq!(of("unknown [192.0.2.1]").as_deref(), Some("192.0.2.1"));
        assert_eq!(of("192.0.2.1:5525").as_deref(), Some("192.0.2.1"));
        assert_eq!(of("x [IPv6:2001:db8::1]").as_deref(), Some("2001:db8::1"));
        assert_eq!(of("::ffff:192.0.2.1").as_deref(), Some("192.0.2.1"));
        assert_eq!(of("helo=mail.example.org"), None);
    }

    #[test]
    fn organisations_differ_under_second_level_domains() {
        assert_eq!(organisation("a.mail.example.com"), Some("example.com"));
        assert_eq!(organisation("mx.first.co.uk"), Some("first.co.uk"));
        assert_eq!(organisation("192.0.2.1"), None);
        assert_eq!(organisation("localhost"), None);
    }
}
