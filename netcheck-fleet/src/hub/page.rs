//! The page: one document without anything from elsewhere. It reads the matrix and follows its changes.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;

use super::answer::{self, Fault};
use super::config::Role;
use super::state::Hub;

const PAGE: &str = include_str!("page.html");
/// What the page may do: its own style and script, and ask this hub.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; base-uri 'none'";

/// The matrix as a page.
pub(super) async fn matrix(State(hub): State<Arc<Hub>>, headers: HeaderMap) -> Result<Response, Fault> {
    hub.operator(&headers, Role::Read)?;
    let mut response = answer::bytes("text/html; charset=utf-8", PAGE.as_bytes().to_vec());
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    Ok(response)
}
