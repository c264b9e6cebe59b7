//! A ClientHello that is cut: its name, its ALPN, its form, or TLS as such?

use std::time::Duration;

use super::names::{self, Subject};
use super::{Allowance, Filter, Outcome, Pair};
use crate::Diagnosis;
use crate::hello::CONTROL_NAME;
use crate::hello_form::{self, Difference};
use crate::hello_probe::{self, Destination, Reply, Segments};
use netcheck_net::clock;
use netcheck_net::tls::client_hello::extension;
use netcheck_net::tls::{self, ClientHello, Hello, SentHello};
use netcheck_record::cause::Confidence;
use netcheck_record::code_kind::CodeKind;
use netcheck_record::failure::Failure;
use netcheck_record::scheme::HelloKind;
use netcheck_record::target::Target;

/// How much longer than an answered one a lost ClientHello is waited for, and for how long at least.
const PATIENCE: u32 = 4;
const LEAST: Duration = Duration::from_millis(700);

/// Sends ClientHellos of one kind to one address.
struct Prober<'a> {
    net: &'a Diagnosis,
    to: Destination<'a>,
    hello: ClientHello,
    wait: Duration,
    allowance: &'a Allowance,
}

impl Prober<'_> {
    async fn send(&self, record: &[u8], segments: Segments) -> Outcome {
        let one = async || match hello_probe::send(self.net, self.to, record, segments, self.wait).await {
            Reply::Spoke => Some(true),
            Reply::Cut | Reply::Silent => Some(false),
            Reply::Unreached => None,
        };
        self.allowance.repeat(one).await
    }

    async fn named(&self, name: &str) -> Outcome {
        let length = self.hello.record_length();
        let renamed = self.hello.with_name(Some(name));
        let renamed = match self.hello.extension(extension::PADDING) {
            Some(_) => renamed.padded_to(length),
            None => renamed,
        };
        self.send(&renamed.record(), Segments::AsTheyFit).await
    }

    /// Whether the own name is lost and a foreign one answered; the foreign one's time becomes the measure.
    async fn depends_on_the_name(&mut self, pairs: &mut Vec<Pair>) -> bool {
        let begun = clock::now();
        let control = self.named(CONTROL_NAME).await;
        self.wait = (begun.elapsed() * PATIENCE).clamp(LEAST, self.net.timeout().max(LEAST));
        let own = self.send(&self.hello.record(), Segments::AsTheyFit).await;
        if own != Outcome::Lost {
            return false;
        }
        pairs.push(Pair::new(format!("a foreign name: {CONTROL_NAME}"), control));
        control == Outcome::Answered
    }

    /// Whether the name is seen only where it stands in the first TCP segment.
    async fn first_segment_only(&self, name: &str, pairs: &mut Vec<Pair>) -> Option<bool> {
        // A proxy sends on in segments of its own.
        let Destination::Direct(_) = self.to else { return None };
        let record = self.hello.record();
        let at = record.windows(name.len()).position(|window| window == name.as_bytes())?;
        let outcome = self.send(&record, Segments::At(at)).await;
        pairs.push(Pair::new("the name in the second TCP segment".to_owned(), outcome));
        match outcome {
            Outcome::Answered => Some(true),
            Outcome::Lost => Some(false),
            Outcome::Both => None,
        }
    }
}

/// What a filter of ClientHellos matches: the name, ALPN, the size, a version.
pub(super) async fn identify(
    target: &Target,
    to: Destination<'_>,
    sent: &SentHello,
    failure: &Failure,
    net: &Diagnosis,
) -> Filter {
    let (mut pairs, allowance) = (Vec::new(), Allowance::default());
    if let Some(name) = target.host.name() {
        // The small one first: it is one segment, so that only its content can matter.
        let small = Hello { kind: HelloKind::Small, ..sent.hello.clone() };
        let own = ClientHello::parse_record(&sent.bytes());
        for hello in [tls::client_hello(&small), own].into_iter().flatten() {
            let wait = net.timeout();
            let mut prober = Prober { net, to, hello, wait, allowance: &allowance };
            if prober.depends_on_the_name(&mut pairs).await {
                return by_name(name, failure, prober, pairs).await;
            }
        }
    }
    otherwise(to, sent, net, pairs, &allowance).await
}

async fn by_name(name: &str, failure: &Failure, prober: Prober<'_>, mut pairs: Vec<Pair>) -> Filter {
    let seed = prober.net.flags().seed;
    let found = names::examine(name, seed, &mut pairs, async |name| prober.named(name).await).await;
    let Some(names) = found else { return Filter::unknown(pairs) };
    let first_segment_only = prober.first_segment_only(name, &mut pairs).await;
    // Once more at the end: what changed meanwhile is no rule.
    let again = prober.send(&prober.hello.record(), Segments::AsTheyFit).await;
    let control = prober.named(CONTROL_NAME).await;
    if again != Outcome::Lost || control == Outcome::Lost {
        return Filter::unknown(pairs);
    }
    let does = match failure.code.kind() == CodeKind::Timeout {
        true => "drops",
        false => "ends connections with",
    };
    let rule = format!(
        "It {does} TLS ClientHellos whose server name {}{}.",
        names.words(),
        if first_segment_only == Some(true) { ", where the name is in the first TCP segment" } else { "" }
    );
    Filter { first_segment_only, ..names.filter(Subject::ServerName, pairs, rule) }
}

