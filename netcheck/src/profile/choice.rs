//! Which profile, and which of its rows.

use clap::Args;
use netcheck_record::record::Record;

use super::Profile;
use crate::standing;
use crate::survey::row_of;

/// Which profile, and which of its rows.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "What to look at")]
pub(crate) struct Choice {
    /// A built-in profile (spotme, teams, zoom) or a file
    #[arg(long, value_name = "NAME|FILE", default_value = "spotme")]
    pub(crate) profile: String,
    /// Only rows that this role needs (repeatable)
    #[arg(long, value_name = "ROLE")]
    pub(crate) role: Vec<String>,
    /// Only this region, and what belongs to none (repeatable)
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Vec<String>,
    /// Only this row (repeatable)
    #[arg(long, value_name = "ROW")]
    pub(crate) row: Vec<String>,
    /// Leave out the rows that are advisory
    #[arg(long)]
    pub(crate) required_only: bool,
    /// Leave out the controls: hosts of others that tell causes apart
    #[arg(long)]
    pub(crate) no_controls: bool,
}

impl Choice {
    /// The profile, with what was not asked for left out.
    ///
    /// # Errors
    /// A profile that cannot be read or is not sound, and names it does not have.
    pub(crate) fn load(&self) -> Result<Profile, String> {
        let mut profile = Profile::named(&self.profile)?;
        self.known(&profile)?;
        profile.rows.retain(|row| {
            let role = |role: &String| *role == row.role || row.role == "all" || role == "all";
            (self.row.is_empty() || self.row.contains(&row.name))
                && (self.role.is_empty() || self.role.iter().any(role))
                && (row.required() || !self.required_only)
        });
        let here = |region: &Option<String>| match region {
            Some(region) => self.region.is_empty() || self.region.contains(region),
            None => true,
        };
        for row in &mut profile.rows {
            row.probes.retain(|probe| here(&probe.region));
            row.permits.retain(|permit| here(&permit.region));
        }
        profile.rows.retain(|row| !row.probes.is_empty());
        if self.no_controls {
            profile.controls.clear();
            profile.tools.values_mut().for_each(|tool| without_controls(&mut tool.args));
        }
        if profile.rows.is_empty() {
            return Err("no row is left: role, region and row exclude each other".into());
        }
        Ok(profile)
    }

    /// Whether a record is of a row, role and region that was asked for.
    pub(crate) fn keeps(&self, record: &Record, profile: &Profile) -> bool {
        let region = standing::label(record, "region").unwrap_or("all");
        let chosen = profile.rows.iter().any(|row| row.name == row_of(record));
        let narrowed = !self.row.is_empty() || !self.role.is_empty() || self.required_only;
        (chosen || !narrowed)
            && (self.region.is_empty() || region == "all" || self.region.iter().any(|r| r == region))
    }

    fn known(&self, profile: &Profile) -> Result<(), String> {
        let rows: Vec<&str> = profile.rows.iter().map(|row| row.name.as_str()).collect();
        let mut roles: Vec<&str> = profile.rows.iter().map(|row| row.role.as_str()).collect();
        roles.push("all");
        roles.sort_unstable();
        roles.dedup();
        let regions: Vec<&str> = profile.regions.iter().map(String::as_str).collect();
        for (kind, asked, known) in
            [("row", &self.row, rows), ("role", &self.role, roles), ("region", &self.region, regions)]
        {
            if let Some(stray) = asked.iter().find(|name| !known.contains(&name.as_str())) {
                return Err(format!("no {kind} \"{stray}\" in this profile; it has: {}", known.join(", ")));
            }
        }
        Ok(())
    }
}

/// Takes the controls out of a tool's arguments: `--control TARGET`, or `--control=TARGET`.
fn without_controls(args: &mut Vec<String>) {
    let mut value = false;
    args.retain(|arg| {
        let flag = arg == "--control";
        let drop = std::mem::replace(&mut value, flag) || flag || arg.starts_with("--control=");
        !drop
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_are_taken_out_of_a_tools_arguments_and_nothing_else() {
        let mut args: Vec<String> =
            ["--control", "stun:a:1", "--selector", "x", "--control=stun:b:2", "--control", "stun:c:3", "-v"]
                .map(str::to_owned)
                .to_vec();
        without_controls(&mut args);
        assert_eq!(args, ["--selector", "x", "-v"]);
    }

    #[test]
    fn without_controls_no_tool_asks_one() {
        let choice = Choice {
            profile: "spotme".into(),
            role: Vec::new(),
            region: Vec::new(),
            row: Vec::new(),
            required_only: false,
            no_controls: true,
        };
        let profile = choice.load().unwrap();
        assert!(profile.controls.is_empty());
        assert!(profile.tools.values().all(|tool| !tool.args.iter().any(|arg| arg.contains("stun"))));
    }
}
