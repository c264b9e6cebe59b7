//! What this check sends, written by the `rtmp` crate and collected as bytes.
//!
//! The crate writes into an [`Outbox`] instead of a socket: it never sees the peer's bytes, cannot be made to wait,
//! and no I/O error hides in its error types. A fresh packetizer writes each message, because the crate compresses
//! chunk headers per writer while the peer keeps one state per chunk stream: two writers on one stream would lie.

use std::sync::{Arc, Mutex as Shelf, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use bytesio::bytes_writer::AsyncBytesWriter;
use bytesio::bytesio::{NetType, TNetIO};
use bytesio::bytesio_errors::{BytesIOError, BytesIOErrorValue};
use netcheck_common::failure::{Code, Failure};
use rtmp::chunk::define::csid_type;
use rtmp::chunk::packetizer::ChunkPacketizer;
use rtmp::chunk::{ChunkInfo, define::CHUNK_SIZE};
use rtmp::handshake::handshake_client::SimpleHandshakeClient;
use rtmp::messages::define::msg_type_id;
use rtmp::netconnection::writer::{ConnectProperties, NetConnection};
use rtmp::netstream::writer::NetStreamWriter;
use rtmp::protocol_control_messages::writer::ProtocolControlMessagesWriter;
use rtmp::user_control_messages::writer::EventMessagesWriter;
use tokio::sync::Mutex;

use crate::amf::Value;

/// What the crate's writers write to: bytes wait here until the check sends them.
#[derive(Clone, Default)]
struct Outbox(Arc<Shelf<Vec<u8>>>);

impl Outbox {
    fn bytes(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl TNetIO for Outbox {
    async fn write(&mut self, bytes: Bytes) -> Result<(), BytesIOError> {
        self.bytes().extend_from_slice(&bytes);
        Ok(())
    }

    async fn read(&mut self) -> Result<BytesMut, BytesIOError> {
        Err(BytesIOErrorValue::EmptyStream.into())
    }

    async fn read_timeout(&mut self, _: std::time::Duration) -> Result<BytesMut, BytesIOError> {
        Err(BytesIOErrorValue::EmptyStream.into())
    }

    fn get_net_type(&self) -> NetType {
        NetType::TCP
    }
}

type SharedIo = Arc<Mutex<Box<dyn TNetIO + Send + Sync>>>;

/// Writes the messages of a publishing client. Every method gives the bytes to send.
pub struct Writer {
    outbox: Outbox,
    io: SharedIo,
    handshake: SimpleHandshakeClient,
}

impl Default for Writer {
    fn default() -> Self {
        let outbox = Outbox::default();
        let io: SharedIo = Arc::new(Mutex::new(Box::new(outbox.clone())));
        Writer { outbox, handshake: SimpleHandshakeClient::new(Arc::clone(&io)), io }
    }
}

type Written = Result<Vec<u8>, Failure>;

impl Writer {
    /// C0 and C1.
    pub async fn c0_c1(&mut self) -> Written {
        let written = self.handshake.handshake().await;
        self.take(written)
    }

    /// The chunk size every later message is written with.
    pub async fn chunk_size(&mut self) -> Written {
        let written = self.control().write_set_chunk_size(CHUNK_SIZE).await;
        self.take(written)
    }

    /// `connect` to an application (section 7.2.1.1).
    pub async fn connect(&mut self, app: &str, url: &str) -> Written {
        let mut properties = ConnectProperties::new_none();
        properties.app = Some(app.to_owned());
        properties.pub_type = Some("nonprivate".to_owned());
        properties.flash_ver = Some("FMLE/3.0 (compatible; check-rtmps)".to_owned());
        properties.tc_url = Some(url.to_owned());
        let written = NetConnection::new(Arc::clone(&self.io)).write_connect(&1.0, &properties).await;
        self.take(written)
    }

    /// Asks for an acknowledgement after every `size` bytes (section 5.4.4).
    pub async fn window(&mut self, size: u32) -> Written {
        let written = self.control().write_window_acknowledgement_size(size).await;
        self.take(written)
    }

    /// Acknowledges `total` bytes (section 5.4.3).
    pub async fn acknowledgement(&mut self, total: u32) -> Written {
        let written = self.control().write_acknowledgement(total).await;
        self.take(written)
    }

    /// Answers a ping (section 7.1.7).
    pub async fn pong(&mut self, time: u32) -> Written {
        let writer = AsyncBytesWriter::new(Arc::clone(&self.io));
        let written = EventMessagesWriter::new(writer).write_ping_response(time).await;
        self.take(written)
    }

    /// `releaseStream` and `FCPublish`: what encoders send before they publish; servers may ignore both.
    pub async fn announce(&mut self, key: &str) -> Written {
        let key = key.to_owned();
        let written = self.streams().write_release_stream(&2.0, &key).await;
        let mut bytes = self.take(written)?;
        let written = self.streams().write_fcpublish(&3.0, &key).await;
        bytes.extend(self.take(written)?);
        Ok(bytes)
    }

    /// `createStream` (section 7.2.1.3).
    pub async fn create_stream(&mut self, transaction: f64) -> Written {
        let written = NetConnection::new(Arc::clone(&self.io)).write_create_stream(&transaction).await;
        self.take(written)
    }

    /// `publish` (section 7.2.2.6), on the stream that was created: the crate's own writer sends it on stream 0.
    pub async fn publish(&mut self, transaction: f64, stream: u32, key: &str) -> Written {
        let values = [
            Value::text("publish"),
            Value::Number(transaction),
            Value::Null,
            Value::text(key),
            Value::text("live"),
        ];
        self.values(csid_type::COMMAND_AMF0_AMF3, msg_type_id::COMMAND_AMF0, stream, &values).await
    }

    /// A data message: `@setDataFrame`.
    pub async fn data(&mut self, stream: u32, values: &[Value]) -> Written {
        self.values(csid_type::DATA_AMF0_AMF3, msg_type_id::DATA_AMF0, stream, values).await
    }

    /// `deleteStream` (section 7.2.2.3).
    pub async fn delete_stream(&mut self, transaction: f64, stream: u32) -> Written {
        let written = self.streams().write_delete_stream(&transaction, &f64::from(stream)).await;
        self.take(written)
    }

    /// An FLV video tag's body.
    pub async fn video(&mut self, stream: u32, time: u32, body: &[u8]) -> Written {
        self.message(csid_type::VIDEO, msg_type_id::VIDEO, stream, time, body).await
    }

    /// An FLV audio tag's body.
    pub async fn audio(&mut self, stream: u32, time: u32, body: &[u8]) -> Written {
        self.message(csid_type::AUDIO, msg_type_id::AUDIO, stream, time, body).await
    }

    async fn values(&mut self, lane: u32, kind: u8, stream: u32, values: &[Value]) -> Written {
        let mut body = Vec::new();
        for value in values {
            value.write(&mut body);
        }
        self.message(lane, kind, stream, 0, &body).await
    }

    async fn message(&mut self, lane: u32, kind: u8, stream: u32, time: u32, body: &[u8]) -> Written {
        let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
        let mut message = ChunkInfo::new(lane, 0, time, length, kind, stream, BytesMut::from(body));
        let written = ChunkPacketizer::new(Arc::clone(&self.io)).write_chunk(&mut message).await;
        self.take(written)
    }

    fn control(&self) -> ProtocolControlMessagesWriter {
        ProtocolControlMessagesWriter::new(AsyncBytesWriter::new(Arc::clone(&self.io)))
    }

    fn streams(&self) -> NetStreamWriter {
        NetStreamWriter::new(Arc::clone(&self.io))
    }

    fn take<E>(&self, written: Result<(), E>) -> Written {
        let bytes = std::mem::take(&mut *self.outbox.bytes());
        written
            .map(|()| bytes)
            .map_err(|_| Failure::new(Code::Internal, "a message of ours could not be written"))
    }
}

#[cfg(test)]
#[path = "writer_tests.rs"]
mod tests;
