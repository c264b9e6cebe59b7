//! The bitrates of video that players switch between, by name.

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

/// The rungs up to the one of that name.
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
}
