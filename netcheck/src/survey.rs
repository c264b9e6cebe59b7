//! Every row's standing from a set of records, the worst first.

use std::collections::{BTreeMap, BTreeSet};

use netcheck_record::record::Record;

use crate::outage::{self, Outage};
use crate::plan::{CONTROLS, Line};
use crate::profile::Profile;
use crate::profile::row::Permit;
use crate::standing::{self, Standing, State};

/// Every row's standing, and the one reason for everything where there is one.
#[derive(Debug)]
pub(crate) struct Survey<'a> {
    /// Required rows, the worst first; then the advisory ones, the worst first.
    pub(crate) standings: Vec<Standing<'a>>,
    /// The one reason for everything.
    pub(crate) outage: Option<Outage>,
}

impl<'a> Survey<'a> {
    /// Of a run: `lines` say how many records each row should have.
    pub(crate) fn of_run(
        profile: &Profile,
        lines: &[Line],
        records: impl IntoIterator<Item = &'a Record>,
    ) -> Survey<'a> {
        let mut expected: BTreeMap<&str, u64> = BTreeMap::new();
        for line in lines.iter().filter(|line| line.counted) {
            *expected.entry(line.row.as_str()).or_default() += line.count;
        }
        Survey::of(profile, records, |row| expected.get(row).copied().unwrap_or_default())
    }

    /// Of records from a file: what is there is all there was, and a row without records was not checked.
    pub(crate) fn of_file(profile: &Profile, records: &'a [Record]) -> Survey<'a> {
        Survey::of(profile, records, |_| 0)
    }

    fn of(
        profile: &Profile,
        records: impl IntoIterator<Item = &'a Record>,
        expected: impl Fn(&str) -> u64,
    ) -> Survey<'a> {
        let records: Vec<&Record> = records.into_iter().collect();
        let mut by_row: BTreeMap<&str, Vec<&Record>> = BTreeMap::new();
        for record in records.iter().copied() {
            by_row.entry(row_of(record)).or_default().push(record);
        }
        by_row.remove(CONTROLS);
        let mut standings = Vec::new();
        for row in &profile.rows {
            let records = by_row.remove(row.name.as_str()).unwrap_or_default();
            let judge =
                |records| standing::of(&row.name, records, expected(&row.name), row.fallback.as_deref());
            let mut standing = by_best_way(records, judge);
            standing.required = row.required();
            standing.function.clone_from(&row.function);
            standing.role.clone_from(&row.role);
            standing.without.clone_from(&row.without);
            standing.permits = row.permits.iter().map(Permit::text).collect::<Vec<_>>().join("; ");
            standings.push(standing);
        }
        // Rows of another profile, or targets without labels, keep their place in every report.
        for (name, records) in by_row {
            let expected = expected(name);
            standings.push(standing::of(name, records, expected, None));
        }
        let mut survey = Survey { standings, outage: outage::of(&records) };
        survey.sort();
        survey
    }

    /// Required rows first, the worst of them first.
    pub(crate) fn sort(&mut self) {
        self.standings.sort_by_key(|standing| (!standing.required, std::cmp::Reverse(standing.state)));
    }

    /// The row of that name.
    pub(crate) fn row(&self, name: &str) -> Option<&Standing<'a>> {
        self.standings.iter().find(|standing| standing.name == name)
    }

    /// The exit code that the rows ask for: 0 or 1.
    pub(crate) fn code(&self, strict: bool) -> u8 {
        let bad = |standing: &&Standing| {
            standing.required
                && (standing.state > State::Degraded || (strict && standing.state > State::Pass))
        };
        u8::from(self.standings.iter().any(|standing| bad(&standing)))
    }
}

/// Judges a row whose ways out were checked one by one (`check --path`): a row that works by one way works.
fn by_best_way<'a>(
    records: Vec<&'a Record>,
    judge: impl Fn(Vec<&'a Record>) -> Standing<'a>,
) -> Standing<'a> {
    let way = |record: &&'a Record| standing::label(record, "path");
    let ways: BTreeSet<Option<&str>> = records.iter().map(way).collect();
    if ways.len() < 2 {
        return judge(records);
    }
    let of_way =
        |wanted: &Option<&str>| records.iter().copied().filter(|record| way(record) == *wanted).collect();
    let mut standings: Vec<(&str, Standing)> =
        ways.iter().map(|wanted| (wanted.unwrap_or("unnamed"), judge(of_way(wanted)))).collect();
    let by_way: Vec<String> =
        standings.iter().map(|(way, standing)| format!("{way} {}", standing.state.as_str())).collect();
    standings.sort_by_key(|(_, standing)| standing.state);
    let differ = standings.first().map(|(_, one)| one.state) != standings.last().map(|(_, one)| one.state);
    let (_, mut best) = standings.swap_remove(0);
    if differ {
        best.notes.push(format!("by the way out: {}", by_way.join(", ")));
    }
    best
}

/// The row of a record; targets that came without labels are a row of their own.
pub(crate) fn row_of(record: &Record) -> &str {
    standing::label(record, "row").unwrap_or("unlabelled")
}
