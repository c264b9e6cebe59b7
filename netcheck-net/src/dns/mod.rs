//! Names to addresses, over our own sockets: which resolver said what, and how it refused.

pub mod config;
mod exchange;
pub mod message;
pub mod reference;
pub mod scope;
mod servers;

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use hickory_proto::rr::RecordType;
use serde_json::{Map, Value, json};
use tokio::sync::OnceCell;

use crate::clock;
use crate::lock;
use crate::tcp::Origin;
pub use exchange::ask;
use message::{Extended, Reply};
use netcheck_record::failure::{Code, Failure};
pub use servers::Servers;

/// How many aliases are asked for one by one, where the resolver does not follow them itself.
const ALIASES: usize = 8;

/// A name's addresses, and what was said on the way.
#[derive(Clone, Debug, Default)]
pub struct Lookup {
    /// The addresses, IPv6 and IPv4.
    pub addresses: Vec<IpAddr>,
    /// The aliases on the way to them, in order.
    pub aliases: Vec<String>,
    /// Facts for the record.
    pub facts: Map<String, Value>,
    /// Why there is none.
    pub failure: Option<Failure>,
    /// Extended errors (RFC 8914).
    pub extended: Vec<Extended>,
    /// Whether the hosts file or the name itself says so.
    pub local: bool,
    /// The resolver that answered.
    pub server: Option<SocketAddr>,
}

/// A name's lookup, made once, and when it ended.
type Cell = Arc<OnceCell<(Instant, Arc<Lookup>)>>;

/// Asks the system's resolvers, or the one the user named; each name once a run, unless an attempt is made again.
#[derive(Debug, Default)]
pub struct Resolver {
    given: Option<SocketAddr>,
    families: Families,
    origin: Origin,
    config: OnceLock<config::Config>,
    hosts: OnceLock<HashMap<String, Vec<IpAddr>>>,
    known: Arc<Mutex<HashMap<String, Cell>>>,
}

/// The address families the user wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Families {
    /// Both.
    #[default]
    Both,
    /// `-4`.
    V4,
    /// `-6`.
    V6,
}

impl Families {
    /// Whether an address is wanted.
    #[must_use]
    pub fn has(self, address: IpAddr) -> bool {
        match self {
            Families::Both => true,
            Families::V4 => address.is_ipv4(),
            Families::V6 => address.is_ipv6(),
        }
    }
}

impl Resolver {
    /// A resolver; `given` replaces the system's.
    #[must_use]
    pub fn new(given: Option<SocketAddr>, families: Families, origin: Origin) -> Self {
        Resolver { given, families, origin, ..Resolver::default() }
    }

    /// The domains that names without a dot are looked for in.
    #[must_use]
    pub fn search(&self) -> &[String] {
        &self.config().search
    }

    /// The servers that are asked.
    pub fn servers(&self) -> Servers {
        let addresses = self.given.map_or_else(|| self.config().servers.clone(), |server| vec![server]);
        Servers::new(addresses, &self.origin)
    }

    fn config(&self) -> &config::Config {
        self.config.get_or_init(config::system)
    }

