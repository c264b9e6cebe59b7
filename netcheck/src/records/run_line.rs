//! The lines at the beginning and the end of a run, as the file of a run has them.

use netcheck_record::escape;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// What a run's lines say, and what is missing of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Run {
    /// What its records carry.
    pub(crate) id: String,
    /// The line at the beginning.
    pub(crate) start: Option<RunStart>,
    /// The line at the end; absent when the run was killed.
    pub(crate) end: Option<RunEnd>,
}

/// The line at the beginning of a run.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
pub(crate) struct RunStart {
    /// What its records carry.
    pub(crate) id: String,
    /// What was checked.
    #[serde(default)]
    pub(crate) profile: ProfileId,
    /// What of the profile was left out.
    #[serde(default)]
    pub(crate) chosen: Chosen,
    /// How many records the run should have.
    #[serde(default)]
    pub(crate) planned: u64,
    /// When it began.
    #[serde(default)]
    pub(crate) started: String,
    /// The machine's name.
    #[serde(default)]
    pub(crate) host: String,
    /// Program and version.
    #[serde(default)]
    pub(crate) tool: String,
    /// The flags it was started with; secrets are not among them.
    #[serde(default)]
    pub(crate) flags: Vec<String>,
    /// What the rounds of one `--watch` share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) series: Option<String>,
    /// How long a rehearsal was to last, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) seconds: Option<f64>,
}

/// The line at the end of a run.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
pub(crate) struct RunEnd {
    /// What its records carry.
    pub(crate) id: String,
    /// When it ended.
    pub(crate) finished: String,
    /// How many records were written.
    #[serde(default)]
    pub(crate) written: u64,
    /// Whether a signal ended it early.
    #[serde(default)]
    pub(crate) interrupted: bool,
}

/// Which profile a run checked.
#[derive(Clone, Debug, Default, Serialize, Deserialize, schemars::JsonSchema, PartialEq, Eq)]
pub(crate) struct ProfileId {
    /// Its name.
    #[serde(default)]
    pub(crate) name: String,
    /// Its version.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) version: String,
    /// SHA-256 of what it asks for, in hexadecimal digits.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) sha256: String,
    /// The file it was read from, where it is not built in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<String>,
}

/// What of a profile was chosen.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
pub(crate) struct Chosen {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) role: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) region: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) row: Vec<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) required_only: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) no_controls: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sample: Option<u64>,
    /// The ways out that were checked one by one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) path: Vec<String>,
}

/// A run line.
#[derive(Clone, Debug)]
pub(crate) enum RunLine {
    /// At the beginning.
    Start(Box<RunStart>),
    /// At the end.
    End(RunEnd),
}

impl RunLine {
    /// Reads the object of a run line.
    pub(crate) fn parse(raw: &RawValue) -> Option<RunLine> {
        if let Ok(mut end) = serde_json::from_str::<RunEnd>(raw.get()) {
            end.id = escape::line(&end.id, 100);
            end.finished = escape::line(&end.finished, 40);
            return Some(RunLine::End(end));
        }
        let mut start: RunStart = serde_json::from_str(raw.get()).ok()?;
        start.id = escape::line(&start.id, 100);
        let ProfileId { name, version, sha256, .. } = &mut start.profile;
        for text in [&mut start.started, &mut start.host, &mut start.tool, name, version, sha256] {
            *text = escape::line(text, 200);
        }
        Some(RunLine::Start(Box::new(start)))
    }

    /// Reads a whole line; `None` where it is no run line.
    pub(crate) fn of_text(text: &str) -> Option<RunLine> {
        #[derive(Deserialize)]
        struct Whole<'a> {
            #[serde(borrow)]
            run: &'a RawValue,
        }
        let whole: Whole = serde_json::from_str(text).ok()?;
        whole.run.get().starts_with('{').then(|| RunLine::parse(whole.run))?
    }

    /// The line as a file has it.
    pub(crate) fn json(&self) -> String {
        let run = match self {
            RunLine::Start(start) => serde_json::to_string(&**start),
            RunLine::End(end) => serde_json::to_string(end),
        };
        format!("{{\"v\":1,\"run\":{}}}", run.unwrap_or_default())
    }
}

/// A record's line with the id of its run.
pub(crate) fn with_run(line: &str, id: &str) -> String {
    match line.trim_start().strip_prefix('{') {
        Some(rest) if rest.trim_start().starts_with('}') => line.to_owned(),
        Some(rest) => match rest.strip_prefix("\"v\":1,") {
            Some(rest) => format!("{{\"v\":1,\"run\":\"{id}\",{rest}"),
            None => format!("{{\"run\":\"{id}\",{rest}"),
        },
        None => line.to_owned(),
    }
}
