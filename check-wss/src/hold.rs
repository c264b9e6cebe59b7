//! `--hold`: several connections left idle for staggered times, to bracket when an idle connection is cut.

use std::time::Duration;

use futures_util::future::join_all;
use netcheck_common::clock;
use netcheck_common::failure::{Code, Failure};

use crate::connection::WsConnection;
use crate::facts::{ConnectionEnd, HeldConnection, IdleBracket, PingedConnection};

/// How connections are held.
#[derive(Clone, Copy, Debug)]
pub struct HoldPlan {
    /// The longest idle time.
    pub hold: Duration,
    /// How often the pinged connection is pinged.
    pub keepalive: Option<Duration>,
    /// How long a pong is waited for.
    pub patience: Duration,
}

impl HoldPlan {
    /// How long the hold takes at most.
    pub fn lasts(&self) -> Duration {
        self.hold + self.patience
    }

    /// Holds connections: the last the whole time, each one before it a step less. `pinged` is pinged instead.
    pub async fn hold(&self, connections: Vec<WsConnection>, pinged: Option<WsConnection>) -> IdleBracket {
        let count = u32::try_from(connections.len()).unwrap_or(u32::MAX);
        let steps = (1..=count).map(|step| self.hold * step / count);
        let held = join_all(connections.into_iter().zip(steps).map(|(one, idle)| self.idle(one, idle)));
        let (connections, keepalive) = tokio::join!(held, self.ping_all_the_time(pinged));
        let mut bracket =
            IdleBracket { seconds: seconds(self.hold), connections, keepalive, ..IdleBracket::default() };
        bracket.close();
        bracket
    }

    /// Leaves a connection idle, then uses it again.
    async fn idle(&self, mut connection: WsConnection, idle: Duration) -> HeldConnection {
        let before = connection.unasked;
        // Opening the others took its time, and this one was idle meanwhile.
        let end = clock::within(idle.saturating_sub(connection.quiet()), connection.listen()).await;
        let idle_s = seconds(connection.quiet());
        let end = match end {
            Some(end) => Some(end),
            None => self.use_again(&mut connection).await,
        };
        let messages = connection.unasked - before;
        connection.leave().await;
        HeldConnection { idle_s, end, messages }
    }

    /// How the connection is found to have ended, if it has.
    async fn use_again(&self, connection: &mut WsConnection) -> Option<ConnectionEnd> {
        clock::within(self.patience, connection.ping()).await.unwrap_or(Err(ConnectionEnd::Silent)).err()
    }

    /// Pings a connection all the time.
    async fn ping_all_the_time(&self, connection: Option<WsConnection>) -> Option<PingedConnection> {
        let (mut connection, every) = (connection?, self.keepalive?);
        let begun = clock::now();
        let mut end = None;
        while end.is_none() && begun.elapsed() < self.hold {
            let pause = every.min(self.hold.saturating_sub(begun.elapsed()));
            end = match clock::within(pause, connection.listen()).await {
                Some(end) => Some(end),
                None => self.use_again(&mut connection).await,
            };
        }
        let ended_s = end.as_ref().map(|_| seconds(begun.elapsed()));
        connection.leave().await;
        Some(PingedConnection { every_s: seconds(every), end, ended_s })
    }
}

/// The failure that cut connections mean.
pub fn failure_of(bracket: &IdleBracket) -> Result<(), Failure> {
    let Some(end) = bracket.first_end() else { return Ok(()) };
    let cut = bracket.cut().count();
    let all = bracket.connections.len();
    let detail = format!("{cut} of {all} idle connections ended {}: {}", bracket.words(), end.words());
    Err(Failure::new(Code::WsIdleClosed, detail))
}

/// Seconds with two digits behind the point.
pub fn seconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 100.0).round() / 100.0
}
