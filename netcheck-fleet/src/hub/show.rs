//! What operators and programs see of the board: JSON, and a stream of changes.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::answer::{self, Fault};
use super::board::{self, OfficeState, Presence};
use super::config::{Operator, Role};
use super::state::Hub;
use super::store::{CellStatus, RunStatus};
use crate::office::Office;
use crate::run;

/// The matrix.
#[derive(Debug, Serialize)]
pub(super) struct Matrix {
    v: u8,
    /// The hub's clock, in milliseconds since 1970.
    now: i64,
    offices: Vec<Row>,
}

/// One office.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    office: Office,
    presence: Presence,
    /// When the broker took its last run, in milliseconds since 1970.
    at: i64,
    run: Option<RunStatus>,
    cells: Vec<CellStatus>,
}

impl Row {
    pub(super) fn of(office: &Office, state: &OfficeState, now: i64) -> Row {
        let mut cells: Vec<CellStatus> = state.current().cloned().collect();
        if let Some(run) = &state.run {
            let place =
                |cell: &CellStatus| run.requirements.iter().position(|name| *name == cell.requirement);
            cells.sort_by_key(place);
        }
        let presence = state.presence(now);
        Row { office: office.clone(), presence, at: state.at, run: state.run.clone(), cells }
    }
}

/// Whether the hub has its broker.
pub(super) async fn health(State(hub): State<Arc<Hub>>) -> Result<Response, Fault> {
    hub.store.count().await.map_err(|why| Fault::broken(&why))?;
    Ok(answer::json(&json!({ "ok": true })))
}

/// The matrix of what the operator may see.
pub(super) async fn matrix(State(hub): State<Arc<Hub>>, headers: HeaderMap) -> Result<Response, Fault> {
    let operator = hub.operator(&headers, Role::Read)?;
    Ok(answer::json(&rows(&hub, operator)))
}

fn rows(hub: &Hub, operator: &Operator) -> Matrix {
    let now = board::now();
    let board = netcheck_net::lock(&hub.board);
    let seen = board.offices.iter().filter(|(office, _)| operator.sees(office.tenant()));
    Matrix { v: 1, now, offices: seen.map(|(office, state)| Row::of(office, state, now)).collect() }
}

/// What is the matter in more than one office.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SharedFinding {
    /// The cause.
    pub(super) cause: String,
    /// Who.
    pub(super) who: String,
    /// The vendor, authority or portal that shows itself.
    pub(super) named: Option<String>,
    /// Where.
    pub(super) offices: Vec<Office>,
    /// What it stops.
    pub(super) requirements: Vec<String>,
    /// As one of the offices says it.
    pub(super) example: String,
}

/// What is broken in more than one office, the most offices first.
pub(super) async fn shared(State(hub): State<Arc<Hub>>, headers: HeaderMap) -> Result<Response, Fault> {
    let operator = hub.operator(&headers, Role::Read)?;
    let now = board::now();
    let board = netcheck_net::lock(&hub.board);
    let reporting = board
        .offices
        .iter()
        .filter(|(office, state)| operator.sees(office.tenant()) && state.presence(now) != Presence::Silent);
    Ok(answer::json(&json!({ "v": 1, "findings": across(reporting) })))
}

/// Groups the findings of offices by cause and name.
fn across<'a>(offices: impl Iterator<Item = (&'a Office, &'a OfficeState)>) -> Vec<SharedFinding> {
    let mut groups: BTreeMap<(String, String, Option<String>), SharedFinding> = BTreeMap::new();
    for (office, state) in offices {
        for finding in state.run.iter().flat_map(|run| &run.findings) {
            let key = (finding.cause.clone(), finding.who.clone(), finding.named.clone());
            let group = groups.entry(key).or_insert_with(|| SharedFinding {
                cause: finding.cause.clone(),
                who: finding.who.clone(),
                named: finding.named.clone(),
                offices: Vec::new(),
                requirements: Vec::new(),
                example: finding.summary.clone(),
            });
            if !group.offices.contains(office) {
                group.offices.push(office.clone());
            }
            for name in &finding.requirements {
                if !group.requirements.contains(name) {
                    group.requirements.push(name.clone());
                }
            }
        }
    }
    let mut shared: Vec<SharedFinding> =
        groups.into_values().filter(|group| group.offices.len() > 1).collect();
    shared.sort_by_key(|group| std::cmp::Reverse(group.offices.len()));
    shared
}

