//! The scheme `h3`: one HEAD request over HTTP/3 (RFC 9114).

use std::future::poll_fn;

use h3::error::StreamError;
use http::{HeaderMap, Request, Response};
use netcheck_common::cause::{Cause, Confidence, Reason, Who};
use netcheck_common::escape;
use netcheck_common::failure::{Code, Failure, Layer};
use netcheck_common::target::Target;
use netcheck_common::tls::Trust;
use netcheck_common::trace::{Stopped, Trace};
use quinn::ConnectionError;

use crate::facts::{Facts, H3Facts};
use crate::quic::{self, Connected};
use crate::run::Run;

/// One request over HTTP/3.
const HTTP3: Layer = Layer::new("h3", Code::HttpTimeout, Code::HttpReset, Code::HttpClosed);

/// Checks one target.
pub async fn check(run: &Run, target: &Target, trace: &mut Trace<Facts>) -> Result<(), Stopped> {
    let connected = quic::connect(run, target, trace).await?;
    let trust = connected.trust;
    let outcome = trace.stage(HTTP3, Box::pin(judged(&connected, target, trust))).await;
    connected.close().await;
    let (facts, degraded) = outcome?;
    trace.facts.h3 = Some(facts);
    if let Some((failure, cause)) = degraded {
        trace.degrade(failure, Some(cause));
    }
    Ok(())
}

type Judged = (H3Facts, Option<(Failure, Cause)>);

async fn judged(connected: &Connected, target: &Target, trust: Trust) -> Result<Judged, Failure> {
    let answer = head(connected, target).await?;
    let status = answer.status().as_u16();
    let facts = H3Facts {
        status,
        server: text(answer.headers(), "server"),
        alt_svc: text(answer.headers(), "alt-svc"),
    };
    let said = Failure::new(Code::HttpStatus, format!("the answer is HTTP {status}"));
    match status {
        500.. => Ok((facts, Some((said, down(target, status))))),
        // A service that has proven itself may say no: the network lets it say so.
        400..500 if trust != Trust::Public => Err(said),
        407 | 429 => Ok((facts, Some((said, declined(target, status))))),
        _ => Ok((facts, None)),
    }
}

fn down(target: &Target, status: u16) -> Cause {
    Cause::new(
        Reason::ServiceDown,
        Who::Service,
        format!("Ask the operator of {} why it answers HTTP {status}.", target.host),
    )
    .with_confidence(Confidence::Medium)
    .with_evidence("the certificate is the service's own, so the answer is too")
}

fn declined(target: &Target, status: u16) -> Cause {
    let fix = format!(
        "Ask the operator of {} why HTTP/3 over UDP port {} draws status {status}.",
        target.host,
        target.port()
    );
    Cause::new(Reason::Unknown, Who::Service, fix)
        .with_evidence("the certificate is the service's own, so the answer is too")
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).map(|value| escape::bytes(value.as_bytes(), 200))
}

async fn head(connected: &Connected, target: &Target) -> Result<Response<()>, Failure> {
    let uri = format!("https://{}{}", target.authority(), target.request_path());
    let malformed = |_| Failure::new(Code::HttpMalformed, "the path is not valid in a request");
    let request = Request::head(uri).header("user-agent", "netcheck").body(()).map_err(malformed)?;
    let connection = h3_quinn::Connection::new(connected.connection.clone());
    let (mut driver, mut sender) = h3::client::new(connection).await.map_err(|_| broken(connected, None))?;
    let exchange = async {
        let mut stream =
            sender.send_request(request).await.map_err(|error| broken(connected, Some(&error)))?;
        stream.finish().await.map_err(|error| broken(connected, Some(&error)))?;
        stream.recv_response().await.map_err(|error| broken(connected, Some(&error)))
    };
    tokio::select! {
        biased;
        answer = exchange => answer,
        _ = poll_fn(|context| driver.poll_close(context)) => Err(broken(connected, None)),
    }
}

/// By type: what the peer cut short, what it broke, and how the connection below ended.
fn broken(connected: &Connected, error: Option<&StreamError>) -> Failure {
    match (error, connected.connection.close_reason()) {
        (Some(StreamError::RemoteTerminate { .. }), _) => {
            Failure::new(HTTP3.reset, "the server cut the stream short")
        }
        (Some(StreamError::HeaderTooBig { .. }), _) => {
            Failure::new(Code::HttpMalformed, "the headers are larger than is allowed")
        }
        (_, Some(ConnectionError::TimedOut)) => Failure::new(HTTP3.timeout, "the connection fell silent"),
        (_, Some(ConnectionError::LocallyClosed) | None) => {
            Failure::new(Code::HttpMalformed, "the answer breaks the rules of HTTP/3")
        }
        (_, Some(reason)) => quic::with_reason(
            Failure::new(HTTP3.closed, "the connection was closed before the answer"),
            match &reason {
                ConnectionError::ApplicationClosed(close) => &close.reason,
                ConnectionError::ConnectionClosed(close) => &close.reason,
                _ => &[],
            },
        ),
    }
}
