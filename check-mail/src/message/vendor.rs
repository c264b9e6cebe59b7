//! The mail scanners known by their traces, read from `data/rewriters.toml`.

use std::sync::LazyLock;

use serde::Deserialize;

/// What a scanner makes of a link.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rewriter {
    vendor: String,
    /// Hosts; a `*` matches one or more characters.
    hosts: Vec<String>,
    /// What the path begins with; any path where none is given.
    #[serde(default)]
    paths: Vec<String>,
}

/// Which header fields a gateway adds.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Gateway {
    vendor: String,
    /// What the field's name begins with, in lower case.
    #[serde(default)]
    fields: Vec<String>,
    /// Hosts that take mail for its customers.
    #[serde(default)]
    hosts: Vec<String>,
}

/// Whose hosts send mail for others.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Provider {
    hosts: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Vendors {
    /// Words of warning banners, in lower case.
    banners: Vec<String>,
    rewriter: Vec<Rewriter>,
    gateway: Vec<Gateway>,
    provider: Provider,
}

static VENDORS: LazyLock<Vendors> = LazyLock::new(|| {
    let empty = || Vendors {
        banners: Vec::new(),
        rewriter: Vec::new(),
        gateway: Vec::new(),
        provider: Provider { hosts: Vec::new() },
    };
    toml::from_str(include_str!("../../data/rewriters.toml")).unwrap_or_else(|_| empty())
});

/// Who rewrites links to that host and path.
#[must_use]
pub fn rewriter(host: &str, path: &[u8]) -> Option<&'static str> {
    let fits = |rewriter: &&Rewriter| {
        rewriter.hosts.iter().any(|pattern| matches(pattern, host))
            && (rewriter.paths.is_empty()
                || rewriter.paths.iter().any(|begin| {
                    path.get(..begin.len()).is_some_and(|head| head.eq_ignore_ascii_case(begin.as_bytes()))
                }))
    };
    VENDORS.rewriter.iter().find(fits).map(|rewriter| rewriter.vendor.as_str())
}

/// Whose gateway adds a header field of that name.
#[must_use]
pub fn of_field(field: &[u8]) -> Option<&'static str> {
    let begins = |begin: &String| {
        field.get(..begin.len()).is_some_and(|head| head.eq_ignore_ascii_case(begin.as_bytes()))
    };
    VENDORS
        .gateway
        .iter()
        .find(|gateway| gateway.fields.iter().any(begins))
        .map(|gateway| gateway.vendor.as_str())
}

/// Whose mail filter or mailbox service a host is.
#[must_use]
pub fn of_host(host: &str) -> Option<&'static str> {
    let host = host.to_ascii_lowercase();
    let own = |pattern: &String| matches(pattern, &host);
    let gateway = VENDORS.gateway.iter().find(|gateway| gateway.hosts.iter().any(own));
    gateway.map(|gateway| gateway.vendor.as_str())
}

/// Whether a host belongs to a service that sends mail for others.
#[must_use]
pub fn is_provider(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    VENDORS.provider.hosts.iter().any(|pattern| matches(pattern, &host))
}

/// Whether a text carries one of the warning banners put on mail from outside.
#[must_use]
pub fn banner(text: &[u8]) -> bool {
    // A banner is at the top or the bottom; the text between is not searched.
    const EDGE: usize = 64 << 10;
    let tail = &text[text.len().saturating_sub(EDGE).max(text.len().min(EDGE))..];
    [&text[..text.len().min(EDGE)], tail].into_iter().any(|edge| {
        let plain = without_markup(edge);
        VENDORS.banners.iter().any(|words| plain.contains(words.as_str()))
    })
}

/// Lower case, tags and runs of blanks as one blank.
fn without_markup(text: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut tag = false;
    for c in String::from_utf8_lossy(text).chars() {
        match c {
            '<' => tag = true,
            '>' => tag = false,
            _ if tag => continue,
            c if !c.is_whitespace() => {
                out.extend(c.to_lowercase());
                continue;
            }
            _ => {}
        }
        if !out.ends_with(' ') {
            out.push(' ');
        }
    }
    out
}

/// A host against a pattern with at most one `*`, which matches one or more characters.
fn matches(pattern: &str, host: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == host,
        Some((head, tail)) => {
            host.len() > head.len() + tail.len() && host.starts_with(head) && host.ends_with(tail)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_file_is_read() {
        let vendors: Vendors = toml::from_str(include_str!("../../data/rewriters.toml")).expect("data");
        assert!(vendors.rewriter.len() > 10 && vendors.gateway.len() > 5 && vendors.banners.len() > 5);
        let lower = |words: &String| *words == words.to_lowercase();
        assert!(vendors.banners.iter().all(lower));
        assert!(vendors.gateway.iter().flat_map(|gateway| &gateway.fields).all(lower));
        assert!(vendors.rewriter.iter().flat_map(|rewriter| &rewriter.hosts).all(lower));
    }

    #[test]
    fn a_star_matches_at_least_one_character() {
        assert!(matches("*.example.com", "a.example.com"));
        assert!(!matches("*.example.com", ".example.com"));
        assert!(!matches("*.example.com", "example.com"));
        assert!(matches("protect-*.example.com", "protect-us.example.com"));
    }

    #[test]
    fn a_banner_is_seen_through_its_markup() {
        assert!(banner(
            b"<p>CAUTION:</p>\r\n<b>This email originated\n from outside</b> of the organization"
        ));
        assert!(!banner(b"Welcome to the event"));
    }
}
