//! What has to change, as data (`cause.action`), and the one place that turns it into a sentence (`cause.fix`).

use std::fmt;
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::proxy_fix::{LoginRepair, ScriptRepair};
use crate::scheme::{Scheme, Transport};
use crate::target::Target;

/// The transport of a destination, as a rule names it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[serde(rename_all = "snake_case")]
pub enum RuleTransport {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// ICMP echo.
    Icmp,
    /// No packets of its own: DNS questions.
    Dns,
}

impl From<Transport> for RuleTransport {
    fn from(transport: Transport) -> Self {
        match transport {
            Transport::Tcp => RuleTransport::Tcp,
            Transport::Udp => RuleTransport::Udp,
            Transport::Icmp => RuleTransport::Icmp,
            Transport::Names => RuleTransport::Dns,
        }
    }
}

impl RuleTransport {
    /// `TCP`, `UDP`, `ICMP` or `DNS`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            RuleTransport::Tcp => "TCP",
            RuleTransport::Udp => "UDP",
            RuleTransport::Icmp => "ICMP",
            RuleTransport::Dns => "DNS",
        }
    }
}

/// Where packets go: what a rule names.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Destination {
    /// The transport.
    pub transport: RuleTransport,
    /// A port, or ports and ranges separated by commas; absent where the transport has none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ports: Option<String>,
    /// A host name or an address.
    pub to: String,
    /// The scheme of the target, as in `rtmps`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub scheme: Option<String>,
}

impl Destination {
    /// The destination of a target.
    #[must_use]
    pub fn of(target: &Target) -> Self {
        Destination {
            transport: target.transport().into(),
            ports: target.port.map(|port| port.to_string()),
            to: target.host.to_string(),
            scheme: Some(target.scheme.name.to_owned()),
        }
    }

    /// `TCP 10000`: what the rule says besides the name.
    fn rule(&self) -> String {
        let ports = self.ports.as_ref().map(|ports| format!(" {ports}")).unwrap_or_default();
        format!("{}{ports}", self.transport.as_str())
    }

    /// The protocol in words, where it says more than the transport.
    fn protocol(&self) -> Option<&'static str> {
        let scheme = Scheme::named(self.scheme.as_deref()?)?;
        (scheme.words != self.transport.as_str()).then_some(scheme.words)
    }
}

impl fmt::Display for Destination {
    /// `TCP 10000 to us-channel.spotme.com (RTMPS over TCP)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (transport, to) = (self.transport.as_str(), &self.to);
        match (&self.transport, &self.ports, self.protocol()) {
            (RuleTransport::Dns, ..) => write!(f, "the DNS records of {to}"),
            (RuleTransport::Icmp, ..) => write!(f, "ICMP echo to {to}"),
            (RuleTransport::Tcp | RuleTransport::Udp, ports, words) => {
                f.write_str(transport)?;
                if let Some(ports) = ports {
                    write!(f, " {ports}")?;
                }
                write!(f, " to {to}")?;
                match words {
                    None => Ok(()),
                    // A name of several words says by itself what it runs over.
                    Some(words) if words.contains(' ') => write!(f, " ({words})"),
                    Some(words) => write!(f, " ({words} over {transport})"),
                }
            }
        }
    }
}

/// What a destination is to be exempt from.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[serde(rename_all = "snake_case")]
pub enum Filter {
    /// TLS decryption.
    TlsInspection,
    /// Filtering by name (SNI).
    NameFilter,
    /// Filtering by protocol: the port opens, its bytes do not pass.
    ProtocolFilter,
    /// A web filter with block pages.
    WebFilter,
    /// A proxy that takes connections without being configured.
    TransparentProxy,
    /// Authentication at a proxy.
    ProxyAuthentication,
    /// The policy of a configured proxy.
    ProxyPolicy,
    /// Rules that strip or refuse a WebSocket upgrade.
    WebsocketFilter,
    /// A log-in portal.
    CaptivePortal,
    /// Rewriting of payloads (ALG).
    Rewriting,
}

