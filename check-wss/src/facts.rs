//! What the check learns of a WebSocket target, and what its files share.

use std::collections::BTreeMap;

use netcheck_common::failure::{Code, Layer};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The upgrade.
pub const WS: Layer = Layer::new("ws", Code::WsTimeout, Code::WsReset, Code::WsClosed);
/// The pings. A stage that runs out of time is not a missing pong: each ping has its own time limit.
pub const PING: Layer = Layer::new("ping", Code::WsTimeout, Code::WsReset, Code::WsClosed);
/// The text that has to come back.
pub const ECHO: Layer = Layer::new("echo", Code::WsTimeout, Code::WsReset, Code::WsClosed);
/// The idle hold: silence, reset and close all mean that an idle connection was cut.
pub const HOLD: Layer = Layer::new("hold", Code::WsIdleClosed, Code::WsIdleClosed, Code::WsIdleClosed);
/// The longest frame and message that is read.
pub const LONGEST_FRAME: usize = 64 << 10;

/// What goes into the record's `facts`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Facts {
    /// The HTTP status that answered the upgrade.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The fields of that answer that tell who gave it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// The first 4 KiB of the body, where the upgrade failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The subprotocol the server chose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subprotocol: Option<String>,
    /// permessage-deflate: `not_offered`, `declined`, `accepted`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deflate: Option<String>,
    /// Ping to pong, in microseconds; of several, the median.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rtt_us: Option<u64>,
    /// Several pings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pings: Option<PingSummary>,
    /// The message that came back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub echo: Option<EchoResult>,
    /// Messages the server sent of its own accord.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unasked: Option<u64>,
    /// Pings the server sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_pings: Option<u64>,
    /// Which frames were answered, where one was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_upgrade: Option<AfterUpgrade>,
    /// How the connection ended, where it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<ConnectionEnd>,
    /// What became of connections held idle.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold: Option<IdleBracket>,
}

/// What became of one kind of frame.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum FrameAnswer {
    /// None was sent.
    #[default]
    NotSent,
    /// It was answered.
    Answered,
    /// It was sent and not answered.
    Unanswered,
}

/// Which frames were answered after the upgrade.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema, PartialEq, Eq)]
pub struct AfterUpgrade {
    /// Ping, by pong.
    pub ping: FrameAnswer,
    /// Text (`--echo`), by the same text.
    pub text: FrameAnswer,
    /// Close, by Close or the end of the connection.
    pub close: FrameAnswer,
}

impl AfterUpgrade {
    /// One sentence for each kind of frame that was sent.
    pub fn sentences(self) -> Vec<String> {
        let say = |what: &str, answer| match answer {
            FrameAnswer::NotSent => None,
            FrameAnswer::Answered => Some(format!("a {what} was answered")),
            FrameAnswer::Unanswered => Some(format!("a {what} was not answered")),
        };
        [("ping frame", self.ping), ("text frame", self.text), ("Close frame", self.close)]
            .into_iter()
            .filter_map(|(what, answer)| say(what, answer))
            .collect()
    }
}

/// What became of one idle connection.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, PartialEq)]
pub struct HeldConnection {
    /// Seconds from its last byte to its end, or to its next use: a silent connection ended at some time before that.
    pub idle_s: f64,
    /// How it ended; absent where it was alive.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub end: Option<ConnectionEnd>,
    /// Messages the server sent meanwhile: such a connection was not idle.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub messages: u64,
}

/// What became of all idle connections.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema, PartialEq)]
pub struct IdleBracket {
    /// How long connections were held, in seconds.
    pub seconds: f64,
    /// A signal ended the run, and the hold with it.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub interrupted: bool,
    /// The idle connections, shortest idle time first.
    pub connections: Vec<HeldConnection>,
    /// The longest idle time after which a connection was alive.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub alive_s: Option<f64>,
    /// The shortest idle time after which a connection was cut.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cut_s: Option<f64>,
    /// The connection that was pinged all the time.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub keepalive: Option<PingedConnection>,
    /// Whether a new connection opened at once after a cut.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub again: Option<bool>,
}

