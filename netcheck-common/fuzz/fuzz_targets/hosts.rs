//! The text of a hosts file.
#![no_main]

use libfuzzer_sys::fuzz_target;
use netcheck_common::dns::config::parse_hosts;

fuzz_target!(|text: &str| {
    for (name, addresses) in parse_hosts(text) {
        assert!(!name.contains(char::is_whitespace) && !addresses.is_empty());
    }
});
