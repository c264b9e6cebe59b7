//! What an address is good for: reached by everyone, by one organisation, or by nobody.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Who can be reached at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Anyone.
    Public,
    /// One organisation: RFC 1918, ULA (RFC 4193).
    Private,
    /// One machine or provider: CGNAT (RFC 6598) and benchmarking (RFC 2544) addresses, which zero-trust clients and
    /// "fake IP" agents answer with.
    Agent,
    /// Nobody: zero, loopback, link-local, multicast, reserved, documentation (RFC 6890).
    Nobody,
}

impl Scope {
    /// Whether something may be reached there, though not by everyone.
    #[must_use]
    pub fn is_limited(self) -> bool {
        matches!(self, Scope::Private | Scope::Agent)
    }
}

/// The scope of an address.
#[must_use]
pub fn of(address: IpAddr) -> Scope {
    match address {
        IpAddr::V4(address) => v4(address),
        IpAddr::V6(address) => v6(address),
    }
}

fn v4(address: Ipv4Addr) -> Scope {
    match address.octets() {
        [0 | 127, ..] | [169, 254, ..] | [224..=255, ..] => Scope::Nobody,
        [192, 0, 0, last] if last != 9 && last != 10 => Scope::Nobody,
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => Scope::Nobody,
        [198, 18 | 19, ..] | [100, 64..=127, ..] => Scope::Agent,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Scope::Private,
        _ => Scope::Public,
    }
}

fn v6(address: Ipv6Addr) -> Scope {
    if let Some(mapped) = address.to_ipv4_mapped() {
        return v4(mapped);
    }
    match address.segments() {
        [0x64, 0xff9b, 0, ..] => Scope::Public, // NAT64 (RFC 6052)
        [0xfc00..=0xfdff, ..] => Scope::Private,
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] | [0x2001, 2, 0, ..] | [0x100, 0, 0, 0, ..] => {
            Scope::Nobody
        }
        [0x2000..=0x3fff, ..] => Scope::Public,
        _ => Scope::Nobody,
    }
}

/// Whether a name is meant for everyone, so that a private answer is wrong.
#[must_use]
pub fn is_public_name(name: &str) -> bool {
    const OWN: [&str; 6] = ["localhost", "local", "internal", "lan", "home.arpa", "test"];
    name.contains('.')
        && !OWN.iter().any(|own| name == *own || name.strip_suffix(own).is_some_and(|n| n.ends_with('.')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_addresses_are_told_from_public_ones() {
        for (text, scope) in [
            ("0.0.0.0", Scope::Nobody),
            ("127.8.8.8", Scope::Nobody),
            ("169.254.1.1", Scope::Nobody),
            ("198.18.0.1", Scope::Agent),
            ("198.19.255.254", Scope::Agent),
            ("198.20.0.1", Scope::Public),
            ("203.0.113.9", Scope::Nobody),
            ("255.255.255.255", Scope::Nobody),
            ("10.1.1.1", Scope::Private),
            ("172.31.0.1", Scope::Private),
            ("172.32.0.1", Scope::Public),
            ("100.127.0.1", Scope::Agent),
            ("100.128.0.1", Scope::Public),
            ("17.57.144.1", Scope::Public),
            ("::1", Scope::Nobody),
            ("::", Scope::Nobody),
            ("fe80::1", Scope::Nobody),
            ("ff02::1", Scope::Nobody),
            ("fd00::1", Scope::Private),
            ("2001:db8::1", Scope::Nobody),
            ("2620:149::1", Scope::Public),
            ("64:ff9b::10.0.0.1", Scope::Public),
            ("::ffff:10.0.0.1", Scope::Private),
        ] {
            let address = text.parse().unwrap_or(IpAddr::from([0, 0, 0, 0]));
            assert_eq!(of(address), scope, "{text}");
        }
    }

    #[test]
    fn names_of_an_organisation_may_have_private_addresses() {
        for name in ["intranet", "localhost", "a.local", "b.c.internal", "x.home.arpa", "y.test", "z.lan"] {
            assert!(!is_public_name(name), "{name}");
        }
        for name in ["spotme.com", "notlocal.example", "mylan.com"] {
            assert!(is_public_name(name), "{name}");
        }
    }
}
