//! AMF0: what is read is written and read again, and stays the same.

use crate::amf;

/// Reads, writes and reads it again.
pub fn decode(bytes: &[u8]) {
    let Ok(values) = amf::read(bytes) else { return };
    assert!(values.len() <= amf::MOST);
    let mut once = Vec::new();
    for value in &values {
        value.write(&mut once);
    }
    // A name of 65,535 replaced bytes can grow beyond what a name may be; everything shorter has to survive.
    if bytes.len() < 20_000 {
        let mut twice = Vec::new();
        for value in amf::read(&once).expect("what was written can be read") {
            value.write(&mut twice);
        }
        assert_eq!(once, twice);
    }
}
