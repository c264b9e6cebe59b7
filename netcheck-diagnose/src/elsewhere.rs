//! What answers for another address with packets that cannot get there: only a device nearer than both can.

use std::net::SocketAddr;

use crate::Diagnosis;
use crate::hello::CONTROL_NAME;
use crate::outside;
use crate::patience::Question;
use netcheck_net::clock;
use netcheck_net::http::{Answer, Request};
use netcheck_net::net::Net;
use netcheck_net::tls::{Chain, Hello, Trust};
use netcheck_record::target::Host;

/// Whether another address, asked so, is answered at all, and what it says.
#[derive(Clone, Debug)]
pub(super) enum Elsewhere<T> {
    /// The packets could have got there, or nothing shows that they could not: it was not asked.
    NotAsked,
    /// It was asked, and answered with nothing of the kind.
    Silent,
    /// Something nearer answered for it.
    Answered(T),
}

impl<T> Elsewhere<T> {
    /// Whether what answered there passes the test.
    pub(super) fn is(&self, test: impl FnOnce(&T) -> bool) -> bool {
        matches!(self, Elsewhere::Answered(said) if test(said))
    }

    /// Whether something else was said there, or nothing: then no device gives everyone the same.
    pub(super) fn differs(&self, test: impl FnOnce(&T) -> bool) -> bool {
        match self {
            Elsewhere::NotAsked => false,
            Elsewhere::Silent => true,
            Elsewhere::Answered(said) => !test(said),
        }
    }
}

/// The page that a request for a control name draws there. Under the target's own name a proxy that goes by names would
/// pass on the service's own answer.
pub(super) async fn page(net: &Diagnosis, to: SocketAddr) -> Elsewhere<Answer> {
    let Some((limited, elsewhere)) = reach(net, to).await else { return Elsewhere::NotAsked };
    let work = async {
        let stream = limited.connect(&[elsewhere.ip()], elsewhere.port()).await.ok()?;
        let request = Request::get(&control(), to.port(), false, "/");
        limited.request(stream, &request).await.ok()
    };
    told(clock::within(Question::Exchange.patience(net), work).await.flatten())
}

/// The chain that a handshake for a control name draws there, and whether it is genuine.
pub(super) async fn chain(net: &Diagnosis, to: SocketAddr) -> Elsewhere<(Chain, bool)> {
    let Some((limited, elsewhere)) = reach(net, to).await else { return Elsewhere::NotAsked };
    let work = async {
        let stream = limited.connect(&[elsewhere.ip()], elsewhere.port()).await.ok()?;
        let hello = Hello { opportunistic: true, ..Hello::to(&control()) };
        drop(limited.handshake(stream, &hello).await);
        let seen = limited.take_observations();
        Some((seen.chain?, seen.trust == Some(Trust::Public)))
    };
    told(clock::within(Question::Exchange.patience(net), work).await.flatten())
}

/// A way that ends where connections to `to` are accepted, and another address on the same port behind that place.
async fn reach(net: &Diagnosis, to: SocketAddr) -> Option<(Net, SocketAddr)> {
    let elsewhere = SocketAddr::new(outside::destinations(to.is_ipv6())[0], to.port());
    let ttl = net.short_of(to, elsewhere).await?;
    Some((net.limited(ttl), elsewhere))
}

fn control() -> Host {
    Host::Name(CONTROL_NAME.to_owned())
}

fn told<T>(said: Option<T>) -> Elsewhere<T> {
    said.map_or(Elsewhere::Silent, Elsewhere::Answered)
}
