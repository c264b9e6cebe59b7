//! The way of a target: through which proxies, in which order, and who says so.

use super::auth::credentials::Credentials;
use super::route::{Route, Step};
use super::server::Proxy;
use super::source::bypass::is_local;
use super::source::{Fixed, Setting, Source};
use netcheck_record::scheme::{ProxyVariables, Transport};
use netcheck_record::target::Target;

/// What `--proxy` and its sources say.
#[derive(Debug)]
pub struct Choice {
    source: Source,
    /// Whether one proxy was named for everything.
    explicit: bool,
    /// Whether this check's clients follow environment, system and scripts. Browsers do.
    follows: bool,
    #[cfg(feature = "pac")]
    pub(super) given: Option<Credentials>,
    #[cfg(feature = "pac")]
    pub(super) scripts: super::script_memo::Scripts,
}

impl Choice {
    /// Reads `--proxy`; `proxied` says whether this check's clients follow environment, system and scripts.
    ///
    /// # Errors
    /// The value cannot be used.
    pub fn read(flag: &str, given: Option<Credentials>, proxied: bool) -> Result<Self, String> {
        // What real clients of this check never look at is not even read.
        let flag = if flag == "env" && !proxied { "none" } else { flag };
        let source = Source::read(flag, given.clone())?;
        if cfg!(not(feature = "pac")) && matches!(source.setting, Setting::Pac(_)) {
            return Err("--proxy: this program was built without PAC".into());
        }
        let explicit = source.found_in == "flag" && matches!(source.setting, Setting::Fixed(_));
        #[cfg(feature = "pac")]
        return Ok(Choice {
            source,
            explicit,
            follows: proxied,
            given,
            scripts: super::script_memo::Scripts::default(),
        });
        #[cfg(not(feature = "pac"))]
        Ok(Choice { source, explicit, follows: proxied })
    }

    /// Why the proxy that a target should go through cannot be used, where that is so.
    #[must_use]
    pub fn fault(&self, target: &Target) -> Option<&str> {
        let Setting::Fixed(fixed) = &self.source.setting else { return None };
        self.named(fixed, target)?.as_ref().err().map(String::as_str)
    }

    /// What of all credentials nobody may see.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = String> {
        let fixed = match &self.source.setting {
            Setting::Fixed(fixed) => Some(fixed),
            _ => None,
        };
        let named =
            fixed.into_iter().flat_map(|fixed| [&fixed.all, &fixed.https, &fixed.http]).flatten().flatten();
        let own = named.filter_map(|proxy| proxy.credentials.as_ref()).flat_map(Credentials::secrets);
        #[cfg(feature = "pac")]
        let own = own.chain(self.given.iter().flat_map(Credentials::secrets));
        own
    }

    /// The way of a target, where no script has to be asked.
    pub(crate) fn fixed(&self, target: &Target) -> Option<Route> {
        if self.follows || self.explicit {
            return self.fixed_if_followed(target);
        }
        Some(Route { steps: vec![Step::Direct], ..Route::default() })
    }

    /// Whether a browser may reach a target by another way than its own client.
    pub(super) fn differs_for_browsers(&self, target: &Target) -> bool {
        let set = !matches!(self.source.setting, Setting::Direct);
        set && !self.follows && !self.explicit && is_over_tcp(target)
    }

    /// The way of a target whose client follows every setting, where no script has to be asked.
    pub(super) fn fixed_if_followed(&self, target: &Target) -> Option<Route> {
        let direct = || Route { steps: vec![Step::Direct], ..Route::default() };
        let found_in = Some(self.source.found_in.clone());
        match &self.source.setting {
            Setting::Direct => Some(direct()),
            Setting::Fixed(fixed) => Some(match self.candidate(fixed, target) {
                None => direct(),
                Some(_) if self.exemption(fixed, target).is_some() => {
                    Route { exempt: self.exemption(fixed, target), source: found_in, ..direct() }
                }
                Some(Ok(proxy)) => {
                    Route { steps: vec![Step::Proxy(proxy.clone())], source: found_in, ..Route::default() }
                }
                Some(Err(_)) => direct(),
            }),
            Setting::Pac(_) | Setting::Detect if !is_over_tcp(target) || is_local(&target.host) => {
                Some(direct())
            }
            Setting::Pac(_) | Setting::Detect => None,
        }
    }

    /// Where the script is, if one is to be asked; `None` inside where it is to be found.
    #[cfg(feature = "pac")]
    pub(super) fn script_url(&self) -> Option<Option<&str>> {
        match &self.source.setting {
            Setting::Pac(url) => Some(Some(url)),
            Setting::Detect => Some(None),
            _ => None,
        }
    }

    /// Where the setting was found.
    pub(super) fn found_in(&self) -> &str {
        &self.source.found_in
    }

    fn candidate<'a>(&self, fixed: &'a Fixed, target: &Target) -> Option<&'a Result<Proxy, String>> {
        if self.explicit {
            return fixed.all.as_ref().filter(|_| is_over_tcp(target));
        }
        // A browser's connection to the same host and port would be an encrypted one.
        let variables = if self.follows { target.scheme.proxy } else { ProxyVariables::Https };
        match variables {
            ProxyVariables::Https => fixed.https.as_ref().or(fixed.all.as_ref()),
            ProxyVariables::Http => fixed.http.as_ref().or(fixed.all.as_ref()),
            ProxyVariables::All => fixed.all.as_ref(),
            ProxyVariables::None => None,
        }
    }

    fn exemption(&self, fixed: &Fixed, target: &Target) -> Option<String> {
        if let Some(entry) = fixed.bypass.matched(&target.host, target.port()) {
            return Some(entry.to_owned());
        }
        // The environment's list is curl's; browsers never send their own machine's names to a proxy.
        let curl = matches!(self.source.found_in.as_str(), "flag" | "environment");
        (!curl && is_local(&target.host)).then(|| "this machine".to_owned())
    }

    fn named<'a>(&self, fixed: &'a Fixed, target: &Target) -> Option<&'a Result<Proxy, String>> {
        self.candidate(fixed, target).filter(|_| self.exemption(fixed, target).is_none())
    }
}

