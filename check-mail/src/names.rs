//! DNS lookups as a mail gateway makes them, through the resolver of the flags; every failure has the code of its kind.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use hickory_resolver::system_conf::read_system_conf;
use mail_auth::MessageAuthenticator;
use netcheck_common::dns;
use netcheck_common::failure::{Code, Failure};
use netcheck_common::flags::Flags;
use netcheck_common::net::Net;

/// Time limit of one query.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a lookup found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup<T> {
    /// These records.
    Records(Vec<T>),
    /// No record of that kind.
    NoData,
    /// The name does not exist.
    NoName,
}

impl<T> Lookup<T> {
    /// The records: none where there are none.
    pub fn records(self) -> Vec<T> {
        match self {
            Lookup::Records(records) => records,
            Lookup::NoData | Lookup::NoName => Vec::new(),
        }
    }
}

/// A resolver with a cache, for one target.
pub struct Names {
    /// Asks with EDNS.
    resolver: TokioResolver,
    /// Asks without: some resolvers and firewalls drop questions with EDNS.
    plain: TokioResolver,
    /// A question with EDNS stayed unanswered, and the same one without was answered.
    omits_edns: AtomicBool,
    /// The way of this target; absent for a second opinion, whose failures nobody reports.
    net: Option<Net>,
}

impl Names {
    /// Through `--resolver`, else the system's resolvers.
    ///
    /// # Errors
    /// `dns.unreachable`: the settings name no usable resolver.
    pub fn of(net: &Net) -> Result<Names, Failure> {
        let names = Names::asking(&servers(net.flags().resolver), net.flags())?;
        Ok(Names { net: Some(net.clone()), ..names })
    }

    /// Through these resolvers.
    ///
    /// # Errors
    /// `dns.unreachable`: they are no usable resolvers.
    pub fn asking(servers: &[SocketAddr], flags: &Flags) -> Result<Names, Failure> {
        let (resolver, plain) = (build(servers, flags, true)?, build(servers, flags, false)?);
        Ok(Names { resolver, plain, omits_edns: AtomicBool::new(false), net: None })
    }

    /// The resolver in the form that mail-auth takes, for records of this name that it will ask for.
    pub async fn authenticator(&self, name: &str) -> MessageAuthenticator {
        // Only whether a question with EDNS is answered matters here; the answer is asked for again, of the cache.
        drop(self.texts(name).await);
        MessageAuthenticator(self.current().clone())
    }

    fn current(&self) -> &TokioResolver {
        if self.omits_edns.load(Ordering::Relaxed) { &self.plain } else { &self.resolver }
    }

    /// Asks with EDNS, and without where no answer comes.
    async fn lookup(
        &self,
        name: Name,
        kind: RecordType,
    ) -> Result<hickory_resolver::lookup::Lookup, NetError> {
        let first = self.current().lookup(name.clone(), kind).await;
        if !matches!(first, Err(NetError::Timeout)) || self.omits_edns.load(Ordering::Relaxed) {
            return first;
        }
        let second = self.plain.lookup(name, kind).await;
        if !is_silence(&second) {
            self.omits_edns.store(true, Ordering::Relaxed);
        }
        second
    }

    /// The TXT records of a name, their strings joined (RFC 7208 section 3.3).
    ///
    /// # Errors
    /// The `dns.*` codes, but for a name without records.
    pub async fn texts(&self, name: &str) -> Result<Lookup<Vec<u8>>, Failure> {
        self.ask(name, RecordType::TXT, |data| match data {
            RData::TXT(text) => Some(text.txt_data.iter().flat_map(|part| part.iter().copied()).collect()),
            _ => None,
        })
        .await
    }

    /// The addresses of a name in the family of `like`.
    ///
    /// # Errors
    /// The `dns.*` codes, but for a name without records.
    pub async fn addresses(&self, name: &str, like: Option<IpAddr>) -> Result<Lookup<IpAddr>, Failure> {
        let kind = if like.is_some_and(|ip| ip.is_ipv6()) { RecordType::AAAA } else { RecordType::A };
        self.ask(name, kind, |data| match data {
            RData::A(a) => Some(IpAddr::V4(a.0)),
            RData::AAAA(a) => Some(IpAddr::V6(a.0)),
            _ => None,
        })
        .await
    }

    /// The names of an address.
    ///
    /// # Errors
    /// The `dns.*` codes, but for an address without a name.
    pub async fn reverse(&self, address: IpAddr) -> Result<Lookup<String>, Failure> {
        let name = Name::from(address).to_ascii();
        self.ask(&name, RecordType::PTR, |data| match data {
            RData::PTR(host) => Some(text_of(host)),
            _ => None,
        })
        .await
    }

    /// The mail exchangers of a name.
    ///
    /// # Errors
    /// The `dns.*` codes, but for a name without records.
    pub async fn exchanges(&self, name: &str) -> Result<Lookup<String>, Failure> {
        self.ask(name, RecordType::MX, |data| match data {
            RData::MX(mx) => Some(text_of(&mx.exchange)),
            _ => None,
        })
        .await
    }

