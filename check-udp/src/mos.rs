//! The E-model (ITU-T G.107) for a call with G.711 and packet loss concealment: from a path to a mean opinion score.

use std::time::Duration;

/// The shortest jitter buffer of a call.
const BUFFER: Duration = Duration::from_millis(20);
/// What coding and packing of 20 ms of speech take.
const CODEC: Duration = Duration::from_millis(20);
/// The rating with all parameters at their defaults and no delay (G.107 section 7).
const R0: f64 = 93.2;
/// Equipment impairment and robustness against loss of G.711 with concealment (G.113 appendix I).
const IE: f64 = 0.0;
const BPL: f64 = 25.1;

/// What a call would meet.
#[derive(Clone, Copy, Debug)]
pub struct Path {
    /// There and back.
    pub round_trip: Duration,
    /// The 95th percentile of the jitter.
    pub jitter: Duration,
    /// The share of lost packets, 0 to 1.
    pub loss: f64,
    /// How much longer runs of lost packets are than random loss makes them.
    pub burst_ratio: f64,
}

/// The mean opinion score, 1 to 4.5. The way there alone cannot be measured from one end: it counts as half of the round
/// trip. The jitter buffer holds twice the jitter.
pub fn mos(path: Path) -> f64 {
    let delay = path.round_trip / 2 + (path.jitter * 2).max(BUFFER) + CODEC;
    let r = (R0 - delay_impairment(delay) - loss_impairment(path.loss, path.burst_ratio)).clamp(0.0, 100.0);
    // The formula dips a little below the scale near its foot.
    (1.0 + 0.035 * r + 7e-6 * r * (r - 60.0) * (100.0 - r)).max(1.0)
}

/// Id, as a line with a knee at 177.3 ms: the usual approximation of G.107 section 7.4 for the default echo losses.
fn delay_impairment(delay: Duration) -> f64 {
    let ms = delay.as_secs_f64() * 1000.0;
    0.024 * ms + 0.11 * (ms - 177.3).max(0.0)
}

/// Ie-eff (G.107 section 7.5).
fn loss_impairment(loss: f64, burst_ratio: f64) -> f64 {
    let percent = loss * 100.0;
    IE + (95.0 - IE) * percent / (percent / burst_ratio.max(1.0) + BPL)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(round_trip_ms: u64, jitter_ms: u64, loss: f64, burst_ratio: f64) -> f64 {
        let round_trip = Duration::from_millis(round_trip_ms);
        mos(Path { round_trip, jitter: Duration::from_millis(jitter_ms), loss, burst_ratio })
    }

    #[test]
    fn the_score_is_that_of_the_formulas() {
        // 10 + 20 + 20 = 50 ms: R = 93.2 - 1.2 = 92.0.
        assert!((score(20, 0, 0.0, 1.0) - 4.380).abs() < 0.005, "{}", score(20, 0, 0.0, 1.0));
        // 155 + 20 + 20 = 195 ms: R = 93.2 - 4.68 - 1.947 = 86.573.
        assert!((score(310, 0, 0.0, 1.0) - 4.246).abs() < 0.005, "{}", score(310, 0, 0.0, 1.0));
        // 5 % of random loss: Ie-eff = 95 * 5 / 30.1 = 15.78; R = 76.22.
        assert!((score(20, 0, 0.05, 1.0) - 3.874).abs() < 0.005, "{}", score(20, 0, 0.05, 1.0));
    }

    #[test]
    fn the_jitter_buffer_adds_to_the_delay_and_bursts_add_to_the_loss() {
        assert!(score(200, 100, 0.0, 1.0) < score(200, 10, 0.0, 1.0) - 0.3);
        assert!((score(200, 10, 0.0, 1.0) - score(200, 0, 0.0, 1.0)).abs() < 1e-9, "20 ms are the least");
        assert!(score(20, 0, 0.05, 3.0) < score(20, 0, 0.05, 1.0));
        assert!((score(5000, 0, 1.0, 1.0) - 1.0).abs() < 1e-9);
    }
}
