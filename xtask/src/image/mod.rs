//! `cargo xtask image`: container images without a container engine, the same digest from the same commit.

mod filesystem;
mod layout;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;

use self::layout::Image;
use super::dist::programs::{self, NETCHECK, Profile};
use super::dist::{self, Shipped, Target, Tree, sha256};
use super::workspace::{root, say};
use netcheck::out;

/// The most that an image with one tool may hold, in bytes.
const TOOL: u64 = 13 << 20;
/// The most that the image with all tools may hold, in bytes.
const ALL: u64 = 30 << 20;

/// Build container images (OCI archives) without a container engine: one per tool, and netcheck with all
#[derive(ClapArgs, Debug)]
pub(crate) struct Args {
    /// Only these: netcheck (it has every tool), check-tcp, … or all (repeatable)
    #[arg(long, value_name = "NAME", default_value = "all")]
    tool: Vec<String>,
    /// The system it is for; with several, each image is an index of one image per system (repeatable)
    #[arg(long, value_enum, default_value = "x86_64-unknown-linux-gnu")]
    target: Vec<Target>,
    /// Where NAME.oci.tar and SHA256SUMS go
    #[arg(long, value_name = "FOLDER", default_value = "target/images")]
    out: PathBuf,
    /// Write each image's files to FOLDER/NAME instead, for a Dockerfile to copy
    #[arg(long, value_name = "FOLDER", conflicts_with = "out")]
    rootfs: Option<PathBuf>,
    /// How the programs are built; only what ships has to keep within the size limits
    #[arg(long, value_enum, default_value = "dist")]
    profile: Profile,
}

/// Runs the command.
///
/// # Errors
/// The build failed, an image is too large, or a file cannot be written.
pub(crate) fn run(args: &Args) -> Result<(), String> {
    let wanted = wanted(&args.tool)?;
    let epoch = dist::epoch()?;
    let _alone = programs::alone()?;
    let targets: BTreeSet<Target> = args.target.iter().copied().collect();
    if args.rootfs.is_some() && targets.len() > 1 {
        return Err("--rootfs: name one --target, because a folder holds the files of one system".to_owned());
    }
    if targets.contains(&Target::Windows) {
        return Err("--target: images hold programs for Linux".to_owned());
    }
    let mut systems = Vec::new();
    for target in targets {
        let programs = programs::build(args.profile, target)?;
        systems.push((target, programs, Shipped::read(target, &[filesystem::AUTHORITIES])?));
    }
    let (mut sums, mut large) = (String::new(), Vec::new());
    for name in &wanted {
        let mut trees = Vec::new();
        for (target, programs, shipped) in &systems {
            let tree = filesystem::of(name, programs, shipped, epoch)?;
            large.extend(excess(name, tree.size(), args.profile));
            trees.push((*target, tree));
        }
        match (&args.rootfs, trees.as_slice()) {
            (Some(folder), [(_, tree), ..]) => folder_of(name, tree, folder)?,
            _ => sums.push_str(&archive(name, &trees, epoch, &args.out)?),
        }
    }
    if args.rootfs.is_none() {
        let file = root().join(&args.out).join("SHA256SUMS");
        fs::write(&file, sums).map_err(|why| format!("{}: {why}", file.display()))?;
    }
    if large.is_empty() { Ok(()) } else { Err(large.join("; ")) }
}

/// The images asked for; none that does not exist.
fn wanted(asked: &[String]) -> Result<Vec<String>, String> {
    let names = programs::names();
    if asked.iter().any(|name| name == "all") {
        return Ok(names);
    }
    match asked.iter().find(|name| !names.contains(name)) {
        Some(name) => Err(format!("no image \"{name}\": all, {}", names.join(", "))),
        None => Ok(asked.to_vec()),
    }
}

/// What is to be said of an image that is too large to ship.
fn excess(name: &str, size: u64, profile: Profile) -> Option<String> {
    let limit = if name == NETCHECK { ALL } else { TOOL };
    let large = profile == Profile::Dist && size > limit;
    large.then(|| format!("{name}: {size} bytes, and no more than {limit} are allowed"))
}

fn folder_of(name: &str, files: &Tree, folder: &Path) -> Result<(), String> {
    let folder = root().join(folder).join(name);
    files.unpack(&folder)?;
    say(&format!("wrote {}", folder.display()));
    Ok(())
}

/// Writes one archive; its line of SHA256SUMS.
fn archive(name: &str, trees: &[(Target, Tree)], epoch: u64, folder: &Path) -> Result<String, String> {
    let folder = root().join(folder);
    let systems: Result<Vec<_>, String> =
        trees.iter().map(|(target, tree)| Ok((*target, tree.tar("", epoch)?))).collect();
    let image = Image::new(name, &systems?, epoch)?;
    let packed = image.archive()?;
    let file = format!("{name}.oci.tar");
    fs::create_dir_all(&folder).map_err(|why| format!("{}: {why}", folder.display()))?;
    // Whoever reads the old archive meanwhile keeps it whole.
    let part = folder.join(format!(".{file}.{}", std::process::id()));
    let written = fs::write(&part, &packed).and_then(|()| fs::rename(&part, folder.join(&file)));
    written.map_err(|why| format!("{file}: {why}"))?;
    let size = trees.iter().map(|(_, tree)| tree.size()).max().unwrap_or_default();
    out::print(&format!("{}  {name}  {size} bytes unpacked\n", image.digest()))?;
    Ok(format!("{}  {file}\n", sha256(&packed)))
}
