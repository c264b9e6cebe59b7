//! Lines that are records, run lines, and neither.

use netcheck_record::cause::Reason;
use netcheck_record::record::Verdict;

use super::observation::UNLABELLED;
use super::*;

fn read(text: &str) -> Input {
    let mut input = Input::default();
    input.lines(text.as_bytes(), Path::new("input")).unwrap();
    input
}

const RECORD: &str = r#"{"v":1,"run":"r1","ts":"2026-11-22T07:00:00.123Z","check":"tcp","target":"https://[2001:db8::1]:443/a?b","verdict":"fail","stages":[{"stage":"tcp","ok":true,"us":1030000}],"failure":{"code":"tls.reset","detail":"x"},"cause":{"code":"sni_filter","who":"network","confidence":"high","near":"10.0.0.1","evidence":["e"],"fix":"f","action":{"kind":"exempt","to":"a"}},"path":{"via":"direct","local":"10.0.0.2:1","address":"192.0.2.1:443"},"facts":{"tls":{"issuer":"CA"}},"labels":{"row":"core","required":false,"way":"any"}}"#;

#[test]
fn a_record_becomes_an_observation() {
    let input = read(RECORD);
    let one = &input.observations[0];
    assert_eq!(one.target(), "https://[2001:db8::1]:443/a?b");
    assert_eq!((one.verdict, one.reason()), (Verdict::Fail, Some(Reason::SniFilter)));
    assert_eq!(
        (one.labels.requirement.as_str(), one.labels.required, one.labels.counts),
        ("core", false, Counts::Any)
    );
    assert_eq!(one.egress.as_ref().unwrap().local.as_deref(), Some("10.0.0.2"));
    assert_eq!(one.marks.as_ref().unwrap().issuer.as_deref(), Some("CA"));
    assert_eq!(one.cause.as_ref().unwrap().action.as_ref().unwrap().kind, "exempt");
    assert_eq!(one.connect_ms, Some(1030));
    assert_eq!((input.runs.len(), input.without_run, input.samples.len()), (1, 0, 1));
}

#[test]
fn run_lines_are_no_records_and_no_faults() {
    let start = RunLine::Start(Box::new(RunStart { id: "r1".into(), planned: 2, ..RunStart::default() }));
    let end = RunLine::End(RunEnd { id: "r1".into(), finished: "x".into(), written: 1, interrupted: true });
    let input = read(&format!("{}\n{RECORD}\n{}\n", start.json(), end.json()));
    assert_eq!((input.observations.len(), input.runs.len(), input.bad), (1, 1, 0));
    assert_eq!(input.runs[0].start.as_ref().map(|start| start.planned), Some(2));
    assert_eq!(input.runs[0].end.as_ref().map(|end| end.interrupted), Some(true));
}

#[test]
fn what_is_neither_is_counted_and_a_torn_end_is_told() {
    let half = &RECORD[..200];
    let input = read(&format!("nonsense\n{{\"v\":2}}\n{{\"v\":1,\"run\":7}}\n{half}"));
    assert_eq!((input.observations.len(), input.bad, input.torn), (0, 4, true));
    assert!(!read("nonsense\n").torn);
}

#[test]
fn a_record_without_labels_or_facts_is_one_too() {
    let input = read(
        r#"{"v":1,"ts":"","check":"tcp","target":"tcp://a:1","verdict":"pass","stages":[],"facts":{"tls":"x"},"labels":[]}"#,
    );
    assert_eq!(input.observations[0].labels.requirement, UNLABELLED);
    assert_eq!((input.without_run, input.bad), (1, 0));
}

#[test]
fn a_run_marks_its_records_and_changes_nothing_else() {
    let line = r#"{"v":1,"ts":"x"}"#;
    assert_eq!(with_run(line, "r"), r#"{"v":1,"run":"r","ts":"x"}"#);
    assert_eq!(with_run(r#"{"ts":"x","v":1}"#, "r"), r#"{"run":"r","ts":"x","v":1}"#);
}

/// A million records are a million observations: eight bytes more are eight megabytes more.
#[test]
fn an_observation_takes_88_bytes() {
    assert_eq!(size_of::<Observation>(), 88);
}
