//! The second opinion on a name, asked only of whom the user named: after a failure, and where HTTPS records are missing.

use std::net::IpAddr;

use hickory_proto::rr::RecordType;

use super::message::{self, Binding, Reply};
use super::{Families, Servers};
use crate::http::Request;
use crate::net::Net;
use crate::tls::Hello;
use netcheck_record::flags::Reference;
use netcheck_record::spec::{Line, Spec};

/// The addresses the reference resolver gives; `None` when it could not be asked.
pub async fn lookup(net: &Net, reference: &Reference, name: &str) -> Option<Vec<IpAddr>> {
    match reference {
        Reference::Server(server) => {
            let servers = Servers::new(vec![*server], net.egress());
            let lookup = super::both(&servers, name, Families::Both, net.timeout()).await;
            (lookup.failure.is_none() || lookup.server.is_some()).then_some(lookup.addresses)
        }
        Reference::Https(url) => {
            let mut addresses = over_https(net, url, name, RecordType::A).await?.addresses;
            let more = over_https(net, url, name, RecordType::AAAA).await;
            addresses.extend(more.map(|reply| reply.addresses).unwrap_or_default());
            Some(addresses)
        }
    }
}

/// The HTTPS records the reference resolver gives, none of which may be there; `None` when it gave no answer.
pub async fn https(net: &Net, reference: &Reference, name: &str) -> Option<Vec<Binding>> {
    match reference {
        Reference::Server(server) => {
            let servers = Servers::new(vec![*server], net.egress());
            let response = super::ask(&servers, name, RecordType::HTTPS, net.timeout()).await.ok()?;
            Some(response.reply.bindings)
        }
        Reference::Https(url) => Some(over_https(net, url, name, RecordType::HTTPS).await?.bindings),
    }
}

/// DNS over HTTPS (RFC 8484), over our own stream.
async fn over_https(net: &Net, url: &str, name: &str, kind: RecordType) -> Option<Reply> {
    let Ok(Line::Spec(spec)) = Spec::line(url, "tcp", netcheck_record::spec::Sampling::default()) else {
        return None;
    };
    let target = spec.expand(netcheck_record::spec::Sampling::default()).next()?;
    let net = net.detached();
    let addresses = match net.known(&target.host) {
        Some(addresses) => addresses,
        None => net.resolve(&target.host).await.ok()?,
    };
    let stream = net.connect(&addresses, target.port()).await.ok()?;
    let mut hello = Hello::to(&target.host);
    hello.alpn = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let secure = net.handshake(stream, &hello).await.ok()?;
    let mut request = Request::new("POST", &target.host, target.port(), true, &target.request_path());
    request.headers.push(("content-type".into(), "application/dns-message".into()));
    request.headers.push(("accept".into(), "application/dns-message".into()));
    // RFC 8484 section 4.1: id 0, so that caches can help.
    request.body = message::question(name, kind, 0, false)?;
    let answer = net.request(secure.stream, &request).await.ok()?;
    (answer.status == 200).then_some(())?;
    message::answer(&answer.body, name, kind, 0).ok()
}
