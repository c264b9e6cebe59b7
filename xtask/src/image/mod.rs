//! `cargo xtask image`: container images without a container engine, the same digest from the same commit.

mod filesystem;
mod layout;

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;

use self::layout::Image;
use super::dist::programs::{self, NETCHECK, Profile};
use super::dist::{self, Shipped, Tree, sha256};
use super::workspace::{root, say};
use netcheck::out;

/// The most that an image with one tool may hold, in bytes.
const TOOL: u64 = 13 << 20;
/// The most that the image with all tools may hold, in bytes.
const ALL: u64 = 30 << 20;

/// Build container images (OCI archives) without a container engine: one a tool, and netcheck with all
#[derive(ClapArgs, Debug)]
pub(crate) struct Args {
    /// Only these: netcheck (it has every tool), check-tcp, … or all (repeatable)
    #[arg(long, value_name = "NAME", default_value = "all")]
    tool: Vec<String>,
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
    let programs = programs::build(args.profile)?;
    let shipped = Shipped::read(&[filesystem::AUTHORITIES])?;
    let (mut sums, mut large) = (String::new(), Vec::new());
    for name in &wanted {
        let root = filesystem::of(name, &programs, &shipped, epoch)?;
        large.extend(excess(name, root.size(), args.profile));
        match &args.rootfs {
            Some(folder) => folder_of(name, &root, folder)?,
            None => sums.push_str(&archive(name, &root, epoch, &args.out)?),
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
fn archive(name: &str, files: &Tree, epoch: u64, folder: &Path) -> Result<String, String> {
    let folder = root().join(folder);
    let image = Image::new(name, &files.tar("", epoch)?, epoch)?;
    let packed = image.archive()?;
    let file = format!("{name}.oci.tar");
    fs::create_dir_all(&folder).map_err(|why| format!("{}: {why}", folder.display()))?;
    // Whoever reads the old archive meanwhile keeps it whole.
    let part = folder.join(format!(".{file}.{}", std::process::id()));
    let written = fs::write(&part, &packed).and_then(|()| fs::rename(&part, folder.join(&file)));
    written.map_err(|why| format!("{file}: {why}"))?;
    out::print(&format!("{}  {name}  {} bytes unpacked\n", image.digest(), files.size()))?;
    Ok(format!("{}  {file}\n", sha256(&packed)))
}
