//! The handshake with a live peer: C0 and C1 out, S0 and S1 in, C2 out, S2 in.
//!
//! Sent: 1,537 bytes, then 1,536. Read: never more than 3,073 bytes. C2 is sent as soon as S1 is whole, because there
//! are servers that send S2 only after it; a peer that is no RTMP server gets no C2.

use std::io;
use std::time::{Duration, Instant};

use netcheck_common::clock;
use netcheck_common::escape;
use netcheck_common::failure::{Code, Failure, Layer};
use netcheck_common::stream::Stream;
use netcheck_common::tls::io_failure;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::facts::HandshakeFacts;
use crate::handshake_bytes::{self as bytes, ANSWER, ForeignProtocol, GLANCE, HELLO, PAGE, VERSION};
use crate::writer::Writer;

/// The stage `rtmp`.
pub const RTMP: Layer = Layer::new("rtmp", Code::RtmpTimeout, Code::RtmpReset, Code::RtmpClosed);
/// How long a peer that speaks another protocol may take to finish its first words.
const PATIENCE: Duration = Duration::from_millis(200);

/// Does the handshake; what was learned is left in `facts`, and the first bytes of a peer of another protocol in `foreign`, whether
/// it succeeds or not. A wrong echo is no failure here.
///
/// # Errors
/// `rtmp.timeout`, `rtmp.reset`, `rtmp.closed`, `rtmp.not_rtmp`, `rtmp.bad_version`.
pub async fn handshake(
    stream: &mut Stream,
    writer: &mut Writer,
    bound: Duration,
    facts: &mut HandshakeFacts,
    foreign: &mut Vec<u8>,
) -> Result<(), Failure> {
    let end = clock::now() + bound;
    let hello = writer.c0_c1().await?;
    send(stream, &hello).await.map_err(|error| io_failure(RTMP, &error))?;
    let mut got = Vec::with_capacity(ANSWER);
    let mut ended = read(stream, &mut got, HELLO, end).await;
    if got.first().is_some_and(|first| *first != VERSION) {
        // Whatever ended the reading, the bytes that came say more.
        let _ = clock::within(PATIENCE, fill(stream, &mut got, PAGE)).await;
        let failure = another_protocol(&got, facts);
        *foreign = got;
        return Err(failure);
    }
    // Some servers copy C1 into S1, and so does an echo service: only the first sends S2 without having seen C2.
    let mut c2_is_due = matches!(ended, Ended::Whole);
    if c2_is_due && !bytes::echoes(&hello, &got) {
        send_c2(stream, &got).await?;
        c2_is_due = false;
    }
    if matches!(ended, Ended::Whole) {
        ended = read(stream, &mut got, ANSWER, end).await;
    }
    if !matches!(ended, Ended::Whole) {
        return Err(incomplete(&hello, &got, ended));
    }
    let answer = bytes::answer(&hello, &got);
    let answer = answer.ok_or_else(|| Failure::new(Code::RtmpNotRtmp, "the answer is no handshake"))?;
    let [a, b, c, d] = answer.version;
    facts.version = Some(VERSION);
    facts.server_time_ms = Some(answer.time);
    facts.server_version = Some(format!("{a}.{b}.{c}.{d}"));
    facts.echo = Some(answer.echo);
    if c2_is_due { send_c2(stream, &got).await } else { Ok(()) }
}

async fn send_c2(stream: &mut Stream, got: &[u8]) -> Result<(), Failure> {
    let c2 = bytes::c2(got).unwrap_or_default().to_vec();
    send(stream, &c2).await.map_err(|error| io_failure(RTMP, &error))
}

/// How the reading of an answer ended.
#[derive(Debug)]
enum Ended {
    Whole,
    Closed,
    Broken(Failure),
    Silent,
}

async fn read(stream: &mut Stream, got: &mut Vec<u8>, most: usize, end: Instant) -> Ended {
    let left = end.saturating_duration_since(clock::now());
    match clock::within(left, fill(stream, got, most)).await {
        Some(Ok(())) => Ended::Whole,
        Some(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => Ended::Closed,
        Some(Err(error)) => Ended::Broken(io_failure(RTMP, &error)),
        None => Ended::Silent,
    }
}

/// The failure of an answer that did not become whole.
fn incomplete(hello: &[u8], got: &[u8], ended: Ended) -> Failure {
    let (code, how) = match ended {
        Ended::Broken(failure) => return failure,
        Ended::Silent | Ended::Whole if bytes::echoes(hello, got) => {
            let detail = "the peer sends back what it is sent: an echo service";
            return Failure::new(Code::RtmpNotRtmp, detail);
        }
        Ended::Closed => (Code::RtmpClosed, "closed"),
        Ended::Silent | Ended::Whole => (Code::RtmpTimeout, "silent"),
    };
    Failure::new(code, format!("{how} after {} of the {ANSWER} bytes of S0, S1 and S2", got.len()))
}

async fn send(stream: &mut Stream, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes).await?;
    stream.flush().await
}

/// Reads until there are `most` bytes, or until the first of them is no S0 of ours and there are that many.
async fn fill(stream: &mut Stream, got: &mut Vec<u8>, most: usize) -> io::Result<()> {
    while got.len() < most {
        let room = u64::try_from(most - got.len()).unwrap_or(0);
        if (&mut *stream).take(room).read_buf(got).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if most <= ANSWER && most != PAGE && got.first() != Some(&VERSION) {
            return Ok(());
        }
    }
    Ok(())
}

/// The failure of a peer whose first byte is not 3.
fn another_protocol(got: &[u8], facts: &mut HandshakeFacts) -> Failure {
    let glance = &got[..got.len().min(GLANCE)];
    facts.first_bytes = Some(escape::bytes(glance, GLANCE));
    let foreign = bytes::foreign_protocol(glance);
    if let ForeignProtocol::Version(version) = foreign {
        facts.version = Some(version);
        return Failure::new(Code::RtmpBadVersion, format!("S0 names version {version}, not {VERSION}"));
    }
    facts.speaks = Some(foreign.word());
    let line = glance.split(|byte| matches!(byte, b'\r' | b'\n')).find(|line| !line.is_empty());
    let detail =
        format!("{} instead of S0: \"{}\"", foreign.noun(), escape::bytes(line.unwrap_or(glance), GLANCE));
    Failure::new(Code::RtmpNotRtmp, detail)
}
