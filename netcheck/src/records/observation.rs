//! One record, reduced to what the assessment reads. Texts that many records share are kept once.

use std::net::{IpAddr, SocketAddr};
use std::num::{NonZeroU16, NonZeroU32};
use std::rc::Rc;

use netcheck_record::cause::{Confidence, Reason, Who};
use netcheck_record::code_kind::CodeKind;
use netcheck_record::failure::Code;
use netcheck_record::record::Verdict;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::intern::Interner;
use super::line::{self, RecordLine};
use super::time;

/// The requirement of targets that came without labels.
pub(crate) const UNLABELLED: &str = "unlabelled";

/// One record, reduced to what the assessment reads.
#[derive(Clone, Debug)]
pub(crate) struct Observation {
    /// Scheme, host and path of the target.
    pub(crate) endpoint: Endpoint,
    port: Option<NonZeroU16>,
    /// What came with the target.
    pub(crate) labels: Rc<Labels>,
    /// How the packets left.
    pub(crate) egress: Option<Rc<Egress>>,
    address: Option<Rc<IpAddr>>,
    /// Whether the target can be used.
    pub(crate) verdict: Verdict,
    /// What was observed.
    pub(crate) code: Option<Code>,
    /// What was inferred.
    pub(crate) cause: Option<Rc<CauseKey>>,
    /// What the facts say that the run as a whole is judged by; absent on most passes.
    pub(crate) marks: Option<Rc<Marks>>,
    /// Sentences of the record.
    pub(crate) detail: Option<Rc<Detail>>,
    /// When the check began, in milliseconds since 1970; 0 where that is not known.
    pub(crate) time: u64,
    /// The position of its run in the input's runs, and one more.
    run: Option<NonZeroU32>,
    /// How long the TCP connection took, in milliseconds; absent without a direct one.
    pub(crate) connect_ms: Option<u16>,
    /// The position of its record in the input.
    pub(crate) position: u32,
}

/// Scheme, host and path of a target: one text, because a large run has as many of them as records. NUL parts them, which
/// no escaped text holds and which sorts before everything else.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Endpoint(Rc<str>);

/// What came with a target.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Labels {
    /// The requirement.
    pub(crate) requirement: String,
    /// Who needs it.
    pub(crate) role: String,
    /// The region, or `all`.
    pub(crate) region: String,
    /// What the platform does with it.
    pub(crate) function: String,
    /// Whether the requirement's status depends on it.
    pub(crate) required: bool,
    /// Whether host and path are known to exist.
    pub(crate) confirmed: Option<bool>,
    /// Whether silence means anything.
    pub(crate) known_to_answer: Option<bool>,
    /// How it counts.
    pub(crate) counts: Counts,
    /// The way out that was asked for (`check --path`).
    pub(crate) path: Option<String>,
}

/// How a target counts in its requirement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Counts {
    /// It has to work.
    #[default]
    All,
    /// One of the targets of this kind has to work.
    Any,
    /// It is used where those that have to work do not.
    Fallback,
}

/// How packets left.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Egress {
    /// `direct` or `proxy`.
    pub(crate) via: String,
    /// The proxy.
    pub(crate) proxy: Option<String>,
    /// Our own address, without its port.
    pub(crate) local: Option<String>,
    /// The interface.
    pub(crate) interface: Option<String>,
    /// Whether that is a tunnel.
    pub(crate) tunnel: bool,
}

/// What was inferred, without its sentences.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct CauseKey {
    /// Why.
    pub(crate) reason: Reason,
    /// Whom to ask.
    pub(crate) who: Who,
    /// How sure it is.
    pub(crate) confidence: Confidence,
    /// Where.
    pub(crate) near: Option<IpAddr>,
    /// What to change, as data.
    pub(crate) action: Option<Action>,
}

/// What to change, as a record's `cause.action` has it.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Action {
    /// `allow`, `exempt`, `authenticate`, …
    pub(crate) kind: String,
    /// A portal's page.
    #[serde(default)]
    pub(crate) url: Option<String>,
    /// The proxy.
    #[serde(default)]
    pub(crate) proxy: Option<String>,
    /// The resolver.
    #[serde(default)]
    pub(crate) resolver: Option<String>,
    /// Which ClientHellos a device drops, as in "that span two TCP segments".
    #[serde(default)]
    pub(crate) drops: Option<String>,
}

/// Sentences of a record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Detail {
    /// What was observed.
    pub(crate) said: String,
    /// What was seen.
    pub(crate) evidence: Vec<String>,
    /// The record's own sentence about what to change.
    pub(crate) fix: String,
}

