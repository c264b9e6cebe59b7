//! The runner: targets in, records out, as many at once as asked for, and an exit code at the end.

mod attempt;
mod drive;
mod help;
mod input;
mod judge;
mod mss_control;
mod output;
mod source;
mod system;
mod text;

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::{CommandFactory, FromArgMatches, Parser};
use netcheck_os::{sense, stop};
use tokio::sync::watch as signal_watch;

use crate::check::Check;
use netcheck_diagnose::Experiments;
use netcheck_net::net::Shared;
use netcheck_net::verbose;
use netcheck_net::watch::Watch;
use netcheck_record::flags::{Flags, Format};
use netcheck_record::spec::{Sampling, Spec};

/// Something about the tool itself, not about a target: exit code 2.
const TOOL: u8 = 2;
/// How long a measurement that a signal ends may take to write down what it has so far.
const KEEPING: Duration = Duration::from_millis(1500);

#[derive(Parser)]
#[command(version, disable_help_subcommand = true)]
struct Command<C: Check> {
    #[command(flatten)]
    check: C,
    #[command(flatten)]
    flags: Flags,
}

/// What ended a run before all targets were seen to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// A signal, by its number.
    Signal(u8),
    /// The reader of our output is gone, and satisfied.
    Closed,
    /// The output cannot be written.
    Unwritable,
    /// The writer met a bug of ours; the panic hook has named it.
    Bug,
}

