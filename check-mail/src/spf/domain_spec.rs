//! Domains with macros in an SPF record (RFC 7208 section 7): syntax and expansion, no sockets.

use std::net::IpAddr;

/// The longest name of the DNS, without the last dot.
const LONGEST_NAME: usize = 253;

/// A domain as published, with its macros.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainSpec {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    Macro(Macro),
}

/// `%{letter digits r delimiters}`
#[derive(Clone, Debug, PartialEq, Eq)]
struct Macro {
    letter: char,
    /// How many labels from the right are kept; all where absent.
    keep: Option<usize>,
    reverse: bool,
    delimiters: String,
    /// Upper-case letters ask for URL escaping.
    escaped: bool,
}

/// What macros are replaced with.
#[derive(Clone, Debug)]
pub struct MacroValues<'a> {
    /// The address that sends.
    pub ip: IpAddr,
    /// The domain under evaluation.
    pub domain: &'a str,
    /// The sender's local part.
    pub local_part: &'a str,
    /// The sender's domain.
    pub sender_domain: &'a str,
    /// The name given in HELO.
    pub helo: &'a str,
    /// The validated name of the address, `unknown` without one.
    pub validated: &'a str,
}

impl DomainSpec {
    /// Whether the expansion needs the validated name of the address, which takes DNS queries.
    #[must_use]
    pub fn needs_validated_name(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Macro(one) if one.letter == 'p'))
    }

    /// The domain with its macros replaced; labels are removed from the left until it fits into a DNS name.
    #[must_use]
    pub fn expand(&self, values: &MacroValues<'_>) -> String {
        let mut name = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(text) => name.push_str(text),
                Part::Macro(one) => name.push_str(&one.expand(values)),
            }
        }
        let mut name = name.strip_suffix('.').unwrap_or(&name);
        while name.len() > LONGEST_NAME {
            match name.split_once('.') {
                Some((_, rest)) => name = rest,
                None => break,
            }
        }
        name.to_owned()
    }
}

impl Macro {
    fn expand(&self, values: &MacroValues<'_>) -> String {
        let value = match self.letter {
            's' => format!("{}@{}", values.local_part, values.sender_domain),
            'l' => values.local_part.to_owned(),
            'o' => values.sender_domain.to_owned(),
            'd' => values.domain.to_owned(),
            'i' => dotted(values.ip),
            'p' => values.validated.to_owned(),
            'h' => values.helo.to_owned(),
            _ => (if values.ip.is_ipv4() { "in-addr" } else { "ip6" }).to_owned(),
        };
        let mut labels: Vec<&str> = value.split(|c| self.delimiters.contains(c)).collect();
        if self.reverse {
            labels.reverse();
        }
        let kept = labels.len().saturating_sub(self.keep.unwrap_or(labels.len()));
        let text = labels[kept..].join(".");
        if self.escaped { url_escaped(&text) } else { text }
    }
}

/// The address as `%{i}` has it: dotted decimal, or dotted nibbles for IPv6.
fn dotted(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => {
            let nibbles = ip.octets().into_iter().flat_map(|byte| [byte >> 4, byte & 15]);
            nibbles.map(|nibble| format!("{nibble:x}")).collect::<Vec<_>>().join(".")
        }
    }
}

fn url_escaped(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// Reads a domain-spec.
///
/// # Errors
/// What is wrong with it.
pub fn parse(text: &str) -> Result<DomainSpec, &'static str> {
    let parts = macro_string(text)?;
    match parts.last() {
        Some(Part::Macro(_)) => Ok(DomainSpec { parts }),
        Some(Part::Literal(end)) if is_domain_end(end, parts.len() == 1) => Ok(DomainSpec { parts }),
        Some(Part::Literal(_)) => Err("its domain does not end in a top-level domain"),
        None => Err("a domain has to follow it"),
    }
}

/// Checks a text that may hold macros and goes nowhere: the value of an unknown modifier.
///
/// # Errors
/// What is wrong with it.
pub fn check_macro_string(text: &str) -> Result<(), &'static str> {
    macro_string(text).map(|_| ())
}