/// What has to change.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Fix {
    /// Let packets to a destination pass.
    Allow {
        /// Where they go.
        #[serde(flatten)]
        destination: Destination,
        /// Whether the rule is one of this machine itself.
        #[serde(skip_serializing_if = "std::ops::Not::not", default)]
        on_this_machine: bool,
    },
    /// Leave a destination out of a filter.
    Exempt {
        /// The filter.
        from: Filter,
        /// What is exempt.
        #[serde(flatten)]
        destination: Destination,
        /// Whether the filter is one of this machine itself.
        #[serde(skip_serializing_if = "std::ops::Not::not", default)]
        on_this_machine: bool,
        /// The proxy, where the filter is one's.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        proxy: Option<String>,
    },
    /// Log in to a portal.
    LogIn {
        /// The portal's page, where it is known.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        url: Option<String>,
    },
    /// Give credentials for a proxy.
    Authenticate {
        /// The proxy, without credentials.
        proxy: String,
        /// What goes through it.
        #[serde(flatten)]
        destination: Destination,
    },
    /// Make a proxy let its clients in.
    RepairLogin {
        /// The proxy, without credentials.
        proxy: String,
        /// What to do.
        #[serde(flatten)]
        repair: LoginRepair,
        /// What goes through it.
        #[serde(flatten)]
        destination: Destination,
    },
    /// Make a proxy script (PAC) work.
    RepairScript {
        /// Where it is.
        url: String,
        /// What to do with it.
        how: ScriptRepair,
    },
    /// Make a proxy work.
    RepairProxy {
        /// The proxy, without credentials.
        proxy: String,
        /// What to do with it, as a sentence with the proxy's name left out: `Start`, `Let … reach`.
        how: ProxyRepair,
        /// What goes through it.
        #[serde(flatten)]
        destination: Destination,
    },
    /// Make the resolver answer a name with its public addresses.
    RepairDns {
        /// The name; absent where no name is answered.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        host: Option<String>,
        /// The resolver, where it is known.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        resolver: Option<String>,
        /// What needs the name.
        #[serde(flatten)]
        destination: Destination,
    },
    /// Make IPv6 work, or stop announcing it.
    RepairIpv6 {
        /// What was tried over IPv6.
        #[serde(flatten)]
        destination: Destination,
    },
    /// Let large packets pass.
    RepairMtu {
        /// Whose packets are lost.
        #[serde(flatten)]
        destination: Destination,
    },
    /// Find where packets are lost or delayed.
    RepairPath {
        /// Whose packets.
        #[serde(flatten)]
        destination: Destination,
    },
    /// Let a device take the ClientHellos of today's browsers.
    AcceptHello {
        /// Whose ClientHellos.
        #[serde(flatten)]
        destination: Destination,
        /// Which of them it drops, as in "that span two TCP segments".
        drops: String,
        /// The last hop that they reach, where it is known: it drops them, or what comes after it does.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        after: Option<IpAddr>,
    },
    /// Keep idle connections.
    KeepIdle {
        /// Whose connections.
        #[serde(flatten)]
        destination: Destination,
        /// For how long at least, in seconds.
        seconds: u32,
    },
    /// Set this machine's clock.
    SetClock,
    /// Connect this machine, or its network, to the Internet.
    Connect {
        /// Whether it is this machine that has no way out; else its network.
        this_machine: bool,
    },
    /// Nothing to change in the network: the service refuses by itself.
    CheckService {
        /// What refuses.
        #[serde(flatten)]
        destination: Destination,
    },
    /// Nothing to change in the network: tell the operator of the service.
    AskOperator {
        /// What is wrong, as in "its certificate is out of its validity".
        about: String,
        /// Whose.
        #[serde(flatten)]
        destination: Destination,
    },
    /// Advice that no program acts on.
    Advise {
        /// The sentence.
        text: String,
    },
}

/// How a proxy is made to work.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[serde(rename_all = "snake_case")]
pub enum ProxyRepair {
    /// It cannot be reached: start it, or correct its address.
    Start,
    /// It accepts connections and answers no request.
    Answer,
    /// It works and cannot reach the destination.
    ReachDestination,
    /// What answers there is no proxy of that kind.
    CheckKind,
    /// Its certificate is not trusted.
    ReplaceCertificate,
}

impl From<String> for Fix {
    fn from(text: String) -> Self {
        Fix::Advise { text }
    }
}

impl From<&str> for Fix {
    fn from(text: &str) -> Self {
        Fix::Advise { text: text.to_owned() }
    }
}

impl Fix {
    /// Let packets of a target pass.
    #[must_use]
    pub fn allow(target: &Target) -> Self {
        Fix::Allow { destination: Destination::of(target), on_this_machine: false }
    }

    /// Leave a target out of a filter.
    #[must_use]
    pub fn exempt(target: &Target, from: Filter) -> Self {
        Fix::Exempt { from, destination: Destination::of(target), on_this_machine: false, proxy: None }
    }