/// Runs a check from the command line to the exit code.
#[must_use]
pub fn run<C: Check>() -> ExitCode {
    let name = C::TOOL;
    if let Err(why) = system::follow_parent() {
        return usage::<C>(why);
    }
    // A flattened struct's description would stand for the whole; the check's own is the one to show.
    let own = C::augment_args(clap::Command::new(name));
    let mut command =
        Command::<C>::command().name(name).bin_name(name).max_term_width(100).after_help(help::ending::<C>());
    if let Some(about) = own.get_about().cloned() {
        command = command.about(about);
    }
    if let Some(about) = own.get_long_about().cloned() {
        command = command.long_about(about);
    }
    #[cfg(feature = "manual")]
    if let Some(folder) = netcheck_record::manual::wanted() {
        return ExitCode::from(u8::from(netcheck_record::manual::write(command, &folder).is_err()) * TOOL);
    }
    let parsed = command.try_get_matches().and_then(|matches| Command::<C>::from_arg_matches(&matches));
    let Command { mut check, flags } = match parsed {
        Ok(parsed) => parsed,
        Err(error) => {
            let printed = error.print().and_then(|()| io::stdout().flush());
            // A reader who has gone has read enough.
            let lost = printed.is_err_and(|why| why.kind() != io::ErrorKind::BrokenPipe);
            return ExitCode::from(u8::try_from(error.exit_code()).ok().filter(|_| !lost).unwrap_or(TOOL));
        }
    };
    let specs = match specs::<C>(&flags).and_then(|specs| check.validate().map(|()| specs)) {
        Ok(specs) => specs,
        Err(why) => return usage::<C>(&why),
    };
    if let Err(why) = sense::find() {
        return usage::<C>(&why);
    }
    for meant in specs.iter().filter_map(Spec::suggested_host) {
        output::report_error(&format!("{name}: did you mean {meant}?"));
    }
    let own = check.targets();
    if specs.is_empty() && own.is_empty() && std::io::IsTerminal::is_terminal(&std::io::stdin()) {
        return usage::<C>("no target, and standard input is a terminal");
    }
    if let Some(text) = check.announcement() {
        output::report_error(&text);
    }
    let verbose = flags.verbose;
    let (ordered, format, sampling) = (flags.ordered, flags.format(), flags.sampling());
    let (jobs, rate) = (flags.jobs, flags.rate);
    let experiments = Arc::<Experiments>::default();
    let watch = Arc::clone(&experiments) as Arc<dyn Watch>;
    let shared = match Shared::new(flags, C::PROXIED, check.extra_time(), watch) {
        Ok(shared) => Arc::new(shared),
        Err(why) => return usage::<C>(&why),
    };
    if let Some(why) = unreadable_proxy(&shared, &specs, sampling) {
        return usage::<C>(&why);
    }
    let runtime = match system::event_loop() {
        Ok(runtime) => runtime,
        Err(why) => return usage::<C>(&format!("the system gives no event loop: {why}")),
    };
    let secrets = shared.secrets().and(&check.secrets());
    verbose::start(verbose, secrets.clone());
    let line = move |mut record, text: &mut Vec<u8>| {
        secrets.leave(&mut record);
        match format {
            Format::Json => text::json(&record, text),
            Format::Text => text.extend(text::line(&record).into_bytes()),
        }
    };
    let (output, mut writer) = output::Writer::start(ordered);
    let input = input::Input::new(C::NAME, sampling, own, specs);
    let (going, stop) = signal_watch::channel(());
    let workers = Arc::new(drive::Workers {
        check,
        shared,
        experiments,
        source: source::Source::new(input, rate, writer.turn.clone()),
        line: Box::new(line),
        tally: drive::Tally::default(),
        lanes: drive::Lanes::new(system::jobs(jobs), stop),
    });
    let end = runtime.block_on(async {
        let signals = signals();
        let mut driving = Box::pin(drive::drive(&workers, output));
        let end = tokio::select! {
            biased;
            end = writer.ended() => end,
            end = signals => Some(end),
            never = &mut driving => match never {},
        };
        if let Some(End::Signal(_)) = end {
            workers.shared.interrupt().ask();
            tokio::select! {
                biased;
                () = workers.shared.interrupt().settled(KEEPING) => {}
                never = &mut driving => match never {},
            }
        }
        end
    });
    drop(going);
    // Each lane lets go of what it holds at a server before the program ends.
    let sound = workers.lanes.join();
    match end {
        None if !sound || workers.source.is_broken() => workers.tally.troubled.store(true, Ordering::Relaxed),
        Some(End::Signal(_)) => writer.wait(),
        _ => {}
    }
    // Threads that wait for input or a reader must not hold up the exit.
    runtime.shutdown_background();
    let is = |flag: &AtomicBool| flag.load(Ordering::Relaxed);
    match end {
        None if is(&workers.tally.troubled) => ExitCode::from(TOOL),
        None if is(&workers.tally.failed) => ExitCode::from(1),
        None | Some(End::Closed) => ExitCode::SUCCESS,
        Some(End::Signal(number)) => ExitCode::from(128 + number),
        Some(End::Bug) => ExitCode::from(TOOL),
        Some(End::Unwritable) => {
            output::report_error(&format!("check-{}: the output cannot be written", C::NAME));
            ExitCode::from(TOOL)
        }
    }
}

/// Reads every argument before any packet.
fn specs<C: Check>(flags: &Flags) -> Result<Vec<Spec>, String> {
    let read = |text: &String| {
        Spec::parse(text, C::NAME, flags.sampling()).map_err(|why| format!("{}: {why}", judge::shown(text)))
    };
    flags.targets.iter().map(read).collect()
}

/// Why an argument has no way: the variable of its proxy cannot be read. Lines of standard input get a record each.
fn unreadable_proxy(shared: &Shared, specs: &[Spec], sampling: Sampling) -> Option<String> {
    specs.iter().find_map(|spec| {
        let target = spec.clone().expand(sampling).next()?;
        shared.proxy_fault(&target).map(str::to_owned)
    })
}

fn usage<C: Check>(why: &str) -> ExitCode {
    output::report_error(&format!("check-{}: {why}\nTry 'check-{} --help'.", C::NAME, C::NAME));
    ExitCode::from(TOOL)
}

/// Listens from this call on, not only from the first wait: the first packet may be answered before that.
fn signals() -> impl Future<Output = End> {
    // Whoever starts a program with SIGHUP ignored wants it to go on.
    let stopped = stop::signal(!stop::hangup_is_ignored());
    async { End::Signal(stopped.await) }
}
