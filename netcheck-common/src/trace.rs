//! The trace of one target: its stages, what was learned in them, and where it stopped.

use std::future::Future;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use netcheck_diagnose::Diagnosis;
pub use netcheck_diagnose::Observed;
use netcheck_net::clock;
pub use netcheck_net::clock::seconds;
use netcheck_net::local_limits;
use netcheck_net::net::Net;
use netcheck_net::proxy::{Proxy, Step};
use netcheck_net::stream::Stream;
use netcheck_net::tls::{Hello, Secure};
use netcheck_record::cause::Cause;
use netcheck_record::failure::{Code, Failure, Layer};
use netcheck_record::record::Stage;
use netcheck_record::scheme::HelloKind;
use netcheck_record::target::Target;

/// Whether browsers open the target, as this run checks it: they ask the resolver for more than addresses.
fn browses(target: &Target, net: &Net) -> bool {
    let hello = net.flags().hello.unwrap_or(target.scheme.hello);
    matches!(target.scheme.name, "https" | "wss") && hello == HelloKind::Browser
}

/// The check of a target ended early, inside a stage. Only [`Trace::stage`] can make one.
#[derive(Debug)]
pub struct Stopped(());

/// One target on its way through the stages.
pub struct Trace<F> {
    /// What the check learns.
    pub facts: F,
    net: Diagnosis,
    stages: Vec<Stage>,
    begun: Vec<&'static str>,
    failure: Option<Failure>,
    degraded: Vec<(Failure, Option<Cause>)>,
}

impl<F: Default> Trace<F> {
    /// A trace whose stages reach the network as `net` does.
    #[must_use]
    pub fn new(net: Diagnosis) -> Self {
        Trace {
            facts: F::default(),
            net,
            stages: Vec::new(),
            begun: Vec::new(),
            failure: None,
            degraded: Vec::new(),
        }
    }

    /// The way to the network, for this target.
    #[must_use]
    pub fn net(&self) -> Net {
        Net::clone(&self.net)
    }

    /// The experiments of the run, over this target's way to the network.
    #[must_use]
    pub fn diagnosis(&self) -> Diagnosis {
        self.net.clone()
    }