    async fn ask<T>(
        &self,
        name: &str,
        kind: RecordType,
        read: impl Fn(&RData) -> Option<T>,
    ) -> Result<Lookup<T>, Failure> {
        let name = name.strip_suffix('.').unwrap_or(name);
        let labels = name.split('.').map(str::as_bytes);
        let mut full = Name::from_labels(labels)
            .map_err(|_| Failure::new(Code::DnsMalformed, format!("{name} cannot be a DNS name")))?;
        full.set_fqdn(true);
        let asked = format!("{name} ({kind})");
        match self.lookup(full, kind).await {
            Ok(lookup) => {
                let records: Vec<T> =
                    lookup.answers().iter().filter_map(|record| read(&record.data)).collect();
                Ok(if records.is_empty() { Lookup::NoData } else { Lookup::Records(records) })
            }
            Err(NetError::Dns(DnsError::NoRecordsFound(none))) => match none.response_code {
                ResponseCode::NXDomain => Ok(Lookup::NoName),
                ResponseCode::NoError => Ok(Lookup::NoData),
                code => Err(rcode(code, &asked)),
            },
            Err(NetError::Truncated) => Err(self.truncated(name, kind, &asked).await),
            Err(error) => Err(failure(&error, &asked)),
        }
    }

    /// A truncated reply that TCP cannot fetch. The tool's own client asks once more: it tells how TCP failed, and at which
    /// resolver, for the diagnosis.
    async fn truncated(&self, name: &str, kind: RecordType, asked: &str) -> Failure {
        let failure = failure(&NetError::Truncated, asked);
        let Some(net) = &self.net else { return failure };
        let patience = PATIENCE.min(net.timeout());
        let again = dns::ask(&net.resolver().servers(), name, kind, patience).await;
        let Err(unanswered) = again else { return failure };
        let lookup = dns::Lookup {
            server: unanswered.server,
            truncated_tcp: unanswered.tcp,
            failure: Some(unanswered.failure.clone()),
            ..dns::Lookup::default()
        };
        net.see(|seen| seen.lookup = Some(Arc::new(lookup)));
        let underlying = unanswered.failure.underlying.or(unanswered.tcp);
        Failure { underlying, ..unanswered.failure }
    }
}

/// A resolver that asks these servers, with EDNS or without.
fn build(servers: &[SocketAddr], flags: &Flags, edns: bool) -> Result<TokioResolver, Failure> {
    let servers = servers.iter().map(|server| name_server(*server, flags.source)).collect();
    let mut options = ResolverOpts::default();
    // Both together fit into a stage, and a question that was lost is asked again, without EDNS.
    options.timeout = if edns { PATIENCE.min(flags.timeout) / 2 } else { PATIENCE.min(flags.timeout / 2) };
    options.attempts = 1;
    options.num_concurrent_reqs = 1;
    options.edns0 = edns;
    let config = ResolverConfig::from_parts(None, Vec::new(), servers);
    let builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
    // Without a TLS configuration of ours hickory asks for the platform's, which an empty image does not have.
    let resolver = builder.with_options(options).with_tls_config(no_tls()?).build();
    resolver.map_err(|error| failure(&error, "the resolver"))
}

fn is_silence<T>(outcome: &Result<T, NetError>) -> bool {
    matches!(outcome, Err(NetError::Timeout | NetError::Io(_) | NetError::NoConnections | NetError::Busy))
}

/// The resolver of the flags, else the system's. As in the C library: without a resolv.conf it is this machine.
fn servers(given: Option<SocketAddr>) -> Vec<SocketAddr> {
    let system = || read_system_conf().map(|(config, _)| config.name_servers).unwrap_or_default();
    let mut servers: Vec<SocketAddr> = match given {
        Some(server) => vec![server],
        None => system().iter().map(|server| SocketAddr::new(server.ip, 53)).collect(),
    };
    if servers.is_empty() {
        servers.push(SocketAddr::from(([127, 0, 0, 1], 53)));
    }
    servers
}

/// A name with its labels as they are, without the escapes of a zone file.
fn text_of(name: &Name) -> String {
    let labels: Vec<_> = name.iter().map(String::from_utf8_lossy).collect();
    labels.join(".").to_ascii_lowercase()
}

fn name_server(server: SocketAddr, source: Option<IpAddr>) -> NameServerConfig {
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
        connection.port = server.port();
        connection.bind_addr =
            source.filter(|ip| ip.is_ipv4() == server.is_ipv4()).map(|ip| SocketAddr::new(ip, 0));
        connection
    });
    NameServerConfig::new(server.ip(), true, connections.into())
}

fn no_tls() -> Result<rustls::ClientConfig, Failure> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map(|builder| builder.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth())
        .map_err(|_| Failure::new(Code::Internal, "no TLS versions"))
}

fn rcode(code: ResponseCode, name: &str) -> Failure {
    let failed = match code {
        ResponseCode::ServFail => Code::DnsServfail,
        ResponseCode::Refused | ResponseCode::NotAuth | ResponseCode::NotImp => Code::DnsRefused,
        _ => Code::DnsMalformed,
    };
    Failure::new(failed, format!("the resolver answers the query for {name} with RCODE {}", u16::from(code)))
}

fn failure(error: &NetError, name: &str) -> Failure {
    match error {
        NetError::Dns(DnsError::ResponseCode(code)) => rcode(*code, name),
        NetError::Timeout => {
            Failure::new(Code::DnsTimeout, format!("no resolver answered the query for {name}"))
        }
        NetError::Io(_) | NetError::NoConnections | NetError::Busy => {
            Failure::new(Code::DnsUnreachable, format!("no resolver can be reached for the query for {name}"))
        }
        NetError::Truncated => Failure::new(
            Code::DnsUnreachable,
            format!("the reply to the query for {name} is truncated, and TCP does not bring the whole one"),
        ),
        _ => Failure::new(
            Code::DnsMalformed,
            format!("the answer to the query for {name} is not a DNS message that fits it"),
        ),
    }
}
