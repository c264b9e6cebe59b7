//! A header of an rpm package: numbered values, sorted, with an index.

use std::collections::BTreeMap;

/// Begins every header.
const MAGIC: [u8; 8] = [0x8e, 0xad, 0xe8, 1, 0, 0, 0, 0];
/// The length of an index entry, and of the region's end, in bytes.
const ENTRY: usize = 16;
/// The type of uninterpreted bytes.
const BINARY: u32 = 7;

/// What a tag holds.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// INT16
    Shorts(Vec<u16>),
    /// INT32
    Numbers(Vec<u32>),
    /// STRING
    Text(String),
    /// STRING_ARRAY
    Texts(Vec<String>),
    /// I18NSTRING, in one language
    Translated(String),
}

impl Value {
    /// The type's number, the boundary it begins at, and how many values there are.
    fn kind(&self) -> (u32, usize, usize) {
        match self {
            Value::Shorts(values) => (3, 2, values.len()),
            Value::Numbers(values) => (4, 4, values.len()),
            Value::Text(_) => (6, 1, 1),
            Value::Texts(values) => (8, 1, values.len()),
            Value::Translated(_) => (9, 1, 1),
        }
    }

    /// The bytes in the store.
    fn bytes(&self) -> Vec<u8> {
        let text = |text: &String| text.bytes().chain([0]).collect::<Vec<u8>>();
        match self {
            Value::Shorts(values) => values.iter().flat_map(|value| value.to_be_bytes()).collect(),
            Value::Numbers(values) => values.iter().flat_map(|value| value.to_be_bytes()).collect(),
            Value::Text(value) | Value::Translated(value) => text(value),
            Value::Texts(values) => values.iter().flat_map(text).collect(),
        }
    }
}

/// Values by their tags.
#[derive(Clone, Debug, Default)]
pub(super) struct Header(BTreeMap<u32, Value>);

impl Header {
    /// Sets the value of a tag.
    pub(super) fn set(&mut self, tag: u32, value: Value) {
        self.0.insert(tag, value);
    }

    /// The header as it is in a file: one region, `region`, holds all of it.
    pub(super) fn bytes(&self, region: u32) -> Vec<u8> {
        let count = self.0.len() + 1;
        let (mut index, mut store) = (Vec::new(), Vec::new());
        for (tag, value) in &self.0 {
            let (kind, boundary, values) = value.kind();
            store.resize(store.len().next_multiple_of(boundary), 0);
            index.extend(entry(*tag, kind, store.len(), values));
            store.extend(value.bytes());
        }
        let begin = entry(region, BINARY, store.len(), ENTRY);
        // The region's end tells how far back its index begins: a negative offset.
        let back = 0_u32.wrapping_sub(word(count * ENTRY));
        let end = [region, BINARY, back, word(ENTRY)].map(u32::to_be_bytes);
        store.extend(end.concat());
        let lengths = [word(count), word(store.len())].map(u32::to_be_bytes);
        [MAGIC.as_slice(), &lengths.concat(), &begin, &index, &store].concat()
    }
}

/// An entry of the index.
fn entry(tag: u32, kind: u32, offset: usize, count: usize) -> Vec<u8> {
    [tag, kind, word(offset), word(count)].map(u32::to_be_bytes).concat()
}

fn word(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_has_its_region_first_and_aligned_numbers() {
        let mut header = Header::default();
        header.set(1001, Value::Numbers(vec![7]));
        header.set(1000, Value::Text("ab".to_owned()));
        let bytes = header.bytes(63);
        // Three entries; a store of a text with its end (3), one byte of padding, a number (4), and the region's end (16).
        assert_eq!(bytes[8..16], [0, 0, 0, 3, 0, 0, 0, 24]);
        assert_eq!(bytes[16..32], [0, 0, 0, 63, 0, 0, 0, 7, 0, 0, 0, 8, 0, 0, 0, 16]);
        assert_eq!(bytes[64..72], [b'a', b'b', 0, 0, 0, 0, 0, 7]);
        assert_eq!(bytes[72..], [0, 0, 0, 63, 0, 0, 0, 7, 0xff, 0xff, 0xff, 0xd0, 0, 0, 0, 16]);
    }
}
