//! The one interface: what the author of a protocol writes.

use std::future::Future;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use crate::trace::{Stopped, Trace};
use netcheck_diagnose::{Diagnosis, Finding, Observed};
use netcheck_record::secret::Secrets;
use netcheck_record::target::Target;

/// A check. The struct of its own flags is the check.
///
/// ```text
/// async fn check(&self, target: &Target, trace: &mut Trace<Facts>) -> Result<(), Stopped> {
///     let stream = trace.reach(target).await?;                      // dns and tcp, or proxy
///     let tls = trace.secure(stream, &Hello::to(&target.host)).await?; // tls
///     trace.facts.echo = trace.stage(WS, upgrade(tls)).await?;      // a stage of its own
///     Ok(())
/// }
/// ```
pub trait Check: clap::Args + Send + Sync + 'static {
    /// The name in records.
    const NAME: &'static str;
    /// The program's name: `check-` and [`Check::NAME`].
    const TOOL: &'static str;
    /// Command lines shown under `--help`, one each.
    const EXAMPLES: &'static [&'static str];
    /// Environment variables of its own, with what they hold.
    const VARIABLES: &'static [(&'static str, &'static str)] = &[];
    /// Whether the proxies of the environment are for this check's clients.
    const PROXIED: bool = true;
    /// What it learns, besides what every check learns; flattened into the record's `facts`.
    type Facts: Default + Serialize + JsonSchema;

    /// Checks one target. Only a stage can stop it.
    fn check(
        &self,
        target: &Target,
        trace: &mut Trace<Self::Facts>,
    ) -> impl Future<Output = Result<(), Stopped>>;

    /// How much longer than usual a target takes on purpose (a hold, a stream): added to the default deadline.
    fn extra_time(&self) -> Duration {
        Duration::ZERO
    }

    /// Looks at its own flags before any packet; a sentence about what is wrong makes exit code 2.
    ///
    /// # Errors
    /// A flag that cannot be used.
    fn validate(&mut self) -> Result<(), String> {
        Ok(())
    }

    /// What the person who runs it has to know before any packet, on standard error: how much it sends.
    fn announcement(&self) -> Option<String> {
        None
    }

    /// What it was given in confidence: no record of it shows that, whatever a peer sends back.
    fn secrets(&self) -> Secrets {
        Secrets::default()
    }

    /// Targets that its own flags name.
    fn targets(&self) -> Vec<Target> {
        Vec::new()
    }

    /// Explains a failure that only this protocol understands, before the common diagnosis is asked.
    fn explain(
        &self,
        _target: &Target,
        _facts: &Self::Facts,
        _observed: &Observed,
        _diagnosis: &Diagnosis,
    ) -> impl Future<Output = Option<Finding>> {
        async { None }
    }

    /// Finds out what the user asked for beyond the cause of a failure, and says it in a sentence for the evidence.
    fn examine(
        &self,
        _target: &Target,
        _observed: &Observed,
        _diagnosis: &Diagnosis,
    ) -> impl Future<Output = Option<String>> {
        async { None }
    }
}
