//! Any bytes as a mail server's answer.
#![no_main]
#![expect(dead_code, reason = "the target takes more than it calls")]

use libfuzzer_sys::fuzz_target;

#[path = "../../src/reply.rs"]
mod reply;

fuzz_target!(|bytes: &[u8]| {
    if let reply::Parsed::Whole(reply, used) = reply::Reply::parse(bytes) {
        assert!(used <= bytes.len() && (200..600).contains(&reply.code));
    }
});
