//! The check of the push services: its flags, and the way through the stages.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use netcheck_common::check::Check;
use netcheck_common::diagnose::{Diagnosis, Finding};
use netcheck_common::file;
use netcheck_common::target::Target;
use netcheck_common::tls::{Hello, Trust};
use netcheck_common::trace::{Observed, Stopped, Trace};
use rustls::RootCertStore;

use crate::facts::Facts;
use crate::networks::{Networks, Owner};
use crate::service::Service;
use crate::{address, explain, hold, roots, sender};

/// The largest ASN databases have some tens of megabytes.
const NETWORKS_LIMIT: u64 = 256 << 20;
const ROOTS_LIMIT: u64 = 16 << 20;

/// Checks that devices receive push notifications and that senders can send them.
///
/// Targets: apns://HOST[:5223], fcm://HOST[:5228], apns-provider://HOST[:443], fcm-api://HOST[:443].
/// Ports may be ranges and lists (10000-10050,443), hosts may have braces ({eu,us}), addresses may be blocks (10.0.0.0/24).
#[derive(clap::Args, Debug)]
pub struct Push {
    /// Keep the connection idle this long, as devices do (apns and fcm)
    #[arg(long, value_name = "SECONDS", value_parser = span)]
    hold: Option<Duration>,
    /// Apple's own roots, instead of the built-in ones; a chain to these or to the public roots is genuine
    #[arg(long, value_name = "FILE.pem")]
    apple_roots: Option<PathBuf>,
    /// Newer networks: goog.json, an ASN database (MMDB), or a list under [apple] and [google] (repeatable)
    #[arg(long, value_name = "FILE")]
    networks: Vec<PathBuf>,
    #[arg(skip)]
    known: Networks,
    #[arg(skip)]
    roots: Option<Arc<RootCertStore>>,
}

impl Check for Push {
    const NAME: &'static str = "push";
    const TOOL: &'static str = "check-push";
    const EXAMPLES: &'static [&'static str] = &[
        "check-push apns://{1..9}-courier.push.apple.com:5223,443",
        "check-push fcm://mtalk.google.com:5228-5230,443 --hold 60",
        "check-push apns-provider://api.push.apple.com:443,2197 fcm-api://fcm.googleapis.com",
    ];
    const PROXIED: bool = false;
    type Facts = Facts;

    fn validate(&mut self) -> Result<(), String> {
        self.known = Networks::built_in()?;
        for path in &self.networks {
            let read = file::read(path, NETWORKS_LIMIT)
                .map_err(|why| why.to_string())
                .and_then(|bytes| self.known.read(bytes));
            read.map_err(|why| format!("--networks {}: {why}", path.display()))?;
        }
        self.roots = Some(match &self.apple_roots {
            None => roots::built_in()?,
            Some(path) => file::read(path, ROOTS_LIMIT)
                .map_err(|why| why.to_string())
                .and_then(|pem| roots::read(&pem))
                .map_err(|why| format!("--apple-roots {}: {why}", path.display()))?,
        });
        Ok(())
    }

    fn extra_time(&self) -> Duration {
        self.hold.unwrap_or_default()
    }

    async fn check(&self, target: &Target, trace: &mut Trace<Facts>) -> Result<(), Stopped> {
        let service = Service::of(target);
        let stream = trace.reach(target).await?;
        let outside = address::locate(&self.known, service, target, trace);
        let hello = self.hello(service, target);
        let secure = trace.secure(stream, &hello).await?;
        // Where TLS was opened, that it happened at another address changes nothing.
        if let Some(failure) = outside.filter(|_| secure.trust == Trust::Public) {
            let cause = address::cause(service, target, &failure);
            trace.degrade(failure, Some(cause));
        }
        match self.hold {
            _ if !service.is_for_devices() => sender::ask(service, target, secure, trace).await,
            Some(span) => hold::keep(span, &hello, secure.stream, trace).await,
            None => Ok(()),
        }
    }

    async fn explain(
        &self,
        target: &Target,
        facts: &Facts,
        observed: &Observed,
        net: &Diagnosis,
    ) -> Option<Finding> {
        explain::explain(target, facts, observed, net).await
    }
}

impl Push {
    fn hello(&self, service: Service, target: &Target) -> Hello {
        let mut hello = Hello::to(&service.name(&target.host));
        hello.alpn = service.alpn().iter().map(|name| name.as_bytes().to_vec()).collect();
        hello.strict = service.is_for_devices();
        if service.owner() == Owner::Apple {
            hello.genuine.clone_from(&self.roots);
        }
        hello
    }
}

fn span(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(value) if value > 0.0 && value <= 86_400.0 => Ok(Duration::from_secs_f64(value)),
        _ => Err("a number of seconds above 0, at most 86400".into()),
    }
}
