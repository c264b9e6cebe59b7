//! A run from another network as control: what fails there too was known before, and is no fault of this network.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::rc::Rc;

use netcheck_record::cause::{Confidence, Reason, Who};
use netcheck_record::failure::Code;

use crate::records::{CauseKey, Input, Observation};

/// How targets failed in another run, and where that run was made.
#[derive(Clone, Debug, Default)]
pub(crate) struct Baseline {
    failed: BTreeMap<String, Code>,
    places: Places,
    /// Whether it was made on the network that is judged; the service is then not to blame.
    same: bool,
    /// Whether it is known where both were made.
    told: bool,
}

/// What tells where a run was made.
#[derive(Clone, Debug, Default)]
struct Places {
    runs: BTreeSet<String>,
    /// Our own addresses.
    locals: BTreeSet<String>,
}

impl Places {
    fn of(input: &Input) -> Places {
        let egress = input.observations.iter().filter_map(|one| one.egress.as_ref());
        Places {
            runs: input.runs.iter().map(|run| run.id.clone()).collect(),
            locals: egress.filter_map(|egress| egress.local.clone()).collect(),
        }
    }

    fn known(&self) -> bool {
        !self.locals.is_empty()
    }

    fn share_with(&self, other: &Places) -> bool {
        !self.runs.is_disjoint(&other.runs) || !self.locals.is_disjoint(&other.locals)
    }
}

impl Baseline {
    /// Reads the records of another network.
    ///
    /// # Errors
    /// The file cannot be read or holds no record.
    pub(crate) fn read(file: &Path) -> Result<Baseline, String> {
        let input = Input::read(&[file.to_path_buf()])?;
        if input.observations.is_empty() {
            return Err(format!("{}: it holds no record", file.display()));
        }
        Ok(Baseline::of(&input))
    }

    /// How targets failed in these records.
    pub(crate) fn of(input: &Input) -> Baseline {
        let bad = input.observations.iter().filter(|one| !one.usable());
        Baseline {
            failed: bad.filter_map(|one| Some((one.target(), one.code?))).collect(),
            places: Places::of(input),
            same: false,
            told: false,
        }
    }

    /// The same, knowing whether it was made on the network of these records.
    pub(crate) fn compared(&self, input: &Input) -> Baseline {
        let here = Places::of(input);
        let (same, told) = (self.places.share_with(&here), self.places.known() && here.known());
        Baseline { same, told, ..self.clone() }
    }

    /// Marks what failed the same way in both; the service is to blame where the networks differ.
    pub(crate) fn apply(&self, observations: &mut [Observation]) -> BTreeSet<usize> {
        let mut known = BTreeSet::new();
        for (at, observation) in observations.iter_mut().enumerate() {
            let Some(code) = observation.code.filter(|_| !observation.usable()) else { continue };
            if self.failed.get(&observation.target()) != Some(&code) {
                continue;
            }
            known.insert(at);
            if self.same {
                continue;
            }
            let mut detail = observation.detail.as_deref().cloned().unwrap_or_default();
            detail
                .evidence
                .insert(0, format!("the baseline run, from another network, ended with {code} too"));
            observation.detail = Some(Rc::new(detail));
            observation.cause = Some(Rc::new(CauseKey {
                reason: Reason::ServiceDown,
                who: Who::Service,
                confidence: Confidence::Medium,
                near: None,
                action: None,
            }));
        }
        known
    }

    /// What to say of a baseline that may be of the same network.
    pub(crate) fn warning(&self) -> Option<String> {
        if self.same {
            return Some(
                "The baseline was made on the same network: it cannot show that the service is at fault."
                    .to_owned(),
            );
        }
        let unknown = "The baseline does not say where it was made: it may be of the same network.";
        (!self.told).then(|| unknown.to_owned())
    }
}
