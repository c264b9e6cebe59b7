//! Distances in words.

/// `one hop`, `2 hops`.
pub(super) fn count(number: u8) -> String {
    if number == 1 { "one hop".into() } else { format!("{number} hops") }
}
