//! A user's profile laid onto the one it extends.

use super::Profile;
use super::row::Row;

/// `own` laid onto `base`: rows of the same name are completed, others are added, `off` ones leave.
pub(crate) fn merge_onto(mut base: Profile, own: Profile) -> Result<Profile, String> {
    for row in own.rows {
        match base.rows.iter().position(|other| other.name == row.name) {
            Some(at) if row.off => {
                base.rows.remove(at);
            }
            Some(at) => complete(&mut base.rows[at], row),
            None if row.off => {
                return Err(format!("row \"{}\" is off and is not in the profile it extends", row.name));
            }
            None => base.rows.push(row),
        }
    }
    for (tool, extra) in own.tools {
        base.tools.entry(tool).or_default().args.extend(extra.args);
    }
    if !own.controls.is_empty() {
        base.controls = own.controls;
    }
    base.regions.extend(own.regions);
    base.name = own.name;
    base.version = own.version;
    if !own.title.is_empty() {
        base.title = own.title;
    }
    if !own.source.is_empty() {
        base.source = own.source;
    }
    Ok(base)
}

fn complete(base: &mut Row, own: Row) {
    if own.replace {
        base.probes.clear();
    }
    base.probes.extend(own.probes);
    base.permits.extend(own.permits);
    base.required = own.required.or(base.required);
    base.note = own.note.or(base.note.take());
    base.fallback = own.fallback.or(base.fallback.take());
    base.service = own.service.or(base.service.take());
    for (text, new) in [
        (&mut base.function, own.function),
        (&mut base.without, own.without),
        (&mut base.role, own.role),
        (&mut base.source, own.source),
        (&mut base.must_work, own.must_work),
    ] {
        if !new.is_empty() {
            *text = new;
        }
    }
}
