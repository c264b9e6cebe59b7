//! What the author of a check imports: the interface, the trace of a target, and the runner.
//!
//! Flow of one target: line → [`spec::Spec`] → [`target::Target`] → [`trace::Trace`] → stages →
//! (failed: [`diagnose`]) → [`record::Record`] → one writer → exit code. One way, no going back.

pub mod check;
mod run;
pub mod trace;

/// Experiments and rules: from what was observed to a cause.
pub use netcheck_diagnose as diagnose;
pub use netcheck_net::{
    clock, device, dns, eyeballs, http, icmp, net, path_observations, proxy, signature, stream, tcp,
    tcp_counters, tls, udp,
};
/// What differs between operating systems.
pub use netcheck_os as os;
#[cfg(feature = "manual")]
pub use netcheck_record::manual;
pub use netcheck_record::{
    cause, code_kind, escape, facts, failure, file, fix, flags, record, rung, sample, scheme, secret, spec,
    target,
};

pub use run::run;

/// What a check learns, for the schema of the record.
#[must_use]
pub fn facts_of<C: check::Check>() -> facts::CheckFacts {
    facts::CheckFacts { check: C::NAME, own: <C::Facts as schemars::JsonSchema>::json_schema }
}
