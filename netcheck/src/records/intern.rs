//! Texts that many records share, kept once.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;
use std::rc::Rc;

use serde_json::value::RawValue;

use super::line::{CauseLine, PathLine, RecordLine};
use super::observation::{Action, CauseKey, Egress, Endpoint, Labels, Marks};
use crate::target::Place;

/// What many records share.
#[derive(Debug, Default)]
pub(super) struct Interner {
    labels: HashMap<String, Rc<Labels>>,
    endpoints: HashSet<Endpoint>,
    egresses: HashSet<Rc<Egress>>,
    addresses: HashSet<Rc<IpAddr>>,
    causes: HashSet<Rc<CauseKey>>,
    marks: HashSet<Rc<Marks>>,
}

fn once<T: Eq + Hash>(known: &mut HashSet<Rc<T>>, value: T) -> Rc<T> {
    if let Some(shared) = known.get(&value) {
        return Rc::clone(shared);
    }
    let shared = Rc::new(value);
    known.insert(Rc::clone(&shared));
    shared
}

impl Interner {
    /// The endpoint of a target, and its port.
    pub(super) fn endpoint(&mut self, target: &str) -> (Endpoint, Option<u16>) {
        let text = netcheck_record::escape::line(target, 400);
        let Place { scheme, host, port } = Place::of(&text);
        let rest = text.split_once("://").map_or(text.as_str(), |(_, rest)| rest);
        let path = rest.find(['/', '?']).map_or("", |at| &rest[at..]);
        let endpoint = Endpoint::new([&scheme, &host, path]);
        if let Some(known) = self.endpoints.get(&endpoint) {
            return (known.clone(), port);
        }
        self.endpoints.insert(endpoint.clone());
        (endpoint, port)
    }

    /// The labels of a record.
    pub(super) fn labels(&mut self, raw: Option<&RawValue>) -> Rc<Labels> {
        let text = raw.map_or("", RawValue::get);
        if let Some(known) = self.labels.get(text) {
            return Rc::clone(known);
        }
        let written = raw.and_then(netcheck_record::labels::Labels::of);
        let labels = Rc::new(Labels::read(written.as_ref()));
        self.labels.insert(text.to_owned(), Rc::clone(&labels));
        labels
    }

    /// An address that was connected to.
    pub(super) fn address(&mut self, to: IpAddr) -> Rc<IpAddr> {
        once(&mut self.addresses, to)
    }

    /// How the packets of a record left.
    pub(super) fn egress(&mut self, path: &PathLine) -> Rc<Egress> {
        let text = |text: Option<&str>| text.map(|text| netcheck_record::escape::line(text, 200));
        let local = path.local.as_deref();
        let local = local.map(|local| local.rsplit_once(':').map_or(local, |(address, _)| address));
        let egress = Egress {
            via: text(Some(&path.via)).unwrap_or_default(),
            proxy: text(path.proxy.as_deref()),
            local: text(local.map(|local| local.trim_matches(['[', ']']))),
            interface: text(path.interface.as_deref()),
            tunnel: path.tunnel == Some(true),
        };
        once(&mut self.egresses, egress)
    }

    /// A cause of a record.
    pub(super) fn cause_line(&mut self, cause: &CauseLine) -> Rc<CauseKey> {
        let mut action = cause.action.and_then(|raw| serde_json::from_str::<Action>(raw.get()).ok());
        if let Some(Action { kind, url, proxy, resolver, drops }) = &mut action {
            for text in std::iter::once(kind).chain([url, proxy, resolver, drops].into_iter().flatten()) {
                *text = netcheck_record::escape::line(text, 300);
            }
        }
        self.cause(CauseKey {
            reason: cause.code,
            who: cause.who,
            confidence: cause.confidence,
            near: cause.near,
            action,
        })
    }

    /// A cause.
    pub(super) fn cause(&mut self, cause: CauseKey) -> Rc<CauseKey> {
        once(&mut self.causes, cause)
    }

    /// What the facts of a record say.
    pub(super) fn marks(&mut self, raw: &RawValue) -> Option<Rc<Marks>> {
        let facts = serde_json::from_str(raw.get()).ok()?;
        Marks::read(&facts).map(|marks| once(&mut self.marks, marks))
    }

    /// What makes records alike: their labels, what was observed, and what was inferred.
    pub(super) fn kind(&self, line: &RecordLine) -> (u64, u64) {
        let hash = |value: &dyn Fn(&mut DefaultHasher)| {
            let mut hasher = DefaultHasher::new();
            value(&mut hasher);
            hasher.finish()
        };
        let labels = hash(&|hasher| line.labels.map_or("", RawValue::get).hash(hasher));
        let outcome = hash(&|hasher| {
            line.verdict.hash(hasher);
            line.failure.as_ref().map(|failure| failure.code).hash(hasher);
            line.cause.as_ref().map(|cause| (cause.code, cause.near)).hash(hasher);
        });
        (labels, outcome)
    }
}
