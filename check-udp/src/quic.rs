//! The scheme `quic`: does the server answer QUIC at all (version negotiation), and does a real handshake succeed?

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use netcheck_common::clock::{now, within};
use netcheck_common::diagnose::Diagnosis;
use netcheck_common::escape;
use netcheck_common::failure::{Code, Failure, Layer};
use netcheck_common::net::Net;
use netcheck_common::target::{Host, Target};
use netcheck_common::tls::{self, Hello, Trust};
use netcheck_common::trace::{Stopped, Trace};
use quinn::crypto::rustls::{HandshakeData, QuicClientConfig};
use quinn::{
    AsyncUdpSocket, Connection, ConnectionError, Endpoint, EndpointConfig, IdleTimeout, Runtime as _,
    TokioRuntime, TransportConfig,
};

use crate::counted::Counted;
use crate::facts::{Facts, QuicFacts};
use crate::initial;
use crate::quality::micros;
use crate::random::random;
use crate::reach;
use crate::run::Run;
use crate::versions::{self, Cid};

/// QUIC over UDP.
pub const QUIC: Layer = Layer::new("quic", Code::QuicTimeout, Code::QuicClosed, Code::QuicClosed);
/// How long CONNECTION_CLOSE may take to leave.
const GOODBYE: Duration = Duration::from_millis(50);

/// An open connection.
pub struct Connected {
    /// The connection.
    pub connection: Connection,
    /// Whom its certificate convinces.
    pub trust: Trust,
    endpoint: Endpoint,
}

impl Connected {
    /// Writes its way into the record: the other family, or version negotiation on a port of its own, may have come
    /// later.
    fn record_path(&self, net: &Net) {
        if let (Some(ip), Ok(local)) = (self.connection.local_ip(), self.endpoint.local_addr()) {
            net.note_path(SocketAddr::new(ip, local.port()), self.connection.remote_address());
        }
    }

    /// Closes the connection, so that the server keeps no state.
    pub async fn close(self) {
        self.connection.close(0u32.into(), b"");
        within(GOODBYE, self.endpoint.wait_idle()).await;
    }
}

/// Connects: the stage `quic`, beside which version negotiation is asked for.
pub async fn connect(run: &Run, target: &Target, trace: &mut Trace<Facts>) -> Result<Connected, Stopped> {
    let addresses = trace.addresses(target).await?;
    let net = trace.diagnosis();
    let hello = hello(run, target, &net);
    let bound = reach::bound(&net);
    let port = target.port();
    let tried: RefCell<HashMap<IpAddr, QuicFacts>> = RefCell::default();
    let attempt = async |address| {
        let mut facts = QuicFacts::default();
        let outcome = probe(&net, SocketAddr::new(address, port), &hello, bound, &mut facts).await;
        tried.borrow_mut().insert(address, facts);
        match outcome {
            Err(failure) if !reach::is_answer(&failure) => Err(failure),
            // An answer, whatever it says, ends the race.
            outcome => Ok((address, outcome)),
        }
    };
    let work = async {
        match reach::race(&net, &addresses, port, attempt).await? {
            (_, Ok(connected)) => Ok(connected),
            (address, Err(failure)) => Err(reach::blamed(&net, port, (failure, address))),
        }
    };
    let work = run.controls.beside(&net, Box::pin(work));
    let outcome = trace.stage_within(QUIC, reach::outer(&net), work).await;
    if let Ok(connected) = &outcome {
        connected.record_path(&net);
    }
    trace.facts.quic = net
        .peer()
        .and_then(|peer| tried.borrow_mut().remove(&peer.ip()))
        .or_else(|| Some(QuicFacts::default()));
    outcome
}

/// The ClientHello of this target.
pub fn hello(run: &Run, target: &Target, net: &Net) -> Hello {
    Hello { alpn: run.alpn_of(target), ..net.as_asked(&Hello::of(target)) }
}

/// Version negotiation and a real handshake side by side.
async fn probe(
    net: &Net,
    to: SocketAddr,
    hello: &Hello,
    bound: Duration,
    facts: &mut QuicFacts,
) -> Result<Connected, Failure> {
    let mut versions = None;
    let unrelated = Cell::new(0);
    let handshake = handshake(net, to, hello, bound);
    let negotiation = negotiate(net, to, bound, &unrelated);
    tokio::pin!(handshake, negotiation);
    let outcome = loop {
        tokio::select! {
            outcome = &mut handshake => break outcome,
            found = &mut negotiation, if versions.is_none() => match found {
                Ok(found) => versions = Some(found),
                // ICMP spoke: nothing better will come.
                Err(failure) => break Err(failure),
            },
        }
    };
    if let (None, Ok((connected, _))) = (&versions, &outcome) {
        // Its answer is as far away as the handshake's; a server that omits it is not waited for.
        let moment = (connected.connection.rtt() * 3).max(Duration::from_millis(50));
        versions = within(moment, &mut negotiation).await.and_then(Result::ok);
    }
    let silent = matches!(&outcome, Err(failure) if failure.code == Code::QuicTimeout);
    facts.version_negotiation = versions.as_ref().map(Option::is_some).or(silent.then_some(false));
    facts.versions = versions.flatten().unwrap_or_default().into_iter().map(versions::name).collect();
    let (connected, took) = outcome.map_err(|failure| match failure {
        failure if silent && !failure.peer_responded => {
            failure.with_unrelated_replies(unrelated.get(), "datagram", to)
        }
        failure => failure,
    })?;
    facts.handshake_us = Some(micros(took));
    facts.round_trip_us = Some(micros(connected.connection.rtt()));
    facts.alpn = alpn(&connected.connection).map(|name| escape::bytes(&name, 40));
    Ok(connected)
}

