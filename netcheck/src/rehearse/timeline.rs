//! The timeline of a rehearsal: its records and changes, read as connections, rounds and figures.

use netcheck_record::failure::Code;
use netcheck_record::record::{Record, Verdict};
use serde::Deserialize;
use serde_json::Value;

use super::answers::Answers;
use super::cuts::{Life, Usage};
use super::system::Change;
use crate::records::{self, RunLine, RunStart};

/// The most connections and rounds that are kept: a show of a day, opened again every few seconds.
const MOST: usize = 100_000;

/// One round of one target: what was measured from a moment to another.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Round {
    /// The target.
    pub(super) target: String,
    /// What of it: `connection`, `idle`, `publish`, `relay`, `download`, `series`, `handshake`.
    pub(super) part: String,
    /// When it began and ended, in seconds since the rehearsal began.
    pub(super) from: f64,
    /// When it ended.
    pub(super) to: f64,
    /// Its verdict.
    pub(super) verdict: Verdict,
    /// Whether the show depends on it.
    pub(super) required: bool,
    /// What was measured, in words.
    pub(super) words: String,
}

/// All that is known of a rehearsal.
#[derive(Clone, Debug, Default)]
pub(super) struct Timeline {
    /// The line at its beginning.
    pub(super) start: Option<RunStart>,
    /// Whether it came to its end.
    pub(super) finished: bool,
    /// Whether a signal ended it.
    pub(super) interrupted: bool,
    /// When it began, in milliseconds since 1970.
    pub(super) began: u64,
    /// How long it lasted so far, in seconds.
    pub(super) lasted: f64,
    /// Every connection.
    pub(super) lives: Vec<Life>,
    /// Every round.
    pub(super) rounds: Vec<Round>,
    /// What changed, and when, in seconds since the rehearsal began.
    pub(super) changes: Vec<(f64, Change)>,
    /// What resolvers answered.
    answers: Answers,
}

/// A line that tells of a change.
#[derive(Deserialize)]
struct ChangeLine {
    change: Change,
}

impl Timeline {
    /// Takes a line of the file; what is none is passed over.
    pub(super) fn line(&mut self, text: &str) {
        if let Ok(ChangeLine { change }) = serde_json::from_str(text) {
            self.changed(change);
            return;
        }
        if let Some(record) = records::whole(text.as_bytes()) {
            self.record(&record);
        } else if let Some(line) = RunLine::of_text(text) {
            self.run(line);
        }
    }

    /// Keeps a change, in order of time.
    fn changed(&mut self, change: Change) {
        let at = self.seconds(&change.at);
        if self.changes.len() < MOST {
            let place = self.changes.partition_point(|(earlier, _)| *earlier <= at);
            self.changes.insert(place, (at, change));
        }
    }

    fn run(&mut self, line: RunLine) {
        match line {
            RunLine::Start(start) => {
                self.began = records::milliseconds(&start.started).unwrap_or_default();
                self.start = Some(*start);
            }
            RunLine::End(end) => {
                self.finished = true;
                self.interrupted = end.interrupted;
                self.lasted = self.lasted.max(self.seconds(&end.finished));
            }
        }
    }

    /// A moment of a record, in seconds since the rehearsal began.
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of a day")]
    fn seconds(&self, moment: &str) -> f64 {
        let at = records::milliseconds(moment).unwrap_or(self.began);
        at.saturating_sub(self.began) as f64 / 1000.0
    }

    fn record(&mut self, record: &Record) {
        let from = self.seconds(&record.ts);
        let to = from + record.stages.iter().map(|stage| seconds(stage.us)).sum::<f64>();
        self.lasted = self.lasted.max(to);
        if self.rounds.len() >= MOST || self.lives.len() >= MOST {
            return;
        }
        if let Some(change) = self.answers.note(record, from) {
            self.changed(change);
        }
        let part = record.labels.as_ref().and_then(|labels| labels.text("rehearsal"));
        self.rounds.push(Round {
            target: record.target.clone(),
            part: netcheck_record::escape::line(&part.unwrap_or_else(|| record.check.clone()), 40),
            from,
            to,
            verdict: record.verdict,
            required: record.required(),
            words: words(record),
        });
        self.lives.extend(lives(record, from));
    }
}

