//! One line a record (RFC 4180), for spreadsheets.

use std::fmt::Write;

use super::Subject;
use crate::remedy;
use crate::standing;
use crate::survey::row_of;

const HEAD: &str = "time,row,role,region,required,check,target,verdict,failure,detail,cause,who,confidence,near,fix,\
    address,local,interface,tunnel,via,microseconds";

/// The lines.
pub(super) fn text(subject: &Subject) -> String {
    let mut text = format!("{HEAD}\r\n");
    for record in subject.records {
        let (failure, cause, path) = (record.failure.as_ref(), record.cause.as_ref(), record.path.as_ref());
        let of_path = |part: Option<&Option<String>>| part.and_then(Clone::clone).unwrap_or_default();
        let total: u64 = record.stages.iter().map(|stage| stage.us).fold(0, u64::saturating_add);
        let cells = [
            record.ts.clone(),
            row_of(record).to_owned(),
            standing::label(record, "role").unwrap_or_default().to_owned(),
            standing::label(record, "region").unwrap_or_default().to_owned(),
            record.required().to_string(),
            record.check.clone(),
            record.target.clone(),
            record.verdict.as_str().to_owned(),
            failure.map(|failure| failure.code.to_string()).unwrap_or_default(),
            failure.map(|failure| failure.detail.clone()).unwrap_or_default(),
            cause.map(|cause| cause.code.as_str().to_owned()).unwrap_or_default(),
            cause.map(|cause| remedy::who(cause.who).to_owned()).unwrap_or_default(),
            cause.map(|cause| remedy::sure(cause.confidence).to_owned()).unwrap_or_default(),
            cause.and_then(|cause| cause.near).map(|near| near.to_string()).unwrap_or_default(),
            cause.map(|cause| cause.fix.clone()).unwrap_or_default(),
            of_path(path.map(|path| &path.address)),
            of_path(path.map(|path| &path.local)),
            of_path(path.map(|path| &path.interface)),
            path.and_then(|path| path.tunnel).map(|tunnel| tunnel.to_string()).unwrap_or_default(),
            path.map(|path| path.via.clone()).unwrap_or_default(),
            total.to_string(),
        ];
        let line = cells.iter().map(|text| cell(text)).collect::<Vec<_>>().join(",");
        let _ = write!(text, "{line}\r\n");
    }
    text
}

/// A cell in quotes where it needs them. A spreadsheet must not take text from the network for a formula.
fn cell(text: &str) -> String {
    let clean = netcheck_record::escape::line(text, 2000);
    let formula = clean.starts_with(['=', '+', '-', '@']);
    let guarded = if formula { format!("'{clean}") } else { clean };
    if guarded.contains(['"', ',', '\'']) { format!("\"{}\"", guarded.replace('"', "\"\"")) } else { guarded }
}
