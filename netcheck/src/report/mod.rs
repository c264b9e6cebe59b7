//! `report`: records from files, as a page, a text or numbers.

mod csv;
mod html;
mod junit;
mod markdown;
mod prometheus;
mod xml;

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};
use netcheck_record::record::Record;

use crate::amend;
use crate::answer;
use crate::baseline;
use crate::out;
use crate::profile::Profile;
use crate::profile::choice::Choice;
use crate::records;
use crate::survey::Survey;
use crate::table::{self, Look};
use crate::wrap;

/// The form of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One self-contained page
    Html,
    /// The table and the requests, in 80 columns
    Text,
    /// The same for issue trackers and chats
    Markdown,
    /// One line a record
    Csv,
    /// For CI systems
    Junit,
    /// For the textfile collector
    Prometheus,
}

/// Show records as a page, a text or numbers
#[derive(ClapArgs, Debug)]
pub(crate) struct Args {
    /// Files of records; `-` is standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The form
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// Where it goes [default: standard output]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Records from an open network: what fails there too is the service's fault
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    #[command(flatten)]
    choice: Choice,
}

/// What a report is made of.
pub(crate) struct Subject<'a> {
    /// The profile.
    pub(crate) profile: &'a Profile,
    /// Every record.
    pub(crate) records: &'a [Record],
    /// How each row stands.
    pub(crate) survey: Survey<'a>,
}

/// Runs the command.
///
/// # Errors
/// A file that cannot be read or written.
pub(crate) fn run(args: &Args) -> Result<u8, String> {
    let profile = args.choice.load()?;
    let mut loaded = records::read(&args.files)?;
    loaded.records.retain(|record| args.choice.keeps(record, &profile));
    amend::apply(&mut loaded.records);
    if let Some(file) = &args.baseline {
        baseline::apply(&mut loaded.records, &baseline::read(file)?);
    }
    let survey = Survey::of_file(&profile, &loaded.records);
    let subject = Subject { profile: &profile, records: &loaded.records, survey };
    let text = match args.format {
        Format::Html => html::page(&subject),
        Format::Text => text(&subject, args.output.is_none() && wrap::colours()),
        Format::Markdown => markdown::text(&subject),
        Format::Csv => csv::text(&subject),
        Format::Junit => junit::text(&subject),
        Format::Prometheus => prometheus::text(&subject),
    };
    match &args.output {
        Some(file) => fs::write(file, text).map_err(|why| format!("{}: {why}", file.display()))?,
        None => out::print(&text)?,
    }
    if loaded.bad > 0 {
        let _ = writeln!(io::stderr(), "netcheck: {} lines are no records and were left out", loaded.bad);
        return Ok(2);
    }
    Ok(0)
}

/// The text of `--format prometheus`.
pub(crate) fn metrics(subject: &Subject) -> String {
    prometheus::text(subject)
}

/// Every form, as the fuzzer looks at them.
#[cfg(any(test, feature = "fuzz"))]
pub(crate) fn every(subject: &Subject) -> Vec<String> {
    vec![
        html::page(subject),
        text(subject, false),
        markdown::text(subject),
        csv::text(subject),
        junit::text(subject),
        prometheus::text(subject),
    ]
}

fn text(subject: &Subject, colours: bool) -> String {
    let survey = &subject.survey;
    let mut text = table::text(&survey.standings, survey.outage.as_ref(), Look { colours });
    text.push_str(&answer::after_table(survey));
    text
}
