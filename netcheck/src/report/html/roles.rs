//! Who can do what from here: the rows by role, and by region where rows have regions.

use std::fmt::Write;

use netcheck_record::record::Record;

use super::super::Subject;
use super::super::xml::Text;
use super::{badge, class, word};
use crate::answer;
use crate::standing::{self, Standing, State};

/// A card for each role with its rows, the worst first.
pub(super) fn by_role(subject: &Subject) -> String {
    let required = || subject.survey.standings.iter().filter(|row| row.required);
    let mut roles: Vec<&str> = required().map(|row| row.role.as_str()).collect();
    roles.sort_unstable();
    roles.dedup();
    let mut out = "<h3>By role</h3>\n<div class=\"roles\">\n".to_owned();
    for role in roles {
        let _ = writeln!(out, "<div class=\"role\"><h4>{}</h4>\n<ul>", Text(&answer::who(role)));
        for row in required().filter(|row| row.role == role) {
            let function = if row.function.is_empty() { &row.name } else { &row.function };
            let _ = writeln!(
                out,
                "<li>{} <span>{} <small>{}</small></span></li>",
                badge(row.state),
                Text(function),
                Text(&row.name)
            );
        }
        out.push_str("</ul></div>\n");
    }
    out.push_str("</div>\n");
    out
}

/// How many targets of each region can be used, for the rows that have regions.
pub(super) fn by_region(subject: &Subject) -> String {
    let regions = &subject.profile.regions;
    let rows: Vec<&Standing> =
        subject.survey.standings.iter().filter(|row| regions.iter().any(|region| any(row, region))).collect();
    if rows.is_empty() || regions.len() < 2 {
        return String::new();
    }
    let mut out = "<h3 id=\"regions\">By region</h3>\n<div class=\"scroll\" role=\"region\" aria-labelledby=\"regions\" \
                   tabindex=\"0\"><table class=\"regions\">\n<thead><tr><th scope=\"col\">Row</th>"
        .to_owned();
    for region in regions {
        let _ = write!(out, "<th scope=\"col\">{}</th>", Text(&region.to_uppercase()));
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for row in rows {
        let _ = write!(
            out,
            "<tr><th scope=\"row\">{} <small>{}</small></th>",
            Text(&row.function),
            Text(&row.name)
        );
        regions.iter().for_each(|region| out.push_str(&cell(row, region)));
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n</table></div>\n");
    out
}

fn of<'a>(row: &'a Standing, region: &'a str) -> impl Iterator<Item = &'a Record> {
    row.records.iter().copied().filter(move |record| standing::label(record, "region") == Some(region))
}

fn any(row: &Standing, region: &str) -> bool {
    of(row, region).next().is_some()
}

fn cell(row: &Standing, region: &str) -> String {
    let all = of(row, region).count();
    let good = of(row, region).filter(|record| standing::usable(record)).count();
    let state = match good {
        _ if all == 0 => State::NotChecked,
        0 => State::Fail,
        good if good == all => State::Pass,
        _ => State::Degraded,
    };
    match state {
        State::NotChecked => "<td class=\"unchecked\">–</td>".into(),
        State::Degraded => format!("<td class=\"part\">in part: {good} of {all}</td>"),
        state => format!("<td class=\"{}\">{}: {good} of {all}</td>", class(state), word(state)),
    }
}