/// Whole microseconds as seconds.
#[expect(clippy::cast_precision_loss, reason = "microseconds of a day")]
fn seconds(us: u64) -> f64 {
    us as f64 / 1_000_000.0
}

/// The connections that a record tells of; `from` is when its check began.
fn lives(record: &Record, from: f64) -> Vec<Life> {
    let lasting = record.stages.iter().position(|stage| matches!(&*stage.stage, "hold" | "publish"));
    let Some(at) = lasting else { return Vec::new() };
    let opened = from + record.stages.iter().take(at).map(|stage| seconds(stage.us)).sum::<f64>();
    let took = record.stages.get(at).map_or(0.0, |stage| seconds(stage.us));
    let proxy = record.path.as_ref().and_then(|path| path.proxy.clone());
    let life = Life {
        target: record.target.clone(),
        proxy,
        usage: Usage::Active,
        opened,
        alive: opened,
        ended: None,
        by_service: false,
    };
    let facts = |pointer: &str| record.facts.get("hold").and_then(|hold| hold.pointer(pointer));
    match record.check.as_str() {
        "wss" => held(facts("").unwrap_or(&Value::Null), &life, public(record)),
        "push" => pushed(facts("").unwrap_or(&Value::Null), &life).into_iter().collect(),
        "rtmps" => vec![published(record, life, took)],
        _ => Vec::new(),
    }
}

/// Whether the record proves that the service itself was reached by TLS that the public roots vouch for.
fn public(record: &Record) -> bool {
    record.facts.get("tls").and_then(|tls| tls.get("trust")).and_then(Value::as_str) == Some("public")
}

/// The connections of check-wss: one that was pinged, and idle ones.
fn held(hold: &Value, life: &Life, public: bool) -> Vec<Life> {
    let number = |value: &Value, key: &str| value.get(key).and_then(Value::as_f64);
    let kind = |value: &Value| value.pointer("/end/kind").and_then(Value::as_str).map(str::to_owned);
    let by_service =
        |kind: &Option<String>| public && matches!(kind.as_deref(), Some("close_frame" | "closed"));
    let mut lives = Vec::new();
    if let Some(pinged) = hold.get("keepalive") {
        let kind = kind(pinged);
        let ended = number(pinged, "ended_s").map(|age| life.opened + age);
        let known = life.opened + number(pinged, "alive_s").unwrap_or(0.0);
        // An end that shows itself is noticed when it comes; only silence is found by the next ping.
        let shows = kind.as_deref() != Some("silent");
        let alive = ended.filter(|_| shows).unwrap_or(known);
        lives.push(Life { alive, ended, by_service: by_service(&kind), ..life.clone() });
    }
    for one in hold.get("connections").and_then(Value::as_array).into_iter().flatten() {
        let Some(idle) = number(one, "idle_s") else { continue };
        if number(one, "messages").is_some_and(|count| count > 0.0) {
            continue;
        }
        let kind = kind(one);
        let silent = kind.as_deref() == Some("silent");
        let alive = if silent { life.opened } else { life.opened + idle };
        let ended = kind.as_ref().map(|_| life.opened + idle);
        lives.push(Life { usage: Usage::Idle, alive, ended, by_service: by_service(&kind), ..life.clone() });
    }
    lives
}

/// The idle connection of check-push.
fn pushed(hold: &Value, life: &Life) -> Option<Life> {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of a day")]
    let idle = hold.get("idle_ms").and_then(Value::as_u64)? as f64 / 1000.0;
    let how = hold.get("ended").and_then(Value::as_str)?;
    let at = life.opened + idle;
    let gone = how == "quiet" && hold.get("alive") == Some(&Value::Bool(false));
    let ended = (how != "quiet" || gone).then_some(at);
    let alive = if gone { life.opened } else { at };
    Some(Life { usage: Usage::Idle, alive, ended, by_service: how == "service", ..life.clone() })
}

