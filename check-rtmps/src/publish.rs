//! The stage `publish`: a synthetic live stream at a bitrate, and how well the path carries it.
//!
//! Sent: what an encoder sends (`releaseStream`, `FCPublish`, `createStream`, `publish`, `@setDataFrame`), then 25
//! pictures and 43 frames of silence a second, made as heavy as the bitrate asks, then `createStream` once more: a
//! server answers commands in order, so that answer says that all before it has arrived. The stream key is sent and
//! goes nowhere else: of the server's words in this stage only status codes are kept, and none that holds the key.

use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use netcheck_common::clock;
use netcheck_common::failure::{Code, Failure, Layer};

use crate::amf::Value;
use crate::event::{Command, Event};
use crate::facts::Publication;
use crate::key::Key;
use crate::media;
use crate::meter::{Meter, Stream};
use crate::session::{Duty, End, Incoming, Session};

/// The stage `publish`.
pub const PUBLISH: Layer = Layer::new("publish", Code::RtmpTimeout, Code::RtmpReset, Code::RtmpClosed);
/// The transaction of the `createStream` that opens the stream, of `publish`, and of the mark after the last frame.
const CREATE: f64 = 4.0;
const START: f64 = 5.0;
const MARK: f64 = 6.0;

/// What to publish.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How long.
    pub span: Duration,
    /// How much, in kbit/s.
    pub bitrate: u32,
    /// How long to wait for an answer.
    pub patience: Duration,
}

/// What is heard while the stream runs.
struct Ears {
    meter: Meter,
    duties: Vec<Duty>,
    marked: Option<Instant>,
}

impl Ears {
    fn hear(&mut self, event: &Event, duty: Option<Duty>) {
        self.duties.extend(duty);
        match event {
            Event::Acknowledgement(total) => self.meter.acknowledge(*total, clock::now()),
            Event::Command(command) if command.transaction == MARK => self.marked = Some(clock::now()),
            _ => {}
        }
    }

    /// Does `work` while events are heard.
    async fn during<T>(&mut self, incoming: &mut Incoming, work: impl Future<Output = T>) -> Result<T, End> {
        let mut work = pin!(work);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return Ok(done),
                event = incoming.event() => {
                    let (event, duty) = event?;
                    self.hear(&event, duty);
                }
            }
        }
    }
}

/// What was sent of a stream.
#[derive(Default)]
struct Sent {
    /// Bytes of media.
    media: u64,
    pictures: u32,
    /// The last write never ended: the stream is cut inside a message, and nothing more can be said on it.
    stuck: bool,
}

/// What a stream is sent on.
struct Line<'a> {
    session: &'a mut Session,
    ears: Ears,
}

/// Asks for leave to publish: the message stream, and the round trip of a command.
///
/// # Errors
/// `rtmp.rejected`, or how the connection ended.
pub async fn ask(session: &mut Session, key: &Key) -> Result<(u32, Duration), Failure> {
    let failed = |end: End| end.failure(&PUBLISH);
    let mut bytes = session.writer.announce(key.reveal()).await?;
    bytes.extend(session.writer.create_stream(CREATE).await?);
    let begun = clock::now();
    session.outgoing.send(&bytes).await.map_err(failed)?;
    let created = command(session, |command| command.transaction == CREATE).await?;
    let trip = begun.elapsed();
    let stream = created.values.iter().find_map(Value::as_number).and_then(whole);
    let Some(stream) = stream.filter(|_| created.name == "_result") else {
        return Err(refusal(&created, key));
    };
    let bytes = session.writer.publish(START, stream, key.reveal()).await?;
    session.outgoing.send(&bytes).await.map_err(failed)?;
    let status = |command: &Command| {
        command.name == "onStatus" || command.transaction == START || command.name == "close"
    };
    let started = command(session, status).await?;
    let bad = started.name != "onStatus" || started.text("level") == Some("error");
    if bad { Err(refusal(&started, key)) } else { Ok((stream, trip)) }
}

