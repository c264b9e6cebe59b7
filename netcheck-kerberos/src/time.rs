//! Points in time as Kerberos writes them: `20261129220000Z` (RFC 4120 section 5.2.3).

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// Seconds and microseconds since 1970, UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time {
    /// Whole seconds.
    pub seconds: i64,
    /// The rest, under a million.
    pub micros: i32,
}

impl Time {
    /// A whole second.
    #[must_use]
    pub fn at(seconds: i64) -> Self {
        Time { seconds, micros: 0 }
    }

    /// The same point by a clock that is `seconds` ahead.
    #[must_use]
    pub fn shifted(self, seconds: i64) -> Self {
        Time { seconds: self.seconds.saturating_add(seconds), ..self }
    }

    /// As Kerberos writes it.
    #[must_use]
    pub fn to_kerberos(self) -> String {
        kerbcore::client::unix_to_kerberos_time(u64::try_from(self.seconds).unwrap_or_default())
    }
}

/// Reads `YYYYMMDDHHMMSSZ`; seconds since 1970.
#[must_use]
pub fn parse(text: &str) -> Option<i64> {
    if text.len() != 15 || !text.is_ascii() {
        return None;
    }
    let digits = text.strip_suffix('Z')?;
    let part = |from: usize, to: usize| digits.get(from..to)?.parse::<i8>().ok();
    let year = digits.get(..4)?.parse::<i16>().ok()?;
    let civil =
        DateTime::new(year, part(4, 6)?, part(6, 8)?, part(8, 10)?, part(10, 12)?, part(12, 14)?, 0).ok()?;
    TimeZone::UTC.to_timestamp(civil).ok().map(Timestamp::as_second)
}

/// As people read it: RFC 3339, UTC.
#[must_use]
pub fn readable(seconds: i64) -> String {
    Timestamp::from_second(seconds).map(|stamp| stamp.to_string()).unwrap_or_else(|_| seconds.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_they_are_written() {
        let time = Time::at(1_796_000_461);
        assert_eq!(parse(&time.to_kerberos()), Some(time.seconds));
        assert_eq!(readable(0), "1970-01-01T00:00:00Z");
        for text in ["", "20261329220000Z", "20261129220000", "2026112922000０Z", "+0261129220000Z "] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
