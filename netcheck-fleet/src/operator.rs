//! What operators do from their own machine: enrol offices, sign plans, look at the matrix.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;
use netcheck_record::{clock, escape, file};
use serde::Deserialize;

use crate::api::{self, NewToken, Token, url};
use crate::key::{self, SecretKey};
use crate::link::{Link, Outcome};
use crate::office::Office;
use crate::plan::Plan;
use crate::signed::Problem;
use crate::uplink::Answered;

/// The variable of the operator's token.
const TOKEN: &str = "NETCHECK_FLEET_TOKEN";

/// The hub, and the way there.
#[derive(ClapArgs, Debug)]
struct Way {
    /// The hub
    #[arg(long, value_name = "URL")]
    hub: String,
    /// File with the operator's token [default: NETCHECK_FLEET_TOKEN]
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// The way to the hub, as --proxy of the tools takes it
    #[arg(long, value_name = "PROXY")]
    proxy: Option<String>,
}

/// Make a one-time token by which an office is enrolled
///
/// The token is printed once; it holds for a day. Put it into NETCHECK_FLEET_ENROLL where the agent runs.
#[derive(ClapArgs, Debug)]
pub struct EnrollArgs {
    #[command(flatten)]
    way: Way,
    /// The key that plans are signed with, or its public half: the office will take plans of this key only
    #[arg(long, value_name = "FILE", default_value = "plan.key")]
    plan_key: PathBuf,
    /// Revoke the key of the office instead: it can report no more
    #[arg(long)]
    revoke: bool,
    /// TENANT/OFFICE
    #[arg(value_name = "OFFICE", value_parser = Office::parse)]
    office: Office,
}

/// Sign a plan and hand it to the hub
#[derive(ClapArgs, Debug)]
pub struct PlanArgs {
    #[command(flatten)]
    way: Way,
    /// The key that plans are signed with; made where there is none
    #[arg(long, value_name = "FILE", default_value = "plan.key")]
    plan_key: PathBuf,
    /// Whose offices
    #[arg(long, value_name = "TENANT")]
    tenant: String,
    /// How often each office checks, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 900, value_parser = clap::value_parser!(u64).range(10..=86_400))]
    interval: u64,
    /// The most that a run may last, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u64).range(5..=3600))]
    seconds: u64,
    /// The most that a run may send, in MB
    #[arg(long, value_name = "MB", default_value_t = 20)]
    megabytes: u64,
    /// For how many days the plan holds
    #[arg(long, value_name = "DAYS", default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=3650))]
    days: u32,
    /// The profile: a file, or the name of a built-in one
    #[arg(value_name = "PROFILE")]
    profile: String,
}

