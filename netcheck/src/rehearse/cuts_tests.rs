use proptest::prelude::*;

use super::*;

const SHOW: f64 = 7200.0;

fn life(target: &str, usage: Usage, opened: f64, ended: Option<f64>) -> Life {
    let alive = ended.unwrap_or(SHOW);
    Life { target: target.into(), proxy: None, usage, opened, alive, ended, by_service: false }
}

/// Connections to a target that are opened again after each end, three at a time, as a rehearsal opens them.
fn reopened(target: &str, lives_for: impl Fn(usize) -> f64) -> Vec<Life> {
    let mut lives = Vec::new();
    for lane in 0..3_u8 {
        let mut opened = f64::from(lane) * 60.0;
        while opened < SHOW {
            let end = opened + lives_for(lives.len());
            lives.push(life(target, Usage::Active, opened, (end < SHOW).then_some(end)));
            opened = end + 1.0;
        }
    }
    lives
}

fn through(proxy: &str, mut lives: Vec<Life>) -> Vec<Life> {
    lives.iter_mut().for_each(|life| life.proxy = Some(proxy.into()));
    lives
}

#[test]
fn connections_that_end_at_one_age_have_a_maximum_lifetime() {
    let lives =
        reopened("wss://a.example:443/", |at| 3600.0 + f64::from(u8::try_from(at % 3).unwrap()) * 0.4);
    let found = patterns(&lives, &[]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(matches!(found[0].pattern, Pattern::Lifetime { low, high } if low >= 3600.0 && high <= 3600.8));
    assert_eq!(found[0].scope, Scope::Target("wss://a.example:443/".into()));
}

#[test]
fn a_proxy_that_ends_all_of_them_is_named_once() {
    let mut lives = reopened("wss://a.example:443/", |_| 1800.0);
    lives.extend(reopened("wss://b.example.org:443/", |_| 1800.0));
    let found = patterns(&through("http://proxy:3128", lives), &[]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].scope, Scope::Proxy("http://proxy:3128".into()));
}

#[test]
fn one_connection_that_lives_longer_refutes_a_lifetime() {
    let mut lives = reopened("wss://a.example:443/", |_| 1800.0);
    lives.push(life("wss://a.example:443/", Usage::Active, 10.0, None));
    let found = patterns(&lives, &[]);
    assert!(!found.iter().any(|one| matches!(one.pattern, Pattern::Lifetime { .. })), "{found:?}");
}

#[test]
fn connections_opened_together_that_end_once_have_no_proven_lifetime() {
    let together = |target| life(target, Usage::Active, 0.0, Some(3600.0));
    let lives =
        [together("wss://a.example:443/"), together("wss://a.example:443/"), together("wss://b.org:443/")];
    let found = patterns(&lives, &[]);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].pattern, Pattern::Unexplained, "an age and a moment explain it alike");
}

#[test]
fn idle_connections_are_cut_where_an_active_one_lives() {
    let target = "wss://a.example:443/";
    let mut lives = vec![life(target, Usage::Active, 0.0, None)];
    for (opened, idle) in [(0.0, 60.0), (0.0, 60.1), (400.0, 60.2)] {
        lives.push(life(target, Usage::Idle, opened, Some(opened + idle)));
    }
    let mut alive = life(target, Usage::Idle, 0.0, None);
    alive.alive = 50.0;
    lives.push(alive);
    let found = patterns(&lives, &[]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        matches!(found[0].pattern, Pattern::Idle { low, high } if low >= 50.0 && high == 60.0),
        "{found:?}"
    );
    assert_eq!(found[0].lives, [1, 2, 3]);
}