    /// The same rule, of this machine itself.
    #[must_use]
    pub fn on_this_machine(mut self) -> Self {
        if let Fix::Allow { on_this_machine, .. } | Fix::Exempt { on_this_machine, .. } = &mut self {
            *on_this_machine = true;
        }
        self
    }

    /// The destination it names, where it names one.
    #[must_use]
    pub fn destination(&self) -> Option<&Destination> {
        match self {
            Fix::Allow { destination, .. }
            | Fix::Exempt { destination, .. }
            | Fix::Authenticate { destination, .. }
            | Fix::RepairLogin { destination, .. }
            | Fix::RepairProxy { destination, .. }
            | Fix::RepairDns { destination, .. }
            | Fix::RepairIpv6 { destination }
            | Fix::RepairMtu { destination }
            | Fix::RepairPath { destination }
            | Fix::AcceptHello { destination, .. }
            | Fix::KeepIdle { destination, .. }
            | Fix::CheckService { destination }
            | Fix::AskOperator { destination, .. } => Some(destination),
            Fix::LogIn { .. }
            | Fix::RepairScript { .. }
            | Fix::SetClock
            | Fix::Connect { .. }
            | Fix::Advise { .. } => None,
        }
    }
}

impl fmt::Display for Fix {
    /// The sentence for a change request: who reads it may paste it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fix::Allow { destination, on_this_machine } => write!(f, "{}{}.", here(*on_this_machine, "Allow "), destination),
            Fix::Exempt { from, destination, on_this_machine, proxy } => {
                f.write_str(if *on_this_machine { "On this machine: " } else { "" })?;
                exemption(f, *from, destination, proxy.as_deref())
            }
            Fix::LogIn { url: Some(url) } => write!(f, "Open {url} in a browser on this machine and log in to the network's portal."),
            Fix::LogIn { url: None } => {
                f.write_str("Open a browser on this machine and log in to the network's portal, or have this machine exempted from it.")
            }
            Fix::Authenticate { proxy, destination } => write!(
                f,
                "Give netcheck (and the platform's clients) credentials for {proxy}, or exempt {destination} from authentication."
            ),
            Fix::RepairLogin { proxy, repair, destination } => repair.write(f, proxy, destination),
            Fix::RepairScript { url, how } => how.write(f, url),
            Fix::RepairProxy { proxy, how, destination } => proxy_repair(f, proxy, *how, destination),
            Fix::RepairDns { host: Some(host), destination, .. } => write!(
                f,
                "Have the resolver answer {host} with its public addresses, exempt from DNS filtering: it is needed for {destination}."
            ),
            Fix::RepairDns { host: None, resolver, destination } => write!(
                f,
                "Repair the resolver{}, or set a working one: it is needed for {destination}.",
                resolver.as_ref().map(|resolver| format!(" {resolver}")).unwrap_or_default()
            ),
            Fix::RepairIpv6 { destination } => {
                write!(
                    f,
                    "Repair the IPv6 route to {}, or stop announcing IPv6 to this network: it is needed for {destination}.",
                    destination.to
                )
            }
            Fix::RepairMtu { destination } => write!(
                f,
                "Let ICMP \"fragmentation needed\" pass, or clamp the TCP MSS, for {destination}."
            ),
            Fix::RepairPath { destination } => write!(
                f,
                "Find where packets for {destination} are lost or delayed: a full line, wireless, a rate limit, or missing priority for media."
            ),
            Fix::AcceptHello { destination, drops, after } => {
                match after {
                    Some(after) => write!(f, "A device at or after {after}")?,
                    None => f.write_str("A device on the path")?,
                }
                write!(f, " drops ClientHellos {drops}: update it, or exempt {destination} from it.")
            }
            Fix::KeepIdle { destination, seconds } => {
                write!(f, "Keep idle connections for {destination} open for {} minutes or more (session time-out).", seconds.div_ceil(60))
            }
            Fix::SetClock => f.write_str("Set this machine's clock (NTP): certificates look invalid because of it."),
            Fix::Connect { this_machine: true } => f.write_str("Connect this machine to the network: it has no route to the Internet."),
            Fix::Connect { this_machine: false } => {
                f.write_str("Restore this network's way to the Internet: nothing beyond the first hop answers.")
            }
            Fix::CheckService { destination } => write!(
                f,
                "No network change needed: {} itself refuses {}; check that the service runs.",
                destination.to,
                destination.rule()
            ),
            Fix::AskOperator { about, destination } => {
                write!(
                    f,
                    "No network change needed: tell the operator of {} ({}) that {about}.",
                    destination.to,
                    destination.rule()
                )
            }
            Fix::Advise { text } => f.write_str(text),
        }
    }
}

