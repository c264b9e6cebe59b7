//! DNS questions and answers as bytes (RFC 1035, RFC 6891, RFC 8914); hickory-proto reads the wire format.

use std::net::IpAddr;

use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::SVCB;
use hickory_proto::rr::rdata::opt::EdnsOption;
use hickory_proto::rr::rdata::svcb::{Alpn, SvcParamValue};
use hickory_proto::rr::{Name, RData, RecordType};

use netcheck_record::escape;
use netcheck_record::failure::Code;

/// More addresses or aliases than this of one name are not kept.
pub(super) const MOST: usize = 64;
/// More service bindings of one name, or protocols of one of them, are not kept.
const FEW: usize = 8;
/// The longest chain of aliases that is followed.
const CHAIN: usize = 16;
/// The EDNS option code of extended errors.
const EXTENDED_ERROR: u16 = 15;

/// An extended error: INFO-CODE and EXTRA-TEXT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extended {
    /// 15 blocked, 16 censored, 17 filtered, 18 prohibited, …
    pub code: u16,
    /// The resolver's own words, made harmless.
    pub text: String,
}

/// What a resolver answered to one question.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// RCODE, with the upper bits of EDNS.
    pub rcode: u16,
    /// The answer did not fit: ask again over TCP.
    pub truncated: bool,
    /// The addresses at the end of the chain of aliases.
    pub addresses: Vec<IpAddr>,
    /// For how many seconds the addresses may be kept (TTL), where there are some.
    pub ttl: Option<u32>,
    /// The aliases on the way, in order.
    pub aliases: Vec<String>,
    /// Extended errors.
    pub extended: Vec<Extended>,
    /// The first alias that is no host name (RFC 1123 section 2.1, and the underscore): nobody can ask for its address.
    pub odd_alias: Option<String>,
    /// Services (RFC 2782), where these were asked for.
    pub services: Vec<Service>,
    /// Service bindings (RFC 9460), where these were asked for.
    pub bindings: Vec<Binding>,
}

/// One HTTPS or SVCB record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Binding {
    /// The ALPN protocols it offers.
    pub alpn: Vec<String>,
    /// Whether it has a key for Encrypted Client Hello.
    pub ech: bool,
}

/// One SRV record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Lower first.
    pub priority: u16,
    /// Higher first among equals.
    pub weight: u16,
    /// On which port.
    pub port: u16,
    /// Which host.
    pub host: String,
}

/// Why some bytes are no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// Another question's answer: wait on.
    NotOurs,
    /// Not a DNS message.
    Malformed,
}

