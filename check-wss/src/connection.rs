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

use crate::facts::{ConnectionEnd, LONGEST_FRAME};
use crate::header::Headers;

/// How much is read at once.
const READ: usize = 16 << 10;

/// One WebSocket connection.
pub struct WsConnection {
    socket: WebSocketStream<Stream>,
    /// Messages the server sent of its own accord.
    pub unasked: u64,
    /// Pings the server sent.
    pub server_pings: u64,
    sent: u64,
    last: Instant,
    headers: Headers,
}

impl WsConnection {
    /// A connection whose upgrade is done; `tail` came behind the answer to a request with `headers`.
    pub async fn new(stream: Stream, tail: Vec<u8>, headers: Headers) -> WsConnection {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ)
            .max_frame_size(Some(LONGEST_FRAME))
            .max_message_size(Some(LONGEST_FRAME))
            .write_buffer_size(0)
            .max_write_buffer_size(4 * LONGEST_FRAME);
        // A flood of empty fragments is no message, and would be read for as long as it lasts.
        let stream = stream.in_portions();
        let socket = WebSocketStream::from_partially_read(stream, tail, Role::Client, Some(config)).await;
        WsConnection { socket, unasked: 0, server_pings: 0, sent: 0, last: clock::now(), headers }
    }

    /// Sends a ping and waits for its pong: microseconds.
    pub async fn ping(&mut self) -> Result<u64, ConnectionEnd> {
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
    pub async fn echo(&mut self, text: &str) -> Result<u64, ConnectionEnd> {
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
    pub async fn listen(&mut self) -> ConnectionEnd {
        loop {
            if let Err(end) = self.next().await {
                return end;
            }
        }
    }

    /// How long nothing has been heard or said.
    pub fn idle_for(&self) -> Duration {
        self.last.elapsed()
    }

    /// Sends a Close frame and waits until the server answers it or ends the connection.
    pub async fn close_and_wait(&mut self) -> ConnectionEnd {
        // An end that comes before the frame is sent is an end all the same.
        let _ = self.socket.close(None).await;
        self.listen().await
    }

    /// Sends a Close frame and waits for nothing.
    pub async fn leave(mut self) {
        let _ = clock::within(Duration::from_millis(100), self.socket.close(None)).await;
    }

    async fn send(&mut self, message: Message) -> Result<(), ConnectionEnd> {
        self.last = clock::now();
        self.socket.send(message).await.map_err(|error| end(&error))
    }

    async fn next(&mut self) -> Result<Message, ConnectionEnd> {
        match self.socket.next().await {
            Some(Ok(Message::Close(frame))) => Err(ConnectionEnd::CloseFrame {
                code: frame.as_ref().map(|frame| frame.code.into()),
                reason: frame
                    .map(|frame| escape::line(&self.headers.secrets.hide(&frame.reason), 123))
                    .unwrap_or_default(),
            }),
            Some(Ok(message)) => {
                self.last = clock::now();
                self.unasked += u64::from(message.is_text() || message.is_binary());
                self.server_pings += u64::from(message.is_ping());
                Ok(message)
            }
            Some(Err(error)) => Err(end(&error)),
            None => Err(ConnectionEnd::Closed),
        }
    }
}

/// How a connection ended, told by the error's type.
fn end(error: &Error) -> ConnectionEnd {
    use std::io::ErrorKind as Kind;
    match error {
        Error::Io(error) => match error.kind() {
            Kind::UnexpectedEof => ConnectionEnd::Torn,
            Kind::TimedOut | Kind::HostUnreachable | Kind::NetworkUnreachable => ConnectionEnd::Silent,
            _ => ConnectionEnd::Reset,
        },
        Error::ConnectionClosed
        | Error::AlreadyClosed
        | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => ConnectionEnd::Closed,
        _ => ConnectionEnd::Broken,
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
