//! The flags that are passed to the tools, and how their command lines are made.

use std::net::{IpAddr, SocketAddr};

use clap::Args;
use netcheck_record::flags::Reference;

use crate::env_secrets;

/// Flags that are passed to the tools, which document them (`check-tcp --help`).
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Passed to the tools")]
pub(crate) struct ToolFlags {
    /// Time limit of each stage [default: 5]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) timeout: Option<f64>,
    /// Time limit of each target [default: 4 × timeout]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) deadline: Option<f64>,
    /// Maximum concurrent targets of each tool [default: all of its targets, at most 512]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) jobs: Option<u32>,
    /// Maximum number of targets started per second by each tool [default: unlimited]
    #[arg(long, value_name = "N", value_parser = seconds)]
    pub(crate) rate: Option<f64>,
    /// Maximum number of attempts for a target that fails
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) attempts: Option<u32>,
    /// Use IPv4 only
    #[arg(short = '4', conflicts_with = "ipv6")]
    ipv4: bool,
    /// Use IPv6 only
    #[arg(short = '6')]
    ipv6: bool,
    /// Use this resolver instead of the system's
    #[arg(long, value_name = "ADDR[:PORT]")]
    resolver: Option<String>,
    /// Compare failed names with this resolver
    #[arg(long, value_name = "ADDR|URL")]
    reference_resolver: Option<String>,
    /// Connect to IP for HOST (repeatable)
    #[arg(long, value_name = "HOST=IP")]
    connect_to: Vec<String>,
    /// Proxy: `env`, `system`, `none`, pac+URL, or a URL; credentials from NETCHECK_PROXY_USER and NETCHECK_PROXY_PASSWORD
    #[arg(long, value_name = "env|system|none|pac+URL|URL")]
    pub(crate) proxy: Option<String>,
    /// Authentication at a proxy that asks for it
    #[arg(long, value_name = "auto|basic|negotiate|none", value_parser = ["auto", "basic", "negotiate", "none"])]
    proxy_auth: Option<String>,
    /// Service principal of the proxy
    #[arg(long, value_name = "HTTP/HOST[@REALM]")]
    proxy_spn: Option<String>,
    /// Keytab for Kerberos tickets
    #[arg(long, value_name = "FILE")]
    proxy_keytab: Option<String>,
    /// Hosts of proxies that get a password even if a PAC file fetched over plain HTTP chose them (repeatable)
    #[arg(long, value_name = "HOST")]
    proxy_auth_to: Vec<String>,
    /// File whose first line is USER:PASSWORD for the proxy
    #[arg(long, value_name = "FILE")]
    proxy_credentials: Option<String>,
    /// Accept private addresses as correct
    #[arg(long)]
    private_ok: bool,
    /// Send through this interface
    #[arg(long, value_name = "NAME")]
    interface: Option<String>,
    /// Send from this address
    #[arg(long, value_name = "ADDR")]
    source: Option<String>,
    /// Public roots, instead of the built-in ones
    #[arg(long, value_name = "FILE.pem")]
    public_roots: Option<String>,
    /// ClientHello [default: browser for https, wss, tls, quic and h3; small for the other schemes]
    #[arg(long, value_name = "browser|small", value_parser = ["browser", "small"])]
    hello: Option<String>,
    /// Control experiments
    #[arg(long, value_name = "auto|never", value_parser = ["auto", "never"])]
    diagnose: Option<String>,
    /// Seed of all random choices
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64))]
    seed: Option<u64>,
    /// Number of addresses drawn evenly from each block
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) sample: Option<u64>,
    /// Apple's roots, instead of the built-in ones (check-push)
    #[arg(long, value_name = "FILE.pem")]
    apple_roots: Option<String>,
    /// Networks of Google and Apple, newer than the built-in ones (check-push)
    #[arg(long, value_name = "FILE")]
    networks: Option<String>,
    /// Hold idle connections for so long (check-wss, check-push)
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) hold: Option<f64>,
    /// Probes for each target (check-udp)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    count: Option<u32>,
    /// Milliseconds between probes (check-udp)
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u32).range(1..))]
    interval: Option<u32>,
    /// Find the path MTU, too (check-udp)
    #[arg(skip)]
    mtu: bool,
    /// Publish for so many seconds (check-rtmps)
    #[arg(skip)]
    publish: Option<u32>,
}

/// An idle connection is held a little longer than a firewall's usual minute.
const HOLD: f64 = 65.0;
/// Datagrams of a series, as a telephone sends them in a second.
const SERIES: u32 = 50;
/// Milliseconds between them.
const BETWEEN: u32 = 20;
/// Seconds of a published stream: enough to see whether its bitrate arrives.
const STREAM: u32 = 5;
/// Streams at a time: each takes the bitrate of a camera, and together they must not fill the line they measure.
const STREAMS: u64 = 4;
/// Seconds for what comes before and after a stream.
const AROUND_STREAM: f64 = 1.0;

