//! `report`: records from files, as a page, a text or numbers.

mod csv;
mod html;
mod junit;
mod markdown;
mod prometheus;
mod request_csv;
pub(crate) mod text;
mod xml;

use std::fs::{self, File};
use std::io::{self, BufReader, Write};
use std::path::{Path, PathBuf};

use clap::{Args as ClapArgs, ValueEnum};

use crate::assess::{self, Assessment, Basis};
use crate::baseline::Baseline;
use crate::journal;
use crate::out;
use crate::plan;
use crate::profile::Profile;
use crate::profile::choice::Choice;
use crate::records::{self, Input};
use crate::wrap;
pub(crate) use xml::Text;

/// The form of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One self-contained page
    Html,
    /// The headline, the table and the requests, as wide as the terminal
    Text,
    /// The same for issue trackers and chats
    Markdown,
    /// The same for programs (docs/report.schema.json)
    Json,
    /// One line per record; with --requests one per request
    Csv,
    /// For CI systems: one suite per requirement
    Junit,
    /// For the textfile collector
    Prometheus,
}

/// What Prometheus metrics are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Series {
    /// One series per requirement
    Requirements,
    /// One more per target
    Targets,
}

/// Show records as a page, a text or numbers
///
/// Exit codes: 0 when every required requirement works, with limits or without; 1 when one does not work or is not
/// known; 2 when the records are not those of one whole run.
#[derive(ClapArgs, Debug)]
pub(crate) struct Args {
    /// Files of records; `-` is standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The form
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// Only the requests (text, markdown, csv, json)
    #[arg(long)]
    requests: bool,
    /// What metrics are about
    #[arg(long, value_enum, default_value = "requirements")]
    series: Series,
    /// Where it goes [default: standard output]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Records from another network: what fails there too was known before
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Exit with 0 when what does not work was known before
    #[arg(long, requires = "baseline")]
    ignore_known: bool,
    /// Count a requirement that works with limits as failed in the exit code
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    choice: Choice,
}

/// What a report is made of.
pub(crate) struct Subject<'a> {
    /// The profile.
    pub(crate) profile: &'a Profile,
    /// What was read; its observations are the assessment's.
    pub(crate) input: &'a Input,
    /// What it means.
    pub(crate) assessment: &'a Assessment,
}

/// Runs the command.
///
/// # Errors
/// A file that cannot be read or written.
pub(crate) fn run(args: &Args) -> Result<u8, String> {
    let spooled = spool(args)?;
    let mut input = match &spooled {
        Some(file) => read_again(file)?,
        None => Input::read(&args.files)?,
    };
    let (profile, sample) = args.choice.of_input(&input)?;
    input.retain(|observation| args.choice.keeps(observation, &profile));
    let baseline = args.baseline.as_deref().map(Baseline::read).transpose()?;
    let baseline = baseline.map(|baseline| baseline.compared(&input));
    let lines = plan::lines(&profile, sample).unwrap_or_default();
    let basis = Basis {
        profile: &profile,
        plan: &lines,
        baseline: baseline.as_ref(),
        interfaces: &[],
        narrowed: args.choice.narrows(),
    };
    let mut assessment = assess::assess(&basis, &mut input);
    assessment.report.run.warnings.extend(age(assessment.report.run.newest));
    let subject = Subject { profile: &profile, input: &input, assessment: &assessment };
    write(args, &subject, spooled.as_ref())?;
    if input.bad > 0 {
        let _ = writeln!(io::stderr(), "netcheck: {}", assess::bad_lines(input.bad));
        return Ok(2);
    }
    Ok(assessment.exit_code(args.strict, args.ignore_known))
}

/// The report of records that are in memory, by the text of the profile they were made with, as JSON.
///
/// # Errors
/// A profile that is not sound, or too many records.
pub(crate) fn json_of(records: &[u8], profile: &str) -> Result<String, String> {
    let mut input = Input::default();
    input.lines(records, Path::new("run"))?;
    let profile = Profile::validate("profile", Profile::parse(profile)?)?;
    let lines = plan::lines(&profile, None).unwrap_or_default();
    let basis = Basis { profile: &profile, plan: &lines, baseline: None, interfaces: &[], narrowed: false };
    Ok(assess::assess(&basis, &mut input).report.json())
}

/// What is said of records that are older than a day.
fn age(newest: u64) -> Option<String> {
    let now = u64::try_from(netcheck_record::clock::unix()).unwrap_or_default();
    let days = now.saturating_sub(newest) / 86_400;
    (newest > 0 && days > 0).then(|| match days {
        1 => "These records are 1 day old.".to_owned(),
        days => format!("These records are {days} days old."),
    })
}

