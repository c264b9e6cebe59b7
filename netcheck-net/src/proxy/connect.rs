//! HTTP CONNECT (RFC 9110 section 9.3.6), by hand: a library would drop the proxy's refusal, which is what we came for.

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::auth::Answered;
use super::server::Proxy;
use crate::clock;
use crate::http::answer::Answer;
use crate::net::Net;
use crate::stream::Stream;
use netcheck_record::escape;
use netcheck_record::failure::{Code, Failure, Layer};
use netcheck_record::target::Host;

/// How long the head of the answer may be.
const HEAD: usize = 16 << 10;
/// When a silent proxy is given up, as a share of the timeout: its own words are better than a stage's silence.
const LAST: f64 = 0.85;
/// How much of a refusal's page is kept.
const PAGE: usize = 8 << 10;

/// Asks the proxy for a tunnel, and answers when it asks who we are.
pub(super) async fn tunnel(
    net: &Net,
    stream: Stream,
    proxy: &Proxy,
    host: &Host,
    port: u16,
) -> Result<Stream, Failure> {
    let mut tried: Vec<Answered> = Vec::new();
    let mut open = Some(stream);
    let mut credential: Option<Answered> = None;
    loop {
        let kept = open.is_some() && credential.is_some();
        let stream = match open.take() {
            Some(stream) => stream,
            None => net.to_proxy(proxy).await?,
        };
        let request = connect_request(host, port, credential.as_ref());
        let asking = Box::pin(exchange(net, stream, proxy, &request, credential.is_some()));
        // A connection that the proxy meant to keep may be dead all the same: then once more on a new one.
        let ended = if kept { clock::within(net.patience() / 2, asking).await } else { Some(asking.await) };
        let secrets = credential.as_ref().map(Answered::secrets).unwrap_or_default();
        let mut exchange = match ended {
            Some(Ok(exchange)) => exchange,
            Some(Err(failure)) if !(kept && net.take_closed()) => {
                return Err(secrets.hide_in_failure(failure));
            }
            _ => {
                credential = Some(net.refreshed(proxy, credential).await);
                continue;
            }
        };
        let status = exchange.answer.status;
        net.fact("proxy", "status", json!(status));
        if (200..300).contains(&status) {
            return exchange.tunnel(proxy);
        }
        let keeps = exchange.read_page().await;
        exchange.answer.hide(&secrets);
        if status == 407 {
            match net.authorize(proxy, &exchange.answer, &mut tried).await {
                Ok(answered) => {
                    credential = Some(answered);
                    open = keeps.then_some(exchange.stream);
                    continue;
                }
                Err(failure) => {
                    net.see(|seen| seen.answer = Some(exchange.answer));
                    return Err(failure);
                }
            }
        }
        let failure = refusal(proxy, &exchange.answer);
        net.see(|seen| seen.answer = Some(exchange.answer));
        return Err(failure);
    }
}

fn connect_request(host: &Host, port: u16, credential: Option<&Answered>) -> String {
    let agent = concat!("netcheck/", env!("CARGO_PKG_VERSION"));
    let credential =
        credential.map_or(String::new(), |answered| format!("Proxy-Authorization: {}\r\n", answered.field));
    format!(
        "CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\nUser-Agent: {agent}\r\n{credential}\r\n"
    )
}

/// One request and the head of its answer; what was read beyond it; the connection.
struct Exchange {
    answer: Answer,
    rest: Vec<u8>,
    stream: Stream,
}

async fn exchange(
    net: &Net,
    mut stream: Stream,
    proxy: &Proxy,
    request: &str,
    authorized: bool,
) -> Result<Exchange, Failure> {
    let lost = |error: &std::io::Error| {
        net.see(|seen| seen.via.closed = true);
        lost(proxy, error)
    };
    stream.write_all(request.as_bytes()).await.map_err(|error| lost(&error))?;
    stream.flush().await.map_err(|error| lost(&error))?;
    let mut waiting = Box::pin(head(net, &mut stream, proxy));
    let (answer, rest) = match clock::within(net.patience(), &mut waiting).await {
        Some(ended) => ended?,
        // While the proxy is silent, another request tells whether it answers at all.
        None => {
            let both = async {
                tokio::select! {
                    biased;
                    ended = &mut waiting => ended,
                    () = Box::pin(control(net, proxy, authorized)) => (&mut waiting).await,
                }
            };
            let left = net.timeout().mul_f64(LAST).saturating_sub(net.patience());
            clock::within(left, both).await.unwrap_or_else(|| Err(pending(net, proxy)))?
        }
    };
    drop(waiting);
    Ok(Exchange { answer, rest, stream })
}

