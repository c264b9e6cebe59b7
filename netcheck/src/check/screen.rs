//! What a person sees of a check: a line before, the table and the explanation after.

use std::io::{self, Write};

use super::round::Round;
use super::{Job, Way, say};
use crate::assess::{Assessment, Status};
use crate::number::count;
use crate::out;
use crate::report::text;
use crate::signal;
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
    let started = tools.iter().filter(|tool| there(tool)).count();
    say(&format!("{}, {}{missing}", count(targets, "target"), count(started, "tool")));
    if job.args.thorough {
        let ingest = job.lines.iter().filter(|line| line.tool == "rtmps" && there(line.tool));
        let ingest = ingest.map(|line| line.count).sum();
        let streams = match job.tool_flags.publishes() {
            true => format!(", publishes a stream to each of {ingest} ingest targets"),
            false => String::new(),
        };
        say(&format!("thorough: this takes about {:.0} s{streams}", job.tool_flags.lasting(ingest)));
    }
}

/// Shows what came of a round; the exit code.
///
/// # Errors
/// Standard output cannot be written.
pub(super) fn show(job: &Job, round: &Round, assessment: &Assessment) -> Result<u8, String> {
    let look = Look { colours: !round.on_stdout && wrap::colours() };
    let mut text = text::screen(assessment, look.colours);
    if job.ways.len() > 1 {
        text.push_str(&by_way(&job.ways, assessment, look));
    }
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
        None => assessment.exit_code(job.args.strict, job.args.ignore_known),
    })
}

/// Which requirement works by which way out.
fn by_way(ways: &[Way], assessment: &Assessment, look: Look) -> String {
    let requirements = &assessment.report.requirements;
    let width = requirements.iter().map(|one| one.name.chars().count()).max().unwrap_or(0).clamp(11, 24) + 2;
    let mut text = format!("\n{}", cell("REQUIREMENT", width));
    let title = |way: &Way| match way {
        // A URL is shown as it was given.
        Way::As(value) if value.contains("://") => value.clone(),
        Way::Direct | Way::Proxy | Way::As(_) => way.as_str().to_ascii_uppercase(),
    };
    // The longest status has 17 characters.
    let widths: Vec<usize> = ways.iter().map(|way| title(way).chars().count().max(17) + 2).collect();
    ways.iter().zip(&widths).for_each(|(way, width)| text.push_str(&cell(&title(way), *width)));
    text = format!("{}\n", text.trim_end());
    for one in requirements {
        let status = |way: &Way| one.paths.get(way.as_str()).copied().unwrap_or(Status::NotKnown);
        let words: String = ways
            .iter()
            .zip(&widths)
            .map(|(way, width)| table::coloured(status(way), &cell(status(way).as_str(), *width), look))
            .collect();
        text.push_str(format!("{}{words}", cell(&one.name, width)).trim_end());
        text.push('\n');
    }
    text
}
