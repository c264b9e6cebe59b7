//! ClientHellos as control experiments: the same address with another name, and what came back.

use std::net::SocketAddr;

use crate::Diagnosis;
use crate::patience::Question;
use netcheck_net::clock;
use netcheck_net::tls::{Chain, Hello};
use netcheck_record::failure::Failure;
use netcheck_record::target::Host;

/// A name no filter has a reason to know; RFC 2606 keeps it for examples.
pub const CONTROL_NAME: &str = "example.com";

/// What came of a control handshake.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// A certificate was presented, or an alert sent: TLS was spoken.
    Spoke(Option<Chain>),
    /// It failed before any TLS came back.
    Failed(Failure),
    /// The connection could not be made.
    Unreached,
}

/// Shakes hands with `to` under another name, with a small ClientHello.
pub async fn with_name(net: &Diagnosis, to: SocketAddr, name: &str) -> Outcome {
    let detached = net.detached();
    let bound = Question::Exchange.patience(net);
    let work = async {
        let Ok(stream) = detached.connect(&[to.ip()], to.port()).await else { return Outcome::Unreached };
        let hello = Hello { opportunistic: true, ..Hello::to(&Host::Name(name.to_owned())) };
        let outcome = detached.handshake(stream, &hello).await;
        let seen = detached.take_observations();
        match outcome {
            Ok(_) => Outcome::Spoke(seen.chain),
            Err(_) if seen.chain.is_some() || seen.tls_alert.is_some() => Outcome::Spoke(seen.chain),
            Err(failure) => Outcome::Failed(failure),
        }
    };
    match clock::within(bound, work).await {
        Some(outcome) => outcome,
        None => Outcome::Failed(Failure::new(netcheck_record::failure::Code::TlsTimeout, "no answer")),
    }
}

/// What two ClientHellos have in common that differ in their random bytes alone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct HelloForm(String);

impl HelloForm {
    /// The form of this ClientHello.
    pub(super) fn of(hello: &Hello) -> Self {
        HelloForm(format!("{} {:?} {}", hello.kind.as_str(), hello.alpn, hello.name))
    }
}
