//! A run as an office sends it: a line of the agent, then the records of `netcheck check`, compressed with gzip.

use std::io::Read;

use flate2::read::GzDecoder;
use netcheck_record::escape;
use serde::{Deserialize, Serialize};

use crate::office::Office;

/// The most that a run may hold, unpacked.
pub const LARGEST: u64 = 64 << 20;

/// What the agent says of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// The office.
    pub office: Office,
    /// The agent's version.
    pub version: String,
    /// The plan that was followed.
    pub plan: u64,
    /// Whether the check came to its end within the plan's time.
    pub whole: bool,
}

/// The first line of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentLine {
    v: u8,
    /// What it says.
    pub agent: About,
}

impl AgentLine {
    /// The line of a run that this program made.
    #[must_use]
    pub fn new(office: &Office, plan: u64, whole: bool) -> Self {
        let version = env!("CARGO_PKG_VERSION").to_owned();
        AgentLine { v: 1, agent: About { office: office.clone(), version, plan, whole } }
    }

    /// The line.
    ///
    /// # Errors
    /// It cannot be written as JSON.
    pub fn text(&self) -> Result<String, String> {
        serde_json::to_string(self).map(|text| text + "\n").map_err(|why| why.to_string())
    }
}

/// A run that was unpacked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unpacked {
    /// What the agent says of it.
    pub about: About,
    /// The lines of the records.
    pub records: Vec<u8>,
}

/// Unpacks a run, within its bounds.
///
/// # Errors
/// Not gzip, too large, or without the agent's line.
pub fn unpack(bytes: &[u8]) -> Result<Unpacked, String> {
    let mut text = Vec::new();
    GzDecoder::new(bytes)
        .take(LARGEST + 1)
        .read_to_end(&mut text)
        .map_err(|why| format!("this is no run: {}", escape::line(&why.to_string(), 100)))?;
    if text.len() as u64 > LARGEST {
        return Err(format!("the run is larger than {} MB", LARGEST >> 20));
    }
    let end =
        text.iter().position(|byte| *byte == b'\n').ok_or("this is no run: it has no line of the agent")?;
    let records = text.split_off(end + 1);
    let line: AgentLine =
        serde_json::from_slice(&text).map_err(|_| "this is no run: its first line is not the agent's")?;
    let version = escape::line(&line.agent.version, 40);
    Ok(Unpacked { about: About { version, ..line.agent }, records })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn packed(text: &[u8]) -> Vec<u8> {
        let mut packed = GzEncoder::new(Vec::new(), Compression::default());
        packed.write_all(text).unwrap();
        packed.finish().unwrap()
    }

    #[test]
    fn a_run_is_unpacked_into_the_agents_line_and_the_records() {
        let line = AgentLine::new(&Office::new("acme", "zurich").unwrap(), 3, true);
        let text = [line.text().unwrap().as_bytes(), b"{\"v\":1}\n"].concat();
        let run = unpack(&packed(&text)).unwrap();
        assert_eq!((run.about, run.records), (line.agent, b"{\"v\":1}\n".to_vec()));
    }

    #[test]
    fn what_is_no_run_or_grows_without_end_is_refused() {
        for bytes in [&b"noise"[..], &packed(b""), &packed(b"no line"), &packed(b"{}\n")] {
            assert!(unpack(bytes).is_err());
        }
        let bomb = packed(&vec![b' '; usize::try_from(LARGEST).unwrap() + 1]);
        assert_eq!(unpack(&bomb), Err("the run is larger than 64 MB".to_owned()));
    }
}
