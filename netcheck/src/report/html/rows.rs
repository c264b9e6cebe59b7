//! A part of the page for each row: its verdict, why, its ports, the way there, its stages.

use std::fmt::Write;

use netcheck_record::record::Record;

use super::super::Subject;
use super::super::xml::Text;
use super::{badge, bars, finding, strip};
use crate::request;
use crate::standing::{Standing, State};

/// How many records of a row are shown with their stages.
const SHOWN: usize = 8;
/// How many of them share one reason.
const ALIKE: usize = 2;

/// The section.
pub(super) fn section(subject: &Subject) -> String {
    let mut out = "<section aria-labelledby=\"rows\">\n<h2 id=\"rows\">Row by row</h2>\n".to_owned();
    for standing in &subject.survey.standings {
        out.push_str(&row(standing, subject));
    }
    out.push_str("</section>\n");
    out
}

fn row(row: &Standing, subject: &Subject) -> String {
    let open = if row.state == State::Pass { "" } else { " open" };
    let advisory = if row.required { "" } else { " <span class=\"advisory\">advisory</span>" };
    let mut out = format!(
        "<details{open}>\n<summary>{} <span class=\"name\">{}</span>{advisory} \
         <span class=\"function\">{}</span> <span class=\"count\">{} of {}</span></summary>\n<div class=\"body\">\n",
        badge(row.state),
        Text(&row.name),
        Text(&row.function),
        row.good,
        row.total
    );
    out.push_str(&why(row, subject));
    out.push_str(&strip::of(row));
    out.push_str(&stages(row));
    if let Some(source) = subject.profile.rows.iter().find(|each| each.name == row.name) {
        let _ = writeln!(out, "<p class=\"source\">Source: {}</p>", Text(&source.source));
        if let Some(note) = &source.note {
            let _ = writeln!(out, "<p class=\"source\">{}</p>", Text(note));
        }
    }
    out.push_str("</div>\n</details>\n");
    out
}

fn why(row: &Standing, subject: &Subject) -> String {
    let mut out = String::new();
    match &subject.survey.outage {
        Some(outage) if row.state > State::Degraded => {
            let _ = writeln!(out, "<p>{}</p>", Text(&outage.sentence));
            return out;
        }
        _ => out.push_str(&finding::of(row)),
    }
    for note in &row.notes {
        let _ = writeln!(out, "<p class=\"note\">{}</p>", Text(note));
    }
    if row.records.is_empty() {
        out.push_str("<p>No record: its tool was not there, or the row was left out.</p>\n");
    }
    out
}

/// Some records to be shown: a few of each reason first, then what works.
fn shown<'a>(row: &Standing<'a>) -> Vec<&'a Record> {
    let groups = request::groups(&row.decisive);
    let alike = if groups.len() > 1 { ALIKE } else { SHOWN / 2 };
    let mut shown: Vec<&Record> =
        groups.iter().flat_map(|group| group.records.iter().copied().take(alike)).take(SHOWN).collect();
    for record in &row.records {
        if shown.len() >= SHOWN {
            break;
        }
        if !row.decisive.iter().any(|bad| std::ptr::eq(*bad, *record)) {
            shown.push(record);
        }
    }
    shown
}

/// Some records with their stages.
fn stages(row: &Standing) -> String {
    let shown = shown(row);
    if shown.is_empty() {
        return String::new();
    }
    let longest = shown.iter().map(|record| bars::total(record)).max().unwrap_or(1).max(1);
    let caption = if shown.len() < row.records.len() {
        format!("Stages of {} of {} targets", shown.len(), row.records.len())
    } else {
        "Stages".to_owned()
    };
    let mut out = format!(
        "<div class=\"scroll\" role=\"region\" aria-label=\"Stages of {}\" tabindex=\"0\"><table class=\"stages\">\n\
         <caption>{caption}</caption>\n<thead><tr><th scope=\"col\">Target</th><th scope=\"col\">Verdict</th>\
         <th scope=\"col\">Stages, to one scale</th></tr></thead>\n<tbody>\n",
        Text(&row.name)
    );
    for record in shown {
        let _ = writeln!(
            out,
            "<tr><td class=\"target\">{}</td><td>{}</td><td>{}</td></tr>",
            Text(&record.target),
            Text(&bars::word(record)),
            bars::of(record, longest)
        );
    }
    out.push_str("</tbody>\n</table></div>\n");
    out
}
