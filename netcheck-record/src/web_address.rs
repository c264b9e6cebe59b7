//! A web address as a record may hold it: portals and sign-on pages carry user names and tokens in theirs.

use crate::escape;

/// A path segment this long is a token, not a word.
const LONGEST_WORD: usize = 32;

/// The address without user information, query, fragment, path parameters and what looks like a token in its path. What
/// was left out shows as `…`.
#[must_use]
pub fn without_secrets(address: &str) -> String {
    let end = address.find(['?', '#']).unwrap_or(address.len());
    let (head, left_out) = (&address[..end], end < address.len());
    let (scheme, rest) = head.split_once("://").map_or(("", head), |(scheme, rest)| (scheme, rest));
    let (authority, path) = match rest.find('/') {
        // Without a scheme there is no authority, but for `//host/path` (RFC 3986 section 4.2).
        _ if scheme.is_empty() && !rest.starts_with("//") => ("", rest),
        _ if scheme.is_empty() => rest.split_at(rest[2..].find('/').map_or(rest.len(), |at| at + 2)),
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let slashes = if authority.starts_with("//") && !host.starts_with("//") { "//" } else { "" };
    let colon = if scheme.is_empty() { "" } else { "://" };
    let path: Vec<&str> = path.split('/').map(word).collect();
    let query = if left_out { &address[end..=end] } else { "" };
    let rest = if left_out { "…" } else { "" };
    escape::line(&format!("{scheme}{colon}{slashes}{host}{}{query}{rest}", path.join("/")), 300)
}

fn word(segment: &str) -> &str {
    let name = segment.split(';').next().unwrap_or_default();
    if name.len() >= LONGEST_WORD || name.contains(['=', '@']) || name.contains("%40") { "…" } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scheme_host_port_and_plain_path_stay() {
        for address in [
            "https://apps.apple.com/app/spotme",
            "http://10.0.0.1:8080/",
            "/login",
            "//portal.example/x",
            "https://[2001:db8::1]:444/a/b",
            "relative",
            "",
        ] {
            assert_eq!(without_secrets(address), address);
        }
    }

    #[test]
    fn user_names_and_tokens_are_cut() {
        for (address, kept) in [
            ("http://ada:secret@portal.example/login", "http://portal.example/login"),
            ("http://portal.example/login?user=ada&token=s3cret", "http://portal.example/login?…"),
            ("https://sso.example/cb#access_token=s3cret", "https://sso.example/cb#…"),
            ("/auth/eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9s3cret/next", "/auth/…/next"),
            ("https://p.example/start;jsessionid=s3cret?x", "https://p.example/start?…"),
            ("https://p.example/u/ada@corp.example/", "https://p.example/u/…/"),
            ("//ada:secret@portal.example/x", "//portal.example/x"),
            ("http://a@b:c@host/", "http://host/"),
        ] {
            assert_eq!(without_secrets(address), kept);
        }
    }
}
