//! What is wrong with a profile, in sentences for the person who wrote it.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::Profile;
use super::row::{Permit, Probe, Row, Way};
use crate::allowlist::destination;
use crate::ports;
use crate::target::{self, Share};

/// Labels that the plan sets itself.
const OWN_LABELS: &[&str] = &[
    "row",
    "service",
    "role",
    "region",
    "required",
    "function",
    "known_to_answer",
    "confirmed",
    "way",
    "control",
    "path",
    "note",
];

/// Everything that is wrong with it.
pub(crate) fn all(profile: &Profile) -> Vec<String> {
    let mut faults = Vec::new();
    if profile.format != 1 {
        faults.push(format!("format {} is not known: this version reads 1", profile.format));
    }
    if profile.rows.is_empty() {
        faults.push(
            "it has no [[row]]: write one with name, function, role, source and a [[row.probe]]".into(),
        );
    }
    let tools = target::tools();
    for tool in profile.tools.keys().filter(|tool| !tools.contains(&tool.as_str())) {
        faults.push(format!("[tools.{tool}]: the tools are {}", tools.join(", ")));
    }
    for (tool, extra) in &profile.tools {
        faults.extend(args(&extra.args).into_iter().map(|why| format!("[tools.{tool}]: {why}")));
    }
    for control in &profile.controls {
        if let Err(why) = Share::of(&control.target, None) {
            faults.push(format!("control \"{}\": {why}", control.target));
        }
    }
    let mut names = BTreeSet::new();
    for row in &profile.rows {
        if !names.insert(row.name.as_str()) {
            faults.push(format!("row \"{}\" is there twice", row.name));
        }
        faults.extend(of_row(profile, row).into_iter().map(|why| format!("row \"{}\": {why}", row.name)));
    }
    faults
}

/// What a tool would not start with: a request for help, a target, a number that is none.
fn args(args: &[String]) -> Vec<String> {
    const SWITCHES: &[&str] =
        &["-4", "-6", "-v", "-vv", "--ordered", "--strict", "--private-ok", "--connect", "--mtu", "--prove"];
    const NUMBERS: &[&str] = &["--jobs", "--count", "--attempts", "--sample", "--interval"];
    let mut faults = Vec::new();
    let mut before: Option<&str> = None;
    for arg in args.iter().map(String::as_str) {
        let value_of = before.take();
        let (flag, value) = arg.split_once('=').map_or((arg, None), |(flag, value)| (flag, Some(value)));
        match value_of {
            Some(flag) if NUMBERS.contains(&flag) && arg.parse::<u32>().is_ok_and(|number| number > 0) => {}
            Some(flag) if NUMBERS.contains(&flag) => {
                faults.push(format!("{flag} wants a number above 0, not \"{arg}\""))
            }
            Some(_) => {}
            None if matches!(arg, "--help" | "-h" | "--version" | "-V" | "--") => {
                faults.push(format!("\"{arg}\" checks nothing"));
            }
            None if !arg.starts_with('-') => {
                faults.push(format!("\"{arg}\" is a target: targets belong in a probe"))
            }
            None if NUMBERS.contains(&flag)
                && value.is_some_and(|text| text.parse::<u32>().map_or(true, |number| number == 0)) =>
            {
                faults.push(format!("{flag} wants a number above 0"));
            }
            None if value.is_none() && !SWITCHES.contains(&arg) => before = Some(arg),
            None => {}
        }
    }
    if let Some(flag) = before.filter(|flag| NUMBERS.contains(flag)) {
        faults.push(format!("{flag} wants a number"));
    }
    faults
}

fn of_row(profile: &Profile, row: &Row) -> Vec<String> {
    let mut faults = Vec::new();
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if row.name.is_empty() || row.name.len() > 24 || !row.name.chars().all(word) {
        faults.push("a name is 1 to 24 of a-z, 0-9 and -".into());
    }
    for (field, text) in [("function", &row.function), ("role", &row.role), ("source", &row.source)] {
        if text.trim().is_empty() {
            let example = match field {
                "function" => "what people do with it",
                "role" => "all",
                _ => "who says that it is needed",
            };
            faults.push(format!("{field} is missing: write {field} = \"{example}\""));
        }
    }
    if row.off {
        faults.push("`off` belongs in a profile that extends another".into());
    }
    if row.probes.is_empty() {
        faults.push("it has no [[row.probe]]: write one with target = \"https://www.example.com\"".into());
    }
    faults.extend(row.permits.iter().flat_map(|permit| of_permit(profile, permit)));
    faults.extend(row.probes.iter().flat_map(|probe| of_probe(profile, probe)));
    let ways = |way| row.probes.iter().any(|probe| probe.way == way);
    if ways(Way::Fallback) && !ways(Way::All) {
        faults.push("a fallback replaces a required probe, and there is none".into());
    }
    faults
}

fn of_permit(profile: &Profile, permit: &Permit) -> Vec<String> {
    let mut faults = Vec::new();
    if permit.to.is_empty() {
        faults.push("a permit names no destination: write to = [\"www.example.com\"]".into());
    }
    if permit.tcp.is_none() && permit.udp.is_none() {
        faults.push("a permit names no ports: write tcp = 443, or udp".into());
    }
    for to in permit.to.iter().filter(|to| destination::parse(to).is_none()) {
        faults.push(format!("permit to \"{to}\": write a name, *.name, {{a,b}}.name or ADDRESS/BITS"));
    }
    for from in permit.from.iter().filter(|from| from.parse::<IpAddr>().is_err()) {
        faults.push(format!("permit from \"{from}\": write an address"));
    }
    for text in [&permit.tcp, &permit.udp].into_iter().flatten() {
        if ports::parse(text).is_none() {
            faults.push(format!("ports \"{text}\": write 443, 80,443 or 10000-10050"));
        }
    }
    faults.extend(of_region(profile, permit.region.as_deref()));
    faults
}

fn of_probe(profile: &Profile, probe: &Probe) -> Vec<String> {
    let mut faults: Vec<String> = of_region(profile, probe.region.as_deref()).into_iter().collect();
    if let Err(why) = Share::of(&probe.target, None) {
        faults.push(format!("target \"{}\": {why}", probe.target));
    }
    for label in probe.labels.iter().flat_map(|labels| labels.keys()) {
        if OWN_LABELS.contains(&label.as_str()) {
            faults.push(format!("label \"{label}\" is set by the plan itself"));
        }
    }
    faults
}

fn of_region(profile: &Profile, region: Option<&str>) -> Option<String> {
    let region = region?;
    let known = profile.regions.iter().any(|known| known == region);
    (!known).then(|| format!("region \"{region}\" is not among the profile's `regions`"))
}
