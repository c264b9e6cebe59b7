//! Which proxy a target goes through: `--proxy`, or the environment as curl reads it.

use std::env;

use hyper_util::client::proxy::matcher::Matcher;

use super::{Credentials, Kind, Proxy};
use netcheck_record::scheme::{ProxyVariables, Transport};
use netcheck_record::target::{Host, Target};

/// What a variable says: nothing, a proxy, or something that is none.
type Named = Option<Result<Proxy, String>>;

/// What `--proxy` and the environment say.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    all: Named,
    https: Named,
    http: Named,
    /// Whether one proxy was named for everything.
    explicit: bool,
    no_proxy: String,
}

impl Choice {
    /// Reads `--proxy`; `proxied` says whether this check's clients follow the environment.
    ///
    /// # Errors
    /// The URL cannot be used.
    pub fn read(flag: &str, given: Option<Credentials>, proxied: bool) -> Result<Self, String> {
        match flag {
            "none" => Ok(Choice::default()),
            "env" if !proxied => Ok(Choice::default()),
            "env" => Ok(Choice::environment(given)),
            url => {
                if url.rsplit_once('@').is_some() {
                    return Err("--proxy: user information does not belong in an argument: set \
                                NETCHECK_PROXY_USER and NETCHECK_PROXY_PASSWORD, or --proxy-credentials FILE"
                        .into());
                }
                let proxy = parse(url, given).map_err(|why| format!("--proxy: {why}"))?;
                Ok(Choice { all: Some(Ok(proxy)), explicit: true, no_proxy: no_proxy(), ..Choice::default() })
            }
        }
    }

    /// A variable that cannot be read stops only the targets that it is for.
    fn environment(given: Option<Credentials>) -> Self {
        let read = |names: &[&'static str]| {
            let (name, url) = variable(names)?;
            Some(parse(&url, given.clone()).map_err(|why| format!("the variable {name}: {why}")))
        };
        Choice {
            all: read(&["all_proxy", "ALL_PROXY"]),
            https: read(&["https_proxy", "HTTPS_PROXY"]),
            // HTTP_PROXY in capitals is not read: a CGI program's caller can set it.
            http: read(&["http_proxy"]),
            explicit: false,
            no_proxy: no_proxy(),
        }
    }

    /// The proxy for a target, if it goes through one.
    #[must_use]
    pub fn of(&self, target: &Target) -> Option<&Proxy> {
        self.named(target)?.as_ref().ok()
    }

    /// Why the proxy that a target should go through cannot be used, where that is so.
    #[must_use]
    pub fn fault(&self, target: &Target) -> Option<&str> {
        self.named(target)?.as_ref().err().map(String::as_str)
    }

    /// What of all credentials nobody may see.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = String> {
        let named = [&self.all, &self.https, &self.http].into_iter().flatten().flatten();
        named.filter_map(|proxy| proxy.credentials.as_ref()).flat_map(Credentials::secrets)
    }

    fn named(&self, target: &Target) -> Option<&Result<Proxy, String>> {
        let over_tcp = target.transport() == Transport::Tcp;
        let named = match target.scheme.proxy {
            _ if self.explicit => self.all.as_ref().filter(|_| over_tcp),
            ProxyVariables::Https => self.https.as_ref().or(self.all.as_ref()),
            ProxyVariables::Http => self.http.as_ref().or(self.all.as_ref()),
            ProxyVariables::All => self.all.as_ref(),
            ProxyVariables::None => None,
        };
        named.filter(|_| !self.exempt(&target.host))
    }

    fn exempt(&self, host: &Host) -> bool {
        if self.no_proxy.is_empty() || self.no_proxy == "*" {
            return self.no_proxy == "*";
        }
        let matcher = Matcher::builder().all("http://proxy.invalid:1").no(self.no_proxy.as_str()).build();
        let Ok(uri) = format!("http://{host}/").parse() else { return false };
        matcher.intercept(&uri).is_none()
    }
}

/// The exemptions of the environment.
fn no_proxy() -> String {
    exemptions(&variable(&["no_proxy", "NO_PROXY"]).map(|(_, value)| value).unwrap_or_default())
}

/// Commas or blanks may stand between names; `*` means everything only where it stands alone, as curl has it.
fn exemptions(text: &str) -> String {
    let separator = |c: char| c == ',' || c.is_whitespace();
    let names: Vec<&str> = text
        .split(separator)
        .map(|name| name.trim_end_matches('.'))
        .filter(|name| !name.is_empty())
        .collect();
    if names == ["*"] {
        return "*".into();
    }
    names.into_iter().filter(|name| *name != "*").collect::<Vec<_>>().join(",")
}

