//! The stage `publish`: a synthetic live stream at a bitrate, and how well the path carries it.
//!
//! Sent: what an encoder sends (`releaseStream`, `FCPublish`, `createStream`, `publish`, `@setDataFrame`), then 25
//! pictures and 43 frames of silence a second, made as heavy as the bitrate asks, then `createStream` once more: a
//! server answers commands in order, so that answer says that it has read all before it. The stream key is sent and
//! goes nowhere else: of the server's words in this stage only status codes are kept, and none that holds the key.

use std::time::{Duration, Instant};

use netcheck_common::clock;
use netcheck_common::failure::{Code, Failure, Layer};
use netcheck_common::net::Net;
use netcheck_common::rung::Limit;
use netcheck_common::tcp_counters::TcpHandle;

use crate::acknowledgements::{Acknowledgements, milliseconds};
use crate::amf::Value;
use crate::delivery::Delivery;
use crate::event::{Command, Event};
use crate::facts::PublishFacts;
use crate::key::StreamKey;
use crate::media;
use crate::session::{ConnectionEnd, Session};
use crate::stream::{EventLog, Publisher, SentMedia};
use crate::track::kilobits;

/// The stage `publish`.
pub const PUBLISH: Layer = Layer::new("publish", Code::RtmpTimeout, Code::RtmpReset, Code::RtmpClosed);
/// The transaction of the `createStream` that opens the stream, and of `publish`.
const CREATE: f64 = 4.0;
const START: f64 = 5.0;
/// How much later than the peer's TCP a server may have read the stream and still count as keeping up.
const READING: Duration = Duration::from_millis(500);

/// How long the server's last answers are waited for after a signal.
const GOODBYE: Duration = Duration::from_millis(400);

/// What to publish.
#[derive(Clone, Copy, Debug)]
pub struct PublishPlan {
    /// How long.
    pub span: Duration,
    /// How much, in kbit/s.
    pub bitrate: u32,
    /// How long to wait for an answer.
    pub patience: Duration,
}

/// Leave to publish.
#[derive(Clone, Copy, Debug)]
pub struct Granted {
    /// The message stream.
    pub stream: u32,
    /// The round trip of a command.
    pub round_trip: Duration,
}

/// Asks for leave to publish.
///
/// # Errors
/// `rtmp.rejected`, or how the connection ended.
pub async fn ask(session: &mut Session, key: &StreamKey) -> Result<Granted, Failure> {
    let failed = |end: ConnectionEnd| end.failure(&PUBLISH);
    let mut bytes = session.writer.announce(key.reveal()).await?;
    bytes.extend(session.writer.create_stream(CREATE).await?);
    let begun = clock::now();
    session.outgoing.send(&bytes).await.map_err(failed)?;
    let created = command(session, |command| command.transaction == CREATE).await?;
    let round_trip = begun.elapsed();
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
    if bad { Err(refusal(&started, key)) } else { Ok(Granted { stream, round_trip }) }
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

fn refusal(command: &Command, key: &StreamKey) -> Failure {
    let code = command.text("code").filter(|code| {
        code.len() <= 60 && code.chars().all(|c| c.is_ascii_alphabetic() || c == '.') && !key.is_in(code)
    });
    let code = code.unwrap_or("no status code that can be shown");
    Failure::new(Code::RtmpRejected, format!("the server refused the stream: {code}"))
}

/// Publishes, and measures what arrives. A signal ends the stream early, and what was measured by then is kept.
///
/// # Errors
/// The connection ended while the stream was running.
pub async fn publish(
    session: &mut Session,
    net: &Net,
    granted: Granted,
    mut plan: PublishPlan,
    tcp: Option<TcpHandle>,
) -> Result<PublishFacts, Failure> {
    net.keep_measurement();
    let stream = granted.stream;
    let window = (plan.bitrate.saturating_mul(1000) / 8 / 4).clamp(4096, 1 << 20);
    let mut head = session.writer.window(window).await?;
    head.extend(session.writer.data(stream, &media::metadata(plan.bitrate)).await?);
    head.extend(session.writer.video(stream, 0, &media::video_header()).await?);
    head.extend(session.writer.audio(stream, 0, &media::audio_header()).await?);
    session.outgoing.send(&head).await.map_err(|end| end.failure(&PUBLISH))?;
    let log = EventLog::new(
        Acknowledgements::new(session.outgoing.sent(), window),
        Delivery::new(tcp, plan.span, plan.bitrate),
    );
    let begun = clock::now();
    let mut publisher = Publisher { session, net, log };
    let sent = publisher.stream(stream, plan).await?;
    let ended = clock::now();
    let interrupted = net.is_interrupted() && sent.lasted() < plan.span;
    if interrupted {
        let lasted = if sent.stuck { ended.saturating_duration_since(begun) } else { sent.lasted() };
        plan = PublishPlan { span: plan.span.min(lasted), patience: plan.patience.min(GOODBYE), ..plan };
    }
    let answered = if sent.stuck { None } else { publisher.mark(plan.patience).await? };
    let answered = answered.map(|answered| answered.checked_sub(granted.round_trip).unwrap_or(answered));
    publisher.log.delivery.sample();
    let facts = Figures { begun, ended, answered, sent, plan, interrupted, log: &publisher.log }.facts();
    if !sent.stuck {
        let bytes = publisher.session.writer.delete_stream(7.0, stream).await?;
        // The measurement is over: a server that reads the end of it late changes nothing.
        let _ = clock::within(plan.patience, publisher.session.outgoing.send(&bytes)).await;
        let _ = clock::within(plan.patience, publisher.session.outgoing.close()).await;
    }
    Ok(facts)
}

/// What is known of a stream that is over.
struct Figures<'a> {
    begun: Instant,
    /// When the socket had taken the last byte.
    ended: Instant,
    /// When the server answered what was sent after the stream, less the round trip of such an answer.
    answered: Option<Instant>,
    sent: SentMedia,
    plan: PublishPlan,
    interrupted: bool,
    log: &'a EventLog,
}

