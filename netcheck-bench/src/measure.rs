//! Whole processes: wall time, CPU time, peak memory; and two things run in turns.

use std::ffi::OsString;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

use serde::{Deserialize, Serialize};
use wait4::Wait4;

use crate::{Args, table};

/// One process, from start to exit.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Run {
    /// Start to exit, in seconds.
    pub(crate) wall: f64,
    /// CPU seconds, the kernel's included.
    pub(crate) cpu: f64,
    /// Peak resident memory, in MB.
    pub(crate) memory: f64,
}

/// Runs a program to its end; what it prints goes nowhere.
///
/// # Errors
/// It cannot be started, or could not do its job.
pub(crate) fn run(command: &mut Command, input: Option<&str>) -> Result<Run, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let said = |why: &dyn std::fmt::Display| format!("{name}: {why}");
    // The kernel counts what a process held before it became this program: one that has measured for a while is large.
    let own = std::env::current_exe().map_err(|why| said(&why))?;
    let mut starter = Command::new(own);
    starter.args(["--bare", "start", "--programs", ".", "--"]).arg(command.get_program());
    starter.args(command.get_args());
    for (variable, value) in command.get_envs() {
        match value {
            Some(value) => starter.env(variable, value),
            None => starter.env_remove(variable),
        };
    }
    let stdin = if input.is_some() { Stdio::piped() } else { Stdio::null() };
    let mut child = starter
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|why| said(&why))?;
    let pipe = child.stdin.take();
    let ended = std::thread::scope(|scope| {
        if let (Some(mut pipe), Some(input)) = (pipe, input) {
            scope.spawn(move || pipe.write_all(input.as_bytes()));
        }
        child.wait_with_output()
    });
    let ended = ended.map_err(|why| said(&why))?;
    match serde_json::from_slice(&ended.stdout) {
        Ok(Told::Figures([wall, cpu, memory])) => Ok(Run { wall, cpu, memory }),
        Ok(Told::Failed(why)) => Err(said(&why)),
        Err(_) => Err(said(&ended.status)),
    }
}

/// What the process that started a program tells of it.
#[derive(Deserialize, Serialize)]
#[serde(untagged)]
enum Told {
    Figures([f64; 3]),
    Failed(String),
}

/// Starts a program, and tells what it took.
///
/// # Errors
/// What it is cannot be told.
pub(crate) fn start(args: &Args) -> Result<(), String> {
    let told = match took(&args.other) {
        Ok(run) => Told::Figures([run.wall, run.cpu, run.memory]),
        Err(why) => Told::Failed(why),
    };
    table::print(&serde_json::to_value(told).map_err(|why| why.to_string())?);
    Ok(())
}

fn took(program: &[OsString]) -> Result<Run, String> {
    let (name, args) = program.split_first().ok_or("no program")?;
    let mut command = Command::new(name);
    command.args(args).stdout(Stdio::null()).stderr(Stdio::null());
    let begun = Instant::now();
    let mut child = command.spawn().map_err(|why| why.to_string())?;
    let ended = child.wait4().map_err(|why| why.to_string())?;
    let wall = begun.elapsed().as_secs_f64();
    if !matches!(ended.status.code(), Some(0 | 1)) {
        return Err(ended.status.to_string());
    }
    let cpu = ended.rusage.utime + ended.rusage.stime;
    #[expect(clippy::cast_precision_loss, reason = "bytes of memory")]
    let memory = ended.rusage.maxrss as f64 / 1e6;
    Ok(Run { wall, cpu: cpu.as_secs_f64(), memory })
}

/// Runs two things in turns and gives the median of each.
///
/// # Errors
/// The first error of either.
pub(crate) fn turns<T>(
    repeat: u32,
    mut ours: impl FnMut() -> Result<T, String>,
    mut theirs: impl FnMut() -> Result<T, String>,
    value: impl Fn(&T) -> f64,
) -> Result<(f64, f64), String> {
    let (mut left, mut right) = (Vec::new(), Vec::new());
    for _ in 0..repeat {
        left.push(value(&ours()?));
        right.push(value(&theirs()?));
    }
    Ok((median(left), median(right)))
}

/// The middle one.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

impl Args {
    /// One of the shipped programs, without the environment's proxies.
    pub(crate) fn tool(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.join(name));
        for variable in ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
            command.env_remove(variable);
        }
        command
    }

    /// This program as a bare loop: a process of its own, as a tool is.
    pub(crate) fn alone(&self, bare: &str) -> Command {
        let own = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("netcheck-bench"));
        let mut command = Command::new(own);
        command.args(["--bare", bare, "--programs"]).arg(&self.programs);
        command
    }

    /// The lab.
    pub(crate) fn lab(&self) -> Command {
        let beside = || std::env::current_exe().ok().map(|own| own.with_file_name("netcheck-lab"));
        Command::new(self.lab.clone().or_else(beside).unwrap_or_else(|| PathBuf::from("netcheck-lab")))
    }
}

/// The addresses of standard input, one a line, after what stands before them.
///
/// # Errors
/// Standard input cannot be read.
pub(crate) fn addresses() -> Result<Vec<SocketAddr>, String> {
    let lines = std::io::read_to_string(std::io::stdin()).map_err(|why| why.to_string())?;
    Ok(lines.lines().filter_map(|line| line.rsplit_once('/')?.1.parse().ok()).collect())
}
