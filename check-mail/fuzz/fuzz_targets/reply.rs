//! Any bytes as a mail server's answer.
#![no_main]
#![expect(dead_code, reason = "the target takes more than it calls")]

#[path = "../decoders/reply.rs"]
mod decoder;
#[path = "../../src/smtp"]
mod smtp {
    pub mod reply;
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| decoder::decode(bytes));
