//! One question put to resolvers: over UDP, again when lost, over TCP when truncated.

use std::net::SocketAddr;
use std::time::Duration;

use hickory_proto::rr::RecordType;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::message::{self, Reply, Unfit};
use super::servers::Servers;
use crate::clock;
use crate::shortage;
use crate::tcp::{self, Origin, Reach};
use crate::udp::Socket;
use netcheck_record::failure::{Code, Failure};

/// How often each resolver is asked before silence is silence.
const ROUNDS: u32 = 2;

/// What became of a question.
pub type Outcome = Result<(Reply, SocketAddr), Failure>;

/// Asks the servers in turn; a definite answer ends it, a failing server passes it on.
pub async fn ask(servers: &Servers, name: &str, kind: RecordType, budget: Duration) -> Outcome {
    let tries = u32::try_from(servers.len()).unwrap_or(1).max(1) * ROUNDS;
    let share = budget / tries;
    let mut worst: Option<Failure> = None;
    let once = |server: SocketAddr| async move { once(&servers.origin(server), server, name, kind).await };
    let mut failing: Vec<(Reply, SocketAddr)> = Vec::new();
    for server in servers.iter().cycle().take(tries as usize) {
        if failing.iter().any(|(_, known)| known == server) {
            continue;
        }
        let silent = || Failure::new(Code::DnsTimeout, format!("{server} did not answer"));
        let mut asked = clock::within(share, once(*server)).await;
        // A question that could not leave this machine has met no silence.
        while asked.is_none() && shortage::is_now() {
            asked = clock::within(share, once(*server)).await;
        }
        match asked.unwrap_or_else(|| Err(silent())) {
            Ok(reply)
                if matches!(
                    reply.code(),
                    Some(Code::DnsServfail | Code::DnsRefused | Code::DnsMalformed)
                ) =>
            {
                failing.push((reply, *server));
            }
            Ok(reply) => return Ok((reply, *server)),
            Err(failure) => {
                if worst.as_ref().is_none_or(|known| telling(&failure) > telling(known)) {
                    worst = Some(failure);
                }
            }
        }
    }
    match (failing.into_iter().next(), worst) {
        (Some(answer), _) => Ok(answer),
        (None, Some(failure)) => Err(failure),
        (None, None) => Err(Failure::new(Code::DnsUnreachable, "no resolver is configured")),
    }
}

fn telling(failure: &Failure) -> u8 {
    match failure.code {
        Code::DnsMalformed => 2,
        Code::DnsTimeout => 1,
        _ => 0,
    }
}

/// Asks one server once.
async fn once(origin: &Origin, server: SocketAddr, name: &str, kind: RecordType) -> Result<Reply, Failure> {
    let reply = over_udp(origin, server, name, kind, true).await?;
    // A server from before EDNS says FORMERR; without it the same server may well answer.
    let reply = if reply.rcode == 1 { over_udp(origin, server, name, kind, false).await? } else { reply };
    if reply.truncated { over_tcp(origin, server, name, kind).await } else { Ok(reply) }
}

async fn over_udp(
    origin: &Origin,
    server: SocketAddr,
    name: &str,
    kind: RecordType,
    edns: bool,
) -> Result<Reply, Failure> {
    let id = random_id();
    let question = message::question(name, kind, id, edns).ok_or_else(unaskable)?;
    let opened = Socket::open_in_turn(origin, server, 0).await;
    let socket = opened.map_err(|failure| unreachable(server, &failure))?;
    socket.send(&question).await.map_err(|failure| unreachable(server, &failure))?;
    let mut buffer = vec![0u8; 4096];
    let mut garbage = false;
    loop {
        let wait = if garbage { Duration::from_millis(300) } else { Duration::from_secs(86_400) };
        let Some(received) = clock::within(wait, socket.recv(&mut buffer)).await else {
            return Err(malformed(server));
        };
        let length = received.map_err(|failure| unreachable(server, &failure))?;
        match message::answer(&buffer[..length], name, kind, id) {
            Ok(reply) => return Ok(reply),
            Err(Unfit::NotOurs) => {}
            // A right answer may follow what somebody threw in.
            Err(Unfit::Malformed) => garbage = true,
        }
    }
}

async fn over_tcp(
    origin: &Origin,
    server: SocketAddr,
    name: &str,
    kind: RecordType,
) -> Result<Reply, Failure> {
    let id = random_id();
    let question = message::question(name, kind, id, true).ok_or_else(unaskable)?;
    let lost = |_| Failure::new(Code::DnsUnreachable, format!("{server} dropped the TCP connection"));
    let mut stream = tcp::attempt(origin, server, Reach::default())
        .await
        .map_err(|refusal| unreachable(server, &refusal.failure))?;
    let length = u16::try_from(question.len()).map_err(|_| unaskable())?;
    let mut framed = length.to_be_bytes().to_vec();
    framed.extend(question);
    stream.write_all(&framed).await.map_err(lost)?;
    let length = stream.read_u16().await.map_err(lost)?;
    let mut answer = vec![0u8; usize::from(length)];
    stream.read_exact(&mut answer).await.map_err(lost)?;
    message::answer(&answer, name, kind, id).map_err(|_| malformed(server))
}

fn unreachable(server: SocketAddr, failure: &Failure) -> Failure {
    Failure::new(Code::DnsUnreachable, format!("{server}: {}", failure.detail)).over(failure)
}

fn malformed(server: SocketAddr) -> Failure {
    Failure::new(
        Code::DnsMalformed,
        format!("{server} answered with something that is no DNS answer to the question"),
    )
}

fn unaskable() -> Failure {
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
