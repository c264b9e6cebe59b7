//! The requirements by region, where the profile has regions.

use std::fmt::Write;

use super::super::Subject;
use super::super::xml::Text;
use super::class;
use crate::assess::{Requirement, Status};
use crate::records::Observation;

/// How many targets of each region can be used, for the requirements that have regions.
pub(super) fn by_region(subject: &Subject) -> String {
    let regions = &subject.profile.regions;
    let requirements = &subject.assessment.report.requirements;
    let with: Vec<&Requirement> = requirements
        .iter()
        .filter(|one| regions.iter().any(|region| of(subject, one, region).next().is_some()))
        .collect();
    if with.is_empty() || regions.len() < 2 {
        return String::new();
    }
    let mut out = "<section aria-labelledby=\"regions\">\n<h2 id=\"regions\">By region</h2>\n<div class=\"scroll\" role=\"region\" \
                   aria-labelledby=\"regions\" tabindex=\"0\"><table class=\"regions\">\n<thead><tr><th scope=\"col\">Requirement</th>"
        .to_owned();
    for region in regions {
        let _ = write!(out, "<th scope=\"col\">{}</th>", Text(&region.to_uppercase()));
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for one in with {
        let _ = write!(
            out,
            "<tr><th scope=\"row\">{} <small>{}</small></th>",
            Text(&one.function),
            Text(&one.name)
        );
        regions.iter().for_each(|region| out.push_str(&cell(subject, one, region)));
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n</table></div>\n</section>\n");
    out
}

fn of<'a>(
    subject: &'a Subject,
    requirement: &'a Requirement,
    region: &'a str,
) -> impl Iterator<Item = &'a Observation> {
    subject.assessment.of(requirement).filter(move |one| one.labels.region == region)
}

fn cell(subject: &Subject, requirement: &Requirement, region: &str) -> String {
    let all = of(subject, requirement, region).count();
    let good = of(subject, requirement, region).filter(|one| one.usable()).count();
    let whole =
        of(subject, requirement, region).all(|one| one.verdict == netcheck_record::record::Verdict::Pass);
    let status = match good {
        _ if all == 0 => return "<td class=\"unchecked\">–</td>".into(),
        0 => Status::DoesNotWork,
        good if good == all && whole => Status::Works,
        _ => Status::Limited,
    };
    match status {
        Status::Limited if good < all => format!("<td class=\"part\">in part: {good} of {all}</td>"),
        status => format!("<td class=\"{}\">{}: {good} of {all}</td>", class(status), status.as_str()),
    }
}
