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
    /// One JSON object per line
    Json,
    /// One line per target, for people
    Text,
}

/// Whether a failure is followed by control experiments.
#[derive(Clone, Copy, Debug, ValueEnum, PartialEq, Eq)]
pub enum Diagnose {
    /// After a failure, and while a stage gets no answer
    Auto,
    /// Never: send only the check itself
    Never,
}

/// Headings of `--help`: the same in every tool, in this order, after the tool's own options.
pub mod headings {
    /// What is checked.
    pub const TARGETS: &str = "Targets";
    /// How long, how many, how often.
    pub const LOAD: &str = "Time and load";
    /// How packets leave this machine, and how names are resolved.
    pub const NETWORK: &str = "Network";
    /// The way through a proxy.
    pub const PROXY: &str = "Proxy";
    /// What is sent and trusted in TLS.
    pub const TLS: &str = "TLS";
    /// What follows a failure.
    pub const DIAGNOSIS: &str = "Diagnosis";
    /// What is printed.
    pub const OUTPUT: &str = "Output";
}
use headings::{DIAGNOSIS, LOAD, NETWORK, OUTPUT, PROXY, TARGETS, TLS};

/// The flags every check has (docs/RECORD.md says what they change in a record).
#[derive(Args, Clone, Debug)]
pub struct Flags {
    /// Targets; without any, standard input is read, one target per line
    #[arg(value_name = "TARGET", help_heading = TARGETS)]
    pub targets: Vec<String>,
    /// Number of addresses drawn evenly from each block
    #[arg(long, value_name = "N", help_heading = TARGETS, value_parser = clap::value_parser!(u64).range(1..))]
    pub sample: Option<u64>,
    /// Seed of all random choices
    #[arg(long, value_name = "N", default_value = "0", help_heading = TARGETS)]
    pub seed: u64,
    /// Accept private addresses as correct for these names
    #[arg(long, help_heading = TARGETS)]
    pub private_ok: bool,
    /// Time limit of each stage
    #[arg(long, value_name = "SECONDS", default_value = "5", help_heading = LOAD, value_parser = seconds)]
    pub timeout: Duration,
    /// Time limit of each target [default: 4 × timeout, plus the time of --hold, --publish, --relay, --download or --upload]
    #[arg(long, value_name = "SECONDS", help_heading = LOAD, value_parser = seconds)]
    pub deadline: Option<Duration>,
    /// Maximum concurrent targets; high values inflate latencies, use 1 for precise timing
    #[arg(long, value_name = "N", default_value = "64", help_heading = LOAD, value_parser = clap::value_parser!(u32).range(1..))]
    pub jobs: u32,
    /// Maximum number of targets started per second [default: unlimited]
    #[arg(long, value_name = "N", help_heading = LOAD, value_parser = rate)]
    pub rate: Option<f64>,
    /// Maximum number of attempts for a target that fails
    #[arg(long, value_name = "N", default_value = "1", help_heading = LOAD, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub attempts: u32,
    /// Use IPv4 only
    #[arg(short = '4', conflicts_with = "ipv6", help_heading = NETWORK)]
    pub ipv4: bool,
    /// Use IPv6 only
    #[arg(short = '6', help_heading = NETWORK)]
    pub ipv6: bool,
    /// Send through this interface
    #[arg(long, value_name = "NAME", help_heading = NETWORK)]
    pub interface: Option<String>,
    /// Send from this address
    #[arg(long, value_name = "ADDR", help_heading = NETWORK)]
    pub source: Option<IpAddr>,
    /// Use this resolver instead of the system's
    #[arg(long, value_name = "ADDR[:PORT]", help_heading = NETWORK, value_parser = resolver)]
    pub resolver: Option<SocketAddr>,
    /// Compare failed names with this resolver: its address, or a DNS-over-HTTPS URL
    #[arg(long, value_name = "ADDR|URL", help_heading = NETWORK, value_parser = ReferenceParser)]
    pub reference_resolver: Option<Reference>,
    /// Connect to IP for HOST; HOST stays in SNI and Host (repeatable)
    #[arg(long, value_name = "HOST=IP", help_heading = NETWORK, value_parser = pin)]
    pub connect_to: Vec<(String, IpAddr)>,
    /// Proxy: `env` (variables), `system` (variables, browser policy, desktop, WPAD), `none`, pac+URL, or an http://, https:// or socks5h:// URL
    #[arg(long, value_name = "env|system|none|pac+URL|URL", default_value = "env", help_heading = PROXY)]
    pub proxy: String,
    /// File whose first line is USER:PASSWORD for the proxy
    #[arg(long, value_name = "FILE", help_heading = PROXY)]
    pub proxy_credentials: Option<PathBuf>,
    /// Authentication at a proxy that asks for it
    #[arg(long, value_enum, value_name = "SCHEME", default_value = "auto", help_heading = PROXY)]
    pub proxy_auth: ProxyAuth,
    /// Hosts of proxies that get a password even if a PAC file fetched over plain HTTP chose them (repeatable)
    #[arg(long, value_name = "HOST", help_heading = PROXY)]
    pub proxy_auth_to: Vec<String>,
    /// Service principal of the proxy [default: HTTP/ and the proxy's canonical host name]
    #[arg(long, value_name = "HTTP/HOST[@REALM]", help_heading = PROXY)]
    pub proxy_spn: Option<String>,
    /// Keytab for Kerberos tickets, instead of the ticket cache
    #[arg(long, value_name = "FILE", help_heading = PROXY)]
    pub proxy_keytab: Option<PathBuf>,
    /// Show which proxies each target would use, and why; send nothing to the targets
    #[arg(long, help_heading = PROXY)]
    pub list_proxies: bool,
    /// ClientHello [default: browser for https, wss, tls, quic and h3; small for the other schemes]
    #[arg(long, value_enum, value_name = "KIND", help_heading = TLS)]
    pub hello: Option<HelloKind>,
    /// Public roots, instead of the built-in ones
    #[arg(long, value_name = "FILE.pem", help_heading = TLS)]
    pub public_roots: Option<PathBuf>,
    /// Control experiments
    #[arg(long, value_enum, value_name = "WHEN", default_value = "auto", help_heading = DIAGNOSIS)]
    pub diagnose: Diagnose,
    /// Show each stage, experiment and rule on standard error (-vv: each connection attempt too)
    #[arg(short, action = clap::ArgAction::Count, help_heading = DIAGNOSIS)]
    pub verbose: u8,
    /// Output format [default: text on a terminal, json otherwise]
    #[arg(long, value_enum, value_name = "FORMAT", help_heading = OUTPUT)]
    pub format: Option<Format>,
    /// Print records in the order of the input
    #[arg(long, help_heading = OUTPUT)]
    pub ordered: bool,
    /// Count a degraded target as failed in the exit code
    #[arg(long, help_heading = OUTPUT)]
    pub strict: bool,
}

/// How this machine authenticates at a proxy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ProxyAuth {
    /// Negotiate if there is a Kerberos ticket, otherwise Basic
    #[default]
    Auto,
    /// User name and password
    Basic,
    /// Kerberos
    Negotiate,
    /// No authentication
    None,
}

/// The resolver that failed names are compared with.
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

/// An address without the brackets of IPv6.
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
