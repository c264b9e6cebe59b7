//! One question to one resolver: a datagram and its reply, and TCP where the reply was truncated or damaged.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use hickory_proto::rr::RecordType;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::message::{self, Reply, Unfit};
use super::response::{EdnsUse, Outcome, Response, TcpReason, Unanswered};
use crate::clock;
use crate::tcp::{self, Egress, ProbeOptions};
use crate::udp::Socket;
use crate::verbose;
use netcheck_record::failure::{Code, Failure};

/// How long a right reply is waited for after a damaged one: somebody else may have sent that.
const AFTER_DAMAGE: Duration = Duration::from_millis(300);

/// A name and the type of its records.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question<'a> {
    pub name: &'a str,
    pub kind: RecordType,
}

/// Asks one resolver once. Silence over UDP lasts until the caller gives up; TCP ends before `deadline`.
pub(super) async fn exchange(
    egress: &Egress,
    server: SocketAddr,
    question: Question<'_>,
    edns: bool,
    deadline: Instant,
) -> Outcome {
    let response = |reply, edns, tcp| Ok(Response { reply, server, edns, tcp, silent: Vec::new() });
    let failed = |failure| Unanswered::at(server, failure);
    let mut used = EdnsUse::Accepted;
    let reply = match over_udp(egress, server, question, edns).await {
        Ok(reply) if edns && reply.rejects_edns() => {
            used = EdnsUse::Rejected;
            over_udp(egress, server, question, false).await.map_err(failed)?
        }
        Ok(reply) => reply,
        // A device that cuts long datagrams damages them; over TCP the same reply is whole.
        Err(failure) if failure.code == Code::DnsMalformed => {
            let again = over_tcp(egress, server, question, edns, deadline).await;
            return match again {
                Ok(reply) => response(reply, used, Some(TcpReason::Damaged)),
                Err(_) => Err(failed(failure)),
            };
        }
        Err(failure) => return Err(failed(failure)),
    };
    if !reply.truncated {
        return response(reply, used, None);
    }
    let edns = edns && used == EdnsUse::Accepted;
    match over_tcp(egress, server, question, edns, deadline).await {
        Ok(reply) => response(reply, used, Some(TcpReason::Truncated)),
        Err(failure) => {
            let tcp = failure.underlying.or(Some(failure.code));
            Err(Unanswered { tcp, ..failed(failure) })
        }
    }
}

async fn over_udp(
    egress: &Egress,
    server: SocketAddr,
    question: Question<'_>,
    edns: bool,
) -> Result<Reply, Failure> {
    let Question { name, kind } = question;
    let id = random_id();
    let bytes = message::question(name, kind, id, edns).ok_or_else(invalid_question)?;
    tell("UDP", server, question, edns);
    let opened = Socket::open_in_turn(egress, server, 0).await;
    let socket = opened.map_err(|failure| unreachable(server, &failure))?;
    socket.send(&bytes).await.map_err(|failure| unreachable(server, &failure))?;
    let mut buffer = vec![0u8; 4096];
    let mut damaged = false;
    loop {
        let received = match damaged {
            true => clock::within(AFTER_DAMAGE, socket.recv(&mut buffer)).await,
            false => Some(socket.recv(&mut buffer).await),
        };
        let Some(received) = received else { return Err(malformed(server)) };
        let length = received.map_err(|failure| unreachable(server, &failure))?;
        match message::answer(&buffer[..length], name, kind, id) {
            Ok(reply) => return Ok(reply),
            Err(Unfit::NotOurs) => {}
            Err(Unfit::Malformed) => damaged = true,
        }
    }
}

async fn over_tcp(
    egress: &Egress,
    server: SocketAddr,
    question: Question<'_>,
    edns: bool,
    deadline: Instant,
) -> Result<Reply, Failure> {
    let left = deadline.saturating_duration_since(clock::now()).mul_f64(0.9);
    let silent = || {
        let failure = Failure::new(Code::TcpTimeout, "TCP did not answer");
        let what =
            format!("{server} has a reply that does not fit a datagram, and its TCP port did not answer");
        Failure::new(Code::DnsTimeout, what).caused_by(&failure)
    };
    clock::within(left, connected(egress, server, question, edns)).await.unwrap_or_else(|| Err(silent()))
}

async fn connected(
    egress: &Egress,
    server: SocketAddr,
    question: Question<'_>,
    edns: bool,
) -> Result<Reply, Failure> {
    let Question { name, kind } = question;
    let id = random_id();
    let bytes = message::question(name, kind, id, edns).ok_or_else(invalid_question)?;
    tell("TCP", server, question, edns);
    let mut stream = tcp::attempt(egress, server, ProbeOptions::default()).await.map_err(|refusal| {
        let detail = format!("{server} over TCP: {}", refusal.failure.detail);
        let silent = refusal.failure.code == Code::TcpTimeout;
        let code = if silent { Code::DnsTimeout } else { Code::DnsUnreachable };
        Failure::new(code, detail).caused_by(&refusal.failure)
    })?;
    let lost = |_| {
        let reset = Failure::new(Code::TcpReset, "");
        Failure::new(Code::DnsUnreachable, format!("{server} dropped the TCP connection")).caused_by(&reset)
    };
    let length = u16::try_from(bytes.len()).map_err(|_| invalid_question())?;
    let framed = [&length.to_be_bytes()[..], &bytes].concat();
    stream.write_all(&framed).await.map_err(lost)?;
    let length = stream.read_u16().await.map_err(lost)?;
    let mut answer = vec![0u8; usize::from(length)];
    stream.read_exact(&mut answer).await.map_err(lost)?;
    message::answer(&answer, name, kind, id).map_err(|_| malformed(server))
}

/// For `-vv`.
fn tell(transport: &str, server: SocketAddr, question: Question<'_>, edns: bool) {
    let Question { name, kind } = question;
    let without = if edns { "" } else { ", without EDNS" };
    verbose::tell(2, || format!("DNS question {kind} {name} to {server} over {transport}{without}"));
}

fn unreachable(server: SocketAddr, failure: &Failure) -> Failure {
    Failure::new(Code::DnsUnreachable, format!("{server}: {}", failure.detail)).caused_by(failure)
}

fn malformed(server: SocketAddr) -> Failure {
    Failure::new(
        Code::DnsMalformed,
        format!("{server} answered with something that is no DNS answer to the question"),
    )
}

fn invalid_question() -> Failure {
    Failure::new(Code::DnsNxdomain, "the name cannot be asked for")
}

/// An id nobody can guess: off-path forgers have to.
fn random_id() -> u16 {
    let mut bytes = [0u8; 2];
    let random = ring::rand::SystemRandom::new();
    // Without randomness the ids repeat, and the connected socket still keeps strangers out.
    let _ = ring::rand::SecureRandom::fill(&random, &mut bytes);
    u16::from_be_bytes(bytes)
}