#[test]
fn a_silent_cut_of_idle_connections_has_a_bracket() {
    let target = "wss://a.example:443/";
    let silent =
        |used: f64| Life { alive: 0.0, ended: Some(used), ..life(target, Usage::Idle, 0.0, Some(used)) };
    let mut alive = life(target, Usage::Idle, 0.0, None);
    alive.alive = 160.0;
    let lives = [life(target, Usage::Active, 0.0, None), alive, silent(320.0), silent(480.0)];
    let found = patterns(&lives, &[]);
    assert_eq!(found[0].pattern, Pattern::Idle { low: 160.0, high: 320.0 });
}

#[test]
fn what_ends_beside_a_change_of_the_route_names_the_change() {
    let mut lives = vec![life("wss://a.example:443/", Usage::Active, 0.0, Some(1000.0))];
    lives.push(life("wss://b.org:443/", Usage::Active, 300.0, Some(1000.4)));
    lives.push(life("wss://c.net:443/", Usage::Active, 0.0, None));
    let found = patterns(&lives, &[20.0, 999.0]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].pattern, Pattern::Moment { from: 1000.0, to: 1000.4, changes: vec![1] });
}

#[test]
fn most_connections_of_different_ages_that_end_together_end_at_a_moment() {
    let ended = |target, opened| life(target, Usage::Active, opened, Some(2000.0));
    let lives = [
        ended("wss://a.example:443/", 0.0),
        ended("wss://b.org:443/", 300.0),
        ended("wss://c.net:443/", 900.0),
    ];
    let found = patterns(&lives, &[]);
    assert_eq!(found[0].pattern, Pattern::Moment { from: 2000.0, to: 2000.0, changes: vec![] });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Ends that come at random, like those of a bad radio link: no lifetime, no idle timer.
    #[test]
    fn random_ends_have_no_pattern(ages in prop::collection::vec(20.0..4000.0_f64, 3..14)) {
        let mut lives = Vec::new();
        let mut opened = 0.0;
        for (at, age) in ages.iter().enumerate() {
            let usage = if at % 3 == 0 { Usage::Idle } else { Usage::Active };
            lives.push(life("wss://a.example:443/", usage, opened, Some(opened + age)));
            opened += 17.3;
        }
        // Ends that agree more closely than chance allows would be a pattern.
        let mut sorted = ages;
        sorted.sort_by(f64::total_cmp);
        prop_assume!(sorted.windows(2).all(|pair| pair[1] - pair[0] > 0.011 * pair[1] + 1.1));
        for found in patterns(&lives, &[]) {
            let lifetime = matches!(found.pattern, Pattern::Lifetime { .. } | Pattern::Idle { .. });
            prop_assert!(!lifetime, "{found:?}");
        }
    }

    /// Every end belongs to exactly one finding, and no order of the input changes a pattern.
    #[test]
    fn every_end_is_told_once(
        ends in prop::collection::vec((0.0..500.0_f64, 1.0..500.0_f64, any::<bool>(), 0..3_u8), 0..30),
        changes in prop::collection::vec(0.0..1000.0_f64, 0..4),
    ) {
        let lives: Vec<Life> = ends
            .iter()
            .map(|(opened, age, idle, host)| {
                let usage = if *idle { Usage::Idle } else { Usage::Active };
                life(&format!("wss://h{host}.example:443/"), usage, *opened, Some(opened + age))
            })
            .collect();
        let found = patterns(&lives, &changes);
        let mut told: Vec<usize> = found.iter().flat_map(|one| one.lives.clone()).collect();
        told.sort_unstable();
        prop_assert_eq!(told, (0..lives.len()).collect::<Vec<_>>());
    }

    /// A lifetime is found at any age that fits at least twice into the show, whatever its length.
    #[test]
    fn a_lifetime_of_any_length_is_found(age in 60.0..3500.0_f64, noise in prop::collection::vec(0.0..0.3_f64, 16)) {
        let lives = reopened("wss://a.example:443/", |at| age + noise[at % 16]);
        let found = patterns(&lives, &[]);
        prop_assert!(matches!(found[0].pattern, Pattern::Lifetime { .. }), "{:?}", found);
        prop_assert_eq!(found.len(), 1);
    }
}
