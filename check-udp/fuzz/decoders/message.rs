//! STUN and TURN messages: whatever comes in, reading ends without a panic, and every value lies inside the message.

use crate::message::{Key, Message, attribute, frame};

/// Reads everything a message can say.
pub fn decode(bytes: &[u8]) {
    if let Some(Ok(length)) = frame(bytes) {
        assert!((20..=20 + 0xffff).contains(&length));
    }
    let Ok(message) = Message::parse(bytes) else { return };
    for kind in (0..=0x30).chain([attribute::SOFTWARE, attribute::OTHER_ADDRESS, attribute::ALTERNATE_SERVER])
    {
        if let Some(value) = message.value(kind) {
            assert!(bytes.as_ptr_range().contains(&value.as_ptr()) || value.is_empty());
        }
        let _ = (message.address(kind), message.xor_address(kind));
    }
    assert!(message.error().is_none_or(|(number, _)| (300..700).contains(&number)));
    assert!(!message.signed_by(&Key::new("user", "realm", "password")), "nobody has guessed a signature");
}