/// A CONNECT that stays unanswered.
fn pending(net: &Net, proxy: &Proxy) -> Failure {
    let mut control = None;
    net.see(|seen| control = seen.via.control);
    match control {
        Some(_) => Failure::new(
            Code::ProxyUpstream,
            format!("{proxy} leaves this CONNECT unanswered, and answers another"),
        ),
        None => Failure::new(Code::ProxyTimeout, format!("{proxy} does not answer CONNECT")),
    }
}

/// A second CONNECT to a name that does not exist (RFC 6761 section 6.4): nobody else is asked for anything. Never
/// resolves where the proxy answers, so that the first request is waited for.
async fn control(net: &Net, proxy: &Proxy, authorized: bool) {
    if !net.diagnoses() {
        return;
    }
    let detached = net.detached();
    let Ok(mut stream) = detached.to_proxy(proxy).await else { return };
    let request =
        "CONNECT netcheck-control.invalid:443 HTTP/1.1\r\nHost: netcheck-control.invalid:443\r\n\r\n";
    if stream.write_all(request.as_bytes()).await.is_err() || stream.flush().await.is_err() {
        return;
    }
    net.see(|seen| seen.via.unanswered = true);
    if let Ok((answer, _)) = Box::pin(head(&detached, &mut stream, proxy)).await
        // Beside a request with credentials a 407 shows only that the proxy asks: it may still be judging those.
        && !(authorized && answer.status == 407)
    {
        net.see(|seen| {
            seen.via.control = Some(answer.status);
            seen.via.unanswered = false;
        });
    }
}

impl Exchange {
    /// Nothing may follow a 2xx before we speak: bytes there are a page, and no tunnel.
    fn tunnel(self, proxy: &Proxy) -> Result<Stream, Failure> {
        if self.rest.starts_with(b"<") || announces_page(&self.answer) {
            return Err(Failure::new(Code::ProxyProtocol, format!("{proxy}: a page instead of a tunnel")));
        }
        let Exchange { rest, stream, .. } = self;
        Ok(if rest.is_empty() { stream } else { Stream::new(Ahead::new(rest, stream)) })
    }

    /// Reads what the proxy says about its refusal; whether the connection can be used again.
    async fn read_page(&mut self) -> bool {
        let header = |name: &str| self.answer.header(name).unwrap_or_default().trim().to_ascii_lowercase();
        let length = header("content-length").parse::<usize>().ok();
        let chunked = self.answer.header("transfer-encoding").is_some();
        let closing = header("connection").contains("close") || header("proxy-connection").contains("close");
        let keeping = self.answer.version == "HTTP/1.1" || header("proxy-connection").contains("keep-alive");
        let length = length.filter(|length| *length <= PAGE && !chunked);
        let body = std::mem::take(&mut self.rest);
        let (body, whole) = page(&mut self.stream, body, length).await;
        self.answer.body = body;
        whole && keeping && !closing
    }
}

impl Net {
    /// Whether the proxy closed a connection; it is forgotten.
    fn take_closed(&self) -> bool {
        let mut closed = false;
        self.see(|seen| closed = std::mem::take(&mut seen.via.closed));
        closed
    }
}

/// Whether a 2xx brings a page, which may come a moment after its head: a log-in page, say.
#[must_use]
pub fn announces_page(answer: &Answer) -> bool {
    let html =
        answer.header("content-type").is_some_and(|kind| kind.to_ascii_lowercase().starts_with("text/html"));
    html && (answer.header("transfer-encoding").is_some()
        || answer.header("content-length").is_some_and(|length| length.trim() != "0"))
}

/// What a proxy's refusal means: of 5xx that it could not do it, of Squid what its own header says.
pub(super) fn refusal(proxy: &Proxy, answer: &Answer) -> Failure {
    let status = answer.status;
    let squid = answer.header("x-squid-error").and_then(|value| value.split_whitespace().next());
    let said = squid.map_or_else(|| status.to_string(), |error| format!("{status} ({error})"));
    match (status, squid) {
        (_, Some("ERR_ACCESS_DENIED")) | (300..=499, _) => {
            Failure::new(Code::ProxyDenied, format!("{proxy} refuses the destination: {said}"))
        }
        (500..=504, _) => {
            Failure::new(Code::ProxyUpstream, format!("{proxy} could not reach the destination: {said}"))
        }
        (505..=599, _) => Failure::new(Code::ProxyDenied, format!("{proxy} refuses the destination: {said}")),
        _ => Failure::new(Code::ProxyProtocol, format!("{proxy} answers {status}")),
    }
}

