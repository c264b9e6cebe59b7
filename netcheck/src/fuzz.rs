//! Where the fuzzer enters: files made elsewhere, from bytes to what people see.

use std::path::Path;
use std::sync::LazyLock;

use crate::amend;
use crate::baseline;
use crate::diff::Difference;
use crate::plan;
use crate::profile::Profile;
use crate::records::{self, Loaded};
use crate::report::{self, Subject};
use crate::survey::Survey;

/// Read once: the fuzzer comes often.
static PROFILE: LazyLock<Option<Profile>> = LazyLock::new(|| Profile::named("spotme").ok());

/// Reads a file of records and writes every report of it: each format, what changed from its first half to its
/// second, and each format again with itself as the baseline.
#[must_use]
pub fn reports(bytes: &[u8]) -> Vec<String> {
    let mut loaded = Loaded::default();
    let Some(profile) = PROFILE.as_ref() else { return Vec::new() };
    if records::lines(bytes, &mut loaded, Path::new("input")).is_err() {
        return Vec::new();
    }
    let mut records = loaded.records;
    let (before, after) = records.split_at(records.len() / 2);
    let mut texts = vec![Difference::of(before, after).text()];
    amend::apply(&mut records);
    let baseline = baseline::of(records.clone());
    for round in 0..2 {
        let survey = Survey::of_file(profile, &records);
        texts.extend(report::every(&Subject { profile, records: &records, survey }));
        if round == 0 {
            baseline::apply(&mut records, &baseline);
        }
    }
    texts
}

/// Reads a profile and plans it.
pub fn profile(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(profile) = Profile::parse(text) else { return };
    let Ok(profile) = Profile::sound("input", profile) else { return };
    for sample in [None, Some(3)] {
        let Ok(lines) = plan::lines(&profile, sample) else { continue };
        for line in &lines {
            assert!(!line.json().contains('\n'));
        }
    }
}
