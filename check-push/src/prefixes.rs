//! Lists of announced prefixes: our own format, and the `goog.json` that Google publishes.

use ipnet::IpNet;
use netcheck_common::escape;
use serde::Deserialize;

use crate::networks::Owner;

/// No list is longer: the whole Internet has a million prefixes, one company some hundreds.
const MOST: usize = 100_000;

/// One prefix, and who announces it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Announced {
    /// Whose it is.
    pub owner: Owner,
    /// The prefix.
    pub prefix: IpNet,
    /// The autonomous system, where the list says it.
    pub asn: Option<u32>,
}

/// Reads a list: a line `[apple]`, `[google]` or `[google AS15169]`, then prefixes, one a line; `#` begins a comment.
///
/// # Errors
/// Which line is wrong, and how.
pub fn list(text: &str) -> Result<Vec<Announced>, String> {
    let mut announced = Vec::new();
    let mut section = None;
    for (number, line) in text.lines().enumerate() {
        let wrong = |why: &str| format!("line {}: {why}: {}", number + 1, escape::line(line, 60));
        let line = line.split('#').next().unwrap_or_default().trim();
        if let Some(title) = line.strip_prefix('[') {
            let title = title.strip_suffix(']').and_then(heading);
            section = Some(title.ok_or_else(|| wrong("not [apple], [google] or [google AS15169]"))?);
        } else if !line.is_empty() {
            let (owner, asn) =
                section.ok_or_else(|| wrong("a prefix before the line [apple] or [google]"))?;
            let prefix = prefix(line).ok_or_else(|| wrong("not an address or a prefix"))?;
            announced.push(Announced { owner, prefix, asn });
        }
        if announced.len() > MOST {
            return Err(wrong("more than 100000 prefixes"));
        }
    }
    if announced.is_empty() { Err("no prefix in it".into()) } else { Ok(announced) }
}

fn heading(title: &str) -> Option<(Owner, Option<u32>)> {
    let mut words = title.split_whitespace();
    let owner = Owner::named(words.next()?)?;
    let asn = match words.next() {
        Some(word) => Some(word.strip_prefix("AS")?.parse().ok()?),
        None => None,
    };
    words.next().is_none().then_some((owner, asn))
}

fn prefix(text: &str) -> Option<IpNet> {
    let net = text.parse::<IpNet>().or_else(|_| text.parse().map(|address: std::net::IpAddr| address.into()));
    net.ok().map(|net| net.trunc())
}

/// The part of `goog.json` that is of interest (www.gstatic.com/ipranges/goog.json).
#[derive(Deserialize)]
struct Goog {
    prefixes: Vec<GoogPrefix>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GoogPrefix {
    ipv4_prefix: Option<String>,
    ipv6_prefix: Option<String>,
}

/// Reads `goog.json`. It names no autonomous systems.
///
/// # Errors
/// It is not JSON of that form, or an entry is no prefix.
pub fn google_ranges(text: &str) -> Result<Vec<Announced>, String> {
    let goog: Goog = serde_json::from_str(text).map_err(|error| format!("not a goog.json: {error}"))?;
    if goog.prefixes.is_empty() || goog.prefixes.len() > MOST {
        return Err(format!("{} prefixes in it: expected 1 to {MOST}", goog.prefixes.len()));
    }
    goog.prefixes.into_iter().enumerate().map(|(index, entry)| announced_by_google(index, entry)).collect()
}

fn announced_by_google(index: usize, entry: GoogPrefix) -> Result<Announced, String> {
    let text = entry.ipv4_prefix.or(entry.ipv6_prefix).unwrap_or_default();
    let prefix = prefix(&text)
        .ok_or_else(|| format!("entry {} has no valid prefix: {}", index + 1, escape::line(&text, 60)))?;
    Ok(Announced { owner: Owner::Google, prefix, asn: None })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_section_names_owner_and_number_of_what_follows() {
        let read =
            list("# note\n[google AS15169]\n8.8.8.8 # one\n\n[apple]\n17.1.2.3/8\n").unwrap_or_default();
        let shown: Vec<_> =
            read.iter().map(|one| (one.owner.as_str(), one.prefix.to_string(), one.asn)).collect();
        assert_eq!(
            shown,
            [("google", "8.8.8.8/32".to_owned(), Some(15169)), ("apple", "17.0.0.0/8".to_owned(), None)]
        );
    }

    #[test]
    fn what_is_wrong_with_a_list_is_said_with_its_line() {
        for (text, word) in [
            ("", "no prefix"),
            ("[apple]\n", "no prefix"),
            ("10.0.0.0/8", "line 1: a prefix before"),
            ("[apple]\n10.0.0.0/33", "line 2: not an address"),
            ("[microsoft]\n", "line 1: not [apple]"),
            ("[google 15169]\n", "not [apple]"),
            ("[google AS1 x]\n", "not [apple]"),
            ("[google AS99999999999]\n", "not [apple]"),
            ("[apple\n", "not [apple]"),
        ] {
            let why = list(text).err().unwrap_or_default();
            assert!(why.contains(word), "{text}: {why}");
        }
    }

    #[test]
    fn goog_json_is_read_in_both_families() {
        let read = google_ranges(
            r#"{"syncToken":"1","prefixes":[{"ipv4Prefix":"8.8.4.0/24"},{"ipv6Prefix":"2001:4860::/32"}]}"#,
        );
        let shown: Vec<_> = read.unwrap_or_default().iter().map(|one| one.prefix.to_string()).collect();
        assert_eq!(shown, ["8.8.4.0/24", "2001:4860::/32"]);
    }

    #[test]
    fn json_that_is_not_goog_json_is_refused() {
        for (text, word) in [
            ("{", "not a goog.json"),
            ("{}", "not a goog.json"),
            (r#"{"prefixes":[]}"#, "0 prefixes"),
            (r#"{"prefixes":[{}]}"#, "entry 1"),
            (r#"{"prefixes":[{"ipv4Prefix":"x"}]}"#, "entry 1"),
        ] {
            let why = google_ranges(text).err().unwrap_or_default();
            assert!(why.contains(word), "{text}: {why}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(\\[?(apple|google|AS[0-9]*|[0-9./:]*|.)\\]?\n?){0,20}") {
            let _ = list(&text);
            let _ = google_ranges(&text);
        }
    }
}