fn variable(names: &[&'static str]) -> Option<(&'static str, String)> {
    names
        .iter()
        .find_map(|name| env::var(name).ok().filter(|value| !value.is_empty()).map(|value| (*name, value)))
}

fn parse(url: &str, given: Option<Credentials>) -> Result<Proxy, String> {
    // curl reads a bare host:port as an HTTP proxy.
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    let (kind, default) = match scheme.to_ascii_lowercase().as_str() {
        "http" => (Kind::Http, 1080),
        "https" => (Kind::Https, 443),
        "socks5h" | "socks5" => (Kind::Socks5h, 1080),
        _ => return Err("a proxy is http://, https:// or socks5h://".into()),
    };
    let rest = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (credentials, authority) = match rest.rsplit_once('@') {
        Some((user, authority)) => (Some(Credentials::of_url(user)), authority),
        None => (given, rest),
    };
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']').ok_or("the bracket is not closed")?;
            (host, rest.strip_prefix(':'))
        }
        None => authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port))),
    };
    let port = match port.filter(|port| !port.is_empty()) {
        Some(port) => {
            port.parse::<u16>().ok().filter(|port| *port > 0).ok_or("a port is a number from 1 to 65535")?
        }
        None => default,
    };
    let host = Host::parse(host).map_err(|why| why.0)?;
    Ok(Proxy { kind, host, port, credentials })
}

#[cfg(test)]
mod tests {
    use super::*;
    use netcheck_record::spec::{Sampling, Spec};

    fn target(text: &str, tool: &str) -> Target {
        Spec::parse(text, tool, Sampling::default()).unwrap().expand(Sampling::default()).next().unwrap()
    }

    #[test]
    fn an_explicit_proxy_serves_every_tcp_scheme() {
        let choice = Choice::read("http://p:3128", None, true).unwrap();
        for (text, tool) in
            [("tcp://a:1", "tcp"), ("rtmps://a:1", "rtmps"), ("wss://a", "wss"), ("turns://a", "udp")]
        {
            assert_eq!(
                choice.of(&target(text, tool)).map(ToString::to_string).as_deref(),
                Some("http://p:3128"),
                "{text}"
            );
        }
        for (text, tool) in [("stun://a", "udp"), ("h3://a", "udp"), ("icmp://a", "udp"), ("turn://a", "udp")]
        {
            assert_eq!(choice.of(&target(text, tool)), None, "{text}");
        }
    }

    #[test]
    fn no_proxy_is_read_as_curl_reads_it() {
        let mut choice = Choice::read("http://p:3128", None, true).unwrap();
        choice.no_proxy = "example.com,10.0.0.0/8,.internal.net".into();
        for (text, direct) in [
            ("tcp://example.com:1", true),
            ("tcp://a.example.com:1", true),
            ("tcp://notexample.com:1", false),
            ("tcp://10.1.1.1:1", true),
            ("tcp://11.1.1.1:1", false),
            ("tcp://x.internal.net:1", true),
        ] {
            assert_eq!(choice.of(&target(text, "tcp")).is_none(), direct, "{text}");
        }
        choice.no_proxy = exemptions("x.example  *\texample.com., ");
        assert_eq!(choice.no_proxy, "x.example,example.com");
        choice.no_proxy = exemptions("*");
        assert!(choice.of(&target("tcp://anything:1", "tcp")).is_none());
    }

    #[test]
    fn a_variable_that_cannot_be_read_stops_only_what_it_is_for() {
        let bad = || Some(Err("the variable https_proxy: a port is a number from 1 to 65535".to_owned()));
        let choice = Choice { https: bad(), no_proxy: "exempt.example".into(), ..Choice::default() };
        for text in ["tcp://a:1", "tls://a:1", "http://a", "https://exempt.example"] {
            assert_eq!(choice.fault(&target(text, "tcp")), None, "{text}");
        }
        assert!(choice.fault(&target("https://a", "tcp")).is_some_and(|why| why.contains("https_proxy")));
        assert_eq!(choice.of(&target("https://a", "tcp")), None);
    }

    #[test]
    fn user_information_in_the_flag_is_refused_without_repeating_it() {
        let why = Choice::read("http://u:hunter2@p:1", None, true).unwrap_err();
        assert!(!why.contains("hunter2"));
        assert!(Choice::read("ftp://p", None, true).is_err());
        assert!(Choice::read("http://p:0", None, true).is_err());
    }
}
