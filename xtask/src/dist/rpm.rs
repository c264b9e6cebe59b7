//! A package for Red Hat, Fedora and SUSE: the rpm format, version 4, as the manual of rpm describes it (format_v4).

use std::fmt::Write as _;

use super::cpio;
use super::installed::{DESCRIPTION, DOCUMENTS, SUMMARY};
use super::rpm_header::{Header, Value};
use super::target::Target;
use super::tree::{PROGRAM, Tree, gzip, sha256};

/// Begins the first, obsolete block of a package, which programs still recognise it by.
const LEAD: [u8; 8] = [0xed, 0xab, 0xee, 0xdb, 3, 0, 0, 0];
/// `rpmlib(…)` requirements: RPMSENSE_RPMLIB, RPMSENSE_LESS, RPMSENSE_EQUAL.
const RPMLIB: u32 = 0x0100_000a;
/// The features of rpm that the package uses, and the version that has each.
const FEATURES: [(&str, &str); 3] = [
    ("rpmlib(CompressedFileNames)", "3.0.4-1"),
    ("rpmlib(FileDigests)", "4.6.0-1"),
    ("rpmlib(PayloadFilesHavePrefix)", "4.0-1"),
];
/// The release of the package: counts packages of one version.
const RELEASE: &str = "1";
/// File type bits of a mode (stat(2)).
const FOLDER: u32 = 0o040_000;
/// The number of SHA-256 among hash algorithms (RFC 9580, section 9.5).
const SHA256: u32 = 8;

/// The name of the package file.
pub(super) fn name(target: Target) -> String {
    format!("netcheck-{}-{RELEASE}.{}.rpm", env!("CARGO_PKG_VERSION"), architecture(target).0)
}

/// rpm's name of an architecture, and its number in the first block.
fn architecture(target: Target) -> (&'static str, u8) {
    match target {
        Target::X86_64 | Target::Windows => ("x86_64", 1),
        Target::Aarch64 => ("aarch64", 19),
    }
}

/// The package with these files.
///
/// # Errors
/// None: the archive is written to memory.
pub(super) fn package(files: &Tree, target: Target, epoch: u64) -> Result<Vec<u8>, String> {
    let entries = entries(files);
    let archive = cpio::archive(&entries, epoch);
    let payload = gzip(&archive)?;
    let mut header = about(target, epoch, files.size());
    list(&mut header, &entries, epoch);
    header.set(5092, Value::Texts(vec![sha256(&payload)]));
    header.set(5093, Value::Numbers(vec![SHA256]));
    let header = header.bytes(63);
    let mut signature = Header::default();
    signature.set(273, Value::Text(sha256(&header)));
    signature.set(1000, Value::Numbers(vec![number(header.len() + payload.len())]));
    signature.set(1007, Value::Numbers(vec![number(archive.len())]));
    let mut package = lead(target);
    package.extend(signature.bytes(62));
    package.resize(package.len().next_multiple_of(8), 0);
    package.extend(header);
    package.extend(payload);
    Ok(package)
}

/// The first block: 96 bytes.
fn lead(target: Target) -> Vec<u8> {
    let mut lead = LEAD.to_vec();
    lead.extend([0, architecture(target).1]);
    lead.extend(format!("netcheck-{}-{RELEASE}", env!("CARGO_PKG_VERSION")).bytes());
    lead.resize(76, 0);
    // Linux; signatures are in a header.
    lead.extend([0, 1, 0, 5]);
    lead.resize(96, 0);
    lead
}

