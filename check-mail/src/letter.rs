//! `--message`: a received message, read once: how long it took, who held it, who changed it. Its content never reaches a record.

use std::collections::{BTreeMap, HashSet};
use std::io::Read;
use std::path::{Path, PathBuf};

use netcheck_common::failure::{Code, Failure, Layer};
use netcheck_common::scheme::Scheme;
use netcheck_common::target::{Host, Target};
use netcheck_common::trace::{Stopped, Trace};
use serde::Serialize;

use crate::check;
use crate::complaint;
use crate::message::arrival::Junk;
use crate::message::route::{Route, Skew, Step, Wait};
use crate::message::{Analysis, LARGEST};
use crate::names::Names;
use crate::seal::{self, Seal};

const READ: Layer = Layer::new("read", Code::InputInvalid, Code::InputInvalid, Code::InputInvalid);
const MESSAGE: Layer = Layer::new("message", Code::InputInvalid, Code::InputInvalid, Code::InputInvalid);
const DKIM: Layer = Layer::new("dkim", Code::DnsTimeout, Code::DnsUnreachable, Code::DnsUnreachable);
const DELAY: Layer = Layer::new("delay", Code::MailDelayed, Code::MailDelayed, Code::MailDelayed);

/// A message to be read.
#[derive(Clone, Debug)]
pub struct Letter {
    /// Its name among the targets.
    pub target: Target,
    /// Where it is; standard input where there is none.
    file: Option<PathBuf>,
}

/// What a message shows.
#[derive(Debug, Serialize)]
pub struct Facts {
    bytes: usize,
    /// The domain of its author.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    hops: usize,
    #[serde(skip_serializing_if = "is_zero")]
    undated: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    total_s: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    slowest: Option<Wait>,
    route: Vec<Step>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    clock_skew: Vec<Skew>,
    signatures: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dkim: Vec<Seal>,
    /// What the receiving gateway wrote into `Authentication-Results`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    authentication: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    authenticated_by: Option<String>,
    links: usize,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    links_rewritten: BTreeMap<&'static str, usize>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    gateways: Vec<&'static str>,
    banner: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    greylisted_s: Option<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    junk: Vec<Junk>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// The messages that the paths name: files, the files of folders, `-` for standard input.
///
/// # Errors
/// A path that is neither, a folder without files, or `-` twice.
pub fn find(paths: &[PathBuf]) -> Result<Vec<Letter>, String> {
    let mut files: Vec<Option<PathBuf>> = Vec::new();
    for path in paths {
        if path.as_os_str() == "-" {
            if files.contains(&None) {
                return Err("--message -: standard input can be read once".into());
            }
            files.push(None);
        } else if path.is_dir() {
            let inside = folder(path).map_err(|error| format!("{}: {error}", path.display()))?;
            if inside.is_empty() {
                return Err(format!("{}: no files in this folder", path.display()));
            }
            files.extend(inside.into_iter().map(Some));
        } else {
            std::fs::metadata(path).map_err(|error| format!("{}: {error}", path.display()))?;
            files.push(Some(path.clone()));
        }
    }
    let scheme = Scheme::named("message").ok_or("no scheme for messages")?;
    let mut taken = HashSet::new();
    Ok(files.into_iter().map(|file| letter(scheme, file, &mut taken)).collect())
}

fn folder(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        if entry.path().is_file() && !entry.file_name().to_string_lossy().starts_with('.') {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

fn letter(scheme: Scheme, file: Option<PathBuf>, taken: &mut HashSet<String>) -> Letter {
    let base =
        file.as_deref().and_then(Path::file_name).map_or("stdin".into(), |name| name.to_string_lossy());
    let safe = |c: char| {
        if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') { c.to_ascii_lowercase() } else { '-' }
    };
    let name: String = base.chars().take(100).map(safe).collect();
    let mut path = String::new();
    while !taken.insert(format!("{name}{path}")) {
        path = format!("?{}", taken.len() + 1);
    }
    Letter { target: Target { scheme, host: Host::Name(name), port: None, path, labels: None }, file }
}

/// Checks one message.
///
/// # Errors
/// A stage failed: it cannot be read, is no message, or took so long that its links are worth nothing.
pub async fn check(
    letter: Option<&Letter>,
    max_delay: i64,
    trace: &mut Trace<check::Facts>,
) -> Result<(), Stopped> {
    let file = letter.and_then(|letter| letter.file.clone());
    let net = trace.net();
    let raw = trace.stage_within(READ, net.left(), read(file)).await?;
    let analysis = trace
        .stage(MESSAGE, async {
            Analysis::of(&raw)
                .ok_or_else(|| Failure::new(Code::InputInvalid, "no header fields of a message"))
        })
        .await?;
    trace.facts.message = Some(Facts::of(&analysis, raw.len()));

    let delay = complaint::delay(&analysis, max_delay);
    let mut complaints = Vec::from_iter(delay.clone());
    let mut unasked = None;
    if seal::count(&analysis.block) > 0 {
        let work = async { Ok(seal::verify(&analysis.block, &Names::of(net.flags())?).await) };
        let seals = trace.stage(DKIM, work).await?;
        complaints.extend(complaint::seals(&analysis, &seals.all));
        unasked = seals.lost;
        if let Some(facts) = trace.facts.message.as_mut() {
            facts.dkim = seals.all;
        }
    } else {
        complaints.extend(complaint::seals(&analysis, &[]));
    }
    let quiet = complaints.is_empty();
    for (failure, cause) in complaints {
        trace.degrade(failure, Some(cause));
    }
    match (delay, unasked) {
        (Some((failure, _)), _) if complaint::too_late(&analysis.route, max_delay) => {
            trace.stage(DELAY, async { Err(failure) }).await
        }
        // Nothing wrong is known and something could not be asked: that is no pass.
        (_, Some(failure)) if quiet => trace.stage(DKIM, async { Err(failure) }).await,
        _ => Ok(()),
    }
}

async fn read(file: Option<PathBuf>) -> Result<Vec<u8>, Failure> {
    let work = move || {
        let mut raw = Vec::new();
        let most = LARGEST as u64 + 1;
        match file {
            Some(file) => std::fs::File::open(file)?.take(most).read_to_end(&mut raw)?,
            None => std::io::stdin().lock().take(most).read_to_end(&mut raw)?,
        };
        Ok(raw)
    };
    let read: Result<Vec<u8>, std::io::Error> =
        tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| Err(std::io::ErrorKind::Other.into()));
    match read {
        Ok(raw) if raw.len() > LARGEST => {
            Err(Failure::new(Code::InputInvalid, format!("longer than {} MiB", LARGEST >> 20)))
        }
        Ok(raw) => Ok(raw),
        Err(error) => Err(Failure::new(Code::InputInvalid, format!("cannot be read: {}", error.kind()))),
    }
}

impl Facts {
    fn of(analysis: &Analysis<'_>, bytes: usize) -> Facts {
        let Route { hops, undated, total, slowest, skewed, steps, .. } = analysis.route.clone();
        let results = analysis.results.first().cloned().unwrap_or_default();
        Facts {
            bytes,
            from: analysis.author.clone(),
            hops,
            undated,
            total_s: total,
            slowest,
            route: steps,
            clock_skew: skewed,
            signatures: seal::count(&analysis.block),
            dkim: Vec::new(),
            authentication: results.methods,
            authenticated_by: results.by,
            links: analysis.links.total,
            links_rewritten: analysis.links.rewritten.clone(),
            gateways: analysis.gateways.clone(),
            banner: analysis.banner,
            greylisted_s: analysis.greylisted,
            junk: analysis.junk.clone(),
        }
    }
}
