//! What a person writes: a target with ranges, lists, braces and blocks, and its expansion, one target at a time.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::value::RawValue;

use crate::labels::Labels;
use crate::sample;
use crate::scheme::{self, DefaultPort, Scheme};
use crate::spelling;
use crate::target::{Host, Invalid, Target};

/// The widest block that is swept without being asked to sample it.
const WIDEST: u128 = 256;
/// The most hosts that braces may name: a bound against `{1..9}` written ten times over.
const MOST_NAMES: usize = 100_000;

/// How a block is drawn from.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sampling {
    /// How many addresses of a block, on every port given.
    pub sample: Option<u64>,
    /// Which ones: the same for the same seed.
    pub seed: u64,
}

#[derive(Clone, Debug)]
enum Hosts {
    Named(Vec<Host>),
    Block(IpNet),
}

/// One argument or line, checked and not yet expanded.
#[derive(Clone, Debug)]
pub struct Spec {
    scheme: Scheme,
    hosts: Hosts,
    ports: Vec<(u16, u16)>,
    path: String,
    labels: Option<Labels>,
}

/// A line of standard input that says what it is.
#[derive(Debug)]
pub enum Line {
    /// Blank, a comment, or a plan's line for another tool.
    Nothing,
    /// To be checked.
    Spec(Spec),
}

/// A line that is no target: what it says, why that cannot be checked, and the labels that came with it.
#[derive(Clone, Debug)]
pub struct Rejected {
    /// The target's text, or the whole line where it holds none.
    pub text: String,
    /// Why.
    pub why: Invalid,
    /// Returned unchanged, as a target's would be.
    pub labels: Option<Labels>,
}

impl Spec {
    /// Reads one line: a target, or `{"target": …, "labels": {…}}`.
    ///
    /// # Errors
    /// The line is no target.
    pub fn line(line: &str, tool: &str, sampling: Sampling) -> Result<Line, Rejected> {
        let reject = |why: Invalid| Rejected { text: line.trim().to_owned(), why, labels: None };
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            return Ok(Line::Nothing);
        }
        if !line.starts_with('{') || !line.contains('"') {
            return Spec::parse(line, tool, sampling).map(Line::Spec).map_err(reject);
        }
        let value: BTreeMap<Cow<'_, str>, &RawValue> =
            serde_json::from_str(line).map_err(|_| reject(Invalid::new("not a JSON object")))?;
        let target = value.get("target").and_then(|raw| serde_json::from_str::<String>(raw.get()).ok());
        let target = &target.ok_or_else(|| reject(Invalid::new("the object has no \"target\" text")))?;
        if let Some((scheme, _)) = target.split_once("://")
            && Scheme::named(scheme).is_some_and(|scheme| scheme.tool != tool)
        {
            return Ok(Line::Nothing);
        }
        let labels = match value.get("labels") {
            None => None,
            Some(raw) if raw.get() == "null" => None,
            Some(raw) => {
                Some(Labels::of(raw).ok_or_else(|| reject(Invalid::new("\"labels\" is not an object")))?)
            }
        };
        let mut spec = Spec::parse(target, tool, sampling).map_err(|why| Rejected {
            text: target.clone(),
            why,
            labels: labels.clone(),
        })?;
        spec.labels = labels;
        Ok(Line::Spec(spec))
    }

    /// Reads one target of `tool`'s.
    pub fn parse(text: &str, tool: &str, sampling: Sampling) -> Result<Spec, Invalid> {
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(Invalid::new("a target has no spaces or control characters"));
        }
        let (scheme, rest) = match text.split_once("://") {
            Some((name, rest)) => (known(name, tool)?, rest),
            None => (bare(text, tool)?, text),
        };
        let (authority, path) = cut(rest);
        if authority.contains('@') {
            return Err(Invalid::new(
                "user information does not belong in a target: give credentials in the environment or a file",
            ));
        }
        let (authority, path) = match block(authority, path) {
            Some((whole, path)) => (whole, path),
            None => (authority.to_owned(), path.to_owned()),
        };
        let (host, ports) = split_port(&authority)?;
        let ports = port_list(scheme, host, ports)?;
        let hosts = hosts(host, sampling)?;
        let path = clean_path(scheme, &path)?;
        Ok(Spec { scheme, hosts, ports, path, labels: None })
    }

    /// The host that was probably meant, where its name ends in a slip of the keyboard.
    #[must_use]
    pub fn suggested_host(&self) -> Option<String> {
        let Hosts::Named(hosts) = &self.hosts else { return None };
        hosts.iter().find_map(|host| spelling::host(&host.to_string()))
    }

    /// The targets, made as they are asked for.
    pub fn expand(self, sampling: Sampling) -> Box<dyn Iterator<Item = Target> + Send> {
        let Spec { scheme, hosts, ports, path, labels } = self;
        let hosts: Box<dyn Iterator<Item = Host> + Send> = match hosts {
            Hosts::Named(hosts) => Box::new(hosts.into_iter()),
            Hosts::Block(net) => Box::new(sample::addresses(net, sampling).map(Host::Address)),
        };
        Box::new(hosts.flat_map(move |host| {
            let (path, labels) = (path.clone(), labels.clone());
            let ports: Box<dyn Iterator<Item = Option<u16>> + Send> = if ports.is_empty() {
                Box::new(std::iter::once(None))
            } else {
                Box::new(ports.clone().into_iter().flat_map(|(first, last)| (first..=last).map(Some)))
            };
            ports.map(move |port| Target {
                scheme,
                host: host.clone(),
                port,
                path: path.clone(),
                labels: labels.clone(),
            })
        }))
    }
}

