//! `cargo xtask dist`: release archives and packages, the same bytes from the same commit.

mod bill;
mod cpio;
mod deb;
mod installed;
mod licences;
mod manual;
mod moment;
pub(crate) mod programs;
mod rpm;
mod rpm_header;
mod shipped;
mod target;
mod tree;
mod zip;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use clap::Args as ClapArgs;

pub(crate) use bill::cyclonedx;
use installed::Family;
pub(crate) use licences::text as third_party;
pub(crate) use moment::{epoch, revision, rfc3339};
use programs::Profile;
pub(crate) use shipped::Shipped;
pub(crate) use target::Target;
pub(crate) use tree::{FILE, PROGRAM, Tree, gzip, sha256};

use super::workspace::{root, say};
use netcheck::out;

/// Build what ships: archives and packages (.deb, .rpm; .zip for Windows) of static programs, man pages, completions, SBOM, checksums
#[derive(ClapArgs, Debug)]
pub(crate) struct Args {
    /// The system it is for (repeatable)
    #[arg(long, value_enum, default_value = "x86_64-unknown-linux-gnu")]
    target: Vec<Target>,
    /// Where the release goes
    #[arg(long, value_name = "FOLDER", default_value = "target/release-archive")]
    out: PathBuf,
    /// How the programs are built
    #[arg(long, value_enum, default_value = "dist")]
    profile: Profile,
}

/// Where PowerShell's completions are.
const POWERSHELL: &str = "completions/powershell/";

/// Runs the command.
///
/// # Errors
/// The build failed, or a file cannot be written.
pub(crate) fn run(args: &Args) -> Result<(), String> {
    let out = root().join(&args.out);
    let epoch = epoch()?;
    let _alone = programs::alone()?;
    // First: what is built after it takes the place of programs that only write their manual.
    let manual = manual::read()?;
    let (mut sums, mut contents) = (String::new(), String::new());
    let targets: BTreeSet<Target> = args.target.iter().copied().collect();
    for target in targets {
        let release = Release::build(target, args.profile, epoch)?;
        let folder = format!("netcheck-{}-{}", env!("CARGO_PKG_VERSION"), target.as_str());
        let tree = release.archive(target, &manual)?;
        tree.unpack(&out.join(&folder))?;
        let prefix = format!("{folder}/");
        let archive = match target {
            Target::X86_64 | Target::Aarch64 => {
                (format!("{folder}.tar.gz"), gzip(&tree.tar(&prefix, epoch)?)?)
            }
            Target::Windows => (format!("{folder}.zip"), zip::archive(&tree, &prefix, epoch)?),
        };
        contents.push_str(&tree.sums(&format!("{folder}/")));
        for (file, bytes) in [archive].into_iter().chain(release.packages(target, &manual)?) {
            fs::write(out.join(&file), &bytes).map_err(|why| format!("{file}: {why}"))?;
            say(&format!("wrote {}", out.join(&file).display()));
            sums.push_str(&format!("{}  {file}\n", sha256(&bytes)));
        }
    }
    let file = out.join("SHA256SUMS");
    fs::write(&file, format!("{sums}{contents}")).map_err(|why| format!("{}: {why}", file.display()))?;
    out::print(&sums)
}

/// Builds what the tests of archives and images use, so that no test waits for a compiler.
///
/// # Errors
/// The build failed.
pub(crate) fn warm() -> Result<(), String> {
    let _alone = programs::alone()?;
    programs::manuals()?;
    programs::build(Profile::Quick, Target::X86_64).map(drop)
}

/// What is released for one system.
struct Release {
    built: BTreeMap<String, PathBuf>,
    shipped: Shipped,
    epoch: u64,
}

impl Release {
    fn build(target: Target, profile: Profile, epoch: u64) -> Result<Release, String> {
        let built = programs::build(profile, target)?;
        Ok(Release { built, shipped: Shipped::read(target, &[])?, epoch })
    }

    /// Everything that is in the archive.
    fn archive(&self, target: Target, manual: &Tree) -> Result<Tree, String> {
        let windows = target == Target::Windows;
        // Windows has no man pages and one shell with completions; the other systems have shells of their own.
        let mut tree = manual.clone();
        tree.keep(|path| path.starts_with(POWERSHELL) == windows);
        for (name, program) in self.built.iter().filter(|(name, _)| *name != programs::WHOLE) {
            tree.copy(&format!("bin/{name}{}", target.suffix()), PROGRAM, program)?;
        }
        let parts: &[&str] = if windows { &["profiles", "docs"] } else { &["profiles", "docs", "deploy"] };
        for part in parts {
            let folder = root().join(part);
            if folder.is_dir() {
                tree.folder(part, &folder)?;
            }
        }
        for page in ["README.md", "CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE"] {
            tree.copy(page, FILE, &root().join(page))?;
        }
        tree.add("THIRD-PARTY.txt", FILE, third_party(&self.shipped)?);
        tree.add("sbom.json", FILE, cyclonedx("netcheck", &self.shipped, self.epoch)?);
        let sums = tree.sums("");
        tree.add("SHA256SUMS", FILE, sums);
        Ok(tree)
    }

    /// The packages for system package managers: name and bytes of each.
    fn packages(&self, target: Target, manual: &Tree) -> Result<Vec<(String, Vec<u8>)>, String> {
        if target == Target::Windows {
            return Ok(Vec::new());
        }
        let mut manual = manual.clone();
        manual.keep(|path| !path.starts_with(POWERSHELL));
        let files =
            |family: Family| installed::files(family, &self.built, &manual, &self.shipped, self.epoch);
        Ok(vec![
            (deb::name(target), deb::package(&files(Family::Debian)?, target, self.epoch)?),
            (rpm::name(target), rpm::package(&files(Family::RedHat)?, target, self.epoch)?),
        ])
    }
}
