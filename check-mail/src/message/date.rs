//! The dates of a message: UTC seconds, or none where the text leaves room for a guess (RFC 5322 sections 3.3 and 4.3).

/// The longest date looked at.
const LONGEST: usize = 200;

/// The time a text names, in seconds since 1970 UTC. A zone RFC 5322 does not define, an impossible day and a date in
/// an order of its own give none.
#[must_use]
pub fn parse(text: &[u8]) -> Option<i64> {
    let text = plain(&text[..text.len().min(LONGEST)])?;
    let words: Vec<&str> = text.split([' ', '\t', '\r', '\n', ',']).filter(|word| !word.is_empty()).collect();
    let words = match words.split_first() {
        Some((first, rest)) if is_weekday(first) => rest,
        _ => &words[..],
    };
    let first = words.first()?;
    if first.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return asctime(words);
    }
    if first.len() >= 8 && first.as_bytes().get(4) == Some(&b'-') {
        return iso(words);
    }
    mail(words)
}

/// The text without comments in parentheses; none where it is not ASCII.
fn plain(text: &[u8]) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut depth = 0_usize;
    for &byte in text {
        match byte {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            _ if depth > 0 => {}
            0x20..0x7f | b'\t' | b'\r' | b'\n' => out.push(char::from(byte)),
            _ => return None,
        }
    }
    Some(out)
}

fn is_weekday(word: &str) -> bool {
    const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let word = word.to_ascii_lowercase();
    DAYS.iter().any(|day| word == *day || word == day[..3])
}

fn month(word: &str) -> Option<i64> {
    const MONTHS: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let word = word.to_ascii_lowercase();
    let at = MONTHS.iter().position(|month| {
        word == *month || word == month[..3] || (word == "sept" && *month == "september")
    })?;
    i64::try_from(at + 1).ok()
}

/// `12 Jun 2026 09:30:05 +0200`, with dashes too.
fn mail(words: &[&str]) -> Option<i64> {
    let (date, rest): (Vec<&str>, &[&str]) = match words {
        [dashed, rest @ ..] if dashed.contains('-') => (dashed.split('-').collect(), rest),
        [day, name, year, rest @ ..] => (vec![day, name, year], rest),
        _ => return None,
    };
    let [day, name, year] = date[..] else { return None };
    let (clock, zone) = rest.split_first()?;
    seconds(
        Day { year: year_of(year)?, month: month(name)?, day: number(day, 2)? },
        time(clock)?,
        offset(zone)?,
    )
}

/// `Jun 12 09:30:05 2026 +0000`, the zone before the year too.
fn asctime(words: &[&str]) -> Option<i64> {
    let (name, day, clock, rest) = match words {
        [name, day, clock, rest @ ..] => (name, day, clock, rest),
        _ => return None,
    };
    let at =
        rest.iter().position(|word| word.len() == 4 && word.bytes().all(|byte| byte.is_ascii_digit()))?;
    let zone: Vec<&str> =
        rest.iter().enumerate().filter(|(index, _)| *index != at).map(|(_, word)| *word).collect();
    let day = Day { year: year_of(rest[at])?, month: month(name)?, day: number(day, 2)? };
    seconds(day, time(clock)?, offset(&zone)?)
}

/// `2026-06-12T09:30:05.1Z`, `2026-06-12 09:30:05.123 +0000 UTC m=+4711.1`.
fn iso(words: &[&str]) -> Option<i64> {
    let (date, rest) = words.split_first()?;
    let (date, joined) = match date.split_once(['T', 't']) {
        Some((date, clock)) => (date, Some(clock)),
        None => (*date, None),
    };
    let parts: Vec<&str> = date.split('-').collect();
    let [year, month, day] = parts[..] else { return None };
    let (clock, zone) = match joined {
        Some(clock) => (clock, rest),
        None => rest.split_first().map(|(clock, zone)| (*clock, zone))?,
    };
    let end =
        clock.find(|c: char| !c.is_ascii_digit() && !matches!(c, ':' | '.' | ',')).unwrap_or(clock.len());
    let (clock, attached) = clock.split_at(end);
    let zone: Vec<&str> =
        Some(attached).filter(|zone| !zone.is_empty()).into_iter().chain(zone.iter().copied()).collect();
    let day = Day {
        year: number(year, 4).filter(|_| year.len() == 4)?,
        month: number(month, 2)?,
        day: number(day, 2)?,
    };
    seconds(day, time(clock)?, offset(&zone)?)
}

/// A year of two or three digits is read as RFC 5322 section 4.3 has it.
fn year_of(word: &str) -> Option<i64> {
    let year = number(word, 4)?;
    match word.len() {
        2 if year < 50 => Some(2000 + year),
        2 | 3 => Some(1900 + year),
        4 => Some(year),
        _ => None,
    }
}

fn number(word: &str, most: usize) -> Option<i64> {
    let proper = !word.is_empty() && word.len() <= most && word.bytes().all(|byte| byte.is_ascii_digit());
    proper.then(|| word.parse().ok())?
}

/// Seconds of the day; a fraction is left out, a leap second allowed.
fn time(word: &str) -> Option<i64> {
    let whole = word.split(['.', ',']).next()?;
    let mut parts = whole.split(':');
    let hour = number(parts.next()?, 2)?;
    let minute = parts.next().filter(|minute| minute.len() == 2).and_then(|minute| number(minute, 2))?;
    let second = match parts.next() {
        Some(second) => number(second, 2).filter(|_| second.len() == 2)?,
        None => 0,
    };
    let proper = hour <= 23 && minute <= 59 && second <= 60 && parts.next().is_none();
    proper.then_some(hour * 3600 + minute * 60 + second)
}