fn known(name: &str, tool: &str) -> Result<Scheme, Invalid> {
    let scheme = Scheme::named(name).ok_or_else(|| unknown(name, tool))?;
    if scheme.tool != tool || scheme.name == "message" {
        return Err(Invalid::new(format!("{}:// is checked by check-{}", scheme.name, scheme.tool)));
    }
    Ok(scheme)
}

/// What can be written instead of a scheme that does not exist.
fn unknown(name: &str, tool: &str) -> Invalid {
    let own: Vec<&str> = scheme::all()
        .filter(|scheme| scheme.tool == tool && scheme.name != "message")
        .map(|scheme| scheme.name)
        .collect();
    let meant =
        spelling::scheme(name).map(|scheme| format!("; did you mean {scheme}://?")).unwrap_or_default();
    Invalid::new(format!("the scheme is not known{meant} (check-{tool} has {})", own.join(", ")))
}

fn bare(text: &str, tool: &str) -> Result<Scheme, Invalid> {
    let scheme = Scheme::main_of(tool).ok_or_else(|| Invalid::new("a target begins with scheme://"))?;
    let (authority, _) = cut(text);
    match split_port(authority)? {
        (_, Some(_)) => Ok(scheme),
        _ if block(authority, &text[authority.len()..]).is_some() => Ok(scheme),
        _ => Err(Invalid::new(format!(
            "neither scheme://host nor host:port, as in {}://host:443",
            scheme.name
        ))),
    }
}

/// Cuts authority from path and query; a fragment never leaves the client and is dropped.
fn cut(rest: &str) -> (&str, &str) {
    let rest = rest.split('#').next().unwrap_or_default();
    // A slash inside brackets belongs to a block: [2620:149::/32].
    let from = if rest.starts_with('[') { rest.find(']').unwrap_or(0) } else { 0 };
    match rest[from..].find(['/', '?']) {
        Some(at) => rest.split_at(from + at),
        None => (rest, ""),
    }
}

/// `10.0.0.0` with `/8:443/path` is a block on port 443: only where a port follows it.
fn block(authority: &str, path: &str) -> Option<(String, String)> {
    let literal = authority.trim_start_matches('[').trim_end_matches(']');
    literal.parse::<IpAddr>().ok()?;
    let (bits, rest) = path.strip_prefix('/')?.split_once(':')?;
    if bits.is_empty() || !bits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (ports, path) = cut(rest);
    Some((format!("[{literal}/{bits}]:{ports}"), path.to_owned()))
}

fn split_port(authority: &str) -> Result<(&str, Option<&str>), Invalid> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, rest) = rest.split_once(']').ok_or_else(|| Invalid::new("the bracket is not closed"))?;
        return match rest.strip_prefix(':') {
            Some(ports) => Ok((host, Some(ports))),
            None if rest.is_empty() => Ok((host, None)),
            None => Err(Invalid::new("after the bracket comes a port or nothing")),
        };
    }
    match authority.split_once(':') {
        Some((_, ports)) if ports.contains(':') => Err(Invalid::new("an IPv6 address needs brackets")),
        Some((host, ports)) => Ok((host, Some(ports))),
        None => Ok((authority, None)),
    }
}

