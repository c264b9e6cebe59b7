//! What a resolver knows, and what it answers: right, wrong, nothing, or no message at all.

use std::net::IpAddr;

use hickory_proto::op::{Edns, Message, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::opt::EdnsOption;
use hickory_proto::rr::rdata::svcb::{Alpn, SvcParamKey, SvcParamValue};
use hickory_proto::rr::rdata::{A, AAAA, CNAME, HTTPS, MX, PTR, SVCB, TXT};
use hickory_proto::rr::{Name, RData, Record, RecordType};

/// The number of the extended error option (RFC 8914).
const EXTENDED_ERROR: u16 = 15;

/// What happens to questions about one name.
#[derive(Clone, Debug)]
enum Entry {
    Records(Vec<RData>),
    Code(u16, Option<(u16, String)>),
    Truncated(Vec<RData>),
    Silent,
    Garbage,
}

/// What a resolver knows. A name that is not in it does not exist.
#[derive(Clone, Debug, Default)]
pub struct Zone {
    entries: Vec<(String, Entry)>,
    wildcards: Vec<(String, Vec<RData>)>,
    drops_edns: bool,
    drops: Vec<(String, RecordType)>,
    refuses: Vec<(String, RecordType, u16)>,
}

impl Zone {
    /// An empty zone.
    #[must_use]
    pub fn new() -> Zone {
        Zone::default()
    }

    /// Adds IPv4 addresses.
    #[must_use]
    pub fn a(self, name: &str, addresses: &[&str]) -> Zone {
        self.records(name, addresses.iter().map(|text| RData::A(A(text.parse().expect("an IPv4 address")))))
    }

    /// Adds IPv6 addresses.
    #[must_use]
    pub fn aaaa(self, name: &str, addresses: &[&str]) -> Zone {
        let data = |text: &&str| RData::AAAA(AAAA(text.parse().expect("an IPv6 address")));
        self.records(name, addresses.iter().map(data))
    }

    /// Makes a name an alias; the target's records follow where the zone has them.
    #[must_use]
    pub fn cname(self, name: &str, target: &str) -> Zone {
        let target = fqdn(target);
        self.records(name, [RData::CNAME(CNAME(target))])
    }

    /// Adds a text record; longer than 255 bytes, it is split as TXT records are.
    #[must_use]
    pub fn txt(self, name: &str, text: &str) -> Zone {
        let pieces =
            text.as_bytes().chunks(255).map(|piece| String::from_utf8_lossy(piece).into_owned()).collect();
        self.records(name, [RData::TXT(TXT::new(pieces))])
    }

    /// Adds a mail exchanger.
    #[must_use]
    pub fn mx(self, name: &str, preference: u16, exchange: &str) -> Zone {
        let exchange = fqdn(exchange);
        self.records(name, [RData::MX(MX::new(preference, exchange))])
    }

    /// Adds the name of an address.
    #[must_use]
    pub fn ptr(self, address: &str, name: &str) -> Zone {
        let address: IpAddr = address.parse().expect("an address");
        let reverse = Name::from(address).to_ascii();
        self.records(&reverse, [RData::PTR(PTR(fqdn(name)))])
    }

    /// Never answers a question with EDNS over UDP, as old firewalls have it.
    #[must_use]
    pub fn without_edns(self) -> Zone {
        Zone { drops_edns: true, ..self }
    }

    /// Never answers questions for this name's IPv6 addresses.
    #[must_use]
    pub fn without_aaaa(mut self, name: &str) -> Zone {
        self.drops.push((key(name), RecordType::AAAA));
        self
    }

    /// Adds an HTTPS record with these ALPN protocols.
    #[must_use]
    pub fn https(self, name: &str, alpn: &[&str]) -> Zone {
        let names = alpn.iter().map(|name| (*name).to_owned()).collect();
        let parameters = vec![(SvcParamKey::Alpn, SvcParamValue::Alpn(Alpn(names)))];
        self.records(name, [RData::HTTPS(HTTPS(SVCB::new(1, Name::root(), parameters)))])
    }

    /// Designates an encrypted resolver with these ALPN protocols (RFC 9462).
    #[must_use]
    pub fn designates(self, alpn: &[&str]) -> Zone {
        let names = alpn.iter().map(|name| (*name).to_owned()).collect();
        let parameters = vec![(SvcParamKey::Alpn, SvcParamValue::Alpn(Alpn(names)))];
        let record = SVCB::new(1, fqdn("resolver.lab.test"), parameters);
        self.records("_dns.resolver.arpa", [RData::SVCB(record)])
    }

    /// Never answers questions for this name's HTTPS records.
    #[must_use]
    pub fn without_https(mut self, name: &str) -> Zone {
        self.drops.push((key(name), RecordType::HTTPS));
        self
    }

    /// Answers questions for this name's HTTPS records with an error.
    #[must_use]
    pub fn refusing_https(mut self, name: &str, rcode: u16) -> Zone {
        self.refuses.push((key(name), RecordType::HTTPS, rcode));
        self
    }

    /// Answers this name with an error: 2 SERVFAIL, 3 NXDOMAIN, 5 REFUSED.
    #[must_use]
    pub fn rcode(self, name: &str, rcode: u16) -> Zone {
        self.entry(name, Entry::Code(rcode, None))
    }

    /// The same with an extended error (RFC 8914).
    #[must_use]
    pub fn ede(self, name: &str, rcode: u16, code: u16, text: &str) -> Zone {
        self.entry(name, Entry::Code(rcode, Some((code, text.to_owned()))))
    }

    /// Never answers questions about this name.
    #[must_use]
    pub fn silent(self, name: &str) -> Zone {
        self.entry(name, Entry::Silent)
    }

    /// Answers questions about this name with bytes that are no message.
    #[must_use]
    pub fn garbage(self, name: &str) -> Zone {
        self.entry(name, Entry::Garbage)
    }

    /// Answers over UDP with "truncated" and nothing else, over TCP with these addresses.
    #[must_use]
    pub fn truncated(self, name: &str, addresses: &[&str]) -> Zone {
        let data = addresses.iter().map(|text| RData::A(A(text.parse().expect("an IPv4 address")))).collect();
        self.entry(name, Entry::Truncated(data))
    }

    /// Gives these addresses to every name under `suffix` that has no entry; `""` is every name there is.
    #[must_use]
    pub fn wildcard(mut self, suffix: &str, addresses: &[&str]) -> Zone {
        let data = addresses.iter().map(|text| match text.parse().expect("an address") {
            IpAddr::V4(address) => RData::A(A(address)),
            IpAddr::V6(address) => RData::AAAA(AAAA(address)),
        });
        self.wildcards.push((key(suffix), data.collect()));
        self
    }

    fn records(mut self, name: &str, data: impl IntoIterator<Item = RData>) -> Zone {
        let name = key(name);
        if let Some((_, Entry::Records(have))) = self.entries.iter_mut().find(|(have, _)| *have == name) {
            have.extend(data);
            return self;
        }
        self.entries.push((name, Entry::Records(data.into_iter().collect())));
        self
    }

    fn entry(mut self, name: &str, entry: Entry) -> Zone {
        self.entries.push((key(name), entry));
        self
    }

    fn find(&self, name: &str) -> Option<Entry> {
        if let Some((_, entry)) = self.entries.iter().find(|(have, _)| have == name) {
            return Some(entry.clone());
        }
        let under = |suffix: &str| suffix.is_empty() || name.ends_with(&format!(".{suffix}"));
        let (_, data) = self.wildcards.iter().find(|(suffix, _)| under(suffix))?;
        Some(Entry::Records(data.clone()))
    }

    /// The answer to one message; `None` is silence.
    pub(super) fn answer(&self, question: &[u8], datagram: bool) -> Option<Vec<u8>> {
        let query = Message::from_vec(question).ok()?;
        let asked = query.queries.first()?.clone();
        if self.is_dropped(&query, &asked, datagram) {
            return None;
        }
        let mut reply = Message::response(query.metadata.id, OpCode::Query);
        reply.metadata.recursion_desired = query.metadata.recursion_desired;
        reply.metadata.recursion_available = true;
        reply.add_query(asked.clone());
        let payload = query.edns.as_ref().map_or(512, |edns| edns.max_payload().max(512));
        if query.edns.is_some() {
            reply.set_edns(Edns::new());
        }
        let name = key(&asked.name().to_ascii());
        let refusal =
            self.refuses.iter().find(|(known, kind, _)| *known == name && *kind == asked.query_type());
        let found = match refusal {
            Some((.., rcode)) => Some(Entry::Code(*rcode, None)),
            None => self.find(&name),
        };
        match found {
            None => reply.metadata.response_code = ResponseCode::NXDomain,
            Some(Entry::Silent) => return None,
            Some(Entry::Garbage) => return Some(garbage(query.metadata.id)),
            Some(Entry::Truncated(_)) if datagram => reply.metadata.truncation = true,
            Some(Entry::Truncated(data)) => fill(&mut reply, asked.name(), &data, asked.query_type()),
            Some(Entry::Code(rcode, extended)) => refuse(&mut reply, rcode, extended),
            Some(Entry::Records(data)) => {
                self.follow_aliases(&mut reply, asked.name(), data, asked.query_type())
            }
        }
        let bytes = reply.to_vec().unwrap();
        if datagram && bytes.len() > usize::from(payload) {
            return Some(reply.truncate().to_vec().unwrap());
        }
        Some(bytes)
    }

    /// Whether the question is of a kind that this resolver, or a device before it, drops.
    fn is_dropped(&self, query: &Message, asked: &Query, datagram: bool) -> bool {
        let name = key(&asked.name().to_ascii());
        (self.drops_edns && datagram && query.edns.is_some())
            || self.drops.contains(&(name, asked.query_type()))
    }

    /// Adds the records, and those of aliases, as a recursive resolver does.
    fn follow_aliases(&self, reply: &mut Message, name: &Name, data: Vec<RData>, kind: RecordType) {
        let (mut name, mut data) = (name.clone(), data);
        for _ in 0..8 {
            fill(reply, &name, &data, kind);
            let alias = data.iter().find_map(|data| match data {
                RData::CNAME(CNAME(target)) if kind != RecordType::CNAME => Some(target.clone()),
                _ => None,
            });
            let Some(target) = alias else { return };
            name = target;
            match self.find(&key(&name.to_ascii())) {
                Some(Entry::Records(next)) => data = next,
                Some(Entry::Code(rcode, extended)) => return refuse(reply, rcode, extended),
                _ => {
                    reply.metadata.response_code = ResponseCode::NXDomain;
                    return;
                }
            }
        }
    }
}

fn fill(reply: &mut Message, name: &Name, data: &[RData], kind: RecordType) {
    for data in data {
        if data.record_type() == kind || data.record_type() == RecordType::CNAME {
            reply.add_answer(Record::from_rdata(name.clone(), 60, data.clone()));
        }
    }
}

fn refuse(reply: &mut Message, rcode: u16, extended: Option<(u16, String)>) {
    reply.metadata.response_code = ResponseCode::from(0, u8::try_from(rcode).expect("a plain RCODE"));
    if let Some((code, text)) = extended {
        let mut edns = Edns::new();
        let option = [&code.to_be_bytes()[..], text.as_bytes()].concat();
        edns.options_mut().insert(EdnsOption::Unknown(EXTENDED_ERROR, option));
        reply.set_edns(edns);
    }
}

/// The header of an answer that announces more than it holds.
fn garbage(id: u16) -> Vec<u8> {
    [&id.to_be_bytes()[..], &[0x81, 0x80, 0, 1, 0xff, 0xff, 0, 0, 0, 0], &[0xc0; 7]].concat()
}

/// A name as zones hold it: lower case, without the last dot.
pub(super) fn key(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

fn fqdn(name: &str) -> Name {
    let mut name = Name::from_ascii(name).expect("a name");
    name.set_fqdn(true);
    name
}
