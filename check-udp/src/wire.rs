//! The two carriers of a probe (datagrams, a stream of messages) and the two ways of asking over them: one question with retransmission, and a series of numbered ones without.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use netcheck_common::clock::{now, pause, within};
use netcheck_common::failure::{Code, Failure, Layer};
use netcheck_common::stream::Stream;
use netcheck_common::udp::Socket;
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::message::{self, Malformed};
use crate::quality::{Series, micros};

/// The first wait before a request is sent again; every further wait is twice as long.
pub const FIRST_WAIT: Duration = Duration::from_millis(100);
/// When a request is given up (a binding over a healthy path is answered long before).
pub const PATIENCE: Duration = Duration::from_secs(3);
/// How much is read from a stream at once.
const PIECE: usize = 2048;

/// Carries whole messages to one peer and back.
pub trait Wire {
    /// Whether requests have to be repeated until they are answered.
    const LOSSY: bool;

    /// The code of its silence.
    fn silence(&self) -> Code;

    /// The failure that nothing fit to answer came, though messages did come; said of whoever is at the other end.
    fn amid(&self, silence: Failure, messages: u32) -> Failure;

    /// Sends one message.
    async fn send(&mut self, message: &[u8]) -> Result<(), Failure>;

    /// Sends one message without waiting, as far as that goes: a last word that must not be cut off.
    fn send_now(&mut self, message: &[u8]);

    /// Receives one message into `buffer` and returns its length. Nothing is lost when the wait is cut short.
    async fn receive(&mut self, buffer: &mut Vec<u8>) -> Result<(), Failure>;
}

impl Wire for Socket {
    const LOSSY: bool = true;

    fn silence(&self) -> Code {
        Code::UdpTimeout
    }

    fn amid(&self, silence: Failure, messages: u32) -> Failure {
        silence.amid(messages, "datagram", self.peer())
    }

    async fn send(&mut self, message: &[u8]) -> Result<(), Failure> {
        Socket::send(self, message).await
    }

    fn send_now(&mut self, message: &[u8]) {
        // Nobody is left to be told.
        let _ = Socket::send_now(self, message);
    }

    async fn receive(&mut self, buffer: &mut Vec<u8>) -> Result<(), Failure> {
        Socket::receive(self, buffer).await
    }
}

/// STUN messages one after another on a stream (RFC 8489 section 6.2.2).
pub struct Framed {
    stream: Stream,
    layer: Layer,
    read: Vec<u8>,
}

impl Framed {
    /// Messages on `stream`; what ends it early takes the codes of `layer`.
    pub fn new(stream: Stream, layer: Layer) -> Self {
        Framed { stream, layer, read: Vec::new() }
    }
}

impl Wire for Framed {
    const LOSSY: bool = false;

    fn silence(&self) -> Code {
        self.layer.timeout
    }

    fn amid(&self, silence: Failure, messages: u32) -> Failure {
        silence.amid(messages, "message", "the server")
    }

    async fn send(&mut self, message: &[u8]) -> Result<(), Failure> {
        let sent = async {
            self.stream.write_all(message).await?;
            self.stream.flush().await
        };
        sent.await.map_err(|error| netcheck_common::tls::io_failure(self.layer, &error))
    }

    fn send_now(&mut self, message: &[u8]) {
        let mut context = Context::from_waker(Waker::noop());
        let mut stream = Pin::new(&mut self.stream);
        if let Poll::Ready(Ok(_)) = stream.as_mut().poll_write(&mut context, message) {
            let _ = stream.poll_flush(&mut context);
        }
    }

    async fn receive(&mut self, buffer: &mut Vec<u8>) -> Result<(), Failure> {
        loop {
            let whole = message::frame(&self.read).transpose().map_err(malformed)?;
            if let Some(length) = whole.filter(|length| *length <= self.read.len()) {
                buffer.clear();
                buffer.extend(self.read.drain(..length));
                return Ok(());
            }
            self.read.reserve(PIECE);
            match self.stream.read_buf(&mut self.read).await {
                Ok(0) => {
                    return Err(Failure::new(
                        self.layer.closed,
                        "the server closed the connection without an answer",
                    ));
                }
                Ok(_) => {}
                Err(error) => return Err(netcheck_common::tls::io_failure(self.layer, &error)),
            }
        }
    }
}

/// The failure that broken bytes mean.
pub fn malformed(why: Malformed) -> Failure {
    Failure::new(Code::StunMalformed, why.words())
}

/// What a received message is to the question that was asked.
pub enum Heard<T> {
    /// The answer.
    Answer(T),
    /// Somebody else's, or a stale one.
    Ignored,
    /// Not what the protocol allows: told if nothing better comes.
    Broken(Failure),
}

