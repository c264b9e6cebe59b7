//! A profile: what a platform needs from a network, row by row.

pub(crate) mod choice;
mod fault;
mod merge;
pub(crate) mod new;
pub(crate) mod row;

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use row::{Probe, Row};

/// The profiles that are built in.
const BUILT_IN: [(&str, &str); 3] = [
    ("spotme", include_str!("../../../profiles/spotme.toml")),
    ("teams", include_str!("../../../profiles/teams.toml")),
    ("zoom", include_str!("../../../profiles/zoom.toml")),
];
/// The longest file that is read as a profile.
const LONGEST: u64 = 4 << 20;

/// A profile file (docs/PROFILES.md).
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Profile {
    /// The version of this format: 1.
    pub(crate) format: u8,
    /// A short name.
    pub(crate) name: String,
    /// A name for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) title: String,
    /// The version of its content: a date or a number.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) version: String,
    /// Who says that these are the needs.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) source: String,
    /// The built-in profile this one adds to: `spotme`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) extends: Option<String>,
    /// The regions that `--region` may name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) regions: Vec<String>,
    /// Further arguments of a tool, by its name without `check-`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) tools: BTreeMap<String, Tool>,
    /// Targets that are never counted and only tell causes apart.
    #[serde(default, rename = "control", skip_serializing_if = "Vec::is_empty")]
    pub(crate) controls: Vec<Control>,
    /// What the platform needs.
    #[serde(default, rename = "row", skip_serializing_if = "Vec::is_empty")]
    pub(crate) rows: Vec<Row>,
    /// SHA-256 of what it asks for, before anything is left out.
    #[serde(skip)]
    pub(crate) digest: String,
}

/// What a tool is started with besides the common options.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tool {
    /// Arguments, as they stand on its command line. Nothing secret: process lists show them.
    pub(crate) args: Vec<String>,
}

/// A target that is never counted.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Control {
    /// The target.
    pub(crate) target: String,
    /// What it tells.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) note: String,
}

impl Profile {
    /// The built-in profile of that name, or the one in that file; extensions are applied, and what comes out is sound.
    pub(crate) fn named(name: &str) -> Result<Profile, String> {
        let profile = match Profile::built_in(name) {
            Some(profile) => profile.map_err(|why| format!("the built-in profile {name}: {why}"))?,
            None => Profile::read(Path::new(name))?,
        };
        Profile::validate(name, profile)
    }

    /// The profile with what it extends, where nothing is wrong with it.
    pub(crate) fn validate(name: &str, profile: Profile) -> Result<Profile, String> {
        let profile = match profile.extends.clone() {
            None => profile,
            Some(base) => match Profile::built_in(&base) {
                Some(base) => merge::merge_onto(base?, profile)?,
                None => {
                    return Err(format!("{name}: extends \"{base}\", which is not built in ({})", names()));
                }
            },
        };
        let faults = fault::all(&profile);
        if !faults.is_empty() {
            return Err(format!("{name}: {}", faults.join("\n  ")));
        }
        Ok(Profile { digest: digest(&profile), ..profile })
    }

    /// The built-in profile of that name.
    pub(crate) fn built_in(name: &str) -> Option<Result<Profile, String>> {
        BUILT_IN.iter().find(|(known, _)| *known == name).map(|(_, text)| Profile::parse(text))
    }

    /// A profile of which only the name is known.
    pub(crate) fn only_named(name: &str) -> Profile {
        Profile {
            format: 1,
            name: name.to_owned(),
            title: String::new(),
            version: String::new(),
            source: String::new(),
            extends: None,
            regions: Vec::new(),
            tools: BTreeMap::new(),
            controls: Vec::new(),
            rows: Vec::new(),
            digest: String::new(),
        }
    }

    /// Reads the text of a profile.
    pub(crate) fn parse(text: &str) -> Result<Profile, String> {
        toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())
    }

    fn read(file: &Path) -> Result<Profile, String> {
        let name = file.display();
        let text = netcheck_record::file::text(file, LONGEST).map_err(|why| match why.kind() {
            ErrorKind::NotFound => format!("profile {name}: {why} (built in: {})", names()),
            _ => format!("profile {name}: {why}"),
        })?;
        Profile::parse(&text).map_err(|why| format!("profile {name}: {why}"))
    }

    /// The JSON Schema of the format, as docs/profile.schema.json holds it.
    #[must_use]
    pub(crate) fn schema() -> String {
        let schema = schemars::schema_for!(Profile);
        let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Every probe with its row.
    pub(crate) fn probes(&self) -> impl Iterator<Item = (&Row, &Probe)> {
        self.rows.iter().flat_map(|row| row.probes.iter().map(move |probe| (row, probe)))
    }
}

/// SHA-256 of what a profile asks for, in hexadecimal digits.
fn digest(profile: &Profile) -> String {
    use sha2::Digest;
    let text = serde_json::to_vec(profile).unwrap_or_default();
    sha2::Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The names of the built-in profiles.
pub(crate) fn built_in_names() -> impl Iterator<Item = &'static str> {
    BUILT_IN.into_iter().map(|(name, _)| name)
}

/// The text of a built-in profile.
pub(crate) fn built_in_text(name: &str) -> Option<&'static str> {
    BUILT_IN.into_iter().find_map(|(known, text)| (known == name).then_some(text))
}

/// The names of what is built in, as a list for people.
fn names() -> String {
    BUILT_IN.map(|(name, _)| name).join(", ")
}

#[cfg(test)]
mod tests;
