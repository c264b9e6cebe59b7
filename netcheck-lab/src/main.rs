//! `netcheck-lab`: runs commands, the matrix of scenarios, or a demonstration in a network that misbehaves.

use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::Mutex;

use netcheck_lab::browser::Comparison;
use netcheck_lab::world::matrix::{BLIND_HEAD, Matrix, SENSES};
use netcheck_lab::world::product::ProductTable;
use netcheck_lab::world::scenario::Scenario;
use netcheck_lab::world::series::Series;
use netcheck_lab::world::{FILES, World, ends_with_parent, isolate, isolated};

const USAGE: &str = "usage: netcheck-lab list
       netcheck-lab run SCENARIO [--] COMMAND [ARGUMENT]...
       netcheck-lab matrix [--only NAME]... [--write FILE]
       netcheck-lab blind [--senses NAMES]... [--only NAME]... [--write FILE]
       netcheck-lab answers [--only NAME]... [--write FILE]
       netcheck-lab series SCENARIO [--runs N]
       netcheck-lab demo
       netcheck-lab browser-hello [--write FILE]
       netcheck-lab filters [--seed NUMBER [--rules NUMBER]]
       netcheck-lab hellos [--runs NUMBER]
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match command(&arguments) {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(io::stderr(), "netcheck-lab: {error}");
            ExitCode::from(2)
        }
    }
}

fn command(arguments: &[String]) -> io::Result<ExitCode> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["list"] => list(),
        ["run", name, "--", command @ ..] | ["run", name, command @ ..] if !command.is_empty() => {
            run(name, command)
        }
        ["demo"] => demo(),
        ["filters"] => filters(1, 40),
        ["filters", "--seed", seed] => filters(number(seed)?, 40),
        ["filters", "--seed", seed, "--rules", count] => {
            filters(number(seed)?, usize::try_from(number(count)?).unwrap_or(usize::MAX))
        }
        ["hellos"] => hellos("10"),
        ["hellos", "--runs", runs] => hellos(runs),
        ["browser-hello"] => browser_hello(None),
        ["browser-hello", "--write", file] => browser_hello(Some(file)),
        ["probe", name] => probe(name),
        ["series", name] => series(name, "100"),
        ["series", name, "--runs", runs] => series(name, runs),
        ["check", name] => check(name),
        ["matrix", options @ ..] => matrix(options),
        ["blind", options @ ..] => blind(options),
        ["answers", options @ ..] => answers(options),
        _ => Err(io::Error::other(format!("not understood\n{USAGE}"))),
    }
}

