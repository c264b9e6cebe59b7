//! Names of clients and services: `alice@CORP.TEST`, `HTTP/proxy.corp.test@CORP.TEST` (RFC 1964 section 2.1.1).

use std::fmt;

use kerbcore::types::PrincipalName;

/// NT-PRINCIPAL: a user.
pub const USER: i32 = 1;
/// NT-SRV-INST: a service with an instance.
pub const SERVICE: i32 = 2;
/// How many components a name may have.
const MOST_COMPONENTS: usize = 16;

/// A name in a realm.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Principal {
    /// The name type (RFC 4120 section 6.2).
    pub kind: i32,
    /// `["alice"]`, `["HTTP", "proxy.corp.test"]`.
    pub components: Vec<String>,
    /// The realm; empty where the KDC is to find it.
    pub realm: String,
}

impl Principal {
    /// Reads `alice`, `alice@REALM`, `HTTP/host@REALM`; a backslash takes the meaning of the next character.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = vec![String::new()];
        let mut realm: Option<String> = None;
        let mut characters = text.chars();
        while let Some(character) = characters.next() {
            let character = match character {
                '/' if realm.is_none() => {
                    parts.push(String::new());
                    continue;
                }
                '@' if realm.is_none() => {
                    realm = Some(String::new());
                    continue;
                }
                '\\' => characters.next()?,
                plain => plain,
            };
            if character.is_control() {
                return None;
            }
            realm.as_mut().or(parts.last_mut())?.push(character);
        }
        if parts.len() > MOST_COMPONENTS || parts.iter().any(String::is_empty) {
            return None;
        }
        let kind = if parts.len() == 1 { USER } else { SERVICE };
        Some(Principal { kind, components: parts, realm: realm.unwrap_or_default() })
    }

    /// The ticket-granting service that `realm` has for clients of `at`.
    #[must_use]
    pub fn ticket_granting(realm: &str, at: &str) -> Self {
        let components = vec!["krbtgt".to_owned(), realm.to_owned()];
        Principal { kind: SERVICE, components, realm: at.to_owned() }
    }

    /// The proxy at `host` as a browser names it: `HTTP/host`, in the realm that `krb5.conf` gives the host.
    #[must_use]
    pub fn web_service(host: &str, realm: Option<&str>) -> Self {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        Principal {
            kind: SERVICE,
            components: vec!["HTTP".to_owned(), host],
            realm: realm.unwrap_or_default().to_owned(),
        }
    }

    /// Whether both name the same; an empty realm is any.
    #[must_use]
    pub fn matches(&self, other: &Principal) -> bool {
        let realms = self.realm.is_empty() || other.realm.is_empty() || self.realm == other.realm;
        realms && self.components == other.components
    }

    /// The realm that this ticket-granting service opens, if it is one.
    #[must_use]
    pub fn granted_realm(&self) -> Option<&str> {
        match self.components.as_slice() {
            [service, realm] if service == "krbtgt" => Some(realm),
            _ => None,
        }
    }

    /// The name as Kerberos messages carry it (RFC 4120 section 5.2.2).
    pub(crate) fn to_wire(&self) -> PrincipalName {
        PrincipalName { name_type: self.kind, name_string: self.components.clone() }
    }

    /// The principal of a name in a Kerberos message, in this realm.
    pub(crate) fn of_wire(name: PrincipalName, realm: &str) -> Self {
        Principal { kind: name.name_type, components: name.name_string, realm: realm.to_owned() }
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let escaped = |part: &String| {
            part.chars().fold(String::new(), |mut text, character| {
                if matches!(character, '/' | '@' | '\\') {
                    text.push('\\');
                }
                text.push(character);
                text
            })
        };
        let parts: Vec<String> = self.components.iter().map(escaped).collect();
        f.write_str(&parts.join("/"))?;
        if self.realm.is_empty() { Ok(()) } else { write!(f, "@{}", self.realm) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_written() {
        for text in ["alice@LAB.TEST", "HTTP/proxy.lab.test@LAB.TEST", "alice", r"a\@b@LAB.TEST"] {
            assert_eq!(Principal::parse(text).unwrap().to_string(), text);
        }
        for text in ["", "@LAB.TEST", "a//b", "a\\", "a\nb"] {
            assert_eq!(Principal::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_proxy_is_named_by_its_canonical_host() {
        let service = Principal::web_service("Proxy.Lab.Test.", Some("LAB.TEST"));
        assert_eq!(service.to_string(), "HTTP/proxy.lab.test@LAB.TEST");
        assert!(service.matches(&Principal::web_service("proxy.lab.test", None)));
    }
}