fn port_list(scheme: Scheme, host: &str, text: Option<&str>) -> Result<Vec<(u16, u16)>, Invalid> {
    let Some(text) = text else {
        return match scheme.port {
            DefaultPort::Is(port) => Ok(vec![(port, port)]),
            DefaultPort::None => Ok(Vec::new()),
            DefaultPort::Required => {
                let name = scheme.name;
                Err(Invalid::new(format!("{name}:// needs a port, as in {name}://{host}:443")))
            }
        };
    };
    if scheme.port == DefaultPort::None {
        return Err(Invalid::new(format!("{}:// has no port", scheme.name)));
    }
    let number = |text: &str| match text.parse::<u16>() {
        Ok(port) if port > 0 && text.bytes().all(|byte| byte.is_ascii_digit()) => Ok(port),
        _ => Err(Invalid::new("a port is a number from 1 to 65535")),
    };
    text.split(',')
        .map(|part| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last) = (number(first)?, number(last)?);
            if first > last {
                return Err(Invalid::new("a port range runs upwards"));
            }
            Ok((first, last))
        })
        .collect()
}

fn hosts(text: &str, sampling: Sampling) -> Result<Hosts, Invalid> {
    if text.contains('/') {
        let net: IpNet = text.parse().map_err(|_| Invalid::new("not an address block (ADDRESS/BITS)"))?;
        let net = net.trunc();
        if sample::size(net) > WIDEST && sampling.sample.is_none() {
            return Err(Invalid::new(format!(
                "the block {net} is wider than {WIDEST} addresses: say --sample N to check N of them"
            )));
        }
        return Ok(Hosts::Block(net));
    }
    let names = braces(text)?;
    Ok(Hosts::Named(names.iter().map(|name| Host::parse(name)).collect::<Result<_, _>>()?))
}

/// `{eu,us}-a{1..3}` as the shell reads it, without nesting.
fn braces(text: &str) -> Result<Vec<String>, Invalid> {
    let Some((before, rest)) = text.split_once('{') else {
        return if text.contains('}') {
            Err(Invalid::new("a brace is closed that was not opened"))
        } else {
            Ok(vec![text.to_owned()])
        };
    };
    let (inside, after) = rest.split_once('}').ok_or_else(|| Invalid::new("the brace is not closed"))?;
    if before.contains('}') || inside.contains('{') {
        return Err(Invalid::new("braces cannot be nested"));
    }
    let choices = choices(inside)?;
    let tails = braces(after)?;
    if choices.len().saturating_mul(tails.len()) > MOST_NAMES {
        return Err(Invalid::new(format!("the braces name more than {MOST_NAMES} hosts")));
    }
    let join =
        |choice: &String| tails.iter().map(|tail| format!("{before}{choice}{tail}")).collect::<Vec<_>>();
    Ok(choices.iter().flat_map(join).collect())
}

fn choices(inside: &str) -> Result<Vec<String>, Invalid> {
    if let Some((first, last)) = inside.split_once("..")
        && let (Ok(first), Ok(last)) = (first.parse::<u32>(), last.parse::<u32>())
    {
        if first > last || (last - first) as usize >= MOST_NAMES {
            return Err(Invalid::new("a brace range runs upwards, and not that far"));
        }
        return Ok((first..=last).map(|number| number.to_string()).collect());
    }
    Ok(inside.split(',').map(str::to_owned).collect())
}

fn clean_path(scheme: Scheme, path: &str) -> Result<String, Invalid> {
    if scheme.port == DefaultPort::None && !path.is_empty() {
        return Err(Invalid::new(format!("{}:// has no path", scheme.name)));
    }
    let mut clean = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_graphic()
            && !matches!(byte, b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}')
        {
            clean.push(char::from(byte));
        } else {
            clean.push_str(&format!("%{byte:02X}"));
        }
    }
    Ok(clean)
}

#[cfg(test)]
#[path = "spec_tests.rs"]
mod tests;
