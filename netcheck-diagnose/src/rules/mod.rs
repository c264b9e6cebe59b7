//! The rules, one file for each layer: from a failure and its experiments to a cause.

mod bogon;
pub(super) mod certificate;
pub(super) mod connection;
mod datagram;
pub mod ecn;
mod excluded;
pub(super) mod handshake;
mod hello_form;
mod hops;
pub mod intercepted;
pub(super) mod local;
pub(super) mod name;
pub(super) mod page;
pub(super) mod protocol;
pub(super) mod proxy;
mod refusal;
mod resolver;

use std::future::Future;
use std::pin::Pin;

use netcheck_record::failure::Failure;
use netcheck_record::target::Target;

use crate::experiment::Experiment as E;
use crate::{Diagnosis, Finding, Observed};

/// What a rule explains.
#[derive(Clone, Copy)]
pub(crate) struct Situation<'a> {
    pub target: &'a Target,
    pub observed: &'a Observed,
    pub failure: &'a Failure,
    pub net: &'a Diagnosis,
}

type Explanation<'a> = Pin<Box<dyn Future<Output = Option<Finding>> + Send + 'a>>;

/// The rule of some layers of failure codes.
#[derive(Debug)]
pub(crate) struct Rule {
    /// The layers, as failure codes name them.
    pub layers: &'static [&'static str],
    /// The experiments it asks for: what can be made ahead is begun while the stage is still silent.
    pub needs: &'static [E],
    /// From what was observed to a cause.
    pub explain: for<'a> fn(Situation<'a>) -> Explanation<'a>,
}

/// The rule that explains failures of a layer.
pub(crate) fn of_layer(layer: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.layers.contains(&layer))
}

const RULES: &[Rule] = &[
    Rule {
        layers: &["route"],
        needs: &[],
        explain: |s| Box::pin(async move { Some(connection::route(s.target, s.observed, s.failure, s.net)) }),
    },
    Rule {
        layers: &["dns"],
        needs: &[E::ResolverSanity, E::ResolverPath, E::HopBeyond, E::Interceptor],
        explain: |s| Box::pin(name::explain(s.target, s.observed, s.failure, s.net)),
    },
    Rule {
        layers: &["proxy"],
        needs: &[],
        explain: |s| Box::pin(async move { Some(proxy::explain(s.target, s.observed, s.failure)) }),
    },
    Rule {
        layers: &["tcp"],
        needs: &[E::Trail, E::Siblings, E::Boundary, E::Outside, E::Interceptor],
        explain: |s| Box::pin(connection::explain(s.target, s.observed, s.failure, s.net)),
    },
    Rule {
        layers: &["tls"],
        needs: &[
            E::SameHelloOtherName,
            E::HelloWalk,
            E::Interceptor,
            E::HelloForm,
            E::ResetDistance,
            E::OlderHello,
            E::Date,
        ],
        explain: |s| Box::pin(handshake::explain(s.target, s.observed, s.failure, s.net)),
    },
    Rule {
        layers: &["http"],
        needs: &[E::Interceptor, E::AcceptedShort],
        explain: |s| Box::pin(page::explain(s.target, s.observed, s.failure, s.net)),
    },
    Rule {
        layers: &["udp", "stun", "turn", "quic", "icmp"],
        needs: &[E::DatagramTrail, E::Siblings, E::Trail, E::Outside],
        explain: |s| Box::pin(datagram::explain(s.target, s.observed, s.failure, s.net)),
    },
    Rule {
        layers: &["rtmp", "ws"],
        needs: &[E::Interceptor],
        explain: |s| Box::pin(protocol::explain(s.target, s.observed, s.failure, s.net)),
    },
];