fn here(on_this_machine: bool, verb: &str) -> String {
    if on_this_machine { format!("On this machine: {verb}") } else { verb.to_owned() }
}

fn exemption(f: &mut fmt::Formatter<'_>, from: Filter, to: &Destination, proxy: Option<&str>) -> fmt::Result {
    match from {
        Filter::TlsInspection => write!(f, "Exempt {to} from TLS inspection (decryption)."),
        Filter::NameFilter => {
            write!(f, "Allow {to} by name (SNI {}); exempt it from name-based filtering.", to.to)
        }
        Filter::ProtocolFilter => {
            write!(f, "Allow {to}: the connection opens, but its data is blocked.")
        }
        Filter::WebFilter => write!(f, "Exempt {to} from the web filter."),
        Filter::TransparentProxy => write!(f, "Exempt {to} from the transparent proxy."),
        Filter::ProxyAuthentication => write!(f, "Exempt {to} from the transparent proxy's authentication."),
        Filter::ProxyPolicy => {
            write!(f, "Allow {to} on the proxy {} (CONNECT).", proxy.unwrap_or("of this network"))
        }
        Filter::WebsocketFilter => write!(f, "Allow the WebSocket upgrade for {to}."),
        Filter::CaptivePortal => write!(f, "Exempt {to} from the network's portal."),
        Filter::Rewriting => write!(f, "Switch off payload rewriting (SIP ALG and its like) for {to}."),
    }
}

fn proxy_repair(f: &mut fmt::Formatter<'_>, proxy: &str, how: ProxyRepair, to: &Destination) -> fmt::Result {
    match how {
        ProxyRepair::Start => {
            write!(f, "Start the proxy {proxy}, or correct its address in this machine's settings.")
        }
        ProxyRepair::Answer => write!(
            f,
            "Restart or relieve the proxy {proxy}: it accepts connections and answers no CONNECT; {to} goes through it."
        ),
        ProxyRepair::ReachDestination => write!(f, "Let the proxy {proxy} itself reach {to}."),
        ProxyRepair::CheckKind => write!(f, "Check that {proxy} is a proxy of that kind."),
        ProxyRepair::ReplaceCertificate => write!(
            f,
            "Give the proxy {proxy} a certificate for its name that this machine trusts: {to} goes through it."
        ),
    }
}

/// Every fix there is, for a target: what tests render.
#[must_use]
pub fn every(target: &Target) -> Vec<Fix> {
    let destination = || Destination::of(target);
    let filters = [
        Filter::TlsInspection,
        Filter::NameFilter,
        Filter::ProtocolFilter,
        Filter::WebFilter,
        Filter::TransparentProxy,
        Filter::ProxyAuthentication,
        Filter::ProxyPolicy,
        Filter::WebsocketFilter,
        Filter::CaptivePortal,
        Filter::Rewriting,
    ];
    let repairs = [
        ProxyRepair::Start,
        ProxyRepair::Answer,
        ProxyRepair::ReachDestination,
        ProxyRepair::CheckKind,
        ProxyRepair::ReplaceCertificate,
    ];
    let proxy = || "http://proxy.example:3128".to_owned();
    let mut all = vec![
        Fix::allow(target),
        Fix::allow(target).on_this_machine(),
        Fix::LogIn { url: None },
        Fix::LogIn { url: Some("http://portal.example/".into()) },
        Fix::Authenticate { proxy: proxy(), destination: destination() },
        Fix::RepairDns { host: Some(target.host.to_string()), resolver: None, destination: destination() },
        Fix::RepairDns { host: None, resolver: Some("192.0.2.53".into()), destination: destination() },
        Fix::RepairIpv6 { destination: destination() },
        Fix::RepairMtu { destination: destination() },
        Fix::RepairPath { destination: destination() },
        Fix::AcceptHello {
            destination: destination(),
            drops: "that span two TCP segments".to_owned(),
            after: Some([10, 30, 0, 2].into()),
        },
        Fix::KeepIdle { destination: destination(), seconds: 1800 },
        Fix::SetClock,
        Fix::Connect { this_machine: true },
        Fix::Connect { this_machine: false },
        Fix::CheckService { destination: destination() },
        Fix::AskOperator {
            about: "its certificate is out of its validity".into(),
            destination: destination(),
        },
    ];
    all.extend(filters.map(|filter| Fix::exempt(target, filter)));
    all.extend(repairs.map(|how| Fix::RepairProxy { proxy: proxy(), how, destination: destination() }));
    all
}
