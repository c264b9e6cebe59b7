//! ICMP echo messages (RFC 792, RFC 4443 section 4): bytes in, values out, for our own socket.

/// Eight random bytes at the head of the data: they identify the echoes of this check.
pub type Mark = [u8; 8];

/// The header before the data: type, code, checksum, identifier, sequence number.
pub const HEADER: usize = 8;

/// An echo request of `length` bytes, header included, at least 16.
pub fn request(v6: bool, identifier: u16, number: u16, mark: Mark, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length.max(HEADER + mark.len())];
    bytes[0] = if v6 { 128 } else { 8 };
    bytes[4..6].copy_from_slice(&identifier.to_be_bytes());
    bytes[6..8].copy_from_slice(&number.to_be_bytes());
    bytes[8..16].copy_from_slice(&mark);
    if !v6 {
        // The kernel sums ICMPv6 itself: it alone knows the source address that is part of the sum.
        let sum = checksum(&bytes);
        bytes[2..4].copy_from_slice(&sum.to_be_bytes());
    }
    bytes
}

/// The sequence number of an echo reply with our mark; `headed`: an IPv4 header precedes it (raw sockets).
pub fn reply(v6: bool, headed: bool, mark: Mark, bytes: &[u8]) -> Option<u16> {
    let bytes = if headed { bytes.get(4 * usize::from(bytes.first()? & 0x0f)..)? } else { bytes };
    let (head, data) = bytes.split_first_chunk::<HEADER>()?;
    let kind = if v6 { 129 } else { 0 };
    (head[0] == kind && head[1] == 0 && data.starts_with(&mark))
        .then(|| u16::from_be_bytes([head[6], head[7]]))
}

/// The internet checksum (RFC 1071).
fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes
        .chunks(2)
        .map(|pair| u64::from(u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)])));
    let mut sum: u64 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MARK: Mark = *b"netcheck";

    fn answer(v6: bool, number: u16) -> Vec<u8> {
        let mut bytes = request(v6, 7, number, MARK, 64);
        bytes[0] = if v6 { 129 } else { 0 };
        bytes
    }

    #[test]
    fn a_request_sums_to_zero() {
        assert_eq!(checksum(&request(false, 7, 1, MARK, 57)), 0);
    }

    #[test]
    fn our_reply_is_known_by_its_mark_and_a_request_is_no_reply() {
        assert_eq!(reply(false, false, MARK, &answer(false, 5)), Some(5));
        assert_eq!(reply(true, false, MARK, &answer(true, 6)), Some(6));
        assert_eq!(reply(false, false, *b"somebody", &answer(false, 5)), None);
        assert_eq!(reply(false, false, MARK, &request(false, 7, 5, MARK, 64)), None);
    }

    #[test]
    fn the_ipv4_header_of_a_raw_socket_is_passed_over() {
        let mut bytes = vec![0x46; 24];
        bytes.extend(answer(false, 9));
        assert_eq!(reply(false, true, MARK, &bytes), Some(9));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            for (v6, headed) in [(false, false), (false, true), (true, false)] {
                let _ = reply(v6, headed, MARK, &bytes);
            }
        }
    }
}
