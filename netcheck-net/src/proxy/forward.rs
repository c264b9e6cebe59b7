//! A plain HTTP request through a forwarding proxy: asked with the whole URL, answered when it asks who we are.

use serde_json::json;

use super::auth::Answered;
use super::connect;
use super::server::Proxy;
use crate::http::{Answer, Request};
use crate::net::Net;
use crate::stream::Stream;
use netcheck_record::failure::{Code, Failure};

impl Net {
    /// Sends a request through a forwarding proxy over `stream`, which is connected to it.
    ///
    /// # Errors
    /// The `proxy.*` and `http.*` codes; a 407 that cannot be answered among them.
    pub async fn forward(&self, stream: Stream, proxy: &Proxy, request: &Request) -> Result<Answer, Failure> {
        let mut tried: Vec<Answered> = Vec::new();
        let mut request = request.clone();
        request.absolute = true;
        let plain = request.headers.clone();
        let mut answer = self.request(stream, &request).await?;
        while answer.status == 407 {
            let answered = self.authorize(proxy, &answer, &mut tried).await?;
            request.headers.clone_from(&plain);
            request.headers.push(("proxy-authorization".to_owned(), answered.field));
            let stream = self.to_proxy(proxy).await?;
            answer = self.request(stream, &request).await?;
        }
        self.fact("proxy", "status", json!(answer.status));
        if is_upstream(&answer) {
            let mut failure = connect::refusal(proxy, &answer);
            failure.code = Code::ProxyUpstream;
            return Err(failure);
        }
        Ok(answer)
    }
}

/// Whether an answer is the proxy's word that it could not reach the server, and not the server's own.
fn is_upstream(answer: &Answer) -> bool {
    let squid = answer.header("x-squid-error").is_some_and(|error| !error.starts_with("ERR_ACCESS_DENIED"));
    matches!(answer.status, 502..=504) || answer.status == 500 && squid
}
