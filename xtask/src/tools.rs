//! Where the tools are.

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};

use crate::target;

/// The tools that exist, by their names without `check-`.
pub(crate) type Tools = BTreeMap<&'static str, PathBuf>;

/// The tools in a folder.
pub(crate) fn within(folder: &Path) -> Tools {
    let there = |tool: &'static str| {
        let program = folder.join(format!("check-{tool}"));
        program.is_file().then_some((tool, program))
    };
    target::tools().into_iter().filter_map(there).collect()
}

/// The tools beside this program.
///
/// # Errors
/// The system does not say where this program is.
pub(crate) fn beside() -> Result<Tools, String> {
    let own = env::current_exe().map_err(|why| format!("cannot find the tools: {why}"))?;
    Ok(own.parent().map(within).unwrap_or_default())
}
