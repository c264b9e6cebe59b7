//! HTTP over a stream of ours, HTTP/1.1 or h2 as ALPN settled: one request whose answer is bounded, or a connection that carries several.

pub mod answer;
pub mod connection;

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::json;

pub use answer::Answer;

use crate::clock;
use crate::net::Net;
use crate::stream::{Portions, Stream};
use netcheck_record::escape;
use netcheck_record::failure::{Code, Failure, Layer};
use netcheck_record::secret::Secrets;
use netcheck_record::target::Host;

/// How much of a body is read.
const BODY: usize = 64 << 10;
/// How large the head of an answer may be, and how many headers it may have.
const HEAD: usize = 64 << 10;
const HEADERS: usize = 200;
/// How many pieces of a body are read: a page that comes byte by byte costs more than it tells.
const PIECES: usize = 4096;
/// How long a page may take to come, and when the last of it is read, as shares of the timeout.
const PAGE: f64 = 0.4;
const LAST: f64 = 0.9;

/// One request.
#[derive(Clone, Debug)]
pub struct Request {
    /// `GET`, `HEAD`, `POST`.
    pub method: String,
    /// `https` or `http`, for h2's pseudo-header.
    pub scheme: &'static str,
    /// The `Host` header, or `:authority`.
    pub authority: String,
    /// Path and query.
    pub path: String,
    /// Ask with the whole URL, as a forwarding proxy wants it.
    pub absolute: bool,
    /// Further headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// How much of the answer's body is read.
    pub most: usize,
}

impl Request {
    /// A request to a host; the port is left out of `Host` where it is the scheme's own.
    #[must_use]
    pub fn new(method: &str, host: &Host, port: u16, secure: bool, path: &str) -> Self {
        let own = if secure { 443 } else { 80 };
        let authority = if port == own { host.to_string() } else { format!("{host}:{port}") };
        Request {
            method: method.to_owned(),
            scheme: if secure { "https" } else { "http" },
            authority,
            path: path.to_owned(),
            absolute: false,
            headers: Vec::new(),
            body: Vec::new(),
            most: BODY,
        }
    }

    /// A GET.
    #[must_use]
    pub fn get(host: &Host, port: u16, secure: bool, path: &str) -> Self {
        Request::new("GET", host, port, secure, path)
    }

    /// What of it nobody may see: a peer may send its credentials back.
    fn secrets(&self) -> Secrets {
        let fields = self.headers.iter().filter(|(name, _)| name == "proxy-authorization");
        fields.filter_map(|(_, value)| Some(value.split_once(' ')?.1.to_owned())).collect()
    }

    fn build(&self, h2: bool) -> Result<hyper::Request<Full<Bytes>>, Failure> {
        self.build_with(h2, Full::new(Bytes::from(self.body.clone())))
    }

    fn build_with<B>(&self, h2: bool, body: B) -> Result<hyper::Request<B>, Failure> {
        let uri = if h2 || self.absolute {
            format!("{}://{}{}", self.scheme, self.authority, self.path)
        } else {
            self.path.clone()
        };
        let mut builder = hyper::Request::builder().method(self.method.as_str()).uri(uri);
        if !h2 {
            builder = builder.header("host", &self.authority);
        }
        builder = builder
            .header("user-agent", concat!("netcheck/", env!("CARGO_PKG_VERSION")))
            .header("accept", "*/*");
        for (name, value) in &self.headers {
            builder = builder.header(name, value);
        }
        builder
            .body(body)
            .map_err(|_| Failure::new(Code::HttpMalformed, "the request cannot be written as HTTP"))
    }
}

impl Net {
    /// Sends one request and reads its answer; it goes to the facts.
    ///
    /// # Errors
    /// `http.reset`, `http.closed`, `http.malformed`; silence is the stage's to bound.
    pub async fn request(&self, stream: Stream, request: &Request) -> Result<Answer, Failure> {
        let mut answer = exchange(stream, request, self.timeout()).await?;
        answer.hide(&request.secrets());
        self.note_answer(&answer);
        self.see(|seen| seen.answer = Some(answer.clone()));
        Ok(answer)
    }

    /// Writes status, server and destination into the facts.
    fn note_answer(&self, answer: &Answer) {
        self.fact("http", "status", json!(answer.status));
        self.fact("http", "version", json!(answer.version));
        if let Some(server) = answer.header("server") {
            self.fact("http", "server", json!(escape::line(server, 300)));
        }
        if let Some(destination) = answer.destination() {
            self.fact("http", "location", destination);
        }
        if let Some(via) = answer.header("via") {
            self.fact("http", "via", json!(escape::line(via, 300)));
        }
    }
}

/// How h2 is spoken: the head of an answer is bounded.
fn http2() -> hyper::client::conn::http2::Builder<TokioExecutor> {
    let mut builder = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
    builder.max_header_list_size(u32::try_from(HEAD).unwrap_or(u32::MAX)).adaptive_window(false);
    builder
}

