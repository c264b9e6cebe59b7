//! The answer first: what people will notice, by role.

use std::collections::BTreeSet;

use netcheck_record::record::Record;

use crate::outage::Outage;
use crate::standing::{self, Standing, State};
use crate::survey::Survey;
use crate::table;
use crate::wrap;

/// What people will notice, in sentences, the worst first.
pub(crate) fn sentences(survey: &Survey) -> Vec<String> {
    if let Some(Outage { sentence, .. }) = &survey.outage {
        return vec![sentence.clone()];
    }
    let mut roles: Vec<&str> = Vec::new();
    for standing in &survey.standings {
        if !roles.contains(&standing.role.as_str()) {
            roles.push(&standing.role);
        }
    }
    let mut sentences: Vec<String> =
        roles.iter().filter_map(|role| of_role(role, &survey.standings)).collect();
    let names = |state: State| {
        let rows = survey.standings.iter().filter(|standing| standing.required && standing.state == state);
        rows.map(called).collect::<Vec<_>>()
    };
    for (state, text) in [
        (State::Degraded, "Works, with something to know"),
        (State::Inconclusive, "Could not be found out"),
        (State::NotChecked, "Not checked"),
    ] {
        let names = names(state);
        if !names.is_empty() {
            sentences.push(format!("{text}: {}.", names.join(", ")));
        }
    }
    if sentences.is_empty() {
        sentences.push("Everything the platform needs works from here.".into());
    }
    sentences
}

/// What follows the table on a terminal: why, what to ask for, and the answer as the last thing read.
pub(crate) fn after_table(survey: &Survey) -> String {
    let mut text = table::explanation(&survey.standings, survey.outage.as_ref());
    if survey.outage.is_none() {
        text.push('\n');
        for sentence in sentences(survey) {
            text.push_str(&wrap::hanging("", &sentence));
        }
    }
    text
}

fn of_role(role: &str, standings: &[Standing]) -> Option<String> {
    let bad: Vec<String> = standings
        .iter()
        .filter(|standing| standing.required && standing.role == role && standing.state == State::Fail)
        .map(|standing| {
            let notice = if standing.without.is_empty() { &standing.name } else { &standing.without };
            format!("{notice}{}", regions(standing))
        })
        .collect();
    (!bad.is_empty()).then(|| format!("{}: {}.", who(role), bad.join("; ")))
}

/// The regions that are concerned, where others are not.
fn regions(standing: &Standing) -> String {
    let of = |records: &[&Record]| -> BTreeSet<String> {
        records.iter().filter_map(|record| standing::label(record, "region")).map(str::to_owned).collect()
    };
    let (bad, all) = (of(&standing.decisive), of(&standing.records));
    if bad.is_empty() || bad == all {
        return String::new();
    }
    format!(" ({})", bad.into_iter().collect::<Vec<_>>().join(", "))
}

/// A row as people call it, and its name: `iOS push notifications (apns)`.
fn called(standing: &Standing) -> String {
    if standing.function.is_empty() {
        standing.name.clone()
    } else {
        format!("{} ({})", standing.function, standing.name)
    }
}

/// A role as people call it.
pub(crate) fn who(role: &str) -> String {
    let mut letters = role.chars();
    match role {
        "all" => "Everyone".into(),
        "" => "Unknown".into(),
        _ => letters.next().map(|c| c.to_ascii_uppercase()).into_iter().chain(letters).collect(),
    }
}
