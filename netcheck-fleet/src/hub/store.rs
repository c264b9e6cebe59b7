//! JetStream: runs, statuses, the audit, and the registry of offices and plans. What is said to be stored was
//! acknowledged by it.

use std::future::IntoFuture;
use std::time::Duration;

use async_nats::jetstream::consumer::{DeliverPolicy, pull};
use async_nats::jetstream::kv::{self, CreateErrorKind, UpdateErrorKind};
use async_nats::jetstream::stream::{self, Stream};
use async_nats::jetstream::{self, Context};
use async_nats::{Client, ConnectOptions, HeaderMap};
use futures_util::StreamExt;
use netcheck_common::clock;
use netcheck_record::file;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::config::Config;
use crate::office::Office;
use crate::signed;

/// The oldest broker that loses nothing that it acknowledged (docs/FLEET.md).
const OLDEST: (u32, u32) = (2, 14);
/// How long the broker may take to acknowledge; after that, another broker is asked.
const PATIENCE: Duration = Duration::from_secs(10);
/// A day, in which an id is stored once by the broker itself.
const WINDOW: Duration = Duration::from_secs(86_400);
/// The most messages of one cell that are read.
const HISTORY: usize = 5_000;
/// The most entries of the audit that are shown.
const AUDITED: usize = 1_000;
/// How long a reader of what is stored waits for the next message.
const QUIET: Duration = Duration::from_millis(500);

/// What is stored of a run's requirement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CellStatus {
    /// The run.
    pub(super) run: String,
    /// Where its records are.
    pub(super) sequence: u64,
    /// The requirement.
    pub(super) requirement: String,
    /// The role that needs it.
    pub(super) role: String,
    /// Whether the event cannot do without.
    pub(super) required: bool,
    /// `works`, `works_with_limits`, `does_not_work`, `not_known`.
    pub(super) status: String,
    /// What is the matter, a sentence each.
    pub(super) findings: Vec<String>,
    /// When the run ended.
    pub(super) finished: String,
}

/// What is stored of a run as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RunStatus {
    /// The run.
    pub(super) run: String,
    /// Where its records are.
    pub(super) sequence: u64,
    /// The headline.
    pub(super) headline: String,
    /// When the run ended.
    pub(super) finished: String,
    /// The plan that was followed.
    pub(super) plan: u64,
    /// How often the office checks, in seconds.
    pub(super) interval: u64,
    /// The requirements it judged.
    pub(super) requirements: Vec<String>,
    /// What is the matter.
    pub(super) findings: Vec<RunFinding>,
    /// What to ask of whom, as text.
    pub(super) requests: Vec<String>,
}

/// A finding of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RunFinding {
    /// The cause.
    pub(super) cause: String,
    /// Who.
    pub(super) who: String,
    /// The vendor, authority or portal that shows itself.
    pub(super) named: Option<String>,
    /// A sentence.
    pub(super) summary: String,
    /// The requirements it stops.
    pub(super) requirements: Vec<String>,
}

/// A message of the statuses' stream.
#[derive(Clone, Debug)]
pub(super) struct Told {
    /// The office.
    pub(super) office: Office,
    /// The last part of the subject: a requirement, or [`RUN`].
    pub(super) about: String,
    /// When the broker took it, in milliseconds since 1970.
    pub(super) at: i64,
    /// What it says.
    pub(super) payload: Vec<u8>,
    /// How many more there are at this moment.
    pub(super) pending: u64,
}

/// The subject's last part for a run as a whole.
pub(super) const RUN: &str = "_run";

/// An enrolled office.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Enrolled {
    /// Its key.
    pub(super) key: crate::key::PublicKey,
    /// When it was enrolled.
    pub(super) at: String,
}

/// A one-time token, by its digest.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Ticket {
    /// The office it enrols.
    pub(super) office: Office,
    /// From when on it does not hold.
    pub(super) expires: i64,
    /// It was used.
    pub(super) used: bool,
}

/// The broker.
pub(super) struct Store {
    client: Client,
    context: Context,
    runs: Stream,
    statuses: Stream,
    audits: Stream,
    registry: kv::Store,
    once: kv::Store,
}

