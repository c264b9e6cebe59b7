//! Names of runs and of files: 64 bits that no other run has.

use std::fs::File;
use std::io::Read;

use sha2::{Digest, Sha256};

/// A new name: 16 hexadecimal digits.
pub(crate) fn new() -> String {
    let mut bytes = [0_u8; 8];
    let random = File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes));
    if random.is_err() {
        let text = format!(
            "{} {:?} {}",
            netcheck_record::clock::timestamp(),
            netcheck_record::clock::now(),
            std::process::id()
        );
        let digest = Sha256::digest(text);
        bytes.iter_mut().zip(digest).for_each(|(byte, digit)| *byte = digit);
    }
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
