//! An RTMP client after the handshake: `connect`, then `publish`, and which of their failures the service itself states.

use netcheck_common::clock;
use netcheck_common::failure::{Code, Failure};
use netcheck_common::net::Net;
use netcheck_common::target::Target;
use netcheck_common::tcp_counters::TcpHandle;
use netcheck_common::trace::{Stopped, Trace};

use crate::connect::{self, CONNECT};
use crate::explain;
use crate::facts::{ConnectFacts, Facts, PublishFacts};
use crate::key::StreamKey;
use crate::publish::{self, PUBLISH, PublishPlan};
use crate::session::Session;
use crate::slow;

/// A client whose server has finished the handshake.
pub struct RtmpClient<'a> {
    /// The ingest.
    pub target: &'a Target,
    /// The connection.
    pub session: Session,
    /// S2 repeated C1.
    pub echo: bool,
    /// The service has proven itself by a public certificate.
    pub proven: bool,
    /// Asks the kernel about the connection, where it is a direct one.
    pub tcp: Option<TcpHandle>,
}

impl RtmpClient<'_> {
    /// The stage `connect`; whether the application was accepted.
    ///
    /// # Errors
    /// The server did not answer, and did not itself end the connection.
    pub async fn connect(&mut self, trace: &mut Trace<Facts>, app: String) -> Result<bool, Stopped> {
        let url = format!("{}://{}/{app}", self.target.scheme.name, self.target.authority());
        let mut facts = ConnectFacts { app, ..ConnectFacts::default() };
        let bound = trace.net().timeout();
        let work = connect::connect(&mut self.session, &url, &mut facts);
        let connected = trace.optional_stage(CONNECT, bound, work).await;
        let answered = facts.answer != "none";
        if self.session.incoming.is_type_one_first() {
            let note = "the server begins a chunk stream with a type 1 header, which RTMP 1.0 does not allow; deployed clients accept it";
            trace.facts.note = Some(note.to_owned());
        }
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
    /// The stream was cut, and the service itself did not state it.
    pub async fn publish(
        &mut self,
        trace: &mut Trace<Facts>,
        plan: PublishPlan,
        key: &StreamKey,
    ) -> Result<(), Stopped> {
        let mut running = false;
        let net = trace.net();
        let work = stream(&mut self.session, &net, plan, key, self.tcp.take(), &mut running);
        // Asking, streaming, the last write and the mark after it, each with its own patience.
        let published = trace.optional_stage(PUBLISH, plan.span + plan.patience * 4, work).await;
        let facts = match published {
            Ok(facts) => facts,
            Err(failure) => {
                let ended = self.proven && self.session.incoming.ended;
                // Once the stream runs, only an end that no other device can have made is the service's own.
                if running && !ended {
                    return Err(trace.fail(failure));
                }
                return self.settle(trace, failure, ended);
            }
        };
        if facts.is_slow() {
            let cause = slow::cause(self.target, &facts, self.proven);
            trace.degrade(slow::failure(&facts), Some(cause));
        } else if !facts.read_to_the_end && !facts.interrupted {
            let detail = "the server did not answer the command that was sent after the stream";
            trace.degrade(Failure::new(Code::RtmpTimeout, detail), Some(slow::not_read(self.target)));
        }
        trace.facts.publish = Some(facts);
        Ok(())
    }

    /// A failure that the service itself states leaves the path proven; any other ends the check.
    fn settle(&self, trace: &mut Trace<Facts>, failure: Failure, proven: bool) -> Result<(), Stopped> {
        match explain::refusal(self.target, &failure, proven) {
            Some(cause) => {
                trace.degrade(failure, Some(cause));
                Ok(())
            }
            None => Err(trace.fail(failure)),
        }
    }
}

/// Asks for leave, then streams; `running` is true once the stream began.
async fn stream(
    session: &mut Session,
    net: &Net,
    plan: PublishPlan,
    key: &StreamKey,
    tcp: Option<TcpHandle>,
    running: &mut bool,
) -> Result<PublishFacts, Failure> {
    let asked = clock::within(plan.patience, publish::ask(session, key)).await;
    let unanswered = || Failure::new(Code::RtmpTimeout, "no answer to createStream and publish");
    let granted = asked.unwrap_or_else(|| Err(unanswered()))?;
    *running = true;
    publish::publish(session, net, granted, plan, tcp).await
}
