//! The text of a resolv.conf, and of a hosts file.

use netcheck_net::dns::config::{parse, parse_hosts};

/// Reads it as both.
pub fn decode(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let config = parse(&text);
    assert!(config.servers.len() <= 3 && config.search.len() <= 6);
    for (name, addresses) in parse_hosts(&text) {
        assert!(!name.contains(char::is_whitespace) && !addresses.is_empty());
    }
}
