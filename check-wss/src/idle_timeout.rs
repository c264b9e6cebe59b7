//! When an idle connection is cut, worked out from several that are used again after different times.

use crate::facts::{ConnectionEnd, HeldConnection, IdleBracket};

impl IdleBracket {
    /// Brackets the time of the cut.
    pub fn close(&mut self) {
        self.connections.sort_by(|a, b| a.idle_s.total_cmp(&b.idle_s));
        let alive = self.connections.iter().filter(|held| held.end.is_none()).map(|held| held.idle_s);
        self.alive_s = alive.max_by(f64::total_cmp);
        self.cut_s = self.cut().map(|held| held.idle_s).min_by(f64::total_cmp);
    }

    /// The connections that were cut.
    pub fn cut(&self) -> impl Iterator<Item = &HeldConnection> {
        self.connections.iter().filter(|held| held.end.is_some())
    }

    /// The end of the connection that was cut first.
    pub fn first_end(&self) -> Option<&ConnectionEnd> {
        self.cut().min_by(|a, b| a.idle_s.total_cmp(&b.idle_s))?.end.as_ref()
    }

    /// Whether they agree: none was alive after a clearly longer idle time than another's cut.
    pub fn is_consistent(&self) -> bool {
        match (self.alive_s, self.cut_s) {
            // Timers on the path count in steps of their own, and both ends see a moment differently.
            (Some(alive), Some(cut)) => alive <= cut * 1.1 + 0.2,
            _ => true,
        }
    }

    /// Whether pings kept a connection alive for longer than an idle one lived.
    pub fn is_kept_by_pings(&self) -> bool {
        let Some(kept) = &self.keepalive else { return false };
        self.cut_s.is_some_and(|cut| kept.every_s < cut && kept.end.is_none() && self.seconds >= cut)
    }

    /// Whether the pinged connection ended, too: then idleness is not the reason.
    pub fn is_cut_despite_pings(&self) -> bool {
        self.keepalive.as_ref().is_some_and(|pinged| pinged.end.is_some())
    }

    /// When the cut happens, in words.
    pub fn words(&self) -> String {
        match (self.first_end(), self.alive_s, self.cut_s) {
            (Some(ConnectionEnd::Silent), Some(alive), Some(cut)) if alive < cut => {
                format!("between {alive} and {cut} s")
            }
            (Some(ConnectionEnd::Silent), _, Some(cut)) => format!("within {cut} s"),
            (_, _, Some(cut)) => format!("after {cut} s"),
            _ => "never".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::PingedConnection;

    fn bracket(held: &[(f64, Option<ConnectionEnd>)]) -> IdleBracket {
        let held = held.iter().map(|(idle_s, end)| HeldConnection {
            idle_s: *idle_s,
            end: end.clone(),
            messages: 0,
        });
        let mut bracket =
            IdleBracket { seconds: 40.0, connections: held.collect(), ..IdleBracket::default() };
        bracket.close();
        bracket
    }

    #[test]
    fn a_silent_cut_lies_between_the_longest_alive_and_the_shortest_dead() {
        let silent = || Some(ConnectionEnd::Silent);
        let held = bracket(&[(40.0, silent()), (10.0, None), (20.0, None), (30.0, silent())]);
        assert_eq!((held.alive_s, held.cut_s), (Some(20.0), Some(30.0)));
        assert_eq!(held.words(), "between 20 and 30 s");
        assert!(held.is_consistent());
    }

    #[test]
    fn a_cut_that_shows_itself_has_its_moment() {
        let held =
            bracket(&[(10.0, None), (12.5, Some(ConnectionEnd::Reset)), (12.6, Some(ConnectionEnd::Reset))]);
        assert_eq!(held.words(), "after 12.5 s");
        assert_eq!(bracket(&[(10.0, Some(ConnectionEnd::Silent))]).words(), "within 10 s");
    }

    #[test]
    fn connections_that_contradict_each_other_are_no_idle_timer() {
        assert!(!bracket(&[(3.0, Some(ConnectionEnd::Reset)), (20.0, None)]).is_consistent());
        assert!(bracket(&[(20.0, Some(ConnectionEnd::Reset)), (20.1, None)]).is_consistent());
    }

    #[test]
    fn pings_prove_something_only_when_they_come_sooner_than_the_cut() {
        let mut held = bracket(&[(20.0, Some(ConnectionEnd::Closed))]);
        held.keepalive = Some(PingedConnection { every_s: 5.0, alive_s: 15.0, end: None, ended_s: None });
        assert!(held.is_kept_by_pings());
        held.keepalive = Some(PingedConnection { every_s: 25.0, alive_s: 25.0, end: None, ended_s: None });
        assert!(!held.is_kept_by_pings());
        held.keepalive = Some(PingedConnection {
            every_s: 5.0,
            alive_s: 15.0,
            end: Some(ConnectionEnd::Closed),
            ended_s: Some(20.0),
        });
        assert!(!held.is_kept_by_pings());
    }
}
