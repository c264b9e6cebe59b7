//! `--message`: a received message, read once: how long it took, who held it, who changed it. Its content never reaches a record.

use std::collections::HashSet;
use std::io::Read;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use netcheck_common::failure::{Code, Failure, Layer};
use netcheck_common::scheme::Scheme;
use netcheck_common::target::{Host, Target};
use netcheck_common::trace::{Stopped, Trace};

use crate::dkim_signature::{self, Verifications};
use crate::facts::{Facts, Judgement, MessageFacts};
use crate::finding::{Evidence, MessageFinding, find_all, is_too_late};
use crate::message::defects::{self, Defect, Prepared};
use crate::message::sides::Published;
use crate::message::{Analysis, LARGEST};
use crate::names::Names;
use crate::platform;

const READ: Layer = Layer::new("read", Code::InputInvalid, Code::InputInvalid, Code::InputInvalid);
const MESSAGE: Layer = Layer::new("message", Code::InputInvalid, Code::InputInvalid, Code::InputInvalid);
const DKIM: Layer = Layer::new("dkim", Code::DnsTimeout, Code::DnsUnreachable, Code::DnsUnreachable);

/// A file with a message.
#[derive(Clone, Debug)]
pub struct MessageFile {
    /// Its name among the targets.
    pub target: Target,
    /// Where it is; standard input where there is none.
    file: Option<PathBuf>,
}

/// What a message is compared with.
#[derive(Clone, Debug, Default)]
pub struct Expectation {
    /// The delay that is worth a finding, in seconds.
    pub max_delay: i64,
    /// What the sender publishes, by the flags.
    pub published: Published,
}

/// The messages that the paths name: files, the files of folders, `-` for standard input.
///
/// # Errors
/// A path that is neither, a folder without files, or `-` twice.
pub fn find(paths: &[PathBuf]) -> Result<Vec<MessageFile>, String> {
    let mut files: Vec<Option<PathBuf>> = Vec::new();
    for path in paths {
        if path.as_os_str() == "-" {
            if files.contains(&None) {
                return Err("--message -: standard input can be read once".into());
            }
            files.push(None);
        } else if path.is_dir() {
            let inside = files_of(path).map_err(|error| format!("{}: {error}", path.display()))?;
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
    Ok(files.into_iter().map(|file| name_target(scheme, file, &mut taken)).collect())
}

fn files_of(path: &Path) -> std::io::Result<Vec<PathBuf>> {
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

fn name_target(scheme: Scheme, file: Option<PathBuf>, taken: &mut HashSet<String>) -> MessageFile {
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
    MessageFile { target: Target { scheme, host: Host::Name(name), port: None, path, labels: None }, file }
}

/// Checks one message.
///
/// # Errors
/// A stage failed: it cannot be read, is no message, took so long that its links are useless, or does not tell enough.
pub async fn check(
    message: Option<&MessageFile>,
    expectation: &Expectation,
    trace: &mut Trace<Facts>,
) -> Result<(), Stopped> {
    let file = message.and_then(|message| message.file.clone());
    let net = trace.net();
    let raw = trace.stage_within(READ, net.left(), read(file)).await?;
    let bytes = raw.len();
    let prepared = Prepared::of(raw);
    let found = Analysis::of(prepared.message(), &expectation.published, &dkim_signature::signers)
        .ok_or_else(|| Failure::new(Code::InputInvalid, "the file has no header fields of a message"));
    let analysis = trace.stage(MESSAGE, async { found }).await?;
    let signatures = dkim_signature::count(&analysis.block);
    let mut facts = MessageFacts::of(&analysis, bytes, signatures);
    let mut verifications = Verifications::default();
    if signatures > 0 {
        let names = Names::of(&net);
        let work = async { Ok(dkim_signature::verify(&analysis.block, &names?).await) };
        verifications = trace.stage(DKIM, work).await?;
    }
    let mut defects = prepared.defects.clone();
    if defects.iter().any(Defect::hides_body) {
        forget_bodies(&mut verifications);
    } else if is_escaped(prepared.message(), &verifications, trace).await {
        defects.push(Defect::EscapedFrom);
    }
    facts.dkim.clone_from(&verifications.all);
    facts.incomplete = defects.iter().map(Defect::sentence).collect();
    trace.facts.message = Some(facts);
    let published = published_addresses(&expectation.published, analysis.author.as_deref());
    let evidence = Evidence {
        analysis: &analysis,
        signatures: &verifications.all,
        defects: &defects,
        published: &published,
        max_delay: expectation.max_delay,
    };
    conclude(&evidence, verifications.lost, trace)
}

/// The verdict: the findings degrade the target; what leaves the question open, or makes the link useless, stops it.
fn conclude(evidence: &Evidence<'_>, lost: Option<Failure>, trace: &mut Trace<Facts>) -> Result<(), Stopped> {
    let findings = find_all(evidence);
    let first = findings.first().map(|finding| finding.failure.clone());
    for MessageFinding { failure, cause } in findings {
        trace.degrade(failure, Some(cause));
    }
    let open = |failure: &Failure| matches!(failure.code, Code::MailIncomplete | Code::MailUndated);
    match (first, lost) {
        (Some(failure), _) if is_too_late(&evidence.analysis.route) || open(&failure) => {
            Err(trace.fail(failure))
        }
        // Nothing wrong is known and something could not be asked: that is no pass.
        (None, Some(failure)) => Err(trace.fail(failure)),
        _ => Ok(()),
    }
}

fn forget_bodies(verifications: &mut Verifications) {
    for one in verifications.all.iter_mut().filter(|one| one.result == Judgement::BodyChanged) {
        one.result = Judgement::Unknown;
        one.reason = Some("the file does not hold the body that was signed".to_owned());
    }
}

/// Whether a signature becomes valid when the escapes of a mailbox file are taken back.
async fn is_escaped(message: &[u8], verifications: &Verifications, trace: &Trace<Facts>) -> bool {
    let changed = |result: Judgement| verifications.all.iter().any(|one| one.result == result);
    if !changed(Judgement::BodyChanged) || changed(Judgement::Valid) {
        return false;
    }
    let Some(unescaped) = defects::without_escapes(message) else { return false };
    let Ok(names) = Names::of(&trace.net()) else { return false };
    let block = crate::message::field::Block::split(&unescaped);
    let again = dkim_signature::verify(&block, &names).await;
    again.all.iter().any(|one| one.result == Judgement::Valid)
}

/// The addresses the message may come from: those of the flags, else the platform's where it is the author.
fn published_addresses(published: &Published, author: Option<&str>) -> Vec<IpAddr> {
    match author {
        Some(platform::DOMAIN) if published.addresses.is_empty() => vec![platform::ADDRESS],
        _ => published.addresses.clone(),
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
