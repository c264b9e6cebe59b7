//! A resolver's answer to a question of ours: bounded, and harmless in a record.

use hickory_proto::rr::RecordType;
use netcheck_net::dns::message::{answer, question};

/// Reads it as an answer to each question we ask.
pub fn decode(bytes: &[u8]) {
    let name = "eu-channel.spotme.com";
    // The id is ours, or nothing behind it would be read.
    let id = bytes.first_chunk().map_or(0, |id| u16::from_be_bytes(*id));
    for kind in [RecordType::A, RecordType::AAAA, RecordType::HTTPS] {
        assert!(question(name, kind, id, true).is_some());
        let Ok(reply) = answer(bytes, name, kind, id) else { continue };
        assert!(reply.addresses.len() <= 64 && reply.aliases.len() <= 16 && reply.extended.len() <= 8);
        let texts = reply.extended.iter().map(|extended| &extended.text).chain(&reply.aliases);
        assert!(texts.into_iter().all(|text| !text.chars().any(char::is_control)));
        assert!(reply.bindings.len() <= 8);
        let protocols: Vec<&String> = reply.bindings.iter().flat_map(|binding| &binding.alpn).collect();
        assert!(protocols.len() <= 64 && protocols.iter().all(|name| !name.chars().any(char::is_control)));
        let _ = reply.code();
    }
}
