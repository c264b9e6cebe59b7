//! What this check learns: `facts.rtmp` and `facts.publish` of the record.

use std::time::Duration;

use serde::Serialize;

/// The facts of one target.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Facts {
    /// The handshake, and `connect`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rtmp: Option<Handshake>,
    /// The stream that was published.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publish: Option<Publication>,
}

/// What the peer's handshake said.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Handshake {
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
    /// What a peer that does not speak RTMP said first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_bytes: Option<String>,
    /// True when no handshake was begun: too many with this address were still in progress.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub crowded: bool,
    /// What became of `connect`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect: Option<Connection>,
}

/// What the server said to `connect`. Its texts are made harmless and bounded.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Connection {
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
#[derive(Clone, Debug, Default, Serialize)]
pub struct Publication {
    /// How long the stream lasted, in seconds, until its last byte was known to have arrived.
    pub seconds: f64,
    /// The bitrate that was asked for, in kbit/s.
    pub bitrate_kbps: u32,
    /// The bitrate that arrived, in kbit/s.
    pub throughput_kbps: f64,
    /// What says so: the server's `answer` to a command sent after the last frame, its `acknowledgements`, or,
    /// when it sends neither, only that the `socket` took the bytes: an upper bound.
    pub measured_by: &'static str,
    /// Bytes sent, chunk headers included.
    pub bytes: u64,
    /// Pictures sent.
    pub pictures: u32,
    /// How often the connection took nothing for half a second or longer.
    pub stalls: u32,
    /// The longest time it took nothing, in milliseconds.
    pub longest_wait_ms: u64,
    /// How many writes had to wait for room in the send buffer.
    pub send_waits: u32,
    /// How long they waited together, in milliseconds.
    pub send_wait_ms: u64,
    /// From a byte's sending to the server's acknowledgement of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acknowledgements: Option<RoundTrips>,
}

/// How much of the bitrate has to arrive.
const ENOUGH: f64 = 0.95;
/// How much later than planned the last byte may arrive, in seconds: a busy machine is no slow path.
const LATE: f64 = 0.25;

impl Publication {
    /// Whether too little arrived of a stream that was to take `planned`.
    pub fn falls_short(&self, planned: Duration) -> bool {
        let planned = planned.as_secs_f64();
        let little = self.seconds > planned && self.seconds <= planned + LATE;
        let lasted = if little { planned } else { self.seconds };
        self.throughput_kbps * self.seconds / lasted < f64::from(self.bitrate_kbps) * ENOUGH
    }
}

/// Round trips, in microseconds.
#[derive(Clone, Copy, Debug, Default, Serialize, PartialEq, Eq)]
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
            let publication =
                Publication { throughput_kbps, seconds, bitrate_kbps: 1000, ..Publication::default() };
            publication.falls_short(Duration::from_secs(1))
        };
        assert!(!short(1000.0, 1.0));
        assert!(!short(951.0, 1.0));
        assert!(short(949.0, 1.0));
        assert!(!short(834.0, 1.2), "all of it, a fifth of a second late");
        assert!(short(770.0, 1.3));
        assert!(!short(1010.0, 0.92), "by an acknowledgement that came before the end");
    }
}
