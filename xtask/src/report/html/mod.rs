//! One self-contained page: the answer, the requests, a row each, every record. No script, and nothing is loaded.

mod bars;
mod listing;
mod route;
mod rows;
mod strip;

use std::fmt::Write;

use super::Subject;
use super::markdown::title;
use super::xml::Text;
use crate::answer;
use crate::remedy;
use crate::request;
use crate::standing::State;

const STYLE: &str = include_str!("style.css");

/// The page.
pub(super) fn page(subject: &Subject) -> String {
    let title = Text(title(subject));
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n<title>{title}: network report</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#answer\">Skip to the answer</a>\n\
         <header>\n<h1>{title}</h1>\n{}</header>\n<main>\n",
        origin(subject)
    );
    page.push_str(&answers(subject));
    page.push_str(&requests(subject));
    page.push_str(&rows::section(subject));
    page.push_str(&listing::section(subject));
    page.push_str("</main>\n</body>\n</html>\n");
    page
}

/// When and from where: what a firewall's log is searched by.
fn origin(subject: &Subject) -> String {
    let first = subject.records.iter().map(|record| record.ts.as_str()).min().unwrap_or("no time");
    let mut from: Vec<String> = Vec::new();
    for path in subject.records.iter().filter_map(|record| record.path.as_ref()) {
        let local =
            path.local.as_deref().and_then(|local| local.rsplit_once(':')).map_or("", |(address, _)| address);
        let mut place = local.trim_matches(['[', ']']).to_owned();
        if let Some(interface) = &path.interface {
            let tunnel = if path.tunnel == Some(true) { ", a tunnel" } else { "" };
            let _ = write!(place, " ({interface}{tunnel})");
        }
        if !place.trim().is_empty() && !from.contains(&place) && from.len() < 4 {
            from.push(place);
        }
    }
    let from = if from.is_empty() { String::new() } else { format!(" from {}", from.join(", ")) };
    format!(
        "<p class=\"origin\">{} targets, checked {}{}</p>\n",
        subject.records.len(),
        Text(first),
        Text(&from)
    )
}

fn answers(subject: &Subject) -> String {
    let mut out =
        "<section aria-labelledby=\"answer\">\n<h2 id=\"answer\">The answer</h2>\n<ul class=\"answers\">\n"
            .to_owned();
    for sentence in answer::sentences(&subject.survey) {
        let _ = writeln!(out, "<li>{}</li>", Text(&sentence));
    }
    out.push_str("</ul>\n");
    out.push_str(&matrix(subject));
    out.push_str("</section>\n");
    out
}

/// Verdicts by role and region, for what counts.
fn matrix(subject: &Subject) -> String {
    let mut out = "<table class=\"matrix\">\n<caption>Rows by who needs them</caption>\n<thead><tr>\
        <th scope=\"col\">Who</th><th scope=\"col\">Works</th><th scope=\"col\">With something to know</th>\
        <th scope=\"col\">Does not work</th><th scope=\"col\">Not known</th></tr></thead>\n<tbody>\n"
        .to_owned();
    let mut roles: Vec<&str> = subject.profile.rows.iter().map(|row| row.role.as_str()).collect();
    roles.sort_unstable();
    roles.dedup();
    for role in roles {
        let names = |of: &[State]| {
            let rows = subject.survey.standings.iter();
            let rows = rows.filter(|row| row.required && row.role == role && of.contains(&row.state));
            let names: Vec<&str> = rows.map(|row| row.name.as_str()).collect();
            if names.is_empty() { "–".to_owned() } else { names.join(", ") }
        };
        let _ = writeln!(
            out,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            Text(&answer::who(role)),
            Text(&names(&[State::Pass])),
            Text(&names(&[State::Degraded])),
            Text(&names(&[State::Fail])),
            Text(&names(&[State::Inconclusive, State::NotChecked]))
        );
    }
    out.push_str("</tbody>\n</table>\n");
    out
}

/// The change requests, by whom they are for: text that can be copied into a ticket.
fn requests(subject: &Subject) -> String {
    let mut out =
        "<section aria-labelledby=\"requests\">\n<h2 id=\"requests\">What to ask for</h2>\n".to_owned();
    if let Some(outage) = &subject.survey.outage {
        let (heading, request) = (remedy::addressee(outage.who), Text(&outage.request));
        let _ =
            writeln!(out, "<h3>{heading}</h3>\n<ul class=\"request\"><li>{request}</li></ul>\n</section>");
        return out;
    }
    let requests = request::requests(&subject.survey.standings);
    if requests.is_empty() {
        out.push_str("<p>Nothing: no row asks for a change.</p>\n");
    }
    for (who, lines) in requests {
        let _ = writeln!(out, "<h3>{}</h3>\n<ul class=\"request\">", remedy::addressee(who));
        for line in &lines {
            let rows = line.rows.join(", ");
            let _ =
                writeln!(out, "<li>{} <span class=\"for\">[{}]</span></li>", Text(&line.fix), Text(&rows));
        }
        for (row, permits) in request::in_full(who, &lines, &subject.survey.standings) {
            let _ = writeln!(out, "<li class=\"full\">{} in full: {}</li>", Text(row), Text(permits));
        }
        out.push_str("</ul>\n");
    }
    out.push_str("</section>\n");
    out
}

/// The class of a verdict, for its colour; the word always stands beside it.
fn class(state: State) -> &'static str {
    match state {
        State::Pass => "pass",
        State::Degraded => "degraded",
        State::NotChecked => "unchecked",
        State::Inconclusive => "inconclusive",
        State::Fail => "fail",
    }
}