impl Store {
    /// Connects, and makes what is missing.
    ///
    /// # Errors
    /// No broker, one that loses data, or one that does not let this hub in.
    pub(super) async fn open(config: &Config) -> Result<Self, String> {
        let mut options = ConnectOptions::new().name("netcheck fleet hub").retry_on_initial_connect();
        if let Some(path) = &config.nats_credentials {
            let text = file::text(path, 4096).map_err(|why| format!("{}: {why}", path.display()))?;
            let mut lines = text.lines();
            let (user, password) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
            options = options.user_and_password(user.to_owned(), password.to_owned());
        }
        let connecting = async { options.connect(config.nats.clone()).await };
        let client = clock::within(PATIENCE, connecting)
            .await
            .ok_or_else(|| "no broker answers".to_owned())?
            .map_err(|why| format!("the broker: {why}"))?;
        clock::within(PATIENCE, client.flush())
            .await
            .ok_or_else(|| format!("no broker answers at {}", config.nats.join(", ")))?
            .map_err(|why| format!("the broker: {why}"))?;
        new_enough(&client.server_info().version)?;
        let context = jetstream::new(client.clone());
        let age = Duration::from_secs(config.days.saturating_mul(86_400));
        let stream = |name: &str, subject: &str| stream::Config {
            name: name.to_owned(),
            subjects: vec![subject.to_owned()],
            num_replicas: config.replicas,
            max_age: age,
            duplicate_window: WINDOW.min(age),
            allow_direct: true,
            ..stream::Config::default()
        };
        let fault = |why: &dyn std::fmt::Display| format!("the broker: {why}");
        let runs = context
            .get_or_create_stream(stream("NETCHECK_RUNS", "nc.run.>"))
            .await
            .map_err(|why| fault(&why))?;
        let statuses = context
            .get_or_create_stream(stream("NETCHECK_STATUSES", "nc.status.>"))
            .await
            .map_err(|why| fault(&why))?;
        let audits = context
            .get_or_create_stream(stream("NETCHECK_AUDIT", "nc.audit.>"))
            .await
            .map_err(|why| fault(&why))?;
        let registry = bucket(&context, "netcheck", Duration::ZERO, config.replicas).await?;
        let kept = Duration::from_secs(signed::CLOCKS.unsigned_abs() * 2 + 60);
        let once = bucket(&context, "netcheck_once", kept, config.replicas).await?;
        Ok(Store { client, context, runs, statuses, audits, registry, once })
    }

    /// Stores a message under an id: a second one with that id changes nothing. Its sequence.
    ///
    /// # Errors
    /// It was not acknowledged.
    async fn publish(&self, subject: String, id: &str, payload: Vec<u8>) -> Result<u64, String> {
        let mut headers = HeaderMap::new();
        headers.insert("Nats-Msg-Id", id);
        let work = async {
            let sent = self.context.publish_with_headers(subject, headers, payload.into()).await;
            sent.map_err(|why| why.to_string())?.into_future().await.map_err(|why| why.to_string())
        };
        match clock::within(PATIENCE, work).await {
            Some(Ok(acknowledged)) => Ok(acknowledged.sequence),
            Some(Err(why)) => Err(format!("the broker does not store: {why}")),
            None => {
                // A broker that was cut off from its peers keeps its clients; another one may store.
                let _ = self.client.force_reconnect().await;
                Err("the broker does not acknowledge".to_owned())
            }
        }
    }

    /// Stores a run as it was received. Its sequence.
    ///
    /// # Errors
    /// It was not acknowledged.
    pub(super) async fn run(&self, office: &Office, id: &str, payload: Vec<u8>) -> Result<u64, String> {
        self.publish(format!("nc.run.{}.{}", office.tenant(), office.name()), id, payload).await
    }

    /// Stores what a run says of a requirement.
    ///
    /// # Errors
    /// It was not acknowledged.
    pub(super) async fn cell(&self, office: &Office, cell: &CellStatus) -> Result<(), String> {
        self.status(office, &token(&cell.requirement), &cell.run, cell).await
    }

    /// Stores what a run says as a whole.
    ///
    /// # Errors
    /// It was not acknowledged.
    pub(super) async fn whole(&self, office: &Office, run: &RunStatus) -> Result<(), String> {
        self.status(office, RUN, &run.run, run).await
    }

