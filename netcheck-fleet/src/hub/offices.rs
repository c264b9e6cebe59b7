//! Offices and their plans: enrolment by one-time tokens, revocation, and the plan that offices fetch.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use netcheck_record::clock;
use serde_json::json;

use super::answer::{self, Fault};
use super::config::Role;
use super::state::Hub;
use super::store::{Enrolled, Ticket};
use crate::api::{self, Enrollment, NewToken, Token};
use crate::key;
use crate::office::Office;
use crate::plan::Envelope;

/// How long a one-time token holds, in seconds: a day.
const TOKEN: i64 = 86_400;

type Shared = State<Arc<Hub>>;

/// Makes a one-time token for an office.
pub(super) async fn token(State(hub): Shared, headers: HeaderMap, body: Bytes) -> Result<Response, Fault> {
    hub.operator(&headers, Role::Admin)?;
    let asked: NewToken =
        serde_json::from_slice(&body).map_err(|_| Fault::wrong("the office cannot be read"))?;
    let what = format!("enrol {}", asked.office);
    let operator = hub.operator_of(&headers, Role::Admin, asked.office.tenant(), &what).await?;
    let token = key::token().map_err(|why| Fault::broken(&why))?;
    let expires = clock::unix() + TOKEN;
    let ticket = Ticket { office: asked.office.clone(), expires, used: false };
    hub.store.keep_token(&key::digest(token.as_bytes()), &ticket).await.map_err(|why| Fault::broken(&why))?;
    let entry = json!({ "at": clock::timestamp(), "who": operator.name, "what": what });
    hub.store.audit(asked.office.tenant(), &entry).await;
    Ok(answer::json(&Token { token, expires }))
}

/// Enrols an office by its one-time token.
pub(super) async fn enroll(State(hub): Shared, body: Bytes) -> Result<Response, Fault> {
    let asked: Enrollment =
        serde_json::from_slice(&body).map_err(|_| Fault::wrong("the enrolment cannot be read"))?;
    let new = key::PublicKey::parse(&asked.key.to_string()).map_err(|why| Fault::wrong(&why))?;
    let taken = hub
        .store
        .take_token(&key::digest(asked.token.as_bytes()))
        .await
        .map_err(|why| Fault::broken(&why))?;
    let Some(ticket) = taken.filter(|ticket| ticket.expires > clock::unix()) else {
        return Err(Fault::forbidden("the token is unknown, was used, or has expired"));
    };
    let office = ticket.office;
    let enrolled = Enrolled { key: new, at: clock::timestamp() };
    hub.store.enroll(&office, &enrolled).await.map_err(|why| Fault::broken(&why))?;
    let entry = json!({ "at": enrolled.at, "who": office.to_string(), "what": "enrolled" });
    hub.store.audit(office.tenant(), &entry).await;
    Ok(answer::json(&api::Enrolled { office }))
}

/// Revokes an office's key.
pub(super) async fn revoke(
    State(hub): Shared,
    Path((tenant, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    hub.operator(&headers, Role::Admin)?;
    let office = Office::new(&tenant, &name).map_err(|why| Fault::wrong(&why))?;
    let what = format!("revoke {office}");
    let operator = hub.operator_of(&headers, Role::Admin, office.tenant(), &what).await?;
    hub.store.revoke(&office).await.map_err(|why| Fault::broken(&why))?;
    let entry = json!({ "at": clock::timestamp(), "who": operator.name, "what": what });
    hub.store.audit(office.tenant(), &entry).await;
    Ok(answer::json(&json!({ "revoked": office })))
}

/// The plan of the office that asks.
pub(super) async fn plan(State(hub): Shared, headers: HeaderMap, body: Bytes) -> Result<Response, Fault> {
    let office = hub.office(&headers, "GET", api::PLAN, &body).await?;
    let kept = hub.store.plan(office.tenant()).await.map_err(|why| Fault::broken(&why))?;
    let (envelope, revision) = kept.ok_or_else(|| Fault::missing("there is no plan yet"))?;
    let tag = format!("\"{revision}\"");
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let mut response = answer::bytes("application/json", if known { Vec::new() } else { envelope });
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    Ok(response.into_response())
}

/// Replaces the plan of a tenant. The hub cannot sign one; offices look at the signature themselves.
pub(super) async fn replace_plan(
    State(hub): Shared,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Fault> {
    hub.operator(&headers, Role::Plan)?;
    let wrong = |fault: crate::plan::Fault| Fault::wrong(fault.words());
    let plan = Envelope::read(&body).and_then(|envelope| envelope.unproven()).map_err(wrong)?;
    crate::office::check_name("tenant", &plan.tenant).map_err(|why| Fault::wrong(&why))?;
    let what = format!("plan {} of {}", plan.version, plan.tenant);
    let operator = hub.operator_of(&headers, Role::Plan, &plan.tenant, &what).await?;
    netcheck::validate_profile(&plan.profile).map_err(|why| Fault::wrong(&why))?;
    let had = hub.store.plan(&plan.tenant).await.map_err(|why| Fault::broken(&why))?;
    let had = had.and_then(|(envelope, _)| Envelope::read(&envelope).ok()?.unproven().ok());
    if had.is_some_and(|had| had.version >= plan.version) {
        return Err(Fault::wrong(crate::plan::Fault::Older.words()));
    }
    hub.store
        .keep_plan(&plan.tenant, plan.version, body.to_vec())
        .await
        .map_err(|why| Fault::broken(&why))?;
    let entry = json!({ "at": clock::timestamp(), "who": operator.name, "what": what });
    hub.store.audit(&plan.tenant, &entry).await;
    Ok(answer::json(&json!({ "plan": plan.version })))
}
