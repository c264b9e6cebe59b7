//! The first request to a TURN server: an Allocate without credentials (RFC 8656 section 7).

use std::time::Duration;

use netcheck_common::failure::Failure;

use crate::session::Session;
use crate::turn_message::{Challenge, Granted, Outcome, Refusal};
use crate::wire::{Reply, Wire};

/// How a server answers an Allocate without credentials.
#[derive(Clone, Debug)]
pub enum FirstAnswer {
    /// 401 with realm and nonce: what a healthy server does.
    Challenge(Challenge),
    /// It relays for anyone.
    Granted(Granted),
    /// Another error.
    Declined(Refusal),
}

/// Asks for an allocation without credentials, and releases what an open relay grants.
pub async fn allocate<W: Wire>(wire: &mut W, bound: Duration) -> Result<Reply<FirstAnswer>, Failure> {
    let mut session = Session::new(wire, None);
    let reply = session.allocate(bound).await?;
    session.release(bound).await;
    let answer = match &reply.value {
        Outcome::Success(granted) => FirstAnswer::Granted(granted.clone()),
        Outcome::Error(Refusal { number: Some(401), challenge: Some(challenge), .. }) => {
            FirstAnswer::Challenge(challenge.clone())
        }
        Outcome::Error(refusal) => FirstAnswer::Declined(refusal.clone()),
    };
    Ok(reply.with(answer))
}