/// Show which offices work
#[derive(ClapArgs, Debug)]
pub struct StatusArgs {
    #[command(flatten)]
    way: Way,
    /// The form
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

/// Show what is broken in more than one office
#[derive(ClapArgs, Debug)]
pub struct ReportArgs {
    #[command(flatten)]
    way: Way,
    /// The form
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people
    Text,
    /// One line for each office and requirement, or for each finding
    Csv,
    /// As the hub says it
    Json,
}

/// Runs `enroll`.
///
/// # Errors
/// The hub does not do it, or is not reached.
pub fn enroll(args: &EnrollArgs) -> Result<u8, String> {
    if args.revoke {
        let path = format!("{}{}", api::OFFICES, args.office);
        args.way.ask("DELETE", &path, b"")?;
        crate::print(&format!("{} is revoked\n", args.office))?;
        return Ok(0);
    }
    let plan_key = public(&args.plan_key)?;
    let asked =
        serde_json::to_vec(&NewToken { office: args.office.clone() }).map_err(|why| why.to_string())?;
    let answer = args.way.ask("POST", api::TOKENS, &asked)?;
    let token: Token = serde_json::from_str(&answer.body).map_err(|_| "the hub's answer cannot be read")?;
    crate::print(&format!("{}.{plan_key}\n", token.token))?;
    crate::say(&format!(
        "the token enrols {} once, within a day: NETCHECK_FLEET_ENROLL=TOKEN netcheck fleet agent --hub {}",
        args.office, args.way.hub
    ));
    Ok(0)
}

/// The public half of a key: from its file, or from the file of the private one.
fn public(path: &Path) -> Result<key::PublicKey, String> {
    let text = file::text(path, 4096).map_err(|why| format!("{}: {why}", path.display()))?;
    match key::PublicKey::parse(&text) {
        Ok(key) => Ok(key),
        Err(_) => SecretKey::of_file(path).map(|key| key.public()),
    }
}

/// Runs `plan`.
///
/// # Errors
/// The profile or the key cannot be read, or the hub does not take the plan.
pub fn plan(args: &PlanArgs) -> Result<u8, String> {
    let profile = match fs::metadata(&args.profile) {
        Ok(_) => file::text(Path::new(&args.profile), 256 << 10)
            .map_err(|why| format!("{}: {why}", args.profile))?,
        Err(_) => netcheck::built_in_profile(&args.profile)
            .ok_or_else(|| format!("{}: neither a file nor a built-in profile", args.profile))?,
    };
    netcheck::validate_profile(&profile)?;
    let key = SecretKey::of_file(&args.plan_key)?;
    let now = clock::unix();
    let plan = Plan {
        tenant: args.tenant.clone(),
        // Milliseconds since 1970: a later plan has a greater number, wherever it is signed.
        version: u64::try_from(clock::since_epoch().as_millis()).unwrap_or_default(),
        expires: now.saturating_add(i64::from(args.days) * 86_400),
        interval: args.interval,
        seconds: args.seconds,
        megabytes: args.megabytes,
        profile,
    };
    let envelope = serde_json::to_vec(&plan.sign(&key)?).map_err(|why| why.to_string())?;
    args.way.ask("PUT", api::PLAN, &envelope)?;
    crate::print(&format!("plan {} of {}\n", plan.version, plan.tenant))?;
    Ok(0)
}

/// The matrix, as far as the table needs it.
#[derive(Deserialize)]
struct Matrix {
    offices: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    office: Office,
    presence: String,
    cells: Vec<Cell>,
}

#[derive(Deserialize)]
struct Cell {
    requirement: String,
    required: bool,
    status: String,
    finished: String,
}

/// Runs `status`.
///
/// # Errors
/// The hub is not reached, or does not answer.
pub fn status(args: &StatusArgs) -> Result<u8, String> {
    let answer = args.way.ask("GET", api::MATRIX, b"")?;
    let matrix: Matrix = serde_json::from_str(&answer.body).map_err(|_| "the hub's answer cannot be read")?;
    let works = |cell: &Cell| !cell.required || cell.status.starts_with("works");
    let fine = |row: &Row| row.presence == "reporting" && row.cells.iter().all(works);
    let text = match args.format {
        Format::Json => answer.body + "\n",
        Format::Csv => {
            let mut text = "office,presence,requirement,status,finished\n".to_owned();
            for row in &matrix.offices {
                for cell in &row.cells {
                    let fields = [
                        &row.office.to_string(),
                        &row.presence,
                        &cell.requirement,
                        &cell.status,
                        &cell.finished,
                    ];
                    text.push_str(&csv(fields.map(String::as_str)));
                }
            }
            text
        }
        Format::Text => {
            let mut text = String::new();
            for row in &matrix.offices {
                let bad: Vec<String> = row
                    .cells
                    .iter()
                    .filter(|cell| !works(cell))
                    .map(|cell| {
                        format!("{} {}", escape::line(&cell.requirement, 60), escape::line(&cell.status, 20))
                    })
                    .collect();
                let words = if bad.is_empty() { "works".to_owned() } else { bad.join(", ") };
                text.push_str(&format!(
                    "{:<30} {:<9} {words}\n",
                    row.office.to_string(),
                    escape::line(&row.presence, 9)
                ));
            }
            let bad = matrix.offices.iter().filter(|row| !fine(row)).count();
            text + &format!(
                "{} offices, {bad} of them do not work, are late or silent\n",
                matrix.offices.len()
            )
        }
    };
    crate::print(&text)?;
    Ok(u8::from(!matrix.offices.iter().all(fine)))
}

#[derive(Deserialize)]
struct Shared {
    findings: Vec<SharedFinding>,
}

#[derive(Deserialize)]
struct SharedFinding {
    cause: String,
    who: String,
    named: Option<String>,
    offices: Vec<Office>,
    requirements: Vec<String>,
    example: String,
}

/// Runs `report`.
///
/// # Errors
/// The hub is not reached, or does not answer.
pub fn report(args: &ReportArgs) -> Result<u8, String> {
    let answer = args.way.ask("GET", "/v1/shared", b"")?;
    let shared: Shared = serde_json::from_str(&answer.body).map_err(|_| "the hub's answer cannot be read")?;
    let names = |offices: &[Office]| offices.iter().map(Office::to_string).collect::<Vec<_>>().join(" ");
    let text = match args.format {
        Format::Json => answer.body + "\n",
        Format::Csv => {
            let mut text = "cause,who,named,offices,requirements,example\n".to_owned();
            for one in &shared.findings {
                let named = one.named.clone().unwrap_or_default();
                let (offices, needs) = (names(&one.offices), one.requirements.join(" "));
                text.push_str(&csv(
                    [&one.cause, &one.who, &named, &offices, &needs, &one.example].map(String::as_str)
                ));
            }
            text
        }
        Format::Text if shared.findings.is_empty() => {
            "Nothing is broken in more than one office.\n".to_owned()
        }
        Format::Text => {
            let mut text = String::new();
            for one in &shared.findings {
                text.push_str(&format!(
                    "{} offices: {}\n",
                    one.offices.len(),
                    escape::line(&one.example, 500)
                ));
                text.push_str(&format!("  {}\n", names(&one.offices)));
            }
            text
        }
    };
    crate::print(&text)?;
    Ok(u8::from(!shared.findings.is_empty()))
}

/// A line of CSV (RFC 4180); what a spreadsheet would take for a formula is quoted as text.
fn csv<const FIELDS: usize>(fields: [&str; FIELDS]) -> String {
    let field = |text: &str| {
        let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
        format!("\"{}{}\"", if formula { "'" } else { "" }, text.replace('"', "\"\""))
    };
    fields.map(field).join(",") + "\r\n"
}

impl Way {
    /// Asks the hub as an operator.
    fn ask(&self, method: &str, path: &str, body: &[u8]) -> Result<Answered, String> {
        let token = match &self.token_file {
            Some(path) => file::text(path, 4096).map_err(|why| format!("{}: {why}", path.display()))?,
            None => env::var(TOKEN)
                .map_err(|_| format!("give --token-file, or put the operator's token into {TOKEN}"))?,
        };
        let folder = private_folder()?;
        let args = self.proxy.iter().flat_map(|proxy| ["--proxy".to_owned(), proxy.clone()]).collect();
        let link = Link { folder: folder.clone(), args };
        let headers = vec![("authorization".to_owned(), format!("Bearer {}", token.trim()))];
        let outcome = link.send(method, &url(&self.hub, path), headers, body);
        let _ = fs::remove_dir_all(folder);
        match outcome? {
            Outcome::Answered(answer) if answer.status < 400 => Ok(answer),
            Outcome::Answered(answer) => Err(Problem::read(answer.body.as_bytes())
                .map_or_else(|| format!("the hub answers HTTP {}", answer.status), |problem| problem.error)),
            Outcome::Unreached(record) => Err(crate::words::unreached(&self.hub, &record)),
        }
    }
}

/// A new folder for this user alone.
fn private_folder() -> Result<PathBuf, String> {
    let folder = env::temp_dir().join(format!("netcheck-fleet-{}", key::random::<8>()?));
    netcheck_common::os::user::make_private_folder(&folder)
        .map_err(|why| format!("{}: {why}", folder.display()))?;
    Ok(folder)
}
