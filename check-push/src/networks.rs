//! Whose network an address is in: the announced prefixes of Apple and Google, longest match first.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use prefix_trie::joint::JointPrefixMap;

use crate::asn::Database;
use crate::prefixes::{self, Announced};

const APPLE: &str = include_str!("../data/apple.txt");
const GOOGLE: &str = include_str!("../data/as15169.txt");

/// Whose service it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// Apple: couriers and sender side.
    Apple,
    /// Google: Firebase Cloud Messaging.
    Google,
}

impl Owner {
    /// The word in data files and facts.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Owner::Apple => "apple",
            Owner::Google => "google",
        }
    }

    /// The owner of that word.
    #[must_use]
    pub fn named(word: &str) -> Option<Owner> {
        [Owner::Apple, Owner::Google].into_iter().find(|owner| owner.as_str() == word)
    }

    /// What a firewall rule for the service names.
    #[must_use]
    pub const fn rule(self) -> &'static str {
        match self {
            Owner::Apple => "17.0.0.0/8 (IPv6: 2403:300::/32, 2620:149::/32, 2a01:b740::/32)",
            Owner::Google => "the networks of AS15169",
        }
    }

    /// The autonomous systems the service is announced by.
    const fn asns(self) -> &'static [u32] {
        match self {
            Owner::Apple => &[714, 6185, 2709],
            Owner::Google => &[15169],
        }
    }
}

/// The network of the service that an address is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The widest announced prefix that holds it.
    pub prefix: IpNet,
    /// The autonomous system of the longest one, where it is known.
    pub asn: Option<u32>,
}

/// Prefixes and their AS numbers.
type Table = JointPrefixMap<IpNet, Option<u32>>;

/// What Apple and Google announce.
#[derive(Debug, Default)]
pub struct Networks {
    apple: Table,
    google: Table,
    database: Option<Database>,
}

impl Networks {
    /// The tables this program was built with.
    ///
    /// # Errors
    /// A line of the data is not what its format says.
    pub fn built_in() -> Result<Networks, String> {
        let mut networks = Networks::default();
        for text in [APPLE, GOOGLE] {
            networks.replace(&prefixes::list(text)?);
        }
        Ok(networks)
    }

    /// Puts a newer file in place: a list of prefixes, `goog.json` or an ASN database (MMDB).
    ///
    /// # Errors
    /// The file is none of these, or damaged.
    pub fn read(&mut self, file: Vec<u8>) -> Result<(), String> {
        if Database::is_one(&file) {
            self.database = Some(Database::read(file)?);
            return Ok(());
        }
        let text = String::from_utf8(file).map_err(|_| "neither text nor an MMDB file")?;
        let announced = if text.trim_start().starts_with('{') {
            prefixes::google_ranges(&text)
        } else {
            prefixes::list(&text)
        }?;
        self.replace(&announced);
        Ok(())
    }

    /// Replaces the table of every owner that is named.
    fn replace(&mut self, announced: &[Announced]) {
        for owner in [Owner::Apple, Owner::Google] {
            let mut table = Table::new();
            for Announced { prefix, asn, .. } in announced.iter().filter(|one| one.owner == owner) {
                let known = table.get(prefix).copied().flatten();
                table.insert(*prefix, asn.or(known));
            }
            if !table.is_empty() {
                *self.table_mut(owner) = table;
            }
        }
    }

    fn table(&self, owner: Owner) -> &Table {
        match owner {
            Owner::Apple => &self.apple,
            Owner::Google => &self.google,
        }
    }

    fn table_mut(&mut self, owner: Owner) -> &mut Table {
        match owner {
            Owner::Apple => &mut self.apple,
            Owner::Google => &mut self.google,
        }
    }

    /// The network of the owner's that `address` is in; `None` when it is in none.
    #[must_use]
    pub fn place(&self, owner: Owner, address: IpAddr) -> Option<Place> {
        let address = plain(address);
        let known = self.database.as_ref().and_then(|database| database.asn(address));
        if let Some((asn, prefix)) = known.filter(|(asn, _)| owner.asns().contains(asn)) {
            return Some(Place { prefix, asn: Some(asn) });
        }
        // A database speaks for Google, whose networks move; what Apple publishes it does not overrule.
        if self.database.is_some() && owner == Owner::Google {
            return None;
        }
        let table = self.table(owner);
        let host = IpNet::from(address);
        let (prefix, _) = table.get_spm(&host)?;
        let asn = known.map(|(asn, _)| asn).or_else(|| table.get_lpm(&host).and_then(|(_, asn)| *asn));
        Some(Place { prefix, asn })
    }

    /// The autonomous system of any address, where a table or the database knows it.
    #[must_use]
    pub fn asn(&self, address: IpAddr) -> Option<u32> {
        let address = plain(address);
        let known = self.database.as_ref().and_then(|database| database.asn(address));
        let host = IpNet::from(address);
        let listed = || [&self.apple, &self.google].into_iter().find_map(|table| *table.get_lpm(&host)?.1);
        known.map(|(asn, _)| asn).or_else(listed)
    }
}

/// The block that shows how far addresses are spread: a /16, or a /32 of IPv6.
#[must_use]
pub fn block(address: IpAddr) -> Option<IpNet> {
    let address = plain(address);
    let length = if address.is_ipv4() { 16 } else { 32 };
    IpNet::new(address, length).ok().map(|net| net.trunc())
}

/// The address meant: without IPv4-in-IPv6 notation, and out of NAT64 (RFC 6052 section 2.1).
fn plain(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address.to_canonical() else { return address.to_canonical() };
    let bits = v6.to_bits();
    if bits >> 32 == Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0).to_bits() >> 32 {
        let [.., a, b, c, d] = v6.octets();
        return IpAddr::V4(Ipv4Addr::new(a, b, c, d));
    }
    address
}

#[cfg(test)]
#[path = "networks_tests.rs"]
mod tests;
