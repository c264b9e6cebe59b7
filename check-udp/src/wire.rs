//! The two carriers of a question (datagrams, a stream of messages), and one question with retransmission.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use netcheck_common::clock::{now, within};
use netcheck_common::failure::{Code, Failure, Layer};
use netcheck_common::stream::Stream;
use netcheck_common::udp::{Arrival, Socket};
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::message::{self, Id, Malformed};
use crate::quality::micros;

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

    /// The failure of a silence in which unrelated messages came from the peer.
    fn with_unrelated(&self, silence: Failure, messages: u32) -> Failure;

    /// Sends one message.
    async fn send(&mut self, message: &[u8]) -> Result<(), Failure>;

    /// Sends one message without waiting, as far as possible: a last message that must not be cut off.
    fn send_now(&mut self, message: &[u8]);

    /// Receives one message into `buffer`. Nothing is lost when the wait is cut short.
    async fn receive(&mut self, buffer: &mut Vec<u8>) -> Result<Arrival, Failure>;

    /// From now on the time at which a message arrives is that of this machine's system, where it tells, and not that
    /// of reading.
    fn listen_arrivals(&mut self) {}

    /// Marks what is sent from now on with a DSCP, where each message is a packet.
    fn mark(&mut self, _dscp: u8) {}
}

impl Wire for Socket {
    const LOSSY: bool = true;

    fn silence(&self) -> Code {
        Code::UdpTimeout
    }

    fn with_unrelated(&self, silence: Failure, messages: u32) -> Failure {
        silence.with_unrelated_replies(messages, "datagram", self.peer())
    }

    async fn send(&mut self, message: &[u8]) -> Result<(), Failure> {
        Socket::send(self, message).await
    }

    fn send_now(&mut self, message: &[u8]) {
        // No one is left to report to.
        let _ = Socket::send_now(self, message);
    }

    async fn receive(&mut self, buffer: &mut Vec<u8>) -> Result<Arrival, Failure> {
        Socket::receive(self, buffer).await
    }

    fn listen_arrivals(&mut self) {
        Socket::listen_arrivals(self);
    }

    fn mark(&mut self, dscp: u8) {
        Socket::mark(self, dscp);
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

    fn with_unrelated(&self, silence: Failure, messages: u32) -> Failure {
        silence.with_unrelated_replies(messages, "message", "the server")
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

    async fn receive(&mut self, buffer: &mut Vec<u8>) -> Result<Arrival, Failure> {
        loop {
            let whole = message::frame(&self.read).transpose().map_err(malformed)?;
            if let Some(length) = whole.filter(|length| *length <= self.read.len()) {
                buffer.clear();
                buffer.extend(self.read.drain(..length));
                return Ok(Arrival::now());
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
pub enum Received<T> {
    /// The answer.
    Answer(T),
    /// Somebody else's, or a stale one.
    Ignored,
    /// Not what the protocol allows: reported if nothing better comes.
    Broken(Failure),
}

/// An answer and what it took.
#[derive(Clone, Copy, Debug)]
pub struct Reply<T> {
    /// The answer.
    pub value: T,
    /// From the transmission that was answered to its answer.
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

/// Makes the bytes of a question with its transaction id, once for each transmission.
pub trait Question: FnMut() -> (Id, Vec<u8>) {}

impl<F: FnMut() -> (Id, Vec<u8>)> Question for F {}

/// Asks one question (RFC 8489 section 6.2.1: again after 100 ms, each wait twice the last, 3 s in all, or `bound`
/// if that is shorter) until `read` accepts an answer. `read` is told which transaction ids have been sent; the round
/// trip is that of the transmission that was answered.
pub async fn ask<W: Wire, T>(
    wire: &mut W,
    mut question: impl Question,
    bound: Duration,
    mut read: impl FnMut(&[u8], &dyn Fn(&Id) -> bool) -> Received<(Id, T)>,
) -> Result<Reply<T>, Failure> {
    let (mut wait, mut ignored, mut broken) = (FIRST_WAIT, 0, None);
    let mut sent: Vec<(Id, Instant)> = Vec::new();
    let mut buffer = Vec::new();
    let mut end = None;
    loop {
        let (id, bytes) = question();
        sent.push((id, now()));
        wire.send(&bytes).await?;
        // From when it was sent: until then this machine may have had no room for it.
        let asked = now();
        let end = *end.get_or_insert(asked + if W::LOSSY { bound.min(PATIENCE) } else { bound });
        let until = if W::LOSSY { end.min(asked + wait) } else { end };
        wait *= 2;
        while let Some(received) = within(left(until), wire.receive(&mut buffer)).await {
            let arrival = received?;
            match read(&buffer, &|id| sent.iter().any(|(known, _)| known == id)) {
                Received::Answer((id, value)) => {
                    let answered =
                        sent.iter().find(|(known, _)| *known == id).map(|(_, at)| arrival.since(*at));
                    let round_trip = answered.unwrap_or_default();
                    let sent = u32::try_from(sent.len()).unwrap_or(u32::MAX);
                    return Ok(Reply { value, round_trip, sent, ignored });
                }
                Received::Ignored => ignored += 1,
                Received::Broken(failure) => broken = Some(failure),
            }
        }
        if now() >= end {
            let times = if sent.len() == 1 { "once".to_owned() } else { format!("{} times", sent.len()) };
            let silence = || Failure::new(wire.silence(), format!("no answer, asked {times}"));
            return Err(broken.unwrap_or_else(|| wire.with_unrelated(silence(), ignored)));
        }
    }
}

/// What is left of a time limit.
pub fn left(until: Instant) -> Duration {
    until.saturating_duration_since(now())
}
