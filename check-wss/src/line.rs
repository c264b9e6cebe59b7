//! One WebSocket connection after its upgrade: pings, messages, and how it ends.

use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use netcheck_common::clock;
use netcheck_common::escape;
use netcheck_common::stream::Stream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::facts::End;
use crate::header::Headers;

/// How large a frame and a message may be.
const FRAME: usize = 64 << 10;

/// How much is read at once.
const READ: usize = 16 << 10;

/// One WebSocket connection.
pub struct Line {
    socket: WebSocketStream<Stream>,
    /// Messages the server sent unasked.
    pub unasked: u64,
    sent: u64,
    last: Instant,
    headers: Headers,
}

impl Line {
    /// A connection whose upgrade is done; `tail` came behind the answer to a request with `headers`.
    pub async fn new(stream: Stream, tail: Vec<u8>, headers: Headers) -> Line {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ)
            .max_frame_size(Some(FRAME))
            .max_message_size(Some(FRAME))
            .write_buffer_size(0)
            .max_write_buffer_size(4 * FRAME);
        // A flood of empty fragments is no message, and would be read for as long as it lasts.
        let stream = stream.in_portions();
        let socket = WebSocketStream::from_partially_read(stream, tail, Role::Client, Some(config)).await;
        Line { socket, unasked: 0, sent: 0, last: clock::now(), headers }
    }

    /// Sends a ping and waits for its pong: microseconds.
    pub async fn ping(&mut self) -> Result<u64, End> {
        self.sent += 1;
        let payload = self.sent.to_be_bytes().to_vec();
        let begun = clock::now();
        self.send(Message::Ping(payload.clone().into())).await?;
        loop {
            if let Message::Pong(answer) = self.next().await?
                && answer == payload
            {
                return Ok(micros(begun.elapsed()));
            }
        }
    }

    /// Sends a text and waits until it comes back: microseconds.
    pub async fn echo(&mut self, text: &str) -> Result<u64, End> {
        let begun = clock::now();
        self.send(Message::text(text)).await?;
        loop {
            if let Message::Text(answer) = self.next().await?
                && answer.as_str() == text
            {
                // It was asked for, after all.
                self.unasked -= 1;
                return Ok(micros(begun.elapsed()));
            }
        }
    }

    /// Listens until the connection ends.
    pub async fn listen(&mut self) -> End {
        loop {
            if let Err(end) = self.next().await {
                return end;
            }
        }
    }

    /// How long nothing has been heard or said.
    pub fn quiet(&self) -> Duration {
        self.last.elapsed()
    }

    /// Takes leave; waits for nothing.
    pub async fn leave(mut self) {
        let _ = clock::within(Duration::from_millis(100), self.socket.close(None)).await;
    }

    async fn send(&mut self, message: Message) -> Result<(), End> {
        self.last = clock::now();
        self.socket.send(message).await.map_err(|error| end(&error))
    }

    async fn next(&mut self) -> Result<Message, End> {
        match self.socket.next().await {
            Some(Ok(Message::Close(frame))) => Err(End::CloseFrame {
                code: frame.as_ref().map(|frame| frame.code.into()),
                reason: frame
                    .map(|frame| escape::line(&self.headers.secrets.hide(&frame.reason), 123))
                    .unwrap_or_default(),
            }),
            Some(Ok(message)) => {
                self.last = clock::now();
                self.unasked += u64::from(message.is_text() || message.is_binary());
                Ok(message)
            }
            Some(Err(error)) => Err(end(&error)),
            None => Err(End::Closed),
        }
    }
}

/// How a connection ended, told by the error's type.
fn end(error: &Error) -> End {
    use std::io::ErrorKind as Kind;
    match error {
        Error::Io(error) => match error.kind() {
            Kind::UnexpectedEof => End::Torn,
            Kind::TimedOut | Kind::HostUnreachable | Kind::NetworkUnreachable => End::Silent,
            _ => End::Reset,
        },
        Error::ConnectionClosed
        | Error::AlreadyClosed
        | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => End::Closed,
        _ => End::Broken,
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
