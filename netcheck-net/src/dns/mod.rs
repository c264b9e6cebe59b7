//! Names to addresses, over our own sockets: which resolver said what, and how it refused.

mod binding;
pub mod config;
mod exchange;
pub mod families;
mod lookup;
mod memory;
pub mod message;
pub mod reference;
mod response;
pub mod scope;
mod servers;
mod transport;

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use hickory_proto::rr::RecordType;
use serde_json::{Map, json};

use crate::clock;
use crate::tcp::Egress;
pub use binding::Bindings;
pub use exchange::ask;
pub use families::Families;
pub use lookup::{Lookup, both};
use memory::{Ended, Names};
use netcheck_record::failure::{Code, Failure};
pub use response::{EdnsUse, Outcome, Response, TcpReason, Unanswered};
pub use servers::Servers;

/// How long an answer is kept at least, whatever its TTL: a target and its experiments see the same addresses.
const KEPT: Duration = Duration::from_secs(10);

/// Asks the system's resolvers, or the one the user named; each name once, as long as it is remembered (4096 names), unless
/// an attempt is made again.
#[derive(Debug, Default)]
pub struct Resolver {
    given: Option<SocketAddr>,
    families: Families,
    egress: Egress,
    config: OnceLock<config::Config>,
    hosts: OnceLock<HashMap<String, Vec<IpAddr>>>,
    names: Names<Ended>,
    bindings: Names<Option<Arc<Bindings>>>,
    edns: servers::EdnsKnown,
}

impl Resolver {
    /// A resolver; `given` replaces the system's.
    #[must_use]
    pub fn new(given: Option<SocketAddr>, families: Families, egress: Egress) -> Self {
        Resolver { given, families, egress, ..Resolver::default() }
    }

    /// The domains that names without a dot are looked for in.
    #[must_use]
    pub fn search(&self) -> &[String] {
        &self.config().search
    }

    /// The servers that are asked.
    pub fn servers(&self) -> Servers {
        let addresses = self.given.map_or_else(|| self.config().servers.clone(), |server| vec![server]);
        Servers::new(addresses, &self.egress).sharing(&self.edns)
    }

    fn config(&self) -> &config::Config {
        self.config.get_or_init(config::system)
    }

    /// The addresses of a name, within `budget`. An answer is kept as long as it says (TTL), and no shorter than 10 s. A failure from before `again` is no answer: it is asked once more.
    pub async fn lookup(&self, name: &str, budget: Duration, again: Option<Instant>) -> Arc<Lookup> {
        let stale = |(ended, lookup): &Ended| match (&lookup.failure, lookup.ttl) {
            (Some(_), _) => again.is_some_and(|again| *ended <= again),
            (None, Some(ttl)) => ended.elapsed() > Duration::from_secs(ttl.into()).max(KEPT),
            (None, None) => false,
        };
        let cell = self.names.cell(name, stale);
        let find = || async {
            let lookup = Arc::new(self.find(name, budget).await);
            (clock::now(), lookup)
        };
        Arc::clone(&cell.get_or_init(find).await.1)
    }

    /// The HTTPS records of a name, which browsers ask for beside its addresses; none where it is not looked up by DNS.
    pub async fn https(&self, name: &str, wait: Duration) -> Option<Arc<Bindings>> {
        if !name.contains('.') || self.local(name).is_some() {
            return None;
        }
        self.bindings(name, RecordType::HTTPS, wait).await
    }

    /// The encrypted resolver that the first resolver designates (RFC 9462).
    pub async fn designated(&self, wait: Duration) -> Option<Arc<Bindings>> {
        self.bindings(binding::DESIGNATION, RecordType::SVCB, wait).await
    }

    async fn bindings(&self, name: &str, kind: RecordType, wait: Duration) -> Option<Arc<Bindings>> {
        let cell = self.bindings.cell(name, |_| false);
        let ask = || async { binding::ask(&self.servers(), name, kind, wait).await.map(Arc::new) };
        cell.get_or_init(ask).await.clone()
    }

    async fn find(&self, name: &str, budget: Duration) -> Lookup {
        if let Some(lookup) = self.local(name) {
            return lookup;
        }
        let servers = self.servers();
        let begun = clock::now();
        let mut last = Lookup::default();
        for name in self.names(name) {
            let left = budget.saturating_sub(begun.elapsed());
            last = both(&servers, &name, self.families, left).await;
            if last.failure.as_ref().is_none_or(|failure| failure.code != Code::DnsNxdomain) {
                break;
            }
        }
        last
    }

    /// Search domains are for names without a dot only.
    fn names(&self, name: &str) -> Vec<String> {
        if name.contains('.') || self.given.is_some() {
            return vec![name.to_owned()];
        }
        let searched = self.config().search.iter().map(|domain| format!("{name}.{domain}"));
        searched.chain([name.to_owned()]).collect()
    }

    fn local(&self, name: &str) -> Option<Lookup> {
        let found = match self.given {
            // Who names a resolver asks what that one says.
            Some(_) => None,
            None => self.hosts.get_or_init(config::hosts).get(name).cloned(),
        };
        // RFC 6761 section 6.3: localhost is never asked for.
        let own = || name == "localhost" || name.ends_with(".localhost");
        let found = found.or_else(|| {
            own().then(|| vec![IpAddr::from([127, 0, 0, 1]), IpAddr::V6(std::net::Ipv6Addr::LOCALHOST)])
        })?;
        let addresses: Vec<IpAddr> =
            found.into_iter().filter(|address| self.families.has(*address)).collect();
        let mut facts = Map::new();
        facts.insert("source".into(), json!("hosts"));
        facts.insert("addresses".into(), json!(addresses));
        let failure =
            addresses.is_empty().then(|| Failure::new(Code::DnsNoAddress, "no address of that family"));
        Some(Lookup { addresses, facts, failure, local: true, ..Lookup::default() })
    }
}