fn alpn(connection: &Connection) -> Option<Vec<u8>> {
    connection.handshake_data()?.downcast::<HandshakeData>().ok()?.protocol
}

/// Asks with a version that no server speaks; the versions offered, or `None` when nothing came until `bound`. The socket is
/// connected, so ICMP errors arrive here and not at quinn. Datagrams that are no answer are counted.
async fn negotiate(
    net: &Net,
    to: SocketAddr,
    bound: Duration,
    unrelated: &Cell<u32>,
) -> Result<Option<Vec<u32>>, Failure> {
    let socket = net.udp(to.ip(), to.port()).await?;
    let (theirs, ours): (Cid, Cid) = (random(), random());
    let packet = versions::probe(theirs, ours);
    let end = now() + bound;
    let mut wait = Duration::from_millis(300);
    let mut buffer = [0; 1500];
    while now() < end {
        socket.send(&packet).await?;
        let until = end.min(now() + wait);
        wait *= 2;
        while let Some(length) =
            within(until.saturating_duration_since(now()), socket.recv(&mut buffer)).await
        {
            if let Some(found) = versions::answer(&buffer[..length?], theirs, ours) {
                return Ok(Some(found));
            }
            unrelated.set(unrelated.get() + 1);
        }
    }
    Ok(None)
}

async fn handshake(
    net: &Net,
    to: SocketAddr,
    hello: &Hello,
    bound: Duration,
) -> Result<(Connected, Duration), Failure> {
    let (tls, recorder) = tls::quic_config(hello);
    let (endpoint, received) = endpoint(net, to).await?;
    let begun = now();
    let connecting = endpoint
        .connect_with(client(tls, bound)?, to, &name(&hello.name))
        .map_err(|_| Failure::new(Code::TlsNameMismatch, "the name is not valid in a certificate"))?;
    let outcome = within(bound, connecting).await;
    let took = begun.elapsed();
    let silence = || match received.parts() {
        0 => Failure::new(Code::QuicTimeout, "the Initial was not answered").with_unrelated_replies(
            received.unrelated(),
            "datagram",
            to,
        ),
        parts => {
            let plural = if parts == 1 { "" } else { "s" };
            let detail = format!(
                "the handshake was begun and not finished: {parts} datagram{plural} of it came from {to}"
            );
            Failure { peer_responded: true, ..Failure::new(Code::QuicTimeout, detail) }
        }
    };
    let connection = match outcome {
        None => return Err(silence()),
        Some(Err(error)) => {
            // A chain that arrived is a fact, whatever came after it.
            net.keep_chain(&recorder);
            return Err(failure(net, &error, silence));
        }
        Some(Ok(connection)) => connection,
    };
    net.keep_chain(&recorder);
    let trust = match net.judge(&recorder, hello) {
        Ok(trust) => trust,
        Err(failure) => {
            connection.close(0u32.into(), b"");
            within(GOODBYE, endpoint.wait_idle()).await;
            return Err(failure);
        }
    };
    Ok((Connected { connection, trust, endpoint }, took))
}

/// quinn over a socket of our own, bound to where `--interface` and `--source` say.
async fn endpoint(net: &Net, to: SocketAddr) -> Result<(Endpoint, Arc<Counted>), Failure> {
    let socket = net.bound(to.ip()).await?;
    let runtime = Arc::new(TokioRuntime);
    let made = runtime.wrap_udp_socket(socket).and_then(|socket| {
        let counted = Counted::new(socket, to);
        let socket = Arc::clone(&counted) as Arc<dyn AsyncUdpSocket>;
        let endpoint = Endpoint::new_with_abstract_socket(EndpointConfig::default(), None, socket, runtime)?;
        Ok((endpoint, counted))
    });
    // The socket is there, and a way to the address: it is an option of the socket that is missing.
    made.map_err(|error| {
        let lacks = format!("this system lacks a socket option that QUIC needs ({})", error.kind());
        Failure::new(Code::Internal, lacks)
    })
}

