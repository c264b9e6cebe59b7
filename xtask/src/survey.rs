//! Every row's standing from a set of records, the worst first.

use std::collections::BTreeMap;

use netcheck_common::record::Record;

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
            let mut standing = standing::of(&row.name, records, expected(&row.name), row.fallback.as_deref());
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

/// The row of a record; targets that came without labels are a row of their own.
pub(crate) fn row_of(record: &Record) -> &str {
    standing::label(record, "row").unwrap_or("unlabelled")
}
