//! Where a user's tickets are: `KRB5CCNAME`, `krb5.conf`, or the place that everybody uses.

use std::fmt;

/// A place of tickets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// One file.
    File(String),
    /// A folder of caches; its file `primary` names the one in use.
    Folder(String),
    /// Kept by a program or by the kernel: `KCM:1000`, `KEYRING:persistent:1000`.
    Other {
        /// `KCM`, `KEYRING`, `MEMORY`, `API`.
        kind: String,
        /// The whole name.
        name: String,
    },
}

impl Location {
    /// Reads a cache name; `%{uid}` and its like are filled in.
    #[must_use]
    pub fn parse(name: &str, uid: u32) -> Self {
        let number = uid.to_string();
        let name = ["%{uid}", "%{euid}", "%{USERID}"]
            .iter()
            .fold(name.trim().to_owned(), |name, variable| name.replace(variable, &number));
        match name.split_once(':') {
            Some(("FILE" | "WRFILE", path)) => Location::File(path.to_owned()),
            // `DIR::/path/tkt1` names one cache of a folder.
            Some(("DIR", path)) => match path.strip_prefix(':') {
                Some(file) => Location::File(file.to_owned()),
                None => Location::Folder(path.to_owned()),
            },
            Some((kind, _)) if !kind.contains('/') => Location::Other { kind: kind.to_owned(), name },
            _ => Location::File(name),
        }
    }

    /// Where tickets are when nobody says so.
    #[must_use]
    pub fn usual(uid: u32) -> Self {
        Location::File(format!("/tmp/krb5cc_{uid}"))
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Location::File(path) => write!(f, "FILE:{path}"),
            Location::Folder(path) => write!(f, "DIR:{path}"),
            Location::Other { name, .. } => f.write_str(name),
        }
    }
}

/// The cache that the file `primary` of a folder names, if it is a plain name.
#[must_use]
pub fn primary(text: &str) -> Option<&str> {
    let name = text.lines().next()?.trim();
    (name.starts_with("tkt") && !name.contains('/') && name.len() < 256).then_some(name)
}

/// The command that copies what is needed from a cache of another kind into a file: `kvno` of MIT Kerberos. Heimdal
/// has none, and neither has a container without the system's Kerberos.
#[must_use]
pub fn bridge(file: &str, service: &str) -> [String; 4] {
    ["kvno".to_owned(), "--out-cache".to_owned(), format!("FILE:{file}"), service.to_owned()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_caches_are_read() {
        for (name, place) in [
            ("FILE:/tmp/x", "FILE:/tmp/x"),
            ("/tmp/krb5cc_%{uid}", "FILE:/tmp/krb5cc_7"),
            ("DIR:/run/user/%{uid}/cc", "DIR:/run/user/7/cc"),
            ("DIR::/run/cc/tkt1", "FILE:/run/cc/tkt1"),
            ("KEYRING:persistent:%{uid}", "KEYRING:persistent:7"),
            ("KCM:", "KCM:"),
        ] {
            assert_eq!(Location::parse(name, 7).to_string(), place, "{name}");
        }
        assert!(matches!(Location::parse("KCM:", 7), Location::Other { .. }));
    }

    #[test]
    fn the_primary_cache_stays_in_its_folder() {
        assert_eq!(primary("tktA1\n"), Some("tktA1"));
        for text in ["", "../tkt", "tkt/../x", "other"] {
            assert_eq!(primary(text), None, "{text}");
        }
    }
}
