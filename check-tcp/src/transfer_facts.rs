//! What a transfer shows: `facts.download` and `facts.upload` of the record.

use netcheck_common::rung::Limit;
use schemars::JsonSchema;
use serde::Serialize;

/// What came of `--download`.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct DownloadFacts {
    /// From the first request to the end, in seconds.
    pub seconds: f64,
    /// Bytes of all bodies.
    pub bytes: u64,
    /// The volume that --budget allows was used up before the time.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub budget_reached: bool,
    /// A signal ended the run before time and volume were used up.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub interrupted: bool,
    /// Connections made: one, where the server keeps it and lists no other server.
    pub connections: u32,
    /// Segments of the playlist, or copies of the address, that were fetched. Playlists are not counted.
    pub segments: u32,
    /// Bytes over the time from each request to the last byte of its answer, in kbit/s; from segments of 64 KiB or more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub throughput_kbps: Option<f64>,
    /// The same of the slowest segment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slowest_kbps: Option<f64>,
    /// The median time from a request to the first byte of its answer, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_byte_us: Option<u64>,
    /// The highest bitrate of video that holds with 30 % of the line free, by its name; absent where none does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub highest: Option<&'static str>,
    /// The same in words.
    pub words: String,
    /// What held the transfer back, where something shows it: `path` (packets wait in a queue on the path, or were lost) or
    /// `sender` (the server pauses). Known on direct connections only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limited_by: Option<Limit>,
    /// How it played, where the address is an HLS playlist.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub playback: Option<PlaybackFacts>,
    /// The first segments, in order; at most 50.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub each: Vec<SegmentFacts>,
}

/// How a playlist played.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct PlaybackFacts {
    /// The bitrates that the playlist lists (`BANDWIDTH`), in kbit/s; none where it lists segments itself.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub variants_kbps: Vec<u64>,
    /// The highest of them that was played, in kbit/s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub played_kbps: Option<u64>,
    /// Segments are added while it plays.
    pub live: bool,
    /// How often playback stopped because a segment was not there in time.
    pub stalls: u32,
    /// How long it stopped together, in milliseconds.
    pub stalled_ms: u64,
}

/// One segment.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct SegmentFacts {
    /// Bytes of its body.
    pub bytes: u64,
    /// From the request to the first byte, in microseconds.
    pub first_byte_us: u64,
    /// From the request to the last byte, in microseconds.
    pub us: u64,
    /// Bytes over that time, in kbit/s.
    pub kbps: f64,
}

/// What came of `--upload`.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct UploadFacts {
    /// How long bytes were sent, in seconds.
    pub seconds: f64,
    /// Bytes that the peer's TCP acknowledged in that time, those of TLS and HTTP included; through a proxy, and where the
    /// kernel does not tell, bytes that were handed to the connection.
    pub bytes: u64,
    /// What counted them: the acknowledgements of the peer's `tcp`, or only the `socket`.
    pub measured_by: &'static str,
    /// The volume that --budget allows was used up before the time.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub budget_reached: bool,
    /// A signal ended the run before time and volume were used up.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub interrupted: bool,
    /// The rate, in kbit/s; absent where the transfer ended within half a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub throughput_kbps: Option<f64>,
    /// The highest bitrate of video that holds with 30 % of the line free, by its name; absent where none does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub highest: Option<&'static str>,
    /// The same in words.
    pub words: String,
    /// What held the transfer back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limited_by: Option<Limit>,
    /// Bytes that TCP sent again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retransmitted_bytes: Option<u64>,
    /// The status of the server's answer; absent where none came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
}

/// What came of `--under-load` (draft-ietf-ippm-responsiveness).
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct UnderLoadFacts {
    /// How long it was measured, in seconds.
    pub seconds: f64,
    /// Bytes of all bodies.
    pub bytes: u64,
    /// The volume that --budget allows was used up before the time.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub budget_reached: bool,
    /// A signal ended the run before time and volume were used up.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub interrupted: bool,
    /// Connections that carried the load at the end.
    pub flows: u32,
    /// Goodput and delay were stable at the end, as the draft asks for; otherwise time or volume ended the measurement.
    pub stable: bool,
    /// Bytes of the last four seconds over that time, in kbit/s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub throughput_kbps: Option<f64>,
    /// The median time from SYN to SYN-ACK before the load, in microseconds; through a proxy, until the tunnel is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle_us: Option<u64>,
    /// The same under load.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loaded_us: Option<u64>,
    /// What load adds to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub added_us: Option<u64>,
    /// The grade of that: up to 5 ms `A+`, 30 ms `A`, 60 ms `B`, 200 ms `C`, 400 ms `D`, above `F`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grade: Option<&'static str>,
    /// Round trips per minute: the mean of the next two, or the first where only it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rpm: Option<f64>,
    /// Their class: under 300 `poor`, up to 1000 `fair`, up to 6000 `good`, above `excellent`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<&'static str>,
    /// Round trips per minute of connections of their own: TCP, TLS and one byte over HTTP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub foreign_rpm: Option<f64>,
    /// Round trips per minute of one byte over HTTP/2 on a connection that carries the load; not known over HTTP/1.1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loaded_rpm: Option<f64>,
    /// Probes that these figures come from.
    pub probes: u32,
    /// Probes that were not answered.
    pub lost_probes: u32,
    /// What held the load back, where something shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limited_by: Option<Limit>,
}