fn client(tls: rustls::ClientConfig, bound: Duration) -> Result<quinn::ClientConfig, Failure> {
    let unusable = || Failure::new(Code::TlsVersion, "TLS 1.3 is not at hand");
    let crypto = QuicClientConfig::try_from(tls).map_err(|_| unusable())?;
    let mut transport = TransportConfig::default();
    // Past its bound the connection is of no use; a search for a larger MTU would be more packets than asked for.
    transport.max_idle_timeout(IdleTimeout::try_from(bound + Duration::from_secs(5)).ok());
    transport.mtu_discovery_config(None);
    let mut config = quinn::ClientConfig::new(Arc::new(crypto));
    config.transport_config(Arc::new(transport));
    Ok(config)
}

fn name(host: &Host) -> String {
    match host {
        Host::Name(name) => name.clone(),
        Host::Address(address) => address.to_string(),
    }
}

/// The failure that the end of a connection means, by type and number.
pub fn failure(net: &Net, error: &ConnectionError, silence: impl Fn() -> Failure) -> Failure {
    match error {
        ConnectionError::VersionMismatch => {
            Failure::new(Code::QuicVersion, "the server speaks no version of QUIC that we do")
        }
        ConnectionError::TimedOut => silence(),
        ConnectionError::TransportError(error) => ended(net, error.code.into(), "we gave up the connection"),
        ConnectionError::ConnectionClosed(close) => with_reason(
            ended(net, close.error_code.into(), "the server closed the connection"),
            &close.reason,
        ),
        ConnectionError::ApplicationClosed(close) => {
            let detail =
                format!("the server closed the connection with application code {}", close.error_code);
            with_reason(Failure::new(Code::QuicClosed, detail), &close.reason)
        }
        ConnectionError::Reset => Failure::new(Code::QuicClosed, "the server reset the connection"),
        _ => Failure::new(Code::QuicClosed, "the connection ended here"),
    }
}

/// The same with the reason phrase of CONNECTION_CLOSE (RFC 9000 section 19.19), where there is one.
pub fn with_reason(failure: Failure, reason: &[u8]) -> Failure {
    let reason = escape::bytes(reason, 200);
    if reason.is_empty() {
        return failure;
    }
    let detail = format!("{}: \"{reason}\"", failure.detail);
    Failure { detail, ..failure }
}

/// A transport error code; 0x100 and above carry a TLS alert (RFC 9001 section 4.8).
fn ended(net: &Net, code: u64, who: &str) -> Failure {
    let Some(alert) = code.checked_sub(0x100).and_then(|alert| u8::try_from(alert).ok()) else {
        return Failure::new(Code::QuicClosed, format!("{who} with transport error {code:#x}"));
    };
    let mut failure = net.alert(alert);
    failure.detail = format!("{who} with {}", failure.detail);
    failure
}

/// The last hop that an Initial with this name reaches.
pub async fn last_hop(net: &Diagnosis, to: SocketAddr, hello: &Hello) -> Option<(u8, IpAddr)> {
    let detached = net.detached();
    let (tls, _) = tls::quic_config(hello);
    let flight = initial::flight(client(tls, net.timeout()).ok()?, to, &name(&hello.name)).await;
    let content: Vec<&[u8]> = flight.iter().map(Vec::as_slice).collect();
    if content.is_empty() { None } else { detached.last_hop_of(to, &content).await }
}

/// Whether an Initial with this ClientHello is answered by anything at all.
pub async fn answers(net: &Net, to: SocketAddr, hello: &Hello, bound: Duration) -> bool {
    let detached = net.detached();
    match handshake(&detached, to, hello, bound).await {
        Ok((connected, _)) => {
            connected.close().await;
            true
        }
        Err(failure) => {
            failure.peer_responded || !matches!(failure.code, Code::QuicTimeout | Code::RouteNone)
        }
    }
}

/// Whether a packet of an unknown version draws Version Negotiation.
pub async fn negotiates(net: &Net, to: SocketAddr, bound: Duration) -> bool {
    let negotiated = negotiate(&net.detached(), to, bound, &Cell::new(0)).await;
    matches!(negotiated, Ok(Some(_)))
}

/// Whether a handshake with this ClientHello comes to an end other than silence.
pub async fn finishes(net: &Net, to: SocketAddr, hello: &Hello, bound: Duration) -> bool {
    let detached = net.detached();
    match handshake(&detached, to, hello, bound).await {
        Ok((connected, _)) => {
            connected.close().await;
            true
        }
        Err(failure) => !matches!(failure.code, Code::QuicTimeout | Code::RouteNone),
    }
}

/// Checks one target.
pub async fn check(run: &Run, target: &Target, trace: &mut Trace<Facts>) -> Result<(), Stopped> {
    let connected = connect(run, target, trace).await?;
    connected.close().await;
    Ok(())
}
