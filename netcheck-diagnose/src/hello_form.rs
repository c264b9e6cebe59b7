//! What about a ClientHello makes the difference: minimal pairs, each side sent several times.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;

use super::hello_probe::{self, Destination, Reply, Segments};
use crate::Diagnosis;
use netcheck_net::clock;
use netcheck_net::tls::client_hello::{HYBRID, extension};
use netcheck_net::tls::{self, ClientHello, Hello, SentHello};
use netcheck_record::scheme::HelloKind;

/// How often each side of the first pair is sent, and each later one.
const ROUNDS: usize = 3;
const LATER: usize = 2;
/// How many ClientHellos one pair takes: the measure, and each side.
pub(super) const PAIR: usize = 1 + 2 * ROUNDS;
/// How much longer than an answered one a silent ClientHello is waited for, and for how long at least.
const PATIENCE: u32 = 4;
const LEAST: Duration = Duration::from_millis(700);
/// Beyond this patience series are sent side by side. Below it a server may take one connection at a time.
const LONG: Duration = Duration::from_millis(1000);

/// What makes the difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Difference {
    /// A ClientHello that takes two TCP segments is lost, however long it is.
    Segments,
    /// A ClientHello of this many bytes is lost and a shorter one is not, whatever the segments.
    Length(usize),
    /// A full-sized packet is lost, whatever the ClientHello.
    Packet(usize),
    /// One thing it holds.
    Content(String),
    /// Only the other kind is answered; the pairs do not show why.
    Unclear,
}

/// What the pairs show, and the pairs in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Form {
    /// What makes the difference.
    pub(super) difference: Difference,
    /// One line for each pair.
    pub(super) evidence: Vec<String>,
}

/// What several equal ClientHellos came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Series {
    Answered,
    Lost,
    Mixed,
}

impl Series {
    fn new(replies: &[Reply]) -> Series {
        let all = |wanted: fn(&Reply) -> bool| !replies.is_empty() && replies.iter().all(wanted);
        if all(|reply| *reply == Reply::Spoke) {
            Series::Answered
        } else if all(|reply| matches!(reply, Reply::Cut | Reply::Silent)) {
            Series::Lost
        } else {
            Series::Mixed
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Series::Answered => "answered each time",
            Series::Lost => "lost each time",
            Series::Mixed => "answered at times",
        }
    }
}

/// One examination: where to, and how long an answer is waited for.
struct Bench<'a> {
    net: &'a Diagnosis,
    to: Destination<'a>,
    wait: Duration,
}

impl<'a> Bench<'a> {
    /// Sends a ClientHello that is expected to be answered, and takes its time as the measure; none where it is not.
    async fn new(net: &'a Diagnosis, to: Destination<'a>, answered: &ClientHello) -> Option<Bench<'a>> {
        let begun = clock::now();
        let record = answered.record();
        let reply = hello_probe::send(net, to, &record, Segments::AsTheyFit, net.timeout()).await;
        let wait = (begun.elapsed() * PATIENCE).clamp(LEAST, net.timeout().max(LEAST));
        (reply == Reply::Spoke).then_some(Bench { net, to, wait })
    }

    /// Whether the first is lost and the second answered each time; the first is sent again after the second.
    async fn are_opposite(&self, lost: &ClientHello, answered: &ClientHello) -> bool {
        let send = |hello, times| self.series(hello, Segments::AsTheyFit, times);
        send(lost, ROUNDS - 1).await == Series::Lost
            && send(answered, ROUNDS).await == Series::Answered
            && send(lost, 1).await == Series::Lost
    }

    /// Several series: one after the other, or at once where an answer takes long.
    async fn all<const N: usize>(&self, series: [(&ClientHello, Segments); N]) -> [Series; N] {
        let mut found = [Series::Mixed; N];
        if self.wait > LONG {
            let all = join_all(series.map(|(hello, segments)| self.series(hello, segments, LATER))).await;
            found.copy_from_slice(&all);
            return found;
        }
        for (found, (hello, segments)) in found.iter_mut().zip(series) {
            *found = self.series(hello, segments, LATER).await;
        }
        found
    }

    async fn series(&self, hello: &ClientHello, segments: Segments, times: usize) -> Series {
        let record = hello.record();
        let one = || hello_probe::send(self.net, self.to, &record, segments, self.wait);
        Series::new(&join_all((0..times).map(|_| one())).await)
    }
}

