//! The interface that each row leaves through: which destinations a VPN carries, and which it does not.

use std::collections::BTreeSet;

use netcheck_record::record::Record;

use crate::standing::{Standing, State};
use crate::survey::Survey;
use crate::wrap::{self, cell};

/// The interfaces of a row's records; tunnels are marked.
fn of(standing: &Standing) -> BTreeSet<String> {
    let name = |record: &&Record| {
        let path = record.path.as_ref()?;
        let interface = netcheck_record::escape::line(path.interface.as_deref()?, 20);
        Some(if path.tunnel == Some(true) { format!("{interface} (tunnel)") } else { interface })
    };
    standing.records.iter().filter_map(name).collect()
}

/// Fails the rows that leave through another interface than was expected of them.
pub(crate) fn expect(survey: &mut Survey, expected: &[(String, String)]) {
    for (row, wanted) in expected {
        let Some(standing) = survey.standings.iter_mut().find(|standing| standing.name == *row) else {
            continue;
        };
        let stray: Vec<String> = of(standing)
            .into_iter()
            .filter(|name| name.strip_suffix(" (tunnel)").unwrap_or(name) != wanted)
            .collect();
        if !stray.is_empty() {
            // What people notice is not the matter where it works: it works by the wrong way.
            if standing.state <= State::Degraded {
                standing.without = format!("{row} does not leave through {wanted}");
            }
            standing.state = State::Fail;
            standing.notes.push(format!("leaves through {}, expected {wanted}", stray.join(", ")));
        }
    }
    survey.sort();
}

/// The rows by interface, where there is more than one to tell apart.
pub(crate) fn table(survey: &Survey, asked: bool) -> String {
    let rows: Vec<(&str, BTreeSet<String>)> =
        survey.standings.iter().map(|standing| (standing.name.as_str(), of(standing))).collect();
    let all: BTreeSet<&String> = rows.iter().flat_map(|(_, names)| names).collect();
    let tunnel = all.iter().any(|name| name.ends_with("(tunnel)"));
    if all.len() < 2 && !tunnel && !asked {
        return String::new();
    }
    let mut text = format!("\n{} LEAVES THROUGH\n", cell("ROW", 12));
    for (row, names) in rows.iter().filter(|(_, names)| !names.is_empty()) {
        let names = names.iter().cloned().collect::<Vec<_>>().join(", ");
        text.push_str(&wrap::hanging(&format!("{} ", cell(row, 12)), &names));
    }
    text
}
