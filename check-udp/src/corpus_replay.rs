//! What the fuzzer has found worth keeping (fuzz/corpus), read again by the decoders as they are now.

use std::path::Path;

use crate::message::{Key, Message, attribute, frame, method};
use crate::{allocate, binding, echo, versions};

/// The files of a fuzz target's corpus.
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let files = std::fs::read_dir(folder).expect("a folder of this crate");
    let files: Vec<_> =
        files.map(|file| std::fs::read(file.expect("a file").path()).expect("its bytes")).collect();
    assert!(!files.is_empty());
    files
}

#[test]
fn every_kept_message_is_read_to_its_end() {
    let key = Key::new("user", "realm", "password");
    for bytes in corpus("message") {
        if let Some(Ok(length)) = frame(&bytes) {
            assert!((20..=20 + 0xffff).contains(&length));
        }
        let _ = binding::read(&bytes, |_| true);
        let Ok(message) = Message::parse(&bytes) else { continue };
        for kind in (0..=0x30).chain([attribute::SOFTWARE, attribute::OTHER_ADDRESS]) {
            let _ = (message.value(kind), message.address(kind), message.xor_address(kind));
        }
        assert!(message.error().is_none_or(|(number, _)| (300..700).contains(&number)));
        assert!(!message.signed_by(&key), "nobody has guessed a signature");
        for asked in [method::ALLOCATE, method::REFRESH] {
            let _ = allocate::read(&bytes, asked, &message.id, None, allocate::granted);
        }
    }
}

#[test]
fn every_kept_datagram_is_read_to_its_end() {
    for bytes in corpus("datagram") {
        for (v6, headed) in [(false, false), (false, true), (true, false)] {
            let _ = echo::reply(v6, headed, [0; 8], &bytes);
        }
        for version in versions::answer(&bytes, [0; 8], [0; 8]).into_iter().flatten() {
            assert!(!versions::name(version).is_empty());
        }
    }
}
