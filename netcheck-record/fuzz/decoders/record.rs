//! A line that claims to be a record: what is read is written and read again, and stays the same.

use netcheck_record::record::Record;

/// Reads it, writes it and reads it again.
pub fn decode(bytes: &[u8]) {
    let Ok(record) = serde_json::from_slice::<Record>(bytes) else { return };
    let _ = record.required();
    let written = serde_json::to_string(&record).expect("a record can be written");
    assert!(!written.contains('\n'));
    let again: Record = serde_json::from_str(&written).expect("what was written can be read");
    assert_eq!(again, record);
}
