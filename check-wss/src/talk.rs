//! What is said over one line after its upgrade: pings, and the echo.

use std::time::Duration;

use netcheck_common::clock;
use netcheck_common::failure::{Code, Failure, Layer};
use netcheck_common::trace::{Stopped, Trace};

use crate::check::Wss;
use crate::facts::{Echo, End, Facts, Pings};
use crate::line::Line;

// A stage that runs out of time is no pong missed: each ping has its own bound inside.
const PING: Layer = Layer::new("ping", Code::WsTimeout, Code::WsReset, Code::WsClosed);
const ECHO: Layer = Layer::new("echo", Code::WsTimeout, Code::WsReset, Code::WsClosed);

impl Wss {
    /// Pings, and the echo.
    pub(crate) async fn use_line(&self, line: &mut Line, trace: &mut Trace<Facts>) -> Result<(), Stopped> {
        let timeout = trace.net().timeout();
        let (mut times, mut end) = (Vec::new(), None);
        let bound = (timeout + Duration::from_millis(self.interval)) * self.count;
        let pinged = trace.stage_within(PING, bound, self.pings(line, timeout, &mut times, &mut end)).await;
        let unanswered = u32::from(end.is_some());
        let pings = Pings::of(unanswered, &times);
        trace.facts.rtt_us = pings.as_ref().map(|pings| pings.median_us);
        trace.facts.pings = pings.filter(|_| self.count > 1);
        trace.facts.end = end;
        pinged?;
        let Some(text) = &self.echo else { return Ok(()) };
        let mut end = Some(End::Silent);
        let work = async {
            line.echo(text).await.map_err(|how| {
                end = Some(how.clone());
                ended(&how, "the echo")
            })
        };
        let us = trace.stage(ECHO, work).await;
        trace.facts.end = end.filter(|_| us.is_err());
        trace.facts.echo = Some(Echo { bytes: text.len(), us: us? });
        Ok(())
    }

    async fn pings(
        &self,
        line: &mut Line,
        timeout: Duration,
        times: &mut Vec<u64>,
        end: &mut Option<End>,
    ) -> Result<(), Failure> {
        for number in 1..=self.count {
            let begun = clock::now();
            let outcome = clock::within(timeout, line.ping()).await.unwrap_or(Err(End::Silent));
            match outcome {
                Ok(us) => times.push(us),
                Err(how) => {
                    *end = Some(how.clone());
                    return Err(ended(&how, &format!("ping {number}")));
                }
            }
            if number < self.count {
                clock::pause(Duration::from_millis(self.interval).saturating_sub(begun.elapsed())).await;
            }
        }
        Ok(())
    }
}

/// The failure that the end of a line means while something was waited for.
fn ended(end: &End, what: &str) -> Failure {
    let code = match end {
        End::Reset => Code::WsReset,
        End::Silent | End::Broken => Code::WsNoPong,
        End::CloseFrame { .. } | End::Closed | End::Torn => Code::WsClosed,
    };
    let detail = match end {
        End::Silent => format!("{what} was not answered"),
        end => format!("waiting for the answer to {what}, the connection was {}", end.words()),
    };
    Failure::new(code, detail)
}
