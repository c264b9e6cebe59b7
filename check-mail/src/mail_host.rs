//! The host a domain sends from: its published address, its address in the DNS, and the reverse name (RFC 8601 section 2.7.3).

use std::net::{IpAddr, Ipv6Addr};

use netcheck_common::failure::Failure;
use schemars::JsonSchema;
use serde::Serialize;

use crate::message::hostname;
use crate::names::Names;

/// Reverse names that are followed.
const MOST_NAMES: usize = 5;

/// A mail host.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct MailHost {
    /// Its name.
    pub name: String,
    /// Its addresses, in the family of the published one.
    pub addresses: Vec<IpAddr>,
    /// The address that is published.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub published: Option<IpAddr>,
    /// The names of the published address, else of the first one.
    pub reverse: Vec<String>,
    /// Whether one of these names leads back to the address; absent without an address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirmed: Option<bool>,
    /// Whether the question for its addresses was answered.
    #[serde(skip)]
    pub answered: bool,
}

impl MailHost {
    /// A host of which only the published address is known.
    #[must_use]
    pub fn of(name: &str, published: Option<IpAddr>) -> MailHost {
        let name = name.to_owned();
        MailHost {
            name,
            addresses: Vec::new(),
            published,
            reverse: Vec::new(),
            confirmed: None,
            answered: false,
        }
    }

    /// Asks for the addresses of the host, in the family of the published one.
    ///
    /// # Errors
    /// The `dns.*` codes: the DNS could not be asked.
    pub async fn look_up(name: &str, published: Option<IpAddr>, names: &Names) -> Result<MailHost, Failure> {
        let mut addresses = names.addresses(name, published).await?.records();
        if addresses.is_empty() && published.is_none() {
            let v6 = Some(IpAddr::V6(Ipv6Addr::UNSPECIFIED));
            addresses = names.addresses(name, v6).await?.records();
        }
        Ok(MailHost { addresses, answered: true, ..MailHost::of(name, published) })
    }

    /// Asks for the reverse names of the address, and whether one of them leads back to it.
    ///
    /// # Errors
    /// The `dns.*` codes: the DNS could not be asked; the host stays as it is.
    pub async fn confirm(&self, names: &Names) -> Result<MailHost, Failure> {
        let mut host = self.clone();
        let Some(address) = host.address() else { return Ok(host) };
        let reverse = names.reverse(address).await?.records();
        host.reverse =
            reverse.iter().filter_map(|name| hostname::clean(name.as_bytes())).take(MOST_NAMES).collect();
        let mut confirmed = false;
        for name in &host.reverse {
            confirmed = confirmed || names.addresses(name, Some(address)).await?.records().contains(&address);
        }
        host.confirmed = Some(confirmed);
        Ok(host)
    }

    fn address(&self) -> Option<IpAddr> {
        self.published.or(self.addresses.first().copied())
    }

    /// What is wrong with the reverse name, if anything.
    #[must_use]
    pub fn reverse_problem(&self) -> Option<String> {
        let address = self.address()?;
        match (self.confirmed?, self.reverse.first()) {
            (true, _) => None,
            (false, None) => Some(format!("{address} has no reverse name")),
            (false, Some(name)) => {
                Some(format!("the reverse name of {address} is {name}, which has another address"))
            }
        }
    }

    /// What is wrong with the published address, if anything.
    #[must_use]
    pub fn address_problem(&self) -> Option<String> {
        let published = self.published.filter(|_| self.answered)?;
        match self.addresses.first() {
            _ if self.addresses.contains(&published) => None,
            None => Some(format!("{} has no address; the published address is {published}", self.name)),
            Some(other) => {
                Some(format!("{} has the address {other}; the published address is {published}", self.name))
            }
        }
    }
}