/// Whether a proxy could carry the target at all.
fn is_over_tcp(target: &Target) -> bool {
    target.transport() == Transport::Tcp
}

/// A bare proxy of a script's list.
#[cfg(feature = "pac")]
pub(super) fn listed(url: &str, given: Option<Credentials>) -> Option<Proxy> {
    super::source::url::parse(url, given, 80).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use netcheck_record::spec::{Sampling, Spec};

    fn target(text: &str, tool: &str) -> Target {
        Spec::parse(text, tool, Sampling::default()).unwrap().expand(Sampling::default()).next().unwrap()
    }

    fn way(choice: &Choice, text: &str, tool: &str) -> Option<String> {
        match choice.fixed(&target(text, tool))?.steps.remove(0) {
            Step::Proxy(proxy) => Some(proxy.to_string()),
            _ => None,
        }
    }

    #[test]
    fn an_explicit_proxy_serves_every_tcp_scheme() {
        let choice = Choice::read("http://p:3128", None, true).unwrap();
        for (text, tool) in
            [("tcp://a:1", "tcp"), ("rtmps://a:1", "rtmps"), ("wss://a", "wss"), ("turns://a", "udp")]
        {
            assert_eq!(way(&choice, text, tool).as_deref(), Some("http://p:3128"), "{text}");
        }
        for (text, tool) in [("stun://a", "udp"), ("h3://a", "udp"), ("icmp://a", "udp"), ("turn://a", "udp")]
        {
            assert_eq!(way(&choice, text, tool), None, "{text}");
        }
    }

    #[test]
    fn a_variable_that_cannot_be_read_stops_only_what_it_is_for() {
        let bad = || Some(Err("the variable https_proxy: a port is a number from 1 to 65535".to_owned()));
        let bypass = super::super::source::Bypass::curl("exempt.example");
        let fixed = Fixed { https: bad(), bypass, ..Fixed::default() };
        let mut choice = Choice::read("none", None, true).unwrap();
        choice.source = Source { found_in: "environment".into(), setting: Setting::Fixed(Box::new(fixed)) };
        for text in ["tcp://a:1", "tls://a:1", "http://a", "https://exempt.example"] {
            assert_eq!(choice.fault(&target(text, "tcp")), None, "{text}");
        }
        assert!(choice.fault(&target("https://a", "tcp")).is_some_and(|why| why.contains("https_proxy")));
        assert_eq!(way(&choice, "https://a", "tcp"), None);
        let route = choice.fixed(&target("https://exempt.example", "tcp")).unwrap();
        assert_eq!(route.exempt.as_deref(), Some("exempt.example"));
    }

    #[test]
    fn what_no_proxy_carries_asks_no_script() {
        let choice = Choice::read("pac+http://wpad.test/p.pac", None, true).unwrap();
        assert!(choice.fixed(&target("https://a.test", "tcp")).is_none());
        assert!(choice.fixed(&target("https://localhost", "tcp")).is_some());
        let unproxied = Choice::read("pac+http://wpad.test/p.pac", None, false).unwrap();
        assert!(unproxied.fixed(&target("apns://a.test", "push")).is_some());
    }
}
