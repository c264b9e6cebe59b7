//! What this check learns: `facts.rtmp` and `facts.publish` of the record.

use std::time::Duration;

use netcheck_common::rung::Limit;
use schemars::JsonSchema;
use serde::Serialize;

use crate::track::ENOUGH;

/// The facts of one target.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct Facts {
    /// What a reader has to know besides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The handshake, and `connect`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rtmp: Option<HandshakeFacts>,
    /// The stream that was published.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publish: Option<PublishFacts>,
}

/// What the peer's handshake showed.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct HandshakeFacts {
    /// S0, where it names a version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u8>,
    /// The server's clock, in milliseconds since an epoch of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_time_ms: Option<u32>,
    /// Bytes 4-7 of S1: `0.0.0.0` in the simple handshake, else the server's version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_version: Option<String>,
    /// Whether S2 repeats C1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub echo: Option<bool>,
    /// What a peer speaks that does not speak RTMP: `http`, `tls`, `text`, `bytes`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speaks: Option<&'static str>,
    /// The first bytes of a peer that does not speak RTMP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_bytes: Option<String>,
    /// True when no handshake was begun: too many with this address were still in progress.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub crowded: bool,
    /// What became of `connect`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect: Option<ConnectFacts>,
}

/// What the server answered to `connect`. Its texts are made harmless and bounded.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct ConnectFacts {
    /// The application that was asked for.
    pub app: String,
    /// `accepted`, `rejected`, or `none` when the server did not answer.
    pub answer: &'static str,
    /// The status code: `NetConnection.Connect.Success`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The status in the server's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The server's name for itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// The chunk size the server had set by then, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chunk_size: Option<usize>,
    /// After how many bytes the server wants an acknowledgement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<u32>,
    /// From `connect` to the answer, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub us: Option<u64>,
}

/// What came of publishing.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct PublishFacts {
    /// How long the stream lasted, in seconds, until its last byte was known to have arrived.
    pub seconds: f64,
    /// A signal ended the stream early; the figures are those of what was sent until then.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub interrupted: bool,
    /// The bitrate that was asked for, in kbit/s.
    pub bitrate_kbps: u32,
    /// The bitrate that arrived, in kbit/s.
    pub throughput_kbps: f64,
    /// What shows it: the acknowledgements of the peer's `tcp`, the server's `answer` to a command sent after the last
    /// frame, its RTMP `acknowledgements`, or, when there is none of these, only that the `socket` took the bytes.
    pub measured_by: &'static str,
    /// The bitrate that arrived in the slowest two seconds, in kbit/s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slowest_kbps: Option<f64>,
    /// Bytes sent, chunk headers included.
    pub bytes: u64,
    /// Pictures sent.
    pub pictures: u32,
    /// How often nothing arrived for more than a second although bytes were waiting.
    pub pauses: u32,
    /// The longest time nothing arrived although bytes were waiting, in milliseconds.
    pub longest_pause_ms: u64,
    /// What held the stream back, where it was slow or paused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limited_by: Option<Limit>,
    /// Bytes that TCP sent again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retransmitted_bytes: Option<u64>,
    /// How many writes had to wait for room in the send buffer.
    pub send_waits: u32,
    /// How long they waited together, in milliseconds.
    pub send_wait_ms: u64,
    /// Whether the server answered the command sent after the last frame.
    pub answered: bool,
    /// From a byte's sending to the server's RTMP acknowledgement of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acknowledgements: Option<RoundTrips>,
    /// A window of two seconds stayed under the bitrate.
    #[serde(skip)]
    pub short: bool,
    /// The share of the bytes that TCP sent again, 0 to 1.
    #[serde(skip)]
    pub loss: f64,
    /// How long the stream was to last; as long as it was sent, where a signal ended it.
    #[serde(skip)]
    pub planned: Duration,
    /// The server itself has shown that it read the stream to its end.
    #[serde(skip)]
    pub read_to_the_end: bool,
}

/// How much later than planned the last byte may arrive, in seconds: a busy machine is no slow path.
const LATE: f64 = 0.25;

/// The shortest time after which an interrupted stream shows a rate.
const SHORTEST: Duration = Duration::from_secs(1);

impl PublishFacts {
    /// Whether the stream was slow, as a whole or in part, or paused. What a signal ended within a second is not judged.
    pub fn is_slow(&self) -> bool {
        let judged = !self.interrupted || self.planned >= SHORTEST;
        self.short || self.pauses > 0 || judged && self.falls_short()
    }

    /// Whether too little arrived in the planned time.
    pub fn falls_short(&self) -> bool {
        let planned = self.planned.as_secs_f64();
        let little = self.seconds > planned && self.seconds <= planned + LATE;
        let lasted = if little { planned } else { self.seconds };
        self.throughput_kbps * self.seconds / lasted < f64::from(self.bitrate_kbps) * ENOUGH
    }
}

/// Round trips, in microseconds.
#[derive(Clone, Copy, Debug, Default, Serialize, JsonSchema, PartialEq, Eq)]
pub struct RoundTrips {
    /// How many.
    pub count: usize,
    /// The shortest.
    pub min_us: u64,
    /// The median.
    pub median_us: u64,
    /// The longest.
    pub max_us: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_falls_short_below_95_percent_or_when_it_ends_too_late() {
        let short = |throughput_kbps: f64, seconds: f64| {
            let planned = Duration::from_secs(1);
            let bitrate_kbps = 1000;
            PublishFacts { throughput_kbps, seconds, bitrate_kbps, planned, ..PublishFacts::default() }
                .falls_short()
        };
        assert!(!short(1000.0, 1.0));
        assert!(!short(951.0, 1.0));
        assert!(short(949.0, 1.0));
        assert!(!short(834.0, 1.2), "all of it, a fifth of a second late");
        assert!(short(770.0, 1.3));
        assert!(!short(1010.0, 0.92), "by an acknowledgement that came before the end");
    }
}