/// What the facts say that the run as a whole is judged by.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Marks {
    /// Who signed the certificate.
    pub(crate) issuer: Option<String>,
    /// Whose certificate it is.
    pub(crate) subject: Option<String>,
    /// The interception product whose name the issuer bears.
    pub(crate) vendor: Option<String>,
    /// `public`, `system` or `none`.
    pub(crate) trust: Option<String>,
    /// The certificate's SHA-256.
    pub(crate) leaf: Option<String>,
    /// Where an HTTP answer leads.
    pub(crate) location: Option<String>,
    /// The resolver.
    pub(crate) resolver: Option<String>,
    /// The known page that an answer matches.
    pub(crate) page: Option<String>,
}

impl Observation {
    /// Reads a line that is a record.
    pub(super) fn read(
        line: &RecordLine,
        run: Option<u32>,
        detailed: bool,
        position: u32,
        shared: &mut Interner,
    ) -> Observation {
        let verdict = line.verdict.unwrap_or(Verdict::Inconclusive);
        let (endpoint, port) = shared.endpoint(line.target.as_deref().unwrap_or_default());
        let direct = line.path.as_ref().is_some_and(|path| path.via == "direct");
        let tcp = line.stages.iter().find(|stage| stage.stage == "tcp" && stage.ok);
        Observation {
            endpoint,
            port: port.and_then(NonZeroU16::new),
            labels: shared.labels(line.labels),
            egress: line.path.as_ref().map(|path| shared.egress(path)),
            address: line
                .path
                .as_ref()
                .and_then(|path| path.address.as_deref())
                .and_then(address)
                .map(|to| shared.address(to)),
            verdict,
            code: line.failure.as_ref().map(|failure| failure.code),
            cause: line.cause.as_ref().map(|cause| shared.cause_line(cause)),
            marks: line
                .facts
                .filter(|_| verdict != Verdict::Pass || detailed)
                .and_then(|facts| shared.marks(facts)),
            detail: (detailed && verdict != Verdict::Pass).then(|| Rc::new(Detail::read(line))),
            time: line.ts.as_deref().and_then(time::milliseconds).unwrap_or_default(),
            run: run.and_then(|at| NonZeroU32::new(at.saturating_add(1))),
            connect_ms: tcp
                .filter(|_| direct)
                .map(|stage| u16::try_from(stage.us / 1000).unwrap_or(u16::MAX)),
            position,
        }
    }

    /// Whether the target can be used.
    pub(crate) fn usable(&self) -> bool {
        matches!(self.verdict, Verdict::Pass | Verdict::Degraded)
    }

    /// Whether the packets went out without a proxy.
    pub(crate) fn direct(&self) -> bool {
        self.egress.as_ref().is_some_and(|egress| egress.via == "direct")
    }

    /// Whether they went through a proxy.
    pub(crate) fn proxied(&self) -> bool {
        self.egress.as_ref().is_some_and(|egress| egress.via == "proxy")
    }

    /// Why, where that was inferred.
    pub(crate) fn reason(&self) -> Option<Reason> {
        self.cause.as_ref().map(|cause| cause.reason)
    }

    /// The port, where the scheme has one.
    pub(crate) fn port(&self) -> Option<u16> {
        self.port.map(NonZeroU16::get)
    }

    /// The position of its run in the input's runs.
    pub(crate) fn run(&self) -> Option<u32> {
        self.run.map(|at| at.get() - 1)
    }

    /// The address that was connected to; the proxy's where one was used.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        self.address.as_deref().copied()
    }

    /// Where, where that is known.
    pub(crate) fn near(&self) -> Option<IpAddr> {
        self.cause.as_ref().and_then(|cause| cause.near)
    }

    /// How sure the cause is.
    pub(crate) fn confidence(&self) -> Option<Confidence> {
        self.cause.as_ref().map(|cause| cause.confidence)
    }

    /// The layer of the failure code: `dns`, `tcp`, `tls`, …
    pub(crate) fn layer(&self) -> &'static str {
        self.code.map_or("", Code::layer)
    }

    /// Whether nothing answered in time.
    pub(crate) fn silent(&self) -> bool {
        self.code.is_some_and(|code| code.kind() == CodeKind::Timeout)
    }

    /// Whether the target stayed silent, need not answer, and nothing shows that the network keeps it silent.
    pub(crate) fn need_not_answer(&self) -> bool {
        self.labels.known_to_answer == Some(false)
            && self.verdict == Verdict::Inconclusive
            && self.confidence() != Some(Confidence::High)
    }

    /// What became of the target, in one word: the verdict's, the cause's or the failure's.
    pub(crate) fn outcome_code(&self) -> &'static str {
        match (self.reason(), self.code) {
            _ if self.verdict == Verdict::Pass => "pass",
            (Some(reason), _) if reason != Reason::Unknown => reason.as_str(),
            (_, Some(code)) => code.as_str(),
            _ => self.verdict.as_str(),
        }
    }

    /// The target as the record has it.
    pub(crate) fn target(&self) -> String {
        let [scheme, host, path] = self.endpoint.parts();
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        let port = self.port.map_or(String::new(), |port| format!(":{port}"));
        if scheme.is_empty() {
            format!("{host}{port}{path}")
        } else {
            format!("{scheme}://{host}{port}{path}")
        }
    }

    /// What tells one target of a run from another: labels, endpoint and port.
    pub(crate) fn key(&self) -> (&Labels, &Endpoint, Option<u16>) {
        (&self.labels, &self.endpoint, self.port())
    }
}

