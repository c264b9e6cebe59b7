//! Figures of series whose every round trip is known.

use proptest::prelude::*;

use super::*;

fn log(sent: u32, answers: &[(u32, u64)]) -> ProbeLog {
    let mut log = ProbeLog::default();
    (0..sent).for_each(|_| log.sent());
    answers.iter().for_each(|(number, ms)| log.answered(*number, Duration::from_millis(*ms)));
    log
}

fn target() -> Target {
    let spec = netcheck_common::spec::Spec::parse("stun://192.0.2.1", "udp", Default::default());
    spec.expect("a target").expand(Default::default()).next().expect("one target")
}

fn bounds() -> Bounds {
    Bounds { min_mos: 3.6, max_jitter: Duration::from_millis(30) }
}

fn fault(log: &ProbeLog) -> Option<Code> {
    log.quality().expect("answers").fault(&bounds(), &target()).map(|(failure, _)| failure.code)
}

#[test]
fn loss_delay_and_order_are_counted() {
    let quality = log(5, &[(0, 10), (2, 30), (1, 20), (3, 40)]).quality().expect("answers");
    assert_eq!((quality.sent, quality.received, quality.reordered), (5, 4, 1));
    assert!((quality.loss - 0.2).abs() < 1e-9);
    assert_eq!((quality.min_us, quality.median_us, quality.max_us), (10_000, 20_000, 40_000));
    assert_eq!((quality.p95_us, quality.p99_us), (40_000, 40_000));
}

#[test]
fn jitter_is_the_mean_difference_of_neighbours_in_order_of_sending() {
    // In order of sending: 10, 30, 10, 50. Differences: 20, 20, 40.
    let quality = log(4, &[(1, 30), (0, 10), (3, 50), (2, 10)]).quality().expect("answers");
    assert_eq!(quality.jitter_us, 26_666);
    assert_eq!((quality.jitter_p50_us, quality.jitter_p95_us), (20_000, 40_000));
}

#[test]
fn a_lost_probe_makes_no_difference_between_those_around_it() {
    let quality = log(4, &[(0, 10), (2, 90), (3, 90)]).quality().expect("answers");
    assert_eq!(quality.jitter_us, 0);
}

#[test]
fn jitter_is_that_of_the_whole_series_and_interarrival_jitter_that_of_its_end() {
    let wild = (0..400u32).map(|number| (number, if number % 2 == 0 { 40 } else { 140 }));
    let calm = (400..500u32).map(|number| (number, 90));
    let quality = log(500, &wild.chain(calm).collect::<Vec<_>>()).quality().expect("answers");
    assert!((79_000..81_000).contains(&quality.jitter_us), "{quality:?}");
    assert!(quality.interarrival_jitter_us < 1000, "{quality:?}");
}

#[test]
fn interarrival_jitter_follows_rfc_3550() {
    // Differences of 16 ms: J = 1, then 1 + 15/16 ms.
    let quality = log(3, &[(0, 10), (1, 26), (2, 10)]).quality().expect("answers");
    assert_eq!(quality.interarrival_jitter_us, 1_937);
}

#[test]
fn losses_that_come_together_have_a_burst_ratio() {
    let without = |lost: &[u32]| {
        let answers: Vec<(u32, u64)> =
            (0..100).filter(|number| !lost.contains(number)).map(|number| (number, 20)).collect();
        log(100, &answers).quality().expect("answers").burst_ratio
    };
    assert_eq!(without(&[]), None);
    assert_eq!(without(&[10, 30, 50, 70]), Some(1.0));
    assert_eq!(without(&[10, 11, 12, 13]), Some(3.84));
}

#[test]
fn loss_is_told_and_a_single_loss_is_not() {
    let lost = |count: u32| {
        let answers: Vec<(u32, u64)> = (count..200).map(|number| (number, 20)).collect();
        fault(&log(200, &answers))
    };
    assert_eq!(lost(0), None);
    assert_eq!(lost(1), None);
    assert_eq!(lost(2), Some(Code::UdpLossy));
    assert_eq!(lost(20), Some(Code::UdpLossy));
}

#[test]
fn delay_and_jitter_without_loss_are_quality_and_never_a_lossy_path() {
    let long: Vec<(u32, u64)> = (0..50).map(|number| (number, 310)).collect();
    assert_eq!(fault(&log(50, &long)), None, "310 ms are far and good");
    let longest: Vec<(u32, u64)> = (0..50).map(|number| (number, 700)).collect();
    assert_eq!(fault(&log(50, &longest)), Some(Code::UdpQuality));
    let uneven: Vec<(u32, u64)> =
        (0..50).map(|number| (number, if number % 2 == 0 { 20 } else { 60 })).collect();
    let quality = log(50, &uneven).quality().expect("answers");
    let (failure, cause) = quality.fault(&bounds(), &target()).expect("a fault");
    assert_eq!((failure.code, cause.code, cause.who), (Code::UdpQuality, Reason::Unknown, Who::Unknown));
    assert!(failure.detail.starts_with("p95 jitter 40.0 ms is above 30 ms: 0 of 50 probes lost"));
}

#[test]
fn a_duplicate_is_no_second_answer_and_an_unknown_number_is_none() {
    let mut log = log(2, &[(0, 10), (0, 12), (7, 1)]);
    assert!(!log.complete());
    log.answered(1, Duration::ZERO);
    assert!(log.complete());
    let quality = log.quality().expect("answers");
    assert_eq!((quality.received, quality.duplicates), (2, 1));
}

#[test]
fn silence_has_no_quality() {
    assert!(log(4, &[]).quality().is_none() && log(4, &[]).silent());
}

proptest! {
    #[test]
    fn every_series_has_sane_figures(answers in proptest::collection::vec((0u32..50, 0u64..5_000), 1..80)) {
        let quality = log(50, &answers).quality().expect("answers");
        prop_assert!((1.0..=4.5).contains(&quality.mos));
        prop_assert!((0.0..=1.0).contains(&quality.loss));
        prop_assert!(quality.min_us <= quality.median_us && quality.median_us <= quality.p95_us);
        prop_assert!(quality.p95_us <= quality.p99_us && quality.p99_us <= quality.max_us);
        prop_assert!(quality.jitter_p50_us <= quality.jitter_p95_us);
    }
}
