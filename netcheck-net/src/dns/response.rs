//! What becomes of one question: a reply, who gave it and how it was obtained, or why there is none.

use std::net::SocketAddr;

use netcheck_record::failure::{Code, Failure};

use super::message::Reply;

/// Whether a reply came to a question with EDNS (RFC 6891).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EdnsUse {
    /// It did.
    #[default]
    Accepted,
    /// The resolver rejected EDNS (FORMERR, NOTIMP, BADVERS) and answered without it.
    Rejected,
    /// The question with EDNS stayed unanswered; the same question without it was answered.
    Unanswered,
    /// Earlier questions with EDNS stayed unanswered, so this one had none.
    Omitted,
    /// The resolver answers questions with EDNS; this one was lost, and asked again without.
    Repeated,
}

/// Why a reply was fetched over TCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TcpReason {
    /// The reply over UDP was marked as truncated (TC).
    Truncated,
    /// The reply over UDP was cut or damaged, and not marked.
    Damaged,
}

/// A reply, who gave it, and how it was obtained.
#[derive(Clone, Debug)]
pub struct Response {
    /// The reply.
    pub reply: Reply,
    /// The resolver that gave it.
    pub server: SocketAddr,
    /// Whether the question had EDNS.
    pub edns: EdnsUse,
    /// Set where the reply came over TCP.
    pub tcp: Option<TcpReason>,
    /// The resolvers that were asked before and gave no reply.
    pub silent: Vec<SocketAddr>,
}

/// Why a question has no reply.
#[derive(Clone, Debug)]
pub struct Unanswered {
    /// What was observed.
    pub failure: Failure,
    /// The resolver it was observed at.
    pub server: Option<SocketAddr>,
    /// The reply over UDP was truncated, and TCP to the same resolver failed this way.
    pub tcp: Option<Code>,
}

/// What became of a question.
pub type Outcome = Result<Response, Unanswered>;

impl Unanswered {
    /// A failure without a resolver to name.
    #[must_use]
    pub fn new(failure: Failure) -> Self {
        Unanswered { failure, server: None, tcp: None }
    }

    /// A question to this server that ended with a failure.
    pub(super) fn at(server: SocketAddr, failure: Failure) -> Self {
        Unanswered { failure, server: Some(server), tcp: None }
    }

    /// How much it says: of several, the one with the highest is reported.
    pub(super) fn weight(&self) -> u8 {
        let known = [(Code::DnsMalformed, 2), (Code::DnsTimeout, 1)];
        let weight =
            known.iter().find(|(code, _)| *code == self.failure.code).map_or(0, |(_, weight)| *weight);
        if self.tcp.is_some() { 3 } else { weight }
    }
}
