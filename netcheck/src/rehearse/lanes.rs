//! What a rehearsal does: which tool holds or loads which target, how often, and how much that sends.

use netcheck_record::record::Record;
use netcheck_record::scheme::Scheme;
use netcheck_record::spec::{Sampling, Spec};
use serde_json::json;

use crate::plan::{CONTROLS, Line};

/// How often an active connection is pinged, in seconds; less in a short rehearsal.
const KEEPALIVE: f64 = 20.0;
/// The longest idle time that is looked for, in seconds: more than the half hour of push services' connections.
const IDLE: f64 = 1920.0;
/// Idle connections to each target.
const IDLE_CONNECTIONS: u32 = 8;
/// Active connections to each target: opened at different moments, so that an age and a moment are different.
const ACTIVE: u32 = 3;
/// How far these are apart at most, in seconds.
const STAGGER: f64 = 60.0;
/// A measurement is repeated this often, in seconds; more often in a short rehearsal.
const PERIOD: f64 = 60.0;
/// A stream lasts at most this long: check-rtmps publishes for an hour.
const STREAM: f64 = 3600.0;
/// A measurement shorter than this tells nothing, in seconds.
const SHORTEST: f64 = 3.0;
/// kbit/s in both directions of `check-udp --relay` at 720p: two flows of video and two of audio.
const RELAY_KBPS: f64 = 12_000.0;
/// Probes of a series, and milliseconds between them: as a telephone sends them.
const SERIES: (u32, u32) = (100, 20);

/// What the person gives.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    /// How long, in seconds.
    pub(super) seconds: f64,
    /// The most that media send and receive, in MB.
    pub(super) budget: f64,
    /// The bitrate of a published stream, in kbit/s.
    pub(super) bitrate: u32,
    /// A stream key is in the environment.
    pub(super) publishes: bool,
    /// TURN credentials are in the environment.
    pub(super) relays: bool,
}

/// A tool that runs all the time, and what it is fed.
#[derive(Clone, Debug)]
pub(super) struct Lane {
    /// Its part: `connection`, `idle`, `push`, `publish`, `handshake`, `relay`, `series`, `download`.
    pub(super) part: &'static str,
    /// The tool.
    pub(super) tool: &'static str,
    /// Its own arguments.
    pub(super) args: Vec<String>,
    /// Its targets.
    pub(super) feeds: Vec<Feed>,
    /// MB that it sends and receives altogether.
    pub(super) volume: f64,
}

/// One target of a lane, given to the tool again and again.
#[derive(Clone, Debug)]
pub(super) struct Feed {
    /// The line as the tool reads it.
    pub(super) line: String,
    /// The target, as records name it.
    pub(super) target: String,
    /// Which of several connections to it.
    pub(super) number: u32,
    /// When it is given first, in seconds since the rehearsal began.
    pub(super) first: f64,
    /// The next time is at least this long after the last one began, in seconds.
    pub(super) period: f64,
}

impl Feed {
    /// Whether a record came of it.
    pub(super) fn is_of(&self, record: &Record) -> bool {
        let number = record.labels.as_ref().and_then(|labels| labels.text("number"));
        record.target == self.target && number.is_some_and(|number| number == self.number.to_string())
    }
}

/// The lanes of a plan; empty where it has no target that a show holds or loads.
pub(super) fn lanes(plan: &[Line], terms: &Terms) -> Vec<Lane> {
    let targets = targets(plan);
    let of = |tool: &str, scheme: &dyn Fn(&str) -> bool| -> Vec<(&Line, String)> {
        let own = targets.iter().filter(|(line, target)| line.tool == tool && scheme(target));
        own.cloned().collect()
    };
    let turn = |target: &str| target.starts_with("turn");
    let stun = |target: &str| target.starts_with("stun:");
    let player = |target: &str| target.split(['?', '#']).next().is_some_and(|path| path.ends_with(".m3u8"));
    let device = |target: &str| target.starts_with("apns:") || target.starts_with("fcm:");
    let any = |_: &str| true;
    let (streams, relays, players) = (of("rtmps", &any), of("udp", &turn), of("tcp", &player));
    let media = [
        if terms.publishes { streams.len() } else { 0 },
        if terms.relays { relays.len() } else { 0 },
        players.len(),
    ];
    #[expect(clippy::cast_precision_loss, reason = "a count of targets")]
    let share = terms.budget / media.iter().sum::<usize>().max(1) as f64;
    let mut lanes = vec![connections(&of("wss", &any), terms), idle_connections(&of("wss", &any), terms)];
    lanes.push(push(&of("push", &device), terms));
    lanes.push(if terms.publishes {
        publish(&streams, terms, share)
    } else {
        every(&streams, terms, "handshake", "rtmps", Vec::new())
    });
    let (count, interval) = SERIES;
    let series = vec!["--count".to_owned(), count.to_string(), "--interval".to_owned(), interval.to_string()];
    lanes.push(every(&of("udp", &stun), terms, "series", "udp", series));
    lanes.push(if terms.relays {
        relay(&relays, terms, share)
    } else {
        every(&relays, terms, "relay", "udp", Vec::new())
    });
    lanes.push(download(&players, terms, share));
    lanes.retain(|lane| !lane.feeds.is_empty());
    lanes
}

