//! How much of a stream the peer's TCP has acknowledged, and what held it back: the kernel is asked while the stream runs.

use std::time::{Duration, Instant};

use netcheck_common::clock;
use netcheck_common::rung::Limit;
use netcheck_common::tcp_counters::{TcpCounters, TcpHandle};

use crate::track::Track;

/// Watches the delivery of one stream.
#[derive(Debug)]
pub struct Delivery {
    handle: Option<TcpHandle>,
    first: TcpCounters,
    last: TcpCounters,
    /// Bytes of media that were handed to the socket.
    handed: u64,
    /// When the last of them was acknowledged, less a round trip.
    complete: Option<Instant>,
    /// What the samples say.
    pub track: Track,
}

impl Delivery {
    /// A stream that begins now; without a handle nothing is known of its delivery.
    pub fn new(handle: Option<TcpHandle>, span: Duration, bitrate_kbps: u32) -> Delivery {
        let first = handle.as_ref().and_then(TcpHandle::counters);
        Delivery {
            handle: handle.filter(|_| first.is_some()),
            first: first.unwrap_or_default(),
            last: first.unwrap_or_default(),
            handed: 0,
            complete: None,
            track: Track::new(clock::now(), span, bitrate_kbps),
        }
    }

    /// Whether the kernel reports how much arrived.
    pub fn is_known(&self) -> bool {
        self.handle.is_some()
    }

    /// So many bytes of media are handed to the socket, beginning now.
    pub fn note_sent(&mut self, bytes: usize) {
        self.sample();
        self.handed += u64::try_from(bytes).unwrap_or(0);
        self.complete = None;
    }

    /// Asks the kernel how far it is.
    pub fn sample(&mut self) {
        let Some(info) = self.handle.as_ref().and_then(TcpHandle::counters) else { return };
        self.last = info;
        let now = clock::now();
        self.track.note(now, self.handed, self.delivered());
        if self.complete.is_none() && info.outstanding() == 0 {
            self.complete = now.checked_sub(info.min_round_trip);
        }
    }

    /// Bytes of media that are delivered. What TLS adds is taken out in proportion.
    pub fn delivered(&self) -> u64 {
        if self.last.outstanding() == 0 {
            return self.handed;
        }
        let arrived = self.last.acknowledged.saturating_sub(self.first.written);
        let written = self.last.written.saturating_sub(self.first.written).max(self.handed).max(1);
        let share = u128::from(arrived) * u128::from(self.handed) / u128::from(written);
        u64::try_from(share).unwrap_or(u64::MAX).min(self.handed)
    }

    /// When everything had arrived, where it has.
    pub fn complete(&self) -> Option<Instant> {
        self.complete
    }

    /// Bytes that were sent again, and the share of all bytes that they are.
    pub fn retransmitted(&self) -> (u64, f64) {
        let again = self.last.retransmitted.saturating_sub(self.first.retransmitted);
        let once = self.last.written.saturating_sub(self.first.written).max(1);
        (again, crate::track::kilobits(again) / crate::track::kilobits(once))
    }

    /// What held the stream back for most of the time in which it was held back.
    pub fn limit(&self) -> Limit {
        self.last.limit_since(&self.first)
    }
}
