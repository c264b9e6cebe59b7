//! One question to the resolvers: with EDNS, again without, and over TCP where the reply does not fit a datagram.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use hickory_proto::rr::RecordType;

use super::response::{EdnsUse, Outcome, Response, Unanswered};
use super::servers::Servers;
use super::transport::{self, Question};
use crate::clock;
use crate::local_limits;
use netcheck_record::failure::{Code, Failure};

/// How often each resolver is asked before silence is silence. Only the first question carries EDNS.
const ROUNDS: usize = 4;

/// One attempt of the schedule.
#[derive(Clone, Copy, Debug)]
struct Attempt {
    server: SocketAddr,
    edns: bool,
}

/// Asks the resolvers in turn. Later attempts begin after a share of `budget`, or as soon as an earlier one fails; a late
/// reply to an earlier attempt counts. A definite reply ends it; a resolver that fails or refuses passes it on.
///
/// # Errors
/// The `dns.*` codes, where no resolver replied.
pub async fn ask(servers: &Servers, name: &str, kind: RecordType, budget: Duration) -> Outcome {
    let question = Question { name, kind };
    let mut race = ResolverRace::new(servers, question, budget);
    loop {
        race.start_next();
        if race.running.is_empty() {
            break;
        }
        match clock::within(race.wait(), race.running.next()).await {
            Some(Some((attempt, outcome))) => {
                if let Some(mut response) = race.note_attempt(attempt, outcome) {
                    servers.note_edns(&response);
                    response.silent = race.silent_before(attempt.server);
                    return Ok(response);
                }
            }
            // A question that could not leave this machine has met no silence.
            _ if local_limits::is_now() => {}
            _ if race.is_over() => break,
            _ => {}
        }
    }
    race.result()
}

/// Why a question had no EDNS.
fn without_edns(servers: &Servers, server: SocketAddr) -> EdnsUse {
    match server {
        _ if servers.omits_edns(server) => EdnsUse::Omitted,
        _ if servers.accepts_edns(server) => EdnsUse::Repeated,
        _ => EdnsUse::Unanswered,
    }
}

type Ended = (Attempt, Outcome);
type Running<'a> = std::pin::Pin<Box<dyn Future<Output = Ended> + Send + 'a>>;

/// The attempts of one question.
struct ResolverRace<'a> {
    servers: &'a Servers,
    question: Question<'a>,
    schedule: std::vec::IntoIter<Attempt>,
    share: Duration,
    deadline: Instant,
    running: FuturesUnordered<Running<'a>>,
    failing: Vec<Response>,
    worst: Option<Unanswered>,
    settled: Vec<SocketAddr>,
}

impl<'a> ResolverRace<'a> {
    fn new(servers: &'a Servers, question: Question<'a>, budget: Duration) -> Self {
        let attempt = |round: usize, server: &SocketAddr| Attempt {
            server: *server,
            edns: round == 0 && !servers.omits_edns(*server),
        };
        let schedule: Vec<Attempt> =
            (0..ROUNDS).flat_map(|round| servers.iter().map(move |server| attempt(round, server))).collect();
        let share = budget / u32::try_from(schedule.len()).unwrap_or(1).max(1);
        ResolverRace {
            servers,
            question,
            schedule: schedule.into_iter(),
            share,
            deadline: clock::now() + budget,
            running: FuturesUnordered::new(),
            failing: Vec::new(),
            worst: None,
            settled: Vec::new(),
        }
    }

    /// Begins the next attempt at a resolver that has not given its last word.
    fn start_next(&mut self) {
        let settled = &self.settled;
        let Some(attempt) = self.schedule.by_ref().find(|next| !settled.contains(&next.server)) else {
            return;
        };
        let (egress, question, deadline) =
            (self.servers.egress(attempt.server), self.question, self.deadline);
        let servers = self.servers;
        self.running.push(Box::pin(async move {
            let outcome =
                transport::exchange(&egress, attempt.server, question, attempt.edns, deadline).await;
            let outcome = outcome.map(|mut response| {
                if !attempt.edns {
                    response.edns = without_edns(servers, attempt.server);
                }
                response
            });
            (attempt, outcome)
        }));
    }

    /// How long until the next attempt begins, or the question is given up.
    fn wait(&self) -> Duration {
        let left = self.deadline.saturating_duration_since(clock::now());
        if self.schedule.as_slice().is_empty() {
            left.max(Duration::from_millis(1))
        } else {
            self.share.min(left)
        }
    }

    fn is_over(&self) -> bool {
        clock::now() >= self.deadline
    }

    /// Takes in how an attempt ended; the response that ends the question, where it is one.
    fn note_attempt(&mut self, attempt: Attempt, outcome: Outcome) -> Option<Response> {
        match outcome {
            Ok(response) if response.reply.is_refusal() => {
                self.settled.push(attempt.server);
                self.failing.push(response);
            }
            Ok(response) => return Some(response),
            Err(unanswered) => {
                if unanswered.tcp.is_some() {
                    self.settled.push(attempt.server);
                }
                if self.worst.as_ref().is_none_or(|known| unanswered.weight() > known.weight()) {
                    self.worst = Some(unanswered);
                }
            }
        }
        None
    }

    /// The resolvers asked before this one that gave no reply of any kind.
    fn silent_before(&self, server: SocketAddr) -> Vec<SocketAddr> {
        let earlier = self.servers.iter().take_while(|known| **known != server);
        earlier.filter(|known| !self.settled.contains(known)).copied().collect()
    }

    fn result(mut self) -> Outcome {
        if !self.failing.is_empty() {
            return Ok(self.failing.swap_remove(0));
        }
        let silent = (!self.running.is_empty()).then(|| self.silence());
        match (self.worst, silent) {
            (Some(worst), Some(silent)) if worst.weight() > silent.weight() => Err(worst),
            (_, Some(silent)) => Err(silent),
            (Some(worst), None) => Err(worst),
            (None, None) => {
                Err(Unanswered::new(Failure::new(Code::DnsUnreachable, "no resolver is configured")))
            }
        }
    }

    /// What is left unanswered at the deadline.
    fn silence(&self) -> Unanswered {
        let silent = self.servers.iter().filter(|server| !self.settled.contains(server));
        let names: Vec<String> = silent.clone().map(ToString::to_string).collect();
        let failure = Failure::new(Code::DnsTimeout, format!("{} did not answer", names.join(" and ")));
        Unanswered { server: silent.copied().next(), ..Unanswered::new(failure) }
    }
}

#[cfg(test)]
#[path = "exchange_tests.rs"]
mod tests;
