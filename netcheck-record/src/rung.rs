//! The bitrates of video that players switch between, by name, and what keeps a line from a higher one.

use schemars::JsonSchema;
use serde::Serialize;

/// One bitrate of video.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VideoRung {
    /// Its name, as people know it.
    pub name: &'static str,
    /// Its bitrate in kbit/s.
    pub kbps: u32,
}

/// Every rung, lowest first.
pub const RUNGS: [VideoRung; 6] = [
    VideoRung { name: "240p", kbps: 400 },
    VideoRung { name: "360p", kbps: 800 },
    VideoRung { name: "480p", kbps: 1400 },
    VideoRung { name: "720p", kbps: 2800 },
    VideoRung { name: "1080p", kbps: 5000 },
    VideoRung { name: "4K", kbps: 14_000 },
];

/// The share of a line that a player lets one stream take: it switches up at 0.7.
const SHARE: f64 = 0.7;

/// What holds a transfer back.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// The line between here and the peer.
    Path,
    /// The receiver reads too slowly: its receive window is full.
    Receiver,
    /// The sender: its send buffer is full, or it produces or sends too little.
    Sender,
}

/// The highest rung that holds on a line of so many kbit/s with 30 % head-room, and the next one.
#[must_use]
pub fn highest_at(kbps: f64) -> (Option<&'static VideoRung>, Option<&'static VideoRung>) {
    let held = RUNGS.partition_point(|rung| f64::from(rung.kbps) <= kbps * SHARE);
    (held.checked_sub(1).and_then(|at| RUNGS.get(at)), RUNGS.get(held))
}

/// Which rung holds and which does not, in words.
#[must_use]
pub fn words(holds: Option<&str>, fails: Option<&str>) -> String {
    match (holds, fails) {
        (Some(holds), Some(fails)) => format!("{holds} holds, {fails} does not"),
        (Some(holds), None) => format!("{holds} holds"),
        (None, Some(fails)) => format!("{fails} does not hold"),
        (None, None) => "nothing was sent".to_owned(),
    }
}

/// The rungs up to the one of that name.
#[must_use]
pub fn up_to(name: &str) -> Option<&'static [VideoRung]> {
    let last = RUNGS.iter().position(|rung| rung.name.eq_ignore_ascii_case(name))?;
    RUNGS.get(..=last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rungs_end_with_the_one_that_is_named() {
        assert_eq!(up_to("240P").map(<[VideoRung]>::len), Some(1));
        assert_eq!(up_to("1080p").and_then(<[VideoRung]>::last), Some(&RUNGS[4]));
        assert_eq!(up_to("8K"), None);
    }

    #[test]
    fn a_rung_holds_where_three_tenths_of_the_line_stay_free() {
        let words = |kbps| {
            let (holds, fails) = highest_at(kbps);
            words(holds.map(|rung| rung.name), fails.map(|rung| rung.name))
        };
        assert_eq!(words(570.0), "240p does not hold");
        assert_eq!(words(572.0), "240p holds, 360p does not");
        assert_eq!(words(4001.0), "720p holds, 1080p does not");
        assert_eq!(words(20_001.0), "4K holds");
        assert_eq!(words(f64::NAN), "240p does not hold");
    }
}
