//! A target of a plan: which tool takes it, and how many records come back for it.

use netcheck_record::scheme::{self, Scheme, Transport};
use netcheck_record::spec::{Sampling, Spec};

/// The tools, by their names without `check-`: those that the schemes name, in their order.
#[must_use]
pub fn tools() -> Vec<&'static str> {
    let mut tools = Vec::new();
    for scheme in scheme::ALL {
        if !tools.contains(&scheme.tool) {
            tools.push(scheme.tool);
        }
    }
    tools
}

/// What a tool gets of a plan's line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Share {
    /// The tool.
    pub(crate) tool: &'static str,
    /// How many targets it expands to, and so how many records come back.
    pub(crate) count: u64,
}

impl Share {
    /// Who takes `target`, and how often. A wide block counts as `sample` addresses.
    ///
    /// # Errors
    /// A sentence about what is wrong with it.
    pub(crate) fn of(target: &str, sample: Option<u64>) -> Result<Share, String> {
        let (name, _) = target.split_once("://").ok_or("a target of a plan begins with scheme://")?;
        let scheme = Scheme::named(name).ok_or_else(|| format!("the scheme {name}:// is not known"))?;
        let sampling = Sampling { sample, seed: 0 };
        let spec = Spec::parse(target, scheme.tool, sampling).map_err(|why| why.0)?;
        Ok(Share { tool: scheme.tool, count: spec.expand(sampling).count() as u64 })
    }
}

/// What a canonical target says of itself: `scheme://host:port/path`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// The scheme.
    pub(crate) scheme: String,
    /// Host, without brackets.
    pub(crate) host: String,
    /// The port, where the scheme has one.
    pub(crate) port: Option<u16>,
}

impl Place {
    /// Reads a canonical target; what is none becomes a host as it stands.
    pub(crate) fn of(target: &str) -> Place {
        let (scheme, rest) = target.split_once("://").unwrap_or(("", target));
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => match port.parse() {
                Ok(port) => (host, Some(port)),
                Err(_) => (authority, None),
            },
            _ => (authority, None),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        Place { scheme: scheme.to_owned(), host: host.to_owned(), port }
    }
}

/// `TCP` or `UDP`: what a firewall rule names. `rest` is the target's path and query.
pub(crate) fn transport(scheme: &str, rest: &str) -> &'static str {
    let query = rest.split_once('?').map(|(_, query)| query);
    Scheme::named(scheme).map_or(Transport::Tcp, |scheme| scheme.transport(query)).as_str()
}

/// The last two labels of a name: what one organisation registers, or more than that.
pub(crate) fn site(host: &str) -> String {
    if host.parse::<std::net::IpAddr>().is_ok() {
        return host.to_owned();
    }
    let labels: Vec<&str> = host.rsplitn(3, '.').take(2).collect();
    labels.into_iter().rev().collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_in_three_regions_is_153_records_of_one_tool() {
        let share = Share::of("rtmps://{eu,us,ap}-channel.spotme.com:10000-10050", None);
        assert_eq!(share, Ok(Share { tool: "rtmps", count: 153 }));
    }

    #[test]
    fn a_block_is_counted_by_its_sample_and_refused_without() {
        assert!(Share::of("tcp://17.0.0.0/8:5223", None).is_err());
        assert_eq!(Share::of("tcp://17.0.0.0/8:443,5223", Some(16)), Ok(Share { tool: "tcp", count: 32 }));
    }

    #[test]
    fn places_are_read_back_from_canonical_targets() {
        let place = Place::of("https://[2620:149::1]:443/a:b");
        assert_eq!((place.host.as_str(), place.port), ("2620:149::1", Some(443)));
        assert_eq!(Place::of("sender://spotme.com").port, None);
        assert_eq!(Place::of("icmp://[::1]").host, "::1");
        assert_eq!(Place::of("garbage"), Place { scheme: String::new(), host: "garbage".into(), port: None });
    }
}
