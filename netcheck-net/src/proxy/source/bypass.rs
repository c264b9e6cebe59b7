//! Which hosts go round the proxy: `no_proxy` as curl reads it, and the lists of browsers and desktops.

use std::net::IpAddr;

use ipnet::IpNet;

use netcheck_record::target::Host;

/// The most entries of a list.
const MOST_ENTRIES: usize = 4096;

/// Whose rules a list follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Rules {
    /// curl: a name stands for itself and all below it.
    #[default]
    Curl,
    /// Chromium: a name stands for itself; `.name` and `*.name` for those below it.
    Browser,
}

/// A list of exemptions.
#[derive(Clone, Debug, Default)]
pub struct Bypass {
    rules: Rules,
    entries: Vec<String>,
}

impl Bypass {
    /// Reads `no_proxy`: commas or blanks between entries; `*` means everything only where it stands alone.
    #[must_use]
    pub fn curl(text: &str) -> Self {
        let separator = |c: char| c == ',' || c.is_whitespace();
        let names = text.split(separator).map(|name| name.trim_end_matches('.').to_ascii_lowercase());
        let entries: Vec<String> = names.filter(|name| !name.is_empty()).take(MOST_ENTRIES).collect();
        let alone = entries.len() == 1;
        Bypass {
            rules: Rules::Curl,
            entries: entries.into_iter().filter(|name| alone || name != "*").collect(),
        }
    }

    /// Reads the list of a browser or desktop.
    #[must_use]
    pub fn browser<'a>(entries: impl Iterator<Item = &'a str>) -> Self {
        let entries = entries.map(|entry| entry.trim().to_ascii_lowercase());
        let entries = entries.filter(|entry| !entry.is_empty()).take(MOST_ENTRIES).collect();
        Bypass { rules: Rules::Browser, entries }
    }

    /// The entry that exempts a host, if one does.
    #[must_use]
    pub fn matched(&self, host: &Host, port: u16) -> Option<&str> {
        let fits = |entry: &&String| match self.rules {
            Rules::Curl => curl_fits(entry, host),
            Rules::Browser => browser_fits(entry, host, port),
        };
        self.entries.iter().find(fits).map(String::as_str)
    }
}

fn curl_fits(entry: &str, host: &Host) -> bool {
    let bare = entry.strip_prefix('.').unwrap_or(entry);
    match host {
        _ if entry == "*" => true,
        Host::Address(address) => in_block(bare.trim_matches(['[', ']']), *address),
        Host::Name(name) => {
            name == bare
                || name.strip_suffix(bare).is_some_and(|above| above.ends_with('.') && !bare.is_empty())
        }
    }
}

fn browser_fits(entry: &str, host: &Host, port: u16) -> bool {
    let entry = entry.split_once("://").map_or(entry, |(_, rest)| rest);
    if entry == "<local>" {
        return host.name().is_some_and(|name| !name.contains('.'));
    }
    let (entry, wanted) = match entry.rsplit_once(':') {
        Some((name, digits)) if !name.ends_with(':') && (!name.contains(':') || name.ends_with(']')) => {
            (name, digits.parse::<u16>().ok())
        }
        _ => (entry, None),
    };
    if wanted.is_some_and(|wanted| wanted != port) {
        return false;
    }
    match host {
        Host::Address(address) if in_block(entry.trim_matches(['[', ']']), *address) => true,
        _ => {
            let text = host.to_string();
            let glob = if entry.starts_with('.') { format!("*{entry}") } else { entry.to_owned() };
            glob_fits(&glob, text.trim_matches(['[', ']']))
        }
    }
}

fn in_block(entry: &str, address: IpAddr) -> bool {
    match entry.parse::<IpNet>() {
        Ok(block) => block.contains(&address),
        Err(_) => entry.parse::<IpAddr>() == Ok(address),
    }
}

/// `*` stands for anything; each part is looked for once, so a pattern costs no more than its length times the text.
fn glob_fits(glob: &str, text: &str) -> bool {
    let mut parts = glob.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// What a browser never sends through a proxy, whatever its settings say: this machine and its link.
#[must_use]
pub fn is_local(host: &Host) -> bool {
    match host {
        Host::Name(name) => name == "localhost" || name.ends_with(".localhost"),
        Host::Address(IpAddr::V4(address)) => address.is_loopback() || address.is_link_local(),
        Host::Address(IpAddr::V6(address)) => address.is_loopback() || address.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(text: &str) -> Host {
        Host::parse(text).unwrap()
    }

    #[test]
    fn no_proxy_is_read_as_curl_reads_it() {
        let list = Bypass::curl("example.com,10.0.0.0/8  .internal.net. * 2001:db8::/32");
        for (text, entry) in [
            ("example.com", Some("example.com")),
            ("a.example.com", Some("example.com")),
            ("notexample.com", None),
            ("10.1.1.1", Some("10.0.0.0/8")),
            ("11.1.1.1", None),
            ("x.internal.net", Some(".internal.net")),
            ("internal.net", Some(".internal.net")),
            ("2001:db8::7", Some("2001:db8::/32")),
        ] {
            assert_eq!(list.matched(&host(text), 443), entry, "{text}");
        }
        assert_eq!(Bypass::curl("*").matched(&host("anything"), 1), Some("*"));
        assert_eq!(Bypass::curl("").matched(&host("anything"), 1), None);
    }

    #[test]
    fn the_lists_of_browsers_have_rules_of_their_own() {
        let list = Bypass::browser(
            [
                "<local>",
                "*.corp.test",
                ".lab.test",
                "exact.test",
                "10.0.0.0/8",
                "https://p.test:8443",
                "a*z.test",
            ]
            .into_iter(),
        );
        for (text, port, exempt) in [
            ("intranet", 443, true),
            ("a.corp.test", 443, true),
            ("corp.test", 443, false),
            ("b.lab.test", 443, true),
            ("exact.test", 443, true),
            ("a.exact.test", 443, false),
            ("10.2.3.4", 443, true),
            ("p.test", 8443, true),
            ("p.test", 443, false),
            ("abcz.test", 1, true),
            ("abc.test", 1, false),
        ] {
            assert_eq!(list.matched(&host(text), port).is_some(), exempt, "{text}:{port}");
        }
        assert!(
            is_local(&host("127.9.9.9")) && is_local(&host("a.localhost")) && !is_local(&host("10.0.0.1"))
        );
    }
}
