//! The page of a rehearsal, in the look of the report: what ended, what was measured over time, what changed.

use std::fmt::Write;

use netcheck_record::record::Verdict;

use super::cuts::Finding;
use super::timeline::{Round, Timeline};
use super::words::{self, Told};
use crate::records::utc;
use crate::report::{Text, document};

/// The width of a line of time, in the units of its picture.
const WIDTH: f64 = 600.0;
/// More rounds of one target than this are no picture.
const MOST: usize = 2_000;
/// More targets than this no page shows.
const ROWS: usize = 400;

/// The page.
pub(super) fn page(timeline: &Timeline, findings: &[Finding]) -> String {
    let (verdict, headline) = words::headline(timeline, findings);
    let start = timeline.start.clone().unwrap_or_default();
    let began = utc(timeline.began).replace('T', " ").trim_end_matches('Z').to_owned();
    let length = words::clock_seconds(words::planned(timeline));
    let mut body = format!(
        "<header>\n<p class=\"kind\">Rehearsal</p>\n<h1>{}</h1>\n<p class=\"origin\">{length}, from {} UTC{}</p>\n</header>\n<main>\n\
         <section aria-labelledby=\"answer\">\n<h2 id=\"answer\">Does it hold for the length of the show?</h2>\n\
         <p class=\"verdict {}\"><strong>{}</strong></p>\n</section>\n",
        Text(&start.profile.name),
        Text(&began),
        Text(&if start.host.is_empty() { String::new() } else { format!(", on {}", start.host) }),
        verdict.as_str(),
        Text(&headline)
    );
    if !findings.is_empty() {
        body.push_str("<section aria-labelledby=\"findings\">\n<h2 id=\"findings\">What ended</h2>\n");
        findings.iter().for_each(|finding| body.push_str(&told(&words::tell(finding, timeline))));
        body.push_str("</section>\n");
    }
    body.push_str(&changes(timeline));
    body.push_str(&rounds(timeline));
    body.push_str("</main>\n");
    document(&format!("{}: rehearsal", start.profile.name), &body)
}

fn told(told: &Told) -> String {
    let mut out = format!(
        "<div class=\"request\">\n<h3>{}</h3>\n<p class=\"text\">{}</p>\n<p>Ask: {}. What shows it:</p>\n<ul>\n",
        Text(&told.what),
        Text(&told.change),
        Text(told.ask)
    );
    for line in &told.evidence {
        let _ = writeln!(out, "<li>{}</li>", Text(line));
    }
    out.push_str("</ul>\n</div>\n");
    out
}

/// What changed.
fn changes(timeline: &Timeline) -> String {
    if timeline.changes.is_empty() {
        return String::new();
    }
    let mut out = "<section aria-labelledby=\"changes\">\n<h2 id=\"changes\">What changed</h2>\n<ol class=\"timeline\">\n".to_owned();
    for (at, change) in timeline.changes.iter().take(MOST) {
        let _ = writeln!(out, "<li>{} {}</li>", Text(&words::time(*at, timeline)), Text(&change.words()));
    }
    out.push_str("</ol>\n</section>\n");
    out
}

/// One line of time for each target and part.
fn rounds(timeline: &Timeline) -> String {
    let mut rows: Vec<(&str, &str, Vec<&Round>)> = Vec::new();
    for round in &timeline.rounds {
        match rows.iter_mut().find(|(part, target, _)| *part == round.part && *target == round.target) {
            Some((_, _, list)) => list.push(round),
            None => rows.push((&round.part, &round.target, vec![round])),
        }
    }
    rows.sort_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)));
    let mut out = "<section aria-labelledby=\"rounds\">\n<h2 id=\"rounds\">What was measured</h2>\n\
        <div class=\"scroll\" role=\"region\" aria-label=\"What was measured\" tabindex=\"0\"><table>\n<thead><tr><th scope=\"col\">Part</th>\
        <th scope=\"col\">Target</th><th scope=\"col\">Passed</th><th scope=\"col\">Over time</th><th scope=\"col\">Last</th></tr></thead>\n<tbody>\n".to_owned();
    for (part, target, list) in rows.iter().take(ROWS) {
        let passed = list.iter().filter(|round| round.verdict == Verdict::Pass).count();
        let last = list.iter().rev().find(|round| !round.words.is_empty()).map_or("", |round| &round.words);
        let _ = writeln!(
            out,
            "<tr><td>{}</td><td class=\"target\">{}</td><td>{passed} of {}</td><td>{}</td><td>{}</td></tr>",
            Text(part),
            Text(target),
            list.len(),
            picture(list, timeline),
            Text(last)
        );
    }
    out.push_str("</tbody>\n</table></div>\n</section>\n");
    out
}

/// The rounds of one target as a line of time; changes of the system are thin bars.
fn picture(rounds: &[&Round], timeline: &Timeline) -> String {
    let length = words::planned(timeline).max(timeline.lasted).max(1.0);
    let place = |at: f64| (at / length * WIDTH).clamp(0.0, WIDTH);
    let passed = rounds.iter().filter(|round| round.verdict == Verdict::Pass).count();
    let mut svg = format!(
        "<svg class=\"bars\" width=\"300\" height=\"14\" viewBox=\"0 0 {WIDTH} 14\" preserveAspectRatio=\"none\" role=\"img\" \
         aria-label=\"{passed} of {} rounds passed\">",
        rounds.len()
    );
    for round in rounds.iter().take(MOST) {
        let class = if round.verdict == Verdict::Pass { "ok" } else { "bad" };
        let (from, to) = (place(round.from), place(round.to));
        let title =
            format!("{} {} {}", words::time(round.from, timeline), round.verdict.as_str(), round.words);
        let _ = write!(
            svg,
            "<rect class=\"{class}\" x=\"{from:.1}\" y=\"1\" width=\"{:.1}\" height=\"12\"><title>{}</title></rect>",
            (to - from).max(1.5),
            Text(&title)
        );
    }
    for (at, _) in timeline.changes.iter().take(MOST) {
        let _ = write!(
            svg,
            "<rect class=\"bad\" x=\"{:.1}\" y=\"0\" width=\"1\" height=\"14\"></rect>",
            place(*at)
        );
    }
    svg.push_str("</svg>");
    svg
}
