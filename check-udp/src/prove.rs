//! `--prove filter`: what a filter matches that stops datagrams.

use std::net::SocketAddr;
use std::time::Duration;

use netcheck_common::clock::now;
use netcheck_common::code_kind::CodeKind;
use netcheck_common::diagnose::Diagnosis;
use netcheck_common::diagnose::filter::{self, Allowance, Filter, Outcome, Pair, names};
use netcheck_common::diagnose::hello::CONTROL_NAME;
use netcheck_common::scheme::HelloKind;
use netcheck_common::target::{Host, Target};
use netcheck_common::tls::Hello;
use netcheck_common::trace::Observed;

use crate::run::Run;
use crate::{large_hello, quic};

/// What is to be proven.
#[derive(Clone, Copy, Debug, clap::ValueEnum, PartialEq, Eq)]
pub enum Rule {
    /// What the filter matches that stopped the target: server name, QUIC version, size, port, address, UDP at all (at most 24 handshakes)
    Filter,
}

/// How much longer than an answered one a lost Initial is waited for; it is sent again after a second (RFC 9002).
const PATIENCE: u32 = 4;
const LEAST: Duration = Duration::from_millis(1500);

/// Finds out what the filter matches that stopped the target, as facts and as a sentence.
pub async fn filter(run: &Run, target: &Target, observed: &Observed, net: &Diagnosis) -> Option<String> {
    let failure = observed.failure.as_ref()?;
    let to = observed.path.peer.filter(|_| net.diagnoses())?;
    if failure.code.kind() != CodeKind::Timeout {
        return None;
    }
    let filter = match failure.code.layer() {
        "quic" => Box::pin(of_quic(run, target, to, observed, net)).await,
        "udp" => filter::of_datagrams(to, &observed.path.addresses, net).await,
        _ => return None,
    };
    Some(filter.note(net))
}

/// Begins handshakes with one address.
struct Prober<'a> {
    net: &'a Diagnosis,
    to: SocketAddr,
    hello: Hello,
    wait: Duration,
    allowance: &'a Allowance,
}

impl Prober<'_> {
    async fn repeat(&self, one: impl AsyncFn() -> bool) -> Outcome {
        self.allowance.repeat(async || Some(one().await)).await
    }

    async fn send(&self, hello: &Hello) -> Outcome {
        self.repeat(async || quic::answers(self.net, self.to, hello, self.wait).await).await
    }

    async fn named(&self, name: &str) -> Outcome {
        let renamed = Hello { name: Host::Name(name.to_owned()), ..self.hello.clone() };
        self.send(&renamed).await
    }

    /// Whether the own name is lost and a foreign one answered; the foreign one's time becomes the measure.
    async fn depends_on_the_name(&mut self, pairs: &mut Vec<Pair>) -> bool {
        let begun = now();
        let control = self.named(CONTROL_NAME).await;
        self.wait = (begun.elapsed() * PATIENCE).clamp(LEAST, self.net.timeout().max(LEAST));
        if self.send(&self.hello).await != Outcome::Lost {
            return false;
        }
        pairs.push(Pair::new(format!("a foreign name: {CONTROL_NAME}"), control));
        control == Outcome::Answered
    }
}

/// By the server name, by the version, by the size; or by what every datagram has.
async fn of_quic(run: &Run, target: &Target, to: SocketAddr, observed: &Observed, net: &Diagnosis) -> Filter {
    let (mut pairs, allowance) = (Vec::new(), Allowance::default());
    let sent = quic::hello(run, target, net);
    // The small one first: it is one Initial, so that only its content can matter.
    let hello = Hello { kind: HelloKind::Small, ..sent.clone() };
    let mut prober = Prober { net, to, hello, wait: net.timeout(), allowance: &allowance };
    if let Some(name) = target.host.name()
        && prober.depends_on_the_name(&mut pairs).await
    {
        return by_name(name, prober, pairs).await;
    }
    let negotiated = prober.repeat(async || quic::negotiates(net, to, prober.wait).await).await;
    if sent.kind == HelloKind::Browser && negotiated == Outcome::Answered {
        let small = prober.send(&prober.hello).await;
        if small == Outcome::Answered {
            pairs.push(Pair::new("a small ClientHello".to_owned(), small));
            return by_size(&sent, prober, pairs).await;
        }
    }
    pairs.push(Pair::new("a version of QUIC that no server speaks".to_owned(), negotiated));
    match negotiated {
        Outcome::Answered if prober.send(&prober.hello).await == Outcome::Lost => {
            let rule = format!(
                "It matches QUIC version 1: no Initial of it to UDP {} is answered, a packet of another version is.",
                to.port()
            );
            Filter::new("quic_version", Some("1".to_owned()), pairs, rule)
        }
        Outcome::Lost => {
            let found = filter::of_datagrams(to, &observed.path.addresses, net).await;
            Filter { pairs: [pairs, found.pairs].concat(), ..found }
        }
        Outcome::Answered | Outcome::Both => Filter::unknown(pairs),
    }
}

async fn by_name(name: &str, prober: Prober<'_>, mut pairs: Vec<Pair>) -> Filter {
    let seed = prober.net.flags().seed;
    let found = names::examine(name, seed, &mut pairs, async |name| prober.named(name).await).await;
    let Some(names) = found else { return Filter::unknown(pairs) };
    // Once more at the end: what changed meanwhile is no rule.
    if prober.send(&prober.hello).await != Outcome::Lost {
        return Filter::unknown(pairs);
    }
    let rule = format!("It drops QUIC Initials whose server name {}.", names.words());
    names.filter(names::Subject::ServerName, pairs, rule)
}

/// Only the browser's ClientHello is lost: a small one made as long tells size from content.
async fn by_size(sent: &Hello, prober: Prober<'_>, mut pairs: Vec<Pair>) -> Filter {
    let finishes = async |hello: &Hello| {
        prober.repeat(async || quic::finishes(prober.net, prober.to, hello, prober.wait).await).await
    };
    let long = finishes(&large_hello::padded(&prober.hello)).await;
    let browser = finishes(sent).await;
    pairs.push(Pair::new("the small ClientHello made as long by ALPN names".to_owned(), long));
    match (browser, long) {
        (Outcome::Lost, Outcome::Lost) => {
            let rule = "It matches ClientHellos that take more than one QUIC Initial.".to_owned();
            Filter::new("hello_segments", None, pairs, rule)
        }
        (Outcome::Lost, Outcome::Answered) => {
            let what = "what a browser's holds".to_owned();
            let rule = "It matches what a browser's ClientHello holds, not its size.".to_owned();
            Filter::new("hello_content", Some(what), pairs, rule)
        }
        (Outcome::Answered | Outcome::Both, _) | (_, Outcome::Both) => Filter::unknown(pairs),
    }
}
