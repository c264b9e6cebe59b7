//! Runs: stored as they came, judged, and their statuses stored; only then the office hears that it may forget them.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use netcheck_record::{clock, escape};
use serde_json::json;

use super::answer::{self, Fault};
use super::report;
use super::state::Hub;
use crate::api::{self, Lost, Stored};
use crate::office::Office;
use crate::outbox;
use crate::plan::{Envelope, Plan};
use crate::run;

/// Takes a run. It may come twice: it is stored once.
pub(super) async fn take(
    State(hub): State<Arc<Hub>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Fault> {
    if body.len() as u64 > outbox::LARGEST {
        return Err(Fault::too_large());
    }
    let office = hub.office(&headers, "PUT", &format!("{}{id}", api::RUNS), &body).await?;
    check_id(&office, &id)?;
    let packed = body.clone();
    let unpacked = blocking(move || run::unpack(&packed)).await?.map_err(|why| Fault::wrong(&why))?;
    if unpacked.about.office != office {
        return Err(Fault::wrong("the run is another office's"));
    }
    let plan = plan(&hub, &office, unpacked.about.plan).await?;
    let name = id.clone();
    let judged = blocking(move || report::judge(&name, &unpacked, &plan)).await?;
    let (mut whole, cells) = judged.map_err(|why| Fault::wrong(&why))?;
    let broken = |why: String| Fault::broken(&why);
    let sequence = hub.store.run(&office, &id, body.to_vec()).await.map_err(broken)?;
    for mut cell in cells {
        cell.sequence = sequence;
        hub.store.cell(&office, &cell).await.map_err(broken)?;
    }
    whole.sequence = sequence;
    hub.store.whole(&office, &whole).await.map_err(broken)?;
    Ok(answer::json(&Stored { stored: id, again: Vec::new() }))
}

/// Takes the names of runs that an office had to refuse.
pub(super) async fn refused(
    State(hub): State<Arc<Hub>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Fault> {
    let office = hub.office(&headers, "POST", api::REFUSED, &body).await?;
    let lost: Lost = serde_json::from_slice(&body).map_err(|_| Fault::wrong("the names cannot be read"))?;
    let names: Vec<String> = lost.refused.iter().map(|one| escape::line(&one.id, 100)).collect();
    let entry = json!({
        "at": clock::timestamp(), "who": office.to_string(), "what": "runs refused: the outbox was full", "runs": names,
    });
    hub.store.audit(office.tenant(), &entry).await;
    Ok(answer::json(&json!({ "known": names.len() })))
}

/// An id is `office-series-number`: no office names a run like another's.
fn check_id(office: &Office, id: &str) -> Result<(), Fault> {
    let digits = |text: &str, most: usize| !text.is_empty() && text.len() <= most;
    let fits = || {
        let rest = id.strip_prefix(office.name())?.strip_prefix('-')?;
        let (series, number) = rest.split_once('-')?;
        let series = digits(series, 16) && series.bytes().all(|byte| byte.is_ascii_hexdigit());
        Some(series && digits(number, 18) && number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    fits()
        .filter(|fits| *fits)
        .map(drop)
        .ok_or_else(|| Fault::wrong("the run's id is not one of this office's"))
}

/// The plan that a run followed.
async fn plan(hub: &Hub, office: &Office, version: u64) -> Result<Plan, Fault> {
    let kept = hub.store.plan_of(office.tenant(), version).await.map_err(|why| Fault::broken(&why))?;
    let read = |bytes: Vec<u8>| Envelope::read(&bytes).ok()?.unproven().ok();
    kept.and_then(read).ok_or_else(|| Fault::wrong("the run follows a plan that this hub never had"))
}

/// Work that takes the processor for a while.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Fault> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Fault::wrong("the run cannot be read"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_belongs_to_the_office_that_sends_it() {
        let office = Office::new("acme", "zurich").unwrap();
        assert!(check_id(&office, "zurich-00ff00ff00ff00ff-12").is_ok());
        for id in [
            "",
            "zurich-1",
            "geneva-00ff-1",
            "zurich-00fg-1",
            "zurich-00ff-x",
            "zurich-00ff-1-2",
            "zurich--1",
        ] {
            assert!(check_id(&office, id).is_err(), "{id}");
        }
    }
}
