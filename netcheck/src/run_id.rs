//! Names of runs and of files: 64 bits that no other run has.

use std::hash::{BuildHasher, RandomState};

/// A new name: 16 hexadecimal digits. The keys of the hash are the system's random numbers.
pub(crate) fn new() -> String {
    format!("{:016x}", RandomState::new().hash_one(netcheck_record::clock::timestamp()))
}
