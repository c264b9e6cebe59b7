//! The flags every check has.

use std::ffi::OsStr;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::TypedValueParser;
use clap::error::ErrorKind;
use clap::{Args, ValueEnum};

use crate::scheme::HelloKind;

/// The form of the output.
#[derive(Clone, Copy, Debug, ValueEnum, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line.
    Json,
    /// One line a target, for people.
    Text,
}

/// Whether a failure is followed by control experiments.
#[derive(Clone, Copy, Debug, ValueEnum, PartialEq, Eq)]
pub enum Diagnose {
    /// After a failure, or while a stage stays silent.
    Auto,
    /// Never: only what the check itself saw.
    Never,
}

/// The flags every check has (docs/RECORD.md tells what they change in a record).
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Common options")]
pub struct Flags {
    /// Targets; with none, one per line on standard input
    #[arg(value_name = "TARGET")]
    pub targets: Vec<String>,
    /// Bound of each stage
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    pub timeout: Duration,
    /// Bound of a whole target [default: 4 × timeout, and what a hold takes on purpose]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub deadline: Option<Duration>,
    /// Targets at once (many at once bend the timings: 512 handshakes share one processor)
    #[arg(long, value_name = "N", default_value = "64", value_parser = clap::value_parser!(u32).range(1..))]
    pub jobs: u32,
    /// New targets a second [default: unlimited]
    #[arg(long, value_name = "N", value_parser = rate)]
    pub rate: Option<f64>,
    /// Tries for a target that fails
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub attempts: u32,
    /// Print records in order of input
    #[arg(long)]
    pub ordered: bool,
    /// Count a degraded target as failed in the exit code
    #[arg(long)]
    pub strict: bool,
    /// Use IPv4 only
    #[arg(short = '4', conflicts_with = "ipv6")]
    pub ipv4: bool,
    /// Use IPv6 only
    #[arg(short = '6')]
    pub ipv6: bool,
    /// Ask this resolver instead of the system's
    #[arg(long, value_name = "ADDR[:PORT]", value_parser = resolver)]
    pub resolver: Option<SocketAddr>,
    /// A second opinion on names: a resolver's address or a DNS-over-HTTPS URL
    #[arg(long, value_name = "ADDR|URL", value_parser = ReferenceParser)]
    pub reference_resolver: Option<Reference>,
    /// Connect to IP for HOST; HOST stays in SNI and Host (repeatable)
    #[arg(long, value_name = "HOST=IP", value_parser = pin)]
    pub connect_to: Vec<(String, IpAddr)>,
    /// `env`, `system` (environment, browser policy, desktop, WPAD), `none`, pac+URL, or http://, https://, socks5h:// URL; credentials from NETCHECK_PROXY_USER, NETCHECK_PROXY_PASSWORD or --proxy-credentials
    #[arg(long, value_name = "env|system|none|pac+URL|URL", default_value = "env")]
    pub proxy: String,
    /// How to answer a proxy that asks who you are
    #[arg(long, value_enum, value_name = "SCHEME", default_value = "auto")]
    pub proxy_auth: ProxyAuth,
    /// The proxy's service principal [default: HTTP/ and the proxy's canonical host name]
    #[arg(long, value_name = "HTTP/HOST[@REALM]")]
    pub proxy_spn: Option<String>,
    /// Keytab to ask for Kerberos tickets with, instead of the ticket cache
    #[arg(long, value_name = "FILE")]
    pub proxy_keytab: Option<PathBuf>,
    /// Proxies that get a password although a PAC file fetched over plain HTTP chose them (repeatable)
    #[arg(long, value_name = "HOST")]
    pub proxy_auth_to: Vec<String>,
    /// Only say which proxies each target would take, and why: nothing is sent to a target
    #[arg(long)]
    pub list_proxies: bool,
    /// File whose first line is USER:PASSWORD for the proxy
    #[arg(long, value_name = "FILE")]
    pub proxy_credentials: Option<PathBuf>,
    /// Private addresses are right answers for these names
    #[arg(long)]
    pub private_ok: bool,
    /// Leave through this interface
    #[arg(long, value_name = "NAME")]
    pub interface: Option<String>,
    /// Leave from this address
    #[arg(long, value_name = "ADDR")]
    pub source: Option<IpAddr>,
    /// Public roots to use instead of the built-in ones
    #[arg(long, value_name = "FILE.pem")]
    pub public_roots: Option<PathBuf>,
    /// ClientHello to send [default: browser for https, wss, tls, quic and h3; small for the others]
    #[arg(long, value_enum, value_name = "KIND")]
    pub hello: Option<HelloKind>,
    /// Control experiments after a failure
    #[arg(long, value_enum, default_value = "auto")]
    pub diagnose: Diagnose,
    /// Output format [default: text on a terminal, json otherwise]
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    /// Seed of every random choice
    #[arg(long, value_name = "N", default_value = "0")]
    pub seed: u64,
    /// Addresses drawn from each block, evenly
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub sample: Option<u64>,
    /// Tell each stage, experiment and rule on standard error (-vv: each connection attempt too)
    #[arg(short, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// How a proxy's question who we are is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ProxyAuth {
    /// Negotiate where a ticket can be had, else Basic
    #[default]
    Auto,
    /// User and password
    Basic,
    /// Kerberos
    Negotiate,
    /// Not at all
    None,
}

