//! One network namespace: a thread that lives in it and serves it, and commands run in it.

use std::fs::File;
use std::future::Future;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, setns, unshare};
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// Where `ip netns` looks for names; ours alone, because /run is.
const NAMES: &str = "/run/netns";

/// A network namespace.
pub struct Place {
    /// Its name, for `ip netns exec NAME`.
    pub name: &'static str,
    network: File,
    runtime: Handle,
    /// Dropping it ends the thread that serves the place.
    _end: oneshot::Sender<()>,
}

impl Place {
    /// A new, empty network namespace.
    ///
    /// # Errors
    /// The kernel refuses a namespace or a thread.
    pub fn new(name: &'static str) -> io::Result<Place> {
        let (end, ended) = oneshot::channel::<()>();
        let (tell, told) = mpsc::channel();
        thread::Builder::new().name(name.to_owned()).spawn(move || {
            let opened = open(name);
            let Ok((network, runtime)) = opened else {
                let _ = tell.send(opened.map(|(network, runtime)| (network, runtime.handle().clone())));
                return;
            };
            if tell.send(Ok((network, runtime.handle().clone()))).is_ok() {
                let _ = runtime.block_on(ended);
            }
            runtime.shutdown_background();
        })?;
        let (network, runtime) = told.recv().map_err(io::Error::other)??;
        Ok(Place { name, network, runtime, _end: end })
    }

    /// Runs `work` on a thread inside; sockets it opens and programs it starts belong to this place.
    ///
    /// # Errors
    /// The kernel refuses entry, or `work` failed.
    pub fn inside<T: Send>(&self, work: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
        thread::scope(|scope| {
            let entered = scope.spawn(|| {
                setns(&self.network, CloneFlags::CLONE_NEWNET)?;
                work()
            });
            entered.join().unwrap_or_else(|_| Err(io::Error::other("the thread inside panicked")))
        })
    }

    /// Serves something here until the place ends.
    pub fn serve(&self, service: impl Future<Output = ()> + Send + 'static) {
        drop(self.runtime.spawn(service));
    }

    /// Runs `opening` inside and on this place's runtime, as the opening of a tokio socket needs.
    ///
    /// # Errors
    /// The kernel refuses entry, or `opening` failed.
    pub fn open<T: Send>(&self, opening: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
        self.inside(|| {
            let _entered = self.runtime.enter();
            opening()
        })
    }

    /// Runs a program with `input` and waits for it; its output is the answer.
    ///
    /// # Errors
    /// It cannot be started, or it failed: then with what it said.
    pub fn run(&self, program: &str, arguments: &[&str], input: &str) -> io::Result<String> {
        self.inside(|| output_of(Command::new(program).args(arguments), input)).map_err(|error| {
            io::Error::new(error.kind(), format!("{}: {program} {}: {error}", self.name, arguments.join(" ")))
        })
    }
}

fn open(name: &str) -> io::Result<(File, tokio::runtime::Runtime)> {
    unshare(CloneFlags::CLONE_NEWNET)?;
    let own = "/proc/thread-self/ns/net";
    let named = PathBuf::from(NAMES).join(name);
    File::create(&named)?;
    mount(Some(own), &named, None::<&str>, MsFlags::MS_BIND, None::<&str>)?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    Ok((File::open(own)?, runtime))
}

/// Runs a command to its end with `input`; what it wrote.
///
/// # Errors
/// It cannot be started, or it failed: then with what it complained of.
pub fn output_of(command: &mut Command, input: &str) -> io::Result<String> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let error_text = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(io::Error::other(format!("{}: {error_text}", output.status)))
}
