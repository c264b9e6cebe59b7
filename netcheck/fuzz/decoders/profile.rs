//! A profile: read, laid onto the one it extends, searched for faults, and made into a plan.

/// Reads it as a profile.
pub fn decode(bytes: &[u8]) {
    crate::fuzz::profile(bytes);
}
