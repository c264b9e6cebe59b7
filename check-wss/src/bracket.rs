//! When an idle line is cut, worked out from several lines used again after different times.

use serde::{Deserialize, Serialize};

use crate::facts::End;

/// What became of one line.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct Held {
    /// Seconds from its last byte to its end, or to its next use: a silent line ended at some time before that.
    pub idle_s: f64,
    /// How it ended; absent where it was alive.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub end: Option<End>,
    /// Messages the server sent meanwhile: such a line was not idle.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub messages: u64,
}

/// What became of all of them.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
pub struct Bracket {
    /// How long lines were held, in seconds.
    pub seconds: f64,
    /// The idle lines, shortest first.
    pub lines: Vec<Held>,
    /// The longest idle time after which a line was alive.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub alive_s: Option<f64>,
    /// The shortest idle time after which a line was cut.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cut_s: Option<f64>,
    /// The line that pings kept awake.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub keepalive: Option<Kept>,
    /// Whether a new connection stood at once after a cut.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub again: Option<bool>,
}

/// The line that pings kept awake.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct Kept {
    /// How often it was pinged.
    pub every_s: f64,
    /// How it ended; absent where it was alive to the last.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub end: Option<End>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ended_s: Option<f64>,
}

impl Bracket {
    /// Brackets the time of the cut.
    pub fn close(&mut self) {
        self.lines.sort_by(|a, b| a.idle_s.total_cmp(&b.idle_s));
        let alive = self.lines.iter().filter(|line| line.end.is_none()).map(|line| line.idle_s);
        self.alive_s = alive.max_by(f64::total_cmp);
        self.cut_s = self.cut().map(|line| line.idle_s).min_by(f64::total_cmp);
    }

    /// The lines that were cut.
    pub fn cut(&self) -> impl Iterator<Item = &Held> {
        self.lines.iter().filter(|line| line.end.is_some())
    }

    /// The end of the line that was cut first.
    pub fn first_end(&self) -> Option<&End> {
        self.cut().min_by(|a, b| a.idle_s.total_cmp(&b.idle_s))?.end.as_ref()
    }

    /// Whether the lines agree: none was alive after a clearly longer idle time than another's cut.
    pub fn is_consistent(&self) -> bool {
        match (self.alive_s, self.cut_s) {
            // Timers on the way count in steps of their own, and both ends see a moment differently.
            (Some(alive), Some(cut)) => alive <= cut * 1.1 + 0.2,
            _ => true,
        }
    }

    /// Whether pings kept a line alive for longer than an idle one lived.
    pub fn is_kept_by_pings(&self) -> bool {
        let Some(kept) = &self.keepalive else { return false };
        self.cut_s.is_some_and(|cut| kept.every_s < cut && kept.end.is_none() && self.seconds >= cut)
    }

    /// When the cut happens, in words.
    pub fn words(&self) -> String {
        match (self.first_end(), self.alive_s, self.cut_s) {
            (Some(End::Silent), Some(alive), Some(cut)) if alive < cut => format!("after {alive} to {cut} s"),
            (Some(End::Silent), _, Some(cut)) => format!("within {cut} s"),
            (_, _, Some(cut)) => format!("after {cut} s"),
            _ => "never".into(),
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bracket(lines: &[(f64, Option<End>)]) -> Bracket {
        let lines = lines.iter().map(|(idle_s, end)| Held { idle_s: *idle_s, end: end.clone(), messages: 0 });
        let mut bracket = Bracket { seconds: 40.0, lines: lines.collect(), ..Bracket::default() };
        bracket.close();
        bracket
    }

    #[test]
    fn a_silent_cut_lies_between_the_longest_alive_and_the_shortest_dead() {
        let silent = || Some(End::Silent);
        let held = bracket(&[(40.0, silent()), (10.0, None), (20.0, None), (30.0, silent())]);
        assert_eq!((held.alive_s, held.cut_s), (Some(20.0), Some(30.0)));
        assert_eq!(held.words(), "after 20 to 30 s");
        assert!(held.is_consistent());
    }

    #[test]
    fn a_cut_that_shows_itself_has_its_moment() {
        let held = bracket(&[(10.0, None), (12.5, Some(End::Reset)), (12.6, Some(End::Reset))]);
        assert_eq!(held.words(), "after 12.5 s");
        assert_eq!(bracket(&[(10.0, Some(End::Silent))]).words(), "within 10 s");
    }

    #[test]
    fn lines_that_contradict_each_other_are_no_idle_timer() {
        assert!(!bracket(&[(3.0, Some(End::Reset)), (20.0, None)]).is_consistent());
        assert!(bracket(&[(20.0, Some(End::Reset)), (20.1, None)]).is_consistent());
    }

    #[test]
    fn pings_prove_something_only_when_they_come_sooner_than_the_cut() {
        let mut held = bracket(&[(20.0, Some(End::Closed))]);
        held.keepalive = Some(Kept { every_s: 5.0, end: None, ended_s: None });
        assert!(held.is_kept_by_pings());
        held.keepalive = Some(Kept { every_s: 25.0, end: None, ended_s: None });
        assert!(!held.is_kept_by_pings());
        held.keepalive = Some(Kept { every_s: 5.0, end: Some(End::Closed), ended_s: Some(20.0) });
        assert!(!held.is_kept_by_pings());
    }
}
