//! Names of offices: they are parts of subjects, keys and paths, so that their characters are few.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The longest name of a tenant or an office.
const LONGEST: usize = 40;

/// An office of a tenant, written `tenant/office`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Office {
    tenant: String,
    name: String,
}

impl Office {
    /// An office.
    ///
    /// # Errors
    /// A name with other characters than `a-z`, `0-9` and `-`, or a long one.
    pub fn new(tenant: &str, name: &str) -> Result<Self, String> {
        check_name("tenant", tenant)?;
        check_name("office", name)?;
        Ok(Office { tenant: tenant.to_owned(), name: name.to_owned() })
    }

    /// Reads `tenant/office`.
    ///
    /// # Errors
    /// As [`Office::new`]; or no slash.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (tenant, name) = text.split_once('/').ok_or("an office is written TENANT/OFFICE")?;
        Office::new(tenant, name)
    }

    /// Who it belongs to.
    #[must_use]
    pub fn tenant(&self) -> &str {
        &self.tenant
    }

    /// Its name within the tenant.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for Office {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.tenant, self.name)
    }
}

impl Serialize for Office {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Office {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Office::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// Whether a text can be a name.
///
/// # Errors
/// It cannot; why.
pub fn check_name(what: &str, name: &str) -> Result<(), String> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if name.is_empty() || name.len() > LONGEST || !name.bytes().all(allowed) {
        return Err(format!("a name of {what} has 1 to {LONGEST} characters: a-z, digits and hyphens"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_could_be_a_wildcard_a_path_or_another_subject_is_refused() {
        for name in ["", "a.b", "*", ">", "a b", "../x", "Z\u{fc}rich", "A", &"a".repeat(41)] {
            assert!(Office::new("acme", name).is_err(), "{name}");
            assert!(Office::new(name, "zurich").is_err(), "{name}");
        }
        assert_eq!(
            Office::parse("acme/zurich-2").map(|office| office.to_string()),
            Ok("acme/zurich-2".into())
        );
        assert!(Office::parse("acme").is_err());
    }
}