/// Every name is lost: by ALPN, by the form of the ClientHello, or whatever is TLS.
async fn otherwise(
    destination: Destination<'_>,
    sent: &SentHello,
    net: &Diagnosis,
    mut pairs: Vec<Pair>,
    allowance: &Allowance,
) -> Filter {
    let pair = |change: String| Pair::new(change, Outcome::Answered);
    if allowance.take(hello_form::PAIR)
        && let Some(form) = hello_form::alpn_matters(net, destination, sent).await
    {
        pairs.extend(form.evidence.into_iter().map(pair));
        let names = matched_protocols(destination, sent, net, &mut pairs, allowance).await;
        let value = names.join(", ");
        let rule =
            format!("It matches ALPN: ClientHellos that offer {value} are lost, those without ALPN are not.");
        return Filter { confidence: Confidence::High, ..Filter::new("alpn", Some(value), pairs, rule) };
    }
    let form = match destination {
        Destination::Direct(to) => net.hello_form(to, sent).await,
        Destination::Proxied(_) => hello_form::examine(net, destination, sent).await,
    };
    if let Some(form) = form {
        pairs.extend(form.evidence.iter().cloned().map(pair));
        return by_form(form.difference, pairs);
    }
    by_tls(destination, sent, net, pairs, allowance).await
}

/// Which of the offered protocols is matched: each is offered alone.
async fn matched_protocols(
    to: Destination<'_>,
    sent: &SentHello,
    net: &Diagnosis,
    pairs: &mut Vec<Pair>,
    allowance: &Allowance,
) -> Vec<String> {
    let shown = |name: &[u8]| netcheck_record::escape::bytes(name, 40);
    let all = || sent.hello.alpn.iter().map(|name| shown(name)).collect();
    let Some(hello) = ClientHello::parse_record(&sent.bytes()) else { return all() };
    let prober = Prober { net, to, hello, wait: net.timeout(), allowance };
    let mut matched = Vec::new();
    for name in &sent.hello.alpn {
        let alone = prober.hello.with_alpn(&[name]).record();
        let outcome = prober.send(&alone, Segments::AsTheyFit).await;
        pairs.push(Pair::new(format!("ALPN {} alone", shown(name)), outcome));
        if outcome == Outcome::Lost {
            matched.push(shown(name));
        }
    }
    if matched.is_empty() { all() } else { matched }
}

fn by_form(difference: Difference, pairs: Vec<Pair>) -> Filter {
    match difference {
        Difference::Segments => Filter::new(
            "hello_segments",
            None,
            pairs,
            "It matches ClientHellos that take more than one TCP segment.".to_owned(),
        ),
        Difference::Length(length) => Filter::new(
            "hello_length",
            Some(length.to_string()),
            pairs,
            format!("It matches ClientHellos of {length} bytes and more, or of somewhat fewer."),
        ),
        Difference::Packet(length) => Filter::new(
            "packet_length",
            Some(length.to_string()),
            pairs,
            format!("It matches TCP segments of {length} bytes, whatever they hold."),
        ),
        Difference::Content(what) => {
            let rule = format!("It matches {what} in the ClientHello.");
            Filter::new("hello_content", Some(what), pairs, rule)
        }
        Difference::Unclear => Filter::unknown(pairs),
    }
}

/// Bytes that are no TLS, to the same port: a TLS server answers them with an alert or an error.
async fn by_tls(
    destination: Destination<'_>,
    sent: &SentHello,
    net: &Diagnosis,
    mut pairs: Vec<Pair>,
    allowance: &Allowance,
) -> Filter {
    let Some(hello) = ClientHello::parse_record(&sent.bytes()) else { return Filter::unknown(pairs) };
    let prober = Prober { net, to: destination, hello, wait: net.timeout(), allowance };
    let bare = prober.hello.without(extension::SERVER_NAME).without(extension::ALPN).record();
    let bare = prober.send(&bare, Segments::AsTheyFit).await;
    pairs.push(Pair::new("without server name and ALPN".to_owned(), bare));
    if bare == Outcome::Answered && pairs.iter().any(|pair| pair.change.contains(CONTROL_NAME)) {
        let rule = "It matches the server name, and a foreign one is lost as well: it may pass only names that have this \
                    address, so which names it matches is not shown.";
        return Filter { rule: rule.to_owned(), ..Filter::unknown(pairs) };
    }
    let Destination::Direct(to) = destination else { return Filter::unknown(pairs) };
    let request = b"GET / HTTP/1.0\r\n\r\n";
    let plain = async || Some(hello_probe::answers(net, to, request, net.timeout()).await);
    let plain = allowance.repeat(plain).await;
    pairs.push(Pair::new("an HTTP request in the clear".to_owned(), plain));
    if bare != Outcome::Lost || plain != Outcome::Answered {
        return Filter::unknown(pairs);
    }
    let rule = format!("It matches TLS: no ClientHello to TCP {} is answered, other bytes are.", to.port());
    Filter::new("tls", None, pairs, rule)
}
