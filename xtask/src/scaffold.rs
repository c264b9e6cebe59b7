//! `cargo xtask new NAME`: a crate for a new check that compiles and checks something at once.

use std::fs;

use clap::Args as ClapArgs;

use crate::workspace::{root, say};

const MANIFEST: &str = include_str!("scaffold/Cargo.toml.in");
const LIBRARY: &str = include_str!("scaffold/lib.rs.in");
const MAIN: &str = include_str!("scaffold/main.rs.in");
const CHECK: &str = include_str!("scaffold/check.rs.in");
const TEST: &str = include_str!("scaffold/scripted.rs.in");

/// Make the crate of a new check
#[derive(ClapArgs, Debug)]
pub(crate) struct Args {
    /// The protocol: the tool becomes check-NAME
    name: String,
}

/// Runs the command.
///
/// # Errors
/// A name that is no name, or a folder that exists.
pub(crate) fn run(args: &Args) -> Result<(), String> {
    let name = args.name.strip_prefix("check-").unwrap_or(&args.name);
    let lower = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if !name.chars().all(lower) || !name.starts_with(|c: char| c.is_ascii_lowercase()) || name.len() > 16 {
        return Err("a name is 1 to 16 of a-z and 0-9, and begins with a letter".into());
    }
    let folder = root().join(format!("check-{name}"));
    if folder.exists() {
        return Err(format!("check-{name} is already there"));
    }
    for (file, template) in files() {
        let path = folder.join(file);
        let parent = path.parent().unwrap_or(&folder);
        fs::create_dir_all(parent).map_err(|why| format!("{}: {why}", parent.display()))?;
        fs::write(&path, filled(template, name)).map_err(|why| format!("{}: {why}", path.display()))?;
    }
    say(&format!("check-{name} is there. What is left:"));
    for step in [
        "1. netcheck-record/src/scheme.rs: the scheme, its tool and its default port",
        "2. netcheck-record/src/failure.rs: the codes its stages can end with (then `cargo xtask schema`)",
        "3. src/check.rs: the stages; bytes to parse get a codec file of their own",
        "4. tests/scripted.rs: for every stage one success, and refuse, stall, hang up, garbage, say no",
        "5. profiles/: a probe that uses it; netcheck-all: its name",
    ] {
        say(step);
    }
    Ok(())
}

fn files() -> [(&'static str, &'static str); 5] {
    [
        ("Cargo.toml", MANIFEST),
        ("src/lib.rs", LIBRARY),
        ("src/main.rs", MAIN),
        ("src/check.rs", CHECK),
        ("tests/scripted.rs", TEST),
    ]
}

fn filled(template: &str, name: &str) -> String {
    let mut letters = name.chars();
    let first = letters.next().map(|c| c.to_ascii_uppercase());
    let title: String = first.into_iter().chain(letters).collect();
    template
        .replace("{{name}}", name)
        .replace("{{Name}}", &title)
        .replace("{{NAME}}", &name.to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_template_is_left_unfilled() {
        for (file, template) in files() {
            assert!(!filled(template, "sip").contains("{{"), "{file}");
        }
    }
}