    async fn status(
        &self,
        office: &Office,
        about: &str,
        run: &str,
        value: &impl Serialize,
    ) -> Result<(), String> {
        let payload = serde_json::to_vec(value).map_err(|why| why.to_string())?;
        let subject = format!("nc.status.{}.{}.{about}", office.tenant(), office.name());
        self.publish(subject, &format!("{run}/{about}"), payload).await.map(drop)
    }

    /// Writes down who did what. What cannot be written is said.
    pub(super) async fn audit(&self, tenant: &str, entry: &Value) {
        let id = crate::key::random::<16>().unwrap_or_default();
        let subject = format!("nc.audit.{tenant}");
        if let Err(why) = self.publish(subject, &id, entry.to_string().into_bytes()).await {
            crate::say(&format!("not in the audit: {entry}: {why}"));
        }
    }

    /// What was written down of a tenant: the last entries, oldest first.
    ///
    /// # Errors
    /// The broker does not say.
    pub(super) async fn audited(&self, tenant: &str) -> Result<Vec<Value>, String> {
        let fault = |why: &dyn std::fmt::Display| format!("the broker: {why}");
        let subject = format!("nc.audit.{tenant}");
        let ordered = pull::OrderedConfig { filter_subject: subject, ..pull::OrderedConfig::default() };
        let consumer = self.audits.create_consumer(ordered).await.map_err(|why| fault(&why))?;
        let mut messages = consumer.messages().await.map_err(|why| fault(&why))?;
        let mut entries = std::collections::VecDeque::new();
        while let Some(Some(message)) = clock::within(QUIET, messages.next()).await {
            let message = message.map_err(|why| fault(&why))?;
            entries.extend(serde_json::from_slice::<Value>(&message.payload).ok());
            if entries.len() > AUDITED {
                entries.pop_front();
            }
            if message.info().is_ok_and(|info| info.pending == 0) {
                break;
            }
        }
        Ok(entries.into())
    }

    /// The records of a run, packed, and whose they are.
    ///
    /// # Errors
    /// The broker does not say.
    pub(super) async fn records(&self, sequence: u64) -> Result<Option<(Office, Vec<u8>)>, String> {
        match self.runs.direct_get(sequence).await {
            Ok(message) => {
                let office = office_of(&message.subject).map(|(office, _)| office);
                Ok(office.map(|office| (office, message.payload.to_vec())))
            }
            Err(why) if why.kind() == stream::DirectGetErrorKind::NotFound => Ok(None),
            Err(why) => Err(format!("the broker: {why}")),
        }
    }

    /// What was said of a requirement of an office, oldest first, each run once.
    ///
    /// # Errors
    /// The broker does not say.
    pub(super) async fn history(
        &self,
        office: &Office,
        requirement: &str,
    ) -> Result<Vec<CellStatus>, String> {
        let subject = format!("nc.status.{}.{}.{}", office.tenant(), office.name(), token(requirement));
        let mut messages = self.follow(subject, DeliverPolicy::All).await?;
        let mut seen = std::collections::HashSet::new();
        let mut cells = Vec::new();
        while let Some(Some(told)) = clock::within(QUIET, messages.next()).await {
            let told = told?;
            if let Ok(cell) = read::<CellStatus>(&told.payload)
                && seen.insert(cell.run.clone())
            {
                cells.push(cell);
            }
            if told.pending == 0 || cells.len() >= HISTORY {
                break;
            }
        }
        Ok(cells)
    }

    /// Statuses from the last one of every subject on, without end.
    ///
    /// # Errors
    /// The broker gives none.
    pub(super) async fn statuses(
        &self,
    ) -> Result<impl futures_util::Stream<Item = Result<Told, String>> + Unpin + Send + use<>, String> {
        self.follow("nc.status.>".to_owned(), DeliverPolicy::LastPerSubject).await
    }

    /// How many statuses there are.
    ///
    /// # Errors
    /// The broker does not say.
    pub(super) async fn count(&self) -> Result<u64, String> {
        let info = self.statuses.get_info().await.map_err(|why| format!("the broker: {why}"))?;
        Ok(info.state.messages)
    }

