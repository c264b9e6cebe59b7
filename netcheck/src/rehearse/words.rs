//! The findings of a rehearsal in sentences: what ends, who can change it, and what to change.

use std::collections::BTreeSet;
use std::fmt::Write;

use netcheck_record::record::Verdict;

use super::cuts::{Finding, Life, Pattern, Scope};
use super::timeline::{Round, Timeline};
use crate::number::count;
use crate::records::utc;

/// More changes than this are in the file and on the page alone.
const CHANGES: usize = 20;
/// More targets than this are counted, not named.
const NAMED: usize = 4;

/// A finding as a person reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    /// What happens.
    pub(super) what: String,
    /// Who can change it: `network`, `proxy`, `service`, `person`, or `unknown`.
    pub(super) ask: &'static str,
    /// What to change.
    pub(super) change: String,
    /// What shows it.
    pub(super) evidence: Vec<String>,
}

/// The finding in sentences.
pub(super) fn tell(finding: &Finding, timeline: &Timeline) -> Told {
    let lives: Vec<&Life> = finding.lives.iter().filter_map(|at| timeline.lives.get(*at)).collect();
    match &finding.pattern {
        Pattern::Lifetime { low, high } => lifetime(finding, &lives, (*low, *high), timeline),
        Pattern::Idle { low, high } => idle_timeout(finding, &lives, (*low, *high), timeline),
        Pattern::Moment { from, to, changes } => moment(&lives, (*from, *to), changes, timeline),
        Pattern::Unexplained => unexplained(&lives, timeline),
    }
}

fn lifetime(finding: &Finding, lives: &[&Life], (low, high): (f64, f64), timeline: &Timeline) -> Told {
    let (subject, mut ask) = subject(&finding.scope);
    if lives.iter().all(|life| life.by_service) {
        ask = "service";
    }
    let age = bracket(low, high);
    let show = planned(timeline);
    let change = match ask {
        "proxy" => format!(
            "Raise the proxy's maximum lifetime of tunnels to {} above {}, the length of the show, or exempt them from it.",
            names(lives),
            clock_seconds(show)
        ),
        "service" => {
            format!("Ask the operator of {} why it ends connections {age} after they open.", names(lives))
        }
        _ => format!(
            "Find which device limits the lifetime of connections to {}, and raise the limit above {}.",
            names(lives),
            clock_seconds(show)
        ),
    };
    let evidence = vec![
        format!("{} ended {age} after they opened, at different moments", count(lives.len(), "connection")),
        "those that were pinged all the time ended as well, and none lived longer".to_owned(),
    ];
    Told {
        what: format!("{subject} ends {age} after it opens, whether it is used or idle."),
        ask,
        change,
        evidence,
    }
}

fn idle_timeout(finding: &Finding, lives: &[&Life], (low, high): (f64, f64), timeline: &Timeline) -> Told {
    let (_, mut ask) = subject(&finding.scope);
    if lives.iter().all(|life| life.by_service) {
        ask = "service";
    }
    let time = bracket(low, high);
    let change = match ask {
        "service" => {
            format!("Send a ping on connections to {} more often than every {}.", names(lives), short(low))
        }
        _ => format!(
            "Keep idle TCP connections to {} for at least {}, the length of the show.",
            names(lives),
            clock_seconds(planned(timeline))
        ),
    };
    let evidence = vec![
        format!("{} ended {time} after the last byte", count(lives.len(), "idle connection")),
        "a connection to the same target that was pinged lived longer".to_owned(),
    ];
    Told {
        what: format!("Connections to {} that are idle for {time} are cut.", names(lives)),
        ask,
        change,
        evidence,
    }
}

fn moment(lives: &[&Life], (from, to): (f64, f64), changes: &[usize], timeline: &Timeline) -> Told {
    let at = moments(from, to, timeline);
    let changed: Vec<String> = changes
        .iter()
        .filter_map(|at| timeline.changes.get(*at))
        .map(|(seconds, change)| format!("{}: {}", time(*seconds, timeline), change.words()))
        .collect();
    let mut evidence = vec![format!(
        "{} of different ages ended together: {}",
        count(lives.len(), "connection"),
        names(lives)
    )];
    let by_name =
        changes.iter().filter_map(|at| timeline.changes.get(*at)).all(|(_, change)| change.is_answer());
    let beside = match (changed.is_empty(), by_name) {
        (true, _) => "",
        (false, true) => ", when a DNS answer changed",
        (false, false) => ", when this machine's way to the network changed",
    };
    let change = if changed.is_empty() {
        format!("Look for what the network or the proxy did at {at}: a restart, a failover, a new lease.")
    } else if by_name {
        "Keep the addresses of the service for the length of the show, or keep the old ones working after a change."
            .to_owned()
    } else {
        "Keep this machine's route, address and interface for the length of the show.".to_owned()
    };
    let ask = if changed.is_empty() { "unknown" } else { "person" };
    evidence.extend(changed);
    Told {
        what: format!("{} ended at {at}{beside}.", count(lives.len(), "connection")),
        ask,
        change,
        evidence,
    }
}

fn unexplained(lives: &[&Life], timeline: &Timeline) -> Told {
    let ages = || lives.iter().filter_map(|life| Some(life.ended? - life.opened));
    let (youngest, oldest) = (ages().fold(f64::INFINITY, f64::min), ages().fold(0.0, f64::max));
    let evidence = lives
        .iter()
        .take(10)
        .filter_map(|life| {
            let ended = life.ended?;
            let age = short(ended - life.opened);
            Some(format!("{}: {} ended {age} after it opened", time(ended, timeline), life.target))
        })
        .collect();
    Told {
        what: format!(
            "{} ended without a pattern, {} to {} after they opened.",
            count(lives.len(), "connection"),
            short(youngest),
            short(oldest)
        ),
        ask: "unknown",
        change: format!(
            "Rehearse again, for longer: what ends connections to {} is not known.",
            names(lives)
        ),
        evidence,
    }
}

