//! A running stream: frames are sent when they are due, and what the server says and acknowledges meanwhile is noted.

use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use netcheck_common::clock;
use netcheck_common::failure::Failure;
use netcheck_common::net::Net;

use crate::acknowledgements::Acknowledgements;
use crate::delivery::Delivery;
use crate::event::Event;
use crate::media;
use crate::publish::{PUBLISH, PublishPlan};
use crate::session::{ConnectionEnd, ControlReply, Incoming, Session};

/// The transaction of the `createStream` after the last frame.
const MARK: f64 = 6.0;
/// How often the kernel is asked about the delivery while nothing else happens.
const SAMPLE: Duration = Duration::from_millis(50);
/// A write that waits longer is a pause, where nothing better is known.
const PAUSE: Duration = Duration::from_secs(1);

/// Writes that had to wait for room in the send buffer.
#[derive(Debug, Default)]
pub struct Writes {
    /// How many.
    pub count: u32,
    /// How long they waited together.
    pub total: Duration,
    /// The longest.
    pub longest: Duration,
    /// Those longer than a second.
    pub pauses: u32,
}

impl Writes {
    fn wait(&mut self, waited: Duration) {
        self.count += 1;
        self.total += waited;
        self.longest = self.longest.max(waited);
        self.pauses += u32::from(waited > PAUSE);
    }
}

/// What is noted while a stream runs.
pub struct EventLog {
    /// What the server acknowledges in RTMP.
    pub acknowledgements: Acknowledgements,
    /// What its TCP acknowledges.
    pub delivery: Delivery,
    /// The waits of this program.
    pub writes: Writes,
    replies: Vec<ControlReply>,
    marked: Option<Instant>,
}

impl EventLog {
    /// Nothing has happened yet.
    pub fn new(acknowledgements: Acknowledgements, delivery: Delivery) -> EventLog {
        EventLog { acknowledgements, delivery, writes: Writes::default(), replies: Vec::new(), marked: None }
    }

    fn note(&mut self, event: &Event, reply: Option<ControlReply>) {
        self.replies.extend(reply);
        match event {
            Event::Acknowledgement(total) => self.acknowledgements.acknowledge(*total, clock::now()),
            Event::Command(command) if command.transaction == MARK => self.marked = Some(clock::now()),
            _ => {}
        }
    }

    /// Does `work` while events are noted and the delivery is watched.
    async fn during<T>(
        &mut self,
        incoming: &mut Incoming,
        work: impl Future<Output = T>,
    ) -> Result<T, ConnectionEnd> {
        let mut work = pin!(work);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return Ok(done),
                event = incoming.event() => {
                    let (event, reply) = event?;
                    self.note(&event, reply);
                }
                () = clock::pause(SAMPLE) => self.delivery.sample(),
            }
        }
    }
}

/// What was sent of a stream.
#[derive(Clone, Copy, Debug, Default)]
pub struct SentMedia {
    /// Bytes of media.
    pub media: u64,
    /// Pictures.
    pub pictures: u32,
    /// The last write never ended: the stream is cut inside a message, and nothing more can be sent on it.
    pub stuck: bool,
}

impl SentMedia {
    /// When the next picture would be due.
    pub fn lasted(&self) -> Duration {
        Duration::from_millis(u64::from(self.pictures * media::PICTURE_MS))
    }
}

/// Publishes on a session.
pub struct Publisher<'a> {
    /// The session.
    pub session: &'a mut Session,
    /// Knows of a signal that ends the run.
    pub net: &'a Net,
    /// What is noted on the path.
    pub log: EventLog,
}

