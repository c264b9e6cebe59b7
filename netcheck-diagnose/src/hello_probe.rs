//! One ClientHello sent byte for byte, in segments of our choosing, and whether TLS came back.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::Diagnosis;
use netcheck_net::clock;
use netcheck_net::stream::Stream;
use netcheck_net::tcp::{self, ProbeOptions};
use netcheck_os::segment;
use netcheck_record::target::Target;

/// Segments so small that a ClientHello of any size takes several.
const SHORT_SEGMENT: u32 = 500;
/// What a stream through a proxy holds back between two parts, so that they do not arrive as one.
const PART_PAUSE: Duration = Duration::from_millis(30);

/// How the bytes are divided into TCP segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Segments {
    /// As the connection's own segment size has it.
    AsTheyFit,
    /// In two halves.
    Two,
    /// In two, the second beginning at this byte.
    At(usize),
    /// In segments of at most 500 bytes.
    Short,
}

/// What came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// A TLS record.
    Spoke,
    /// A reset, a close, or something that is no TLS.
    Cut,
    /// Nothing.
    Silent,
    /// There was no connection to send it on.
    Unreached,
}

/// Where the ClientHellos are sent.
#[derive(Clone, Copy, Debug)]
pub(super) enum Destination<'a> {
    /// To this address.
    Direct(SocketAddr),
    /// Through the proxy of this target.
    Proxied(&'a Target),
}

/// Sends the record and waits for the first bytes of an answer, for `wait` after the connection was made.
pub(super) async fn send(
    net: &Diagnosis,
    to: Destination<'_>,
    record: &[u8],
    segments: Segments,
    wait: Duration,
) -> Reply {
    let connected = clock::within(net.timeout().min(net.left()), connect(net, to, segments)).await;
    let Some(Some(mut stream)) = connected else { return Reply::Unreached };
    // What stays unanswered is reset: the peer would wait for the rest of it.
    stream.abort().store(true, Ordering::Relaxed);
    let mut first = [0; 3];
    let exchange = async {
        let split = match segments {
            Segments::Two => Some(record.len() / 2),
            Segments::At(byte) => Some(byte.min(record.len())),
            Segments::AsTheyFit | Segments::Short => None,
        };
        if let Some(split) = split {
            let (one, two) = record.split_at(split);
            stream.write_all(one).await?;
            stream.flush().await?;
            if matches!(to, Destination::Proxied(_)) {
                clock::pause(PART_PAUSE).await;
            }
            stream.write_all(two).await?;
        } else {
            stream.write_all(record).await?;
        }
        stream.flush().await?;
        stream.read_exact(&mut first).await
    };
    match clock::within(wait.min(net.left()), exchange).await {
        None => Reply::Silent,
        Some(Ok(_)) if matches!(first, [20..=24, 3, _]) => Reply::Spoke,
        Some(_) => Reply::Cut,
    }
}

async fn connect(net: &Diagnosis, to: Destination<'_>, segments: Segments) -> Option<Stream> {
    match to {
        Destination::Direct(to) => {
            let segment = (segments == Segments::Short).then_some(SHORT_SEGMENT);
            let options = ProbeOptions { segment, ..ProbeOptions::default() };
            tcp::attempt(net.egress(), to, options).await.ok().map(Stream::tcp)
        }
        Destination::Proxied(target) => {
            let proxy = net.proxy_for(target)?;
            net.detached().through(&proxy, &target.host, target.port()).await.ok()
        }
    }
}

/// The largest segment the way to this address takes, in bytes; none where it cannot be connected to.
pub(super) async fn segment_size(net: &Diagnosis, to: SocketAddr) -> Option<usize> {
    let attempt = tcp::attempt(net.egress(), to, ProbeOptions::default());
    let stream = clock::within(net.timeout().min(net.left()), attempt).await?.ok()?;
    let size = segment::largest(&stream).seen()?;
    usize::try_from(size).ok()
}

/// Whether anything at all comes back to these bytes.
pub(super) async fn answers(net: &Diagnosis, to: SocketAddr, bytes: &[u8], wait: Duration) -> bool {
    let connected = clock::within(
        net.timeout().min(net.left()),
        connect(net, Destination::Direct(to), Segments::AsTheyFit),
    );
    let Some(Some(mut stream)) = connected.await else { return false };
    stream.abort().store(true, Ordering::Relaxed);
    let mut first = [0; 1];
    let exchange = async {
        stream.write_all(bytes).await?;
        stream.flush().await?;
        stream.read_exact(&mut first).await
    };
    matches!(clock::within(wait.min(net.left()), exchange).await, Some(Ok(_)))
}
