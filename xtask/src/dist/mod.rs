//! `cargo xtask dist`: the release archive, the same bytes from the same commit.

mod bill;
mod licences;
mod manual;
mod moment;
pub(crate) mod programs;
mod shipped;
mod tree;

use std::fs;
use std::path::PathBuf;

use clap::Args as ClapArgs;

pub(crate) use bill::cyclonedx;
pub(crate) use licences::text as third_party;
pub(crate) use moment::{epoch, revision, rfc3339};
use programs::{Profile, TARGET};
pub(crate) use shipped::Shipped;
pub(crate) use tree::{FILE, PROGRAM, Tree, gzip, sha256};

use super::workspace::{root, say};
use netcheck::out;

/// Build what ships: static programs, man pages, completions, profiles, documents, licences, SBOM, checksums
#[derive(ClapArgs, Debug)]
pub(crate) struct Args {
    /// Where the release goes
    #[arg(long, value_name = "FOLDER", default_value = "target/release-archive")]
    out: PathBuf,
    /// How the programs are built
    #[arg(long, value_enum, default_value = "dist")]
    profile: Profile,
}

/// Runs the command.
///
/// # Errors
/// The build failed, or a file cannot be written.
pub(crate) fn run(args: &Args) -> Result<(), String> {
    let name = format!("netcheck-{}-{TARGET}", env!("CARGO_PKG_VERSION"));
    let out = root().join(&args.out);
    let epoch = epoch()?;
    let _alone = programs::alone()?;
    let tree = release(args.profile, epoch)?;
    tree.unpack(&out.join(&name))?;
    let archive = format!("{name}.tar.gz");
    let packed = gzip(&tree.tar(&format!("{name}/"), epoch)?)?;
    let sums = format!("{}  {archive}\n{}", sha256(&packed), tree.sums(&format!("{name}/")));
    let write =
        |file: &str, bytes: &[u8]| fs::write(out.join(file), bytes).map_err(|why| format!("{file}: {why}"));
    write(&archive, &packed)?;
    write("SHA256SUMS", sums.as_bytes())?;
    say(&format!("wrote {}", out.join(&archive).display()));
    out::print(&format!("{}  {archive}\n", sha256(&packed)))
}

/// Builds what the tests of archives and images use, so that no test waits for a compiler.
///
/// # Errors
/// The build failed.
pub(crate) fn warm() -> Result<(), String> {
    let _alone = programs::alone()?;
    programs::manuals()?;
    programs::build(Profile::Quick).map(drop)
}

/// Everything that is in the archive.
fn release(profile: Profile, epoch: u64) -> Result<Tree, String> {
    let mut tree = Tree::default();
    manual::add(&mut tree)?;
    let built = programs::build(profile)?;
    for (name, program) in built.iter().filter(|(name, _)| *name != programs::WHOLE) {
        tree.copy(&format!("bin/{name}"), PROGRAM, program)?;
    }
    for part in ["profiles", "docs", "deploy"] {
        let folder = root().join(part);
        if folder.is_dir() {
            tree.folder(part, &folder)?;
        }
    }
    for page in ["README.md", "CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE"] {
        tree.copy(page, FILE, &root().join(page))?;
    }
    let shipped = Shipped::read(&[])?;
    tree.add("THIRD-PARTY.txt", FILE, third_party(&shipped)?);
    tree.add("sbom.json", FILE, cyclonedx("netcheck", &shipped, epoch)?);
    let sums = tree.sums("");
    tree.add("SHA256SUMS", FILE, sums);
    Ok(tree)
}
