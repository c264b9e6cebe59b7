//! What a check of UDP learns, as it appears under `facts`.

use std::net::{IpAddr, SocketAddr};

use netcheck_common::failure::{Code, Failure};
use schemars::JsonSchema;
use serde::Serialize;

use crate::nat::NatFacts;
use crate::quality::Quality;
use crate::transport::Rung;

/// What a check of UDP learns; each scheme fills its own part.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Facts {
    /// What a reader has to know besides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// What a STUN server answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stun: Option<StunFacts>,
    /// What several STUN servers answered together; it is in the records of a run's first servers but the very first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nat: Option<NatFacts>,
    /// What a TURN server answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turn: Option<TurnFacts>,
    /// The rungs of the media ladder, best first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ladder: Vec<RungFacts>,
    /// The best rung that works: `udp:443`, `udp:3478`, `tcp:443`, `tls:443`; absent when none does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub best_transport: Option<String>,
    /// What the QUIC handshake showed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quic: Option<QuicFacts>,
    /// The answer over HTTP/3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub h3: Option<H3Facts>,
    /// How the echo was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icmp: Option<IcmpFacts>,
    /// How large a packet the path takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mtu: Option<MtuFacts>,
    /// Media through two relays of the server (`--relay`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media: Option<MediaFacts>,
    /// Loss, delay and jitter of a series of probes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quality: Option<Quality>,
    /// The DSCP (RFC 2474) that the datagrams of the series or the media were sent with (`--dscp`), where all have the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dscp: Option<u8>,
}

/// What a STUN server answered.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct StunFacts {
    /// Us, as the server sees us.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mapped: Option<SocketAddr>,
    /// The same unmasked, where the server sends it too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mapped_plain: Option<SocketAddr>,
    /// The server's other address for NAT tests (RFC 5780).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other_address: Option<SocketAddr>,
    /// What the server says it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software: Option<String>,
    /// From the request that was answered to the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub round_trip_us: Option<u64>,
    /// Requests sent until the answer came.
    pub requests: u32,
    /// Answers that belonged to no request of this check.
    #[serde(skip_serializing_if = "is_zero")]
    pub ignored: u32,
    /// Who answered in place of the server that was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answered_from: Option<SocketAddr>,
}

/// What a TURN server answered.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct TurnFacts {
    /// `udp`, `tcp` or `tls`.
    pub transport: &'static str,
    /// The realm it asks credentials for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub realm: Option<String>,
    /// What the server says it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software: Option<String>,
    /// From the Allocate that was answered to its answer.
    pub round_trip_us: u64,
    /// The servers it refers to (300 Try Alternate), in the order in which they were asked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub alternates: Vec<SocketAddr>,
    /// Who answered in place of the server that was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answered_from: Option<SocketAddr>,
    /// The number of its error response, where it is not the usual challenge (RFC 8656 section 19).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<u16>,
    /// An allocation was granted without credentials: an open relay.
    #[serde(skip_serializing_if = "is_false")]
    pub open: bool,
    /// The relay's address that was allocated, and released.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relayed: Option<SocketAddr>,
    /// Us, as the server sees us.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mapped: Option<SocketAddr>,
    /// Us, as the server sees us after it refused a request on the same flow with 437 (Allocation Mismatch).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mapped_again: Option<SocketAddr>,
    /// How the echo through the relay went: `measured`, `silent`, or `refused` by the server's policy (403).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub echo: Option<&'static str>,
}

/// Media through two relays of one server.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct MediaFacts {
    /// How long each bitrate of video was sent, in seconds.
    pub seconds_each: f64,
    /// The highest bitrate of video that holds, by its name; absent where none does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub highest: Option<&'static str>,
    /// The same in words.
    pub words: String,
    /// Bytes of all packets, with their headers, as they crossed the line of this machine in one direction.
    pub bytes_each_way: u64,
    /// What became of the marks of the packets (`--dscp`), in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dscp: Option<String>,
    /// A signal ended it early; what was measured until then is told.
    #[serde(skip_serializing_if = "is_false")]
    pub interrupted: bool,
    /// The bitrates that were sent, lowest first.
    pub rungs: Vec<VideoFacts>,
}

/// One bitrate of video, and the audio beside it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct VideoFacts {
    /// Its name: `720p`.
    pub rung: &'static str,
    /// Its bitrate in kbit/s.
    pub kbps: u32,
    /// How long it was sent, where a signal ended it early.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// Audio and video were both good enough, both ways: less than 5 % lost, 95 % of the packets at most 150 ms later
    /// than the fastest, and audio with the score that --min-mos asks for.
    pub holds: bool,
    /// From the first relay's end to the second's, and back; a round trip is the way through both relays.
    pub audio: Vec<Quality>,
    /// The same of video.
    pub video: Vec<Quality>,
}

/// One transport of the media ladder.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RungFacts {
    /// `udp:443`
    pub transport: String,
    /// Whether a TURN server answered there.
    pub ok: bool,
    /// Where it was tried, for the diagnosis.
    #[serde(skip)]
    pub tried: Option<(Rung, SocketAddr)>,
    /// What went wrong, with its sender.
    #[serde(skip)]
    pub observed: Option<Failure>,
    /// How long it took to find out, in microseconds.
    pub us: u64,
    /// What went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Code>,
    /// The same in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// What the QUIC handshake showed.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct QuicFacts {
    /// Whether a probe of an unknown version drew Version Negotiation (RFC 9000 section 6); servers may omit it.
    /// Absent where the handshake ended before the answer was due.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version_negotiation: Option<bool>,
    /// The versions the server offers, as it wrote them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<String>,
    /// From the Initial to the end of the handshake.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handshake_us: Option<u64>,
    /// The smoothed round trip at the end of the handshake.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub round_trip_us: Option<u64>,
    /// The ALPN protocol both agreed on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alpn: Option<String>,
}

/// The answer over HTTP/3.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct H3Facts {
    /// Its status.
    pub status: u16,
    /// Its `server` header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// Its `alt-svc` header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alt_svc: Option<String>,
}

/// How the echo was asked for.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct IcmpFacts {
    /// `dgram` (open to users of net.ipv4.ping_group_range) or `raw` (needs CAP_NET_RAW).
    pub socket: &'static str,
    /// The shortest round trip in microseconds.
    pub round_trip_us: u64,
}

/// How large a packet the path takes.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct MtuFacts {
    /// The largest packet that was answered with "do not fragment" set, headers included, in bytes; at most 9216.
    pub path: u32,
    /// The router that reported that larger ones do not fit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reported_by: Option<IpAddr>,
    /// Larger ones are lost, and no router reports it.
    #[serde(skip_serializing_if = "is_false")]
    pub black_hole: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(value: &u32) -> bool {
    *value == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(value: &bool) -> bool {
    !*value
}
