//! Man pages and completions: each program writes its own.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::programs;
use super::tree::Tree;
use crate::workspace::step;

/// `man/` and `completions/`.
///
/// # Errors
/// The programs cannot be built, or one wrote nothing.
pub(crate) fn read() -> Result<Tree, String> {
    let mut tree = Tree::default();
    let folder = programs::target_folder()?.join("manual");
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(|why| format!("{}: {why}", folder.display()))?;
    }
    for (name, program) in programs::manuals()?.into_iter().filter(|(name, _)| name != programs::WHOLE) {
        step(&format!("manual of {name}"), Command::new(&program).env("NETCHECK_MANUAL", &folder))?;
        let page = folder.join(format!("man/man1/{name}.1"));
        if !page.is_file() {
            return Err(format!("{name} wrote no {}", Path::new(&page).display()));
        }
    }
    ["man", "completions"].iter().try_for_each(|part| tree.folder(part, &folder.join(part)))?;
    Ok(tree)
}