fn list() -> io::Result<ExitCode> {
    let mut out = io::stdout();
    for name in Scenario::names()? {
        writeln!(out, "{name:<28} {}", Scenario::read(&name)?.sentence)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs one command at the client of a scenario's world.
fn run(name: &str, command: &[&str]) -> io::Result<ExitCode> {
    let scenario = Scenario::read(name)?;
    if !isolated() {
        return Err(isolate());
    }
    let mut world = World::build(&scenario.world)?;
    world.break_as(&scenario)?;
    let status = world.show(Command::new(command[0]).args(&command[1..]).envs(&scenario.env))?;
    Ok(ExitCode::from(u8::try_from(status.code().unwrap_or(101)).unwrap_or(101)))
}

/// The whole product without internet: a healthy network, then a badly configured one.
fn demo() -> io::Result<ExitCode> {
    let mut worst = ExitCode::SUCCESS;
    for (name, expected) in [("healthy", 0), ("corporate", 1)] {
        writeln!(io::stdout(), "\n── {}\n", Scenario::read(name)?.sentence)?;
        let tools = netcheck_lab::world::probe::tools()?;
        let roots = |file: &str| Path::new(FILES).join(file);
        let status = ends_with_parent(&std::env::current_exe()?)
            .args(["run", name, "--"])
            .arg(tools.join("netcheck"))
            .args([Path::new("check"), Path::new("--tools"), &tools])
            .args([
                Path::new("--public-roots"),
                &roots("roots.pem"),
                Path::new("--apple-roots"),
                &roots("apple.pem"),
            ])
            .args([Path::new("--output"), &roots("netcheck.jsonl")])
            .status()?;
        if status.code() != Some(expected) {
            worst = ExitCode::FAILURE;
        }
    }
    Ok(worst)
}

/// Runs a scenario's probes and prints what they found, for the matrix to read.
fn probe(name: &str) -> io::Result<ExitCode> {
    let scenario = Scenario::read(name)?;
    if !isolated() {
        return Err(isolate());
    }
    let found = netcheck_lab::world::probe::run(&scenario)?;
    serde_json::to_writer(io::stdout(), &found)?;
    Ok(ExitCode::SUCCESS)
}

fn number(text: &str) -> io::Result<u64> {
    text.parse().map_err(|_| io::Error::other(format!("{text} is no number")))
}

/// Draws filters at random, and scores what `--prove filter` finds: 90 % recovered, none wrong.
fn filters(seed: u64, count: usize) -> io::Result<ExitCode> {
    let (recovered, wrong) = netcheck_lab::filters::run(seed, count, &mut io::stdout())?;
    Ok(if wrong == 0 && recovered * 10 >= count * 9 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Sends a browser's ClientHellos over networks that are hard on them and lose none for its size.
fn hellos(runs: &str) -> io::Result<ExitCode> {
    let runs = usize::try_from(number(runs)?).unwrap_or(usize::MAX);
    let rows = netcheck_lab::hellos::run(runs, |row| write!(io::stdout(), "{}", row.markdown()))?;
    let right = rows.iter().all(|row| row.targets > 0 && row.false_alarms.is_empty());
    Ok(if right { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs the product once in a scenario's world and prints its records, for a series to read.
fn check(name: &str) -> io::Result<ExitCode> {
    let scenario = Scenario::read(name)?;
    if !isolated() {
        return Err(isolate());
    }
    let status = netcheck_lab::world::series::check(&scenario)?;
    Ok(ExitCode::from(u8::try_from(status.code().unwrap_or(101)).unwrap_or(101)))
}

/// Runs the product that often in a scenario's world: it must never be sure of a cause that does not hold.
fn series(name: &str, runs: &str) -> io::Result<ExitCode> {
    let runs = runs.parse().map_err(|_| io::Error::other(format!("not understood\n{USAGE}")))?;
    let series = Series::run(name, runs)?;
    write!(io::stdout(), "{}", series.row())?;
    Ok(if series.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Captures the browser's ClientHellos and the tools', and holds them against each other.
fn browser_hello(file: Option<&str>) -> io::Result<ExitCode> {
    if !isolated() {
        return Err(isolate());
    }
    let found = Comparison::capture(&netcheck_lab::world::probe::tools()?)?;
    let date = Command::new("date").args(["-u", "+%Y-%m-%d"]).output()?;
    let page = found.markdown(String::from_utf8_lossy(&date.stdout).trim());
    match file {
        Some(file) => std::fs::write(file, page)?,
        None => write!(io::stdout(), "{page}")?,
    }
    let faults = found.faults();
    for fault in &faults {
        writeln!(io::stderr(), "netcheck-lab: {fault}")?;
    }
    Ok(if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Every probe of every scenario: verdict, failure and cause of single targets.
fn matrix(options: &[&str]) -> io::Result<ExitCode> {
    let (names, file) = selection(options)?;
    let matrix = Matrix::run(&names, &Mutex::new(io::stdout()))?;
    writeln!(io::stdout(), "{}", matrix.summary())?;
    if let Some(file) = file {
        replace_section(file, "matrix", &matrix.markdown())?;
    }
    Ok(if matrix.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The matrix on systems that do not tell something: each sense alone, and all of them.
fn blind(options: &[&str]) -> io::Result<ExitCode> {
    let (mut senses, mut others) = (Vec::new(), Vec::new());
    for pair in options.chunks(2) {
        match pair {
            ["--senses", named] => senses.push(*named),
            other => others.extend(other),
        }
    }
    let (names, file) = selection(&others)?;
    if senses.is_empty() {
        senses.extend(SENSES);
    }
    let (mut table, mut holds) = (String::from(BLIND_HEAD), true);
    for senses in senses {
        let matrix = Matrix::run_blind(&names, senses, &Mutex::new(io::sink()))?;
        let row = matrix.blind_markdown(senses);
        write!(io::stdout(), "{row}")?;
        for line in matrix.unfounded() {
            writeln!(io::stdout(), "  {line}")?;
        }
        holds &= matrix.holds_blind();
        table += &row;
    }
    if let Some(file) = file {
        replace_section(file, "blind", &table)?;
    }
    Ok(if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The whole product in every scenario: findings and requests.
fn answers(options: &[&str]) -> io::Result<ExitCode> {
    let (names, file) = selection(options)?;
    let table = ProductTable::run(&names, &Mutex::new(io::stdout()))?;
    writeln!(io::stdout(), "{}", table.summary())?;
    if let Some(file) = file {
        replace_section(file, "answers", &table.markdown())?;
    }
    Ok(if table.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The scenarios that are asked for, all unless some are named, and the page that is written.
fn selection<'a>(options: &[&'a str]) -> io::Result<(Vec<String>, Option<&'a str>)> {
    let (mut names, mut file) = (Vec::new(), None);
    for pair in options.chunks(2) {
        match pair {
            ["--only", name] => names.push((*name).to_owned()),
            ["--write", path] => file = Some(*path),
            _ => return Err(io::Error::other(format!("not understood\n{USAGE}"))),
        }
    }
    if names.is_empty() {
        names = Scenario::names()?;
    }
    Ok((names, file))
}

/// Replaces a page's table between the markers of that name.
fn replace_section(file: &str, name: &str, table: &str) -> io::Result<()> {
    let page = std::fs::read_to_string(file)?;
    let (begin, end) = (format!("<!-- {name}: begin -->"), format!("<!-- {name}: end -->"));
    let missing = || io::Error::other(format!("the page has no {begin} … {end}"));
    let (before, rest) = page.split_once(&begin).ok_or_else(missing)?;
    let (_, after) = rest.split_once(&end).ok_or_else(missing)?;
    std::fs::write(file, format!("{before}{begin}\n{table}{end}{after}"))
}
