//! What the chunk reader makes of well-formed, hostile and arbitrary bytes.

use proptest::prelude::*;

use super::*;

impl Chunks {
    /// How many bytes are held for messages that are not whole yet.
    fn held(&self) -> usize {
        self.waiting.len() - self.read + self.lanes.iter().map(|lane| lane.body.len()).sum::<usize>()
    }
}

/// A message in chunks of `size`, begun by a header of format 0.
fn chunked(id: u32, message: &Message, size: usize, timestamp: u32) -> Vec<u8> {
    let basic = |format: u8| match id {
        2..=63 => vec![format << 6 | id as u8],
        64..=319 => vec![format << 6, (id - 64) as u8],
        _ => vec![format << 6 | 1, (id - 64) as u8, ((id - 64) >> 8) as u8],
    };
    let late = timestamp >= 0x00ff_ffff;
    let mut out = basic(0);
    out.extend(&timestamp.min(0x00ff_ffff).to_be_bytes()[1..]);
    out.extend(&(message.body.len() as u32).to_be_bytes()[1..]);
    out.push(message.kind);
    out.extend(message.stream.to_le_bytes());
    if late {
        out.extend(timestamp.to_be_bytes());
    }
    for (nth, piece) in message.body.chunks(size).enumerate() {
        if nth > 0 {
            out.extend(basic(3));
            if late {
                out.extend(timestamp.to_be_bytes());
            }
        }
        out.extend(piece);
    }
    out
}

fn drain(chunks: &mut Chunks) -> Result<Vec<Message>, ChunkError> {
    let mut messages = Vec::new();
    while let Some(message) = chunks.message()? {
        messages.push(message);
    }
    Ok(messages)
}

fn messages() -> impl Strategy<Value = Vec<(u32, Message, u32)>> {
    let message = (7u8..30, any::<u32>(), prop::collection::vec(any::<u8>(), 0..700))
        .prop_map(|(kind, stream, body)| Message { kind, stream, body });
    prop::collection::vec(
        (prop_oneof![2u32..8, Just(64), Just(319), Just(320), Just(65_599)], message, any::<u32>()),
        0..8,
    )
}

proptest! {
    #[test]
    fn messages_survive_any_segmentation(messages in messages(), step in 1usize..300) {
        let bytes: Vec<u8> =
            messages.iter().flat_map(|(id, message, time)| chunked(*id, message, INITIAL, *time)).collect();
        let mut chunks = Chunks::default();
        let mut seen = Vec::new();
        for piece in bytes.chunks(step) {
            chunks.push(piece);
            seen.extend(drain(&mut chunks).unwrap());
        }
        prop_assert_eq!(seen, messages.into_iter().map(|(_, message, _)| message).collect::<Vec<_>>());
        prop_assert_eq!(chunks.held(), 0);
    }

    #[test]
    fn arbitrary_bytes_neither_panic_nor_grow(
        pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..512), 0..32),
    ) {
        let mut chunks = Chunks::default();
        for piece in pieces {
            chunks.push(&piece);
            let outcome = drain(&mut chunks);
            prop_assert!(chunks.held() <= STREAMS * LONGEST + HEADER + 512);
            if outcome.is_err() {
                return Ok(());
            }
        }
    }

    #[test]
    fn bytes_that_look_like_chunks_neither_panic_nor_grow(
        chunks_in in prop::collection::vec((0u8..4, 2u8..20, 0u32..0x10_1000, 0u8..24, prop::collection::vec(any::<u8>(), 0..200)), 0..64),
    ) {
        let mut chunks = Chunks::default();
        for (format, id, length, kind, body) in chunks_in {
            let mut bytes = vec![format << 6 | id];
            if format < 3 { bytes.extend([0, 0, 0]) }
            if format < 2 { bytes.extend(&length.to_be_bytes()[1..]); bytes.push(kind) }
            if format == 0 { bytes.extend([0; 4]) }
            bytes.extend(&body);
            chunks.push(&bytes);
            let outcome = drain(&mut chunks);
            prop_assert!(chunks.held() <= STREAMS * LONGEST + HEADER + 512);
            if outcome.is_err() {
                return Ok(());
            }
        }
    }
}

fn read(bytes: &[u8]) -> Result<Vec<Message>, ChunkError> {
    let mut chunks = Chunks::default();
    chunks.push(bytes);
    drain(&mut chunks)
}