fn write(args: &Args, subject: &Subject, spooled: Option<&File>) -> Result<(), String> {
    if let Some(file) = &args.output {
        journal::refuse_planted_link(file).map_err(|why| format!("{}: {why}", file.display()))?;
    }
    let report = &subject.assessment.report;
    let text = match args.format {
        Format::Csv if !args.requests => return records_as_csv(args, subject, spooled),
        Format::Csv => request_csv::text(report),
        Format::Json if args.requests => json_requests(report),
        Format::Json => report.json(),
        Format::Html => html::page(subject),
        Format::Text => text::whole(subject, args.requests, args.output.is_none() && wrap::colours()),
        Format::Markdown => markdown::text(subject, args.requests),
        Format::Junit => junit::text(subject),
        Format::Prometheus => prometheus::text(subject, args.series == Series::Targets),
    };
    match &args.output {
        Some(file) => fs::write(file, text).map_err(|why| format!("{}: {why}", file.display())),
        None => out::print(&text),
    }
}

fn json_requests(report: &assess::Report) -> String {
    let mut text = serde_json::to_string_pretty(&report.requests).unwrap_or_default();
    text.push('\n');
    text
}

/// Every record as a line of CSV: the input is read once more, so that no record is kept.
fn records_as_csv(args: &Args, subject: &Subject, spooled: Option<&File>) -> Result<(), String> {
    let name = args.output.as_ref().map_or("standard output".to_owned(), |file| file.display().to_string());
    let mut sink: Box<dyn Write> = match &args.output {
        Some(file) => Box::new(File::create(file).map_err(|why| format!("{name}: {why}"))?),
        None => Box::new(io::stdout().lock()),
    };
    let mut out = io::BufWriter::with_capacity(1 << 16, &mut sink);
    let mut lines = csv::Lines::of(subject);
    let mut put = |text: &str| match out.write_all(text.as_bytes()) {
        Err(why) if why.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(why) => Err(format!("{name}: {why}")),
        Ok(()) => Ok(true),
    };
    let mut open = put(csv::HEAD)?;
    let mut each = |line: &[u8], _: bool| {
        if open && let Some(text) = lines.line(line) {
            open = put(&text)?;
        }
        Ok(())
    };
    match spooled {
        Some(file) => {
            let again = rewound(file).map_err(|why| format!("standard input: {why}"))?;
            records::each_line(BufReader::new(again), Path::new("standard input"), &mut each)?;
        }
        None => {
            for path in &args.files {
                let file = File::open(path).map_err(|why| format!("{}: {why}", path.display()))?;
                records::each_line(BufReader::with_capacity(1 << 16, file), path, &mut each)?;
            }
        }
    }
    match out.flush() {
        Err(why) if why.kind() != io::ErrorKind::BrokenPipe => Err(format!("{name}: {why}")),
        _ => Ok(()),
    }
}

/// Everything that was given, in a file without a name, where it has to be read twice and one of it is a stream.
fn spool(args: &Args) -> Result<Option<File>, String> {
    let twice = args.format == Format::Csv && !args.requests;
    if !twice || args.files.iter().all(|path| path.as_os_str() != "-" && path.is_file()) {
        return Ok(None);
    }
    let fault = |why: io::Error| format!("a temporary file: {why}");
    let mut file = temporary().map_err(fault)?;
    for path in &args.files {
        if path.as_os_str() == "-" {
            io::copy(&mut io::stdin().lock(), &mut file).map_err(fault)?;
        } else {
            let mut from = File::open(path).map_err(|why| format!("{}: {why}", path.display()))?;
            io::copy(&mut from, &mut file).map_err(fault)?;
        }
    }
    Ok(Some(file))
}

/// A file of this process alone, which the system removes at its end.
fn temporary() -> io::Result<File> {
    let name = format!("netcheck-{}-{}", std::process::id(), crate::run_id::new());
    let path = std::env::temp_dir().join(name);
    let file = fs::OpenOptions::new().read(true).write(true).create_new(true).open(&path)?;
    fs::remove_file(path)?;
    Ok(file)
}

fn rewound(file: &File) -> io::Result<File> {
    use std::io::Seek;
    let mut again = file.try_clone()?;
    again.rewind()?;
    Ok(again)
}

fn read_again(file: &File) -> Result<Input, String> {
    let mut input = Input::default();
    let again = rewound(file).map_err(|why| format!("standard input: {why}"))?;
    input.lines(BufReader::with_capacity(1 << 16, again), Path::new("standard input"))?;
    Ok(input)
}

/// A page in the look of the report, without a script; `body` is HTML.
pub(crate) fn document(title: &str, body: &str) -> String {
    html::document(title, body)
}

/// The text of `--format prometheus`.
pub(crate) fn metrics(subject: &Subject) -> String {
    prometheus::text(subject, false)
}

/// How many forms the fuzzer looks at.
#[cfg(any(test, feature = "fuzz"))]
pub(crate) const FORMS: usize = 7;

/// One of the forms, as the fuzzer looks at it.
#[cfg(any(test, feature = "fuzz"))]
pub(crate) fn form(number: usize, subject: &Subject) -> Option<String> {
    Some(match number {
        0 => html::page(subject),
        1 => text::whole(subject, false, false),
        2 => markdown::text(subject, false),
        3 => request_csv::text(&subject.assessment.report),
        4 => subject.assessment.report.json(),
        5 => junit::text(subject),
        6 => prometheus::text(subject, true),
        _ => return None,
    })
}