/// An answer and what it took.
#[derive(Clone, Copy, Debug)]
pub struct Reply<T> {
    /// The answer.
    pub value: T,
    /// From the last time the question was sent to the answer.
    pub round_trip: Duration,
    /// How often the question was sent.
    pub sent: u32,
    /// Messages that were not for this question.
    pub ignored: u32,
}

impl<T> Reply<T> {
    /// The same with another value.
    pub fn with<U>(self, value: U) -> Reply<U> {
        Reply { value, round_trip: self.round_trip, sent: self.sent, ignored: self.ignored }
    }

    /// The round trip in whole microseconds.
    pub fn micros(&self) -> u64 {
        micros(self.round_trip)
    }
}

/// Asks one question (RFC 8489 section 6.2.1: again after 100 ms, each wait twice the last, 3 s in all, or `bound`
/// if that is shorter) until `read` accepts an answer.
pub async fn ask<W: Wire, T>(
    wire: &mut W,
    question: &[u8],
    bound: Duration,
    mut read: impl FnMut(&[u8]) -> Heard<T>,
) -> Result<Reply<T>, Failure> {
    let (mut wait, mut sent, mut ignored, mut broken) = (FIRST_WAIT, 0, 0, None);
    let mut buffer = Vec::new();
    let mut end = None;
    loop {
        wire.send(question).await?;
        sent += 1;
        let asked = now();
        // From when it was sent: until then this machine may have had no room for it.
        let end = *end.get_or_insert(asked + if W::LOSSY { bound.min(PATIENCE) } else { bound });
        let until = if W::LOSSY { end.min(asked + wait) } else { end };
        wait *= 2;
        while let Some(received) = within(left(until), wire.receive(&mut buffer)).await {
            received?;
            match read(&buffer) {
                Heard::Answer(value) => {
                    return Ok(Reply { value, round_trip: asked.elapsed(), sent, ignored });
                }
                Heard::Ignored => ignored += 1,
                Heard::Broken(failure) => broken = Some(failure),
            }
        }
        if now() >= end {
            let times = if sent == 1 { "once".to_owned() } else { format!("{sent} times") };
            let silence = || Failure::new(wire.silence(), format!("no answer, asked {times}"));
            return Err(broken.unwrap_or_else(|| wire.amid(silence(), ignored)));
        }
    }
}

/// How a series is sent.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How many probes.
    pub count: u32,
    /// From one probe to the next.
    pub interval: Duration,
    /// How long the last probe's answer is waited for.
    pub patience: Duration,
    /// When the series ends whatever is left of it.
    pub end: Instant,
}

/// Sends numbered probes of one packet each; `probe` makes the packet of a number, `number` finds the number of an
/// answer.
pub async fn series<W: Wire>(
    wire: &mut W,
    plan: Plan,
    mut probe: impl FnMut(u32) -> Vec<u8>,
    mut number: impl FnMut(&[u8]) -> Option<u32>,
) -> Result<Series, Failure> {
    let mut series = Series::default();
    let mut sent_at: Vec<Instant> = Vec::new();
    let mut buffer = Vec::new();
    let begun = now();
    let mut until = begun;
    loop {
        if now() >= until {
            if series.count() >= plan.count || now() >= plan.end {
                return Ok(series);
            }
            let packet = probe(series.count());
            // What this machine's queue has no room for is late, and not lost on the way.
            let sent = within(left(plan.end), wire.send(&packet)).await;
            sent_at.push(now());
            series.sent();
            kept(sent.unwrap_or(Ok(())), &series)?;
            let last = series.count() == plan.count;
            until = if last { now() + plan.patience } else { begun + plan.interval * series.count() };
            until = until.min(plan.end.max(now()));
        }
        let received = tokio::select! {
            biased;
            received = wire.receive(&mut buffer) => received,
            () = pause(left(until)) => continue,
        };
        if kept(received, &series)?.is_some()
            && let Some(number) = number(&buffer)
            && let Some(at) = sent_at.get(number as usize)
        {
            series.answered(number, at.elapsed());
        }
        if series.complete() && series.count() == plan.count {
            return Ok(series);
        }
    }
}

/// An ICMP error ends a series that has no answer yet; later it is one more loss.
fn kept<T>(result: Result<T, Failure>, series: &Series) -> Result<Option<T>, Failure> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(failure) if series.silent() || failure.code.layer() != "udp" => Err(failure),
        Err(_) => Ok(None),
    }
}

fn left(until: Instant) -> Duration {
    until.saturating_duration_since(now())
}