/// Whether a literal ends with `"." toplabel ["."]`; one that is the whole domain also has no empty label.
fn is_domain_end(text: &str, whole: bool) -> bool {
    let text = text.strip_suffix('.').unwrap_or(text);
    let Some((rest, top)) = text.rsplit_once('.') else { return false };
    let inner = top.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let edges = !top.is_empty() && !top.starts_with('-') && !top.ends_with('-');
    let numeric = top.bytes().all(|byte| byte.is_ascii_digit());
    let filled = if whole { rest.split('.').all(|label| !label.is_empty()) } else { !rest.contains("..") };
    inner && edges && !numeric && filled
}

fn macro_string(text: &str) -> Result<Vec<Part>, &'static str> {
    const BROKEN: &str = "a percent sign begins no macro";
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        if c != '%' {
            literal.push(c);
            continue;
        }
        let kind = rest.chars().next().ok_or(BROKEN)?;
        rest = &rest[kind.len_utf8()..];
        match kind {
            '%' => literal.push('%'),
            '_' => literal.push(' '),
            '-' => literal.push_str("%20"),
            '{' => {
                let (inner, after) = rest.split_once('}').ok_or("a macro is not closed")?;
                if !literal.is_empty() {
                    parts.push(Part::Literal(std::mem::take(&mut literal)));
                }
                parts.push(Part::Macro(one(inner)?));
                rest = after;
            }
            _ => return Err(BROKEN),
        }
    }
    if !literal.is_empty() {
        parts.push(Part::Literal(literal));
    }
    Ok(parts)
}

fn one(inner: &str) -> Result<Macro, &'static str> {
    let letter = inner.chars().next().ok_or("a macro has no letter")?;
    if !"slodiphv".contains(letter.to_ascii_lowercase()) {
        return Err("a macro has a letter that SPF does not define here");
    }
    let rest = &inner[1..];
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = rest.split_at(digits);
    let keep = match digits {
        "" => None,
        digits => {
            // A count larger than any name has labels keeps all of them.
            let count = digits
                .bytes()
                .fold(0_usize, |sum, d| sum.saturating_mul(10).saturating_add(usize::from(d - b'0')));
            Some(count).filter(|count| *count > 0).ok_or("a macro keeps no label")?.into()
        }
    };
    let reverse = rest.starts_with(['r', 'R']);
    let delimiters = if reverse { &rest[1..] } else { rest };
    if !delimiters.chars().all(|c| ".-+,/_=".contains(c)) {
        return Err("a macro has a delimiter that SPF does not define");
    }
    Ok(Macro {
        letter: letter.to_ascii_lowercase(),
        keep,
        reverse,
        delimiters: (if delimiters.is_empty() { "." } else { delimiters }).to_owned(),
        escaped: letter.is_ascii_uppercase(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(text: &str, ip: &str) -> String {
        let values = MacroValues {
            ip: ip.parse().expect("an address"),
            domain: "mail.example.net",
            local_part: "first-last",
            sender_domain: "events.example.net",
            helo: "out.example.net",
            validated: "unknown",
        };
        parse(text).expect(text).expand(&values)
    }

    #[test]
    fn macros_reverse_cut_and_escape() {
        assert_eq!(expanded("%{ir}.%{v}.x.example", "192.0.2.3"), "3.2.0.192.in-addr.x.example");
        assert_eq!(expanded("%{d2}", "192.0.2.3"), "example.net");
        assert_eq!(expanded("%{lr-}.x.example", "192.0.2.3"), "last.first.x.example");
        assert_eq!(expanded("%{S}.x.example", "192.0.2.3"), "first-last%40events.example.net.x.example");
        assert_eq!(expanded("%{p}.%{h}.example", "192.0.2.3"), "unknown.out.example.net.example");
    }

    #[test]
    fn an_ipv6_address_becomes_nibbles() {
        assert!(expanded("%{i}.x.example", "2001:db8::1").starts_with("2.0.0.1.0.d.b.8.0"));
    }

    #[test]
    fn a_name_too_long_loses_labels_on_the_left() {
        let long = format!("{}.%{{d}}", ["abcdefghi"; 30].join("."));
        let name = expanded(&long, "192.0.2.3");
        assert!(name.len() <= 253 && name.ends_with("abcdefghi.mail.example.net"), "{name}");
    }

    #[test]
    fn what_is_no_macro_is_refused() {
        for text in ["%{x}.example", "%{d0}.example", "%{d.example", "%a.example", "%{d!}.example", "%"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
