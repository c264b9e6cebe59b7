//! The text of a resolv.conf.
#![no_main]

use libfuzzer_sys::fuzz_target;
use netcheck_common::dns::config::parse;

fuzz_target!(|text: &str| {
    let config = parse(text);
    assert!(config.servers.len() <= 3 && config.search.len() <= 6);
});
