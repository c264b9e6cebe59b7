//! An HTTP connection that carries several requests, one after the other; bodies come and go in pieces.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use http_body_util::BodyExt;
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::TokioIo;
use tokio::task::JoinHandle;

use super::Request;
use crate::stream::{Ended, Portions, Stream};
use netcheck_record::escape;
use netcheck_record::failure::Failure;

/// Makes the next piece of a body, and none at its end.
pub type Source = Box<dyn FnMut() -> Option<Bytes> + Send>;

/// A body that is made while it is sent, or none.
struct Produced(Option<Source>);

impl Body for Produced {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = self.0.as_mut().and_then(|source| source());
        Poll::Ready(next.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        if self.0.is_none() { SizeHint::with_exact(0) } else { SizeHint::default() }
    }
}

enum Sender {
    One(http1::SendRequest<Produced>),
    Two(http2::SendRequest<Produced>),
}

/// A connection. It is closed when it is dropped.
pub struct Connection {
    sender: Sender,
    ended: Ended,
    driver: JoinHandle<()>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// An answer whose body is still to come.
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// Where a redirect leads, made harmless.
    pub location: Option<String>,
    body: Incoming,
    ended: Ended,
}

impl Connection {
    /// Begins HTTP over `stream`, as ALPN settled.
    ///
    /// # Errors
    /// The `http.*` codes.
    pub async fn open(stream: Stream) -> Result<Connection, Failure> {
        let h2 = stream.h2;
        let (portions, ended) = Portions::new(stream);
        let io = TokioIo::new(portions);
        let failed = |error: hyper::Error| super::failure(&error, ended.load(Ordering::Relaxed));
        // How a connection ends is told to whoever waits for its answer.
        let (sender, driver) = if h2 {
            let (sender, connection) = super::http2().handshake(io).await.map_err(failed)?;
            (Sender::Two(sender), tokio::spawn(async { drop(connection.await) }))
        } else {
            let (sender, connection) = super::http1().handshake(io).await.map_err(failed)?;
            (Sender::One(sender), tokio::spawn(async { drop(connection.await) }))
        };
        Ok(Connection { sender, ended, driver })
    }

    /// Whether another request can be sent.
    #[must_use]
    pub fn is_open(&self) -> bool {
        match &self.sender {
            Sender::One(sender) => !sender.is_closed(),
            Sender::Two(sender) => !sender.is_closed(),
        }
    }

    /// Whether a request can be sent while the answer to another still comes (RFC 9113 section 5).
    #[must_use]
    pub fn is_multiplexed(&self) -> bool {
        matches!(self.sender, Sender::Two(_))
    }

    /// Sends a request whose body `source` makes, where it has one, and waits for the head of the answer.
    ///
    /// # Errors
    /// The `http.*` codes; silence is the caller's to bound.
    pub async fn send(&mut self, request: &Request, source: Option<Source>) -> Result<Reply, Failure> {
        let failed = |error: hyper::Error| super::failure(&error, self.ended.load(Ordering::Relaxed));
        let h2 = matches!(self.sender, Sender::Two(_));
        let message = request.build_with(h2, Produced(source))?;
        let response = match &mut self.sender {
            Sender::One(sender) => {
                sender.ready().await.map_err(failed)?;
                sender.send_request(message).await
            }
            Sender::Two(sender) => {
                sender.ready().await.map_err(failed)?;
                sender.send_request(message).await
            }
        };
        let (head, body) = response.map_err(failed)?.into_parts();
        let location = head.headers.get("location").map(|value| escape::bytes(value.as_bytes(), 2000));
        Ok(Reply { status: head.status.as_u16(), location, body, ended: Ended::clone(&self.ended) })
    }

    /// Sends a request without a body.
    ///
    /// # Errors
    /// The `http.*` codes; silence is the caller's to bound.
    pub async fn ask(&mut self, request: &Request) -> Result<Reply, Failure> {
        self.send(request, None).await
    }
}

impl Reply {
    /// The next piece of the body; none at its end.
    ///
    /// # Errors
    /// The `http.*` codes; silence is the caller's to bound.
    pub async fn piece(&mut self) -> Result<Option<Bytes>, Failure> {
        loop {
            match self.body.frame().await {
                None => return Ok(None),
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        return Ok(Some(data));
                    }
                }
                Some(Err(error)) => return Err(super::failure(&error, self.ended.load(Ordering::Relaxed))),
            }
        }
    }
}