/// The question as bytes.
pub fn question(name: &str, kind: RecordType, id: u16, edns: bool) -> Option<Vec<u8>> {
    let mut fqdn = Name::from_ascii(name).ok()?;
    fqdn.set_fqdn(true);
    let mut message = Message::new(id, MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = true;
    message.add_query(Query::query(fqdn, kind));
    if edns {
        let mut options = Edns::new();
        options.set_max_payload(1232);
        message.set_edns(options);
    }
    message.to_vec().ok()
}

/// Reads the answer to `question(name, kind, id)`.
pub fn answer(bytes: &[u8], name: &str, kind: RecordType, id: u16) -> Result<Reply, Unfit> {
    if bytes.len() >= 2 && bytes[..2] != id.to_be_bytes() {
        return Err(Unfit::NotOurs);
    }
    let message = Message::from_vec(bytes).map_err(|_| Unfit::Malformed)?;
    if message.metadata.message_type != MessageType::Response {
        return Err(Unfit::Malformed);
    }
    let fits = |query: &Query| query.query_type() == kind && plain(query.name()) == name;
    // A server that cannot read the question may leave it out of its answer.
    if !message.queries.is_empty() && !message.queries.iter().any(fits) {
        return Err(Unfit::NotOurs);
    }
    let mut reply = Reply {
        rcode: rcode(&message),
        truncated: message.metadata.truncation,
        extended: extended(&message),
        ..Reply::default()
    };
    follow(&message, name, &mut reply);
    reply.services = services(&message);
    reply.bindings = bindings(&message);
    Ok(reply)
}

fn services(message: &Message) -> Vec<Service> {
    let service = |data: &RData| match data {
        RData::SRV(service) => Some(Service {
            priority: service.priority,
            weight: service.weight,
            port: service.port,
            host: escape::line(&plain(&service.target), 255),
        }),
        _ => None,
    };
    message.answers.iter().filter_map(|record| service(&record.data)).take(MOST).collect()
}

fn bindings(message: &Message) -> Vec<Binding> {
    let binding = |data: &RData| match data {
        RData::HTTPS(record) => Some(binding(&record.0)),
        RData::SVCB(record) => Some(binding(record)),
        _ => None,
    };
    message.answers.iter().filter_map(|record| binding(&record.data)).take(FEW).collect()
}

fn binding(record: &SVCB) -> Binding {
    let mut binding = Binding::default();
    for (_, value) in &record.svc_params {
        match value {
            SvcParamValue::Alpn(Alpn(names)) => {
                binding.alpn = names.iter().take(FEW).map(|name| escape::line(name, 40)).collect();
            }
            SvcParamValue::EchConfigList(_) => binding.ech = true,
            _ => {}
        }
    }
    binding
}

fn plain(name: &Name) -> String {
    name.to_ascii().trim_end_matches('.').to_ascii_lowercase()
}

/// Whether every label is made of letters, digits, hyphens and underscores.
fn is_host(name: &Name) -> bool {
    let fits = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    name.num_labels() > 0 && name.iter().all(|label| label.iter().all(fits))
}

fn rcode(message: &Message) -> u16 {
    u16::from(message.metadata.response_code)
}

fn follow(message: &Message, name: &str, reply: &mut Reply) {
    let mut at = name.to_owned();
    for _ in 0..CHAIN {
        let alias = message.answers.iter().find_map(|record| match &record.data {
            RData::CNAME(alias) if plain(&record.name) == at => Some(&alias.0),
            _ => None,
        });
        if let Some(odd) = alias.filter(|alias| !is_host(alias)) {
            reply.odd_alias.get_or_insert_with(|| escape::line(&plain(odd), 255));
        }
        match alias.map(plain) {
            Some(alias) if !reply.aliases.contains(&alias) && alias != name => {
                reply.aliases.push(escape::line(&alias, 255));
                at = alias;
            }
            _ => break,
        }
    }
    for record in &message.answers {
        let address = match &record.data {
            RData::A(address) => IpAddr::V4(address.0),
            RData::AAAA(address) => IpAddr::V6(address.0),
            _ => continue,
        };
        if plain(&record.name) == at && reply.addresses.len() < MOST && !reply.addresses.contains(&address) {
            reply.addresses.push(address);
            reply.ttl = Some(reply.ttl.map_or(record.ttl, |ttl| ttl.min(record.ttl)));
        }
    }
}

fn extended(message: &Message) -> Vec<Extended> {
    let Some(edns) = &message.edns else { return Vec::new() };
    let read = |option: &EdnsOption| match option {
        EdnsOption::Unknown(EXTENDED_ERROR, data) => {
            let (code, text) = data.split_first_chunk::<2>()?;
            Some(Extended { code: u16::from_be_bytes(*code), text: escape::bytes(text, 200) })
        }
        _ => None,
    };
    edns.options().as_ref().iter().filter_map(|(_, option)| read(option)).take(8).collect()
}

impl Reply {
    /// Whether a resolver from before EDNS says so (RFC 6891 section 7): FORMERR, NOTIMP, BADVERS.
    #[must_use]
    pub fn rejects_edns(&self) -> bool {
        matches!(self.rcode, 1 | 4 | 16)
    }

    /// Whether another resolver may well answer: this one failed, refused, or could not read the question.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(self.code(), Some(Code::DnsServfail | Code::DnsRefused)) || self.rcode == 1
    }

    /// The failure this answer means, where it has no address.
    #[must_use]
    pub fn code(&self) -> Option<Code> {
        match ResponseCode::from_low(u8::try_from(self.rcode & 0xf).unwrap_or_default()) {
            _ if !self.addresses.is_empty() && self.rcode == 0 => None,
            // NOERROR says that the name exists; an alias that nobody can ask for is no word about an address.
            ResponseCode::NoError if self.odd_alias.is_some() => Some(Code::DnsMalformed),
            ResponseCode::NoError => Some(Code::DnsNoAddress),
            ResponseCode::NXDomain => Some(Code::DnsNxdomain),
            ResponseCode::ServFail => Some(Code::DnsServfail),
            ResponseCode::FormErr => Some(Code::DnsMalformed),
            // NOTIMP, NOTAUTH and the rest: the resolver will not serve us.
            _ => Some(Code::DnsRefused),
        }
    }
}

#[cfg(test)]
#[path = "message_tests.rs"]
mod properties;
