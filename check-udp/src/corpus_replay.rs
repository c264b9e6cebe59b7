//! Every input the fuzzer kept, fed to the decoder it was kept for.

use netcheck_lab::corpus::replay;

use crate::message::{Message, method};
use crate::{binding, turn_message};

#[path = "../fuzz/decoders/datagram.rs"]
mod datagram;
#[path = "../fuzz/decoders/message.rs"]
mod message;

const HOME: &str = env!("CARGO_MANIFEST_DIR");

#[test]
fn kept_messages_are_read_well() {
    replay(HOME, "message", message::decode);
}

#[test]
fn kept_messages_are_read_well_as_answers() {
    replay(HOME, "message", |bytes| {
        let _ = binding::read(bytes, &|_| true);
        let Ok(message) = Message::parse(bytes) else { return };
        for asked in [method::ALLOCATE, method::REFRESH] {
            let _ = turn_message::read(bytes, asked, &|id| *id == message.id, None, turn_message::granted);
        }
    });
}

#[test]
fn kept_datagrams_are_read_well() {
    replay(HOME, "datagram", datagram::decode);
}
