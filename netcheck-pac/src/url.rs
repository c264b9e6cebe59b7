//! What of a URL a script may see: for TLS only the host, never user information or a fragment.

/// The URL and the host that are handed to `FindProxyForURL`.
///
/// `path` begins with a slash. An IPv6 host has brackets in the URL and none as host.
#[must_use]
pub fn question(scheme: &str, host: &str, port: u16, path: &str) -> (String, String) {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let written = if bare.contains(':') { format!("[{bare}]") } else { bare.to_owned() };
    let usual = matches!((scheme, port), ("http" | "ws", 80) | ("https" | "wss", 443));
    let port = if usual { String::new() } else { format!(":{port}") };
    let path = if matches!(scheme, "https" | "wss") { "/" } else { path.split('#').next().unwrap_or("/") };
    (format!("{scheme}://{written}{port}{path}"), bare.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_secret_in_a_url_stays_out_of_the_script() {
        let (url, host) = question("https", "a.test", 443, "/secret?q");
        assert_eq!((url.as_str(), host.as_str()), ("https://a.test/", "a.test"));
        assert_eq!(question("http", "a.test", 8080, "/p?q#f").0, "http://a.test:8080/p?q");
        assert_eq!(
            question("wss", "2001:db8::1", 443, "/x"),
            ("wss://[2001:db8::1]/".to_owned(), "2001:db8::1".to_owned())
        );
    }
}
