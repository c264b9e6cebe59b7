//! Who sends a request: an office, by its signature, or an operator, by a token. Everything else is refused, and every
//! refusal of a signature is in the audit.

use axum::body::Bytes;
use axum::http::HeaderMap;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use netcheck_record::{clock, escape};
use serde_json::json;

use super::answer::Fault;
use super::config::{Operator, Role};
use super::state::Hub;
use crate::key;
use crate::office::Office;
use crate::signed::{self, Refusal};

/// The most requests of one office, and of all who are refused, in a minute.
const MOST: u32 = 120;

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

impl Hub {
    fn too_often(&self, name: &str, most: u32) -> bool {
        netcheck_net::lock(&self.rates).too_often(name, most, clock::now())
    }

    /// The office that signed a request.
    ///
    /// # Errors
    /// Nobody did, or not this one; too many requests; the broker does not say.
    pub(super) async fn office(
        &self,
        headers: &HeaderMap,
        method: &str,
        path: &str,
        body: &Bytes,
    ) -> Result<Office, Fault> {
        let (claim, signature) = signed::claim(|name| header(headers, name))?;
        let office = claim.office.clone();
        let enrolled = self.store.office(&office).await.map_err(|why| Fault::broken(&why))?;
        let judged = match &enrolled {
            None => Err(Refusal::UnknownOffice),
            Some(known) => signed::verify(&known.key, &claim, &signature, method, path, body, clock::unix()),
        };
        // Only the office's own requests count: nobody else can use up what it may send.
        if judged.is_ok() && self.too_often(&format!("office {office}"), MOST) {
            return Err(Fault::too_often());
        }
        let judged = match judged {
            Ok(()) if self.store.first(&office, &claim.once).await.map_err(|why| Fault::broken(&why))? => {
                Ok(())
            }
            Ok(()) => Err(Refusal::Replayed),
            Err(refusal) => Err(refusal),
        };
        if let Err(refusal) = judged {
            self.note_refusal(&office, method, path, refusal).await;
            return Err(refusal.into());
        }
        Ok(office)
    }

    /// Writes a refusal into the audit; a flood of them is not written down one by one.
    async fn note_refusal(&self, office: &Office, method: &str, path: &str, refusal: Refusal) {
        if self.too_often("refusals", MOST) {
            return;
        }
        let entry = json!({
            "at": clock::timestamp(), "who": office.to_string(), "refused": refusal,
            "what": format!("{method} {}", escape::line(path, 200)),
        });
        self.store.audit(office.tenant(), &entry).await;
    }

    /// The operator whose token a request has.
    ///
    /// # Errors
    /// No token, an unknown one, or one that may not do this.
    pub(super) fn operator(&self, headers: &HeaderMap, role: Role) -> Result<&Operator, Fault> {
        let given = header(headers, "authorization").and_then(token).ok_or_else(Fault::unknown_caller)?;
        let digest = key::digest(given.as_bytes());
        let known =
            self.config.operators.iter().find(|known| known.token_sha256.eq_ignore_ascii_case(&digest));
        let Some(operator) = known else {
            return Err(if self.too_often("tokens", MOST) {
                Fault::too_often()
            } else {
                Fault::unknown_caller()
            });
        };
        if operator.role < role {
            return Err(Fault::forbidden("this token may not do that"));
        }
        Ok(operator)
    }

    /// The operator who may do this to a tenant.
    ///
    /// # Errors
    /// As [`Hub::operator`]; or another tenant's. That is in the audit.
    pub(super) async fn operator_of(
        &self,
        headers: &HeaderMap,
        role: Role,
        tenant: &str,
        what: &str,
    ) -> Result<&Operator, Fault> {
        let operator = self.operator(headers, role)?;
        if !operator.sees(tenant) {
            let entry = json!({
                "at": clock::timestamp(), "who": operator.name, "refused": "another_tenant", "what": what,
            });
            let own = operator.tenant.clone().unwrap_or_default();
            self.store.audit(&own, &entry).await;
            return Err(Fault::forbidden("this token is for another tenant"));
        }
        Ok(operator)
    }
}

impl Operator {
    /// Whether it sees the offices of a tenant.
    pub(super) fn sees(&self, tenant: &str) -> bool {
        self.tenant.as_deref().is_none_or(|own| own == tenant)
    }
}

/// The token of an `Authorization` header: a bearer's, or a browser's password.
fn token(value: &str) -> Option<String> {
    let (scheme, rest) = value.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.trim().to_owned());
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(STANDARD.decode(rest.trim()).ok()?).ok()?;
    pair.split_once(':').map(|(_, password)| password.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_comes_from_a_program_or_from_a_browsers_dialogue() {
        assert_eq!(token("Bearer secret"), Some("secret".to_owned()));
        let basic = format!("Basic {}", STANDARD.encode("anna:secret"));
        assert_eq!(token(&basic), Some("secret".to_owned()));
        for value in ["", "Bearer", "Digest x", "Basic !", &format!("Basic {}", STANDARD.encode("secret"))] {
            assert_eq!(token(value), None, "{value}");
        }
    }
}
