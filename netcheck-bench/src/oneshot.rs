//! One target, from the start of the process to its exit.

use std::path::Path;
use std::process::Command;

use crate::measure::{Run, median, run, turns};
use crate::table::{Table, Wanted};
use crate::{Args, listen};

/// A process of three milliseconds is run this many times as often as the long ones.
const OFTEN: u32 = 20;

/// Each kind beside the tool an administrator would take.
pub(crate) fn measure(args: &Args, table: &mut Table) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|why| why.to_string())?;
    let (authority, _, config) = listen::certificates();
    let roots = authority.write(folder.path());
    let plain = listen::plain()?.to_string();
    let tls = listen::secure(&config, listen::handshake)?;
    let https = listen::secure(&config, listen::http)?;

    let ours = with(args, "check-tcp", &roots, &format!("tcp://127.0.0.1:{plain}"));
    let mut nc = Command::new("nc");
    nc.args(["-z", "127.0.0.1", &plain]);
    beside(table, args, "one TCP target", ours, ("nc -z", nc), 1.5);

    let ours = with(args, "check-tcp", &roots, &format!("tls://127.0.0.1:{tls}"));
    let mut openssl = Command::new("openssl");
    openssl.args(["s_client", "-connect", &format!("127.0.0.1:{tls}"), "-verify_return_error", "-CAfile"]);
    openssl.arg(&roots);
    beside(table, args, "one TLS target", ours, ("openssl s_client", openssl), 1.0);

    let ours = with(args, "check-tcp", &roots, &format!("https://127.0.0.1:{https}/"));
    let mut curl = Command::new("curl");
    curl.args(["-sI", "--noproxy", "*", &format!("https://127.0.0.1:{https}/"), "--cacert"]).arg(&roots);
    beside(table, args, "one HTTPS target", ours, ("curl -sI", curl), 1.0);

    for (tool, target) in [
        ("check-wss", format!("wss://127.0.0.1:{https}/")),
        ("check-rtmps", format!("rtmps://127.0.0.1:{https}/")),
        ("check-udp", format!("stun://127.0.0.1:{}", netcheck_lab::closed_port())),
        ("check-push", format!("apns://127.0.0.1:{tls}")),
        ("check-mail", format!("smtp://127.0.0.1:{plain}")),
    ] {
        let mut command = with(args, tool, &roots, &target);
        match (0..args.repeat).map(|_| run(&mut command, None)).collect::<Result<Vec<Run>, String>>() {
            Ok(runs) => {
                let wall = median(runs.iter().map(|run| run.wall * 1e3).collect());
                let memory = median(runs.iter().map(|run| run.memory).collect());
                table.figure(&format!("{tool}, one target"), wall, "ms", Wanted::Nothing);
                table.figure(&format!("{tool}, one target: memory"), memory, "MB", Wanted::AtMost(12.0));
            }
            Err(why) => table.missing(&format!("{tool}, one target"), &why),
        }
    }
    Ok(())
}

fn with(args: &Args, tool: &str, roots: &Path, target: &str) -> Command {
    let mut command = args.tool(tool);
    command.arg("--public-roots").arg(roots).args(["--diagnose", "never", target]);
    command
}

fn beside(
    table: &mut Table,
    args: &Args,
    what: &str,
    mut ours: Command,
    (name, mut theirs): (&str, Command),
    wanted: f64,
) {
    let mut memory: f64 = 0.0;
    let us = || {
        let run = run(&mut ours, None)?;
        memory = memory.max(run.memory);
        Ok(run)
    };
    match turns(args.repeat * OFTEN, us, || run(&mut theirs, None), |run| run.wall * 1e3) {
        Ok((us, them)) => {
            table.ratio(what, us, (name, them), "ms", Wanted::AtMost(wanted));
            table.figure(&format!("{what}: peak memory"), memory, "MB", Wanted::AtMost(12.0));
        }
        Err(why) => table.missing(what, &why),
    }
}
