//! What follows the handshake: `connect`, then `publish`, and which of their failures are the service's own word.

use netcheck_common::clock;
use netcheck_common::failure::{Code, Failure};
use netcheck_common::target::Target;
use netcheck_common::trace::{Stopped, Trace};

use crate::connect::{self, CONNECT};
use crate::explain;
use crate::facts::{Connection, Facts, Publication};
use crate::key::Key;
use crate::publish::{self, PUBLISH, Plan};
use crate::session::Session;

/// A conversation with a server that has shaken hands.
pub struct Dialogue<'a> {
    /// Whom we talk to.
    pub target: &'a Target,
    /// The connection.
    pub session: Session,
    /// S2 repeated C1.
    pub echo: bool,
    /// The service has proven itself by a public certificate.
    pub proven: bool,
}

impl Dialogue<'_> {
    /// The stage `connect`; whether the application was accepted.
    ///
    /// # Errors
    /// The server did not answer, and that was not its own word.
    pub async fn connect(&mut self, trace: &mut Trace<Facts>, app: String) -> Result<bool, Stopped> {
        let url = format!("{}://{}/{app}", self.target.scheme.name, self.target.authority());
        let mut facts = Connection { app, ..Connection::default() };
        let bound = trace.net().timeout();
        let work = connect::connect(&mut self.session, &url, &mut facts);
        let connected = trace.attempt(CONNECT, bound, work).await;
        let answered = facts.answer != "none";
        if let Some(rtmp) = &mut trace.facts.rtmp {
            rtmp.connect = Some(facts);
        }
        if !self.echo && answered {
            let failure = Failure::new(Code::RtmpBadEcho, "S2 does not repeat C1");
            trace.degrade(failure, Some(explain::no_echo(self.target)));
        }
        let Err(mut failure) = connected else { return Ok(true) };
        if !self.echo && !answered {
            let detail = format!("S2 does not repeat C1, and connect was not answered: {}", failure.detail);
            failure = Failure::new(Code::RtmpBadEcho, detail);
        }
        self.settle(trace, failure, self.proven).map(|()| false)
    }

    /// The stage `publish`.
    ///
    /// # Errors
    /// The stream was cut, and that was not the service's own word.
    pub async fn publish(&mut self, trace: &mut Trace<Facts>, plan: Plan, key: &Key) -> Result<(), Stopped> {
        let mut running = false;
        let work = stream(&mut self.session, plan, key, &mut running);
        // Asking, streaming, the last write and the mark after it, each with its own patience.
        let published = trace.attempt(PUBLISH, plan.span + plan.patience * 4, work).await;
        let publication = match published {
            Ok(publication) => publication,
            Err(failure) => {
                let sealed = self.proven && self.session.incoming.ended;
                // Once the stream runs, only an end that nobody else can have made is the service's own word.
                if running && !sealed {
                    return Err(trace.stop(failure));
                }
                return self.settle(trace, failure, sealed);
            }
        };
        if publication.falls_short(plan.span) {
            let detail = format!("{} of {} kbit/s arrived", publication.throughput_kbps, plan.bitrate);
            let cause = explain::too_slow(self.target, &publication);
            trace.degrade(Failure::new(Code::RtmpTimeout, detail), Some(cause));
        }
        trace.facts.publish = Some(publication);
        Ok(())
    }

    /// A failure that is the service's own word leaves the path proven; any other ends the check.
    fn settle(&self, trace: &mut Trace<Facts>, failure: Failure, proven: bool) -> Result<(), Stopped> {
        match explain::refusal(self.target, &failure, proven) {
            Some(cause) => {
                trace.degrade(failure, Some(cause));
                Ok(())
            }
            None => Err(trace.stop(failure)),
        }
    }
}

/// Asks for leave, then streams; `running` says how far it came.
async fn stream(
    session: &mut Session,
    plan: Plan,
    key: &Key,
    running: &mut bool,
) -> Result<Publication, Failure> {
    let asked = clock::within(plan.patience, publish::ask(session, key)).await;
    let unanswered = || Failure::new(Code::RtmpTimeout, "no answer to createStream and publish");
    let (stream, trip) = asked.unwrap_or_else(|| Err(unanswered()))?;
    *running = true;
    publish::publish(session, stream, trip, plan).await
}
