//! Where the fuzzer enters: files made elsewhere, from bytes to what people see.

use std::path::Path;
use std::sync::LazyLock;

use crate::assess::{self, Basis};
use crate::baseline::Baseline;
use crate::diff::Difference;
use crate::plan;
use crate::profile::Profile;
use crate::records::Input;
use crate::report::{self, Subject};

/// Read once: the fuzzer comes often.
static PROFILE: LazyLock<Option<Profile>> = LazyLock::new(|| Profile::named("spotme").ok());

/// Reads a file of records and writes every report of it: each format, what changed from its first half to its
/// second, and each format again with itself as the baseline.
#[must_use]
pub fn reports(bytes: &[u8]) -> Vec<String> {
    let Some(profile) = PROFILE.as_ref() else { return Vec::new() };
    let lines = plan::lines(profile, None).unwrap_or_default();
    let mut texts = Vec::new();
    let mut halves = Vec::new();
    for round in 0..2 {
        let mut input = Input::default();
        if input.lines(bytes, Path::new("input")).is_err() {
            return Vec::new();
        }
        let baseline = (round == 1).then(|| Baseline::of(&input));
        let basis =
            Basis { profile, plan: &lines, baseline: baseline.as_ref(), interfaces: &[], narrowed: false };
        let assessment = assess::assess(&basis, &mut input);
        texts.extend(report::every(&Subject { profile, input: &input, assessment: &assessment }));
        halves = assessment.observations;
    }
    let (before, after) = halves.split_at(halves.len() / 2);
    texts.push(Difference::of(before, after).text());
    texts
}

/// Reads a profile and plans it.
pub fn profile(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(profile) = Profile::parse(text) else { return };
    let Ok(profile) = Profile::validate("input", profile) else { return };
    for sample in [None, Some(3)] {
        let Ok(lines) = plan::lines(&profile, sample) else { continue };
        for line in &lines {
            assert!(!line.json().contains('\n'));
        }
    }
}
