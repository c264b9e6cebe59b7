//! Which profile, and which of its rows.

use clap::Args;

use super::Profile;
use crate::records::{Chosen, Input, Observation};

/// The profile that is checked where none is named.
const DEFAULT: &str = "spotme";

/// Which profile, and which of its rows.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "What to check")]
pub(crate) struct Choice {
    /// A built-in profile (spotme, teams, zoom) or a file
    /// [default: spotme; of records, that of their run]
    #[arg(long, value_name = "NAME|FILE")]
    pub(crate) profile: Option<String>,
    /// Only requirements of this role (repeatable)
    #[arg(long, value_name = "ROLE")]
    pub(crate) role: Vec<String>,
    /// Only this region, and targets without a region (repeatable)
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Vec<String>,
    /// Only this requirement (repeatable)
    #[arg(long, value_name = "ROW")]
    pub(crate) row: Vec<String>,
    /// Leave out advisory requirements
    #[arg(long)]
    pub(crate) required_only: bool,
    /// Leave out the control hosts, which help to distinguish causes
    #[arg(long)]
    pub(crate) no_controls: bool,
}

impl Choice {
    /// The profile, with what was not asked for left out.
    ///
    /// # Errors
    /// A profile that cannot be read or is not sound, and names it does not have.
    pub(crate) fn load(&self) -> Result<Profile, String> {
        let profile = Profile::named(self.profile.as_deref().unwrap_or(DEFAULT))?;
        self.narrow(profile)
    }

    /// The profile that records were made with, as much of it as was checked, and its sample; what was asked for here
    /// narrows it further.
    ///
    /// # Errors
    /// A profile that cannot be read, and names it does not have.
    pub(crate) fn of_input(&self, input: &Input) -> Result<(Profile, Option<u64>), String> {
        let start = input.runs.iter().rev().find_map(|run| run.start.as_ref());
        let profile = match (&self.profile, start) {
            (Some(name), _) => Profile::named(name)?,
            (None, Some(start)) => of_run(&start.profile),
            (None, None) => Profile::named(DEFAULT)?,
        };
        let chosen = start.map(|start| start.chosen.clone()).unwrap_or_default();
        let sample = chosen.sample;
        let known = |names: Vec<String>, known: &dyn Fn(&str) -> bool| -> Vec<String> {
            names.into_iter().filter(|name| known(name)).collect()
        };
        let then = Choice {
            profile: None,
            role: chosen.role,
            region: known(chosen.region, &|name| profile.regions.iter().any(|region| region == name)),
            row: known(chosen.row, &|name| profile.rows.iter().any(|row| row.name == name)),
            required_only: chosen.required_only,
            no_controls: chosen.no_controls,
        };
        // Nothing is left where the profile is not here: its requirements are then those that the records name.
        let profile = if profile.rows.is_empty() { profile } else { then.narrow(profile)? };
        Ok((if self.narrows() { self.narrow(profile)? } else { profile }, sample))
    }

    /// What was left out, for the run line.
    pub(crate) fn chosen(&self, sample: Option<u64>, path: Vec<String>) -> Chosen {
        Chosen {
            role: self.role.clone(),
            region: self.region.clone(),
            row: self.row.clone(),
            required_only: self.required_only,
            no_controls: self.no_controls,
            sample,
            path,
        }
    }

    /// Whether only a part of the profile is asked for.
    pub(crate) fn narrows(&self) -> bool {
        !self.row.is_empty() || !self.role.is_empty() || !self.region.is_empty() || self.required_only
    }

    /// The profile with what was not asked for left out.
    fn narrow(&self, mut profile: Profile) -> Result<Profile, String> {
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

    /// Whether an observation is of a requirement, role and region that was asked for.
    pub(crate) fn keeps(&self, observation: &Observation, profile: &Profile) -> bool {
        let labels = &observation.labels;
        let chosen = || profile.rows.iter().any(|row| row.name == labels.requirement);
        let narrowed = !self.row.is_empty() || !self.role.is_empty() || self.required_only;
        (!narrowed || chosen() || labels.requirement == crate::plan::CONTROLS)
            && (self.region.is_empty() || labels.region == "all" || self.region.contains(&labels.region))
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

/// The profile of a run: built in, from its file where that is still the same, else only its name.
fn of_run(id: &crate::records::ProfileId) -> Profile {
    let built_in = Profile::built_in(&id.name).and_then(Result::ok);
    let built_in = built_in.and_then(|profile| Profile::validate(&id.name, profile).ok());
    if let Some(profile) = built_in.filter(|_| id.file.is_none()) {
        return profile;
    }
    let of_file = id.file.as_deref().and_then(|file| Profile::named(file).ok());
    of_file.filter(|profile| profile.name == id.name).unwrap_or_else(|| Profile::only_named(&id.name))
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
            profile: Some("spotme".into()),
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