/// Who gives the second opinion on names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// A resolver, over UDP and TCP.
    Server(SocketAddr),
    /// DNS over HTTPS (RFC 8484).
    Https(String),
}

impl Reference {
    /// Reads a resolver's address, or the URL of one.
    ///
    /// # Errors
    /// What it should be, without the text: there may be a password in it.
    pub fn parse(text: &str) -> Result<Reference, String> {
        if text.starts_with("https://") {
            crate::spec::Spec::parse(text, "tcp", crate::spec::Sampling::default()).map_err(|why| why.0)?;
            return Ok(Reference::Https(text.to_owned()));
        }
        let server = resolver(text).map(Reference::Server);
        server.map_err(|_| "an address, address:port, or an https:// URL".into())
    }
}

/// Reads `--reference-resolver`. The usual parsers repeat a wrong value in their message, with the password in it.
#[derive(Clone)]
struct ReferenceParser;

impl TypedValueParser for ReferenceParser {
    type Value = Reference;

    fn parse_ref(
        &self,
        command: &clap::Command,
        _: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<Reference, clap::Error> {
        Reference::parse(&value.to_string_lossy()).map_err(|why| {
            let message = format!("--reference-resolver: {why}\n");
            clap::Error::raw(ErrorKind::ValueValidation, message).with_cmd(command)
        })
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(value) if value > 0.0 && value <= 86_400.0 => Ok(Duration::from_secs_f64(value)),
        _ => Err("a number of seconds above 0, at most 86400".into()),
    }
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if (0.001..=1_000_000.0).contains(&value) => Ok(value),
        _ => Err("a number from 0.001 to 1000000".into()),
    }
}

fn resolver(text: &str) -> Result<SocketAddr, String> {
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Ok(address);
    }
    bare(text)
        .parse::<IpAddr>()
        .map(|ip| SocketAddr::new(ip, 53))
        .map_err(|_| "an address, or address:port".into())
}

/// An IPv6 address may stand in brackets.
fn bare(text: &str) -> &str {
    text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text)
}

fn pin(text: &str) -> Result<(String, IpAddr), String> {
    let (host, ip) = text.split_once('=').ok_or("HOST=IP")?;
    let ip = bare(ip).parse().map_err(|_| "HOST=IP, where IP is an address")?;
    let host = crate::target::Host::parse(bare(host)).map_err(|why| why.0)?;
    Ok((host.to_string(), ip))
}

impl Flags {
    /// The form of the output: as asked for, else what suits its reader.
    #[must_use]
    pub fn format(&self) -> Format {
        let people = || std::io::IsTerminal::is_terminal(&std::io::stdout());
        self.format.unwrap_or_else(|| if people() { Format::Text } else { Format::Json })
    }

    /// How blocks are drawn from.
    #[must_use]
    pub fn sampling(&self) -> crate::spec::Sampling {
        crate::spec::Sampling { sample: self.sample, seed: self.seed }
    }
}
