//! Sweeps: many TCP targets in one run, half of them open, half closed.

use std::fmt::Write;
use std::net::Ipv4Addr;
use std::process::Command;

use crate::measure::{Run, run, turns};
use crate::table::{Table, Wanted};
use crate::{Args, listen};

/// How many addresses, each asked on an open and on a closed port.
const ADDRESSES: u32 = 25_000;
/// How many targets are in flight, for us and for the bare loop.
const IN_FLIGHT: &str = "256";

/// 50,000 targets beside nmap, rustscan and a bare loop.
pub(crate) fn sweep(args: &Args, table: &mut Table) -> Result<(), String> {
    let ports = [listen::plain()?, netcheck_lab::closed_port()];
    let addresses: Vec<Ipv4Addr> = (0..ADDRESSES).map(address).collect();
    let mut lines = String::new();
    for (address, port) in addresses.iter().flat_map(|address| ports.map(|port| (address, port))) {
        let _ = writeln!(lines, "tcp://{address}:{port}");
    }
    let a_second = |seconds: f64| f64::from(ADDRESSES) * 2.0 / seconds;
    let ours = || run(args.tool("check-tcp").args(["--jobs", IN_FLIGHT]), Some(&lines));
    let mut memory: f64 = 0.0;
    let (us, them) = turns(
        args.repeat,
        || {
            let run = ours()?;
            memory = memory.max(run.memory);
            Ok(run.wall)
        },
        || run(&mut args.alone("connects"), Some(&lines)).map(|run| run.wall),
        |seconds| *seconds,
    )?;
    let what = "TCP sweep, 50,000 targets";
    table.ratio(what, a_second(us), ("bare epoll loop", a_second(them)), "targets/s", Wanted::AtLeast(0.6));
    table.figure(&format!("{what}: peak memory"), memory, "MB", Wanted::AtMost(40.0));

    let list = tempfile::NamedTempFile::new().map_err(|why| why.to_string())?;
    let text: String = addresses.iter().map(|address| format!("{address}\n")).collect();
    std::fs::write(list.path(), text).map_err(|why| why.to_string())?;
    let both = format!("{},{}", ports[0], ports[1]);
    // As it comes nmap asks whether a host is up and what it is called: of a resolver that answers at once.
    let resolver = listen::resolver();
    for (name, how, wanted) in [
        (
            "nmap -sT -T5",
            resolver.as_ref().map(|address| vec!["--dns-servers", address]),
            Wanted::AtLeast(3.0),
        ),
        ("nmap -sT -T5 -n -Pn", Ok(vec!["-n", "-Pn"]), Wanted::Nothing),
    ] {
        let how = match how {
            Ok(how) => how,
            Err(why) => {
                table.missing(&format!("{what}, beside {name}"), why);
                continue;
            }
        };
        let mut nmap = Command::new("nmap");
        nmap.args(["-sT", "-T5", "--min-parallelism", IN_FLIGHT]).args(how);
        nmap.args(["-p", &both, "-iL"]).arg(list.path());
        peer(table, args, what, &ours, (name, &mut nmap), wanted);
    }
    let mut rustscan = Command::new("rustscan");
    rustscan.args(["--no-banner", "--no-config", "-g", "-b", "4500", "-p", &both, "-a"]).arg(list.path());
    peer(table, args, what, &ours, ("rustscan", &mut rustscan), Wanted::AtLeast(1.5));
    Ok(())
}

/// Ours and a peer's, as targets a second.
fn peer(
    table: &mut Table,
    args: &Args,
    what: &str,
    ours: &dyn Fn() -> Result<Run, String>,
    (name, theirs): (&str, &mut Command),
    wanted: Wanted,
) {
    let a_second = |seconds: f64| f64::from(ADDRESSES) * 2.0 / seconds;
    match turns(args.repeat.min(3), ours, || run(theirs, None), |run| run.wall) {
        Ok((us, them)) => {
            table.ratio(what, a_second(us), (name, a_second(them)), "targets/s", wanted);
        }
        Err(why) => table.missing(&format!("{what}, beside {name}"), &why),
    }
}

/// From a thousand to a million targets: the time each takes, and the memory.
pub(crate) fn million(args: &Args, table: &mut Table) -> Result<(), String> {
    let port = netcheck_lab::closed_port();
    let mut first = None;
    for count in [1_000_u32, 10_000, 100_000, 1_000_000] {
        let target = format!("tcp://127.0.0.0/8:{port}");
        let mut tool = args.tool("check-tcp");
        let sample = count.to_string();
        // The start of the process is not the cost of a target.
        let start = run(args.tool("check-tcp").arg(format!("tcp://127.0.0.1:{port}")), None)?;
        let run = run(tool.args(["--jobs", IN_FLIGHT, "--sample", &sample, &target]), None)?;
        let each = (run.cpu - start.cpu) * 1e6 / f64::from(count);
        let first = *first.get_or_insert(each);
        let what = format!("{count} targets: CPU time each");
        table.ratio(&what, each, ("at 1,000", first), "µs", Wanted::AtMost(1.3));
        table.figure(&format!("{count} targets: peak memory"), run.memory, "MB", Wanted::AtMost(40.0));
    }
    Ok(())
}

/// The addresses of 127.0.0.0/8, one after the other.
fn address(number: u32) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(Ipv4Addr::new(127, 1, 0, 0)) + number)
}
