//! `netcheck fleet agent status`: what this agent did last, and whether it can report, without asking anybody.

use std::fs;
use std::io;
use std::path::Path;

use netcheck_record::record::Record;
use netcheck_record::{clock, escape};

use super::state::{self, Identity, LastContact};
use crate::outbox::Outbox;
use crate::plan::Envelope;

/// Shows it. The exit code says whether this office can report: 0 yes, 1 no.
///
/// # Errors
/// There is no agent in this folder.
pub(super) fn show(folder: &Path) -> Result<u8, String> {
    let named = folder.join("agent.json");
    let identity: Identity = match fs::metadata(&named) {
        Err(why) if why.kind() == io::ErrorKind::NotFound => {
            return Err(format!("{}: no agent was enrolled here", folder.display()));
        }
        Err(why) => return Err(format!("{}: {why}", named.display())),
        Ok(_) => state::read(&named).ok_or_else(|| format!("{}: cannot be read", named.display()))?,
    };
    let contact: LastContact = state::read(&folder.join("contact.json")).unwrap_or_default();
    let outbox = Outbox::open(&folder.join("outbox"), &identity.office, u64::MAX)?;
    let waiting = outbox.waiting()?;
    let envelope: Option<Envelope> = state::read(&folder.join("plan.json"));
    let plan = envelope.and_then(|envelope| envelope.proven(&identity.plan_keys).ok());
    let mut lines =
        vec![format!("office    {}", identity.office), format!("hubs      {}", identity.hubs.join(" "))];
    lines.push(match &plan {
        None => "plan      none".to_owned(),
        Some(plan) if plan.expires <= clock::unix() => {
            format!("plan      {} has expired: nothing is checked", plan.version)
        }
        Some(plan) => format!("plan      {}, every {} s", plan.version, plan.interval),
    });
    lines.extend(contact.plan.as_ref().map(|why| format!("          {}", escape::line(why, 300))));
    lines.push(match waiting.first() {
        None => "waiting   nothing: the hub has every run".to_owned(),
        Some(first) => format!("waiting   {} runs, from {}", waiting.len(), first.id),
    });
    let refused = outbox.refused();
    if !refused.is_empty() {
        lines.push(format!("refused   {} runs: the outbox was full", refused.len()));
    }
    let reached = contact.reached.as_deref().unwrap_or("never");
    lines.push(format!("reached   {}", escape::line(reached, 40)));
    if contact.clock.abs() > 60 {
        lines.push(format!("clock     differs from the hub's by {} s", contact.clock.abs()));
    }
    lines.extend(contact.hub.as_ref().map(|why| format!("hub says  {}", escape::line(why, 300))));
    let unreached = contact.unreached.and_then(|value| serde_json::from_value::<Record>(value).ok());
    if let Some(record) = &unreached {
        lines.push(crate::words::unreached(&record.target, record));
    }
    crate::print(&(lines.join("\n") + "\n"))?;
    Ok(u8::from(unreached.is_some() || contact.hub.is_some()))
}
