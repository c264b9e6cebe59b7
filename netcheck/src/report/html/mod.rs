//! One self-contained page: the answer, the requests, a row each, every record. No script, and nothing is loaded.

mod bars;
mod finding;
mod head;
mod listing;
mod requests;
mod roles;
mod route;
mod rows;
mod strip;

use std::fmt::Write;

use super::Subject;
use super::markdown::title;
use super::xml::Text;
use crate::answer;
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
         <style>\n{STYLE}</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#answer\">Skip to the answer</a>\n{}<main>\n",
        head::header(subject)
    );
    page.push_str(&answers(subject));
    page.push_str(&requests::section(subject));
    page.push_str(&rows::section(subject));
    page.push_str(&listing::section(subject));
    page.push_str("</main>\n");
    page.push_str(&head::footer());
    page.push_str("</body>\n</html>\n");
    page
}

fn answers(subject: &Subject) -> String {
    let mut out = "<section aria-labelledby=\"answer\">\n<h2 id=\"answer\">The answer</h2>\n".to_owned();
    out.push_str(&head::verdict(subject));
    out.push_str("<ul class=\"answers\">\n");
    for sentence in answer::sentences(&subject.survey) {
        let _ = writeln!(out, "<li>{}</li>", Text(&sentence));
    }
    out.push_str("</ul>\n");
    out.push_str(&roles::by_role(subject));
    out.push_str(&roles::by_region(subject));
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

/// A verdict as people read it.
fn word(state: State) -> &'static str {
    match state {
        State::Pass => "works",
        State::Degraded => "works, but",
        State::NotChecked => "not checked",
        State::Inconclusive => "not known",
        State::Fail => "does not work",
    }
}

/// A verdict as a badge.
fn badge(state: State) -> String {
    format!("<span class=\"badge {}\">{}</span>", class(state), word(state))
}