/// How much arrived in which time, and what shows it.
struct Arrived {
    by: &'static str,
    media: u64,
    lasted: Duration,
}

impl Figures<'_> {
    fn lasted(&self, until: Instant) -> Duration {
        until.saturating_duration_since(self.begun).max(self.plan.span)
    }

    fn facts(&self) -> PublishFacts {
        let Figures { sent, plan, log, .. } = self;
        let media = sent.media;
        let acknowledged = log.acknowledgements.acknowledged(media);
        let arrived = self.arrived();
        let (pauses, longest_pause) = if log.delivery.is_known() {
            (log.delivery.track.pauses, log.delivery.track.longest_pause)
        } else {
            (log.writes.pauses, log.writes.longest)
        };
        let (again, loss) = log.delivery.retransmitted();
        let mut facts = PublishFacts {
            seconds: round(arrived.lasted.as_secs_f64()),
            interrupted: self.interrupted,
            bitrate_kbps: plan.bitrate,
            throughput_kbps: round(kilobits(arrived.media) / arrived.lasted.as_secs_f64().max(0.001)),
            measured_by: arrived.by,
            slowest_kbps: log.delivery.track.slowest_kbps.map(round),
            bytes: media,
            pictures: sent.pictures,
            pauses,
            longest_pause_ms: milliseconds(longest_pause),
            limited_by: None,
            retransmitted_bytes: log.delivery.is_known().then_some(again),
            send_waits: log.writes.count,
            send_wait_ms: milliseconds(log.writes.total),
            answered: self.answered.is_some(),
            acknowledgements: log.acknowledgements.round_trips(),
            short: log.delivery.track.short || sent.stuck,
            loss,
            planned: plan.span,
            read_to_the_end: self.answered.is_some() || acknowledged.is_some_and(|known| known.whole),
        };
        if facts.is_slow() {
            facts.limited_by = match arrived.by {
                "answer" if log.delivery.is_known() => Some(Limit::Receiver),
                _ => log.delivery.is_known().then(|| log.delivery.limit()),
            };
        }
        facts
    }

    /// The strongest proof: the peer's TCP, unless the server takes longer to read; else the server's own answer.
    fn arrived(&self) -> Arrived {
        let media = self.sent.media;
        let answer =
            self.answered.map(|answered| Arrived { by: "answer", media, lasted: self.lasted(answered) });
        if self.log.delivery.is_known() {
            let complete = self.log.delivery.complete();
            let lasted = self.lasted(complete.unwrap_or_else(clock::now));
            let media = if complete.is_some() { media } else { self.log.delivery.delivered() };
            let late = answer.filter(|answer| answer.lasted > lasted + READING);
            return late.unwrap_or(Arrived { by: "tcp", media, lasted });
        }
        let acknowledged = || {
            let known = self.log.acknowledgements.acknowledged(media)?;
            let until = if known.whole {
                known.at.saturating_duration_since(self.begun)
            } else {
                self.lasted(clock::now())
            };
            Some(Arrived { by: "acknowledgements", media: known.media, lasted: until })
        };
        let socket = || Arrived { by: "socket", media, lasted: self.lasted(self.ended) };
        answer.or_else(acknowledged).unwrap_or_else(socket)
    }
}

fn round(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}