impl Endpoint {
    /// An endpoint; NUL in what is given is left out.
    pub(super) fn new(parts: [&str; 3]) -> Endpoint {
        Endpoint(parts.map(|part| part.replace('\0', "")).join("\0").into())
    }

    fn parts(&self) -> [&str; 3] {
        let (scheme, rest) = self.0.split_once('\0').unwrap_or_default();
        let (host, path) = rest.split_once('\0').unwrap_or_default();
        [scheme, host, path]
    }

    /// The scheme.
    pub(crate) fn scheme(&self) -> &str {
        self.parts()[0]
    }

    /// The host, without brackets.
    pub(crate) fn host(&self) -> &str {
        self.parts()[1]
    }

    /// Path and query, with their slash.
    pub(crate) fn path(&self) -> &str {
        self.parts()[2]
    }

    /// `TCP` or `UDP`: what a firewall rule names.
    pub(crate) fn transport(&self) -> &'static str {
        crate::target::transport(self.scheme(), self.path())
    }
}

impl Detail {
    fn read(line: &RecordLine) -> Detail {
        let text = |text: &str| netcheck_record::escape::line(text, 400);
        let cause = line.cause.as_ref();
        Detail {
            said: line.failure.as_ref().map(|failure| text(&failure.detail)).unwrap_or_default(),
            evidence: cause
                .map(|cause| cause.evidence.iter().take(12).map(|line| text(line)).collect())
                .unwrap_or_default(),
            fix: cause.map(|cause| netcheck_record::escape::line(&cause.fix, 600)).unwrap_or_default(),
        }
    }
}

impl Labels {
    /// Reads the labels of a record; anything that is not as the plan writes it is as if it were absent.
    pub(super) fn read(labels: Option<&netcheck_record::labels::Labels>) -> Labels {
        let text = |key: &str| Some(netcheck_record::escape::line(&labels?.text(key)?, 200));
        let flag = |key: &str| labels?.flag(key);
        Labels {
            requirement: text("row").unwrap_or_else(|| UNLABELLED.to_owned()),
            role: text("role").unwrap_or_default(),
            region: text("region").unwrap_or_else(|| "all".to_owned()),
            function: text("function").unwrap_or_default(),
            required: flag("required") != Some(false),
            confirmed: flag("confirmed"),
            known_to_answer: flag("known_to_answer"),
            counts: match text("counts").or_else(|| text("way")).as_deref() {
                Some("any") => Counts::Any,
                Some("fallback") => Counts::Fallback,
                _ => Counts::All,
            },
            path: text("path"),
        }
    }
}

impl Marks {
    /// Reads the facts of a record; absent when they say nothing of interest.
    pub(super) fn read(facts: &Value) -> Option<Marks> {
        let fact = |path: &[&str]| line::fact(facts, path);
        let marks = Marks {
            issuer: fact(&["tls", "issuer"]),
            subject: fact(&["tls", "subject"]),
            vendor: fact(&["tls", "vendor"]),
            trust: fact(&["tls", "trust"]),
            leaf: fact(&["tls", "sha256"]),
            location: fact(&["http", "location"]).or_else(|| fact(&["headers", "location"])),
            resolver: fact(&["dns", "server"]),
            page: fact(&["http", "page"]),
        };
        (marks != Marks::default()).then_some(marks)
    }
}

/// The address of `ADDRESS:PORT`, or of an address alone.
fn address(text: &str) -> Option<IpAddr> {
    text.parse::<SocketAddr>().map(|socket| socket.ip()).or_else(|_| text.parse()).ok()
}
