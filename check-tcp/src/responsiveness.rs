//! Responsiveness under load (draft-ietf-ippm-responsiveness): when a line is at its limit, and what its delay means. Numbers in,
//! numbers out.

use std::time::Duration;

/// How many intervals a moving average spans, and how many of them must agree.
pub const MOVING: usize = 4;
/// How far they may differ: their standard deviation as a share of the latest.
const TOLERANCE: f64 = 0.05;
/// The share of the values that a trimmed mean takes, the lowest ones.
const TRIMMED: f64 = 0.95;

/// The round trips of one probe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProbeTimes {
    /// SYN to SYN-ACK; through a proxy, until the tunnel is open.
    pub tcp: Duration,
    /// The TLS handshake: one round trip with TLS 1.3.
    pub tls: Option<Duration>,
    /// A request to the first byte of its answer.
    pub http: Duration,
}

/// Whether the last values are stable: the moving averages of the last intervals differ by little.
pub fn is_stable(values: &[f64]) -> bool {
    let average = |window: &[f64]| window.iter().sum::<f64>() / count(window.len());
    let averages: Vec<f64> = values.windows(MOVING).map(average).collect();
    let Some(last) = averages.len().checked_sub(MOVING).and_then(|from| averages.get(from..)) else {
        return false;
    };
    let mean = average(last);
    let spread = (last.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count(MOVING)).sqrt();
    let latest = last.last().copied().unwrap_or_default();
    latest > 0.0 && spread <= latest * TOLERANCE
}

/// The mean of the lowest 95 % of the values, in seconds; `None` without any.
pub fn trimmed_mean(values: impl Iterator<Item = Duration>) -> Option<f64> {
    let mut values: Vec<f64> = values.map(|value| value.as_secs_f64()).collect();
    values.sort_by(f64::total_cmp);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a count")]
    let kept = (count(values.len()) * TRIMMED).ceil() as usize;
    let kept = values.get(..kept).filter(|kept| !kept.is_empty())?;
    Some(kept.iter().sum::<f64>() / count(kept.len()))
}

/// The value in the middle.
pub fn median(values: impl Iterator<Item = Duration>) -> Option<Duration> {
    let mut values: Vec<Duration> = values.collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied()
}

/// Round trips per minute of connections of their own: the mean of TCP, TLS and HTTP.
pub fn foreign_rpm(probes: &[ProbeTimes]) -> Option<f64> {
    let tcp = trimmed_mean(probes.iter().map(|probe| probe.tcp))?;
    let http = trimmed_mean(probes.iter().map(|probe| probe.http))?;
    let mean = match trimmed_mean(probes.iter().filter_map(|probe| probe.tls)) {
        Some(tls) => (tcp + tls + http) / 3.0,
        None => f64::midpoint(tcp, http),
    };
    Some(60.0 / mean.max(1e-6))
}

/// Round trips per minute on a connection that carries the load.
pub fn loaded_rpm(probes: &[Duration]) -> Option<f64> {
    trimmed_mean(probes.iter().copied()).map(|mean| 60.0 / mean.max(1e-6))
}

/// The class of round trips per minute.
pub fn class(rpm: f64) -> &'static str {
    match rpm {
        excellent if excellent > 6000.0 => "excellent",
        good if good >= 1000.0 => "good",
        fair if fair >= 300.0 => "fair",
        _ => "poor",
    }
}

/// The grade of the delay that load adds.
pub fn grade(added: Duration) -> &'static str {
    match added.as_millis() {
        0..=5 => "A+",
        6..=30 => "A",
        31..=60 => "B",
        61..=200 => "C",
        201..=400 => "D",
        _ => "F",
    }
}

fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goodput_is_stable_once_four_moving_averages_agree() {
        assert!(!is_stable(&[10.0; 6]), "six intervals have three moving averages");
        assert!(is_stable(&[10.0; 7]));
        assert!(!is_stable(&[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 100.0]));
        assert!(is_stable(&[1.0, 5.0, 9.6, 9.9, 9.7, 9.8, 9.9, 9.8, 9.7, 9.9]));
        assert!(!is_stable(&[0.0; 9]), "nothing arrives");
    }

    #[test]
    fn a_trimmed_mean_leaves_out_the_worst_twentieth() {
        let values = (1..=20).map(|number| Duration::from_millis(if number == 20 { 9000 } else { 10 }));
        assert!((trimmed_mean(values).unwrap() - 0.010).abs() < 1e-9);
        assert_eq!(trimmed_mean(std::iter::empty()), None);
    }

    #[test]
    fn round_trips_a_minute_are_the_mean_of_tcp_tls_and_http() {
        let ms = Duration::from_millis;
        let probe = ProbeTimes { tcp: ms(10), tls: Some(ms(20)), http: ms(30) };
        assert!((foreign_rpm(&[probe; 3]).unwrap() - 3000.0).abs() < 0.01);
        let plain = ProbeTimes { tls: None, ..probe };
        assert!((foreign_rpm(&[plain]).unwrap() - 3000.0).abs() < 0.01);
        assert!((loaded_rpm(&[ms(60)]).unwrap() - 1000.0).abs() < 0.01);
    }

    #[test]
    fn classes_and_grades_have_the_bounds_of_the_page() {
        let classes = [299.0, 300.0, 999.0, 1000.0, 6000.0, 6001.0].map(class);
        assert_eq!(classes, ["poor", "fair", "fair", "good", "good", "excellent"]);
        let grades = [5, 30, 60, 200, 400, 401].map(|ms| grade(Duration::from_millis(ms)));
        assert_eq!(grades, ["A+", "A", "B", "C", "D", "F"]);
    }
}