/// What the package says of itself.
fn about(target: Target, epoch: u64, size: u64) -> Header {
    let text = |text: &str| Value::Text(text.to_owned());
    let texts = |texts: &[&str]| Value::Texts(texts.iter().map(|text| (*text).to_owned()).collect());
    let version = env!("CARGO_PKG_VERSION");
    let own = format!("{version}-{RELEASE}");
    let mut header = Header::default();
    header.set(100, texts(&["C"]));
    header.set(1000, text("netcheck"));
    header.set(1001, text(version));
    header.set(1002, text(RELEASE));
    header.set(1004, Value::Translated(SUMMARY.to_owned()));
    header.set(1005, Value::Translated(DESCRIPTION.to_owned()));
    header.set(1006, Value::Numbers(vec![number(epoch)]));
    header.set(1007, text("localhost"));
    header.set(1009, Value::Numbers(vec![number(size)]));
    header.set(1014, text(env!("CARGO_PKG_LICENSE")));
    header.set(1016, Value::Translated("Applications/Internet".to_owned()));
    header.set(1021, text("linux"));
    header.set(1022, text(architecture(target).0));
    // Without it a package counts as one of sources.
    header.set(1044, Value::Text(format!("netcheck-{own}.src.rpm")));
    header.set(1047, texts(&["netcheck"]));
    header.set(1048, Value::Numbers(vec![RPMLIB; FEATURES.len()]));
    header.set(1049, texts(&FEATURES.map(|(name, _)| name)));
    header.set(1050, texts(&FEATURES.map(|(_, version)| version)));
    // Provides exactly this version: RPMSENSE_EQUAL.
    header.set(1112, Value::Numbers(vec![8]));
    header.set(1113, Value::Texts(vec![own]));
    header.set(1124, text("cpio"));
    header.set(1125, text("gzip"));
    header.set(1126, text("9"));
    header.set(5011, Value::Numbers(vec![SHA256]));
    header.set(5046, texts(&["ca-certificates"]));
    header.set(5047, texts(&[""]));
    header.set(5048, Value::Numbers(vec![0]));
    header
}

/// The list of files: one value of each array for each file.
fn list(header: &mut Header, entries: &[cpio::Entry<'_>], epoch: u64) {
    let numbers = |each: &dyn Fn(&cpio::Entry<'_>) -> u32| Value::Numbers(entries.iter().map(each).collect());
    let texts = |each: &dyn Fn(&cpio::Entry<'_>) -> String| Value::Texts(entries.iter().map(each).collect());
    let mut folders: Vec<String> = entries.iter().map(|entry| split(entry.path).0).collect();
    folders.sort();
    folders.dedup();
    let folder = |entry: &cpio::Entry<'_>| {
        number(folders.iter().position(|known| *known == split(entry.path).0).unwrap_or_default())
    };
    header.set(1028, numbers(&|entry| number(entry.bytes.len())));
    header.set(
        1030,
        Value::Shorts(entries.iter().map(|entry| u16::try_from(entry.mode).unwrap_or_default()).collect()),
    );
    header.set(1033, Value::Shorts(vec![0; entries.len()]));
    header.set(1034, numbers(&|_| number(epoch)));
    header.set(1035, texts(&|entry| if entry.is_file() { sha256(entry.bytes) } else { String::new() }));
    header.set(1036, texts(&|entry| entry.link().unwrap_or_default()));
    header.set(1037, numbers(&|entry| if entry.path.starts_with(DOCUMENTS) { 2 } else { 0 }));
    header.set(1039, texts(&|_| "root".to_owned()));
    header.set(1040, texts(&|_| "root".to_owned()));
    header.set(1095, numbers(&|_| 1));
    header.set(1096, numbers(&|entry| entry.inode));
    header.set(1097, texts(&|_| String::new()));
    header.set(1116, numbers(&folder));
    header.set(1117, texts(&|entry| split(entry.path).1));
    header.set(1118, Value::Texts(folders.clone()));
}

/// A path as the list of files has it: the folder with its slashes, and the name.
fn split(path: &str) -> (String, String) {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let mut whole = String::from("/");
    let _ = if folder.is_empty() { Ok(()) } else { write!(whole, "{folder}/") };
    (whole, name.to_owned())
}

/// The files, and the folder that belongs to the package alone.
fn entries(files: &Tree) -> Vec<cpio::Entry<'_>> {
    let own = [(DOCUMENTS, FOLDER | PROGRAM, [].as_slice())];
    let mut all: Vec<(&str, u32, &[u8])> = files.entries().chain(own).collect();
    all.sort();
    let entry = |(at, (path, mode, bytes))| cpio::Entry { path, mode, bytes, inode: number(at + 1) };
    all.into_iter().enumerate().map(entry).collect()
}

/// A number of the format: 32 bits.
fn number(value: impl TryInto<u32>) -> u32 {
    value.try_into().unwrap_or(u32::MAX)
}
