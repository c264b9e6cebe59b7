//! The diagnosis of one target: its way to the network, and the experiments of the whole run.

use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::Arc;

use netcheck_net::net::Net;
use netcheck_net::tls::{Chain, SentHello};
use netcheck_net::watch::Watch;
use netcheck_os::Sense;
use netcheck_os::sense::{Asked, Senses};
use netcheck_record::cause::{Cause, Confidence};

use crate::experiment::Experiment;
use crate::experiments::Experiments;
use crate::prefetch::{Silence, prefetch};
use crate::rules::Rule;

/// The diagnosis of one target. It reaches the network as the target does: see [`Net`].
#[derive(Clone, Debug)]
pub struct Diagnosis {
    net: Net,
    pub(crate) experiments: Arc<Experiments>,
    /// The rule that asks, where one does.
    rule: Option<&'static Rule>,
    /// The senses that what was asked for this target rests on.
    asked: Arc<Asked>,
}

impl Deref for Diagnosis {
    type Target = Net;

    fn deref(&self) -> &Net {
        &self.net
    }
}

impl Diagnosis {
    /// The diagnosis of the target that `net` reaches, with the experiments of its run.
    #[must_use]
    pub fn new(net: Net, experiments: &Arc<Experiments>) -> Self {
        Diagnosis { net, experiments: Arc::clone(experiments), rule: None, asked: Arc::default() }
    }

    /// The same run's experiments over another way to the network.
    #[must_use]
    pub fn with_net(&self, net: Net) -> Self {
        Diagnosis { net, ..self.clone() }
    }

    /// The same, asked by a rule.
    pub(crate) fn with_rule(&self, rule: &'static Rule) -> Self {
        Diagnosis { rule: Some(rule), ..self.clone() }
    }

    /// Notes that an experiment is asked for: a rule declares what it asks for, or it would not be begun in time.
    pub(crate) fn note_asked(&self, experiment: Experiment) {
        debug_assert!(
            self.rule.is_none_or(|rule| experiment.is_covered(rule.needs)),
            "a rule of {:?} asks for {experiment:?}, which it does not declare",
            self.rule.map(|rule| rule.layers)
        );
        self.asked.note(experiment.senses());
    }

    /// Notes that what follows rests on this sense.
    pub fn note_sense(&self, sense: Sense) {
        self.asked.note(Senses::of(&[sense]));
    }

    /// Whether what follows cannot be told from this system, because one of these senses is blind. The cause says which.
    pub(crate) fn is_blind(&self, senses: &[Sense]) -> bool {
        self.asked.note(Senses::of(senses));
        senses.iter().any(|sense| sense.is_blind())
    }

    /// A cause, no surer than this system permits: every cause of a target comes through here. Where something was asked
    /// that the system does not tell, its absence proves nothing, and the evidence says so.
    #[must_use]
    pub fn limit_confidence(&self, mut cause: Cause) -> Cause {
        for sense in self.asked.senses().blind() {
            cause.confidence = Confidence::Low;
            if !cause.evidence.iter().any(|line| line == sense.words()) {
                cause = cause.with_evidence(sense.words());
            }
        }
        cause
    }

    /// The same, whose observations do not reach the target's record.
    #[must_use]
    pub fn detached(&self) -> Self {
        self.with_net(self.net.for_control())
    }

    /// The same as [`Diagnosis::detached`], with small TCP segments both ways.
    #[must_use]
    pub fn with_small_mss(&self) -> Self {
        self.with_net(self.net.with_small_mss())
    }
}

impl Watch for Experiments {
    fn connected(&self, to: SocketAddr) {
        self.note_connected(to);
    }

    fn datagram_answered(&self) {
        self.note_datagram_answered();
    }

    fn chain_valid(&self, chain: &Chain) {
        self.times.valid(chain);
    }

    fn connect_silent(self: Arc<Self>, net: Net, to: SocketAddr) {
        prefetch(Diagnosis::new(net, &self), Silence::Connection(to));
    }

    fn hello_silent(self: Arc<Self>, net: Net, to: SocketAddr, sent: Arc<SentHello>) {
        prefetch(Diagnosis::new(net, &self), Silence::Hello(to, sent));
    }

    fn resolver_silent(self: Arc<Self>, net: Net) {
        prefetch(Diagnosis::new(net, &self), Silence::Resolver);
    }

    fn datagram_silent(self: Arc<Self>, net: Net, to: SocketAddr) {
        prefetch(Diagnosis::new(net, &self), Silence::Datagram(to));
    }
}