/// What ends, and who can change it.
fn subject(scope: &Scope) -> (String, &'static str) {
    match scope {
        Scope::Proxy(proxy) => (format!("Every connection through the proxy {proxy}"), "proxy"),
        Scope::Direct => ("Every connection through this network".to_owned(), "network"),
        Scope::Target(target) => (format!("Every connection to {target}"), "unknown"),
        Scope::Several => ("Every connection".to_owned(), "unknown"),
    }
}

/// The first sentence of the rehearsal.
pub(super) fn headline(timeline: &Timeline, findings: &[Finding]) -> (Verdict, String) {
    let (planned, lasted) = (planned(timeline), timeline.lasted);
    let cut_short = !timeline.finished || timeline.interrupted;
    let before = match cut_short {
        true => format!("Interrupted after {} of {}: ", clock_seconds(lasted), clock_seconds(planned)),
        false => String::new(),
    };
    let held = timeline.lives.len();
    let failed = failing(&timeline.rounds);
    let length = clock_seconds(lasted.min(planned));
    let (verdict, text) = if timeline.rounds.is_empty() {
        (Verdict::Inconclusive, "nothing was measured.".to_owned())
    } else if !findings.is_empty() {
        let ended: usize = findings.iter().map(|one| one.lives.len()).sum();
        (Verdict::Fail, format!("{ended} of {} did not last for {length}.", count(held, "connection")))
    } else if !failed.is_empty() {
        let first = failed.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
        (Verdict::Fail, format!("not every measurement passed in {length}: {first}."))
    } else if held == 0 {
        (Verdict::Pass, format!("every measurement of {length} passed; no connection was held."))
    } else {
        (Verdict::Pass, format!("all {} lasted for {length}.", count(held, "connection")))
    };
    let verdict = if cut_short && verdict == Verdict::Pass { Verdict::Inconclusive } else { verdict };
    let mut sentence = format!("{before}{text}");
    if let Some(first) = sentence.get(..1).map(str::to_uppercase) {
        sentence.replace_range(..1, &first);
    }
    (verdict, sentence)
}

/// The required targets and parts one of whose rounds failed; the ends of connections are findings of their own.
fn failing(rounds: &[Round]) -> BTreeSet<String> {
    let failed =
        |round: &&Round| round.required && matches!(round.verdict, Verdict::Fail | Verdict::Inconclusive);
    rounds.iter().filter(failed).map(|round| format!("{} of {}", round.part, round.target)).collect()
}

/// How long the show lasts, in seconds.
pub(super) fn planned(timeline: &Timeline) -> f64 {
    timeline.start.as_ref().and_then(|start| start.seconds).unwrap_or(timeline.lasted)
}

/// `3600 s`, or `between 40 and 60 s`.
fn bracket(low: f64, high: f64) -> String {
    if high - low <= 0.002 * high + 0.5 {
        return short(high);
    }
    format!("between {} and {}", short(low).trim_end_matches(" s"), short(high))
}

/// Seconds with one digit behind the point where they are few.
fn short(seconds: f64) -> String {
    if seconds < 100.0 { format!("{} s", (seconds * 10.0).round() / 10.0) } else { format!("{seconds:.0} s") }
}

/// A length as a person writes it: `2 h`, `90 s`.
pub(super) fn clock_seconds(seconds: f64) -> String {
    let whole = seconds.round();
    match whole {
        hours if hours >= 3600.0 && hours % 3600.0 == 0.0 => format!("{} h", hours / 3600.0),
        minutes if minutes >= 600.0 => format!("{} min", (minutes / 6.0).round() / 10.0),
        _ => short(seconds),
    }
}

/// The targets, a few by name.
fn names(lives: &[&Life]) -> String {
    let all: BTreeSet<&str> = lives.iter().map(|life| life.target.as_str()).collect();
    let named: Vec<&str> = all.iter().take(NAMED).copied().collect();
    match all.len().saturating_sub(NAMED) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

/// The time of day (UTC) of a moment of the rehearsal.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "milliseconds of a day")]
pub(super) fn time(seconds: f64, timeline: &Timeline) -> String {
    let moment = utc(timeline.began + (seconds.max(0.0) * 1000.0) as u64);
    moment.split('T').nth(1).unwrap_or_default().trim_end_matches('Z').to_owned()
}

fn moments(from: f64, to: f64, timeline: &Timeline) -> String {
    let (from, to) = (time(from, timeline), time(to, timeline));
    if from == to { format!("{from} UTC") } else { format!("{from} to {to} UTC") }
}

/// The whole as text for a terminal.
pub(super) fn text(timeline: &Timeline, findings: &[Finding]) -> String {
    let mut out = format!("{}\n", headline(timeline, findings).1);
    for finding in findings {
        let told = tell(finding, timeline);
        out.push_str(&crate::wrap::hanging("\n- ", &told.what));
        out.push_str(&crate::wrap::hanging("  ask: ", &format!("{}. {}", told.ask, told.change)));
        for line in &told.evidence {
            out.push_str(&crate::wrap::hanging("  evidence: ", line));
        }
    }
    for (at, change) in timeline.changes.iter().take(CHANGES) {
        let line = format!("{} UTC, {}", time(*at, timeline), change.words());
        out.push_str(&crate::wrap::hanging("\nchanged: ", &line));
    }
    let lasted = clock_seconds(timeline.lasted);
    let _ = writeln!(out, "\n{} rounds in {lasted}.", timeline.rounds.len());
    out
}
