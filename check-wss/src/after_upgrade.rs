//! The connection after its upgrade: pings, the text that has to come back, and the Close that tells what still passes.

use std::time::Duration;

use netcheck_common::clock;
use netcheck_common::failure::{Code, Failure};
use netcheck_common::trace::{Stopped, Trace};

use crate::connection::WsConnection;
use crate::facts::{AfterUpgrade, ConnectionEnd, ECHO, EchoResult, Facts, FrameAnswer, PING, PingSummary};

/// What is sent.
#[derive(Clone, Copy, Debug)]
pub struct FramePlan<'a> {
    /// How many pings.
    pub count: u32,
    /// From one ping to the next.
    pub interval: Duration,
    /// The text that has to come back.
    pub echo: Option<&'a str>,
}

/// What ended one kind of exchange, and how the connection stood then.
type Ended = (Failure, ConnectionEnd);

impl FramePlan<'_> {
    /// Pings, sends the text, and, where one of them is not answered, closes.
    ///
    /// # Errors
    /// The stage `ping` or `echo` failed, and not only because pings are not answered.
    pub async fn run(&self, connection: &mut WsConnection, trace: &mut Trace<Facts>) -> Result<(), Stopped> {
        let pinged = self.ping(connection, trace).await;
        let over = pinged.as_ref().err().is_some_and(|(_, end)| *end != ConnectionEnd::Silent);
        let echoed = if over { Ok(None) } else { self.echo(connection, trace).await };
        let ended = pinged.as_ref().err().or(echoed.as_ref().err()).map(|(_, end)| end.clone());
        trace.facts.end.clone_from(&ended);
        let Some(end) = ended else { return Ok(()) };
        let mut sent = AfterUpgrade {
            ping: answer_of(pinged.is_ok()),
            text: match &echoed {
                Ok(None) => FrameAnswer::NotSent,
                echoed => answer_of(echoed.is_ok()),
            },
            close: FrameAnswer::NotSent,
        };
        if end == ConnectionEnd::Silent {
            let patience = trace.net().timeout().mul_f64(0.4);
            sent.close = answer_of(clock::within(patience, connection.close_and_wait()).await.is_some());
            trace.facts.after_upgrade = Some(sent);
        }
        Err(match (pinged, echoed) {
            // The text went there and back: the connection works, pings or not.
            (Err((failure, _)), Ok(Some(()))) => {
                trace.degrade(failure, None);
                return Ok(());
            }
            (Err((failure, _)), _) | (Ok(()), Err((failure, _))) => trace.fail(failure),
            (Ok(()), Ok(_)) => return Ok(()),
        })
    }

    /// The stage `ping`.
    async fn ping(&self, connection: &mut WsConnection, trace: &mut Trace<Facts>) -> Result<(), Ended> {
        let timeout = trace.net().timeout();
        let (mut times, mut end) = (Vec::new(), ConnectionEnd::Silent);
        let bound = (timeout + self.interval) * self.count;
        let outcome =
            trace.optional_stage(PING, bound, self.pings(connection, timeout, &mut times, &mut end)).await;
        let summary = PingSummary::sum(u32::from(outcome.is_err()), &times);
        trace.facts.rtt_us = summary.as_ref().map(|pings| pings.median_us);
        trace.facts.pings = summary.filter(|_| self.count > 1);
        outcome.map_err(|failure| (failure, end))
    }

    async fn pings(
        &self,
        connection: &mut WsConnection,
        timeout: Duration,
        times: &mut Vec<u64>,
        end: &mut ConnectionEnd,
    ) -> Result<(), Failure> {
        for number in 1..=self.count {
            let begun = clock::now();
            let outcome = clock::within(timeout, connection.ping()).await;
            match outcome.unwrap_or(Err(ConnectionEnd::Silent)) {
                Ok(us) => times.push(us),
                Err(how) => {
                    *end = how.clone();
                    return Err(failure_of(&how, &format!("ping {number}")));
                }
            }
            if number < self.count {
                clock::pause(self.interval.saturating_sub(begun.elapsed())).await;
            }
        }
        Ok(())
    }

    /// The stage `echo`, where a text is to be sent.
    async fn echo(
        &self,
        connection: &mut WsConnection,
        trace: &mut Trace<Facts>,
    ) -> Result<Option<()>, Ended> {
        let Some(text) = self.echo else { return Ok(None) };
        let mut end = ConnectionEnd::Silent;
        let work = async {
            connection.echo(text).await.map_err(|how| {
                end = how.clone();
                failure_of(&how, "the text")
            })
        };
        let outcome = trace.optional_stage(ECHO, trace.net().timeout(), work).await;
        match outcome {
            Ok(us) => {
                trace.facts.echo = Some(EchoResult { bytes: text.len(), us });
                Ok(Some(()))
            }
            Err(failure) => Err((failure, end)),
        }
    }
}

fn answer_of(answered: bool) -> FrameAnswer {
    if answered { FrameAnswer::Answered } else { FrameAnswer::Unanswered }
}

/// The failure that the end of a connection means while something was waited for.
fn failure_of(end: &ConnectionEnd, what: &str) -> Failure {
    let code = match end {
        ConnectionEnd::Reset => Code::WsReset,
        ConnectionEnd::Silent | ConnectionEnd::Broken => Code::WsNoPong,
        ConnectionEnd::CloseFrame { .. } | ConnectionEnd::Closed | ConnectionEnd::Torn => Code::WsClosed,
    };
    let detail = match end {
        ConnectionEnd::Silent => format!("{what} was not answered"),
        end => format!("waiting for the answer to {what}, the connection was {}", end.words()),
    };
    Failure::new(code, detail)
}
