//! The system's own word on names: resolv.conf and the hosts file, read without the C library.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

use netcheck_record::file;

use super::message::MOST;

/// What resolv.conf(5) says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// The resolvers, in order.
    pub servers: Vec<SocketAddr>,
    /// The search list, for names without a dot.
    pub search: Vec<String>,
}

/// resolv.conf(5) reads no more than this.
const MOST_SERVERS: usize = 3;
/// Longer files are cut: nobody needs them, and they cost memory.
const LONGEST: u64 = 4 << 20;

/// Asks the system; without a server it means the local one, as the C library has it.
#[must_use]
pub fn system() -> Config {
    let mut config = parse(&netcheck_os::names::resolvers(LONGEST));
    if config.servers.is_empty() {
        config.servers.push(SocketAddr::from(([127, 0, 0, 1], 53)));
    }
    config
}

/// Reads the text of a resolv.conf.
#[must_use]
pub fn parse(text: &str) -> Config {
    let mut config = Config::default();
    for line in text.lines() {
        let line = line.split(['#', ';']).next().unwrap_or_default();
        let mut words = line.split_whitespace();
        match words.next() {
            Some("nameserver") if config.servers.len() < MOST_SERVERS => {
                config.servers.extend(words.next().and_then(server));
            }
            Some("search" | "domain") => {
                config.search =
                    words.take(6).map(|word| word.trim_matches('.').to_ascii_lowercase()).collect();
            }
            _ => {}
        }
    }
    config
}

fn server(word: &str) -> Option<SocketAddr> {
    if let Ok(address) = word.parse::<IpAddr>() {
        return Some(SocketAddr::new(address, 53));
    }
    // A link-local server names its interface: fe80::1%eth0.
    let (address, interface) = word.split_once('%')?;
    let index = netcheck_os::device::index(interface)?;
    let address = address.parse().ok()?;
    Some(SocketAddr::V6(std::net::SocketAddrV6::new(address, 53, 0, index)))
}

/// The hosts file: names to addresses.
#[must_use]
pub fn hosts() -> HashMap<String, Vec<IpAddr>> {
    let text = file::beginning(&netcheck_os::names::hosts_file(), LONGEST).unwrap_or_default();
    parse_hosts(&String::from_utf8_lossy(&text))
}

/// Reads the text of a hosts file.
#[must_use]
pub fn parse_hosts(text: &str) -> HashMap<String, Vec<IpAddr>> {
    let mut hosts: HashMap<String, Vec<IpAddr>> = HashMap::new();
    for line in text.lines() {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        let Some(Ok(address)) = words.next().map(str::parse::<IpAddr>) else { continue };
        for name in words {
            let known = hosts.entry(name.trim_end_matches('.').to_ascii_lowercase()).or_default();
            if known.len() < MOST && !known.contains(&address) {
                known.push(address);
            }
        }
    }
    hosts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolv_conf_is_read_as_the_manual_says() {
        let text =
            "# x\nnameserver 10.0.0.1\nnameserver fd00::1 # y\nsearch Corp.example a.b\nnameserver bad\n";
        let config = parse(text);
        assert_eq!(config.servers, ["10.0.0.1:53".parse(), "[fd00::1]:53".parse()].map(Result::unwrap));
        assert_eq!(config.search, ["corp.example", "a.b"]);
    }

    #[test]
    fn the_hosts_file_gives_both_families() {
        let hosts = parse_hosts("127.0.0.1 localhost Lo # c\n::1 localhost\nbad line\n");
        assert_eq!(hosts["localhost"].len(), 2);
        assert_eq!(hosts["lo"].len(), 1);
    }
}