/// Waits for a command.
async fn command(session: &mut Session, wanted: impl Fn(&Command) -> bool) -> Result<Command, Failure> {
    loop {
        let event = session.event().await.map_err(|end| end.failure(&PUBLISH))?;
        if let Event::Command(command) = event
            && wanted(&command)
        {
            return Ok(command);
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked")]
fn whole(number: f64) -> Option<u32> {
    (number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number)).then_some(number as u32)
}

fn refusal(command: &Command, key: &Key) -> Failure {
    let code = command.text("code").filter(|code| {
        code.len() <= 60 && code.chars().all(|c| c.is_ascii_alphabetic() || c == '.') && !key.is_in(code)
    });
    let code = code.unwrap_or("no status code that can be shown");
    Failure::new(Code::RtmpRejected, format!("the server refused the stream: {code}"))
}

/// Publishes; what came of it.
///
/// # Errors
/// The connection ended while the stream was running.
pub async fn publish(
    session: &mut Session,
    stream: u32,
    trip: Duration,
    plan: Plan,
) -> Result<Publication, Failure> {
    let window = (plan.bitrate.saturating_mul(1000) / 8 / 4).clamp(4096, 1 << 20);
    let mut head = session.writer.window(window).await?;
    head.extend(session.writer.data(stream, &media::metadata(plan.bitrate)).await?);
    head.extend(session.writer.video(stream, 0, &media::video_header()).await?);
    head.extend(session.writer.audio(stream, 0, &media::audio_header()).await?);
    session.outgoing.send(&head).await.map_err(|end| end.failure(&PUBLISH))?;
    let meter = Meter::new(clock::now(), session.outgoing.sent(), window);
    let mut line = Line { session, ears: Ears { meter, duties: Vec::new(), marked: None } };
    let sent = line.stream(stream, plan).await?;
    let ended = clock::now();
    let answered = if sent.stuck { None } else { line.mark(plan.patience).await? };
    let answered = answered.map(|answered| answered.checked_sub(trip).unwrap_or(answered));
    let whole = Stream { media: sent.media, planned: plan.span, ended, answered };
    let mut publication = line.ears.meter.publication(&whole, clock::now());
    publication.bitrate_kbps = plan.bitrate;
    publication.pictures = sent.pictures;
    if sent.stuck {
        return Ok(publication);
    }
    let bytes = line.session.writer.delete_stream(7.0, stream).await?;
    // The measurement is over: a server that is slow to hear the end of it changes nothing.
    let _ = clock::within(plan.patience, line.session.outgoing.send(&bytes)).await;
    let _ = clock::within(plan.patience, line.session.outgoing.close()).await;
    Ok(publication)
}

impl Line<'_> {
    /// Sends the frames when they are due.
    async fn stream(&mut self, stream: u32, plan: Plan) -> Result<Sent, Failure> {
        let begun = clock::now();
        let (mut sent, mut sound) = (Sent::default(), 0u64);
        loop {
            let time = sent.pictures * media::PICTURE_MS;
            let due = begun + Duration::from_millis(u64::from(time));
            let end = begun + plan.span;
            if due >= end {
                return Ok(sent);
            }
            let pause = due.saturating_duration_since(clock::now());
            if !pause.is_zero() {
                let heard = self.ears.during(&mut self.session.incoming, clock::pause(pause)).await;
                heard.map_err(|end| end.failure(&PUBLISH))?;
            }
            // As much as brings the whole stream to its bitrate by the time the next picture is due.
            let next = u64::from(time + media::PICTURE_MS);
            let wanted = (next * u64::from(plan.bitrate) / 8).saturating_sub(sent.media);
            let mut bytes = self.sounds(stream, &mut sound, next).await?;
            let room = overhead(usize::try_from(wanted).unwrap_or(0).saturating_sub(bytes.len()));
            bytes.extend(self.session.writer.video(stream, time, &media::video(sent.pictures, room)).await?);
            let left = (end + plan.patience).saturating_duration_since(clock::now());
            let handed = clock::now();
            match clock::within(left, self.send(&bytes)).await {
                Some(done) => done?,
                None => {
                    self.ears.meter.wait(handed.elapsed());
                    return Ok(Sent { stuck: true, ..sent });
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

    /// Asks for a sign that all has arrived; when the answer came, if one came.
    async fn mark(&mut self, patience: Duration) -> Result<Option<Instant>, Failure> {
        let bytes = self.session.writer.create_stream(MARK).await?;
        self.ears.marked = None;
        let end = clock::now() + patience;
        match clock::within(patience, self.send(&bytes)).await {
            Some(sent) => sent?,
            None => return Ok(None),
        }
        while self.ears.marked.is_none() {
            let left = end.saturating_duration_since(clock::now());
            let Some(heard) = clock::within(left, self.session.incoming.event()).await else { break };
            match heard {
                Ok((event, duty)) => self.ears.hear(&event, duty),
                // Not every server takes a second stream. What it acknowledged until then stands; a socket that
                // took the bytes of a connection that is gone proves nothing.
                Err(end) if self.ears.meter.round_trips().is_none() => return Err(end.failure(&PUBLISH)),
                Err(_) => break,
            }
        }
        Ok(self.ears.marked)
    }

    /// Sends bytes, and listens while the socket has no room for them.
    async fn send(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let mut all = Vec::new();
        for duty in std::mem::take(&mut self.ears.duties) {
            all.extend(self.session.writer.duty(duty).await?);
        }
        all.extend_from_slice(bytes);
        let begun = clock::now();
        self.ears.meter.send(all.len(), begun);
        let Session { incoming, outgoing, .. } = &mut *self.session;
        let mut sending = pin!(outgoing.send(&all));
        let sent = match futures_util::poll!(sending.as_mut()) {
            Poll::Ready(sent) => sent,
            Poll::Pending => {
                let sent = self.ears.during(incoming, sending).await;
                self.ears.meter.wait(begun.elapsed());
                sent.and_then(|sent| sent)
            }
        };
        sent.map_err(|end| end.failure(&PUBLISH))
    }
}

/// The size of a tag that fills `room` bytes together with its chunk headers: 12 bytes, and 1 for each 4,096.
fn overhead(room: usize) -> usize {
    room.saturating_sub(12 + room / 4097)
}
