//! The upgrade over a connection, and what is kept of an answer that is not 101.

use std::collections::BTreeMap;
use std::time::Duration;

use netcheck_common::clock;
use netcheck_common::escape;
use netcheck_common::failure::{Code, Failure, Layer};
use netcheck_common::http;
use netcheck_common::stream::Stream;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::facts::Facts;
use crate::header::Headers;
use crate::upgrade::{Agreed, Answer, Head, Offer};

/// The WebSocket layer.
pub const WS: Layer = Layer::new("ws", Code::WsTimeout, Code::WsReset, Code::WsClosed);

/// How much of a body is kept.
const BODY: usize = 4 << 10;
/// How long the rest of a body is waited for: it is evidence, not the question.
const PATIENCE: Duration = Duration::from_secs(1);
/// The header fields that tell who answered, and what they want.
const TELLING: &[&str] = &[
    "age",
    "cache-control",
    "cf-ray",
    "connection",
    "content-length",
    "content-type",
    "location",
    "proxy-agent",
    "proxy-authenticate",
    "proxy-connection",
    "proxy-status",
    "retry-after",
    "sec-websocket-accept",
    "sec-websocket-extensions",
    "sec-websocket-protocol",
    "sec-websocket-version",
    "server",
    "upgrade",
    "via",
    "www-authenticate",
    "x-cache",
    "x-powered-by",
    "x-squid-error",
];

/// An answer to an upgrade.
#[derive(Debug, Default)]
pub struct Answered {
    /// Its head.
    pub answer: Answer,
    /// The bytes behind the head: frames after 101, else the first of the body.
    pub tail: Vec<u8>,
    /// What both sides agreed on, or what was wrong.
    pub judged: Option<Result<Agreed, Failure>>,
}

/// Sends the request and reads its answer, with what of the body comes soon; `headers` hides the user's secrets in it.
///
/// # Errors
/// `ws.reset`, `ws.closed`; `http.malformed` where the answer is not HTTP.
pub async fn upgrade(stream: &mut Stream, offer: &Offer, headers: &Headers) -> Result<Answered, Failure> {
    let sent = async {
        stream.write_all(&offer.request()).await?;
        stream.flush().await
    };
    sent.await.map_err(|error| netcheck_common::tls::io_failure(WS, &error))?;
    let (mut answer, mut tail) = head(stream, headers).await?;
    answer.reason = headers.secrets.hide(&answer.reason);
    let judged = offer.judge(&answer);
    if judged.is_err() && answer.status != 101 {
        let wanted = answer.length().unwrap_or(BODY).min(BODY);
        // What has come by then is kept, whatever ended the wait.
        let _ = clock::within(PATIENCE, fill(stream, &mut tail, wanted)).await;
        tail.truncate(BODY);
        tail = headers.secrets.hide(&String::from_utf8_lossy(&tail)).into_bytes();
    }
    for (_, value) in &mut answer.headers {
        *value = headers.secrets.hide(value);
    }
    Ok(Answered { answer, tail, judged: Some(judged) })
}

/// Reads until a head is whole; informational answers before the real one are passed over.
async fn head(stream: &mut Stream, headers: &Headers) -> Result<(Answer, Vec<u8>), Failure> {
    let (mut bytes, mut seen) = (Vec::new(), 0);
    loop {
        match Answer::read(&bytes, seen) {
            Head::Broken(why) => {
                let first = &bytes[..bytes.len().min(60)];
                let first = escape::line(&headers.secrets.hide(&String::from_utf8_lossy(first)), 60);
                return Err(Failure::new(Code::HttpMalformed, format!("{why}: \"{first}\"")));
            }
            Head::Whole(answer, length) if matches!(answer.status, 100 | 102..=199) => {
                bytes.drain(..length);
                seen = 0;
                continue;
            }
            Head::Whole(answer, length) => return Ok((answer, bytes.split_off(length))),
            Head::Partial => seen = bytes.len(),
        }
        if stream.read_buf(&mut bytes).await.map_err(|error| netcheck_common::tls::io_failure(WS, &error))?
            == 0
        {
            let what = if seen == 0 { "before an answer" } else { "in the middle of the answer's head" };
            return Err(Failure::new(Code::WsClosed, format!("connection closed {what}")));
        }
    }
}

async fn fill(stream: &mut Stream, tail: &mut Vec<u8>, wanted: usize) {
    while tail.len() < wanted && !tail.ends_with(b"\r\n0\r\n\r\n") {
        if !matches!(stream.read_buf(tail).await, Ok(1..)) {
            return;
        }
    }
}

impl Answered {
    /// Writes what is known of the answer into the facts.
    pub fn describe(&self, facts: &mut Facts) {
        facts.status = Some(self.answer.status);
        let Some(Err(_)) = self.judged else { return };
        let telling = self.answer.headers.iter().filter(|(name, _)| TELLING.contains(&name.as_str()));
        facts.headers =
            telling.map(|(name, value)| (name.clone(), escape::line(value, 200))).collect::<BTreeMap<_, _>>();
        if self.answer.status != 101 && !self.tail.is_empty() {
            facts.body = Some(escape::bytes(&self.tail, BODY));
        }
    }

    /// The answer as the recognition of block pages wants it.
    pub fn page(&self) -> http::Answer {
        http::Answer {
            status: self.answer.status,
            version: "HTTP/1.1".into(),
            headers: self.answer.headers.clone(),
            body: self.tail.clone(),
            cut_short: false,
        }
    }
}
