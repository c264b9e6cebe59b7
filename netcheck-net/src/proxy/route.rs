//! The way of a target: which proxies are tried, in which order.

use std::fmt;

use super::server::Proxy;

/// One step of a way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Without a proxy.
    Direct,
    /// Through a proxy.
    Proxy(Proxy),
    /// Through a proxy of a kind that is not spoken here: `SOCKS4 host:1080`.
    Unspoken(String),
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Direct => f.write_str("DIRECT"),
            Step::Proxy(proxy) => proxy.fmt(f),
            Step::Unspoken(text) => f.write_str(text),
        }
    }
}

/// The way of a target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Route {
    /// What is tried, in order.
    pub steps: Vec<Step>,
    /// Where the setting was found, where there is one.
    pub source: Option<String>,
    /// The entry of the exemptions that lets the target go round the proxy.
    pub exempt: Option<String>,
    /// Where the script is that chose the steps.
    pub script: Option<String>,
    /// A script that was fetched without TLS chose the proxies.
    pub in_the_clear: bool,
}
