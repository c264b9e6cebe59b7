//! What a script answers, and the lists of addresses that scripts handle.

use netcheck_pac::{address, read_answer};

/// Reads it as each; what is written is read back the same.
pub fn decode(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let steps = read_answer(&text);
    assert!(!steps.is_empty());
    let written = steps.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    assert_eq!(read_answer(&written), steps);
    if let Some(list) = address::sorted(&text) {
        assert_eq!(address::sorted(&list).as_deref(), Some(list.as_str()));
    }
    if let Some((address, prefix)) = text.split_once(' ') {
        let _ = address::in_prefix(address, prefix);
    }
}