    /// The addresses of a name, within `budget`. A failure from before `again` is no answer: it is asked once more.
    pub async fn lookup(&self, name: &str, budget: Duration, again: Option<Instant>) -> Arc<Lookup> {
        let stale = |(ended, lookup): &(Instant, Arc<Lookup>)| {
            lookup.failure.is_some() && again.is_some_and(|again| *ended <= again)
        };
        let cell = {
            let mut known = lock(&self.known);
            let cell = known.entry(name.to_owned()).or_default();
            if cell.get().is_some_and(stale) {
                *cell = Cell::default();
            }
            Arc::clone(cell)
        };
        let find = || async {
            let lookup = Arc::new(self.find(name, budget).await);
            (clock::now(), lookup)
        };
        Arc::clone(&cell.get_or_init(find).await.1)
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

/// Asks for A and AAAA at once, each on its own, and joins the answers.
pub async fn both(servers: &Servers, name: &str, families: Families, budget: Duration) -> Lookup {
    let want = |kind: RecordType| match families {
        Families::Both => true,
        Families::V4 => kind == RecordType::A,
        Families::V6 => kind == RecordType::AAAA,
    };
    let one = |kind: RecordType| async move {
        if want(kind) { Some(chase(servers, name, kind, budget).await) } else { None }
    };
    // A resolver that drops only one kind of question must not hold up the other for long (RFC 8305 section 3).
    let patience = (budget / 5).max(Duration::from_millis(50));
    let (four, six) = (one(RecordType::A), one(RecordType::AAAA));
    tokio::pin!(four, six);
    let (four, six) = tokio::select! {
        four = &mut four => (four.clone(), patiently(four, six, patience).await),
        six = &mut six => { let four = patiently(six.clone(), four, patience).await; (four, six) }
    };
    join(name, four, six)
}

type Answer = Option<exchange::Outcome>;

/// Waits for the other answer: for long only while the first one is of no use.
async fn patiently(first: Answer, other: impl Future<Output = Answer>, patience: Duration) -> Answer {
    let useful = matches!(&first, Some(Ok((reply, _))) if reply.code().is_none());
    if !useful {
        return other.await;
    }
    match clock::within(patience, other).await {
        Some(answer) => answer,
        None => Some(Err(Failure::new(Code::DnsTimeout, "no answer"))),
    }
}

/// Follows aliases the resolver did not follow itself.
async fn chase(servers: &Servers, name: &str, kind: RecordType, budget: Duration) -> exchange::Outcome {
    let begun = clock::now();
    let mut aliases: Vec<String> = Vec::new();
    let mut at = name.to_owned();
    loop {
        let left = budget.saturating_sub(begun.elapsed());
        let (mut reply, server) = exchange::ask(servers, &at, kind, left).await?;
        let next = reply.aliases.last().cloned();
        aliases.append(&mut reply.aliases);
        match next {
            Some(next)
                if reply.addresses.is_empty()
                    && reply.rcode == 0
                    && aliases.len() <= ALIASES
                    && next != at =>
            {
                at = next;
            }
            _ => {
                reply.aliases = aliases;
                return Ok((reply, server));
            }
        }
    }
}

fn join(name: &str, four: Answer, six: Answer) -> Lookup {
    let mut lookup = Lookup::default();
    let mut failures: Vec<Failure> = Vec::new();
    let mut aliases: Vec<String> = Vec::new();
    for (key, answer) in [("a", four), ("aaaa", six)] {
        let Some(answer) = answer else { continue };
        match answer {
            Ok((reply, server)) => {
                lookup.server = lookup.server.or(Some(server));
                lookup.extended.extend(reply.extended.iter().cloned());
                lookup.addresses.extend(&reply.addresses);
                if aliases.is_empty() {
                    aliases.clone_from(&reply.aliases);
                }
                let outcome = reply.code().map_or("ok", Code::as_str);
                lookup.facts.insert(key.into(), json!(outcome.trim_start_matches("dns.")));
                failures.extend(reply.code().map(|code| refused(name, code, &reply, server)));
            }
            Err(failure) => {
                lookup.facts.insert(key.into(), json!(failure.code.as_str().trim_start_matches("dns.")));
                failures.push(failure);
            }
        }
    }
    if lookup.addresses.is_empty() {
        failures.sort_by_key(|failure| std::cmp::Reverse(telling(failure.code)));
        lookup.failure = failures.into_iter().next();
    }
    describe(&mut lookup, &aliases);
    lookup.aliases = aliases;
    lookup
}

fn describe(lookup: &mut Lookup, aliases: &[String]) {
    if let Some(server) = lookup.server {
        lookup.facts.insert("server".into(), json!(server.to_string()));
    }
    if !lookup.addresses.is_empty() {
        lookup.facts.insert("addresses".into(), json!(lookup.addresses));
    }
    if !aliases.is_empty() {
        lookup.facts.insert("aliases".into(), json!(aliases));
    }
    lookup.extended.dedup();
    if !lookup.extended.is_empty() {
        let all: Vec<Value> = lookup
            .extended
            .iter()
            .map(|extended| json!({ "code": extended.code, "text": extended.text }))
            .collect();
        lookup.facts.insert("extended_errors".into(), Value::Array(all));
    }
}

/// Which of two families' failures says most about the name.
fn telling(code: Code) -> u8 {
    match code {
        Code::DnsNxdomain => 6,
        Code::DnsServfail => 5,
        Code::DnsRefused => 4,
        Code::DnsMalformed => 3,
        Code::DnsNoAddress => 2,
        Code::DnsTimeout => 1,
        _ => 0,
    }
}

fn refused(name: &str, code: Code, reply: &Reply, server: SocketAddr) -> Failure {
    let what = match code {
        Code::DnsNxdomain => "the name does not exist".to_owned(),
        Code::DnsNoAddress => "the name has no address".to_owned(),
        Code::DnsServfail => "the resolver failed".to_owned(),
        Code::DnsRefused => format!("the resolver refused (RCODE {})", reply.rcode),
        _ => format!("the resolver could not read the question (RCODE {})", reply.rcode),
    };
    let extended = reply
        .extended
        .first()
        .map_or(String::new(), |extended| format!("; extended error {} {}", extended.code, extended.text));
    Failure::new(code, format!("{name}: {what}, says {server}{extended}"))
}
