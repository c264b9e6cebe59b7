//! `--hold`: several connections left idle for staggered times, to bracket when an idle connection is cut.

use std::time::Duration;

use futures_util::future::join_all;
use netcheck_common::clock;
use netcheck_common::failure::{Code, Failure};
use netcheck_common::net::Net;
use tokio::sync::Notify;

use crate::connection::WsConnection;
use crate::facts::{ConnectionEnd, HeldConnection, IdleBracket, PingedConnection};

/// How long a connection may take to answer once a signal has ended the run.
const LAST_PONG: Duration = Duration::from_millis(500);

/// How connections are held.
#[derive(Clone, Copy, Debug)]
pub struct HoldPlan {
    /// The longest idle time.
    pub hold: Duration,
    /// How often the pinged connection is pinged.
    pub keepalive: Option<Duration>,
    /// How long a pong is waited for.
    pub patience: Duration,
    /// The end of the pinged connection ends the hold.
    pub stop_at_cut: bool,
}

/// When a hold ends early: by a signal, or by the end of the pinged connection.
struct EarlyEnd<'a> {
    net: &'a Net,
    cut: Notify,
}

impl EarlyEnd<'_> {
    /// Does `work` until the hold ends early; `None` when it did.
    async fn or<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            done = self.net.unless_interrupted(work) => done,
            () = self.cut.notified() => {
                // One notice for each that waits.
                self.cut.notify_one();
                None
            }
        }
    }
}

impl HoldPlan {
    /// How long the hold takes at most.
    pub fn lasts(&self) -> Duration {
        self.hold + self.patience
    }

    /// Holds connections: the last the whole time, each one before it a step less. `pinged` is pinged instead.
    pub async fn hold(
        &self,
        net: &Net,
        connections: Vec<WsConnection>,
        pinged: Option<WsConnection>,
    ) -> IdleBracket {
        let early = EarlyEnd { net, cut: Notify::new() };
        let count = u32::try_from(connections.len()).unwrap_or(u32::MAX);
        let steps = (1..=count).map(|step| self.hold * step / count);
        let held = join_all(
            connections.into_iter().zip(steps).map(|(one, idle)| self.use_after_idle(&early, one, idle)),
        );
        let (connections, keepalive) = tokio::join!(held, self.ping_all_the_time(&early, pinged));
        let connections = connections.into_iter().flatten().collect();
        let interrupted = net.is_interrupted();
        let mut bracket = IdleBracket {
            seconds: seconds(self.hold),
            interrupted,
            connections,
            keepalive,
            ..IdleBracket::default()
        };
        bracket.close();
        bracket
    }

    /// Leaves a connection idle, then uses it again. `None` where the run ends before it is known whether it is alive.
    async fn use_after_idle(
        &self,
        early: &EarlyEnd<'_>,
        mut connection: WsConnection,
        idle: Duration,
    ) -> Option<HeldConnection> {
        let before = connection.unasked;
        // Opening the others took its time, and this one was idle meanwhile.
        let rest = idle.saturating_sub(connection.idle_for());
        let end = early.or(clock::within(rest, connection.listen())).await.flatten();
        let idle_s = seconds(connection.idle_for());
        let end = match end {
            Some(end) => Some(end),
            None if early.net.is_interrupted() => clock::within(LAST_PONG, connection.ping()).await?.err(),
            None => self.use_again(&mut connection).await,
        };
        let messages = connection.unasked - before;
        connection.leave().await;
        Some(HeldConnection { idle_s, end, messages })
    }

    /// How the connection is found to have ended, if it has.
    async fn use_again(&self, connection: &mut WsConnection) -> Option<ConnectionEnd> {
        clock::within(self.patience, connection.ping()).await.unwrap_or(Err(ConnectionEnd::Silent)).err()
    }

    /// Pings a connection all the time.
    async fn ping_all_the_time(
        &self,
        early: &EarlyEnd<'_>,
        connection: Option<WsConnection>,
    ) -> Option<PingedConnection> {
        let (mut connection, every) = (connection?, self.keepalive?);
        let begun = clock::now();
        let (mut end, mut alive) = (None, Duration::ZERO);
        while end.is_none() && begun.elapsed() < self.hold {
            let pause = every.min(self.hold.saturating_sub(begun.elapsed()));
            let Some(ended) = early.or(clock::within(pause, connection.listen())).await else { break };
            end = match ended {
                Some(end) => Some(end),
                None => self.use_again(&mut connection).await,
            };
            if end.is_none() {
                alive = begun.elapsed();
            }
        }
        let ended_s = end.as_ref().map(|_| seconds(begun.elapsed()));
        if end.is_some() && self.stop_at_cut {
            early.cut.notify_one();
        }
        connection.leave().await;
        Some(PingedConnection { every_s: seconds(every), alive_s: seconds(alive), end, ended_s })
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
