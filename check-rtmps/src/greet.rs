//! The handshake with a live peer: C0 and C1 out, S0 to S2 in, C2 out only to a peer that answered in RTMP.
//!
//! Sent: 1,537 bytes, then 1,536. Read: never more than 3,073 bytes.

use std::io;
use std::time::Duration;

use netcheck_common::clock;
use netcheck_common::escape;
use netcheck_common::failure::{Code, Failure, Layer};
use netcheck_common::stream::Stream;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::facts::Handshake;
use crate::handshake::{self, ANSWER, GLANCE, PAGE, Stranger, VERSION};
use crate::writer::Writer;

/// The stage `rtmp`.
pub const RTMP: Layer = Layer::new("rtmp", Code::RtmpTimeout, Code::RtmpReset, Code::RtmpClosed);
/// How long a stranger may take to finish its first words.
const PATIENCE: Duration = Duration::from_millis(200);

/// Shakes hands; what was learned is left in `facts`, and what a stranger said in `strange`, whatever comes of it.
/// A wrong echo is no failure here.
///
/// # Errors
/// `rtmp.timeout`, `rtmp.reset`, `rtmp.closed`, `rtmp.not_rtmp`, `rtmp.bad_version`.
pub async fn greet(
    stream: &mut Stream,
    writer: &mut Writer,
    bound: Duration,
    facts: &mut Handshake,
    strange: &mut Vec<u8>,
) -> Result<(), Failure> {
    let hello = writer.hello().await?;
    send(stream, &hello).await.map_err(|error| netcheck_common::tls::io_failure(RTMP, &error))?;
    let mut got = Vec::with_capacity(ANSWER);
    let read = clock::within(bound, fill(stream, &mut got, ANSWER)).await;
    if got.first().is_some_and(|first| *first != VERSION) {
        // Whatever ended the reading, the bytes that came say more.
        let _ = clock::within(PATIENCE, fill(stream, &mut got, PAGE)).await;
        let failure = unmask(&got, facts);
        *strange = got;
        return Err(failure);
    }
    match read {
        Some(Ok(())) => {}
        Some(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
            let detail = format!("closed after {} of the {ANSWER} bytes of S0, S1 and S2", got.len());
            return Err(Failure::new(Code::RtmpClosed, detail));
        }
        Some(Err(error)) => return Err(netcheck_common::tls::io_failure(RTMP, &error)),
        None if handshake::echoes(&hello, &got) => {
            return Err(Failure::new(
                Code::RtmpNotRtmp,
                "the peer sends back what it is sent: an echo service",
            ));
        }
        None => {
            let detail = format!("silent after {} of the {ANSWER} bytes of S0, S1 and S2", got.len());
            return Err(Failure::new(Code::RtmpTimeout, detail));
        }
    }
    let answer = handshake::answer(&hello, &got);
    let answer = answer.ok_or_else(|| Failure::new(Code::RtmpNotRtmp, "the answer is no handshake"))?;
    let [a, b, c, d] = answer.version;
    facts.version = Some(VERSION);
    facts.server_time_ms = Some(answer.time);
    facts.server_version = Some(format!("{a}.{b}.{c}.{d}"));
    facts.echo = Some(answer.echo);
    let seal = writer.seal(&got).await?;
    send(stream, &seal).await.map_err(|error| netcheck_common::tls::io_failure(RTMP, &error))
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
        if most == ANSWER && got.first() != Some(&VERSION) {
            return Ok(());
        }
    }
    Ok(())
}

/// The failure of a peer whose first byte is not 3.
fn unmask(got: &[u8], facts: &mut Handshake) -> Failure {
    let glance = &got[..got.len().min(GLANCE)];
    facts.first_bytes = Some(escape::bytes(glance, GLANCE));
    let stranger = handshake::stranger(glance);
    if let Stranger::Version(version) = stranger {
        facts.version = Some(version);
        return Failure::new(Code::RtmpBadVersion, format!("S0 names version {version}, not {VERSION}"));
    }
    facts.speaks = Some(stranger.word());
    let line = glance.split(|byte| matches!(byte, b'\r' | b'\n')).find(|line| !line.is_empty());
    let detail =
        format!("{} instead of S0: \"{}\"", stranger.noun(), escape::bytes(line.unwrap_or(glance), GLANCE));
    Failure::new(Code::RtmpNotRtmp, detail)
}
