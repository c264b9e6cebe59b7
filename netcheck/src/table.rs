//! The table at the end of a run: a line a row, the worst first, in 80 columns.

use std::collections::BTreeSet;
use std::fmt::Write;

use netcheck_record::record::Record;

use crate::outage::Outage;
use crate::remedy;
use crate::request;
use crate::standing::{self, Standing, State};
use crate::wrap::{self, WIDTH, cell};

/// Columns: row, verdict, how many, cause, whom to ask. The rest of the line is what to change.
const COLUMNS: [usize; 5] = [12, 12, 7, 16, 7];

/// How a table is shown.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Look {
    /// With colours.
    pub(crate) colours: bool,
}

/// What a row's line says.
pub(crate) struct Summary {
    /// The cause, or the failure.
    pub(crate) cause: String,
    /// Whom to ask.
    pub(crate) who: String,
    /// What to change.
    pub(crate) change: String,
}

/// The cause that most of the decisive records share, whom it concerns and what it asks for.
pub(crate) fn summary(standing: &Standing, outage: Option<&Outage>) -> Summary {
    if let (Some(outage), true) = (outage, standing.state > State::Degraded) {
        let change = remedy::short(outage.reason, "");
        return Summary { cause: outage.reason.as_str().into(), who: remedy::who(outage.who).into(), change };
    }
    let groups = request::groups(&standing.decisive);
    let Some(first) = groups.first() else {
        return Summary { cause: String::new(), who: String::new(), change: String::new() };
    };
    // The same cause at two places is one cause, and asks for the ports of both.
    let same: Vec<&Record> = groups
        .iter()
        .filter(|group| group.code == first.code)
        .flat_map(|group| group.records.clone())
        .collect();
    let codes: BTreeSet<&str> = groups.iter().map(|group| group.code).collect();
    let cause = match codes.len() - 1 {
        0 => first.code.to_owned(),
        more => format!("{} +{more}", first.code),
    };
    if same.iter().all(|record| standing::need_not_answer(record)) {
        return Summary { cause, who: String::new(), change: "nothing is proven".into() };
    }
    Summary {
        cause,
        who: remedy::who(first.who).to_owned(),
        change: remedy::short(first.reason, &request::ports(&same)),
    }
}

/// The table.
pub(crate) fn text(standings: &[Standing], outage: Option<&Outage>, look: Look) -> String {
    let mut out = String::new();
    let head = ["ROW", "VERDICT", "WORKS", "CAUSE", "ASK"];
    let mut line =
        head.iter().zip(COLUMNS).map(|(text, width)| cell(text, width)).collect::<Vec<_>>().join(" ");
    line.push_str(" CHANGE");
    let _ = writeln!(out, "{line}");
    let mut advisory = false;
    for standing in standings {
        if !standing.required && !advisory {
            advisory = true;
            let _ = writeln!(out, "advisory: needed in practice, not on the published list, never counted");
        }
        row(&mut out, standing, outage, look);
    }
    out
}

fn row(out: &mut String, standing: &Standing, outage: Option<&Outage>, look: Look) {
    let Summary { cause, who, change } = summary(standing, outage);
    let works = format!("{}/{}", standing.good, standing.total);
    let cells = [
        vec![cell(&standing.name, COLUMNS[0])],
        vec![cell(standing.state.as_str(), COLUMNS[1])],
        vec![works],
        broken(&cause, COLUMNS[3]),
        vec![who],
        wrap::lines(&change, WIDTH - COLUMNS.iter().sum::<usize>() - COLUMNS.len()),
    ];
    let height = cells.iter().map(Vec::len).max().unwrap_or(1);
    for at in 0..height {
        let mut line = String::new();
        for (column, texts) in cells.iter().enumerate() {
            let text = texts.get(at).map_or("", String::as_str);
            match COLUMNS.get(column) {
                Some(width) => {
                    let padded = cell(text, *width);
                    let shown =
                        if column == 1 && at == 0 { paint(standing.state, &padded, look) } else { padded };
                    let _ = write!(line, "{shown} ");
                }
                None => line.push_str(text),
            }
        }
        let _ = writeln!(out, "{}", line.trim_end());
    }
}

/// A code in lines, broken where its words end.
fn broken(code: &str, width: usize) -> Vec<String> {
    if code.len() <= width || !code.is_ascii() {
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

/// A verdict in its colour, where colours are wanted.
pub(crate) fn paint(state: State, text: &str, look: Look) -> String {
    if !look.colours {
        return text.to_owned();
    }
    let colour = match state {
        State::Pass => 32,
        State::Degraded | State::NotChecked => 33,
        State::Inconclusive => 35,
        State::Fail => 31,
    };
    format!("\x1b[{colour}m{text}\x1b[0m")
}

/// What follows the table: the sentences and the requests.
pub(crate) fn explanation(standings: &[Standing], outage: Option<&Outage>) -> String {
    let mut out = String::new();
    if let Some(outage) = outage {
        out.push('\n');
        out.push_str(&wrap::hanging("", &outage.sentence));
        out.push_str(&wrap::hanging("  → ", &outage.request));
        return out;
    }
    for standing in standings {
        let sentences = request::sentences(standing);
        if sentences.is_empty() && standing.notes.is_empty() {
            continue;
        }
        out.push('\n');
        for sentence in &sentences {
            out.push_str(&wrap::hanging("", sentence));
        }
        if sentences.is_empty() {
            out.push_str(&wrap::hanging("", &format!("{}: {}.", standing.name, standing.state.as_str())));
        }
        if !sentences.is_empty() {
            for (host, fates) in request::port_fates(standing) {
                out.push_str(&wrap::hanging("  ", &format!("{host}: {fates}")));
            }
        }
        for note in &standing.notes {
            out.push_str(&wrap::hanging("  note: ", note));
        }
    }
    for (who, lines) in request::requests(standings) {
        let _ = writeln!(out, "\n{}:", remedy::addressee(who));
        for line in &lines {
            out.push_str(&wrap::hanging("  - ", &format!("{} [{}]", line.fix, line.rows.join(", "))));
        }
        for (row, permits) in request::in_full(who, &lines, standings) {
            out.push_str(&wrap::hanging("    ", &format!("{row} in full: {permits}")));
        }
    }
    out
}

#[cfg(test)]
mod tests;
