//! What an agent keeps: its key, who it is, its last good plan, and its outbox.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use netcheck_record::{clock, file};
use serde::{Deserialize, Serialize};

use crate::key::{PublicKey, SecretKey};
use crate::link::Link;
use crate::office::Office;
use crate::outbox::{self, Outbox};
use crate::plan::{Envelope, Plan};

use super::reporting;

/// The variable of the one-time token.
pub(super) const TOKEN: &str = "NETCHECK_FLEET_ENROLL";

/// Who an agent is, since it was enrolled.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Identity {
    /// Its office.
    pub(super) office: Office,
    /// Where it reports.
    pub(super) hubs: Vec<String>,
    /// Who may write its plan.
    pub(super) plan_keys: Vec<PublicKey>,
}

/// What happened last on the way to the hub.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct LastContact {
    /// When the hub answered last.
    pub(super) reached: Option<String>,
    /// When and why not, where that was later; the record of the check of the way there.
    pub(super) unreached: Option<serde_json::Value>,
    /// What is wrong with the plan that the hub has.
    pub(super) plan: Option<String>,
    /// What the hub said.
    pub(super) hub: Option<String>,
    /// Seconds that the hub's clock is ahead.
    pub(super) clock: i64,
}

/// The state of an agent.
pub(super) struct State {
    /// The folder of it all.
    pub(super) folder: PathBuf,
    /// Its key.
    pub(super) key: SecretKey,
    /// Who it is.
    pub(super) identity: Identity,
    /// The plan that is in force.
    pub(super) plan: Option<Plan>,
    /// The tag of the plan's envelope, for the hub.
    pub(super) etag: Option<String>,
    /// What waits.
    pub(super) outbox: Outbox,
    /// The way to the hub.
    pub(super) link: Link,
    /// The way out of the checks and to the hub.
    pub(super) proxy: Option<String>,
    /// What happened last.
    pub(super) contact: LastContact,
    /// Which hub is asked.
    pub(super) hub: usize,
    /// Held as long as this agent runs.
    _lock: File,
}

impl State {
    /// Opens the state in a folder, enrolling the agent where it is not yet.
    ///
    /// # Errors
    /// The folder cannot be used, another agent uses it, or the agent cannot be enrolled.
    pub(super) fn open(
        folder: &Path,
        hubs: &[String],
        proxy: Option<&str>,
        most: u64,
    ) -> Result<Self, String> {
        let fault = |why: io::Error| format!("{}: {why}", folder.display());
        fs::create_dir_all(folder).map_err(fault)?;
        let transfers = folder.join("transfers");
        // What another process left there is nobody's.
        let _ = fs::remove_dir_all(&transfers);
        fs::create_dir_all(&transfers).map_err(fault)?;
        let lock = File::create(folder.join("lock")).map_err(fault)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(format!("{}: another agent uses this folder", folder.display()));
            }
            Err(TryLockError::Error(why)) => return Err(fault(why)),
        }
        let key = SecretKey::of_file(&folder.join("agent.key"))?;
        let args = proxy.map(|proxy| vec!["--proxy".to_owned(), proxy.to_owned()]).unwrap_or_default();
        let link = Link { folder: transfers, args };
        let named = folder.join("agent.json");
        let mut identity: Identity = match file::read(&named, 64 << 10) {
            Ok(text) => serde_json::from_slice(&text).map_err(|why| format!("{}: {why}", named.display()))?,
            Err(why) if why.kind() == io::ErrorKind::NotFound => {
                let identity = reporting::enroll(&link, &key, hubs)?;
                write(&named, &identity)?;
                identity
            }
            Err(why) => return Err(format!("{}: {why}", named.display())),
        };
        if !hubs.is_empty() && hubs != identity.hubs {
            identity.hubs = hubs.to_vec();
            write(&named, &identity)?;
        }
        let outbox = Outbox::open(&folder.join("outbox"), &identity.office, most)?;
        let mut state = State {
            folder: folder.to_owned(),
            key,
            identity,
            plan: None,
            etag: None,
            outbox,
            link,
            proxy: proxy.map(str::to_owned),
            contact: read(&folder.join("contact.json")).unwrap_or_default(),
            hub: 0,
            _lock: lock,
        };
        state.plan = state.kept_plan();
        Ok(state)
    }

    /// The last good plan, still proven; whether it is in force is another question.
    fn kept_plan(&mut self) -> Option<Plan> {
        let envelope: Envelope = read(&self.folder.join("plan.json"))?;
        let plan = envelope.proven(&self.identity.plan_keys).ok()?;
        self.etag = file::text(&self.folder.join("plan.etag"), 256).ok();
        Some(plan)
    }

    /// Keeps a plan that was accepted.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn keep_plan(
        &mut self,
        envelope: &Envelope,
        plan: Plan,
        etag: Option<&str>,
    ) -> Result<(), String> {
        write(&self.folder.join("plan.json"), envelope)?;
        if let Some(etag) = etag {
            let path = self.folder.join("plan.etag");
            outbox::replace(&path, etag.as_bytes()).map_err(|why| format!("{}: {why}", path.display()))?;
        }
        self.etag = etag.map(str::to_owned);
        self.plan = Some(plan);
        Ok(())
    }

    /// How often it checks.
    pub(super) fn interval(&self) -> Duration {
        Duration::from_secs(self.plan.as_ref().map_or(900, |plan| plan.interval.clamp(1, 86_400)))
    }

    /// Writes down what happened last on the way to the hub.
    pub(super) fn keep_contact(&self) {
        if let Err(why) = write(&self.folder.join("contact.json"), &self.contact) {
            crate::say(&why);
        }
    }

    /// Now, by the hub's clock, in seconds since 1970.
    pub(super) fn now(&self) -> i64 {
        clock::unix().saturating_add(self.contact.clock)
    }
}

/// Reads JSON.
pub(super) fn read<T: serde::de::DeserializeOwned>(path: &Path) -> Option<T> {
    serde_json::from_slice(&file::read(path, 4 << 20).ok()?).ok()
}

/// Replaces a file of JSON.
///
/// # Errors
/// It cannot be written.
pub(super) fn write(path: &Path, value: &impl Serialize) -> Result<(), String> {
    let text = serde_json::to_vec_pretty(value).map_err(|why| why.to_string())?;
    outbox::replace(path, &text).map_err(|why| format!("{}: {why}", path.display()))
}