impl ToolFlags {
    /// The same with what a quick run leaves out: idle connections held, series of datagrams, sizes, and streams where
    /// there is a key to publish them with.
    #[must_use]
    pub(crate) fn thorough(&self) -> ToolFlags {
        ToolFlags {
            hold: self.hold.or(Some(HOLD)),
            count: self.count.or(Some(SERIES)),
            interval: self.interval.or(Some(BETWEEN)),
            mtu: true,
            publish: env_secrets::stream_key().then_some(STREAM),
            ..self.clone()
        }
    }

    /// The same without what the caller itself gives each tool: holds and series.
    #[must_use]
    pub(crate) fn without_measurements(&self) -> ToolFlags {
        ToolFlags { hold: None, count: None, interval: None, mtu: false, publish: None, ..self.clone() }
    }

    /// About how long a run with so many ingest targets takes that finds nothing wrong, in seconds.
    pub(crate) fn lasting(&self, ingest: u64) -> f64 {
        let series = f64::from(self.count.unwrap_or(0)) * f64::from(self.interval.unwrap_or(1000)) / 1000.0;
        let streams = self.streaming(ingest);
        self.hold.unwrap_or(0.0).max(series).max(streams) + self.timeout.unwrap_or(5.0)
    }

    /// Whether streams are published.
    pub(crate) fn publishes(&self) -> bool {
        self.publish.is_some()
    }

    /// How long the streams to so many targets take, in seconds.
    fn streaming(&self, targets: u64) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a count of targets, for a time in seconds")]
        let waves = targets.div_ceil(self.jobs(targets).min(STREAMS)) as f64;
        self.publish.map_or(0.0, |seconds| waves * (f64::from(seconds) + AROUND_STREAM))
    }

    /// Whether there is a proxy to go through: named by a flag, or by the environment.
    pub(crate) fn proxy_configured(&self) -> bool {
        match self.proxy.as_deref() {
            Some("none") => false,
            None | Some("env") => env_secrets::proxy_in_environment(),
            Some(_) => true,
        }
    }

    /// Only what chooses proxies.
    pub(crate) fn of_proxy(proxy: Option<String>, sample: Option<u64>) -> Self {
        ToolFlags { proxy, sample, ..ToolFlags::default() }
    }

    /// Looks at what clap cannot, before any packet. Not a value parser: clap repeats a wrong value in its message,
    /// and a proxy's URL may hold a password.
    ///
    /// # Errors
    /// A sentence about the flag that cannot be used.
    pub(crate) fn validate(&self) -> Result<(), String> {
        if let Some(url) = &self.proxy {
            proxy(url).map_err(|why| format!("--proxy: {why}"))?;
        }
        let address = |text: &str| text.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
        if let Some(text) = &self.resolver
            && !address(text)
            && text.parse::<SocketAddr>().is_err()
        {
            return Err("--resolver: an address, or address:port".into());
        }
        if let Some(text) = &self.reference_resolver {
            Reference::parse(text).map_err(|why| format!("--reference-resolver: {why}"))?;
        }
        if self.source.as_deref().is_some_and(|text| !address(text)) {
            return Err("--source: an address".into());
        }
        let pin =
            |text: &String| text.split_once('=').is_some_and(|(host, ip)| !host.is_empty() && address(ip));
        if !self.connect_to.iter().all(pin) {
            return Err("--connect-to: HOST=IP, where IP is an address".into());
        }
        Ok(())
    }

    /// What `tool` is started with for `targets` targets.
    pub(crate) fn args(&self, tool: &str, targets: u64) -> Vec<String> {
        let mut args = Vec::new();
        let mut give = |flag: &str, value: Option<String>| {
            if let Some(value) = value {
                args.extend([flag.to_owned(), value]);
            }
        };
        let streams = self.publish.filter(|_| tool == "rtmps");
        let jobs = self.jobs(targets);
        give("--jobs", Some(streams.map_or(jobs, |_| jobs.min(STREAMS)).to_string()));
        give("--publish", streams.map(|seconds| seconds.to_string()));
        give("--timeout", self.timeout.map(|value| value.to_string()));
        give("--deadline", self.deadline.map(|value| value.to_string()));
        give("--rate", self.rate.map(|value| value.to_string()));
        give("--attempts", self.attempts.map(|value| value.to_string()));
        for (flag, value) in [
            ("--resolver", &self.resolver),
            ("--reference-resolver", &self.reference_resolver),
            ("--proxy", &self.proxy),
            ("--proxy-credentials", &self.proxy_credentials),
            ("--proxy-auth", &self.proxy_auth),
            ("--proxy-spn", &self.proxy_spn),
            ("--proxy-keytab", &self.proxy_keytab),
            ("--interface", &self.interface),
            ("--source", &self.source),
            ("--public-roots", &self.public_roots),
            ("--hello", &self.hello),
            ("--diagnose", &self.diagnose),
        ] {
            give(flag, value.clone());
        }
        self.connect_to.iter().for_each(|pin| give("--connect-to", Some(pin.clone())));
        self.proxy_auth_to.iter().for_each(|host| give("--proxy-auth-to", Some(host.clone())));
        give("--seed", self.seed.map(|value| value.to_string()));
        give("--sample", self.sample.map(|value| value.to_string()));
        if tool == "push" {
            give("--apple-roots", self.apple_roots.clone());
            give("--networks", self.networks.clone());
        }
        if matches!(tool, "push" | "wss") {
            give("--hold", self.hold.map(|value| value.to_string()));
        }
        if tool == "udp" {
            give("--count", self.count.map(|value| value.to_string()));
            give("--interval", self.interval.map(|value| value.to_string()));
            args.extend(self.mtu.then(|| "--mtu".to_owned()));
        }
        for (flag, set) in [("-4", self.ipv4), ("-6", self.ipv6), ("--private-ok", self.private_ok)] {
            args.extend(set.then(|| flag.to_owned()));
        }
        args
    }

    /// All of a share at once, so that a network that drops everything costs one timeout and not a sum.
    pub(crate) fn jobs(&self, targets: u64) -> u64 {
        self.jobs.map_or(targets.clamp(1, 512), u64::from)
    }

    /// How long a tool may take for `targets` targets before it counts as hung, in seconds: three times what its
    /// own bounds allow, since the bounds are its own and this is for when they do not hold.
    pub(crate) fn patience(&self, tool: &str, targets: u64) -> f64 {
        let deadline = self.deadline.unwrap_or(4.0 * self.timeout.unwrap_or(5.0));
        let publishing = tool == "rtmps" && self.publishes();
        let jobs = if publishing { self.jobs(targets).min(STREAMS) } else { self.jobs(targets) };
        let waves = targets.div_ceil(jobs).max(1);
        let streams = if publishing { self.streaming(targets) } else { 0.0 };
        #[expect(clippy::cast_precision_loss, reason = "a count of targets, for a bound in seconds")]
        let (waves, targets) = (waves as f64, targets as f64);
        let once = deadline * waves * f64::from(self.attempts.unwrap_or(1));
        let series = f64::from(self.count.unwrap_or(0)) * f64::from(self.interval.unwrap_or(1000)) / 1000.0;
        let lasting = (self.hold.unwrap_or(0.0) + series) * waves;
        3.0 * once + 2.0 + lasting + streams + self.rate.map_or(0.0, |rate| targets / rate)
    }
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value > 0.0 && value <= 86_400.0 => Ok(value),
        _ => Err("a number above 0, at most 86400".into()),
    }
}

