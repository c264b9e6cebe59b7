//! KDE's setting: the file `kioslaverc`.

use std::collections::HashMap;
use std::path::PathBuf;

use super::super::auth::credentials::Credentials;
use super::{Bypass, Setting, Source, file, listed};

/// The setting of KDE; `None` where there is none.
pub(super) fn read(given: Option<Credentials>) -> Option<Source> {
    if !std::env::var("XDG_CURRENT_DESKTOP").unwrap_or_default().contains("KDE") {
        return None;
    }
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".config"));
    let folder = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).or_else(home)?;
    Some(Source::new("kde", setting(&file(&folder.join("kioslaverc"))?, given.as_ref())?))
}

/// Reads the group `[Proxy Settings]`.
fn setting(text: &str, given: Option<&Credentials>) -> Option<Setting> {
    let mut values: HashMap<&str, &str> = HashMap::new();
    let mut inside = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            inside = line.starts_with("[Proxy Settings]");
        } else if let Some((key, value)) = line.split_once('=').filter(|_| inside) {
            // `ReversedException[$e]` carries an attribute.
            values.insert(key.split('[').next().unwrap_or_default().trim(), value.trim());
        }
    }
    let word = |key: &str| values.get(key).copied().filter(|value| !value.is_empty());
    match word("ProxyType")? {
        "1" => {
            let hosts = word("NoProxyFor").unwrap_or_default().split(',');
            // `http://proxy 8080`: a blank stands before the port.
            let one =
                |key: &str, prefix: &str| word(key).map(|url| format!("{prefix}={}", url.replace(' ', ":")));
            let socks = one("socksProxy", "socks").map(|url| url.replace("socks://", "socks5://"));
            let parts = [one("httpProxy", "http"), one("httpsProxy", "https"), socks];
            listed(&parts.into_iter().flatten().collect::<Vec<_>>().join(";"), given, Bypass::browser(hosts))
        }
        "2" => word("Proxy Config Script").map(|url| Setting::Pac(url.to_owned())),
        "3" => Some(Setting::Detect),
        // "4" takes the environment, which was read before.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kioslaverc_is_read() {
        let text = "[Other]\nProxyType=3\n[Proxy Settings][$i]\nProxyType=1\nhttpsProxy=http://proxy.corp.test 3128\nNoProxyFor=a.test";
        let Some(Setting::Fixed(fixed)) = setting(text, None) else { panic!("no proxies") };
        assert_eq!(fixed.https.unwrap().unwrap().to_string(), "http://proxy.corp.test:3128");
        let script = "[Proxy Settings]\nProxyType=2\nProxy Config Script=http://wpad/p.pac";
        assert!(matches!(setting(script, None), Some(Setting::Pac(url)) if url == "http://wpad/p.pac"));
        assert!(matches!(setting("[Proxy Settings]\nProxyType=3", None), Some(Setting::Detect)));
        assert!(setting("[Proxy Settings]\nProxyType=0", None).is_none());
    }
}
