//! The way from this machine to the service, with the device that blocks it.

use super::super::xml::Text;
use super::head;
use crate::remedy;
use crate::request::{self, Group};

/// The way of a group, where it is known where it ends.
pub(super) fn of(group: &Group) -> String {
    let Some((record, near)) = group.records.first().zip(group.near) else { return String::new() };
    let path = record.path.as_ref();
    let local = path.and_then(|path| path.local.as_deref()).map_or("", head::address);
    let interface = path.and_then(|path| path.interface.as_deref()).unwrap_or_default();
    let hosts = group.hosts();
    format!(
        "<ol class=\"route\" aria-label=\"The way to {0}\">\n<li>this machine<span>{1} {2}</span></li>\n\
         <li class=\"block\">{3} {near}<span>{4} (ask: {5})</span></li>\n<li class=\"far\">{0}<span>{6}</span></li>\n</ol>\n",
        Text(&hosts),
        Text(local),
        Text(interface),
        if request::silent(group.reason) { "at or after" } else { "at" },
        group.code,
        remedy::who(group.who),
        Text(&group.ports())
    )
}
