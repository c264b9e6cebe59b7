//! Where the tools are.

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};

use netcheck_record::escape;

use crate::plan::{CONTROLS, Line};
use crate::target;

/// The tools that exist, by their names without `check-`.
pub type Tools = BTreeMap<&'static str, PathBuf>;

/// The tools in a folder.
pub(crate) fn within(folder: &Path) -> Tools {
    let there = |tool: &'static str| {
        let program = folder.join(format!("check-{tool}{}", env::consts::EXE_SUFFIX));
        program.is_file().then_some((tool, program))
    };
    target::tools().into_iter().filter_map(there).collect()
}

/// The tools beside this program.
///
/// # Errors
/// The system does not say where this program is.
pub(crate) fn beside_this_program() -> Result<Tools, String> {
    let folder = match env::current_exe() {
        Ok(own) => own.parent().map(Path::to_owned),
        // Without /proc the system does not say; the name this program was called by does.
        Err(why) => Some(called_from().ok_or_else(|| {
            format!("cannot find the tools: {why}; name their folder with --tools or NETCHECK_TOOLS")
        })?),
    };
    Ok(folder.map(|folder| within(&folder)).unwrap_or_default())
}

/// The folder of this program by the name it was called by: a path, or a name that PATH leads to.
fn called_from() -> Option<PathBuf> {
    let name = PathBuf::from(env::args_os().next()?);
    if name.components().count() > 1 {
        return name.parent().map(Path::to_owned);
    }
    let folders = env::var_os("PATH")?;
    env::split_paths(&folders).find(|folder| folder.join(&name).is_file())
}

/// A sentence for each tool that a row of the plan needs and that is not there; controls are never counted. `folder` is
/// where it was looked for, if not beside this program.
pub(crate) fn missing(lines: &[Line], tools: &Tools, folder: Option<&Path>) -> Vec<String> {
    let named = |folder: &Path| format!("in {}", escape::line(&folder.display().to_string(), 500));
    let place = folder.map_or("beside netcheck".to_owned(), named);
    let sentence = |tool: &'static str| {
        let own = lines.iter().filter(|line| line.tool == tool && line.row != CONTROLS);
        let targets: u64 = own.map(|line| line.count).sum();
        let unchecked = match targets {
            1 => "its target was not checked".to_owned(),
            targets => format!("its {targets} targets were not checked"),
        };
        (targets > 0 && !tools.contains_key(tool))
            .then(|| format!("check-{tool} is not {place}: {unchecked}"))
    };
    target::tools().into_iter().filter_map(sentence).collect()
}
