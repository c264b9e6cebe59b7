//! A process alone in namespaces of its own, which vanish with it whatever ends it.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use nix::unistd::Uid;

/// Set for the process inside; a container's own first process is pid 1 too.
const MARK: &str = "NETCHECK_LAB_INSIDE";

/// The namespaces: network, mounts and processes. The kernel ends everything inside when its first process ends,
/// and `--kill-child` ends that one when `unshare` is ended, even by SIGKILL.
const UNSHARE: &[&str] = &["-n", "-m", "-p", "-f", "--kill-child", "--propagation", "private"];

/// Whether this process stands alone: the first one of its own namespaces.
#[must_use]
pub fn isolated() -> bool {
    std::process::id() == 1 && std::env::var_os(MARK).is_some()
}

/// Replaces this process by one that runs the same command line alone. Returns only when that fails.
///
/// As root it needs nothing more; other users get a user namespace in which they are root, where the kernel allows it.
#[must_use]
pub fn isolate() -> io::Error {
    let own = match std::env::current_exe() {
        Ok(own) => own,
        Err(error) => return error,
    };
    let mut command = Command::new("unshare");
    if !privileged() {
        command.args(["-U", "-r"]);
    }
    command.args(UNSHARE).arg("--").arg(own).args(std::env::args_os().skip(1)).env(MARK, "1");
    let error = command.exec();
    io::Error::new(error.kind(), format!("unshare (of util-linux) cannot be run: {error}"))
}

/// A command that ends when the thread that started it ends: for what runs outside the namespaces.
#[must_use]
pub fn ends_with_parent(program: &std::path::Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(program);
    command
}

/// Root may be without CAP_SYS_ADMIN, as in most containers: only trying tells.
fn privileged() -> bool {
    let tried = || {
        Command::new("unshare")
            .args(["-n", "-m", "true"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
    };
    Uid::effective().is_root() && tried().is_ok_and(|status| status.success())
}
