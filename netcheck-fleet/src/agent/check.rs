//! One run of an office: `netcheck check` with the plan's profile, packed into the outbox.

use std::fs;
use std::io::Write;
use std::process::Stdio;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use netcheck_record::{clock, file};

use super::state::State;
use crate::office::Office;
use crate::outbox;
use crate::programs;
use crate::run::AgentLine;

/// The most records that one run may hold, in bytes.
const LARGEST: u64 = 64 << 20;
/// How long a run that took too long may take to write down what it has.
const LAST: Duration = Duration::from_secs(5);

/// Checks once, and puts the run into the outbox.
///
/// # Errors
/// There is no plan in force, the check could not be run, or the outbox cannot be written.
pub(super) fn run(state: &mut State) -> Result<(), String> {
    let plan = state.plan.clone().ok_or("this office has no plan yet")?;
    if plan.expires <= state.now() {
        return Err("the plan has expired: nothing is checked until there is a new one".to_owned());
    }
    let profile = state.folder.join("plan.toml");
    outbox::replace(&profile, plan.profile.as_bytes())
        .map_err(|why| format!("{}: {why}", profile.display()))?;
    let records = state.folder.join("run.jsonl");
    for old in [records.clone(), records.with_extension("jsonl.1")] {
        let _ = fs::remove_file(old);
    }
    let mut command = programs::command("netcheck")?;
    command.arg("check").arg("--profile").arg(&profile).arg("--output").arg(&records);
    if let Some(proxy) = &state.proxy {
        command.args(["--proxy", proxy]);
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    netcheck_common::os::child::prepare(&mut command);
    let mut child = command.spawn().map_err(|why| format!("netcheck check: {why}"))?;
    let reader = child.stderr.take().map(|mut stderr| {
        std::thread::spawn(move || {
            let mut text = Vec::new();
            let _ = std::io::Read::read_to_end(&mut std::io::Read::take(&mut stderr, 64 << 10), &mut text);
            // The rest is read and left, so that nobody waits for a reader.
            let _ = std::io::copy(&mut stderr, &mut std::io::sink());
            text
        })
    });
    let ended = wait(&mut child, Duration::from_secs(plan.seconds.clamp(5, 3600)));
    let said = reader.and_then(|reader| reader.join().ok()).unwrap_or_default();
    let lines = file::read(&records, LARGEST).map_err(|why| {
        let _ = std::io::stderr().write_all(&said);
        format!("netcheck check wrote no records: {why}")
    })?;
    let body = pack(&state.identity.office, plan.version, ended, &lines)?;
    state.outbox.put(&body)?;
    state.outbox.forget_old(std::time::UNIX_EPOCH + clock::since_epoch());
    Ok(())
}

/// Waits for the check's end: `false` where it had to be ended.
fn wait(child: &mut std::process::Child, most: Duration) -> bool {
    let end = clock::now() + most;
    let mut asked = false;
    loop {
        match child.try_wait() {
            Ok(Some(_)) | Err(_) => return !asked,
            Ok(None) => {}
        }
        let late = clock::now().saturating_duration_since(end);
        if clock::now() > end && !asked {
            asked = true;
            netcheck_common::os::child::ask_to_end(child);
        }
        if late > LAST {
            let _ = child.kill();
        }
        super::wait(Duration::from_millis(100));
    }
}

/// The bytes of a run: a line of the agent, then the records, compressed.
fn pack(office: &Office, plan: u64, whole: bool, records: &[u8]) -> Result<Vec<u8>, String> {
    let line = AgentLine::new(office, plan, whole).text()?;
    let fault = |why: std::io::Error| why.to_string();
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(line.as_bytes()).map_err(fault)?;
    packed.write_all(records).map_err(fault)?;
    packed.finish().map_err(fault)
}