    /// Runs one stage: timed, bounded by `--timeout` and the deadline, recorded.
    ///
    /// # Errors
    /// The stage failed; the failure is kept.
    pub fn stage<T>(
        &mut self,
        layer: Layer,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> impl Future<Output = Result<T, Stopped>> {
        self.stage_within(layer, self.net.timeout(), work)
    }

    /// The same with a bound of its own, for a stage that has to last (a hold, a stream).
    ///
    /// # Errors
    /// The stage failed; the failure is kept.
    pub fn stage_within<T>(
        &mut self,
        layer: Layer,
        bound: Duration,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> impl Future<Output = Result<T, Stopped>> {
        let work = Box::pin(work);
        async move {
            self.timed(layer, bound, work).await.map_err(|failure| {
                self.failure = Some(failure);
                Stopped(())
            })
        }
    }

    /// Runs a stage whose failure need not stop the check: it is handed back, for [`Trace::degrade`].
    ///
    /// # Errors
    /// The stage failed.
    pub fn optional_stage<T>(
        &mut self,
        layer: Layer,
        bound: Duration,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> impl Future<Output = Result<T, Failure>> {
        let work = Box::pin(work);
        self.timed(layer, bound, work)
    }

    /// Runs a stage's work within `bound` and records how long it took. The work is boxed: an inlined future enlarges
    /// every enclosing future, and a target took half a megabyte.
    async fn timed<T>(
        &mut self,
        layer: Layer,
        bound: Duration,
        mut work: impl Future<Output = Result<T, Failure>> + Unpin,
    ) -> Result<T, Failure> {
        self.begun.push(layer.name);
        local_limits::reset();
        let begun = clock::now();
        let left = self.net.left();
        let bound_here = bound.min(left);
        let work = async {
            // Silence above an open connection is looked into while it lasts.
            // A stage with a longer bound of its own lasts on purpose.
            let lasts = bound > self.net.timeout();
            if lasts || matches!(layer, Layer::DNS | Layer::TCP | Layer::PROXY) {
                return work.await;
            }
            match clock::within(self.net.patience(), &mut work).await {
                Some(ended) => ended,
                None => {
                    self.net.note_silence(layer.name);
                    work.await
                }
            }
        };
        let outcome = match clock::within(bound_here, work).await {
            Some(outcome) => outcome,
            None if bound <= left => {
                let why = format!("no answer within {}", clock::seconds(bound));
                Err(local_limits::blame(Failure::new(layer.timeout, why)))
            }
            None => {
                Err(local_limits::blame(Failure::new(layer.timeout, "the target's deadline was reached")))
            }
        };
        self.note(layer, begun, outcome.is_ok());
        self.net.tell(1, || {
            let took = clock::seconds(begun.elapsed());
            match &outcome {
                Ok(_) => format!("stage {}: ok after {took}", layer.name),
                Err(failure) => {
                    format!("stage {}: {} after {took}: {}", layer.name, failure.code, failure.detail)
                }
            }
        });
        outcome
    }

    fn note(&mut self, layer: Layer, begun: Instant, ok: bool) {
        let us = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.stages.push(Stage { stage: layer.name.to_owned(), ok, us });
    }

    /// Reaches the target: `dns` and `tcp`, or `proxy`.
    ///
    /// # Errors
    /// One of these stages failed.
    pub async fn reach(&mut self, target: &Target) -> Result<Stream, Stopped> {
        let net = self.net();
        let net = &net;
        let through = |proxy: Proxy| async move { net.through(&proxy, &target.host, target.port()).await };
        if let Some(stream) = Box::pin(self.by_proxy(target, through)).await? {
            return Ok(stream);
        }
        self.direct(target).await
    }

    /// Reaches the target without a proxy: `dns` and `tcp`.
    ///
    /// # Errors
    /// One of these stages failed.
    pub async fn direct(&mut self, target: &Target) -> Result<Stream, Stopped> {
        let net = self.net();
        let addresses = self.addresses(target).await?;
        self.stage(Layer::TCP, net.connect(&addresses, target.port())).await
    }

    /// Takes the proxies of the target's way in turn, as a browser does; `None` where it is to go direct.
    ///
    /// # Errors
    /// The last proxy failed, or one said no.
    pub async fn by_proxy<T, W: Future<Output = Result<T, Failure>>>(
        &mut self,
        target: &Target,
        through: impl Fn(Proxy) -> W,
    ) -> Result<Option<T>, Stopped> {
        let net = self.net();
        let steps = net.steps(target);
        let last = steps.len().saturating_sub(1);
        for (number, step) in steps.into_iter().enumerate() {
            net.take_step(number);
            let failure = match step {
                Step::Direct => {
                    net.note_step(target, Ok(()));
                    return Ok(None);
                }
                Step::Unspoken(proxy) => {
                    Failure::new(Code::ProxyProtocol, format!("{proxy}: this tool does not speak SOCKS 4"))
                }
                Step::Proxy(proxy) => {
                    match self.optional_stage(Layer::PROXY, net.timeout(), through(proxy)).await {
                        Ok(reached) => {
                            net.note_step(target, Ok(()));
                            return Ok(Some(reached));
                        }
                        Err(failure) if number < last && net.moves_to_next_proxy(&failure) => failure,
                        Err(failure) => {
                            net.note_step(target, Err(failure.code));
                            return Err(self.fail(failure));
                        }
                    }
                }
            };
            net.note_step(target, Err(failure.code));
            if number == last {
                return Err(self.fail(failure));
            }
        }
        Ok(None)
    }

    /// The target's addresses: the stage `dns`, which a literal or pinned address does not need.
    ///
    /// # Errors
    /// The name could not be resolved.
    pub async fn addresses(&mut self, target: &Target) -> Result<Vec<IpAddr>, Stopped> {
        let net = self.net();
        match net.known(&target.host) {
            Some(addresses) => Ok(addresses),
            None => {
                let resolved = self.stage(Layer::DNS, net.resolve(&target.host));
                if browses(target, &net) {
                    Box::pin(net.beside_bindings(&target.host, resolved)).await
                } else {
                    resolved.await
                }
            }
        }
    }

    /// Makes the stream secure: the stage `tls`.
    ///
    /// # Errors
    /// The handshake failed, or the certificate is nobody's.
    pub async fn secure(&mut self, stream: Stream, hello: &Hello) -> Result<Secure, Stopped> {
        let net = self.net();
        let hello = net.as_asked(hello);
        self.stage(Layer::TLS, net.handshake(stream, &hello)).await
    }

    /// Stops the check with a failure that [`Trace::optional_stage`] handed back and that turned out to be fatal.
    pub fn fail(&mut self, failure: Failure) -> Stopped {
        self.failure = Some(failure);
        Stopped(())
    }

    /// Stops the check because what the last stage reached did not last.
    pub fn fail_last_stage(&mut self, failure: Failure) -> Stopped {
        if let Some(last) = self.stages.last_mut() {
            last.ok = false;
        }
        self.fail(failure)
    }

    /// Remembers what is wrong and does not stop the check: the verdict becomes `degraded`.
    pub fn degrade(&mut self, failure: Failure, cause: Option<Cause>) {
        self.degraded.push((failure, cause));
    }

    /// Whether a stage of that name was begun.
    #[must_use]
    pub fn has_begun(&self, stage: &str) -> bool {
        self.begun.contains(&stage)
    }

    /// Whether a stage of that name was passed.
    #[must_use]
    pub fn has_passed(&self, stage: &str) -> bool {
        self.stages.iter().any(|passed| passed.stage == stage && passed.ok)
    }

    /// Ends the trace: what was seen on the path, and what the check itself learned.
    #[must_use]
    pub fn finish(self) -> (Observed, F) {
        let mut path = self.net.take_observations();
        let mut degraded = std::mem::take(&mut path.degraded);
        degraded.extend(self.degraded);
        (Observed { failure: self.failure, stages: self.stages, degraded, path }, self.facts)
    }

    /// The code this trace has stopped with so far.
    #[must_use]
    pub fn stopped_with(&self) -> Option<Code> {
        self.failure.as_ref().map(|failure| failure.code)
    }
}
