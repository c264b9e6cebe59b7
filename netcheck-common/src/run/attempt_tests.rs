//! What a bug in a check costs: one record, and the exit code.

use clap::{Args, FromArgMatches};

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::super::drive::Tally;
use super::*;
use crate::trace::Stopped;
use netcheck_record::failure::Code;
use netcheck_record::flags::Flags;
use netcheck_record::spec::{Sampling, Spec};

#[derive(Args)]
struct Buggy {}

impl Check for Buggy {
    const NAME: &'static str = "tcp";
    const TOOL: &'static str = "check-tcp";
    const EXAMPLES: &'static [&'static str] = &[];
    type Facts = serde_json::Map<String, serde_json::Value>;

    async fn check(&self, target: &Target, _: &mut Trace<Self::Facts>) -> Result<(), Stopped> {
        assert!(target.port() == 1, "port {} was not foreseen\u{1b}[2J", target.port());
        Ok(())
    }
}

#[tokio::test]
async fn a_bug_met_by_one_target_is_its_record_and_troubles_the_run() {
    let command = Flags::augment_args(clap::Command::new("check-tcp"));
    let matches = command.try_get_matches_from(["check-tcp", "--proxy", "none"]).unwrap();
    let flags = Flags::from_arg_matches(&matches).unwrap();
    let experiments = Arc::<Experiments>::default();
    let watch = Arc::<Experiments>::clone(&experiments);
    let shared = Arc::new(Shared::new(flags, false, Duration::ZERO, watch).unwrap());
    let spec = Spec::parse("127.0.0.1:1-2", "tcp", Sampling::default()).unwrap();
    let tally = Tally::default();
    let mut codes = Vec::new();
    for target in spec.expand(Sampling::default()) {
        let record = attempt(&Buggy {}, &Diagnosis::new(Net::new(&shared), &experiments), &target, "").await;
        tally.count(&record, false);
        codes.push((record.verdict, record.failure.map(|failure| (failure.code, failure.detail))));
    }
    let bug = "a bug of this tool: port 2 was not foreseen\\u{1b}[2J".to_owned();
    assert_eq!(codes, [(Verdict::Pass, None), (Verdict::Inconclusive, Some((Code::Internal, bug)))]);
    assert!(tally.troubled.load(Ordering::Relaxed) && tally.failed.load(Ordering::Relaxed));
}
