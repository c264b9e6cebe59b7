//! GNOME's setting, asked of `gsettings`, which knows where the desktop keeps it.

use std::collections::HashMap;
use std::process::{Command, Stdio};

use super::super::auth::credentials::Credentials;
use super::{Bypass, Setting, Source, listed};

/// The setting of GNOME; `None` where there is none.
pub(super) fn read(given: Option<Credentials>) -> Option<Source> {
    // Without a desktop the program would ask a bus that nobody serves.
    let desktop = std::env::var("XDG_CURRENT_DESKTOP").unwrap_or_default();
    let kin = ["GNOME", "Unity", "Cinnamon", "MATE", "Budgie", "XFCE", "Pantheon"];
    if !kin.iter().any(|name| desktop.contains(name)) {
        return None;
    }
    let output = Command::new("gsettings")
        .args(["list-recursively", "org.gnome.system.proxy"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Some(Source::new("gnome", setting(&text, given.as_ref())?))
}

/// Reads lines such as `org.gnome.system.proxy.http host 'proxy'`.
fn setting(text: &str, given: Option<&Credentials>) -> Option<Setting> {
    let mut values: HashMap<(&str, &str), &str> = HashMap::new();
    for line in text.lines().take(256) {
        let Some((schema, rest)) = line.split_once(' ') else { continue };
        let Some((key, value)) = rest.split_once(' ') else { continue };
        let part = schema.strip_prefix("org.gnome.system.proxy").unwrap_or_default().trim_start_matches('.');
        values.insert((part, key), value.trim());
    }
    let word = |part: &'static str, key: &'static str| {
        values.get(&(part, key)).map(|value| value.trim_matches('\'')).filter(|value| !value.is_empty())
    };
    match word("", "mode")? {
        "none" => None,
        "auto" => {
            Some(word("", "autoconfig-url").map_or(Setting::Detect, |url| Setting::Pac(url.to_owned())))
        }
        _ => {
            let list = word("", "ignore-hosts").unwrap_or_default();
            let hosts = list.trim_matches(['[', ']']).split(',').map(|host| host.trim().trim_matches('\''));
            let one = |part: &'static str, prefix: &str| {
                let port = word(part, "port").filter(|port| *port != "0");
                Some(format!("{prefix}{}:{}", word(part, "host")?, port?))
            };
            let parts =
                [one("http", "http=http://"), one("https", "https=http://"), one("socks", "socks=socks5://")];
            listed(&parts.into_iter().flatten().collect::<Vec<_>>().join(";"), given, Bypass::browser(hosts))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANUAL: &str = "org.gnome.system.proxy autoconfig-url ''\n\
        org.gnome.system.proxy ignore-hosts ['localhost', '10.0.0.0/8']\norg.gnome.system.proxy mode 'manual'\n\
        org.gnome.system.proxy.https host 'proxy.corp.test'\norg.gnome.system.proxy.https port 3128\n\
        org.gnome.system.proxy.http host ''\norg.gnome.system.proxy.http port 8080\n";

    #[test]
    fn what_gsettings_lists_is_read() {
        let Some(Setting::Fixed(fixed)) = setting(MANUAL, None) else { panic!("no proxies") };
        assert_eq!(fixed.https.unwrap().unwrap().to_string(), "http://proxy.corp.test:3128");
        assert!(fixed.http.is_none());
        let auto = MANUAL.replace("'manual'", "'auto'");
        assert!(matches!(setting(&auto, None), Some(Setting::Detect)));
        let script = auto.replace("url ''", "url 'http://wpad/p.pac'");
        assert!(matches!(setting(&script, None), Some(Setting::Pac(url)) if url == "http://wpad/p.pac"));
        assert!(
            setting(&MANUAL.replace("'manual'", "'none'"), None).is_none() && setting("junk", None).is_none()
        );
    }
}
