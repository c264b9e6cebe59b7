//! Requests to a hub through `netcheck-uplink`: how the network is crossed, and why it is not, is the tool's.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use netcheck_record::file;
use netcheck_record::record::Record;

use crate::key;
use crate::programs;
use crate::uplink::{Answered, Asked};

/// A record line is never longer.
const RECORD: usize = 1 << 20;

/// What a request came to.
#[derive(Debug)]
pub enum Outcome {
    /// The hub answered.
    Answered(Answered),
    /// The hub was not reached; the record says why.
    Unreached(Box<Record>),
}

/// The way to a hub.
#[derive(Clone, Debug)]
pub struct Link {
    /// Where request and answer are kept while the tool runs: a folder for this user alone.
    pub folder: PathBuf,
    /// Further arguments of the tool: `--proxy URL`.
    pub args: Vec<String>,
}

impl Link {
    /// Sends one request.
    ///
    /// # Errors
    /// The tool cannot be run, or says nothing.
    pub fn send(
        &self,
        method: &str,
        url: &str,
        headers: Vec<(String, String)>,
        body: &[u8],
    ) -> Result<Outcome, String> {
        let name = key::random::<8>()?;
        let path = |kind: &str| self.folder.join(format!("{name}.{kind}"));
        let (request, content, answer) = (path("request"), path("body"), path("answer"));
        let outcome = (|| {
            let fault = |path: &Path, why: &dyn std::fmt::Display| format!("{}: {why}", path.display());
            key::write_private(&content, body).map_err(|why| fault(&content, &why))?;
            let asked = Asked { method: method.to_owned(), headers, body: Some(content.clone()) };
            let text = serde_json::to_vec(&asked).map_err(|why| why.to_string())?;
            key::write_private(&request, &text).map_err(|why| fault(&request, &why))?;
            self.run(&request, &answer, url)
        })();
        for file in [request, content, answer] {
            let _ = fs::remove_file(file);
        }
        outcome
    }

    fn run(&self, request: &Path, answer: &Path, url: &str) -> Result<Outcome, String> {
        let mut child = programs::command("netcheck-uplink")?
            .args(["--format", "json"])
            .args(&self.args)
            .arg("--request")
            .arg(request)
            .arg("--answer")
            .arg(answer)
            .arg(url)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|why| format!("netcheck-uplink: {why}"))?;
        drop(child.stdin.take());
        let output = child.wait_with_output().map_err(|why| format!("netcheck-uplink: {why}"))?;
        if let Ok(text) = file::read(answer, u64::MAX >> 1)
            && let Ok(answered) = serde_json::from_slice(&text)
        {
            return Ok(Outcome::Answered(answered));
        }
        let line = output.stdout.get(..RECORD.min(output.stdout.len())).unwrap_or_default();
        match serde_json::from_slice(line) {
            Ok(record) => Ok(Outcome::Unreached(Box::new(record))),
            Err(_) => {
                let _ = std::io::stderr().write_all(&output.stderr);
                Err("netcheck-uplink wrote no record".to_owned())
            }
        }
    }
}
