//! Where the proxy settings come from, and what they say.

pub mod bypass;
mod env;
mod gnome;
mod kde;
mod policy;
pub mod url;
pub mod wpad;

use super::auth::credentials::Credentials;
use super::server::Proxy;
pub use bypass::Bypass;

/// A setting: nothing, a proxy, or something that is none.
pub type Named = Option<Result<Proxy, String>>;

/// Proxies by scheme.
#[derive(Clone, Debug, Default)]
pub struct Fixed {
    /// For schemes without one of their own.
    pub all: Named,
    /// For https and wss.
    pub https: Named,
    /// For http and ws.
    pub http: Named,
    /// Who goes round them.
    pub bypass: Bypass,
}

/// What a source says.
#[derive(Clone, Debug)]
pub enum Setting {
    /// Go direct.
    Direct,
    /// These proxies.
    Fixed(Box<Fixed>),
    /// Ask the script at this URL.
    Pac(String),
    /// Find the script (WPAD).
    Detect,
}

/// A setting, and where it was found.
#[derive(Clone, Debug)]
pub struct Source {
    /// `flag`, `environment`, `policy /etc/…`, `gnome`, `kde`, `wpad`.
    pub found_in: String,
    /// What it says.
    pub setting: Setting,
}

impl Source {
    /// A setting, and the place where it was found.
    pub(super) fn new(found_in: impl Into<String>, setting: Setting) -> Self {
        Source { found_in: found_in.into(), setting }
    }

    /// Reads `--proxy`.
    ///
    /// # Errors
    /// The value cannot be used.
    pub fn read(flag: &str, given: Option<Credentials>) -> Result<Self, String> {
        match flag {
            "none" => Ok(Source::new("flag", Setting::Direct)),
            "env" => Ok(env::read(given)),
            "system" => Ok(system(given)),
            _ if flag.rsplit_once('@').is_some() => {
                Err("--proxy: user information does not belong in an argument: set \
                     NETCHECK_PROXY_USER and NETCHECK_PROXY_PASSWORD, or --proxy-credentials FILE"
                    .into())
            }
            _ => match flag.strip_prefix("pac+") {
                Some(url) if is_script(url) => Ok(Source::new("flag", Setting::Pac(url.to_owned()))),
                Some(_) => Err("--proxy: a script is pac+http://, pac+https:// or pac+file://".into()),
                None => {
                    let proxy = url::parse(flag, given, 1080).map_err(|why| format!("--proxy: {why}"))?;
                    let bypass = env::no_proxy();
                    let fixed = Fixed { all: Some(Ok(proxy)), bypass, ..Fixed::default() };
                    Ok(Source::new("flag", Setting::Fixed(Box::new(fixed))))
                }
            },
        }
    }
}

fn is_script(url: &str) -> bool {
    ["http://", "https://", "file:///"].iter().any(|scheme| url.starts_with(scheme))
}

/// The first of environment, browser policy, desktop that says something; else the script that the network announces.
fn system(given: Option<Credentials>) -> Source {
    let environment = env::read(given.clone());
    if matches!(&environment.setting, Setting::Fixed(_)) {
        return environment;
    }
    policy::read(given.clone())
        .or_else(|| gnome::read(given.clone()))
        .or_else(|| kde::read(given))
        .unwrap_or_else(|| Source::new("wpad", Setting::Detect))
}

/// Proxies as desktops and policies list them: `http=a:80;https=b:81`, or one for all.
pub(super) fn listed(text: &str, given: Option<&Credentials>, bypass: Bypass) -> Option<Setting> {
    let mut fixed = Fixed { bypass, ..Fixed::default() };
    for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
        let (scheme, url) = part.split_once('=').unwrap_or(("", part));
        let proxy = Some(url::parse(url.trim(), given.cloned(), 80));
        match scheme.trim() {
            "" | "socks" => fixed.all = fixed.all.or(proxy),
            "https" => fixed.https = fixed.https.or(proxy),
            "http" => fixed.http = fixed.http.or(proxy),
            _ => {}
        }
    }
    let any = fixed.all.is_some() || fixed.https.is_some() || fixed.http.is_some();
    any.then(|| Setting::Fixed(Box::new(fixed)))
}

/// A settings file, at most a megabyte of it.
pub(super) fn file(path: &std::path::Path) -> Option<String> {
    let text = netcheck_record::file::beginning(path, 1 << 20).ok()?;
    Some(String::from_utf8_lossy(&text).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_information_in_the_flag_is_refused_without_repeating_it() {
        let why = Source::read("http://u:hunter2@p:1", None).unwrap_err();
        assert!(!why.contains("hunter2"));
        for flag in ["ftp://p", "http://p:0", "pac+ftp://p", "pac+p"] {
            assert!(Source::read(flag, None).is_err(), "{flag}");
        }
    }

    #[test]
    fn proxies_by_scheme_are_listed_as_browsers_list_them() {
        let Some(Setting::Fixed(fixed)) = listed("http=a:81; https=http://b", None, Bypass::default()) else {
            panic!("no list")
        };
        let shown = |named: Named| named.map(|proxy| proxy.unwrap().to_string());
        assert_eq!(shown(fixed.http).as_deref(), Some("http://a:81"));
        assert_eq!(shown(fixed.https).as_deref(), Some("http://b:80"));
        assert!(fixed.all.is_none() && listed(" ; ", None, Bypass::default()).is_none());
    }
}