/// One target of each host and line: the ports of a range carry the same stream.
fn targets(plan: &[Line]) -> Vec<(&Line, String)> {
    let mut targets: Vec<(&Line, String)> = Vec::new();
    for line in plan.iter().filter(|line| line.row != CONTROLS && !line.is_fallback()) {
        let Some(scheme) = line.target.split_once("://").and_then(|(name, _)| Scheme::named(name)) else {
            continue;
        };
        let Ok(spec) = Spec::parse(&line.target, scheme.tool, Sampling::default()) else { continue };
        let mut hosts = Vec::new();
        for target in spec.expand(Sampling::default()).take(10_000) {
            if !hosts.contains(&target.host) {
                hosts.push(target.host.clone());
                let text = target.to_string();
                if !targets.iter().any(|(_, known)| *known == text) {
                    targets.push((line, text));
                }
            }
        }
    }
    targets
}

fn feed(line: &Line, target: &str, part: &str, number: u32, first: f64, period: f64) -> Feed {
    let labels = [("rehearsal", json!(part)), ("number", json!(number.to_string()))];
    Feed { line: line.json_of(target, &labels), target: target.to_owned(), number, first, period }
}

/// The length of a measurement's round.
fn period(terms: &Terms) -> f64 {
    PERIOD.min(terms.seconds / 4.0).max(SHORTEST)
}

/// Pinged connections that last as long as they are let.
fn connections(targets: &[(&Line, String)], terms: &Terms) -> Lane {
    let every = KEEPALIVE.min(terms.seconds / 40.0).max(0.2);
    let apart = STAGGER.min(terms.seconds / 12.0);
    let args =
        ["--hold", &terms.seconds.to_string(), "--connections", "1", "--keepalive", &every.to_string()];
    let mut args: Vec<String> = args.iter().map(ToString::to_string).collect();
    args.push("--stop-at-cut".to_owned());
    let feeds = targets.iter().flat_map(|(line, target)| {
        (0..ACTIVE)
            .map(move |number| feed(line, target, "connection", number, f64::from(number) * apart, 1.0))
    });
    Lane { part: "connection", tool: "wss", args, feeds: feeds.collect(), volume: 0.0 }
}

/// Idle connections, used again after different times.
fn idle_connections(targets: &[(&Line, String)], terms: &Terms) -> Lane {
    let hold = IDLE.min(terms.seconds / 2.5);
    let args = ["--hold", &hold.to_string(), "--connections", &IDLE_CONNECTIONS.to_string()];
    let args = args.iter().map(ToString::to_string).collect();
    let feeds = targets.iter().map(|(line, target)| feed(line, target, "idle", 0, 0.0, 1.0)).collect();
    Lane { part: "idle", tool: "wss", args, feeds, volume: 0.0 }
}

/// Connections of devices to their push service, as idle as they are in a pocket.
fn push(targets: &[(&Line, String)], terms: &Terms) -> Lane {
    let hold = IDLE.min(terms.seconds / 2.5);
    let args = vec!["--hold".to_owned(), hold.to_string()];
    let feeds =
        targets.iter().map(|(line, target)| feed(line, target, "push", 0, 0.0, period(terms))).collect();
    Lane { part: "push", tool: "push", args, feeds, volume: 0.0 }
}

/// A measurement without much volume, once in each period.
fn every(
    targets: &[(&Line, String)],
    terms: &Terms,
    part: &'static str,
    tool: &'static str,
    args: Vec<String>,
) -> Lane {
    let feeds =
        targets.iter().map(|(line, target)| feed(line, target, part, 0, 0.0, period(terms))).collect();
    Lane { part, tool, args, feeds, volume: 0.0 }
}

/// A stream to each ingest host: as long as the show where the volume allows it, otherwise a part of each period.
fn publish(targets: &[(&Line, String)], terms: &Terms, share: f64) -> Lane {
    let rate = f64::from(terms.bitrate) / 8000.0;
    let (span, period) = spans(terms, share, rate, STREAM);
    let (span, bitrate) = (whole(span).to_string(), terms.bitrate.to_string());
    let args = ["--publish", &span, "--bitrate", &bitrate].map(str::to_owned).to_vec();
    let feeds: Vec<Feed> =
        targets.iter().map(|(line, target)| feed(line, target, "publish", 0, 0.0, period)).collect();
    let volume = volume(&feeds, terms, period, whole(terms.seconds.min(f64::from(number_of(&span)))), rate);
    Lane { part: "publish", tool: "rtmps", args, feeds, volume }
}