/// The stream of check-rtmps.
fn published(record: &Record, life: Life, took: f64) -> Life {
    let code = record.failure.as_ref().map(|failure| failure.code);
    let cut = matches!(code, Some(Code::RtmpReset | Code::RtmpClosed | Code::RtmpTimeout));
    let at = life.opened + took;
    Life { alive: at, ended: (cut && record.verdict != Verdict::Degraded).then_some(at), ..life }
}

/// What a round measured, in words.
fn words(record: &Record) -> String {
    let fact = |pointer: &str| {
        let (heading, rest) = pointer.split_once('/')?;
        record.facts.get(heading)?.pointer(&format!("/{rest}")).cloned()
    };
    let text = |pointer: &str| fact(pointer).and_then(|value| value.as_str().map(str::to_owned));
    let number = |pointer: &str| fact(pointer).and_then(|value| value.as_f64());
    let rate = |kbps: f64| format!("{:.1} Mbit/s", kbps / 1000.0);
    let mut parts = Vec::new();
    parts.extend(number("publish/throughput_kbps").map(|kbps| format!("{} published", rate(kbps))));
    parts.extend(number("download/throughput_kbps").map(|kbps| format!("{} downloaded", rate(kbps))));
    parts.extend(text("download/words").or_else(|| text("media/words")));
    parts.extend(number("quality/loss").map(|loss| format!("{:.1} % of packets lost", loss * 100.0)));
    parts.extend(number("quality/mos").map(|mos| format!("MOS {mos:.1}")));
    if let Some(failure) = &record.failure {
        parts.push(format!("{}: {}", failure.code, failure.detail));
    }
    netcheck_record::escape::line(&parts.join(", "), 300)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: &str = r#"{"v":1,"run":{"id":"r","started":"2026-11-30T10:00:00.000Z","host":"h"}}"#;
    const HELD: &str = r#"{"v":1,"run":"r","ts":"2026-11-30T10:00:10.000Z","check":"wss","target":"wss://a.example:443/",
        "verdict":"degraded","stages":[{"stage":"tcp","ok":true,"us":500000},{"stage":"hold","ok":false,"us":30000000}],
        "facts":{"hold":{"seconds":600,"connections":[{"idle_s":20.5,"end":{"kind":"silent"}},{"idle_s":10.0}],
        "keepalive":{"every_s":5,"alive_s":25.0,"end":{"kind":"reset"},"ended_s":29.5}}},"labels":{"rehearsal":"connection"}}"#;

    #[test]
    fn a_held_connection_has_a_beginning_and_an_end_and_silence_a_bracket() {
        let mut timeline = Timeline::default();
        timeline.line(START);
        timeline.line(&HELD.replace('\n', ""));
        timeline.line(
            r#"{"v":1,"run":"r","change":{"at":"2026-11-30T10:00:40.000Z","what":"resolvers","after":"x"}}"#,
        );
        timeline.line("garbage");
        timeline.line(r#"{"v":1,"run":{"id":"r","finished":"2026-11-30T10:01:00.000Z","interrupted":true}}"#);
        let ages: Vec<(Usage, f64, f64, Option<f64>)> =
            timeline.lives.iter().map(|life| (life.usage, life.opened, life.alive, life.ended)).collect();
        assert_eq!(
            ages,
            [
                (Usage::Active, 10.5, 40.0, Some(40.0)),
                (Usage::Idle, 10.5, 10.5, Some(31.0)),
                (Usage::Idle, 10.5, 20.5, None)
            ]
        );
        assert_eq!((timeline.changes[0].0, timeline.lasted), (40.0, 60.0));
        assert!(timeline.finished && timeline.interrupted);
        assert_eq!((timeline.rounds[0].from, timeline.rounds[0].to), (10.0, 40.5));
    }
}
