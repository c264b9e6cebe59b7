//! A name's addresses: both families asked at once, aliases followed, the outcomes joined.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use hickory_proto::rr::RecordType;
use serde_json::{Map, Value, json};

use super::exchange;
use super::families::Families;
use super::message::Extended;
use super::response::{EdnsUse, Outcome, Response, TcpReason, Unanswered};
use super::servers::Servers;
use crate::clock;
use netcheck_record::failure::{Code, Failure};

/// How many aliases are asked for one by one, where the resolver does not follow them itself.
const ALIASES: usize = 8;

/// A name's addresses, and what was said on the way.
#[derive(Clone, Debug, Default)]
pub struct Lookup {
    /// The addresses, IPv6 and IPv4.
    pub addresses: Vec<IpAddr>,
    /// For how many seconds they may be kept (TTL), where a resolver gave them.
    pub ttl: Option<u32>,
    /// Facts for the record.
    pub facts: Map<String, Value>,
    /// Why there is none.
    pub failure: Option<Failure>,
    /// Extended errors (RFC 8914).
    pub extended: Vec<Extended>,
    /// The aliases on the way, in order.
    pub aliases: Vec<String>,
    /// Whether the hosts file or the name itself says so.
    pub local: bool,
    /// The resolver that answered, or that the failure was observed at.
    pub server: Option<SocketAddr>,
    /// The resolver truncated its reply over UDP, and TCP to it failed this way.
    pub truncated_tcp: Option<Code>,
}

/// Asks for A and AAAA at once, each on its own, and joins the answers.
pub async fn both(servers: &Servers, name: &str, families: Families, budget: Duration) -> Lookup {
    let want = |kind: RecordType| match families {
        Families::Both => true,
        Families::V4 => kind == RecordType::A,
        Families::V6 => kind == RecordType::AAAA,
    };
    let one = |kind: RecordType| async move {
        if want(kind) { Some(follow_aliases(servers, name, kind, budget).await) } else { None }
    };
    // A resolver that drops only one kind of question must not hold up the other for long (RFC 8305 section 3); a lost
    // question is asked again by then.
    let patience = (budget * 2 / 5).max(Duration::from_millis(50));
    let (four, six) = (one(RecordType::A), one(RecordType::AAAA));
    tokio::pin!(four, six);
    let (four, six) = tokio::select! {
        four = &mut four => { let six = wait_for_other_family(servers, &four, six, patience).await; (four, six) }
        six = &mut six => { let four = wait_for_other_family(servers, &six, four, patience).await; (four, six) }
    };
    join(servers, name, four, six)
}

/// The outcome for one address family; none where it was not asked.
type FamilyOutcome = Option<Outcome>;

/// Waits for the other answer: for long only while the first one is of no use, because it has no address that this
/// machine has a route to.
async fn wait_for_other_family(
    servers: &Servers,
    first: &FamilyOutcome,
    other: impl Future<Output = FamilyOutcome>,
    patience: Duration,
) -> FamilyOutcome {
    let mut other = std::pin::pin!(other);
    // Usually both are there at once.
    if let Some(answer) = clock::within(patience / 20, &mut other).await {
        return answer;
    }
    let found = match first {
        Some(Ok(response)) if response.reply.code().is_none() => response.reply.addresses.as_slice(),
        _ => &[],
    };
    if !found.iter().any(|address| servers.has_route(*address)) {
        return other.await;
    }
    match clock::within(patience, other).await {
        Some(answer) => answer,
        None => Some(Err(Unanswered::new(Failure::new(Code::DnsTimeout, "no answer")))),
    }
}

/// Follows aliases the resolver did not follow itself.
async fn follow_aliases(servers: &Servers, name: &str, kind: RecordType, budget: Duration) -> Outcome {
    let begun = clock::now();
    let mut aliases: Vec<String> = Vec::new();
    let mut at = name.to_owned();
    loop {
        let left = budget.saturating_sub(begun.elapsed());
        let mut response = exchange::ask(servers, &at, kind, left).await?;
        let reply = &mut response.reply;
        aliases.append(&mut reply.aliases);
        let unresolved = reply.addresses.is_empty() && reply.rcode == 0 && reply.odd_alias.is_none();
        match aliases.last().filter(|next| unresolved && **next != at) {
            Some(next) if aliases.len() <= ALIASES => at.clone_from(next),
            _ => {
                reply.aliases = aliases;
                return Ok(response);
            }
        }
    }
}

/// What the two families' outcomes say of the name.
fn join(servers: &Servers, name: &str, four: FamilyOutcome, six: FamilyOutcome) -> Lookup {
    let mut lookup = Lookup::default();
    let mut failures: Vec<Unanswered> = Vec::new();
    let mut notes = Notes::default();
    for (key, outcome) in [("a", four), ("aaaa", six)] {
        let Some(outcome) = outcome else { continue };
        let code = match &outcome {
            Ok(response) => response.reply.code(),
            Err(unanswered) => Some(unanswered.failure.code),
        };
        let shown = code.map_or("ok", Code::as_str);
        lookup.facts.insert(key.into(), json!(shown.trim_start_matches("dns.")));
        notes.family(key, code);
        match outcome {
            Ok(response) => {
                notes.response(&response);
                let failure = code.map(|code| refused(name, code, &response));
                failures.extend(failure.map(|failure| Unanswered::at(response.server, failure)));
                lookup.add_reply(response);
            }
            Err(unanswered) => failures.push(unanswered),
        }
    }
    // Addresses without a route are no answer while the other family's question failed.
    let lost = failures.iter().any(|unanswered| unanswered.failure.code != Code::DnsNoAddress);
    let unusable = || lost && !lookup.addresses.iter().any(|address| servers.has_route(*address));
    if lookup.addresses.is_empty() || unusable() {
        failures.sort_by_key(|unanswered| std::cmp::Reverse(failure_rank(unanswered)));
        if let Some(first) = failures.into_iter().next() {
            lookup.truncated_tcp = first.tcp;
            lookup.server = lookup.server.or(first.server);
            lookup.failure = Some(first.failure);
        }
    }
    lookup.describe(&notes.sentences(!lookup.addresses.is_empty()));
    lookup
}

