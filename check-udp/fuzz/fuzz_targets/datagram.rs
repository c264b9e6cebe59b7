//! Version negotiation of QUIC, and ICMP echo replies: whatever comes in, reading ends without a panic.
#![no_main]

#[path = "../decoders/datagram.rs"]
mod decoder;
#[expect(dead_code, reason = "the fuzzer reads, the check writes too")]
#[path = "../../src/echo.rs"]
mod echo;
#[expect(dead_code, reason = "the fuzzer reads, the check writes too")]
#[path = "../../src/versions.rs"]
mod versions;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| decoder::decode(bytes));