/// Seconds east of UTC: a number wherever there is one, else a zone of RFC 5322 section 4.3.
fn offset(zone: &[&str]) -> Option<i64> {
    let numeric = match zone {
        [first, ..] if first.starts_with(['+', '-']) => Some(*first),
        // A name before the number is only a name, but for half a day and for words like GMT+2, whose sign has two readings.
        [name, second, ..] if second.starts_with(['+', '-']) && is_zone_name(name) => Some(*second),
        _ => None,
    };
    if let Some(text) = numeric {
        let (sign, digits) = text.split_at(1);
        let digits = digits.replacen(':', "", 1);
        let value = number(&digits, 4).filter(|_| digits.len() == 4)?;
        let (hours, minutes) = (value / 100, value % 100);
        let seconds = hours * 3600 + minutes * 60;
        return (hours <= 15 && minutes <= 59).then_some(if sign == "-" { -seconds } else { seconds });
    }
    let hours = match zone.first()?.to_ascii_uppercase().as_str() {
        "UT" | "UTC" | "GMT" | "Z" => 0,
        "EDT" => -4,
        "EST" | "CDT" => -5,
        "CST" | "MDT" => -6,
        "MST" | "PDT" => -7,
        "PST" => -8,
        _ => return None,
    };
    Some(hours * 3600)
}

fn is_zone_name(word: &str) -> bool {
    let alphabetic = (1..=5).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_alphabetic());
    alphabetic && !word.eq_ignore_ascii_case("am") && !word.eq_ignore_ascii_case("pm")
}

struct Day {
    year: i64,
    month: i64,
    day: i64,
}

fn seconds(date: Day, time: i64, offset: i64) -> Option<i64> {
    let Day { year, month, day } = date;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1970..=9999).contains(&year) || !(1..=length).contains(&day) {
        return None;
    }
    // Days since 1970 in the proleptic Gregorian calendar, years beginning in March.
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year / 400, year % 400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    Some(days * 86_400 + time - offset)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// 2026-06-12 09:30:05 UTC.
    const MORNING: i64 = 1_781_256_605;

    #[test]
    fn every_usual_form_is_read() {
        for text in [
            "Fri, 12 Jun 2026 09:30:05 +0000",
            "Fri, 12 Jun 2026 11:30:05 +0200 (CEST)",
            "12 Jun 2026 09:30:05 -0000",
            "Fri, 12 Jun 26 09:30:05 GMT",
            "Fri, 12 Jun 2026 05:30:05 EDT",
            "Fri, 12 Jun 2026 11:30:05 CEST +0200",
            "Fri, 12 Jun 2026 09:30:05.987 +0000 (UTC)",
            "Fri, 12-Jun-2026 09:30:05 UTC",
            "Fri Jun 12 09:30:05 2026 +0000",
            "Fri Jun 12 09:30:05 UTC 2026",
            "2026-06-12 09:30:05.123 +0000 UTC m=+4711.1",
            "2026-06-12T11:30:05+02:00",
            "2026-06-12T09:30:05Z",
            "Friday, 12 June 2026 09:30:05 +0000 for <x>",
        ] {
            assert_eq!(parse(text.as_bytes()), Some(MORNING), "{text}");
        }
    }

    #[test]
    fn what_leaves_room_for_a_guess_has_no_time() {
        for text in [
            "Fri, 12 Jun 2026 11:30:05 CEST",
            "Fri, 12 Jun 2026 09:30:05 A",
            "Fri, 12 Jun 2026 09:30:05",
            "Fri, 12 Jun 2026 09:30:05 PM +0000",
            "Fri Jun 12 09:30:05 2026",
            "12/06/2026 09:30:05 +0000",
            "2026-06-12 09:30:05",
            "Fri, 12 Jun 2026 09:30:05 GMT+2",
            "1781256605",
            "",
        ] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn an_impossible_date_has_no_time() {
        for text in [
            "Tue, 31 Jun 2026 09:30:05 +0000",
            "29 Feb 2026 09:30:05 +0000",
            "12 Jun 2026 24:30:05 +0000",
            "12 Jun 2026 09:61:05 +0000",
            "12 Jun 2026 09:30:05 +9900",
            "0 Jun 2026 09:30:05 +0000",
            "2026-13-12T09:30:05Z",
            "12 Jun 0026 09:30:05 +0000",
        ] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
        assert_eq!(parse(b"29 Feb 2024 00:00:00 +0000"), Some(1_709_164_800));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[ -~]{0,80}", raw in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = parse(text.as_bytes());
            let _ = parse(&raw);
        }

        #[test]
        fn days_follow_each_other(year in 1970_i64..3000, month in 1_i64..=12) {
            let first = seconds(Day { year, month, day: 1 }, 0, 0);
            let last = (28..=31).rev().find_map(|day| seconds(Day { year: if month == 1 { year - 1 } else { year }, month: if month == 1 { 12 } else { month - 1 }, day }, 0, 0));
            prop_assume!(last.is_some());
            prop_assert_eq!(first.zip(last).map(|(first, last)| first - last), Some(86_400));
        }
    }
}