    async fn follow(
        &self,
        subject: String,
        deliver_policy: DeliverPolicy,
    ) -> Result<impl futures_util::Stream<Item = Result<Told, String>> + Unpin + Send + use<>, String> {
        let fault = |why: &dyn std::fmt::Display| format!("the broker: {why}");
        let ordered =
            pull::OrderedConfig { filter_subject: subject, deliver_policy, ..pull::OrderedConfig::default() };
        let consumer = self.statuses.create_consumer(ordered).await.map_err(|why| fault(&why))?;
        let messages = consumer.messages().await.map_err(|why| fault(&why))?;
        Ok(Box::pin(messages.filter_map(|message| async {
            let message = match message {
                Ok(message) => message,
                Err(why) => return Some(Err(format!("the broker: {why}"))),
            };
            let info = message.info().ok()?;
            let (at, pending) = (info.published.unix_timestamp_nanos() / 1_000_000, info.pending);
            let (office, about) = office_of(&message.subject)?;
            let at = i64::try_from(at).unwrap_or(i64::MAX);
            Some(Ok(Told { office, about, at, payload: message.payload.to_vec(), pending }))
        })))
    }

    /// An enrolled office.
    ///
    /// # Errors
    /// The broker does not say.
    pub(super) async fn office(&self, office: &Office) -> Result<Option<Enrolled>, String> {
        self.read(&format!("office.{}.{}", office.tenant(), office.name())).await
    }

    /// Enrols an office; its key is the new one.
    ///
    /// # Errors
    /// The broker does not store it.
    pub(super) async fn enroll(&self, office: &Office, enrolled: &Enrolled) -> Result<(), String> {
        self.write(&format!("office.{}.{}", office.tenant(), office.name()), enrolled).await
    }

    /// Revokes the key of an office.
    ///
    /// # Errors
    /// The broker does not do it.
    pub(super) async fn revoke(&self, office: &Office) -> Result<(), String> {
        let key = format!("office.{}.{}", office.tenant(), office.name());
        self.registry.delete(key).await.map_err(|why| format!("the broker: {why}"))
    }

    /// Keeps a one-time token by its digest.
    ///
    /// # Errors
    /// The broker does not store it.
    pub(super) async fn keep_token(&self, digest: &str, ticket: &Ticket) -> Result<(), String> {
        self.write(&format!("token.{digest}"), ticket).await
    }

    /// Takes a one-time token: of two who come at once, one gets it.
    ///
    /// # Errors
    /// The broker does not say.
    pub(super) async fn take_token(&self, digest: &str) -> Result<Option<Ticket>, String> {
        let key = format!("token.{digest}");
        let fault = |why: &dyn std::fmt::Display| format!("the broker: {why}");
        let Some(entry) = self.registry.entry(key.clone()).await.map_err(|why| fault(&why))? else {
            return Ok(None);
        };
        if entry.operation != kv::Operation::Put {
            return Ok(None);
        }
        let mut ticket: Ticket = read(&entry.value)?;
        if ticket.used {
            return Ok(None);
        }
        ticket.used = true;
        let value = serde_json::to_vec(&ticket).map_err(|why| why.to_string())?;
        match self.registry.update(key, value.into(), entry.revision).await {
            Ok(_) => Ok(Some(ticket)),
            Err(why) if why.kind() == UpdateErrorKind::WrongLastRevision => Ok(None),
            Err(why) => Err(fault(&why)),
        }
    }

    /// The envelope of a tenant's plan, and its revision.
    ///
    /// # Errors
    /// The broker does not say.
    pub(super) async fn plan(&self, tenant: &str) -> Result<Option<(Vec<u8>, u64)>, String> {
        let entry = self
            .registry
            .entry(format!("plan.{tenant}"))
            .await
            .map_err(|why| format!("the broker: {why}"))?;
        let put = entry.filter(|entry| entry.operation == kv::Operation::Put);
        Ok(put.map(|entry| (entry.value.to_vec(), entry.revision)))
    }

    /// The envelope of the version of a tenant's plan that a run followed.
    ///
    /// # Errors
    /// The broker does not say.
    pub(super) async fn plan_of(&self, tenant: &str, version: u64) -> Result<Option<Vec<u8>>, String> {
        let value = self.registry.get(format!("plan.{tenant}.{version}")).await;
        value.map(|value| value.map(|bytes| bytes.to_vec())).map_err(|why| format!("the broker: {why}"))
    }