/// What the bytes received so far amount to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Head {
    /// More bytes are needed.
    Partial,
    /// An answer, and how many bytes its head took.
    Whole(Answer, usize),
    /// Longer than any honest head.
    Endless,
    /// No HTTP; its first line, made harmless.
    Foreign(String),
}

impl Head {
    /// Reads the head of an answer.
    #[must_use]
    pub fn read(raw: &[u8]) -> Head {
        let mut headers = [httparse::EMPTY_HEADER; 100];
        let mut response = httparse::Response::new(&mut headers);
        match response.parse(raw) {
            Ok(httparse::Status::Complete(end)) => {
                let harmless = |value: &[u8]| escape::bytes(value, 1000);
                let headers = response.headers.iter();
                let answer = Answer {
                    status: response.code.unwrap_or_default(),
                    version: format!("HTTP/1.{}", response.version.unwrap_or(1)),
                    headers: headers.map(|h| (h.name.to_ascii_lowercase(), harmless(h.value))).collect(),
                    ..Answer::default()
                };
                Head::Whole(answer, end)
            }
            Ok(httparse::Status::Partial) if raw.len() < HEAD => Head::Partial,
            Ok(httparse::Status::Partial) => Head::Endless,
            Err(_) => {
                let line = raw.split(|byte| *byte == b'\n').next().unwrap_or_default();
                Head::Foreign(escape::bytes(line, 60))
            }
        }
    }
}

async fn head(net: &Net, stream: &mut Stream, proxy: &Proxy) -> Result<(Answer, Vec<u8>), Failure> {
    let nonsense = |what: &str| Failure::new(Code::ProxyProtocol, format!("{proxy}: {what}"));
    let mut raw = Vec::new();
    loop {
        match Head::read(&raw) {
            Head::Whole(answer, end) => return Ok((answer, raw.split_off(end))),
            Head::Partial => {}
            Head::Endless => return Err(nonsense("the head of the answer does not end")),
            Head::Foreign(line) => {
                return Err(nonsense(&format!("the answer is not HTTP; it begins with \"{line}\"")));
            }
        }
        let read = stream.read_buf(&mut raw).await.map_err(|error| {
            net.see(|seen| seen.via.closed = raw.is_empty());
            lost(proxy, &error)
        });
        if read? == 0 {
            net.see(|seen| seen.via.closed = raw.is_empty());
            return Err(nonsense("closed the connection instead of answering"));
        }
    }
}

/// What the proxy says about its refusal: as much as it announces, else as far as it comes at once. And whether that
/// was all of it.
async fn page(stream: &mut Stream, mut body: Vec<u8>, length: Option<usize>) -> (Vec<u8>, bool) {
    let most = length.unwrap_or(PAGE);
    let more =
        async { while body.len() < most && stream.read_buf(&mut body).await.is_ok_and(|read| read > 0) {} };
    let _ = clock::within(std::time::Duration::from_millis(200), more).await;
    let whole = length.is_some_and(|length| body.len() == length);
    body.truncate(PAGE);
    (body, whole)
}

fn lost(proxy: &Proxy, error: &std::io::Error) -> Failure {
    let failure = crate::tls::alert::io_failure(Layer::PROXY, error);
    Failure::new(failure.code, format!("{proxy}: {}", failure.detail))
}

/// Bytes that came with the head, and then the stream.
struct Ahead {
    rest: std::io::Cursor<Vec<u8>>,
    stream: Stream,
}

impl Ahead {
    fn new(rest: Vec<u8>, stream: Stream) -> Self {
        Ahead { rest: std::io::Cursor::new(rest), stream }
    }
}

mod ahead {
    //! The plumbing of [`super::Ahead`].
    use std::io;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use tokio::io::{AsyncRead, ReadBuf};

    use super::Ahead;

    impl AsyncRead for Ahead {
        fn poll_read(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buf: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            if self.rest.position() < self.rest.get_ref().len() as u64 {
                return Pin::new(&mut self.rest).poll_read(cx, buf);
            }
            Pin::new(&mut self.stream).poll_read(cx, buf)
        }
    }

    crate::stream::writes_through!(Ahead, stream);
}
