//! Destinations of a rule: names, wildcards, address blocks.

use std::net::IpAddr;

/// The most names that braces may make.
const MOST: usize = 1000;

/// One destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    /// Exactly this name.
    Name(String),
    /// Every name under this one; without the `*.`.
    Under(String),
    /// Addresses, `ADDRESS/BITS`.
    Block(String),
}

/// Reads `*.example.com`, `{a,b}.example.com`, `10.0.0.0/8`; `None` when it is nothing of these.
pub(crate) fn parse(text: &str) -> Option<Vec<Destination>> {
    braces(text)?.into_iter().map(|one| single(&one)).collect()
}

fn single(text: &str) -> Option<Destination> {
    let (address, bits) = text.split_once('/').unwrap_or((text, ""));
    if let Ok(ip) = address.parse::<IpAddr>() {
        let most = if ip.is_ipv4() { 32 } else { 128 };
        let bits = if bits.is_empty() { most } else { bits.parse().ok()? };
        return (bits <= most).then(|| Destination::Block(format!("{ip}/{bits}")));
    }
    let (name, under) = match text.strip_prefix("*.") {
        Some(rest) => (rest, true),
        None => (text, false),
    };
    let label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    let name = name.to_ascii_lowercase();
    if !name.contains('.') || !name.split('.').all(label) {
        return None;
    }
    Some(if under { Destination::Under(name) } else { Destination::Name(name) })
}

/// `{eu,us}-a` and `a{1..3}`, as targets have them.
fn braces(text: &str) -> Option<Vec<String>> {
    let Some((before, rest)) = text.split_once('{') else {
        return (!text.contains('}')).then(|| vec![text.to_owned()]);
    };
    let (inside, after) = rest.split_once('}')?;
    let numbers =
        inside.split_once("..").and_then(|(first, last)| Some((first.parse().ok()?, last.parse().ok()?)));
    let choices: Vec<String> = match numbers {
        Some((first, last)) => (first..=last).take(MOST).map(|number: u32| number.to_string()).collect(),
        None => inside.split(',').map(str::to_owned).collect(),
    };
    let tails = braces(after)?;
    if choices.is_empty() || choices.len() * tails.len() > MOST {
        return None;
    }
    Some(
        choices
            .iter()
            .flat_map(|choice| tails.iter().map(move |tail| format!("{before}{choice}{tail}")))
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_wildcards_and_blocks_are_read() {
        let name = |name: &str| Destination::Name(name.to_owned());
        assert_eq!(parse("{eu,us}-a.example"), Some(vec![name("eu-a.example"), name("us-a.example")]));
        assert_eq!(parse("alt{1..2}.example"), Some(vec![name("alt1.example"), name("alt2.example")]));
        assert_eq!(parse("*.Example.com"), Some(vec![Destination::Under("example.com".into())]));
        assert_eq!(parse("17.0.0.0/8"), Some(vec![Destination::Block("17.0.0.0/8".into())]));
        assert_eq!(parse("2620:149::/32"), Some(vec![Destination::Block("2620:149::/32".into())]));
    }

    #[test]
    fn what_could_break_out_of_a_rule_is_refused() {
        for bad in [
            "",
            "a",
            "a b.example",
            "a\nb.example",
            "a.example;",
            "17.0.0.0/33",
            "*.*.example",
            "{a.example",
            "\"a\".b",
        ] {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
    }
}
