//! What is begun while a stage is still silent: the experiments that the stage's rule declares.

use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use netcheck_net::tls::SentHello;

use crate::Diagnosis;
use crate::experiment::Experiment;
use crate::hello::CONTROL_NAME;
use crate::rules::of_layer;
use crate::trail::CONTROL_PORT;

/// A stage that has been silent for a while.
#[derive(Debug)]
pub(crate) enum Silence {
    /// A SYN is unanswered.
    Connection(SocketAddr),
    /// A ClientHello is unanswered.
    Hello(SocketAddr, Arc<SentHello>),
    /// A resolver is silent.
    Resolver,
    /// A datagram is unanswered.
    Datagram(SocketAddr),
}

impl Silence {
    /// The layer whose rule will explain it.
    pub(crate) const fn layer(&self) -> &'static str {
        match self {
            Silence::Connection(_) => "tcp",
            Silence::Hello(..) => "tls",
            Silence::Resolver => "dns",
            Silence::Datagram(_) => "udp",
        }
    }

    /// The address that does not answer a SYN or a datagram.
    const fn any(&self) -> Option<SocketAddr> {
        match self {
            Silence::Connection(to) | Silence::Datagram(to) => Some(*to),
            Silence::Hello(..) | Silence::Resolver => None,
        }
    }
}

/// The silent port's trail, and that of a port of the same address that answers.
async fn begin_trail(net: &Diagnosis, silence: &Silence) {
    let Some(to) = silence.any() else { return };
    let own = async {
        if let Silence::Connection(to) = silence {
            net.trail(*to).await;
        }
    };
    let sibling = async {
        if let Some((port, _)) = net.answering_sibling(to).await {
            net.trail(SocketAddr::new(to.ip(), port)).await;
        }
    };
    tokio::join!(own, sibling);
}

/// Only where the silent port's own trail is short does the question arise.
async fn begin_outside(net: &Diagnosis, silence: &Silence) {
    let (to, trail) = match silence {
        Silence::Connection(to) => (*to, net.trail(*to).await),
        Silence::Datagram(to) => (*to, net.datagram_trail(*to).await),
        Silence::Hello(..) | Silence::Resolver => return,
    };
    if trail.hops.len() < 2 && trail.answered.is_none() {
        net.outside(to.is_ipv6()).await;
    }
}

/// The silent port's trail, that of a port where nothing listens, and the resolver's.
async fn begin_datagram_trail(net: &Diagnosis, silence: &Silence) {
    let Silence::Datagram(to) = silence else { return };
    let resolver = async {
        let servers = net.resolver().servers();
        if let Some(server) = servers.first().filter(|server| !server.ip().is_loopback()) {
            net.datagram_trail(*server).await;
        }
    };
    tokio::join!(
        net.datagram_trail(*to),
        net.datagram_trail(SocketAddr::new(to.ip(), CONTROL_PORT)),
        resolver
    );
}

async fn begin_resolver_path(net: &Diagnosis, silence: &Silence) {
    let Silence::Resolver = silence else { return };
    let Some(server) = net.resolver().servers().into_iter().next() else { return };
    let path = net.resolver_path(server).await;
    if !path.on_link && path.reached(server).is_none() {
        net.hop_beyond(path.last().map_or(0, |(hop, _)| hop)).await;
    }
}

/// Begins, beside a silent stage, what its rule will ask for.
pub(crate) fn prefetch(net: Diagnosis, silence: Silence) {
    let Some(rule) = of_layer(silence.layer()) else { return };
    drop(tokio::spawn(async move {
        // Without room it is asked for when its turn comes.
        let Ok(_place) = net.experiments.room.ahead.try_acquire() else { return };
        let net = net.with_rule(rule);
        let begun = rule.needs.iter().map(|need| need.begin(&net, &silence));
        futures_util::future::join_all(begun).await;
    }));
}

impl Experiment {
    /// Makes the experiment, as far as it can be made before the stage has ended. Each is on the heap by itself: they differ
    /// widely in size, and most of them wait for one another.
    fn begin<'a>(self, net: &'a Diagnosis, silence: &'a Silence) -> BoxFuture<'a, ()> {
        match self {
            Experiment::Trail => Box::pin(begin_trail(net, silence)),
            Experiment::Siblings => Box::pin(async move {
                if let Some(to) = silence.any() {
                    net.answering_sibling(to).await;
                }
            }),
            Experiment::Boundary => Box::pin(async move {
                if let Silence::Connection(to) = silence {
                    net.boundary(*to).await;
                }
            }),
            Experiment::Outside => Box::pin(begin_outside(net, silence)),
            Experiment::DatagramTrail => Box::pin(begin_datagram_trail(net, silence)),
            Experiment::SameHelloOtherName => Box::pin(async move {
                if let Silence::Hello(to, sent) = silence {
                    net.name_decides(*to, sent, CONTROL_NAME).await;
                }
            }),
            // A server, or a device before it, may serve one connection at a time: one after the other.
            Experiment::HelloWalk => Box::pin(async move {
                if let Silence::Hello(to, sent) = silence {
                    net.name_decides(*to, sent, CONTROL_NAME).await;
                    net.hello_walk(*to, sent).await;
                }
            }),
            Experiment::Interceptor => Box::pin(async move {
                if let Silence::Hello(to, sent) = silence {
                    net.name_decides(*to, sent, CONTROL_NAME).await;
                    net.interceptor(*to).await;
                }
            }),
            Experiment::HelloForm => Box::pin(async move {
                if let Silence::Hello(to, sent) = silence {
                    net.name_decides(*to, sent, CONTROL_NAME).await;
                    tokio::join!(net.hello_walk(*to, sent), net.interceptor(*to));
                    net.hello_form(*to, sent).await;
                }
            }),
            Experiment::ResolverSanity => Box::pin(async move {
                if matches!(silence, Silence::Resolver) {
                    net.resolver_sanity().await;
                }
            }),
            Experiment::ResolverPath | Experiment::HopBeyond => Box::pin(begin_resolver_path(net, silence)),
            // What these ask depends on how the stage ends.
            Experiment::Router
            | Experiment::Distance
            | Experiment::AcceptedShort
            | Experiment::OtherName
            | Experiment::HelloPlace
            | Experiment::OlderHello
            | Experiment::ResetDistance
            | Experiment::Date => Box::pin(std::future::ready(())),
        }
    }
}
