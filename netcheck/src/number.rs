//! Numbers with their nouns, as people write them.

use std::fmt::Display;

/// `1 target`, `2 targets`: a noun whose plural ends in `s`.
pub(crate) fn count<N: Display + PartialEq + From<u8>>(number: N, noun: &str) -> String {
    let plural = if number == N::from(1) { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn one_is_singular_and_none_is_plural() {
        assert_eq!(
            [0_u64, 1, 2].map(|number| count(number, "target")),
            ["0 targets", "1 target", "2 targets"]
        );
    }
}
