//! The host a domain sends from: its address, as published and as the DNS has it, and the way back from address to name (RFC 8601 section 2.7.3).

use std::net::IpAddr;

use netcheck_common::failure::Failure;
use serde::Serialize;

use crate::message::hop;
use crate::names::Names;

/// How many reverse names are followed back.
const MOST_NAMES: usize = 5;

/// A mail host.
#[derive(Clone, Debug, Serialize)]
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
}

impl MailHost {
    /// Asks for the host, its address and the way back.
    ///
    /// # Errors
    /// The `dns.*` codes: the DNS could not be asked.
    pub async fn of(name: &str, published: Option<IpAddr>, names: &Names) -> Result<MailHost, Failure> {
        let addresses = names.addresses(name, published).await?.records();
        let address = published.or(addresses.first().copied());
        let mut host =
            MailHost { name: name.to_owned(), addresses, published, reverse: Vec::new(), confirmed: None };
        let Some(address) = address else { return Ok(host) };
        let reverse = names.reverse(address).await?.records();
        host.reverse =
            reverse.iter().filter_map(|name| hop::host(name.as_bytes())).take(MOST_NAMES).collect();
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

    /// What is wrong with the way back, if anything.
    #[must_use]
    pub fn reverse_problem(&self) -> Option<String> {
        let address = self.address()?;
        match (self.confirmed?, self.reverse.first()) {
            (true, _) => None,
            (false, None) => Some(format!("{address} has no reverse name")),
            (false, Some(name)) => Some(format!("{address} is named {name}, which does not lead back to it")),
        }
    }

    /// What is wrong with the published address, if anything.
    #[must_use]
    pub fn address_problem(&self) -> Option<String> {
        let published = self.published?;
        match self.addresses.first() {
            _ if self.addresses.contains(&published) => None,
            None => Some(format!("{} has no address; published is {published}", self.name)),
            Some(other) => Some(format!("{} has the address {other}; published is {published}", self.name)),
        }
    }
}
