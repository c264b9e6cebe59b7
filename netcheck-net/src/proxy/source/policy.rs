//! The policies that an administrator gives Chromium and its kin: JSON files in a folder.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::super::auth::credentials::Credentials;
use super::{Bypass, Setting, Source, file, listed};

/// Where browsers look, the one most used first.
const FOLDERS: [&str; 3] =
    ["/etc/chromium/policies/managed", "/etc/opt/chrome/policies/managed", "/etc/opt/edge/policies/managed"];

/// The setting that a browser's policy file makes; `None` where there is none.
pub(super) fn read(given: Option<Credentials>) -> Option<Source> {
    FOLDERS.iter().find_map(|folder| folder_of(Path::new(folder), given.as_ref()))
}

/// Files are read in order of their names; of each policy the last word counts.
fn folder_of(folder: &Path, given: Option<&Credentials>) -> Option<Source> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).collect();
    files.sort();
    let mut found = None;
    let mut policies = Map::new();
    for path in files.iter().filter(|path| path.extension().is_some_and(|ending| ending == "json")).take(64) {
        let Some(Value::Object(read)) = file(path).and_then(|text| serde_json::from_str(&text).ok()) else {
            continue;
        };
        if read.keys().any(|key| key.starts_with("Proxy")) {
            found = Some(path.clone());
        }
        policies.extend(read);
    }
    let setting = setting(&policies, given)?;
    Some(Source::new(format!("policy {}", found?.display()), setting))
}

/// `ProxySettings` holds what the older policies hold one by one.
fn setting(policies: &Map<String, Value>, given: Option<&Credentials>) -> Option<Setting> {
    let nested = policies.get("ProxySettings").and_then(Value::as_object);
    let word = |name: &str| {
        nested.unwrap_or(policies).get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
    };
    let bypass = || Bypass::browser(word("ProxyBypassList").unwrap_or_default().split([',', ';']));
    let server = || word("ProxyServer").and_then(|list| listed(list, given, bypass()));
    let script = || word("ProxyPacUrl").map(|url| Setting::Pac(url.to_owned()));
    match word("ProxyMode") {
        Some("direct") => Some(Setting::Direct),
        Some("auto_detect") => Some(Setting::Detect),
        Some("pac_script") => script(),
        Some("fixed_servers") => server(),
        // "system" leaves it to the desktop.
        Some(_) => None,
        None => script().or_else(server),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_policies(files: &[(&str, &str)]) -> String {
        let folder =
            std::env::temp_dir().join(format!("netcheck-policy-{}-{}", std::process::id(), files.len()));
        std::fs::create_dir_all(&folder).unwrap();
        for (name, text) in files {
            std::fs::write(folder.join(name), text).unwrap();
        }
        let source = folder_of(&folder, None);
        std::fs::remove_dir_all(&folder).unwrap();
        match source {
            None => "none".to_owned(),
            Some(Source { setting: Setting::Pac(url), found_in }) => {
                format!("{url} of {}", found_in.rsplit('/').next().unwrap())
            }
            Some(Source { setting, .. }) => {
                format!("{setting:?}").split([' ', '(']).next().unwrap_or_default().to_owned()
            }
        }
    }

    #[test]
    fn the_last_file_has_the_last_word() {
        let pac = r#"{"ProxyMode":"pac_script","ProxyPacUrl":"http://wpad/p.pac"}"#;
        assert_eq!(read_policies(&[("a.json", pac)]), "http://wpad/p.pac of a.json");
        assert_eq!(read_policies(&[("a.json", pac), ("b.json", r#"{"ProxyMode":"direct"}"#)]), "Direct");
        let nested = r#"{"ProxySettings":{"ProxyMode":"fixed_servers","ProxyServer":"p:3128","ProxyBypassList":"*.a.test"}}"#;
        assert_eq!(read_policies(&[("a.json", "junk"), ("b.txt", pac), ("c.json", nested)]), "Fixed");
        let system = r#"{"ProxyMode":"system"}"#;
        assert_eq!(
            read_policies(&[("a.json", system), ("b.json", "{}"), ("c.json", "[]"), ("d.json", "{}")]),
            "none"
        );
    }
}