#[test]
fn a_length_that_is_only_announced_allocates_nothing() {
    let mut chunks = Chunks::default();
    chunks.push(&[0x03, 0, 0, 0, 0x00, 0xff, 0xff, 20, 0, 0, 0, 0]);
    assert_eq!(chunks.message(), Ok(None));
    assert_eq!(chunks.held(), 0);
    assert!(chunks.lanes[0].body.capacity() == 0);
}

#[test]
fn a_message_beyond_64_kib_is_refused_before_it_arrives() {
    assert_eq!(read(&[0x03, 0, 0, 0, 0x01, 0x00, 0x01, 20, 0, 0, 0, 0]), Err(ChunkError::Long(65_537)));
}

#[test]
fn a_chunk_size_is_obeyed_and_an_impossible_one_refused() {
    let message = Message { kind: 20, stream: 0, body: vec![7; 3000] };
    let mut bytes =
        chunked(2, &Message { kind: 1, stream: 0, body: 4096u32.to_be_bytes().to_vec() }, INITIAL, 0);
    bytes.extend(chunked(3, &message, 4096, 0));
    assert_eq!(read(&bytes).unwrap()[1], message);
    for body in [vec![0, 0, 0, 0], vec![0x80, 0, 0, 0], vec![1]] {
        let bytes = chunked(2, &Message { kind: 1, stream: 0, body }, INITIAL, 0);
        assert_eq!(read(&bytes), Err(ChunkError::ChunkSize));
    }
}

#[test]
fn an_aborted_message_is_forgotten() {
    let torn = chunked(3, &Message { kind: 20, stream: 0, body: vec![7; 200] }, INITIAL, 0);
    let abort = chunked(2, &Message { kind: 2, stream: 0, body: vec![0, 0, 0, 3] }, INITIAL, 0);
    let whole = Message { kind: 20, stream: 0, body: vec![8; 10] };
    let bytes = [&torn[..12 + 128], &abort, &chunked(3, &whole, INITIAL, 0)].concat();
    assert_eq!(read(&bytes).unwrap().last(), Some(&whole));
}

#[test]
fn chunks_of_two_messages_may_alternate() {
    let one = chunked(4, &Message { kind: 8, stream: 1, body: vec![1; 200] }, INITIAL, 0);
    let two = chunked(5, &Message { kind: 9, stream: 1, body: vec![2; 200] }, INITIAL, 0);
    let bytes = [&one[..140], &two[..140], &one[140..], &two[140..]].concat();
    let bodies: Vec<_> = read(&bytes).unwrap().into_iter().map(|message| message.body[0]).collect();
    assert_eq!(bodies, [1, 2]);
}

#[test]
fn a_type_1_header_may_begin_a_chunk_stream_and_types_2_and_3_may_not() {
    let mut chunks = Chunks::default();
    chunks.push(&[0x43, 0, 0, 0, 0, 0, 2, 20, 8, 9]);
    assert_eq!(chunks.message(), Ok(Some(Message { kind: 20, stream: 0, body: vec![8, 9] })));
    assert!(chunks.is_type_one_first());
    let mut usual = Chunks::default();
    usual.push(&[0x03, 0, 0, 0, 0, 0, 2, 20, 1, 0, 0, 0, 8, 9, 0x43, 0, 0, 0, 0, 0, 1, 20, 7]);
    let next = Message { kind: 20, stream: 1, body: vec![7] };
    assert_eq!(drain(&mut usual).unwrap().pop(), Some(next));
    assert!(!usual.is_type_one_first(), "the stream was begun by type 0");
    for header in [0x83, 0xc3] {
        assert_eq!(read(&[header, 0, 0, 0, 0, 0, 1, 20, 7]), Err(ChunkError::Orphan));
    }
}

#[test]
fn impossible_headers_have_an_error_each() {
    assert_eq!(read(&[0xc3]), Err(ChunkError::Orphan));
    let torn = chunked(3, &Message { kind: 20, stream: 0, body: vec![7; 200] }, INITIAL, 0);
    assert_eq!(read(&[&torn[..140], &torn[..12]].concat()), Err(ChunkError::Torn));
    let crowd: Vec<u8> = (2..=18).flat_map(|id| [id, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, 0]).collect();
    assert_eq!(read(&crowd), Err(ChunkError::Crowded));
}
