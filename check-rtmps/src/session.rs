//! A connection after the handshake: events in, messages out, and what the server asks for sent back on the path.

use std::io;

use netcheck_common::failure::{Code, Failure, Layer};
use netcheck_common::stream::Stream;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};

use crate::chunk::Chunks;
use crate::event::Event;
use crate::writer::Writer;

/// The most bytes that are read from a server after the handshake. A publisher receives a few thousand.
const MOST: u64 = 4 * 1024 * 1024;

/// Why no further event comes.
#[derive(Debug)]
pub enum ConnectionEnd {
    /// The server closed the connection.
    Closed,
    /// The connection broke.
    Broken(io::Error),
    /// What came is not RTMP.
    Malformed(String),
}

impl ConnectionEnd {
    /// The failure this is in a stage.
    pub fn failure(self, layer: &Layer) -> Failure {
        match self {
            ConnectionEnd::Closed => {
                Failure::new(layer.closed, format!("the server closed the connection during {}", layer.name))
            }
            ConnectionEnd::Broken(error) => netcheck_common::tls::io_failure(*layer, &error),
            ConnectionEnd::Malformed(what) => Failure::new(
                Code::RtmpNotRtmp,
                format!("{what}, after a right handshake, during {}", layer.name),
            ),
        }
    }
}

/// What the server asks this client to send back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlReply {
    /// The answer to its ping.
    Pong(u32),
    /// An acknowledgement of so many bytes.
    Acknowledgement(u32),
}

impl Writer {
    /// The message that is asked for.
    ///
    /// # Errors
    /// A message of this program cannot be written.
    pub async fn control_reply(&mut self, control_reply: ControlReply) -> Result<Vec<u8>, Failure> {
        match control_reply {
            ControlReply::Pong(time) => self.pong(time).await,
            ControlReply::Acknowledgement(total) => self.acknowledgement(total).await,
        }
    }
}

/// The reading half.
pub struct Incoming {
    half: ReadHalf<Stream>,
    buffer: Vec<u8>,
    chunks: Chunks,
    received: u64,
    acknowledged: u64,
    /// The server ended the stream in good order. Inside TLS that is `close_notify`, which no other device can send.
    pub ended: bool,
    /// After how many bytes the server wants an acknowledgement, where it asked for that.
    pub window: Option<u32>,
}

impl Incoming {
    /// The next event, and what has to be sent back for it. Dropping the future loses nothing.
    ///
    /// # Errors
    /// The stream ended, or is not RTMP.
    pub async fn event(&mut self) -> Result<(Event, Option<ControlReply>), ConnectionEnd> {
        loop {
            if let Some(message) =
                self.chunks.message().map_err(|why| ConnectionEnd::Malformed(why.to_string()))?
            {
                let event = Event::read(&message).map_err(|why| ConnectionEnd::Malformed(why.to_string()))?;
                let control_reply = self.control_reply(&event);
                return Ok((event, control_reply));
            }
            let count = self.half.read(&mut self.buffer).await.map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => ConnectionEnd::Closed,
                _ => ConnectionEnd::Broken(error),
            })?;
            if count == 0 {
                self.ended = true;
                return Err(ConnectionEnd::Closed);
            }
            self.received += u64::try_from(count).unwrap_or(0);
            if self.received > MOST {
                return Err(ConnectionEnd::Malformed(format!("more than {MOST} bytes")));
            }
            self.chunks.push(&self.buffer[..count]);
        }
    }

    /// The chunk size the server has set.
    pub fn chunk_size(&self) -> usize {
        self.chunks.size()
    }

    /// A chunk stream of the server's began with a type 1 header.
    pub fn is_type_one_first(&self) -> bool {
        self.chunks.is_type_one_first()
    }

    fn control_reply(&mut self, event: &Event) -> Option<ControlReply> {
        match event {
            Event::Ping(time) => return Some(ControlReply::Pong(*time)),
            Event::Window(size) => self.window = Some(*size),
            _ => {}
        }
        let window = u64::from(self.window?.max(1));
        if self.received - self.acknowledged < window {
            return None;
        }
        self.acknowledged = self.received;
        Some(ControlReply::Acknowledgement(u32::try_from(self.received).unwrap_or(u32::MAX)))
    }
}

/// The writing half.
pub struct Outgoing {
    half: WriteHalf<Stream>,
    sent: u64,
}

impl Outgoing {
    /// Sends bytes, all of them.
    ///
    /// # Errors
    /// The connection broke.
    pub async fn send(&mut self, bytes: &[u8]) -> Result<(), ConnectionEnd> {
        self.sent += u64::try_from(bytes.len()).unwrap_or(0);
        let sent = async {
            self.half.write_all(bytes).await?;
            self.half.flush().await
        };
        sent.await.map_err(ConnectionEnd::Broken)
    }

    /// How many bytes were sent after the handshake.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// Says that nothing more comes; a peer that is gone already does not matter.
    pub async fn close(&mut self) {
        let _ = self.half.shutdown().await;
    }
}

/// Both halves, and the writer of messages.
pub struct Session {
    /// What the server sends.
    pub incoming: Incoming,
    /// What is sent to it.
    pub outgoing: Outgoing,
    /// Writes the messages.
    pub writer: Writer,
}

impl Session {
    /// A session over a stream whose handshake is done.
    pub fn new(stream: Stream, writer: Writer) -> Self {
        let (reading, writing) = tokio::io::split(stream);
        let incoming = Incoming {
            half: reading,
            buffer: vec![0; 4096],
            chunks: Chunks::default(),
            received: 0,
            acknowledged: 0,
            ended: false,
            window: None,
        };
        Session { incoming, outgoing: Outgoing { half: writing, sent: 0 }, writer }
    }

    /// The next event; what it asks for is sent back first.
    ///
    /// # Errors
    /// The stream ended, or is not RTMP.
    pub async fn event(&mut self) -> Result<Event, ConnectionEnd> {
        let (event, control_reply) = self.incoming.event().await?;
        if let Some(control_reply) = control_reply {
            let bytes = self
                .writer
                .control_reply(control_reply)
                .await
                .map_err(|bug| ConnectionEnd::Malformed(bug.detail))?;
            self.outgoing.send(&bytes).await?;
        }
        Ok(event)
    }
}
