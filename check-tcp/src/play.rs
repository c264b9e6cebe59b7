//! A player of HLS: begins with the first variant, switches by what arrives, and keeps half a minute ahead.

use std::time::{Duration, Instant};

use netcheck_common::clock;
use netcheck_common::failure::{Code, Failure};

use crate::download::Log;
use crate::fetch::Fetcher;
use crate::playlist::{self, Playlist, Segment, Segments, Variant};
use crate::transfer_facts::PlaybackFacts;

/// How far a player fetches ahead.
const AHEAD: Duration = Duration::from_secs(30);
/// A live playlist is begun so many segments before its end (RFC 8216 section 6.3.3).
const FROM_END: usize = 3;
/// A live playlist is asked for no more often, whatever it claims.
const RELOAD: Duration = Duration::from_millis(500);
/// The share of the line that a player lets a stream take.
const SHARE: f64 = 0.7;

/// How it played.
#[derive(Debug, Default)]
pub struct Playback {
    variants: Vec<u64>,
    played: Option<u64>,
    live: bool,
    /// How often it stopped.
    pub stalls: u32,
    /// How long it stopped together.
    pub stalled: Duration,
    /// When it began, each stop added: what is fetched is played from here on.
    since: Option<Instant>,
    fetched: Duration,
}

impl Playback {
    /// For the record.
    pub fn facts(&self) -> PlaybackFacts {
        PlaybackFacts {
            variants_kbps: self.variants.clone(),
            played_kbps: self.played,
            live: self.live,
            stalls: self.stalls,
            stalled_ms: u64::try_from(self.stalled.as_millis()).unwrap_or(u64::MAX),
        }
    }

    /// A segment has come that plays so long.
    fn add(&mut self, now: Instant, plays: Duration) {
        self.wait(now);
        self.since.get_or_insert(now);
        self.fetched += plays;
    }

    /// Playback has used up what was fetched, where it has.
    fn wait(&mut self, now: Instant) {
        let Some(since) = &mut self.since else { return };
        let late = now.saturating_duration_since(*since).saturating_sub(self.fetched);
        if !late.is_zero() {
            self.stalls += 1;
            self.stalled += late;
            *since += late;
        }
    }

    /// How far it is ahead.
    fn ahead(&self, now: Instant) -> Duration {
        let played = self.since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
        self.fetched.saturating_sub(played)
    }
}

/// What plays.
pub struct Player<'a, 'b> {
    fetcher: &'a mut Fetcher<'b>,
    log: &'a mut Log,
    playback: &'a mut Playback,
    variants: Vec<Variant>,
    chosen: usize,
    /// The playlist of the chosen variant, and where it is.
    segments: Segments,
    address: String,
    /// The number of the next segment.
    next: u64,
}

impl<'a, 'b> Player<'a, 'b> {
    /// A player that has fetched nothing yet.
    pub fn new(fetcher: &'a mut Fetcher<'b>, log: &'a mut Log, playback: &'a mut Playback) -> Self {
        let (segments, address) = (Segments::default(), String::new());
        Player { fetcher, log, playback, variants: Vec::new(), chosen: 0, segments, address, next: 0 }
    }

    /// Plays the playlist from `address` until time or volume is used up, or the content ends.
    ///
    /// # Errors
    /// The failure of a request.
    pub async fn play(mut self, address: String, list: Playlist) -> Result<(), Failure> {
        match list {
            Playlist::Segments(segments) => (self.segments, self.address) = (segments, address),
            Playlist::Variants(variants) => {
                self.playback.variants = variants.iter().map(|variant| variant.bandwidth / 1000).collect();
                self.variants = variants
                    .into_iter()
                    .map(|variant| Variant {
                        address: playlist::resolve(&address, &variant.address),
                        ..variant
                    })
                    .collect();
                if !self.open(0).await? {
                    return Ok(());
                }
            }
        }
        self.playback.live = !self.segments.complete;
        let behind = if self.segments.complete { self.segments.list.len() } else { FROM_END };
        let skipped = self.segments.list.len().saturating_sub(behind);
        self.next = self.segments.first.saturating_add(u64::try_from(skipped).unwrap_or(0));
        while !self.fetcher.is_over() {
            let going = match self.due() {
                Some(segment) => self.segment(&segment).await?,
                None if self.segments.complete => false,
                None => self.reload().await?,
            };
            if !going {
                break;
            }
        }
        Ok(())
    }

