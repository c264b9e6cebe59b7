//! `profile`: shows a profile, says whether a file is a sound one, begins a new one.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

use crate::number::count;
use crate::out;
use crate::profile::row::Way;
use crate::profile::{Profile, new};

const NEW: &str = include_str!("new_profile.toml");

/// Show a profile, look whether a file is a sound one, or begin a new one
#[derive(ClapArgs, Debug)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// Show what a profile asks for, extensions applied
    Show {
        /// A built-in profile (spotme, teams, zoom) or a file
        #[arg(default_value = "spotme")]
        profile: String,
        /// As TOML, as it could be written to a file
        #[arg(long)]
        toml: bool,
    },
    /// Say whether files are sound profiles
    Validate {
        /// The files
        #[arg(required = true)]
        files: Vec<String>,
    },
    /// Write a profile of your own: one that adds to spotme, or with --target one that stands alone
    New {
        /// The file; it must not exist
        file: PathBuf,
        /// What has to work, as `https://www.example.com` (repeatable)
        #[arg(long, value_name = "TARGET")]
        target: Vec<String>,
        /// Its name
        #[arg(long, value_name = "NAME", default_value = "mine", requires = "target")]
        name: String,
    },
}

/// Runs the command.
///
/// # Errors
/// A profile that is not sound, or a file that cannot be written.
pub(crate) fn run(args: &Args) -> Result<u8, String> {
    match &args.action {
        Action::Show { profile, toml } => {
            let profile = Profile::named(profile)?;
            let text = if *toml {
                ::toml::to_string_pretty(&profile)
                    .map_err(|why| format!("this profile cannot be written: {why}"))?
            } else {
                text(&profile)
            };
            out::print(&text)?;
        }
        Action::Validate { files } => {
            for file in files {
                let profile = Profile::named(file)?;
                let (rows, probes) =
                    (count(profile.rows.len(), "row"), count(profile.probes().count(), "probe"));
                out::print(&format!("{file}: sound: {rows}, {probes}\n"))?;
            }
        }
        Action::New { file, target, name } => {
            let text = match target.as_slice() {
                [] => NEW.to_owned(),
                targets => new::text(name, targets)?,
            };
            Profile::validate(name, Profile::parse(&text)?)?;
            let opened = OpenOptions::new().write(true).create_new(true).open(file);
            let written = opened.and_then(|mut opened| opened.write_all(text.as_bytes()));
            written.map_err(|why| format!("{}: {why}", file.display()))?;
        }
    }
    Ok(0)
}

fn text(profile: &Profile) -> String {
    let mut out = format!("{} ({})\nSource: {}\n", profile.title, profile.name, profile.source);
    for row in &profile.rows {
        let advisory = if row.required() { "" } else { ", advisory" };
        out.push_str(&format!("\n{} - {} (for {}{advisory})\n", row.name, row.function, row.role));
        for permit in &row.permits {
            out.push_str(&format!("  permit  {}\n", permit.text()));
        }
        for probe in &row.probes {
            let mut remarks = Vec::new();
            remarks.extend(probe.region.clone());
            remarks.extend((probe.required == Some(false)).then(|| "not counted".to_owned()));
            remarks.extend((probe.confirmed == Some(false)).then(|| "to be confirmed".to_owned()));
            remarks.extend((probe.known_to_answer == Some(false)).then(|| "need not answer".to_owned()));
            remarks.extend((probe.way == Way::Any).then(|| "one is enough".to_owned()));
            remarks.extend((probe.way == Way::Fallback).then(|| "fallback".to_owned()));
            let remarks =
                if remarks.is_empty() { String::new() } else { format!(" ({})", remarks.join(", ")) };
            out.push_str(&format!("  probe   {}{remarks}\n", probe.target));
        }
        out.push_str(&format!("  source  {}\n", row.source));
        if let Some(note) = &row.note {
            out.push_str(&format!("  note    {note}\n"));
        }
    }
    out
}