/// Whether a value of `--proxy` can be understood.
///
/// # Errors
/// What may stand there.
pub(crate) fn proxy(text: &str) -> Result<(), String> {
    if ["env", "system", "none"].contains(&text) {
        return Ok(());
    }
    let proxies = ["http://", "https://", "socks5h://"];
    let scripts = ["http://", "https://", "file:///"];
    let known = match text.strip_prefix("pac+") {
        Some(url) => scripts.iter().any(|scheme| url.starts_with(scheme)),
        None => proxies.iter().any(|scheme| text.starts_with(scheme)),
    };
    if !known {
        return Err("env, system, none, pac+URL, or an http://, https:// or socks5h:// URL".into());
    }
    if text.contains('@') {
        return Err("credentials do not belong on a command line: use NETCHECK_PROXY_USER and NETCHECK_PROXY_PASSWORD, or --proxy-credentials FILE".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_of_one_tool_reaches_no_other() {
        let tool_flags =
            ToolFlags { apple_roots: Some("a.pem".into()), hold: Some(1.5), ..ToolFlags::default() };
        assert_eq!(tool_flags.args("tcp", 3), ["--jobs", "3"]);
        assert_eq!(tool_flags.args("push", 9), ["--jobs", "9", "--apple-roots", "a.pem", "--hold", "1.5"]);
    }

    #[test]
    fn a_share_is_run_at_once_up_to_a_bound() {
        let tool_flags = ToolFlags::default();
        assert_eq!((tool_flags.jobs(0), tool_flags.jobs(153), tool_flags.jobs(65_536)), (1, 153, 512));
    }

    #[test]
    fn credentials_in_a_proxy_are_refused_and_not_repeated() {
        let why = proxy("http://user:hunter2@proxy:3128").unwrap_err();
        assert!(!why.contains("hunter2"));
        assert!(proxy("ftp://proxy").is_err());
        for text in ["socks5h://proxy:1080", "system", "pac+https://wpad/p.pac", "pac+file:///etc/p.pac"] {
            assert_eq!(proxy(text), Ok(()), "{text}");
        }
        assert!(proxy("pac+ftp://wpad/p.pac").is_err());
    }
}
