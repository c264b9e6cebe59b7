//! Answers of the hub: each says that it is a hub's, and none may be kept or framed.

use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use netcheck_record::clock;
use serde::Serialize;

use crate::signed::{Problem, Refusal};
use crate::uplink::HUB;

/// Headers of every answer.
fn headers(kind: &'static str) -> [(HeaderName, &'static str); 5] {
    [
        (HeaderName::from_static(HUB), "1"),
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ]
}

/// JSON.
pub(super) fn json(value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(bytes) => (headers("application/json"), bytes).into_response(),
        Err(why) => Fault::broken(&why.to_string()).into_response(),
    }
}

/// Bytes of another kind.
pub(super) fn bytes(kind: &'static str, bytes: Vec<u8>) -> Response {
    (headers(kind), bytes).into_response()
}

/// Why a request is not done.
#[derive(Debug)]
pub(super) struct Fault {
    status: StatusCode,
    error: String,
    /// The signature was refused.
    pub(super) refused: Option<Refusal>,
}

impl Fault {
    /// The request is wrong.
    pub(super) fn wrong(error: &str) -> Self {
        Fault { status: StatusCode::BAD_REQUEST, error: error.to_owned(), refused: None }
    }

    /// The caller may not do this.
    pub(super) fn forbidden(error: &str) -> Self {
        Fault { status: StatusCode::FORBIDDEN, error: error.to_owned(), refused: None }
    }

    /// Nobody knows who the caller is.
    pub(super) fn unknown_caller() -> Self {
        let error = "an operator's token is wanted".to_owned();
        Fault { status: StatusCode::UNAUTHORIZED, error, refused: None }
    }

    /// There is no such thing.
    pub(super) fn missing(error: &str) -> Self {
        Fault { status: StatusCode::NOT_FOUND, error: error.to_owned(), refused: None }
    }

    /// Too many requests.
    pub(super) fn too_often() -> Self {
        let error = "too many requests: wait a minute".to_owned();
        Fault { status: StatusCode::TOO_MANY_REQUESTS, error, refused: None }
    }

    /// The request is too large.
    pub(super) fn too_large() -> Self {
        let error = "the body is larger than the hub takes".to_owned();
        Fault { status: StatusCode::PAYLOAD_TOO_LARGE, error, refused: None }
    }

    /// The broker did not keep it: try again.
    pub(super) fn broken(error: &str) -> Self {
        crate::say(error);
        let error = "the hub cannot store anything now: try again".to_owned();
        Fault { status: StatusCode::SERVICE_UNAVAILABLE, error, refused: None }
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        Fault { status: StatusCode::UNAUTHORIZED, error: refusal.words().to_owned(), refused: Some(refusal) }
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let problem = Problem { error: self.error, refused: self.refused, now: clock::unix() };
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let mut response = (self.status, headers("application/json"), body).into_response();
        if self.status == StatusCode::UNAUTHORIZED && self.refused.is_none() {
            let asks = header::HeaderValue::from_static("Basic realm=\"netcheck fleet\", charset=\"UTF-8\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, asks);
        }
        response
    }
}

/// There is nothing at this path.
pub(super) async fn nothing() -> Fault {
    Fault::missing("there is nothing at this path")
}
