//! The DSCP (RFC 2474) that datagrams of a series or a call are marked with.

use crate::quality::Quality;

/// Expedited forwarding (RFC 3246), and the class of interactive video (RFC 8837).
const EF: u8 = 46;
const AF41: u8 = 34;

/// The DSCPs of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marks {
    /// Of audio, and of the probes of a series.
    pub audio: u8,
    /// Of video.
    pub video: u8,
}

impl Marks {
    /// The one DSCP of all packets, where there is but one.
    pub fn one(self) -> Option<u8> {
        (self.audio == self.video).then_some(self.audio)
    }
}

/// `media`: EF for audio and AF41 for video; any other class is that of both.
///
/// # Errors
/// What may be given.
pub fn parse(text: &str) -> Result<Marks, String> {
    if text.eq_ignore_ascii_case("media") {
        return Ok(Marks { audio: EF, video: AF41 });
    }
    class(text).map(|one| Marks { audio: one, video: one })
}

/// What became of the marks of flows that are alike, in words: `EF arrived as EF`.
pub fn words(flows: &[Quality]) -> Option<String> {
    let sent = flows.iter().find_map(|flow| flow.dscp)?;
    let mut received: Vec<u8> = flows.iter().flat_map(|flow| flow.dscp_received.iter().copied()).collect();
    received.sort_unstable();
    received.dedup();
    let names: Vec<String> = received.iter().map(|dscp| name(*dscp)).collect();
    (!names.is_empty()).then(|| format!("{} arrived as {}", name(sent), names.join(" and ")))
}

/// The name of a DSCP.
fn name(dscp: u8) -> String {
    match dscp {
        EF => "EF".to_owned(),
        0 => "CS0 (no mark)".to_owned(),
        _ if dscp.is_multiple_of(8) => format!("CS{}", dscp / 8),
        _ if (8..40).contains(&dscp) && dscp.is_multiple_of(2) => format!("AF{}{}", dscp / 8, dscp % 8 / 2),
        _ => format!("DSCP {dscp}"),
    }
}

/// A DSCP by its name: `ef` (RFC 3246), `af11` to `af43` (RFC 2597), `cs0` to `cs7` (RFC 2474), or a number up to 63.
fn class(text: &str) -> Result<u8, String> {
    let digit = |at: usize| text.as_bytes().get(at).map(|byte| byte.wrapping_sub(b'0'));
    let lower = text.to_ascii_lowercase();
    let named = match (lower.get(..2), digit(2), digit(3), text.len()) {
        (Some("ef"), None, None, 2) => Some(EF),
        (Some("af"), Some(class @ 1..=4), Some(drop @ 1..=3), 4) => Some(class * 8 + drop * 2),
        (Some("cs"), Some(class @ 0..=7), None, 3) => Some(class * 8),
        _ => text.parse().ok().filter(|number| *number < 64),
    };
    named.ok_or_else(|| "media, ef, af11 to af43, cs0 to cs7, or a number up to 63".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_have_the_numbers_of_their_rfcs() {
        let known =
            ["ef", "EF", "af11", "af41", "af43", "cs0", "cs5", "0", "63"].map(|text| class(text).ok());
        let numbers = [46, 46, 10, 34, 38, 0, 40, 0, 63].map(Some);
        assert_eq!(known, numbers);
        for wrong in ["", "e", "efx", "af51", "af40", "af4", "cs8", "64", "-1", "é"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_class_media_is_ef_for_audio_and_af41_for_video() {
        assert_eq!(parse("Media"), Ok(Marks { audio: 46, video: 34 }));
        assert_eq!(parse("af41").map(Marks::one), Ok(Some(34)));
        assert_eq!(parse("media").map(Marks::one), Ok(None));
    }

    #[test]
    fn a_dscp_is_named_as_its_rfc_names_it() {
        let names = [46, 34, 10, 39, 0, 40, 1].map(name);
        assert_eq!(names, ["EF", "AF41", "AF11", "DSCP 39", "CS0 (no mark)", "CS5", "DSCP 1"]);
    }
}
