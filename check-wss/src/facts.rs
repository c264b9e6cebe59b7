//! What the check learns of a WebSocket target.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::bracket::Bracket;

/// What goes into the record's `facts`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
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
    pub pings: Option<Pings>,
    /// The message that came back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub echo: Option<Echo>,
    /// Messages the server sent unasked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unasked: Option<u64>,
    /// How the connection ended, where it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<End>,
    /// What became of connections held idle.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold: Option<Bracket>,
}

/// Several pings, in microseconds.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct Pings {
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

impl Pings {
    /// Sums up round trips, and the pings that had none; `None` without any round trip.
    pub fn of(unanswered: u32, times: &[u64]) -> Option<Pings> {
        let mut times = times.to_vec();
        times.sort_unstable();
        let middle = times.len() / 2;
        let median_us = match times.len() {
            0 => return None,
            even if even % 2 == 0 => times[middle - 1].midpoint(times[middle]),
            _ => times[middle],
        };
        let answered = u32::try_from(times.len()).unwrap_or(u32::MAX);
        Some(Pings {
            sent: answered.saturating_add(unanswered),
            answered,
            min_us: times[0],
            median_us,
            max_us: times[times.len() - 1],
        })
    }
}

/// A message that came back.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Echo {
    /// Its length.
    pub bytes: usize,
    /// How long it was on the way, there and back.
    pub us: u64,
}

/// How a connection ended.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum End {
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

impl End {
    /// In words, after "the connection was".
    pub fn words(&self) -> String {
        match self {
            End::CloseFrame { code: Some(code), reason } if !reason.is_empty() => {
                format!("closed with code {code} ({reason})")
            }
            End::CloseFrame { code: Some(code), .. } => format!("closed with code {code}"),
            End::CloseFrame { code: None, .. } => "closed with a Close frame".into(),
            End::Closed => "closed".into(),
            End::Torn => "cut by a FIN in the middle of TLS".into(),
            End::Reset => "reset".into(),
            End::Silent => "silent".into(),
            End::Broken => "ended by bytes that are not WebSocket, or a frame over 64 KiB".into(),
        }
    }

    /// Whether only the other end of an intact TLS connection can have done it.
    pub fn is_spoken(&self) -> bool {
        matches!(self, End::CloseFrame { .. } | End::Closed | End::Broken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_count_lies_between() {
        let pings = Pings::of(1, &[40, 10, 30, 20]).unwrap();
        assert_eq!(pings, Pings { sent: 5, answered: 4, min_us: 10, median_us: 25, max_us: 40 });
        assert_eq!(Pings::of(0, &[7]).map(|pings| pings.median_us), Some(7));
        assert_eq!(Pings::of(1, &[]), None);
    }
}
