//! The environment as curl reads it.

use std::env;

use super::super::auth::credentials::Credentials;
use super::{Bypass, Fixed, Named, Setting, Source, url};

/// A variable that cannot be read stops only the targets that it is for.
pub(super) fn read(given: Option<Credentials>) -> Source {
    let read = |names: &[&'static str]| -> Named {
        let (name, value) = variable(names)?;
        Some(url::parse(&value, given.clone(), 1080).map_err(|why| format!("the variable {name}: {why}")))
    };
    let fixed = Fixed {
        all: read(&["all_proxy", "ALL_PROXY"]),
        https: read(&["https_proxy", "HTTPS_PROXY"]),
        // HTTP_PROXY in capitals is not read: a CGI program's caller can set it.
        http: read(&["http_proxy"]),
        bypass: no_proxy(),
    };
    let any = fixed.all.is_some() || fixed.https.is_some() || fixed.http.is_some();
    Source::new("environment", if any { Setting::Fixed(Box::new(fixed)) } else { Setting::Direct })
}

/// The exemptions of the environment.
pub(super) fn no_proxy() -> Bypass {
    Bypass::curl(&variable(&["no_proxy", "NO_PROXY"]).map(|(_, value)| value).unwrap_or_default())
}

fn variable(names: &[&'static str]) -> Option<(&'static str, String)> {
    names
        .iter()
        .find_map(|name| env::var(name).ok().filter(|value| !value.is_empty()).map(|value| (*name, value)))
}
