//! One line per record (RFC 4180), for spreadsheets.

use std::collections::HashMap;
use std::fmt::Write;

use netcheck_record::record::Record;

use super::Subject;
use crate::assess;
use crate::records;

/// The names of the columns.
pub(super) const HEAD: &str = "time,requirement,status,finding,role,region,required,check,target,verdict,failure,detail,cause,who,\
    confidence,near,fix,address,local,interface,tunnel,via,microseconds\r\n";

/// Makes lines of records, with what the assessment says of each.
pub(super) struct Lines<'a> {
    subject: &'a Subject<'a>,
    /// The observation of each record, by the record's position in the input.
    observations: Vec<Option<u32>>,
    status: HashMap<&'a str, &'static str>,
    at: usize,
}

impl<'a> Lines<'a> {
    /// Lines of a subject.
    pub(super) fn of(subject: &'a Subject<'a>) -> Lines<'a> {
        let assessment = subject.assessment;
        let count = assessment.observations.iter().map(|one| one.position + 1).max().unwrap_or_default();
        let mut observations = vec![None; count as usize];
        for (at, observation) in assessment.observations.iter().enumerate() {
            observations[observation.position as usize] = u32::try_from(at).ok();
        }
        let status = assessment.report.requirements.iter();
        Lines {
            subject,
            observations,
            status: status.map(|one| (one.name.as_str(), one.status.as_str())).collect(),
            at: 0,
        }
    }

    /// The line of a record; nothing for a line that is none, or that was not judged.
    pub(super) fn line(&mut self, text: &[u8]) -> Option<String> {
        if !records::is_record(text) {
            return None;
        }
        let at = self.at;
        self.at += 1;
        let record = records::whole(text)?;
        let at = self.observations.get(at).copied().flatten()? as usize;
        let assessment = self.subject.assessment;
        let observation = &assessment.observations[at];
        let finding = assessment.membership[at]
            .map_or("", |finding| assessment.report.findings[finding as usize].id.as_str());
        let requirement = observation.labels.requirement.as_str();
        let judged = [requirement, self.status.get(requirement).copied().unwrap_or_default(), finding];
        Some(line(&record, judged))
    }
}

fn line(record: &Record, [requirement, status, finding]: [&str; 3]) -> String {
    let (failure, cause, path) = (record.failure.as_ref(), record.cause.as_ref(), record.path.as_ref());
    let of_path = |part: Option<&Option<String>>| part.and_then(Clone::clone).unwrap_or_default();
    let label = |name: &str| record.labels.as_ref().and_then(|labels| labels.text(name)).unwrap_or_default();
    let total: u64 = record.stages.iter().map(|stage| stage.us).fold(0, u64::saturating_add);
    let cells = [
        record.ts.clone(),
        requirement.to_owned(),
        status.to_owned(),
        finding.to_owned(),
        label("role"),
        label("region"),
        record.required().to_string(),
        record.check.clone(),
        record.target.clone(),
        record.verdict.as_str().to_owned(),
        failure.map(|failure| failure.code.to_string()).unwrap_or_default(),
        failure.map(|failure| failure.detail.clone()).unwrap_or_default(),
        cause.map(|cause| cause.code.as_str().to_owned()).unwrap_or_default(),
        cause.map(|cause| assess::who(cause.who).to_owned()).unwrap_or_default(),
        cause.map(|cause| assess::confidence(cause.confidence).to_owned()).unwrap_or_default(),
        cause.and_then(|cause| cause.near).map(|near| near.to_string()).unwrap_or_default(),
        cause.map(|cause| cause.fix.to_string()).unwrap_or_default(),
        of_path(path.map(|path| &path.address)),
        of_path(path.map(|path| &path.local)),
        of_path(path.map(|path| &path.interface)),
        path.and_then(|path| path.tunnel).map(|tunnel| tunnel.to_string()).unwrap_or_default(),
        path.map(|path| path.via.clone()).unwrap_or_default(),
        total.to_string(),
    ];
    let mut text = cells.iter().map(|text| cell(text)).collect::<Vec<_>>().join(",");
    let _ = write!(text, "\r\n");
    text
}

/// A cell in quotes where it needs them. A spreadsheet must not take text from the network for a formula.
pub(super) fn cell(text: &str) -> String {
    let clean = netcheck_record::escape::line(text, 4000);
    let formula = clean.starts_with(['=', '+', '-', '@']);
    let guarded = if formula { format!("'{clean}") } else { clean };
    if guarded.contains(['"', ',', '\'']) { format!("\"{}\"", guarded.replace('"', "\"\"")) } else { guarded }
}
