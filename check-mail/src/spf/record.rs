//! The syntax of an SPF record (RFC 7208 sections 4.6 and 12): text in, terms out, no sockets.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::domain_spec::{self, DomainSpec};

/// The most terms of one record that are read; a longer record cannot be evaluated within the lookup limit either.
const MOST_TERMS: usize = 500;

/// What a matching mechanism means (RFC 7208 section 4.6.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Qualifier {
    /// `+`, or none.
    Pass,
    /// `-`
    Fail,
    /// `~`
    Softfail,
    /// `?`
    Neutral,
}

/// Prefix lengths of `a` and `mx`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DualCidr {
    /// For IPv4, 0 to 32.
    pub v4: u8,
    /// For IPv6, 0 to 128.
    pub v6: u8,
}

/// A mechanism (RFC 7208 section 5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// `all`
    All,
    /// `include:`
    Include(DomainSpec),
    /// `a`
    A(Option<DomainSpec>, DualCidr),
    /// `mx`
    Mx(Option<DomainSpec>, DualCidr),
    /// `ptr`
    Ptr(Option<DomainSpec>),
    /// `ip4:` and `ip6:` with the prefix length.
    Network(IpAddr, u8),
    /// `exists:`
    Exists(DomainSpec),
}

/// A mechanism with its qualifier and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive {
    /// What a match means.
    pub qualifier: Qualifier,
    /// What is compared.
    pub mechanism: Mechanism,
    /// The term as published.
    pub text: String,
}

/// A record whose syntax is right.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpfRecord {
    /// The mechanisms, in order.
    pub directives: Vec<Directive>,
    /// The target of `redirect=`.
    pub redirect: Option<(DomainSpec, String)>,
}

/// A term that breaks the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// The term, harmless and bounded.
    pub term: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// Whether a TXT record is an SPF record (RFC 7208 section 4.5).
#[must_use]
pub fn is_spf(text: &[u8]) -> bool {
    let version = text.get(..6).is_some_and(|head| head.eq_ignore_ascii_case(b"v=spf1"));
    version && text.get(6).is_none_or(|byte| *byte == b' ')
}

impl SpfRecord {
    /// Reads a record that [`is_spf`].
    ///
    /// # Errors
    /// The first term that does not follow the grammar: the whole record is then `permerror` (RFC 7208 section 4.6).
    pub fn parse(text: &[u8]) -> Result<SpfRecord, SyntaxError> {
        let mut record = SpfRecord::default();
        let (mut terms, mut explanations) = (0_usize, 0_usize);
        for term in
            text.get(6..).unwrap_or_default().split(|&byte| byte == b' ').filter(|term| !term.is_empty())
        {
            terms += 1;
            let broken = |reason| SyntaxError { term: netcheck_common::escape::bytes(term, 80), reason };
            if terms > MOST_TERMS {
                return Err(broken("the record has more than 500 terms"));
            }
            if !term.iter().all(u8::is_ascii_graphic) {
                return Err(broken("it contains a character that is not visible ASCII"));
            }
            let text = String::from_utf8_lossy(term);
            match modifier(&text) {
                Some(("redirect", value)) => {
                    if record.redirect.is_some() {
                        return Err(broken("redirect= occurs twice"));
                    }
                    let target = domain_spec::parse(value).map_err(broken)?;
                    record.redirect = Some((target, text.to_string()));
                }
                Some(("exp", value)) => {
                    explanations += 1;
                    if explanations > 1 {
                        return Err(broken("exp= occurs twice"));
                    }
                    // Checked and never asked for: an explanation changes no result (RFC 7208 section 6.2).
                    domain_spec::parse(value).map_err(broken)?;
                }
                Some((_, value)) => domain_spec::check_macro_string(value).map_err(broken)?,
                None => record.directives.push(directive(&text).map_err(broken)?),
            }
        }
        Ok(record)
    }
}

/// A modifier's name in lower case (where it is a known one) and its value.
fn modifier(term: &str) -> Option<(&'static str, &str)> {
    let (name, value) = term.split_once('=')?;
    let mut bytes = name.bytes();
    let named = bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
    let known = ["redirect", "exp"].into_iter().find(|known| name.eq_ignore_ascii_case(known));
    named.then_some((known.unwrap_or("unknown"), value))
}

fn directive(text: &str) -> Result<Directive, &'static str> {
    let (qualifier, rest) = match text.as_bytes().first() {
        Some(b'+') => (Qualifier::Pass, &text[1..]),
        Some(b'-') => (Qualifier::Fail, &text[1..]),
        Some(b'~') => (Qualifier::Softfail, &text[1..]),
        Some(b'?') => (Qualifier::Neutral, &text[1..]),
        _ => (Qualifier::Pass, text),
    };
    let end = rest.find([':', '/']).unwrap_or(rest.len());
    let (name, argument) = rest.split_at(end);
    let mechanism = mechanism(&name.to_ascii_lowercase(), argument)?;
    Ok(Directive { qualifier, mechanism, text: text.to_owned() })
}

fn mechanism(name: &str, argument: &str) -> Result<Mechanism, &'static str> {
    match name {
        "all" if argument.is_empty() => Ok(Mechanism::All),
        "all" => Err("all takes no argument"),
        "include" => required(argument).map(Mechanism::Include),
        "exists" => required(argument).map(Mechanism::Exists),
        "ptr" if argument.is_empty() => Ok(Mechanism::Ptr(None)),
        "ptr" => required(argument).map(|domain| Mechanism::Ptr(Some(domain))),
        "a" => dual(argument).map(|(domain, cidr)| Mechanism::A(domain, cidr)),
        "mx" => dual(argument).map(|(domain, cidr)| Mechanism::Mx(domain, cidr)),
        "ip4" => network::<Ipv4Addr>(argument, 32),
        "ip6" => network::<Ipv6Addr>(argument, 128),
        _ => Err("it names no mechanism of SPF"),
    }
}