    /// The next segment of the playlist.
    fn due(&self) -> Option<Segment> {
        let at = usize::try_from(self.next.saturating_sub(self.segments.first)).ok()?;
        let segment = self.segments.list.get(at)?;
        Some(Segment { address: playlist::resolve(&self.address, &segment.address), ..segment.clone() })
    }

    async fn segment(&mut self, segment: &Segment) -> Result<bool, Failure> {
        let ahead = self.playback.ahead(clock::now());
        if ahead > AHEAD {
            self.fetcher.pause(ahead - AHEAD).await;
        }
        let Some(transfer) = self.fetcher.get(&segment.address, segment.range).await? else {
            return Ok(false);
        };
        self.log.note(&transfer);
        if !transfer.whole {
            self.playback.wait(clock::now());
            return Ok(false);
        }
        self.playback.add(clock::now(), Duration::from_secs_f64(segment.seconds));
        if let Some(variant) = self.variants.get(self.chosen) {
            let kbps = variant.bandwidth / 1000;
            self.playback.played = Some(self.playback.played.map_or(kbps, |played| played.max(kbps)));
        }
        // A live playlist may have dropped what was due.
        self.next = self.next.max(self.segments.first).saturating_add(1);
        let best = self.best();
        if best != self.chosen { self.open(best).await } else { Ok(true) }
    }

    /// The variant that fits what arrives: the highest, or the lowest where none does.
    fn best(&self) -> usize {
        let Some(kbps) = self.log.kbps() else { return self.chosen };
        #[expect(clippy::cast_precision_loss, reason = "bitrates are small")]
        let fits = |variant: &Variant| variant.bandwidth as f64 <= kbps * 1000.0 * SHARE;
        let all = || self.variants.iter().enumerate();
        let highest = all().filter(|(_, variant)| fits(variant)).max_by_key(|(_, variant)| variant.bandwidth);
        let lowest = || all().min_by_key(|(_, variant)| variant.bandwidth);
        highest.or_else(lowest).map_or(self.chosen, |(at, _)| at)
    }

    /// Fetches the playlist of a variant.
    async fn open(&mut self, variant: usize) -> Result<bool, Failure> {
        let Some(address) = self.variants.get(variant).map(|variant| variant.address.clone()) else {
            return Ok(false);
        };
        self.chosen = variant;
        self.load(address).await
    }

    /// Waits as long as a player does before it asks for the playlist again.
    async fn reload(&mut self) -> Result<bool, Failure> {
        let wait = Duration::from_secs_f64(self.segments.target / 2.0).max(RELOAD);
        self.fetcher.pause(wait).await;
        self.load(self.address.clone()).await
    }

    async fn load(&mut self, address: String) -> Result<bool, Failure> {
        let Some(transfer) = self.fetcher.get(&address, None).await? else { return Ok(false) };
        let text = transfer.text.as_deref().map(String::from_utf8_lossy).unwrap_or_default();
        match playlist::parse(&text) {
            Some(Playlist::Segments(segments)) => {
                (self.segments, self.address) = (segments, transfer.address);
                self.next = self.next.max(self.segments.first);
                Ok(true)
            }
            _ if !transfer.whole => Ok(false),
            Some(Playlist::Variants(_)) | None => {
                Err(Failure::new(Code::HttpMalformed, "the playlist of a variant lists no segments"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn playback_stops_while_a_segment_is_late_and_goes_on_from_there() {
        let begun = clock::now();
        let at = |seconds| begun + Duration::from_secs(seconds);
        let plays = Duration::from_secs(4);
        let mut playback = Playback::default();
        playback.add(at(1), plays);
        playback.add(at(3), plays);
        assert_eq!((playback.stalls, playback.ahead(at(3))), (0, Duration::from_secs(6)));
        playback.add(at(12), plays);
        assert_eq!((playback.stalls, playback.stalled), (1, Duration::from_secs(3)));
        playback.add(at(16), plays);
        assert_eq!(playback.stalls, 1, "what was fetched last plays for four seconds");
        assert_eq!(playback.ahead(at(16)), Duration::from_secs(4));
    }
}
