//! `--hold`: several connections left idle for staggered times, to bracket when an idle line is cut.

use std::time::Duration;

use futures_util::future::join_all;
use netcheck_common::clock;
use netcheck_common::failure::{Code, Failure, Layer};

use crate::bracket::{Bracket, Held, Kept};
use crate::facts::End;
use crate::line::Line;

/// The layer of the hold: its silence, reset and close all mean that an idle line was cut.
pub const HOLD: Layer = Layer::new("hold", Code::WsIdleClosed, Code::WsIdleClosed, Code::WsIdleClosed);

/// How the lines are held.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// The longest idle time.
    pub hold: Duration,
    /// How often the line kept awake is pinged.
    pub keepalive: Option<Duration>,
    /// How long a pong is waited for.
    pub patience: Duration,
}

impl Plan {
    /// How long the hold takes at most.
    pub fn lasts(&self) -> Duration {
        self.hold + self.patience
    }

    /// Holds the lines: the last the whole time, each one before it a step less. The kept one is pinged instead.
    pub async fn hold(&self, lines: Vec<Line>, kept: Option<Line>) -> Bracket {
        let count = u32::try_from(lines.len()).unwrap_or(u32::MAX);
        let steps = (1..=count).map(|step| self.hold * step / count);
        let held = join_all(lines.into_iter().zip(steps).map(|(line, idle)| self.idle(line, idle)));
        let (lines, keepalive) = tokio::join!(held, self.awake(kept));
        let mut bracket = Bracket { seconds: seconds(self.hold), lines, keepalive, ..Bracket::default() };
        bracket.close();
        bracket
    }

    /// Leaves a line idle, then uses it again.
    async fn idle(&self, mut line: Line, idle: Duration) -> Held {
        let before = line.unasked;
        // Opening the others took its time, and this one was idle meanwhile.
        let end = clock::within(idle.saturating_sub(line.quiet()), line.listen()).await;
        let idle_s = seconds(line.quiet());
        let end = match end {
            Some(end) => Some(end),
            None => self.use_again(&mut line).await,
        };
        let messages = line.unasked - before;
        line.leave().await;
        Held { idle_s, end, messages }
    }

    /// How the line is found to have ended, if it has.
    async fn use_again(&self, line: &mut Line) -> Option<End> {
        clock::within(self.patience, line.ping()).await.unwrap_or(Err(End::Silent)).err()
    }

    /// Pings a line all the time.
    async fn awake(&self, line: Option<Line>) -> Option<Kept> {
        let (mut line, every) = (line?, self.keepalive?);
        let begun = clock::now();
        let mut end = None;
        while end.is_none() && begun.elapsed() < self.hold {
            let pause = every.min(self.hold.saturating_sub(begun.elapsed()));
            end = match clock::within(pause, line.listen()).await {
                Some(end) => Some(end),
                None => self.use_again(&mut line).await,
            };
        }
        let ended_s = end.as_ref().map(|_| seconds(begun.elapsed()));
        line.leave().await;
        Some(Kept { every_s: seconds(every), end, ended_s })
    }
}

/// What a cut line means.
pub fn judge(bracket: &Bracket) -> Result<(), Failure> {
    let Some(end) = bracket.first_end() else { return Ok(()) };
    let cut = bracket.cut().count();
    let all = bracket.lines.len();
    let detail = format!("{cut} of {all} idle connections ended {}: {}", bracket.words(), end.words());
    Err(Failure::new(Code::WsIdleClosed, detail))
}

/// Seconds with two digits behind the point.
pub fn seconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 100.0).round() / 100.0
}
