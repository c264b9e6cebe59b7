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
    for entry in ENTRIES {
        enter(&entry, name)?;
    }
    say(&format!(
        "check-{name} is there, and in the scheme table, the codes, the all-in-one program and the images."
    ));
    say(
        "Run `cargo build` once without --locked, and `cargo xtask schema`, which says which examples are missing.",
    );
    say("What is left to write:");
    for step in [
        "1. src/check.rs: the stages; bytes to parse get a codec file of their own",
        "2. netcheck-record/src/scheme.rs: the row's default port, TLS, proxy variables and words",
        "3. netcheck-record/src/code.rs: more codes, where the contract has them; their examples in docs/evidence/",
        "4. tests/scripted.rs: for every stage one success, and refuse, stall, hang up, garbage, say no",
        "5. profiles/: a probe that uses it",
    ] {
        say(step);
    }
    Ok(())
}

/// A place outside the crate that names every check: the text goes before the anchor.
struct Entry {
    file: &'static str,
    anchor: &'static str,
    text: &'static str,
}

const ENTRIES: [Entry; 10] = [
    Entry {
        file: "netcheck-record/src/scheme.rs",
        anchor: "];\n\n/// Every scheme, in the order of [`ALL`].",
        text: "    row(\"{{name}}\", \"{{name}}\", Required, Tcp, false, Small, Follows::All, \"{{NAME}}\"),\n",
    },
    Entry {
        file: "netcheck-record/src/code.rs",
        anchor: "    /// The tool itself failed on one target.\n",
        text: "    /// No answer of {{NAME}} came in time.\n    /// - Seen: The connection opened, and nothing came.\n\
               \u{20}   /// - Not: `tcp.timeout`, where the connection does not open.\n\
               \u{20}   /// - Acts: The network team or the service; the cause says which.\n\
               \u{20}   {{Name}}Timeout = \"{{name}}.timeout\",\n\
               \u{20}   /// The connection was reset during {{NAME}}.\n    /// - Seen: RST after the connection opened.\n\
               \u{20}   /// - Not: `{{name}}.closed`.\n    /// - Acts: The network team in most cases.\n\
               \u{20}   {{Name}}Reset = \"{{name}}.reset\",\n\
               \u{20}   /// The connection was closed during {{NAME}}.\n    /// - Seen: FIN after the connection opened.\n\
               \u{20}   /// - Not: `{{name}}.reset`.\n    /// - Acts: The network team or the service; the cause says which.\n\
               \u{20}   {{Name}}Closed = \"{{name}}.closed\",\n",
    },
    Entry {
        file: "netcheck-record/src/code_kind.rs",
        anchor: "            | Code::SmtpTimeout => CodeKind::Timeout,\n",
        text: "            | Code::{{Name}}Timeout\n",
    },
    Entry {
        file: "netcheck-record/src/code_kind.rs",
        anchor: "            | Code::SmtpReset => CodeKind::Reset,\n",
        text: "            | Code::{{Name}}Reset\n",
    },
    Entry {
        file: "netcheck-record/src/code_kind.rs",
        anchor: "            | Code::SmtpClosed => CodeKind::Closed,\n",
        text: "            | Code::{{Name}}Closed\n",
    },
    Entry {
        file: "Cargo.toml",
        anchor: "netcheck = { path = \"netcheck\" }\n",
        text: "check-{{name}} = { path = \"check-{{name}}\" }\n",
    },
    Entry {
        file: "netcheck-all/Cargo.toml",
        anchor: "netcheck.workspace = true\n",
        text: "check-{{name}}.workspace = true\n",
    },
    Entry {
        file: "netcheck-all/src/main.rs",
        anchor: "        _ => netcheck::main(),\n",
        text: "        Some(\"check-{{name}}\") => check_{{name}}::main(),\n",
    },
    Entry {
        file: "netcheck-all/examples/record-schema.rs",
        anchor: "    ];\n    std::io::stdout()",
        text: "        check_{{name}}::facts(),\n",
    },
    Entry {
        file: "Dockerfile",
        anchor: "# The last is the one that is built when none is named.\n",
        text: "FROM base AS check-{{name}}\nCOPY --from=build /rootfs/check-{{name}}/ /\n\
               LABEL org.opencontainers.image.title=\"check-{{name}}\"\n\
               ENTRYPOINT [\"/usr/bin/check-{{name}}\"]\n\n",
    },
];

/// Adds an entry to its file.
fn enter(entry: &Entry, name: &str) -> Result<(), String> {
    let path = root().join(entry.file);
    let text = fs::read_to_string(&path).map_err(|why| format!("{}: {why}", entry.file))?;
    let (before, after) = text
        .split_once(entry.anchor)
        .ok_or_else(|| format!("{}: the place for {name} is gone", entry.file))?;
    let text = format!("{before}{}{}{after}", filled(entry.text, name), entry.anchor);
    fs::write(&path, text).map_err(|why| format!("{}: {why}", entry.file))
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
    let mut chars = name.chars();
    let first = chars.next().map(|c| c.to_ascii_uppercase());
    let title: String = first.into_iter().chain(chars).collect();
    template
        .replace("{{name}}", name)
        .replace("{{Name}}", &title)
        .replace("{{NAME}}", &name.to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_that_names_the_checks_has_its_anchor_once() {
        for entry in ENTRIES {
            let text = fs::read_to_string(root().join(entry.file)).unwrap_or_default();
            assert_eq!(text.matches(entry.anchor).count(), 1, "{}: {}", entry.file, entry.anchor);
            assert!(!filled(entry.text, "sip").contains("{{"), "{}", entry.file);
        }
    }

    #[test]
    fn nothing_of_a_template_is_left_unfilled() {
        for (file, template) in files() {
            assert!(!filled(template, "sip").contains("{{"), "{file}");
        }
    }
}
