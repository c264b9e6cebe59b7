//! The DSCP (RFC 2474) that datagrams of a series or a call are marked with.

/// A DSCP by its name: `ef` (RFC 3246), `af11` to `af43` (RFC 2597), `cs0` to `cs7` (RFC 2474), or a number up to 63.
///
/// # Errors
/// What may be given.
pub fn parse(text: &str) -> Result<u8, String> {
    let digit = |at: usize| text.as_bytes().get(at).map(|byte| byte.wrapping_sub(b'0'));
    let lower = text.to_ascii_lowercase();
    let named = match (lower.get(..2), digit(2), digit(3), text.len()) {
        (Some("ef"), None, None, 2) => Some(46),
        (Some("af"), Some(class @ 1..=4), Some(drop @ 1..=3), 4) => Some(class * 8 + drop * 2),
        (Some("cs"), Some(class @ 0..=7), None, 3) => Some(class * 8),
        _ => text.parse().ok().filter(|number| *number < 64),
    };
    named.ok_or_else(|| "ef, af11 to af43, cs0 to cs7, or a number up to 63".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_have_the_numbers_of_their_rfcs() {
        let known =
            ["ef", "EF", "af11", "af41", "af43", "cs0", "cs5", "0", "63"].map(|text| parse(text).ok());
        let numbers = [46, 46, 10, 34, 38, 0, 40, 0, 63].map(Some);
        assert_eq!(known, numbers);
        for wrong in ["", "e", "efx", "af51", "af40", "af4", "cs8", "64", "-1", "é"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
