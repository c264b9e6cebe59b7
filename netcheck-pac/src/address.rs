//! Addresses as scripts handle them: `isInNetEx`, `sortIpAddressList`.

use std::net::IpAddr;

/// Whether an address is in a prefix such as `2001:db8::/32`; both are literals of one family.
#[must_use]
pub fn in_prefix(address: &str, prefix: &str) -> bool {
    matches(address, prefix).unwrap_or(false)
}

fn matches(address: &str, prefix: &str) -> Option<bool> {
    let (base, length) = prefix.split_once('/')?;
    let address: IpAddr = address.parse().ok()?;
    let base: IpAddr = base.parse().ok()?;
    if !length.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let length: u32 = length.parse().ok()?;
    // An IPv4 address is compared as the IPv6 address that maps it.
    let (bits, before) = if base.is_ipv4() { (32, 96) } else { (128, 0) };
    let wide = |address: IpAddr| match address {
        IpAddr::V4(address) => u128::from(address.to_ipv6_mapped()),
        IpAddr::V6(address) => u128::from(address),
    };
    let skipped = 128 - before - length.min(bits);
    let differ = (wide(address) ^ wide(base)).checked_shr(skipped).unwrap_or_default();
    Some(length <= bits && differ == 0)
}

/// Addresses between semicolons, IPv6 first, each family in order; `None` where one is no address.
#[must_use]
pub fn sorted(list: &str) -> Option<String> {
    let list: String = list.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let mut addresses = Vec::new();
    for text in list.split(';').filter(|text| !text.is_empty()) {
        addresses.push((text.parse::<IpAddr>().ok()?, text));
    }
    if addresses.is_empty() {
        return None;
    }
    addresses.sort_by_key(|(address, _)| (address.is_ipv4(), *address));
    Some(addresses.into_iter().map(|(_, text)| text).collect::<Vec<_>>().join(";"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_hold_addresses_of_their_own_family() {
        for (address, prefix, inside) in [
            ("10.1.2.3", "10.0.0.0/8", true),
            ("11.1.2.3", "10.0.0.0/8", false),
            ("1.2.3.4", "0.0.0.0/0", true),
            ("1.2.3.4", "1.2.3.4/32", true),
            ("1.2.3.4", "1.2.3.4/33", false),
            ("1.2.3.4", "1.2.3.4/", false),
            ("1.2.3.4", "1.2.3.4", false),
            ("2001:db8::1", "2001:db8::/32", true),
            ("2001:db8::1", "::/0", true),
            ("::ffff:10.0.0.1", "10.0.0.0/8", true),
            ("10.0.0.1", "::ffff:10.0.0.0/104", true),
            ("10.0.0.1", "10.0.0.0/08", true),
            ("name.test", "10.0.0.0/8", false),
        ] {
            assert_eq!(in_prefix(address, prefix), inside, "{address} {prefix}");
        }
    }

    #[test]
    fn lists_are_sorted_or_refused() {
        assert_eq!(
            sorted("10.2.3.9; 2001:db8::1;10.2.3.1").as_deref(),
            Some("2001:db8::1;10.2.3.1;10.2.3.9")
        );
        assert_eq!(sorted("10.2.3.9;;").as_deref(), Some("10.2.3.9"));
        assert_eq!(sorted("10.2.3.9;name"), None);
        assert_eq!(sorted(""), None);
    }
}
