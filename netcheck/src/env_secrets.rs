//! What the environment holds in confidence, kept out of what tools say when they fail.

use std::env;
use std::sync::LazyLock;

use netcheck_record::secret::Secrets;

/// Variables that are secret as a whole.
const WHOLE: &[&str] = &["NETCHECK_PROXY_PASSWORD", "TURN_PASSWORD", "RTMP_STREAM_KEY"];
/// Variables whose URL may hold a password.
const URLS: &[&str] = &["https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"];

static SECRETS: LazyLock<Secrets> = LazyLock::new(|| {
    let mut secrets = Secrets::default();
    let value = |name: &&str| env::var(*name).ok();
    WHOLE.iter().filter_map(value).for_each(|secret| secrets.add(secret.trim()));
    URLS.iter().filter_map(value).filter_map(|url| password(&url)).for_each(|secret| secrets.add(&secret));
    secrets
});

/// The password of a URL, as it stands there.
fn password(url: &str) -> Option<String> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let (user, _) = rest.split(['/', '?', '#']).next()?.rsplit_once('@')?;
    Some(user.split_once(':')?.1.to_owned())
}

/// Whether the environment names a proxy.
pub(crate) fn proxy_in_environment() -> bool {
    URLS.iter().any(|name| env::var_os(name).is_some_and(|value| !value.is_empty()))
}

/// Whether the environment holds a key to publish streams with.
pub(crate) fn stream_key() -> bool {
    env::var("RTMP_STREAM_KEY").is_ok_and(|key| !key.trim().is_empty())
}

/// Whether the environment holds credentials for a TURN server.
pub(crate) fn turn_credentials() -> bool {
    ["TURN_USERNAME", "TURN_PASSWORD"].iter().all(|name| env::var(name).is_ok_and(|value| !value.is_empty()))
}

/// The text without them.
pub(crate) fn hide(text: &str) -> String {
    SECRETS.hide(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_password_is_a_secret() {
        assert_eq!(password("http://user:p%40ss@proxy:3128/").as_deref(), Some("p%40ss"));
        assert_eq!(password("user:pass@proxy:3128").as_deref(), Some("pass"));
        assert_eq!(password("http://user@proxy:3128"), None);
        assert_eq!(password("http://proxy:3128"), None);
    }
}
