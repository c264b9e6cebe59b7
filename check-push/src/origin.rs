//! Whether an HTTP answer is the push service's own: what Apple and Google say to a sender without credentials.

use netcheck_common::cause::{Cause, Confidence, Reason, Who};
use netcheck_common::escape;
use netcheck_common::failure::{Code, Failure};
use netcheck_common::http::Answer;
use netcheck_common::target::Target;
use serde_json::Value;

use crate::service::Service;

/// What an answer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The service's own: the reason it gives for refusing us.
    Own(String),
    /// The service's own trouble, where its TLS is genuine.
    Trouble(Failure),
    /// Not the push service's.
    Foreign(Failure),
}

/// Judges the answer to a request without credentials.
#[must_use]
pub fn judge(service: Service, answer: &Answer) -> Origin {
    let status = answer.status;
    let reason = match service {
        Service::Provider => apple(answer),
        _ => google(answer),
    };
    match (status, reason) {
        (407, _) => Origin::Foreign(Failure::new(Code::HttpProxyAuth, "407: a proxy asks for credentials")),
        (429 | 500..=599, _) => {
            Origin::Trouble(Failure::new(Code::HttpStatus, format!("HTTP status {status}")))
        }
        (400..=499, Some(reason)) => Origin::Own(escape::line(&reason, 80)),
        _ => Origin::Foreign(Failure::new(Code::PushNotOrigin, foreign(service, answer))),
    }
}

/// Apple's `{"reason":"MissingProviderToken"}`; each of its answers bears an `apns-id`.
fn apple(answer: &Answer) -> Option<String> {
    answer.header("apns-id")?;
    let body: Value = serde_json::from_slice(&answer.body).ok()?;
    body.get("reason")?.as_str().map(str::to_owned)
}

/// Google's `{"error":{"code":401,"status":"UNAUTHENTICATED"}}`, whose code repeats the HTTP status.
fn google(answer: &Answer) -> Option<String> {
    let body: Value = serde_json::from_slice(&answer.body).ok()?;
    let error = body.get("error")?.as_object()?;
    let code = error.get("code").and_then(Value::as_u64);
    if code.is_some_and(|code| code != u64::from(answer.status)) {
        return None;
    }
    let status = error.get("status").and_then(Value::as_str);
    Some(status.unwrap_or("error without a status").to_owned())
}

fn foreign(service: Service, answer: &Answer) -> String {
    let expected = match service {
        Service::Provider => "403 MissingProviderToken with an apns-id",
        _ => "401 with an error in JSON",
    };
    let kind = answer.header("content-type").unwrap_or("no content type");
    format!("HTTP status {} ({}), not {expected}", answer.status, escape::line(kind, 60))
}

/// The cause of an odd answer that came through intact TLS: whatever it is, the service said it.
#[must_use]
pub fn cause(failure: &Failure, target: &Target) -> Cause {
    let host = &target.host;
    let (reason, fix) = if failure.code == Code::HttpStatus {
        (
            Reason::ServiceDown,
            format!("No change in the network: {host} reports trouble of its own; try again later."),
        )
    } else {
        (
            Reason::Unknown,
            format!("No change in the network: {host} answers, but not as a push service; check the name."),
        )
    };
    Cause::new(reason, Who::Service, fix)
        .with_confidence(Confidence::Medium)
        .with_evidence("the certificate is genuine, so nothing on the path wrote this answer")
        .with_evidence(failure.detail.clone())
}

#[cfg(test)]
#[path = "origin_tests.rs"]
mod tests;