/// The connection that was pinged all the time.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, PartialEq)]
pub struct PingedConnection {
    /// How often it was pinged.
    pub every_s: f64,
    /// When it was known to be alive for the last time: it answered a ping then. In seconds since it was opened.
    #[serde(default)]
    pub alive_s: f64,
    /// How it ended; absent where it was alive to the last.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub end: Option<ConnectionEnd>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ended_s: Option<f64>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Several pings, in microseconds.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema, PartialEq, Eq)]
pub struct PingSummary {
    /// How many were sent.
    pub sent: u32,
    /// How many were answered.
    pub answered: u32,
    /// The shortest round trip.
    pub min_us: u64,
    /// The one in the middle.
    pub median_us: u64,
    /// The longest.
    pub max_us: u64,
}

impl PingSummary {
    /// Sums up round trips, and the pings that had none; `None` without any round trip.
    pub fn sum(unanswered: u32, times: &[u64]) -> Option<PingSummary> {
        let mut times = times.to_vec();
        times.sort_unstable();
        let middle = times.len() / 2;
        let median_us = match times.len() {
            0 => return None,
            even if even % 2 == 0 => times[middle - 1].midpoint(times[middle]),
            _ => times[middle],
        };
        let answered = u32::try_from(times.len()).unwrap_or(u32::MAX);
        Some(PingSummary {
            sent: answered.saturating_add(unanswered),
            answered,
            min_us: times[0],
            median_us,
            max_us: times[times.len() - 1],
        })
    }
}

/// A message that came back.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct EchoResult {
    /// Its length.
    pub bytes: usize,
    /// The time from sending to its return, in microseconds.
    pub us: u64,
}

/// How a connection ended.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ConnectionEnd {
    /// By a Close frame (RFC 6455 section 5.5.1).
    CloseFrame {
        /// Its code.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        code: Option<u16>,
        /// Its reason.
        #[serde(skip_serializing_if = "String::is_empty", default)]
        reason: String,
    },
    /// In good order below WebSocket: `close_notify` where there is TLS, else FIN.
    Closed,
    /// By a FIN in the middle of TLS.
    Torn,
    /// By a RST.
    Reset,
    /// It did not end: nothing comes any more.
    Silent,
    /// What came is not WebSocket, or larger than 64 KiB.
    Broken,
}

impl ConnectionEnd {
    /// In words, after "the connection was".
    pub fn words(&self) -> String {
        match self {
            ConnectionEnd::CloseFrame { code: Some(code), reason } if !reason.is_empty() => {
                format!("closed with code {code} ({reason})")
            }
            ConnectionEnd::CloseFrame { code: Some(code), .. } => format!("closed with code {code}"),
            ConnectionEnd::CloseFrame { code: None, .. } => "closed with a Close frame".into(),
            ConnectionEnd::Closed => "closed".into(),
            ConnectionEnd::Torn => "cut by a FIN in the middle of TLS".into(),
            ConnectionEnd::Reset => "reset".into(),
            ConnectionEnd::Silent => "silent".into(),
            ConnectionEnd::Broken => "ended by bytes that are not WebSocket, or a frame over 64 KiB".into(),
        }
    }

    /// Whether only the other end of an intact TLS connection can have done it.
    pub fn is_by_peer(&self) -> bool {
        matches!(self, ConnectionEnd::CloseFrame { .. } | ConnectionEnd::Closed | ConnectionEnd::Broken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_count_lies_between() {
        let pings = PingSummary::sum(1, &[40, 10, 30, 20]).unwrap();
        assert_eq!(pings, PingSummary { sent: 5, answered: 4, min_us: 10, median_us: 25, max_us: 40 });
        assert_eq!(PingSummary::sum(0, &[7]).map(|pings| pings.median_us), Some(7));
        assert_eq!(PingSummary::sum(1, &[]), None);
    }
}
