//! Every record, for whoever wants to see them all.

use std::fmt::Write;

use super::super::Subject;
use super::super::xml::Text;
use super::bars;

/// A page of more rows than this is of no use to anybody.
const MOST: usize = 5_000;

/// The section.
pub(super) fn section(subject: &Subject) -> String {
    let observations = &subject.assessment.observations;
    let count = observations.len();
    let left = count.saturating_sub(MOST);
    let left =
        if left > 0 { format!("<p>{left} more are in the file of records.</p>\n") } else { String::new() };
    let mut out = format!(
        "<section aria-labelledby=\"records\">\n<h2 id=\"records\">All records</h2>\n<details>\n<summary>{count} records, one per target</summary>\n\
         {left}<div class=\"scroll\" role=\"region\" aria-label=\"All records\" tabindex=\"0\"><table class=\"records\">\n\
         <caption>All records</caption>\n<thead><tr><th scope=\"col\">Requirement</th><th scope=\"col\">Target</th>\
         <th scope=\"col\">Verdict</th><th scope=\"col\">Observed</th><th scope=\"col\">Path</th></tr></thead>\n<tbody>\n"
    );
    let shown = observations.iter().filter_map(|one| Some((one, subject.input.samples.get(&one.position)?)));
    for (one, record) in shown.take(MOST) {
        let detail = record.failure.as_ref().map_or("", |failure| failure.detail.as_str());
        let path = record.path.as_ref();
        let way = path.map(|path| {
            let parts = [
                path.local.as_deref(),
                path.interface.as_deref(),
                path.address.as_deref(),
                path.proxy.as_deref(),
            ];
            parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
        });
        let _ = writeln!(
            out,
            "<tr><td>{}</td><td class=\"target\">{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            Text(&one.labels.requirement),
            Text(&record.target),
            Text(&bars::word(one)),
            Text(detail),
            Text(&way.unwrap_or_default())
        );
    }
    out.push_str("</tbody>\n</table></div>\n</details>\n</section>\n");
    out
}
