//! A watch that goes on and on while its network misbehaves: memory, descriptors and threads stay what they were.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::table::{self, Table, Wanted};
use crate::{Args, run};

/// How often the processes are looked at.
const EVERY: Duration = Duration::from_secs(2);
/// A fault begins with every so many looks, and ends half as many later.
const FAULT: u64 = 8;
/// What breaks, and what mends it, at the client of the lab.
const FAULTS: [(&str, &str); 5] = [
    ("ip link set eth0 down", "ip link set eth0 up; ip route replace default via 10.20.0.1"),
    ("tc qdisc replace dev eth0 root netem loss 30%", "tc qdisc del dev eth0 root"),
    ("echo nameserver 10.20.0.99 >/run/lab/resolv.conf", "echo nameserver 10.20.0.1 >/run/lab/resolv.conf"),
    ("ip route del default", "ip route replace default via 10.20.0.1"),
    ("tc qdisc replace dev eth0 root netem delay 300ms 200ms", "tc qdisc del dev eth0 root"),
];

/// What a process held at one moment.
#[derive(Clone, Copy, Debug, Default)]
struct Look {
    memory: u64,
    descriptors: u64,
    threads: u64,
}

/// Runs the watch inside a network of the lab.
///
/// # Errors
/// The lab cannot be built, or the watch ended by itself.
pub(crate) fn measure(args: &Args, table: &mut Table) -> Result<(), String> {
    let seconds = args.lasting.as_secs();
    let figures = run::inside(args, "healthy", &["--bare", "soak", "--for", &format!("{seconds}s")])?;
    let figure = |name: &str| figures.get(name).copied().unwrap_or(f64::NAN);
    let what = |what: &str| format!("a watch of {seconds} s with {} faults: {what}", figure("faults"));
    table.figure(&what("rounds"), figure("rounds"), "", Wanted::AtLeast(1.0));
    for (name, least) in [("memory", 2048.0), ("descriptors", 1.0), ("threads", 1.0)] {
        let (early, late) = (figure(&format!("early {name}")), figure(&format!("late {name}")));
        let unit = if name == "memory" { "KB" } else { "" };
        table.figure(&what(&format!("{name}, first quarter")), early, unit, Wanted::Nothing);
        table.figure(
            &what(&format!("{name}, last quarter")),
            late,
            unit,
            Wanted::AtMost(early * 1.05 + least),
        );
    }
    Ok(())
}

/// Inside: the watch, its faults, and what it holds.
pub(crate) fn here(args: &Args) -> Result<(), String> {
    let fault = |why: &dyn std::fmt::Display| format!("soak: {why}");
    shell("mount -t proc none /proc");
    let folder = tempfile::tempdir().map_err(|why| fault(&why))?;
    let mut watch = args.tool("netcheck");
    watch.args(["check", "--watch", "5", "--timeout", "2", "--output"]).arg(folder.path().join("n.jsonl"));
    run::with_roots(&mut watch).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = watch.spawn().map_err(|why| fault(&why))?;
    let looked = look_on(&mut child, args.lasting);
    let _ = child.kill();
    let _ = child.wait();
    let (looks, faults) = looked?;
    let rounds = rounds(folder.path());
    let quarter = (looks.len() / 4).max(1);
    // What the first round learns is not growth.
    let early = held(looks.get(..quarter).unwrap_or_default());
    let late = held(looks.get(looks.len() - quarter..).unwrap_or_default());
    table::print(&json!({
        "rounds": rounds, "faults": faults,
        "early memory": early.memory, "late memory": late.memory,
        "early descriptors": early.descriptors, "late descriptors": late.descriptors,
        "early threads": early.threads, "late threads": late.threads,
    }));
    Ok(())
}

/// Breaks and mends the network while the watch runs; what it held, and how many faults there were.
fn look_on(child: &mut Child, lasting: Duration) -> Result<(Vec<Look>, u64), String> {
    let end = Instant::now() + lasting;
    let (mut looks, mut number, mut faults) = (Vec::new(), 0_u64, 0_usize);
    while Instant::now() < end {
        std::thread::sleep(EVERY);
        if let Ok(Some(status)) = child.try_wait() {
            return Err(format!("the watch ended by itself: {status}"));
        }
        looks.extend(look(child.id()));
        number += 1;
        let (broken, repaired) = FAULTS[faults % FAULTS.len()];
        match number % FAULT {
            0 => shell(broken),
            4 if number > FAULT => {
                shell(repaired);
                faults += 1;
            }
            _ => {}
        }
    }
    Ok((looks, faults as u64))
}

fn look(pid: u32) -> Option<Look> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let number = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse().ok()
    };
    Some(Look {
        memory: number("VmRSS:")?,
        threads: number("Threads:")?,
        descriptors: fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count() as u64,
    })
}

/// The most memory, and the fewest descriptors and threads: those of the pauses, in which no tool runs.
fn held(looks: &[Look]) -> Look {
    let first = looks.first().copied().unwrap_or_default();
    looks.iter().fold(first, |held, look| Look {
        memory: held.memory.max(look.memory),
        descriptors: held.descriptors.min(look.descriptors),
        threads: held.threads.min(look.threads),
    })
}

/// How many rounds came to their end.
fn rounds(folder: &std::path::Path) -> usize {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    let text = files.filter_map(|file| fs::read_to_string(file.path()).ok()).collect::<String>();
    let ended = |line: &&str| {
        serde_json::from_str::<Value>(line).is_ok_and(|line| line["run"]["finished"].is_string())
    };
    text.lines().filter(ended).count()
}

fn shell(text: &str) {
    let _ = Command::new("sh").args(["-c", text]).stderr(Stdio::null()).status();
}
