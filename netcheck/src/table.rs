//! The table at the end of a run: one line per requirement, the worst first, as wide as the terminal.

use std::fmt::Write;

use crate::assess::{self, Finding, Report, Requirement, Status};
use crate::wrap::{self, cell};

/// The narrowest terminal that shows cause and addressee besides what to change.
const WIDE: usize = 78;
/// What to change needs at least so much room.
const CHANGE: usize = 13;

/// How a table is shown.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Look {
    /// With colours.
    pub(crate) colours: bool,
}

/// The table.
pub(crate) fn text(report: &Report, look: Look) -> String {
    let longest = report.requirements.iter().map(|one| one.name.chars().count()).max().unwrap_or(0);
    let columns = Columns::fit(longest, wrap::width());
    let mut out = String::new();
    let head = ["REQUIREMENT", "STATUS", "WORKS", "CAUSE", "ASK", "CHANGE"];
    columns.line(&mut out, &head.map(|text| vec![text.to_owned()]), |_, text| text.to_owned());
    let mut advisory = false;
    for requirement in &report.requirements {
        if !requirement.required && !advisory {
            advisory = true;
            let line = "advisory: needed in practice, not on the published list, never counted";
            out.push_str(&wrap::hanging("", line));
        }
        row(&mut out, &columns, requirement, report, look);
    }
    out
}

/// The widths of the columns; absent ones are not shown.
struct Columns {
    widths: [Option<usize>; 6],
}

impl Columns {
    fn fit(longest: usize, width: usize) -> Columns {
        let name = longest.clamp(11, 24);
        let (status, works) = (17, 7);
        let mut left = width.saturating_sub(name + status + works + 3);
        let (mut cause, mut ask) = (None, None);
        if width >= WIDE && left >= 17 + 8 + CHANGE {
            (cause, ask) = (Some(17), Some(8));
            left -= 17 + 8 + 2;
        }
        let change = (left >= CHANGE).then_some(left);
        Columns { widths: [Some(name), Some(status), Some(works), cause, ask, change] }
    }

    fn line(&self, out: &mut String, cells: &[Vec<String>; 6], paint: impl Fn(usize, &str) -> String) {
        let shown = || (0..6).filter_map(|column| Some((column, self.widths[column]?)));
        let height = shown().map(|(column, _)| cells[column].len()).max().unwrap_or(1);
        for at in 0..height {
            let mut line = String::new();
            for (column, width) in shown() {
                let text = cells[column].get(at).map_or("", String::as_str);
                let padded = cell(text, width);
                let _ = write!(line, "{} ", if at == 0 { paint(column, &padded) } else { padded.clone() });
            }
            let _ = writeln!(out, "{}", line.trim_end());
        }
    }
}

fn row(out: &mut String, columns: &Columns, requirement: &Requirement, report: &Report, look: Look) {
    let Summary { cause, who, change } = summary(requirement, report);
    let good = requirement.targets.passed + requirement.targets.degraded;
    let cells = [
        vec![requirement.name.clone()],
        vec![requirement.status.as_str().to_owned()],
        vec![format!("{good}/{}", requirement.targets.planned)],
        broken(&cause, columns.widths[3].unwrap_or(17)),
        vec![who],
        wrap::lines(&change, columns.widths[5].unwrap_or(CHANGE)),
    ];
    columns.line(out, &cells, |column, text| match column {
        1 => coloured(requirement.status, text, look),
        _ => text.to_owned(),
    });
}

/// What a requirement's line says.
struct Summary {
    cause: String,
    who: String,
    change: String,
}

/// The finding that matters most to a requirement, whom it concerns and what it asks for.
fn summary(requirement: &Requirement, report: &Report) -> Summary {
    let nothing = || Summary { cause: String::new(), who: String::new(), change: String::new() };
    if requirement.status == Status::Works {
        return nothing();
    }
    let findings: Vec<&Finding> = requirement.findings.iter().filter_map(|id| report.finding(id)).collect();
    let Some(first) =
        findings.iter().find(|finding| finding.required || !requirement.required).or(findings.first())
    else {
        let change = requirement.limits.first().cloned().unwrap_or_default();
        return Summary { change, ..nothing() };
    };
    let code = match (first.cause, first.names.code) {
        (netcheck_record::cause::Reason::Unknown, Some(code)) => code.as_str(),
        (reason, _) => reason.as_str(),
    };
    let cause = match findings.len() - 1 {
        0 => code.to_owned(),
        more => format!("{code} +{more}"),
    };
    Summary { cause, who: asked(first, report), change: assess::short(first.cause, &assess::ports(first)) }
}

/// Whom the finding's request is for; without a request, whom the cause concerns.
fn asked(finding: &Finding, report: &Report) -> String {
    let request = report.requests.iter().find(|request| request.finding == finding.id);
    request.map_or_else(|| assess::who(finding.who), |request| assess::word(request.to)).to_owned()
}

/// A code in lines, broken where its words end.
fn broken(code: &str, width: usize) -> Vec<String> {
    if code.chars().count() <= width || !code.is_ascii() {
        return wrap::lines(code, width);
    }
    let (head, _) = code.split_at(width);
    match head.rfind(['_', '.', ' ']) {
        Some(at) => {
            let (head, tail) = code.split_at(at + 1);
            let mut lines = vec![head.trim_end().to_owned()];
            lines.extend(wrap::lines(tail, width));
            lines
        }
        None => wrap::lines(code, width),
    }
}

/// A status in its colour, where colours are wanted.
pub(crate) fn coloured(status: Status, text: &str, look: Look) -> String {
    if !look.colours {
        return text.to_owned();
    }
    let colour = match status {
        Status::Works => 32,
        Status::Limited => 33,
        Status::NotKnown => 35,
        Status::DoesNotWork => 31,
    };
    format!("\x1b[{colour}m{text}\x1b[0m")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_code_is_broken_where_a_word_ends() {
        assert_eq!(broken("service_misconfigured", 16), ["service_", "misconfigured"]);
        assert_eq!(broken("firewall_drop", 16), ["firewall_drop"]);
        assert_eq!(broken("tcp.host_unreachable", 16), ["tcp.host_", "unreachable"]);
    }

    #[test]
    fn every_width_from_60_to_200_has_room_for_its_columns() {
        for width in 60..=200 {
            for longest in [4, 12, 24] {
                let columns = Columns::fit(longest, width);
                let used: usize = columns.widths.iter().flatten().map(|width| width + 1).sum();
                assert!(used <= width + 1, "{used} of {width}");
            }
        }
    }
}
