//! What a person sees of a check: a line before, the table and the explanation after.

use std::io::{self, Write};

use netcheck_record::record::Record;

use super::round::Round;
use super::{Job, Way, say};
use crate::answer;
use crate::interface;
use crate::out;
use crate::signal;
use crate::standing::{self, State};
use crate::survey::Survey;
use crate::table::{self, Look};
use crate::target;
use crate::wrap::{self, cell};

/// What is about to be done.
pub(super) fn announce(job: &Job) {
    let there = |tool: &str| job.tools.contains_key(tool);
    let targets: u64 = job.lines.iter().filter(|line| there(line.tool)).map(|line| line.count).sum();
    let needed = |tool: &&str| job.lines.iter().any(|line| line.tool == *tool);
    let tools: Vec<&str> = target::tools().into_iter().filter(needed).collect();
    let missing: Vec<String> =
        tools.iter().filter(|tool| !there(tool)).map(|tool| format!("check-{tool}")).collect();
    let missing =
        if missing.is_empty() { String::new() } else { format!("; not here: {}", missing.join(", ")) };
    say(&format!("{targets} targets, {} tools{missing}", tools.iter().filter(|tool| there(tool)).count()));
}

/// Shows what came of a round; the exit code.
///
/// # Errors
/// Standard output cannot be written.
pub(super) fn show(job: &Job, round: &Round) -> Result<u8, String> {
    let look = Look { colours: !round.on_stdout && wrap::colours() };
    let (text, rows) = match job.args.path.as_slice() {
        [] => one(job, &round.records, look),
        ways => many(job, ways, round, look),
    };
    if round.closed {
        // Who has left wants no table either.
    } else if round.on_stdout {
        let _ = io::stderr().write_all(text.as_bytes());
    } else {
        out::print(&text)?;
    }
    round.broken.iter().for_each(|line| say(line));
    Ok(match round.signal {
        Some(signal) => signal::code(signal),
        None if round.closed && round.broken.is_empty() => 0,
        None if !round.broken.is_empty() => 2,
        None => rows,
    })
}

/// How each row of the plan stands after these records.
pub(super) fn survey<'a>(job: &Job, records: impl IntoIterator<Item = &'a Record>) -> Survey<'a> {
    let mut survey = Survey::of_run(&job.profile, &job.lines, records);
    interface::expect(&mut survey, &job.args.expect_interface);
    survey
}

fn one(job: &Job, records: &[Record], look: Look) -> (String, u8) {
    let survey = survey(job, records);
    let mut text = table::text(&survey.standings, survey.outage.as_ref(), look);
    text.push_str(&interface::table(&survey, !job.args.expect_interface.is_empty()));
    text.push_str(&answer::after_table(&survey));
    (text, survey.code(job.args.strict))
}

/// The verdicts side by side, then what there is to say of each way. A row that works by one way works.
fn many(job: &Job, ways: &[Way], round: &Round, look: Look) -> (String, u8) {
    let by_way: Vec<Survey> = ways
        .iter()
        .map(|way| {
            let of_way = |record: &&Record| standing::label(record, "path") == Some(way.as_str());
            survey(job, round.records.iter().filter(of_way))
        })
        .collect();
    let mut text = cell("ROW", 14);
    ways.iter().for_each(|way| text.push_str(&cell(&way.as_str().to_ascii_uppercase(), 14)));
    text = format!("{}\n", text.trim_end());
    let mut code = 0;
    for row in &job.profile.rows {
        let states: Vec<State> =
            by_way.iter().filter_map(|survey| survey.row(&row.name)).map(|row| row.state).collect();
        let words: String =
            states.iter().map(|state| table::paint(*state, &cell(state.as_str(), 14), look)).collect();
        text.push_str(format!("{}{words}", cell(&row.name, 14)).trim_end());
        text.push('\n');
        let best = states.iter().min().copied().unwrap_or(State::NotChecked);
        let enough = if job.args.strict { State::Pass } else { State::Degraded };
        code |= u8::from(row.required() && best > enough);
    }
    for (way, survey) in ways.iter().zip(&by_way) {
        text.push_str(&format!("\n== {} ==\n{}", way.as_str(), answer::after_table(survey)));
    }
    (text, code)
}
