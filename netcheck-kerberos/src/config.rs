//! `krb5.conf` as far as a client needs it: realms, KDCs, the realm of a host, where caches are. Bounded.

use std::collections::BTreeMap;

/// The most files that `include` and `includedir` may bring.
const MOST_FILES: usize = 64;
/// The most bytes of all files together.
const MOST_BYTES: usize = 512 << 10;
/// How deep files may include files.
const DEEPEST: usize = 8;

/// What a file system answers: `krb5.conf` itself and what it includes.
pub trait Files {
    /// The text of a file, at most `most` bytes of it.
    fn text(&mut self, path: &str, most: usize) -> Option<String>;
    /// The names of the files in a folder.
    fn names(&mut self, folder: &str) -> Vec<String>;
}

/// The settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// The realm of names without one.
    pub default_realm: Option<String>,
    /// The cache of those who name none.
    pub ccache_name: Option<String>,
    /// The keytab of clients.
    pub client_keytab: Option<String>,
    /// Whether KDCs are looked up in DNS (`dns_lookup_kdc`).
    pub no_dns_lookup: bool,
    /// Whether a service's name is left as it is written (`dns_canonicalize_hostname = false`).
    pub keep_host_names: bool,
    kdcs: BTreeMap<String, Vec<String>>,
    domains: BTreeMap<String, String>,
    files: usize,
    bytes: usize,
}

impl Config {
    /// Reads the files of `KRB5_CONFIG`, or `/etc/krb5.conf`; a file that is not there says nothing.
    #[must_use]
    pub fn load(paths: &str, files: &mut impl Files) -> Self {
        let mut config = Config::default();
        for path in paths.split(':').filter(|path| !path.is_empty()) {
            config.include(path, files, 0);
        }
        config
    }

    /// Reads one text that includes nothing.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut config = Config::default();
        config.read(text, &mut NoFiles, 0);
        config
    }

    fn include(&mut self, path: &str, files: &mut impl Files, depth: usize) {
        if depth > DEEPEST || self.files >= MOST_FILES {
            return;
        }
        let left = MOST_BYTES.saturating_sub(self.bytes);
        if let Some(text) = files.text(path, left).filter(|text| text.len() <= left) {
            self.files += 1;
            self.bytes += text.len();
            self.read(&text, files, depth);
        }
    }

    fn read(&mut self, text: &str, files: &mut impl Files, depth: usize) {
        let mut section = String::new();
        // The names of the braces that are open.
        let mut open: Vec<String> = Vec::new();
        for line in text.lines().map(str::trim) {
            if line.is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
                (section, open) = (name.trim().to_ascii_lowercase(), Vec::new());
            } else if let Some(path) = line.strip_prefix("include ") {
                self.include(path.trim(), files, depth + 1);
            } else if let Some(folder) = line.strip_prefix("includedir ") {
                self.include_folder(folder.trim(), files, depth);
            } else if line.starts_with('}') {
                open.pop();
            } else if let Some((key, value)) = line.split_once('=') {
                let (key, value) = (key.trim(), value.trim());
                match value.strip_prefix('{') {
                    None => self.set(&section, &open, key, value),
                    // `REALM = { kdc = a }` on one line is written by hand now and then.
                    Some(rest) => self.open_brace(&section, &mut open, key, rest),
                }
            }
        }
    }

    fn open_brace(&mut self, section: &str, open: &mut Vec<String>, key: &str, rest: &str) {
        if open.len() < DEEPEST {
            open.push(key.to_owned());
        }
        let (inner, closed) = rest.split_once('}').map_or((rest, false), |(inner, _)| (inner, true));
        if let Some((key, value)) = inner.split_once('=') {
            self.set(section, open, key.trim(), value.trim());
        }
        if closed {
            open.pop();
        }
    }

    /// Only names that an administrator's editor would not leave behind are read, as MIT does.
    fn include_folder(&mut self, folder: &str, files: &mut impl Files, depth: usize) {
        let mut names = files.names(folder);
        names.sort();
        let plain = |name: &String| {
            !name.is_empty()
                && (name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
                    || name.ends_with(".conf") && !name.starts_with('.'))
        };
        for name in names.iter().filter(|name| plain(name)) {
            self.include(&format!("{}/{name}", folder.trim_end_matches('/')), files, depth + 1);
        }
    }

    /// The first value of a setting stands; KDCs are collected.
    fn set(&mut self, section: &str, open: &[String], key: &str, value: &str) {
        let value = value.trim_matches('"').trim_end_matches('*').trim();
        let text = || Some(value.to_owned());
        let keep = |slot: &mut Option<String>| *slot = slot.take().or_else(text);
        match (section, open, key.to_ascii_lowercase().as_str()) {
            ("libdefaults", [], "default_realm") => keep(&mut self.default_realm),
            ("libdefaults", [], "default_ccache_name") => keep(&mut self.ccache_name),
            ("libdefaults", [], "default_client_keytab_name") => keep(&mut self.client_keytab),
            ("libdefaults", [], "dns_lookup_kdc") => self.no_dns_lookup |= off(value),
            ("libdefaults", [], "dns_canonicalize_hostname") => self.keep_host_names |= off(value),
            ("realms", [realm], "kdc") => {
                let kdcs = self.kdcs.entry(realm.clone()).or_default();
                kdcs.extend(value.split_whitespace().map(str::to_owned));
                kdcs.truncate(32);
            }
            ("domain_realm", [], _) => {
                self.domains.entry(key.to_ascii_lowercase()).or_insert_with(|| value.to_owned());
            }
            _ => {}
        }
    }

    /// The realm of a host: its own entry, or that of the nearest domain above it.
    #[must_use]
    pub fn realm_of(&self, host: &str) -> Option<&str> {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        if let Some(realm) = self.domains.get(&host) {
            return Some(realm);
        }
        let mut rest = host.as_str();
        while let Some((_, domain)) = rest.split_once('.') {
            let dotted = self.domains.get(&format!(".{domain}"));
            if let Some(realm) = dotted.or_else(|| self.domains.get(domain)) {
                return Some(realm);
            }
            rest = domain;
        }
        None
    }

    /// The KDCs that the file names for a realm, with their ports.
    #[must_use]
    pub fn kdcs(&self, realm: &str) -> Vec<(String, u16)> {
        self.kdcs.get(realm).into_iter().flatten().filter_map(|text| address(text)).collect()
    }
}

