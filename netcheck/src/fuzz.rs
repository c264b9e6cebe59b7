//! Where the fuzzer enters: files made elsewhere, from bytes to what people see.

use std::path::Path;
use std::sync::LazyLock;

use crate::assess::{self, Basis};
use crate::baseline::Baseline;
use crate::diff::Difference;
use crate::plan::{self, Line};
use crate::profile::Profile;
use crate::records::Input;
use crate::report::{self, Subject};

/// Read once: the fuzzer comes often.
static PLANNED: LazyLock<Option<(Profile, Vec<Line>)>> = LazyLock::new(|| {
    let profile = Profile::named("spotme").ok()?;
    let lines = plan::lines(&profile, None).ok()?;
    Some((profile, lines))
});

/// How many ways there are to write what a file of records means.
pub const WAYS: usize = 2 * report::FORMS + 1;

/// Reads a file of records and writes it in one way: a form of report, the same with the file as its own baseline, or
/// what changed from its first half to its second.
#[must_use]
pub fn report(bytes: &[u8], way: usize) -> Option<String> {
    let (profile, plan) = PLANNED.as_ref()?;
    let mut input = Input::default();
    input.lines(bytes, Path::new("input")).ok()?;
    let baseline = (way % 2 == 1).then(|| Baseline::of(&input));
    let basis = Basis { profile, plan, baseline: baseline.as_ref(), interfaces: &[], narrowed: false };
    let assessment = assess::assess(&basis, &mut input);
    let written = report::form(way / 2, &Subject { profile, input: &input, assessment: &assessment });
    Some(written.unwrap_or_else(|| {
        let observations = &assessment.observations;
        let (before, after) = observations.split_at(observations.len() / 2);
        Difference::of(before, after).text()
    }))
}

/// Reads a line of a run; the name of that run.
#[must_use]
pub fn run_line(bytes: &[u8]) -> Option<String> {
    let mut input = Input::default();
    input.line(bytes);
    input.runs.first().map(|run| run.id.clone())
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