/// Compares the ClientHello that was lost with the other kind of the same name and ALPN; none where that one is not
/// answered each time, or the first one is not lost each time.
pub(super) async fn examine(net: &Diagnosis, to: Destination<'_>, sent: &SentHello) -> Option<Form> {
    let lost = ClientHello::parse_record(&sent.bytes())?;
    let other = tls::client_hello(&Hello { kind: sent.hello.kind.other(), ..sent.hello.clone() })?;
    let bench = Bench::new(net, to, &other).await?;
    if !bench.are_opposite(&lost, &other).await {
        return None;
    }
    let names = (sent.hello.kind.as_str(), sent.hello.kind.other().as_str());
    let mut evidence = vec![format!(
        "same name and ALPN, {ROUNDS} times each: the {} ClientHello ({} bytes) was lost, the {} one ({} bytes) was answered",
        names.0,
        lost.record_length(),
        names.1,
        other.record_length()
    )];
    let difference = if lost.record_length() > other.record_length() {
        larger(&bench, &lost, &other, &mut evidence).await
    } else {
        Difference::Unclear
    };
    Some(Form { difference, evidence })
}

/// The larger one is lost: by its segments, its length, its packets, or what it holds?
async fn larger(
    bench: &Bench<'_>,
    lost: &ClientHello,
    small: &ClientHello,
    evidence: &mut Vec<String>,
) -> Difference {
    let length = lost.record_length();
    let full = match bench.to {
        Destination::Direct(to) => hello_probe::segment_size(bench.net, to).await,
        Destination::Proxied(_) => None,
    };
    let one_segment = full.map_or(length, |full| full.min(length));
    let padded_one = small.padded_to(one_segment);
    let padded_two = small.padded_to(length);
    let pairs = [
        (small, Segments::Two),
        (lost, Segments::Short),
        (&padded_one, Segments::AsTheyFit),
        (&padded_two, Segments::AsTheyFit),
    ];
    let [two, short, one, padded] = bench.all(pairs).await;
    evidence.push(format!("the small one in two TCP segments: {}", two.words()));
    if full.is_some() {
        evidence.push(format!("the small one padded to one segment of {one_segment} bytes: {}", one.words()));
        evidence.push(format!("the lost one in segments of at most 500 bytes: {}", short.words()));
    }
    evidence.push(format!("the small one padded to {length} bytes: {}", padded.words()));
    use Series::{Answered, Lost};
    match (two, one, padded, short) {
        (Answered, Lost, Lost, Answered) => Difference::Packet(one_segment),
        (Lost, Answered, ..) | (Lost, _, Lost, Lost) => Difference::Segments,
        (Answered, Lost, Lost, _) => Difference::Length(one_segment),
        (Answered, Answered, Lost, _) => Difference::Length(length),
        (Answered, Answered, Answered, _) => content(bench, lost, evidence).await,
        _ => Difference::Unclear,
    }
}

/// Leaves out one thing at a time, at the same length.
async fn content(bench: &Bench<'_>, lost: &ClientHello, evidence: &mut Vec<String>) -> Difference {
    let length = lost.record_length();
    let grease = lost
        .extensions
        .iter()
        .map(|(kind, _)| *kind)
        .filter(|kind| tls::is_grease(*kind))
        .fold(lost.clone(), |hello, kind| hello.without(kind));
    let candidates = [
        ("the group X25519MLKEM768", lost.without_group(HYBRID).padded_to(length)),
        ("ALPN", lost.without(extension::ALPN).padded_to(length)),
        ("GREASE extensions", grease.padded_to(length)),
        ("certificate compression", lost.without(extension::COMPRESSION).padded_to(length)),
    ];
    let found = bench.all(candidates.each_ref().map(|(_, hello)| (hello, Segments::AsTheyFit))).await;
    let names = candidates.iter().map(|(what, _)| *what);
    let mut answered = names.zip(found).filter(|(_, series)| *series == Series::Answered);
    match (answered.next(), answered.next()) {
        (Some((what, _)), None) => {
            evidence.push(format!("the lost one without {what}: answered each time"));
            Difference::Content(what.to_owned())
        }
        _ => Difference::Unclear,
    }
}