/// `host`, `host:port`, `[2001:db8::1]:88`, `tcp/host:88`; a KDC behind an HTTPS proxy is not spoken to.
fn address(text: &str) -> Option<(String, u16)> {
    let text = text.strip_prefix("tcp/").or_else(|| text.strip_prefix("udp/")).unwrap_or(text);
    if text.contains("://") {
        return None;
    }
    if let Some(rest) = text.strip_prefix('[') {
        let (host, port) = rest.split_once(']')?;
        return Some((host.to_owned(), port.strip_prefix(':').map_or(Some(88), |port| port.parse().ok())?));
    }
    match text.split_once(':') {
        Some((host, port)) if !port.contains(':') => Some((host.to_owned(), port.parse().ok()?)),
        _ => Some((text.to_owned(), 88)),
    }
}

fn off(value: &str) -> bool {
    matches!(value.to_ascii_lowercase().as_str(), "false" | "no" | "off" | "0" | "n" | "f" | "nil")
}

struct NoFiles;

impl Files for NoFiles {
    fn text(&mut self, _path: &str, _most: usize) -> Option<String> {
        None
    }

    fn names(&mut self, _folder: &str) -> Vec<String> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "
# a comment
[libdefaults]
  default_realm = LAB.TEST
  default_realm = OTHER.TEST
  dns_lookup_kdc = false
  dns_canonicalize_hostname = false
  default_ccache_name = DIR:/run/user/%{uid}/krb5cc
[realms]
  LAB.TEST = {
    kdc = 10.99.0.1:88
    kdc = [2001:db8::1]:750
    kdc = tcp/kdc2.lab.test
    kdc = https://gateway.lab.test/KdcProxy
    auth_to_local = {
       kdc = 192.0.2.1
    }
  }
  ONE.TEST = { kdc = one.test }
[domain_realm]
  .lab.test = LAB.TEST
  proxy.lab.test = ONE.TEST
";

    #[test]
    fn realms_kdcs_and_hosts_are_found() {
        let config = Config::parse(TEXT);
        assert_eq!(config.default_realm.as_deref(), Some("LAB.TEST"));
        assert!(config.no_dns_lookup && config.keep_host_names);
        assert_eq!(config.ccache_name.as_deref(), Some("DIR:/run/user/%{uid}/krb5cc"));
        let kdcs = [("10.99.0.1", 88), ("2001:db8::1", 750), ("kdc2.lab.test", 88)];
        assert_eq!(config.kdcs("LAB.TEST"), kdcs.map(|(host, port)| (host.to_owned(), port)));
        assert_eq!(config.kdcs("ONE.TEST"), [("one.test".to_owned(), 88)]);
        assert_eq!(config.realm_of("a.b.lab.test."), Some("LAB.TEST"));
        assert_eq!(config.realm_of("Proxy.lab.test"), Some("ONE.TEST"));
        assert_eq!(config.realm_of("lab.test"), None);
    }

    struct Tree;

    impl Files for Tree {
        fn text(&mut self, path: &str, _most: usize) -> Option<String> {
            match path {
                "/etc/krb5.conf" => {
                    Some("includedir /etc/krb5.conf.d/\n[libdefaults]\ndefault_realm=A".into())
                }
                "/etc/krb5.conf.d/one" => {
                    Some("[libdefaults]\ndefault_realm=B\ninclude /etc/krb5.conf".into())
                }
                _ => None,
            }
        }

        fn names(&mut self, _folder: &str) -> Vec<String> {
            vec!["one".into(), "one~".into(), ".swp".into()]
        }
    }

    #[test]
    fn files_that_include_each_other_come_to_an_end() {
        assert_eq!(Config::load("/none:/etc/krb5.conf", &mut Tree).default_realm.as_deref(), Some("B"));
    }
}
