//! The head of the page: what was checked, when and from where, and how it came out as a whole; and the page's foot.

use std::fmt::Write;

use super::super::Subject;
use super::super::markdown::title;
use super::super::xml::Text;
use super::class;
use crate::standing::State;

/// More places than this are not named.
const PLACES: usize = 4;

/// Title, time and place, and the way to the parts.
pub(super) fn header(subject: &Subject) -> String {
    format!(
        "<header>\n<p class=\"kind\">Network report</p>\n<h1>{}</h1>\n{}<nav aria-label=\"Parts of this page\">\
         <a href=\"#answer\">The answer</a> <a href=\"#requests\">What to ask for</a> <a href=\"#rows\">Row by row</a> \
         <a href=\"#records\">All records</a></nav>\n</header>\n",
        Text(title(subject)),
        origin(subject)
    )
}

/// When and from where: what a firewall's log is searched by.
fn origin(subject: &Subject) -> String {
    let times = || subject.records.iter().map(|record| record.ts.as_str()).filter(|ts| !ts.is_empty());
    let when = match (times().min(), times().max()) {
        (Some(first), Some(last)) if moment(first) != moment(last) => {
            format!("{} to {} UTC", moment(first), moment(last))
        }
        (Some(first), _) => format!("{} UTC", moment(first)),
        _ => "at a time that is not known".to_owned(),
    };
    let from = places(subject);
    let from = if from.is_empty() { String::new() } else { format!(", from {}", from.join(", ")) };
    format!(
        "<p class=\"origin\">{} targets, checked {}{}</p>\n",
        subject.records.len(),
        Text(&when),
        Text(&from)
    )
}

/// `2026-11-22 07:00:00` of a record's time; anything else as it stands.
fn moment(ts: &str) -> String {
    let bytes = ts.as_bytes();
    match (bytes.get(10), ts.get(..10), ts.get(11..19)) {
        (Some(b'T'), Some(day), Some(time)) => format!("{day} {time}"),
        _ => ts.to_owned(),
    }
}

/// The addresses and interfaces that packets left from.
fn places(subject: &Subject) -> Vec<String> {
    let mut from: Vec<String> = Vec::new();
    for path in subject.records.iter().filter_map(|record| record.path.as_ref()) {
        let mut place = path.local.as_deref().map_or("", address).to_owned();
        if let Some(interface) = &path.interface {
            let tunnel = if path.tunnel == Some(true) { ", a tunnel" } else { "" };
            let _ = write!(place, " ({interface}{tunnel})");
        }
        if !place.trim().is_empty() && !from.contains(&place) && from.len() < PLACES {
            from.push(place);
        }
    }
    from
}

/// The address of `address:port`, without brackets.
pub(super) fn address(local: &str) -> &str {
    local.rsplit_once(':').map_or(local, |(address, _)| address).trim_matches(['[', ']'])
}

/// How it came out as a whole, and the count of rows by verdict.
pub(super) fn verdict(subject: &Subject) -> String {
    let states: Vec<State> =
        subject.survey.standings.iter().filter(|row| row.required).map(|row| row.state).collect();
    let worst = states.iter().max().copied().unwrap_or(State::NotChecked);
    let count = |state: State| states.iter().filter(|each| **each == state).count();
    let works = count(State::Pass) + count(State::Degraded);
    let sentence = match worst {
        State::Pass => "Everything the platform needs works from this network.",
        State::Degraded => "The platform works from this network, with something to know.",
        State::Fail if works == 0 => "The platform does not work from this network.",
        State::Fail => "Part of what the platform needs does not work from this network.",
        State::Inconclusive | State::NotChecked => "Not everything could be found out.",
    };
    let tally: Vec<String> = [
        (State::Fail, "does not work", "do not work"),
        (State::Inconclusive, "not known", "not known"),
        (State::NotChecked, "not checked", "not checked"),
        (State::Degraded, "works with something to know", "work with something to know"),
        (State::Pass, "works", "work"),
    ]
    .into_iter()
    .map(|(state, one, many)| (count(state), one, many))
    .filter(|(count, ..)| *count > 0)
    .map(|(count, one, many)| format!("{count} {}", if count == 1 { one } else { many }))
    .collect();
    format!(
        "<p class=\"verdict {}\"><strong>{sentence}</strong> <span>Of {} required rows: {}.</span></p>\n",
        class(worst),
        states.len(),
        tally.join(", ")
    )
}

/// What the words mean.
pub(super) fn footer() -> String {
    format!(
        "<footer>\n<h2>How to read this</h2>\n<dl>\n\
         <dt>works</dt><dd>proven by an exchange in the service's own protocol</dd>\n\
         <dt>works, but</dt><dd>usable, and an administrator should know why it is not as it should be</dd>\n\
         <dt>does not work</dt><dd>not usable from here</dd>\n\
         <dt>not known, not checked</dt><dd>nothing could be found out, or nothing was tried</dd>\n\
         <dt>proven, likely, a guess</dt><dd>how sure a cause is: a control experiment excludes the others; two \
         independent signs; one sign</dd>\n\
         <dt>advisory</dt><dd>needed in practice, not on the published list, never counted</dd>\n</dl>\n\
         <p>Made by netcheck {}. This page loads nothing and runs no script.</p>\n</footer>\n",
        env!("CARGO_PKG_VERSION")
    )
}
