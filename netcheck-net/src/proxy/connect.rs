//! HTTP CONNECT (RFC 9110 section 9.3.6), by hand: a library would drop the proxy's refusal, which is what we came for.

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::Proxy;
use crate::http::Answer;
use crate::net::Net;
use crate::stream::Stream;
use netcheck_record::escape;
use netcheck_record::failure::{Code, Failure, Layer};
use netcheck_record::target::Host;

/// How long the head of the answer may be.
const HEAD: usize = 16 << 10;
/// How much of a refusal's page is kept.
const PAGE: usize = 8 << 10;

/// Asks the proxy for a tunnel.
pub(super) async fn tunnel(
    net: &Net,
    mut stream: Stream,
    proxy: &Proxy,
    host: &Host,
    port: u16,
) -> Result<Stream, Failure> {
    let mut request = format!(
        "CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\nUser-Agent: netcheck/{}\r\n",
        env!("CARGO_PKG_VERSION")
    );
    if let Some(credentials) = &proxy.credentials {
        request.push_str(&format!("Proxy-Authorization: {}\r\n", credentials.basic()));
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).await.map_err(|error| lost(proxy, &error))?;
    let (mut answer, rest) = head(&mut stream, proxy).await?;
    net.fact("proxy", "status", json!(answer.status));
    if (200..300).contains(&answer.status) {
        // Nothing may follow a 2xx before we speak: bytes there are a page, and no tunnel.
        if !rest.starts_with(b"<") && !announces_page(&answer) {
            return Ok(if rest.is_empty() { stream } else { Stream::new(Ahead::new(rest, stream)) });
        }
        return Err(Failure::new(Code::ProxyProtocol, format!("{proxy}: a page instead of a tunnel")));
    }
    answer.body = page(&mut stream, rest).await;
    let failure = refusal(net, proxy, &answer);
    net.see(|seen| seen.answer = Some(answer));
    Err(failure)
}

/// Whether a 2xx brings a page, which may come a moment after its head: a log-in page, say.
#[must_use]
pub fn announces_page(answer: &Answer) -> bool {
    let html =
        answer.header("content-type").is_some_and(|kind| kind.to_ascii_lowercase().starts_with("text/html"));
    html && (answer.header("transfer-encoding").is_some()
        || answer.header("content-length").is_some_and(|length| length.trim() != "0"))
}

fn refusal(net: &Net, proxy: &Proxy, answer: &Answer) -> Failure {
    let status = answer.status;
    match status {
        407 => {
            let schemes = schemes(answer);
            net.fact("proxy", "schemes", json!(schemes));
            let asked =
                if proxy.credentials.is_some() { "refuses the credentials" } else { "asks for credentials" };
            let offered = if schemes.is_empty() { "no scheme".to_owned() } else { schemes.join(", ") };
            Failure::new(Code::ProxyAuthRequired, format!("{proxy} {asked}; it offers {offered}"))
        }
        502..=504 => {
            Failure::new(Code::ProxyUpstream, format!("{proxy} could not reach the destination: {status}"))
        }
        300..=599 => Failure::new(Code::ProxyDenied, format!("{proxy} refuses the destination: {status}")),
        _ => Failure::new(Code::ProxyProtocol, format!("{proxy} answers {status}")),
    }
}

/// The authentication schemes a proxy offers; those we cannot speak are named all the same.
#[must_use]
pub fn schemes(answer: &Answer) -> Vec<String> {
    let mut schemes: Vec<String> = Vec::new();
    for (name, value) in &answer.headers {
        let scheme = value.split([' ', ',']).next().unwrap_or_default();
        let scheme = escape::line(scheme, 30);
        if name == "proxy-authenticate"
            && !scheme.is_empty()
            && !schemes.contains(&scheme)
            && schemes.len() < 8
        {
            schemes.push(scheme);
        }
    }
    schemes
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
                    version: "HTTP/1.1".into(),
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

async fn head(stream: &mut Stream, proxy: &Proxy) -> Result<(Answer, Vec<u8>), Failure> {
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
        if stream.read_buf(&mut raw).await.map_err(|error| lost(proxy, &error))? == 0 {
            return Err(nonsense("closed the connection instead of answering"));
        }
    }
}

/// What the proxy says about its refusal, as far as it comes at once.
async fn page(stream: &mut Stream, mut body: Vec<u8>) -> Vec<u8> {
    let more =
        async { while body.len() < PAGE && stream.read_buf(&mut body).await.is_ok_and(|read| read > 0) {} };
    // A proxy that keeps the connection open has said all by then.
    let _ = crate::clock::within(std::time::Duration::from_millis(200), more).await;
    body.truncate(PAGE);
    body
}

fn lost(proxy: &Proxy, error: &std::io::Error) -> Failure {
    let failure = crate::tls::io_failure(Layer::PROXY, error);
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