    /// Replaces a tenant's plan.
    ///
    /// # Errors
    /// The broker does not store it.
    pub(super) async fn keep_plan(
        &self,
        tenant: &str,
        version: u64,
        envelope: Vec<u8>,
    ) -> Result<(), String> {
        let fault = |why: &dyn std::fmt::Display| format!("the broker: {why}");
        let value = bytes::Bytes::from(envelope);
        self.registry
            .put(format!("plan.{tenant}.{version}"), value.clone())
            .await
            .map_err(|why| fault(&why))?;
        self.registry.put(format!("plan.{tenant}"), value).await.map(drop).map_err(|why| fault(&why))
    }

    /// Whether this number of this office is used for the first time.
    ///
    /// # Errors
    /// The broker does not say.
    pub(super) async fn first(&self, office: &Office, once: &str) -> Result<bool, String> {
        let key = format!("{}.{}.{once}", office.tenant(), office.name());
        match self.once.create(key, bytes::Bytes::new()).await {
            Ok(_) => Ok(true),
            Err(why) if why.kind() == CreateErrorKind::AlreadyExists => Ok(false),
            Err(why) => Err(format!("the broker: {why}")),
        }
    }

    async fn read<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, String> {
        let value = self.registry.get(key).await.map_err(|why| format!("the broker: {why}"))?;
        value.map(|value| read(&value)).transpose()
    }

    async fn write(&self, key: &str, value: &impl Serialize) -> Result<(), String> {
        let value = serde_json::to_vec(value).map_err(|why| why.to_string())?;
        self.registry.put(key, value.into()).await.map(drop).map_err(|why| format!("the broker: {why}"))
    }
}

async fn bucket(
    context: &Context,
    name: &str,
    max_age: Duration,
    replicas: usize,
) -> Result<kv::Store, String> {
    if let Ok(store) = context.get_key_value(name).await {
        return Ok(store);
    }
    let config =
        kv::Config { bucket: name.to_owned(), max_age, num_replicas: replicas, ..kv::Config::default() };
    context.create_key_value(config).await.map_err(|why| format!("the broker: {why}"))
}

/// Whether a broker of this version keeps what it acknowledged.
fn new_enough(version: &str) -> Result<(), String> {
    let mut parts = version.split(['.', '-']).map(|part| part.parse::<u32>().unwrap_or(0));
    let known = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    if known < OLDEST {
        let (major, minor) = OLDEST;
        return Err(format!(
            "nats-server {} can lose what it acknowledged: {major}.{minor} or newer is needed",
            netcheck_record::escape::line(version, 40)
        ));
    }
    Ok(())
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    serde_json::from_slice(bytes).map_err(|why| format!("the broker keeps something else: {why}"))
}

/// The office of a subject, and its last part.
fn office_of(subject: &str) -> Option<(Office, String)> {
    let mut parts = subject.split('.').skip(2);
    let office = Office::new(parts.next()?, parts.next()?).ok()?;
    Some((office, parts.next().unwrap_or_default().to_owned()))
}

/// The name of a requirement as a part of a subject: no two names have the same.
pub(super) fn token(requirement: &str) -> String {
    let plain = |one: char| if one.is_ascii_alphanumeric() { one.to_ascii_lowercase() } else { '-' };
    let text: String = requirement.chars().take(60).map(plain).collect();
    if text == requirement {
        return text;
    }
    let digest = crate::key::digest(requirement.as_bytes());
    format!("{text}-{}", digest.get(..8).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_that_loses_what_it_acknowledged_is_refused_in_one_sentence() {
        for version in ["2.14.0", "2.15.1", "2.14.0-RC.1", "3.0.0"] {
            assert_eq!(new_enough(version), Ok(()), "{version}");
        }
        let sentence = "nats-server 2.9.10 can lose what it acknowledged: 2.14 or newer is needed";
        assert_eq!(new_enough("2.9.10"), Err(sentence.to_owned()));
        assert!(new_enough("").is_err());
    }

    #[test]
    fn requirements_of_different_names_have_different_subjects() {
        assert_eq!(token("streaming"), "streaming");
        assert_ne!(token("Live stream"), token("Live.stream"));
        assert!(token("a.b *>\u{fc}").bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'));
    }
}