fn required(argument: &str) -> Result<DomainSpec, &'static str> {
    let domain = argument.strip_prefix(':').ok_or("a domain has to follow it")?;
    domain_spec::parse(domain)
}

/// `[":" domain-spec] ["/" ip4-cidr-length] ["//" ip6-cidr-length]`
fn dual(argument: &str) -> Result<(Option<DomainSpec>, DualCidr), &'static str> {
    let (rest, v6) = match split_length(argument, "//") {
        Some((rest, digits)) => (rest, length(digits, 128)?),
        None => (argument, 128),
    };
    let (rest, v4) = match split_length(rest, "/") {
        Some((rest, digits)) => (rest, length(digits, 32)?),
        None => (rest, 32),
    };
    let cidr = DualCidr { v4, v6 };
    match rest {
        "" => Ok((None, cidr)),
        _ => required(rest).map(|domain| (Some(domain), cidr)),
    }
}

/// Cuts a prefix length from the end of a term; a slash that other text follows belongs to the domain.
fn split_length<'a>(text: &'a str, slash: &str) -> Option<(&'a str, &'a str)> {
    let (rest, digits) = text.rsplit_once(slash)?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then_some((rest, digits))
}

fn length(digits: &str, most: u8) -> Result<u8, &'static str> {
    let proper = digits == "0" || (!digits.starts_with('0') && digits.len() <= 3);
    let number = digits.parse::<u8>().ok().filter(|number| proper && *number <= most);
    number.ok_or("the prefix length is not one of its address family")
}

fn network<A: std::str::FromStr + Into<IpAddr>>(argument: &str, most: u8) -> Result<Mechanism, &'static str> {
    let text = argument.strip_prefix(':').ok_or("an address has to follow it")?;
    let (address, prefix) = match text.split_once('/') {
        Some((address, digits)) => (address, length(digits, most)?),
        None => (text, most),
    };
    let address: A = address.parse().map_err(|_| "it names no address of its family")?;
    Ok(Mechanism::Network(address.into(), prefix))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn reason(record: &str) -> &'static str {
        SpfRecord::parse(record.as_bytes()).expect_err(record).reason
    }

    #[test]
    fn a_record_needs_its_version_and_a_space() {
        assert!(is_spf(b"v=spf1") && is_spf(b"V=SPF1 -all"));
        assert!(!is_spf(b"v=spf10") && !is_spf(b"v=spf1-all") && !is_spf(b"spf1 -all"));
    }

    #[test]
    fn every_mechanism_is_read_in_any_case() {
        let text = b"v=spf1 +A/24//64 mx:%{d}.example.org ?PTR ~include:x.example ip4:192.0.2.0/24 ip6:2001:db8::/32 exists:%{i}.e.example -ALL";
        let record = SpfRecord::parse(text).expect("a record");
        assert_eq!(record.directives.len(), 8);
        assert_eq!(record.directives[0].mechanism, Mechanism::A(None, DualCidr { v4: 24, v6: 64 }));
        assert_eq!(record.directives[7].qualifier, Qualifier::Fail);
    }

    #[test]
    fn a_prefix_length_outside_its_family_breaks_the_record() {
        for record in ["v=spf1 ip4:192.0.2.0/33", "v=spf1 a/033", "v=spf1 mx//129", "v=spf1 ip4:192.0.2.0/"] {
            assert_eq!(reason(record), "the prefix length is not one of its address family", "{record}");
        }
    }

    #[test]
    fn a_port_or_an_empty_label_in_a_domain_breaks_the_record() {
        assert!(SpfRecord::parse(b"v=spf1 a:mail.example.org:25 -all").is_err());
        assert!(SpfRecord::parse(b"v=spf1 a:one..example.org -all").is_err());
        assert!(SpfRecord::parse(b"v=spf1 a: -all").is_err());
        assert!(SpfRecord::parse(b"v=spf1 include -all").is_err());
    }

    #[test]
    fn an_unknown_mechanism_breaks_the_record_and_an_unknown_modifier_does_not() {
        assert_eq!(reason("v=spf1 ipv4:192.0.2.1 -all"), "it names no mechanism of SPF");
        assert!(SpfRecord::parse(b"v=spf1 note=see:http://example.org/%{d} -all").is_ok());
        assert!(SpfRecord::parse(b"v=spf1 note=50% -all").is_err());
    }

    #[test]
    fn a_modifier_that_may_occur_once_breaks_the_record_twice() {
        assert_eq!(reason("v=spf1 redirect=a.example redirect=b.example"), "redirect= occurs twice");
        assert_eq!(reason("v=spf1 exp=a.example exp=b.example"), "exp= occurs twice");
    }

    #[test]
    fn bytes_that_are_not_visible_ascii_break_the_record() {
        assert!(SpfRecord::parse(b"v=spf1 ip4:192.0.2.1\t-all").is_err());
        assert!(SpfRecord::parse("v=spf1 a:m\u{fc}ll.example -all".as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(tail in proptest::collection::vec(any::<u8>(), 0..300), terms in "[ -~]{0,120}") {
            let _ = SpfRecord::parse(&[b"v=spf1 ".as_slice(), &tail].concat());
            let _ = SpfRecord::parse(format!("v=spf1 {terms}").as_bytes());
        }
    }
}
