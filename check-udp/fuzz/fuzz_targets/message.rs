//! STUN and TURN messages: whatever comes in, reading ends without a panic, and every value lies inside the message.
#![no_main]

#[allow(dead_code, reason = "the fuzzer reads, the check writes too")]
#[path = "../../src/message.rs"]
mod message;

use libfuzzer_sys::fuzz_target;
use message::{Key, Message, attribute};

fuzz_target!(|bytes: &[u8]| {
    if let Some(Ok(length)) = message::frame(bytes) {
        assert!((20..=20 + 0xffff).contains(&length));
    }
    let Ok(message) = Message::parse(bytes) else { return };
    for kind in (0..=0x30).chain([attribute::SOFTWARE, attribute::OTHER_ADDRESS]) {
        if let Some(value) = message.value(kind) {
            assert!(bytes.as_ptr_range().contains(&value.as_ptr()) || value.is_empty());
        }
        let _ = (message.address(kind), message.xor_address(kind));
    }
    if let Some((number, _)) = message.error() {
        assert!((300..700).contains(&number));
    }
    let _ = message.signed_by(&Key::new("user", "realm", "password"));
});
