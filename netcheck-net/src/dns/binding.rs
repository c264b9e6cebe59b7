//! Service bindings (RFC 9460): the HTTPS record that browsers ask for beside a name's addresses, and the encrypted resolver
//! that a resolver designates (RFC 9462). Each is asked for once a run, and once more only where nothing comes back.

use std::net::SocketAddr;
use std::time::Duration;

use hickory_proto::rr::RecordType;

use super::message::{Binding, Reply};
use super::servers::Servers;
use super::transport::{self, Question};
use super::{Outcome, Unanswered};
use crate::clock;
use netcheck_record::failure::{Code, Failure};

/// The name under which a resolver designates its encrypted self.
pub(super) const DESIGNATION: &str = "_dns.resolver.arpa";

/// What came of one question for service bindings.
#[derive(Clone, Debug)]
pub struct Bindings {
    /// Who was asked.
    pub server: SocketAddr,
    /// The bindings, none of which may be there.
    pub found: Vec<Binding>,
    /// Why there is no answer.
    pub failure: Option<Failure>,
    /// How long it took.
    pub took: Duration,
}

impl Bindings {
    /// The ALPN protocols that any of them names, in order.
    #[must_use]
    pub fn protocols(&self) -> Vec<&str> {
        let mut all: Vec<&str> = Vec::new();
        for protocol in self.found.iter().flat_map(|binding| &binding.alpn) {
            if !all.contains(&protocol.as_str()) {
                all.push(protocol);
            }
        }
        all
    }
}

/// Asks the first resolver; `wait` is how long the question, and its repetition, may each stay unanswered.
pub(super) async fn ask(servers: &Servers, name: &str, kind: RecordType, wait: Duration) -> Option<Bindings> {
    let server = *servers.first()?;
    let (begun, egress) = (clock::now(), servers.egress(server));
    let edns = !servers.omits_edns(server);
    let one = |edns| {
        let question = Question { name, kind };
        transport::exchange(&egress, server, question, edns, begun + wait * 2)
    };
    let first = std::pin::pin!(one(edns));
    let outcome = ask_twice(first, || one(false), wait).await;
    let silence = || Unanswered::new(Failure::new(Code::DnsTimeout, "no answer, asked twice"));
    let (found, failure) = match outcome.unwrap_or_else(|| Err(silence())) {
        Ok(response) => (response.reply.bindings.clone(), failed(&response.reply)),
        Err(unanswered) => (Vec::new(), Some(unanswered.failure)),
    };
    Some(Bindings { server, found, failure, took: begun.elapsed() })
}

/// The first question goes on being waited for after the second was sent.
async fn ask_twice<S>(
    mut first: impl Future<Output = Outcome> + Unpin,
    second: impl FnOnce() -> S,
    wait: Duration,
) -> Option<Outcome>
where
    S: Future<Output = Outcome>,
{
    if let Some(outcome) = clock::within(wait, &mut first).await {
        return Some(outcome);
    }
    let either = async {
        tokio::select! {
            outcome = first => outcome,
            outcome = second() => outcome,
        }
    };
    clock::within(wait, either).await
}

/// Why a reply is no answer; that there is no such record is one.
fn failed(reply: &Reply) -> Option<Failure> {
    let code = match reply.code() {
        None | Some(Code::DnsNoAddress) => return None,
        Some(code) => code,
    };
    Some(Failure::new(code, format!("RCODE {}", reply.rcode)))
}