/// Changes of the board as server-sent events: each is the row of an office.
pub(super) async fn events(State(hub): State<Arc<Hub>>, headers: HeaderMap) -> Result<Response, Fault> {
    let operator = hub.operator(&headers, Role::Read)?.clone();
    let changes = hub.changes.subscribe();
    let stream =
        futures_util::stream::unfold((hub, operator, changes), |(hub, operator, mut changes)| async {
            loop {
                let event = match changes.recv().await {
                    Ok(name) => row_event(&hub, &operator, &name),
                    // This reader was too slow: it reads the whole matrix again.
                    Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => {
                        Some(Event::default().event("again"))
                    }
                    Err(tokio::sync::broadcast::error::RecvError::Closed) => return None,
                };
                if let Some(event) = event {
                    return Some((event, (hub, operator, changes)));
                }
            }
        });
    let mut response =
        Sse::new(stream.map(Ok::<_, Infallible>)).keep_alive(KeepAlive::default()).into_response();
    if let Ok(mark) = axum::http::HeaderValue::from_str("1") {
        response.headers_mut().insert(crate::uplink::HUB, mark);
    }
    Ok(response)
}

fn row_event(hub: &Hub, operator: &Operator, name: &str) -> Option<Event> {
    let office = Office::parse(name).ok().filter(|office| operator.sees(office.tenant()))?;
    let row = Row::of(&office, netcheck_net::lock(&hub.board).offices.get(&office)?, board::now());
    Some(Event::default().event("office").data(serde_json::to_string(&row).ok()?))
}

/// What was said of a requirement of an office.
pub(super) async fn history(
    State(hub): State<Arc<Hub>>,
    Path((tenant, name, requirement)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    hub.operator(&headers, Role::Read)?;
    let office = Office::new(&tenant, &name).map_err(|why| Fault::wrong(&why))?;
    hub.operator_of(&headers, Role::Read, office.tenant(), &format!("history of {office}")).await?;
    let cells = hub.store.history(&office, &requirement).await.map_err(|why| Fault::broken(&why))?;
    Ok(answer::json(&json!({ "v": 1, "office": office, "requirement": requirement, "history": cells })))
}

/// The records of a run, as JSON Lines.
pub(super) async fn records(
    State(hub): State<Arc<Hub>>,
    Path(sequence): Path<u64>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    hub.operator(&headers, Role::Read)?;
    let kept = hub.store.records(sequence).await.map_err(|why| Fault::broken(&why))?;
    let (office, packed) = kept.ok_or_else(|| Fault::missing("there is no such run any more"))?;
    hub.operator_of(&headers, Role::Read, office.tenant(), &format!("records of {office}")).await?;
    let run = run::unpack(&packed).map_err(|why| Fault::wrong(&why))?;
    Ok(answer::bytes("application/x-ndjson", run.records))
}

/// The audit of a tenant, oldest first: its last thousand entries.
pub(super) async fn audit(
    State(hub): State<Arc<Hub>>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    hub.operator(&headers, Role::Admin)?;
    crate::office::check_name("tenant", &tenant).map_err(|why| Fault::wrong(&why))?;
    hub.operator_of(&headers, Role::Admin, &tenant, &format!("audit of {tenant}")).await?;
    let entries = hub.store.audited(&tenant).await.map_err(|why| Fault::broken(&why))?;
    Ok(answer::json(&json!({ "v": 1, "tenant": tenant, "entries": entries })))
}

#[cfg(test)]
mod tests {
    use super::super::store::RunFinding;
    use super::*;

    fn state(vendor: &str) -> OfficeState {
        let finding = RunFinding {
            cause: "web_filter".to_owned(),
            who: "web gateway".to_owned(),
            named: Some(vendor.to_owned()),
            summary: "a sentence".to_owned(),
            requirements: vec!["streaming".to_owned()],
        };
        let run = RunStatus {
            run: String::new(),
            sequence: 1,
            headline: String::new(),
            finished: String::new(),
            plan: 1,
            interval: 900,
            requirements: Vec::new(),
            findings: vec![finding.clone(), finding],
            requests: Vec::new(),
        };
        OfficeState { run: Some(run), ..OfficeState::default() }
    }

    #[test]
    fn one_vendors_update_that_breaks_two_offices_is_one_finding_of_both() {
        let offices = ["bern", "genf", "zurich"].map(|name| Office::new("acme", name).unwrap());
        let states = [state("Zscaler"), state("Umbrella"), state("Zscaler")];
        let shared = across(offices.iter().zip(&states));
        assert_eq!(
            serde_json::to_value(&shared).unwrap(),
            json!([{
                "cause": "web_filter", "who": "web gateway", "named": "Zscaler",
                "offices": ["acme/bern", "acme/zurich"], "requirements": ["streaming"], "example": "a sentence",
            }])
        );
    }
}
