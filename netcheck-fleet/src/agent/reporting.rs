//! What an agent and a hub tell each other: enrolment, the plan, the runs.

use std::env;

use netcheck_record::{clock, file};

use super::state::{Identity, State, TOKEN};
use crate::api::{self, Enrolled, Enrollment, Lost, Stored, url};
use crate::key::{PublicKey, SecretKey};
use crate::link::{Link, Outcome};
use crate::outbox::{self, Refused};
use crate::plan::Envelope;
use crate::signed::{self, Problem, Refusal};
use crate::uplink::Answered;

/// Enrols a new agent by the token in the environment: the hub's half, a dot, and the key of whoever writes plans.
///
/// # Errors
/// No token, no hub, or a hub that does not take it.
pub(super) fn enroll(link: &Link, key: &SecretKey, hubs: &[String]) -> Result<Identity, String> {
    let given = env::var(TOKEN).map_err(|_| {
        format!("this agent is not enrolled: put the token that `netcheck fleet enroll` printed into {TOKEN}")
    })?;
    let (token, plan_key) =
        given.trim().split_once('.').ok_or(format!("{TOKEN} holds no token of enrolment"))?;
    let plan_keys = vec![PublicKey::parse(plan_key)?];
    let first = hubs.first().ok_or("a new agent needs --hub URL")?;
    let body = serde_json::to_vec(&Enrollment { token: token.to_owned(), key: key.public() })
        .map_err(|why| why.to_string())?;
    match link.send("POST", &url(first, api::ENROLL), Vec::new(), &body)? {
        Outcome::Answered(answer) if answer.status == 200 => {
            let enrolled: Enrolled = serde_json::from_str(&answer.body)
                .map_err(|_| "the hub's answer to the enrolment cannot be read")?;
            Ok(Identity { office: enrolled.office, hubs: hubs.to_vec(), plan_keys })
        }
        Outcome::Answered(answer) => Err(format!("the hub does not enrol this agent: {}", said(&answer))),
        Outcome::Unreached(record) => Err(crate::words::unreached(first, &record)),
    }
}

/// Asks for the plan, and keeps it where it is acceptable. What is wrong is written down.
///
/// # Errors
/// There is no acceptable plan, new or kept.
pub(super) fn fetch_plan(state: &mut State) -> Result<(), String> {
    let asked = ask(state, "GET", api::PLAN, &[]);
    let outcome = match asked {
        Ok(answer) if answer.status == 200 => take(state, &answer),
        Ok(answer) if answer.status == 304 => Ok(()),
        Ok(answer) => Err(format!("the hub gives no plan: {}", said(&answer))),
        Err(why) => Err(why),
    };
    state.contact.plan = outcome.as_ref().err().cloned();
    state.keep_contact();
    match (outcome, &state.plan) {
        (Err(why), None) => Err(why),
        _ => Ok(()),
    }
}

fn take(state: &mut State, answer: &Answered) -> Result<(), String> {
    let had = state.plan.as_ref().map_or(0, |plan| plan.version);
    let tenant = state.identity.office.tenant().to_owned();
    let accepted = Envelope::read(answer.body.as_bytes()).and_then(|envelope| {
        let plan = envelope.accepted(&state.identity.plan_keys, &tenant, had, state.now())?;
        Ok((envelope, plan))
    });
    let (envelope, plan) =
        accepted.map_err(|fault| format!("the hub's plan is refused: {}", fault.words()))?;
    state.keep_plan(&envelope, plan, answer.etag.as_deref())
}

/// Sends what waits, oldest first. Whether nothing waits any more.
///
/// # Errors
/// The outbox cannot be read or written, or the tool cannot be run.
pub(super) fn send(state: &mut State) -> Result<bool, String> {
    report_refused(state)?;
    for run in state.outbox.waiting()? {
        let body =
            file::read(&run.path, outbox::LARGEST).map_err(|why| format!("{}: {why}", run.path.display()))?;
        let answer = match ask(state, "PUT", &format!("{}{}", api::RUNS, run.id), &body) {
            Ok(answer) => answer,
            Err(why) => {
                crate::say(&why);
                return Ok(false);
            }
        };
        match answer.status {
            200 => {
                state.outbox.acknowledge(&run)?;
                let stored: Stored = serde_json::from_str(&answer.body).unwrap_or_default();
                state.outbox.send_again(&stored.again)?;
            }
            // It will never be taken: it is refused by name, and the next ones go on.
            400 | 413 | 422 => state.outbox.refuse(&run)?,
            _ => {
                crate::say(&format!("the hub does not take {}: {}", run.id, said(&answer)));
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// Tells the hub which runs it will never see.
fn report_refused(state: &mut State) -> Result<(), String> {
    let refused: Vec<Refused> = state.outbox.refused();
    let count = refused.len();
    if count == 0 {
        return Ok(());
    }
    let body = serde_json::to_vec(&Lost { refused }).map_err(|why| why.to_string())?;
    if ask(state, "POST", api::REFUSED, &body).is_ok_and(|answer| answer.status == 200) {
        state.outbox.refusals_are_known(count)?;
    }
    Ok(())
}

/// Sends a signed request to the hub that answered last, or to the next ones.
fn ask(state: &mut State, method: &str, path: &str, body: &[u8]) -> Result<Answered, String> {
    let count = state.identity.hubs.len();
    let mut last = "no hub is named".to_owned();
    let mut tries = 0;
    let mut corrected = false;
    while tries < count {
        let hub = state.identity.hubs.get(state.hub % count).cloned().unwrap_or_default();
        let mut headers =
            signed::headers(&state.key, &state.identity.office, state.now(), method, path, body)?;
        if let Some(etag) = state.etag.as_ref().filter(|_| path == api::PLAN) {
            headers.push(("if-none-match".to_owned(), etag.clone()));
        }
        match state.link.send(method, &url(&hub, path), headers, body)? {
            Outcome::Answered(answer) => {
                state.contact.reached = Some(clock::timestamp());
                state.contact.unreached = None;
                let problem = Problem::read(answer.body.as_bytes());
                state.contact.hub = (answer.status >= 400).then(|| said(&answer));
                if let Some(problem) =
                    problem.filter(|one| one.refused == Some(Refusal::WrongTime) && !corrected)
                {
                    // The key proves who sends; the hub's clock only says when.
                    state.contact.clock = problem.now.saturating_sub(clock::unix());
                    corrected = true;
                    continue;
                }
                if answer.status < 500 {
                    state.keep_contact();
                    return Ok(answer);
                }
                last = format!("{hub}: {}", said(&answer));
            }
            Outcome::Unreached(record) => {
                last = crate::words::unreached(&hub, &record);
                state.contact.unreached = serde_json::to_value(&*record).ok();
            }
        }
        state.hub = (state.hub + 1) % count;
        tries += 1;
    }
    state.keep_contact();
    Err(last)
}

/// What the hub says, for people.
fn said(answer: &Answered) -> String {
    let problem = Problem::read(answer.body.as_bytes());
    problem.map_or_else(|| format!("HTTP {}", answer.status), |problem| problem.error)
}
