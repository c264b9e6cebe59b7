//! An RTMP server's side of a conversation, written by the `rtmp` crate's own server writers.
#![expect(clippy::unwrap_used, reason = "a helper of a test ends the test")]

use std::future::Future;
use std::sync::{Arc, Mutex as Shelf};
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use bytesio::bytes_writer::AsyncBytesWriter;
use bytesio::bytesio::{NetType, TNetIO};
use bytesio::bytesio_errors::{BytesIOError, BytesIOErrorValue};
use netcheck_lab::script::Act;
use rtmp::netconnection::writer::NetConnection;
use rtmp::netstream::writer::NetStreamWriter;
use rtmp::protocol_control_messages::writer::ProtocolControlMessagesWriter;
use rtmp::user_control_messages::writer::EventMessagesWriter;
use tokio::sync::Mutex;

#[derive(Clone, Default)]
struct Outbox(Arc<Shelf<Vec<u8>>>);

#[async_trait]
impl TNetIO for Outbox {
    async fn write(&mut self, bytes: Bytes) -> Result<(), BytesIOError> {
        self.0.lock().unwrap().extend_from_slice(&bytes);
        Ok(())
    }

    async fn read(&mut self) -> Result<BytesMut, BytesIOError> {
        Err(BytesIOErrorValue::EmptyStream.into())
    }

    async fn read_timeout(&mut self, _: Duration) -> Result<BytesMut, BytesIOError> {
        Err(BytesIOErrorValue::EmptyStream.into())
    }

    fn get_net_type(&self) -> NetType {
        NetType::TCP
    }
}

type Shared = Arc<Mutex<Box<dyn TNetIO + Send + Sync>>>;

fn written<F: Future<Output = ()>>(write: impl FnOnce(Shared) -> F) -> Vec<u8> {
    let outbox = Outbox::default();
    let io: Shared = Arc::new(Mutex::new(Box::new(outbox.clone())));
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(write(io));
    let bytes = outbox.0.lock().unwrap();
    bytes.clone()
}

/// Set Chunk Size: without it no server's answer longer than 128 bytes can be read.
async fn chunk_size(io: &Shared) {
    let mut control = ProtocolControlMessagesWriter::new(AsyncBytesWriter::new(io.clone()));
    control.write_set_chunk_size(4096).await.unwrap();
}

/// `_result` to `connect`.
pub fn success() -> Vec<u8> {
    let code = "NetConnection.Connect.Success";
    written(|io| async move {
        chunk_size(&io).await;
        let mut connection = NetConnection::new(io);
        connection
            .write_connect_response(&1.0, "LAB/1,0", &31.0, code, "status", "Connected.", &0.0)
            .await
            .unwrap();
    })
}

/// `_error` to `connect`, with this description.
pub fn rejected(description: &str) -> Vec<u8> {
    let (code, description) = ("NetConnection.Connect.Rejected", description.to_owned());
    written(|io| async move {
        chunk_size(&io).await;
        NetConnection::new(io).error(&1.0, code, "error", &description).await.unwrap();
    })
}

/// `_result` to `createStream`.
pub fn created(transaction: f64, stream: f64) -> Vec<u8> {
    written(|io| async move {
        NetConnection::new(io).write_create_stream_response(&transaction, &stream).await.unwrap();
    })
}

/// `onStatus`.
pub fn status(level: &str, code: &str, description: &str) -> Vec<u8> {
    let (level, code, description) = (level.to_owned(), code.to_owned(), description.to_owned());
    written(|io| async move {
        NetStreamWriter::new(io).write_on_status(&0.0, &level, &code, &description).await.unwrap();
    })
}

/// Window Acknowledgement Size, Set Peer Bandwidth, a ping: what servers say before they answer.
pub fn greetings(window: u32) -> Vec<u8> {
    written(|io| async move {
        let mut control = ProtocolControlMessagesWriter::new(AsyncBytesWriter::new(io.clone()));
        control.write_window_acknowledgement_size(window).await.unwrap();
        control.write_set_peer_bandwidth(5_000_000, 2).await.unwrap();
        EventMessagesWriter::new(AsyncBytesWriter::new(io)).write_ping_request(77).await.unwrap();
    })
}

/// An acknowledgement of so many bytes.
pub fn acknowledgement(total: u32) -> Vec<u8> {
    written(|io| async move {
        let mut control = ProtocolControlMessagesWriter::new(AsyncBytesWriter::new(io));
        control.write_acknowledgement(total).await.unwrap();
    })
}

/// S0, S1 and S2 for the C0 and C1 that were read.
pub fn answer(hello: &[u8]) -> Vec<u8> {
    let mut answer = vec![3, 0, 0, 4, 0, 13, 14, 10, 13];
    answer.extend([0x55; 1528]);
    answer.extend(&hello[1..1537]);
    answer
}

/// A server's handshake, then these acts.
pub fn handshake(then: impl IntoIterator<Item = Act>) -> Vec<Act> {
    let mut acts = vec![Act::Read(1537), Act::reply(answer), Act::Read(1536)];
    acts.extend(then);
    acts
}

/// A server's handshake and the reading of `connect`, then these acts.
pub fn connected(then: impl IntoIterator<Item = Act>) -> Vec<Act> {
    let mut acts = handshake([Act::until([0, 0, 9])]);
    acts.extend(then);
    acts
}

/// The end of `createStream` with that transaction.
pub fn create_stream(transaction: f64) -> Act {
    Act::until([b"createStream\0".as_slice(), &transaction.to_be_bytes(), &[5]].concat())
}

/// A server that takes a stream up to its `publish`, then these acts.
pub fn publishing(then: impl IntoIterator<Item = Act>) -> Vec<Act> {
    let mut acts = connected([Act::Send(success()), create_stream(4.0), Act::Send(created(4.0, 1.0))]);
    acts.push(Act::until(b"\x02\x00\x04live"));
    acts.extend(then);
    acts
}

/// The status that lets a stream begin.
pub fn start() -> Act {
    Act::Send(status("status", "NetStream.Publish.Start", "go"))
}