/// A call through two relays of each TURN server.
fn relay(targets: &[(&Line, String)], terms: &Terms, share: f64) -> Lane {
    let rate = RELAY_KBPS / 8000.0;
    let (span, period) = spans(terms, share, rate, period(terms) / 2.0);
    let span = whole(span);
    let args = ["--relay", &span.to_string(), "--relay-rung", "720p"].map(str::to_owned).to_vec();
    let feeds: Vec<Feed> =
        targets.iter().map(|(line, target)| feed(line, target, "relay", 0, 0.0, period)).collect();
    let volume = volume(&feeds, terms, period, span, rate);
    Lane { part: "relay", tool: "udp", args, feeds, volume }
}

/// A player of each playlist.
fn download(targets: &[(&Line, String)], terms: &Terms, share: f64) -> Lane {
    let period = period(terms);
    let rounds = (terms.seconds / period).ceil().max(1.0);
    let budget = whole(share / rounds);
    let span = whole(period / 2.0);
    let args = ["--download", &span.to_string(), "--budget", &budget.to_string()].map(str::to_owned).to_vec();
    let feeds: Vec<Feed> =
        targets.iter().map(|(line, target)| feed(line, target, "download", 0, 0.0, period)).collect();
    #[expect(clippy::cast_precision_loss, reason = "a count of targets")]
    let volume = f64::from(budget) * rounds * feeds.len() as f64;
    Lane { part: "download", tool: "tcp", args, feeds, volume }
}

/// How long each measurement lasts, and how far apart they begin, so that `share` MB at `rate` MB/s are enough.
fn spans(terms: &Terms, share: f64, rate: f64, longest: f64) -> (f64, f64) {
    let all = (share / rate).min(terms.seconds);
    if all >= terms.seconds && longest >= terms.seconds.min(STREAM) {
        return (terms.seconds.min(longest), 1.0);
    }
    let period = period(terms);
    let span = (all * period / terms.seconds).clamp(SHORTEST, longest.max(SHORTEST));
    // Where even the shortest measurement in each period is too much, there are fewer of them.
    (span, period.max(span * terms.seconds / all.max(0.001)))
}

/// MB of all rounds.
fn volume(feeds: &[Feed], terms: &Terms, period: f64, span: u32, rate: f64) -> f64 {
    let between = period.max(f64::from(span));
    #[expect(clippy::cast_precision_loss, reason = "a count of targets")]
    let rounds = (terms.seconds / between).ceil() * feeds.len() as f64;
    f64::from(span) * rate * rounds
}

fn number_of(text: &str) -> u32 {
    text.parse().unwrap_or(1)
}

/// Seconds or MB as a whole number of at least one.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked")]
fn whole(number: f64) -> u32 {
    number.clamp(1.0, 86_400.0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profile;

    fn terms(seconds: f64, budget: f64) -> Terms {
        Terms { seconds, budget, bitrate: 4000, publishes: true, relays: true }
    }

    fn spotme(terms: &Terms) -> Vec<Lane> {
        let plan = crate::plan::lines(&Profile::named("spotme").unwrap(), None).unwrap();
        lanes(&plan, terms)
    }

    #[test]
    fn a_show_of_two_hours_holds_every_websocket_and_stays_within_its_volume() {
        for budget in [100.0, 1000.0, 100_000.0] {
            let lanes = spotme(&terms(7200.0, budget));
            let volume: f64 = lanes.iter().map(|lane| lane.volume).sum();
            assert!(volume <= budget * 1.1, "{volume} of {budget}");
            let connections = lanes.iter().find(|lane| lane.part == "connection").unwrap();
            assert_eq!(connections.feeds.len() % 3, 0);
            assert!(connections.args.contains(&"--stop-at-cut".to_owned()));
            let firsts: Vec<f64> = connections.feeds.iter().take(3).map(|feed| feed.first).collect();
            assert_eq!(firsts, [0.0, 60.0, 120.0]);
        }
    }

    #[test]
    fn a_stream_lasts_where_the_volume_allows_it_and_is_cut_into_rounds_where_not() {
        let (span, period) = spans(&terms(1800.0, 10_000.0), 10_000.0, 0.5, STREAM);
        assert_eq!((span, period), (1800.0, 1.0));
        let (span, period) = spans(&terms(7200.0, 360.0), 360.0, 0.5, STREAM);
        assert_eq!((span, period), (6.0, 60.0));
        let (span, period) = spans(&terms(7200.0, 36.0), 36.0, 0.5, STREAM);
        assert_eq!((span, period), (3.0, 300.0));
    }

    #[test]
    fn without_a_key_ingest_servers_are_only_greeted() {
        let lanes = spotme(&Terms { publishes: false, relays: false, ..terms(600.0, 100.0) });
        assert!(lanes.iter().all(|lane| lane.volume == 0.0), "{lanes:?}");
        let ingest = lanes.iter().find(|lane| lane.tool == "rtmps").unwrap();
        assert_eq!((ingest.part, ingest.feeds.len()), ("handshake", 3));
    }
}
