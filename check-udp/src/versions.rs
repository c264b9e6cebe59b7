//! Version negotiation of QUIC (RFC 8999 section 6, RFC 9000 section 6): bytes in, values out, no sockets.

/// A connection id of the probe's.
pub type Cid = [u8; 8];

/// Servers need not answer anything shorter (RFC 9000 section 14.1).
pub const LENGTH: usize = 1200;
/// A version reserved so that servers have to answer that they do not know it (RFC 9000 section 15).
const UNKNOWN: [u8; 4] = [0x1a, 0x2a, 0x3a, 0x4a];
/// No server offers more.
const MOST: usize = 32;

/// A packet of a version that no server speaks, as long as an Initial.
pub fn probe(to: Cid, from: Cid) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(LENGTH);
    bytes.push(0xc0);
    bytes.extend(UNKNOWN);
    bytes.push(8);
    bytes.extend(to);
    bytes.push(8);
    bytes.extend(from);
    bytes.resize(LENGTH, 0);
    bytes
}

/// The versions offered, when these bytes are the answer to that probe.
pub fn answer(bytes: &[u8], to: Cid, from: Cid) -> Option<Vec<u32>> {
    let (first, rest) = bytes.split_first()?;
    let rest = rest.strip_prefix(&[0; 4])?;
    // The ids come back the other way round.
    let rest = rest.strip_prefix(&[8])?.strip_prefix(&from)?;
    let rest = rest.strip_prefix(&[8])?.strip_prefix(&to)?;
    if first & 0x80 == 0 || rest.is_empty() || rest.len() % 4 != 0 {
        return None;
    }
    Some(rest.chunks_exact(4).take(MOST).map(|v| u32::from_be_bytes([v[0], v[1], v[2], v[3]])).collect())
}

/// Whether a datagram begins with an Initial or Handshake packet of version 1 (RFC 9000 section 17.2).
pub fn is_handshake(bytes: &[u8]) -> bool {
    matches!(bytes, [first, 0, 0, 0, 1, ..] if matches!(first & 0xf0, 0xc0 | 0xe0))
}

/// A version as people write it.
pub fn name(version: u32) -> String {
    match version {
        1 => "1".to_owned(),
        0x6b33_43cf => "2".to_owned(),
        version if version & 0x0f0f_0f0f == 0x0a0a_0a0a => "reserved".to_owned(),
        version if version >> 8 == 0x00ff_0000 => format!("draft-{}", version & 0xff),
        version => format!("{version:#010x}"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TO: Cid = *b"thatside";
    const FROM: Cid = *b"thisside";

    fn negotiation(versions: &[u32]) -> Vec<u8> {
        let mut bytes = vec![0x80, 0, 0, 0, 0, 8];
        bytes.extend(FROM);
        bytes.push(8);
        bytes.extend(TO);
        versions.iter().for_each(|version| bytes.extend(version.to_be_bytes()));
        bytes
    }

    #[test]
    fn the_versions_of_an_answer_to_our_probe_are_read() {
        assert_eq!(probe(TO, FROM).len(), 1200);
        assert_eq!(answer(&negotiation(&[1, 0x6b33_43cf]), TO, FROM), Some(vec![1, 0x6b33_43cf]));
    }

    #[test]
    fn an_answer_to_somebody_else_is_not_ours() {
        assert_eq!(answer(&negotiation(&[1]), FROM, TO), None);
        assert_eq!(answer(&negotiation(&[]), TO, FROM), None);
        assert_eq!(answer(&negotiation(&[1])[..24], TO, FROM), None);
    }

    #[test]
    fn a_part_of_a_handshake_is_told_from_a_retry_and_from_garbage() {
        assert!(is_handshake(&[0xc3, 0, 0, 0, 1, 8]) && is_handshake(&[0xe1, 0, 0, 0, 1, 8]));
        assert!(!is_handshake(&[0xf0, 0, 0, 0, 1, 8]), "a Retry");
        assert!(!is_handshake(&negotiation(&[1])) && !is_handshake(b"HTTP/1.1 400") && !is_handshake(&[]));
    }

    #[test]
    fn versions_have_names() {
        let names: Vec<_> = [1, 0x6b33_43cf, 0xff00_001d, 0x5a6a_7a8a, 0x5130_3530].map(name).to_vec();
        assert_eq!(names, ["1", "2", "draft-29", "reserved", "0x51303530"]);
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(tail in proptest::collection::vec(any::<u8>(), 0..80), cut in 0usize..30) {
            let mut bytes = negotiation(&[]);
            bytes.truncate(cut);
            bytes.extend(tail);
            prop_assert!(answer(&bytes, TO, FROM).is_none_or(|versions| versions.len() <= MOST));
        }
    }
}
