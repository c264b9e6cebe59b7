//! The upgrade over a connection, and what is kept of an answer that is not 101.

use std::collections::BTreeMap;
use std::time::Duration;

use netcheck_common::clock;
use netcheck_common::escape;
use netcheck_common::failure::{Code, Failure};
use netcheck_common::http;
use netcheck_common::stream::Stream;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::facts::{Facts, WS};
use crate::header::Headers;
use crate::upgrade::{HeadParse, Negotiated, ResponseHead, UpgradeRequest};

/// How much of a body is kept.
const BODY: usize = 4 << 10;
/// How long the rest of a body is waited for: it is evidence, not the question.
const PATIENCE: Duration = Duration::from_secs(1);
/// The header fields that tell who answered, and what they want.
const EVIDENT: &[&str] = &[
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
pub struct UpgradeAnswer {
    /// Its head.
    pub head: ResponseHead,
    /// The bytes behind the head: frames after 101, else the first of the body.
    pub tail: Vec<u8>,
    /// What both sides agreed on, or what was wrong.
    pub judged: Option<Result<Negotiated, Failure>>,
}

/// Sends the request and reads its answer, with what of the body comes soon; `headers` hides the user's secrets in it.
///
/// # Errors
/// `ws.reset`, `ws.closed`; `http.malformed` where the answer is not HTTP.
pub async fn upgrade(
    stream: &mut Stream,
    request: &UpgradeRequest,
    headers: &Headers,
) -> Result<UpgradeAnswer, Failure> {
    let sent = async {
        stream.write_all(&request.bytes()).await?;
        stream.flush().await
    };
    sent.await.map_err(|error| netcheck_common::tls::io_failure(WS, &error))?;
    let (mut head, mut tail) = read_head(stream, headers).await?;
    head.reason = headers.secrets.hide(&head.reason);
    let judged = request.judge(&head);
    if judged.is_err() && head.status != 101 {
        let wanted = head.length().unwrap_or(BODY).min(BODY);
        // What has come by then is kept, whatever ended the wait.
        let _ = clock::within(PATIENCE, fill(stream, &mut tail, wanted)).await;
        tail.truncate(BODY);
        tail = headers.secrets.hide(&String::from_utf8_lossy(&tail)).into_bytes();
    }
    for (_, value) in &mut head.headers {
        *value = headers.secrets.hide(value);
    }
    Ok(UpgradeAnswer { head, tail, judged: Some(judged) })
}

/// Reads until a head is whole; informational answers before the real one are passed over.
async fn read_head(stream: &mut Stream, headers: &Headers) -> Result<(ResponseHead, Vec<u8>), Failure> {
    let (mut bytes, mut seen) = (Vec::new(), 0);
    loop {
        match ResponseHead::read(&bytes, seen) {
            HeadParse::Broken(why) => {
                let first = &bytes[..bytes.len().min(60)];
                let first = escape::line(&headers.secrets.hide(&String::from_utf8_lossy(first)), 60);
                return Err(Failure::new(Code::HttpMalformed, format!("{why}: \"{first}\"")));
            }
            HeadParse::Whole(answer, length) if matches!(answer.status, 100 | 102..=199) => {
                bytes.drain(..length);
                seen = 0;
                continue;
            }
            HeadParse::Whole(answer, length) => return Ok((answer, bytes.split_off(length))),
            HeadParse::Partial => seen = bytes.len(),
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

impl UpgradeAnswer {
    /// Writes what is known of the answer into the facts.
    pub fn describe(&self, facts: &mut Facts) {
        facts.status = Some(self.head.status);
        let Some(Err(_)) = self.judged else { return };
        let evident = self.head.headers.iter().filter(|(name, _)| EVIDENT.contains(&name.as_str()));
        facts.headers = evident
            .map(|(name, value)| (name.clone(), escape::line(&shown(name, value), 200)))
            .collect::<BTreeMap<_, _>>();
        if self.head.status != 101 && !self.tail.is_empty() {
            facts.body = Some(escape::bytes(&self.tail, BODY));
        }
    }

    /// The answer as the recognition of block pages wants it.
    pub fn page(&self) -> http::Answer {
        http::Answer {
            status: self.head.status,
            version: "HTTP/1.1".into(),
            headers: self.head.headers.clone(),
            body: self.tail.clone(),
            cut_short: false,
        }
    }
}

/// The value of a field as it may be shown: an address loses its user information, its query and its fragment.
fn shown(name: &str, value: &str) -> String {
    if name != "location" {
        return value.to_owned();
    }
    let end = value.find(['?', '#']).unwrap_or(value.len());
    let (address, secret) = value.split_at(end);
    let Some((scheme, rest)) = address.split_once("//").filter(|(before, _)| !before.contains('/')) else {
        return if secret.is_empty() { address.to_owned() } else { format!("{address}?…") };
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let more = if secret.is_empty() { "" } else { "?…" };
    format!("{scheme}//{host}{path}{more}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_what_may_be_secret() {
        for (value, expected) in [
            (
                "https://user:s3cret@portal.example/login?token=s3cret#s3cret",
                "https://portal.example/login?…",
            ),
            ("/other?key=s3cret", "/other?…"),
            ("https://lab.example/", "https://lab.example/"),
            ("//u:s3cret@lab.example/a", "//lab.example/a"),
            ("https://lab.example/a/@b", "https://lab.example/a/@b"),
        ] {
            assert_eq!(shown("location", value), expected);
        }
        assert_eq!(shown("server", "a?b@c"), "a?b@c");
    }
}