impl Lookup {
    /// Takes over what one family's reply says.
    fn add_reply(&mut self, response: Response) {
        self.server = self.server.or(Some(response.server));
        self.extended.extend(response.reply.extended);
        self.addresses.extend(response.reply.addresses);
        self.ttl = match (self.ttl, response.reply.ttl) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        if self.aliases.is_empty() {
            self.aliases = response.reply.aliases;
        }
    }

    /// Writes the facts.
    fn describe(&mut self, notes: &[String]) {
        if let Some(server) = self.server {
            self.facts.insert("server".into(), json!(server.to_string()));
        }
        if !self.addresses.is_empty() {
            self.facts.insert("addresses".into(), json!(self.addresses));
        }
        if !self.aliases.is_empty() {
            self.facts.insert("aliases".into(), json!(self.aliases));
        }
        self.extended.dedup();
        let extended: Vec<Value> = self
            .extended
            .iter()
            .map(|extended| json!({ "code": extended.code, "text": extended.text }))
            .collect();
        if !extended.is_empty() {
            self.facts.insert("extended_errors".into(), Value::Array(extended));
        }
        if !notes.is_empty() {
            self.facts.insert("notes".into(), json!(notes));
        }
    }
}

/// What an administrator should know of a lookup, whatever its end.
#[derive(Default)]
struct Notes {
    sentences: Vec<String>,
    failed: Vec<(&'static str, Code)>,
    answered: bool,
}

impl Notes {
    fn family(&mut self, key: &'static str, code: Option<Code>) {
        self.answered |= code.is_none();
        // A name with one family only is the usual case.
        let code = code.filter(|code| *code != Code::DnsNoAddress);
        self.failed.extend(code.map(|code| (if key == "a" { "A" } else { "AAAA" }, code)));
    }

    fn response(&mut self, response: &Response) {
        let server = response.server;
        let edns = match response.edns {
            EdnsUse::Accepted | EdnsUse::Repeated => None,
            EdnsUse::Rejected => Some(format!("{server} rejected EDNS and answered without it")),
            EdnsUse::Unanswered => {
                Some(format!("{server} did not answer the question with EDNS and answered the one without"))
            }
            EdnsUse::Omitted => {
                Some(format!("asked without EDNS: {server} left earlier questions with it unanswered"))
            }
        };
        let tcp = response.tcp.map(|reason| match reason {
            TcpReason::Truncated => format!("{server} truncated its reply over UDP; asked again over TCP"),
            TcpReason::Damaged => {
                format!("the reply of {server} over UDP was cut or damaged; over TCP it was whole")
            }
        });
        let silent = response.silent.iter().map(|silent| format!("{silent} did not answer; {server} did"));
        for sentence in silent.chain(edns).chain(tcp) {
            if !self.sentences.contains(&sentence) {
                self.sentences.push(sentence);
            }
        }
    }

    /// All of them; that one family failed is worth a note where the other did not.
    fn sentences(mut self, found: bool) -> Vec<String> {
        let failed = self.failed.iter().filter(|_| found && self.answered);
        let families = failed.map(|(family, code)| format!("the {family} question failed with {code}"));
        let families: Vec<String> = families.collect();
        self.sentences.extend(families);
        self.sentences
    }
}

/// What says something about a name, and what says more.
const TELLING: [Code; 6] = [
    Code::DnsTimeout,
    Code::DnsNoAddress,
    Code::DnsMalformed,
    Code::DnsRefused,
    Code::DnsServfail,
    Code::DnsNxdomain,
];

/// Which of two families' failures says most about the name.
fn failure_rank(unanswered: &Unanswered) -> usize {
    if unanswered.tcp.is_some() {
        return TELLING.len() + 1;
    }
    TELLING.iter().position(|code| *code == unanswered.failure.code).map_or(0, |at| at + 1)
}

fn refused(name: &str, code: Code, response: &Response) -> Failure {
    let (reply, server) = (&response.reply, response.server);
    let known = [
        (Code::DnsNxdomain, "the name does not exist".to_owned()),
        (Code::DnsNoAddress, "the name has no address".to_owned()),
        (Code::DnsServfail, "the resolver failed".to_owned()),
        (Code::DnsRefused, format!("the resolver refused (RCODE {})", reply.rcode)),
    ];
    let known = known.into_iter().find_map(|(known, what)| (known == code).then_some(what));
    let what = known.unwrap_or_else(|| match &reply.odd_alias {
        Some(alias) => format!("the name is an alias of \"{alias}\", which is no host name"),
        None => format!("the resolver could not read the question (RCODE {})", reply.rcode),
    });
    let extended = reply
        .extended
        .first()
        .map_or(String::new(), |extended| format!("; extended error {} {}", extended.code, extended.text));
    Failure::new(code, format!("{name}: {what}, says {server}{extended}"))
}