/// Whether this ClientHello is lost each time, and answered each time under another name with nothing else changed.
pub(super) async fn name_decides(net: &Diagnosis, to: SocketAddr, sent: &SentHello, name: &str) -> bool {
    let Some(own) = ClientHello::parse_record(&sent.bytes()) else { return false };
    let renamed = own.with_name(Some(name));
    let renamed = match own.extension(extension::PADDING) {
        Some(_) => renamed.padded_to(own.record_length()),
        None => renamed,
    };
    let Some(bench) = Bench::new(net, Destination::Direct(to), &renamed).await else { return false };
    if !bench.are_opposite(&own, &renamed).await {
        return false;
    }
    // A name of another length moves what follows it: what a filter looks for may have come to lie across two packets.
    match in_the_same_packets(net, to, (&own, sent), (&renamed, name)).await {
        Some((hello, segments)) => bench.series(&hello, segments, LATER).await == Series::Answered,
        None => true,
    }
}

/// The renamed ClientHello with every other byte in the packet it was in before; none where it takes one packet only, or
/// where nothing moves.
async fn in_the_same_packets(
    net: &Diagnosis,
    to: SocketAddr,
    (own, sent): (&ClientHello, &SentHello),
    (renamed, name): (&ClientHello, &str),
) -> Option<(ClientHello, Segments)> {
    let own_name = sent.hello.name.name()?;
    if own_name.len() == name.len() || sent.hello.kind == HelloKind::Small {
        return None;
    }
    let size = hello_probe::segment_size(net, to).await.filter(|size| own.record_length() > *size)?;
    let at = own.record().windows(own_name.len()).position(|part| part == own_name.as_bytes())?;
    if at >= size {
        return None;
    }
    match (size + name.len()).checked_sub(own_name.len()) {
        // The second packet begins where it did.
        Some(second) if second <= size => Some((renamed.clone(), Segments::At(second))),
        _ => Some((own.with_name(Some(&as_long_as(own_name, name)?)), Segments::AsTheyFit)),
    }
}

/// A name below `name`, or a reserved one (RFC 6761), that is as long as `own`; none where that is too short for one.
fn as_long_as(own: &str, name: &str) -> Option<String> {
    let end = [name, "test"].into_iter().find(|end| own.len() > end.len() + 1)?;
    let room = own.len() - end.len() - 1;
    // A label has at most 63 letters.
    let labels: String = (0..room).map(|at| if at % 32 == 31 && at + 1 < room { '.' } else { 'x' }).collect();
    Some(format!("{labels}.{end}"))
}

/// Whether leaving out ALPN alone makes the difference: for a name whose ClientHellos of either kind are lost.
pub(super) async fn alpn_matters(net: &Diagnosis, to: Destination<'_>, sent: &SentHello) -> Option<Form> {
    let lost = ClientHello::parse_record(&sent.bytes())?;
    lost.extension(extension::ALPN)?;
    let without = match lost.extension(extension::PADDING) {
        Some(_) => lost.without(extension::ALPN).padded_to(lost.record_length()),
        None => lost.without(extension::ALPN),
    };
    let bench = Bench::new(net, to, &without).await?;
    if !bench.are_opposite(&lost, &without).await {
        return None;
    }
    let names: Vec<String> =
        sent.hello.alpn.iter().map(|name| netcheck_record::escape::bytes(name, 40)).collect();
    let evidence = vec![format!(
        "{ROUNDS} times each: the ClientHello with ALPN {} was lost, the same one without ALPN was answered",
        names.join(", ")
    )];
    Some(Form { difference: Difference::Content(format!("ALPN {}", names.join(", "))), evidence })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_control_name_can_be_as_long_as_the_targets() {
        for length in [6, 11, 12, 13, 40, 76, 120, 253] {
            let own = "a".repeat(length);
            let name = as_long_as(&own, "example.com").unwrap();
            assert_eq!(name.len(), length, "{name}");
            assert!(name.split('.').all(|label| (1..=63).contains(&label.len())), "{name}");
        }
        assert_eq!(as_long_as("www.spotme.com", "example.com"), Some("xx.example.com".to_owned()));
        assert_eq!(as_long_as("spot.me", "example.com"), Some("xx.test".to_owned()));
        assert_eq!(as_long_as("t.co", "example.com"), None);
    }

    #[test]
    fn only_a_series_of_one_kind_counts() {
        assert_eq!(Series::new(&[Reply::Spoke; 3]), Series::Answered);
        assert_eq!(Series::new(&[Reply::Cut, Reply::Silent]), Series::Lost);
        assert_eq!(Series::new(&[Reply::Silent, Reply::Spoke]), Series::Mixed);
        assert_eq!(Series::new(&[Reply::Silent, Reply::Unreached]), Series::Mixed);
        assert_eq!(Series::new(&[]), Series::Mixed);
    }
}
