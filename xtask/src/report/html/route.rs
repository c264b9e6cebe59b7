//! The way from this machine to the service, with the device that blocks it.

use std::fmt::Write;

use super::super::xml::Text;
use crate::remedy;
use crate::request;
use crate::standing::Standing;
use crate::target::Place;

/// How many ways are drawn.
const MOST: usize = 4;

/// The ways of a row, where it is known where they end.
pub(super) fn of(row: &Standing) -> String {
    let mut out = String::new();
    for group in request::groups(&row.decisive).iter().filter(|group| group.near.is_some()).take(MOST) {
        let Some((record, near)) = group.records.first().zip(group.near) else { continue };
        let path = record.path.as_ref();
        let local = path.and_then(|path| path.local.as_deref()).unwrap_or("this machine");
        let interface = path.and_then(|path| path.interface.as_deref()).unwrap_or_default();
        let host = Place::of(&record.target).host;
        let _ = writeln!(
            out,
            "<ol class=\"route\" aria-label=\"The way to {}\">\n<li>this machine<span>{} {}</span></li>\n\
             <li class=\"block\">{} {near}<span>{} ({})</span></li>\n<li class=\"far\">{}<span>{}</span></li>\n</ol>",
            Text(&host),
            Text(local),
            Text(interface),
            if request::silent(group.reason) { "at or after" } else { "at" },
            group.code,
            remedy::who(group.who),
            Text(&host),
            Text(&group.ports())
        );
    }
    out
}