impl Publisher<'_> {
    /// Sends the frames when they are due, until all are sent or a signal ends the run.
    ///
    /// # Errors
    /// The connection ended.
    pub async fn stream(&mut self, stream: u32, plan: PublishPlan) -> Result<SentMedia, Failure> {
        let begun = clock::now();
        let (mut sent, mut sound) = (SentMedia::default(), 0u64);
        loop {
            let time = sent.pictures * media::PICTURE_MS;
            let due = begun + Duration::from_millis(u64::from(time));
            let end = begun + plan.span;
            if due >= end || self.net.is_interrupted() {
                return Ok(sent);
            }
            let pause = due.saturating_duration_since(clock::now());
            if !pause.is_zero() {
                let waited =
                    self.log.during(&mut self.session.incoming, self.net.interrupted_or(pause)).await;
                waited.map_err(|end| end.failure(&PUBLISH))?;
                if self.net.is_interrupted() {
                    return Ok(sent);
                }
            }
            // As much as brings the whole stream to its bitrate by the time the next picture is due.
            let next = u64::from(time + media::PICTURE_MS);
            let wanted = (next * u64::from(plan.bitrate) / 8).saturating_sub(sent.media);
            let mut bytes = self.sounds(stream, &mut sound, next).await?;
            let room = tag_size(usize::try_from(wanted).unwrap_or(0).saturating_sub(bytes.len()));
            bytes.extend(self.session.writer.video(stream, time, &media::video(sent.pictures, room)).await?);
            let left = (end + plan.patience).saturating_duration_since(clock::now());
            let handed = clock::now();
            self.log.delivery.note_sent(bytes.len());
            let net = self.net;
            match clock::within(left, net.unless_interrupted(self.send(&bytes))).await.flatten() {
                Some(done) => done?,
                None => {
                    self.log.writes.wait(handed.elapsed());
                    return Ok(SentMedia { stuck: true, ..sent });
                }
            }
            sent.media += u64::try_from(bytes.len()).unwrap_or(0);
            sent.pictures += 1;
        }
    }

    /// The frames of sound that are due before `until`, in milliseconds.
    async fn sounds(&mut self, stream: u32, nth: &mut u64, until: u64) -> Result<Vec<u8>, Failure> {
        let mut bytes = Vec::new();
        while media::audio_ms(*nth) < until {
            let at = u32::try_from(media::audio_ms(*nth)).unwrap_or(u32::MAX);
            bytes.extend(self.session.writer.audio(stream, at, &media::audio()).await?);
            *nth += 1;
        }
        Ok(bytes)
    }

    /// Asks for a sign that all has been read; when the answer came, if one came.
    ///
    /// # Errors
    /// The connection ended, and the server had acknowledged nothing.
    pub async fn mark(&mut self, patience: Duration) -> Result<Option<Instant>, Failure> {
        let bytes = self.session.writer.create_stream(MARK).await?;
        self.log.marked = None;
        let end = clock::now() + patience;
        let left = || end.saturating_duration_since(clock::now());
        match clock::within(left(), self.send(&bytes)).await {
            Some(sent) => sent?,
            None => return Ok(None),
        }
        while self.log.marked.is_none() && !left().is_zero() {
            let next = clock::within(left().min(SAMPLE), self.session.incoming.event()).await;
            self.log.delivery.sample();
            match next {
                None => {}
                Some(Ok((event, reply))) => self.log.note(&event, reply),
                // Not every server takes a second stream; what it acknowledged until then is kept. That the socket took
                // the bytes of a connection that is gone proves nothing.
                Some(Err(end)) if self.log.acknowledgements.round_trips().is_none() => {
                    return Err(end.failure(&PUBLISH));
                }
                Some(Err(_)) => break,
            }
        }
        Ok(self.log.marked)
    }

    /// Sends bytes, and listens while the socket has no room for them.
    async fn send(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let mut all = Vec::new();
        for reply in std::mem::take(&mut self.log.replies) {
            all.extend(self.session.writer.control_reply(reply).await?);
        }
        all.extend_from_slice(bytes);
        let begun = clock::now();
        self.log.acknowledgements.send(all.len(), begun);
        let Session { incoming, outgoing, .. } = &mut *self.session;
        let mut sending = pin!(outgoing.send(&all));
        let sent = match futures_util::poll!(sending.as_mut()) {
            Poll::Ready(sent) => sent,
            Poll::Pending => {
                let sent = self.log.during(incoming, sending).await;
                self.log.writes.wait(begun.elapsed());
                sent.and_then(|sent| sent)
            }
        };
        sent.map_err(|end| end.failure(&PUBLISH))
    }
}

/// The size of a tag that fills `room` bytes together with its chunk headers: 12 bytes, and 1 for each 4,096.
fn tag_size(room: usize) -> usize {
    room.saturating_sub(12 + room / 4097)
}
