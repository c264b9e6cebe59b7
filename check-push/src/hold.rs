//! The stage `hold`: whether a connection that devices keep for half an hour survives being silent.

use std::io;
use std::time::Duration;

use netcheck_common::clock;
use netcheck_common::failure::{Code, Failure, Layer};
use netcheck_common::net::Net;
use netcheck_common::stream::Stream;
use netcheck_common::tls::Hello;
use netcheck_common::trace::{Stopped, Trace, seconds};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use crate::explain;
use crate::facts::{Facts, Held};

/// TLS stands, so its codes say how the connection ended.
pub const HOLD: Layer = Layer::new("hold", Code::TlsTimeout, Code::TlsReset, Code::TlsClosed);

/// Nobody logged in, so hardly anything should come.
const MOST: usize = 1 << 20;

/// How the idle time ended.
#[derive(Debug)]
enum End {
    /// Nothing happened until it was over.
    Quiet,
    /// The service said close request inside TLS (close_notify, RFC 8446 section 6.1): nobody else could.
    Parted,
    /// It was cut from outside TLS, which anybody on the path can do.
    Cut(io::Error),
}

/// Keeps the connection idle for `span`, then looks whether it still stands.
///
/// # Errors
/// It was cut, or was gone without a word while other connections stand.
pub async fn keep(
    span: Duration,
    hello: &Hello,
    stream: Stream,
    trace: &mut Trace<Facts>,
) -> Result<(), Stopped> {
    let net = trace.net();
    let mut held = Held { idle_ms: 0, ended: "quiet", alive: None, control_alive: None };
    // The close request has a timeout of its own, and so has each stage of a control.
    let bound = span + net.timeout() * 4;
    let outcome = trace.stage_within(HOLD, bound, watch(span, hello, stream, &net, &mut held)).await;
    let odd = match held {
        Held { ended: "service", idle_ms, .. } => {
            let after = seconds(Duration::from_millis(idle_ms));
            let detail = format!("the service closed the idle connection after {after}");
            Some((Failure::new(Code::TlsClosed, detail), explain::closed_while_idle as fn(&Failure) -> _))
        }
        Held { control_alive: Some(false), .. } => {
            let detail = "the close request was not answered, nor was that of a new connection";
            Some((Failure::new(Code::TlsTimeout, detail), explain::no_answer_to_close as fn(&Failure) -> _))
        }
        _ => None,
    };
    trace.facts.hold = Some(held);
    outcome?;
    if let Some((failure, cause)) = odd {
        let cause = cause(&failure);
        trace.degrade(failure, Some(cause));
    }
    Ok(())
}

async fn watch(
    span: Duration,
    hello: &Hello,
    mut stream: Stream,
    net: &Net,
    held: &mut Held,
) -> Result<(), Failure> {
    let begun = clock::now();
    let end = stay_idle(&mut stream, span).await;
    let lasted = begun.elapsed();
    held.idle_ms = u64::try_from(lasted.as_millis()).unwrap_or(u64::MAX);
    match end {
        End::Quiet => {}
        End::Parted => {
            held.ended = "service";
            return Ok(());
        }
        End::Cut(error) => {
            held.ended = "cut";
            return Err(cut(&error, lasted));
        }
    }
    let closed = request_close(&mut stream, net.timeout()).await;
    held.alive = Some(closed.is_ok());
    let Err(error) = closed else { return Ok(()) };
    if !net.diagnoses() {
        return Err(connection_lost(&error, span));
    }
    // Does this service answer a close request at all? Only then does its silence mean something.
    let answered = control(net, hello).await;
    held.control_alive = Some(answered);
    if answered { Err(connection_lost(&error, span)) } else { Ok(()) }
}

/// Listens for `span` without sending anything. What comes is discarded.
async fn stay_idle(stream: &mut (impl AsyncRead + Unpin), span: Duration) -> End {
    match clock::within(span, drain(stream)).await {
        None => End::Quiet,
        Some(Ok(())) => End::Parted,
        Some(Err(error)) => End::Cut(error),
    }
}

/// Sends a close request and waits for its answer; only a connection that is still open brings one.
async fn request_close(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    patience: Duration,
) -> io::Result<()> {
    let parting = async {
        stream.shutdown().await?;
        match drain(stream).await {
            // A bare FIN is an answer too: it crossed the same path.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(()),
            other => other,
        }
    };
    clock::within(patience, parting).await.unwrap_or_else(|| Err(io::ErrorKind::TimedOut.into()))
}

/// Reads to the end of the stream.
async fn drain(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<()> {
    let mut buffer = [0; 4096];
    let mut total = 0;
    loop {
        match stream.read(&mut buffer).await? {
            0 => return Ok(()),
            read => total += read,
        }
        if total > MOST {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
}

/// The control experiment: a fresh connection to the same address, and a close request at once.
async fn control(net: &Net, hello: &Hello) -> bool {
    let detached = net.detached();
    let work = async {
        let peer = net.peer()?;
        let stream = detached.connect(&[peer.ip()], peer.port()).await.ok()?;
        let mut secure = detached.handshake(stream, hello).await.ok()?;
        request_close(&mut secure.stream, net.timeout()).await.ok()
    };
    clock::within(net.timeout() * 2, work).await.flatten().is_some()
}

fn cut(error: &io::Error, lasted: Duration) -> Failure {
    let after = seconds(lasted);
    if error.kind() == io::ErrorKind::InvalidData {
        return Failure::new(Code::PushNotOrigin, "more than 1 MiB came on a connection nobody logged in to");
    }
    let mut failure = netcheck_common::tls::io_failure(HOLD, error);
    failure.detail = if failure.code == Code::TlsReset {
        format!("the idle connection was reset after {after}")
    } else {
        format!("the idle connection was cut after {after}, without TLS's close_notify")
    };
    failure
}

/// The failure of a connection that ended while it was idle.
fn connection_lost(error: &io::Error, span: Duration) -> Failure {
    let mut failure = netcheck_common::tls::io_failure(HOLD, error);
    let how = if failure.code == Code::TlsReset { "was met by a reset" } else { "drew no answer" };
    failure.detail = format!("after {} of silence the close request {how}", seconds(span));
    failure
}
