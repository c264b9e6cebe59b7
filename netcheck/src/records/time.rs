//! Moments as records have them (RFC 3339, UTC), as numbers and for people.

/// Milliseconds since 1970 of `2026-11-22T07:00:00.123Z`; `None` for anything else.
pub(crate) fn milliseconds(text: &str) -> Option<u64> {
    let number = |from: usize, to: usize| -> Option<u64> {
        let digits = text.get(from..to)?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
    };
    let mark = |at: usize, mark: &str| text.get(at..=at) == Some(mark);
    if !(mark(4, "-")
        && mark(7, "-")
        && mark(10, "T")
        && mark(13, ":")
        && mark(16, ":")
        && text.ends_with('Z'))
    {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if year < 1970
        || !(1..=12).contains(&month)
        || !(1..=31).contains(&day)
        || hour > 23
        || minute > 59
        || second > 60
    {
        return None;
    }
    let thousandths = if mark(19, ".") { number(20, 23).unwrap_or_default() } else { 0 };
    Some((((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second) * 1000 + thousandths)
}

/// Days from 1970-01-01 to a date of the Gregorian calendar.
fn days(year: u64, month: u64, day: u64) -> u64 {
    // A year that begins in March has its leap day at its end.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, of_era) = (year / 400, year % 400);
    let of_year = (153 * month + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Milliseconds since 1970 as `2026-11-22T07:00:00Z`.
pub(crate) fn utc(milliseconds: u64) -> String {
    let seconds = milliseconds / 1000;
    let (day, of_day) = (seconds / 86_400 + 719_468, seconds % 86_400);
    let (era, of_era) = (day / 146_097, day % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let date = of_year - (153 * month + 2) / 5 + 1;
    let (year, month) = (year + era * 400, if month < 10 { month + 3 } else { month - 9 });
    let year = if month <= 2 { year + 1 } else { year };
    format!(
        "{year:04}-{month:02}-{date:02}T{:02}:{:02}:{:02}Z",
        of_day / 3600,
        of_day % 3600 / 60,
        of_day % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_survives_the_way_there_and_back() {
        for text in
            ["1970-01-01T00:00:00Z", "2026-11-22T07:00:00Z", "2024-02-29T23:59:59Z", "2100-03-01T12:30:00Z"]
        {
            assert_eq!(utc(milliseconds(text).unwrap()), text);
        }
        assert_eq!(milliseconds("2026-11-22T07:00:00.123Z").unwrap() % 1000, 123);
    }

    #[test]
    fn anything_else_is_no_moment() {
        for text in ["", "=1+1", "2026-13-01T00:00:00Z", "2026-11-22 07:00:00", "2026-11-22T07:00:00+01:00"] {
            assert_eq!(milliseconds(text), None, "{text}");
        }
    }
}
