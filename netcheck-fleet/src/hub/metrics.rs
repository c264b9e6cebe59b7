//! `/metrics`: few series, whatever the number of offices.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;

use super::answer::{self, Fault};
use super::board::{self, Board, Presence};
use super::config::{Operator, Role};
use super::state::Hub;

/// The metrics of what the operator may see.
pub(super) async fn show(State(hub): State<Arc<Hub>>, headers: HeaderMap) -> Result<Response, Fault> {
    let operator = hub.operator(&headers, Role::Read)?;
    let text = text(&netcheck_net::lock(&hub.board), operator, board::now());
    Ok(answer::bytes("text/plain; version=0.0.4; charset=utf-8", text.into_bytes()))
}

fn text(board: &Board, operator: &Operator, now: i64) -> String {
    let mut offices: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    let mut cells: BTreeMap<(&str, &str, &str), u64> = BTreeMap::new();
    for (office, state) in board.offices.iter().filter(|(office, _)| operator.sees(office.tenant())) {
        let presence = state.presence(now);
        let word = match presence {
            Presence::Reporting => "reporting",
            Presence::Late => "late",
            Presence::Silent => "silent",
        };
        *offices.entry((office.tenant(), word)).or_default() += 1;
        for cell in state.current() {
            // What an office that fell silent said last says nothing of now.
            let status = if presence == Presence::Silent { "silent" } else { &cell.status };
            *cells.entry((office.tenant(), &cell.requirement, status)).or_default() += 1;
        }
    }
    let mut text = String::new();
    text.push_str("# HELP netcheck_fleet_offices Offices by whether they report.\n");
    text.push_str("# TYPE netcheck_fleet_offices gauge\n");
    for ((tenant, presence), count) in offices {
        let _ =
            writeln!(text, "netcheck_fleet_offices{{tenant=\"{tenant}\",presence=\"{presence}\"}} {count}");
    }
    text.push_str("# HELP netcheck_fleet_requirement_offices Offices by the status of a requirement.\n");
    text.push_str("# TYPE netcheck_fleet_requirement_offices gauge\n");
    for ((tenant, requirement, status), count) in cells {
        let _ = writeln!(
            text,
            "netcheck_fleet_requirement_offices{{tenant=\"{tenant}\",requirement=\"{}\",status=\"{}\"}} {count}",
            escaped(requirement),
            escaped(status)
        );
    }
    text
}

/// A label's value in the exposition format.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