/// How HTTP/1.1 is spoken: the head of an answer is bounded.
fn http1() -> hyper::client::conn::http1::Builder {
    let mut builder = hyper::client::conn::http1::Builder::new();
    builder.max_headers(HEADERS).max_buf_size(HEAD);
    builder
}

async fn exchange(stream: Stream, request: &Request, bound: Duration) -> Result<Answer, Failure> {
    let h2 = stream.h2;
    let last = clock::now() + bound.mul_f64(LAST);
    let page = bound.mul_f64(PAGE);
    let message = request.build(h2)?;
    let (portions, ended) = Portions::new(stream);
    let failure = |error: &hyper::Error| failure(error, ended.load(Ordering::Relaxed));
    let io = TokioIo::new(portions);
    if h2 {
        let (mut sender, connection) = http2().handshake(io).await.map_err(|error| failure(&error))?;
        tokio::pin!(connection);
        let work = async { read(sender.send_request(message).await?, page, last, request.most).await };
        return tokio::select! {
            biased;
            answer = work => answer.map_err(|error| failure(&error)),
            ended = &mut connection => Err(ended.err().map_or_else(closed, |error| failure(&error))),
        };
    }
    let (mut sender, connection) = http1().handshake(io).await.map_err(|error| failure(&error))?;
    let work = async { read(sender.send_request(message).await?, page, last, request.most).await };
    tokio::pin!(work, connection);
    tokio::select! {
        biased;
        answer = &mut work => answer.map_err(|error| failure(&error)),
        // The connection may end with the answer: what is read counts first.
        ended = &mut connection => match work.await {
            Ok(answer) => Ok(answer),
            Err(error) => Err(ended.err().map_or_else(|| failure(&error), |error| failure(&error))),
        },
    }
}

/// Reads an answer: of its body what comes within `page`, and no later than `last`.
async fn read(
    response: hyper::Response<Incoming>,
    page: Duration,
    last: Instant,
    most: usize,
) -> Result<Answer, hyper::Error> {
    let (head, mut incoming) = response.into_parts();
    let mut body = Vec::new();
    let mut cut_short = false;
    let end = last.min(clock::now() + page);
    for _ in 0..PIECES {
        if body.len() >= most {
            break;
        }
        // The answer is here; its page only helps to recognise it. A stream of events never ends.
        let left = end.saturating_duration_since(clock::now());
        let Some(frame) = clock::within(left, incoming.frame()).await else {
            cut_short = true;
            break;
        };
        match frame {
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    body.extend_from_slice(&data[..data.len().min(most - body.len())]);
                }
            }
            // Part of a page is enough to recognise it by.
            Some(Err(error)) if body.is_empty() => return Err(error),
            Some(Err(_)) | None => break,
        }
    }
    let harmless = |value: &hyper::header::HeaderValue| escape::bytes(value.as_bytes(), 2000);
    let headers =
        head.headers.iter().map(|(name, value)| (name.as_str().to_owned(), harmless(value))).collect();
    Ok(Answer {
        status: head.status.as_u16(),
        version: format!("{:?}", head.version),
        headers,
        body,
        cut_short,
    })
}

fn closed() -> Failure {
    Failure::new(Code::HttpClosed, "the connection was closed before the answer")
}

/// The failure an error of hyper means, by its kind and by the I/O error at its root.
fn failure(error: &hyper::Error, ended: bool) -> Failure {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(inner) = source {
        if let Some(io) = inner.downcast_ref::<std::io::Error>() {
            return broken_connection(io, ended);
        }
        if let Some(h2) = inner.downcast_ref::<h2::Error>() {
            if let Some(io) = h2.get_io() {
                return broken_connection(io, ended);
            }
            // Where the h2 library itself ends it, the peer broke the rules.
            if (h2.is_go_away() || h2.is_reset()) && h2.is_remote() {
                return match h2.reason() {
                    Some(h2::Reason::NO_ERROR) if h2.is_go_away() => closed(),
                    Some(reason) => Failure::new(
                        Code::HttpReset,
                        format!("the h2 stream was reset: {}", reason.description()),
                    ),
                    None => Failure::new(Code::HttpReset, "the h2 stream was reset"),
                };
            }
        }
        source = inner.source();
    }
    if error.is_parse() {
        return Failure::new(
            Code::HttpMalformed,
            "the answer is not HTTP, or its head is larger than 64 KiB",
        );
    }
    if error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
        return closed();
    }
    Failure::new(Code::HttpMalformed, "the answer breaks the rules of HTTP")
}

/// The failure an I/O error below HTTP means.
fn broken_connection(error: &std::io::Error, ended: bool) -> Failure {
    use std::io::ErrorKind as Kind;
    let tls = error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>());
    match error.kind() {
        // hyper tells a broken body as invalid data, and rustls a broken record.
        Kind::InvalidData if !tls => Failure::new(Code::HttpMalformed, "the body breaks the rules of HTTP"),
        // h2 tells the end of the stream as a broken pipe.
        Kind::BrokenPipe if ended => closed(),
        // rustls tells a missing close_notify as an unexpected end.
        _ => crate::tls::alert::io_failure(Layer::HTTP, error),
    }
}
