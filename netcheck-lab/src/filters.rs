//! Randomly drawn filters, and whether `--prove filter` of check-tcp and check-udp recovers what each of them matches.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

use serde_json::Value;

use crate::world::ends_with_parent;
use crate::world::probe::tools;

/// One filter: the faults of its scenario, the target that meets it, and what has to be found.
#[derive(Clone, Debug)]
pub struct Drawn {
    /// What is broken, as a scenario has it.
    pub faults: String,
    /// Whose ClientHello is sent: a browser's may have its name in the second segment.
    pub hello: &'static str,
    /// The target that is asked.
    pub target: String,
    /// `facts.filter.matches`.
    pub matches: &'static str,
    /// `facts.filter.value`.
    pub value: Option<String>,
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Score {
    /// The rule, and its value.
    Recovered,
    /// `unknown`, or no answer.
    Unknown,
    /// Another rule.
    Wrong,
}

/// A generator that is the same everywhere (SplitMix64).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % u64::try_from(bound).unwrap_or(1)).unwrap_or(0)
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}

const NAMES: [&str; 3] = ["www.spotme.com", "streamyard.com", "eu-stream.spotme.com"];

/// Draws so many filters; the same for the same seed.
#[must_use]
pub fn draw(seed: u64, count: usize) -> Vec<Drawn> {
    let mut random = Random(seed);
    (0..count).map(|_| one(&mut random)).collect()
}

fn one(random: &mut Random) -> Drawn {
    let mut drawn = match random.below(14) {
        0..=4 => named(random),
        5 => text(random),
        6 => alpn(random),
        7 => whole_tls(random),
        8 => host(random),
        9 => port(random),
        10..=11 => quic_named(random),
        12 => quic_version(random),
        _ => datagram_port(random),
    };
    if random.below(4) == 0 {
        drawn.faults += "\n[[rules]]\nat = \"router2\"\nforward = [\"numgen inc mod 20 0 drop\"]\n";
    }
    drawn
}

/// Where devices stand.
fn place(random: &mut Random) -> &'static str {
    random.of(&["router1", "router2"])
}

fn ending(random: &mut Random) -> &'static str {
    random.of(&["-j DROP", "-p tcp -j REJECT --reject-with tcp-reset"])
}

/// How a host's name is matched: as a device has it, as `facts.filter.matches` has it, and the name or zone.
fn name_rule(random: &mut Random, host: &'static str) -> (&'static str, &'static str, &'static str) {
    let zone = host.split_once('.').map_or(host, |(_, zone)| zone);
    let has_zone = zone.contains('.');
    match random.below(4) {
        0 => ("exact", "sni_exact", host),
        1 if has_zone => ("suffix", "sni_suffix", zone),
        2 if has_zone => ("wildcard", "sni_wildcard", zone),
        3 if has_zone => ("contains", "sni_contains", zone),
        _ => ("suffix", "sni_suffix", host),
    }
}

/// By the server name, in a device that reads it.
fn named(random: &mut Random) -> Drawn {
    let host = random.of(&NAMES);
    let (how, matches, value) = name_rule(random, host);
    let (case, first) = (random.of(&[true, false]), random.of(&[true, false]));
    let faults = format!(
        "[[inline]]\nat = \"{}\"\nmatching = \"-p tcp --dport 443\"\n\
         does = {{ drop-named = {{ how = \"{how}\", name = \"{value}\", ignore_case = {case}, first_segment = {first} }} }}\n",
        place(random)
    );
    let hello = if first { "small" } else { "browser" };
    Drawn { hello, faults, target: format!("https://{host}/"), matches, value: Some(value.to_owned()) }
}

/// By the server name in the Initial of QUIC.
fn quic_named(random: &mut Random) -> Drawn {
    let host = random.of(&NAMES);
    let (how, matches, value) = name_rule(random, host);
    let faults = format!(
        "[[inline]]\nat = \"{}\"\nmatching = \"-p udp --dport 443\"\n\
         does = {{ drop-quic = {{ how = \"{how}\", name = \"{value}\", ignore_case = {} }} }}\n",
        place(random),
        random.of(&[true, false])
    );
    let target = format!("quic://{host}");
    Drawn { hello: "small", faults, target, matches, value: Some(value.to_owned()) }
}

/// Any long header of an Initial of version 1.
fn quic_version(random: &mut Random) -> Drawn {
    let at = place(random);
    let initial = "-p udp --dport 443 -m u32 --u32 0>>22&0x3C@8>>28&0xF=0xC&&0>>22&0x3C@9=1";
    let faults = format!("[[rules]]\nat = \"{at}\"\niptables = ['-A FORWARD {initial} -j DROP']\n");
    let target = format!("quic://{}", random.of(&NAMES));
    Drawn { hello: "browser", faults, target, matches: "quic_version", value: Some("1".to_owned()) }
}

fn datagram_port(random: &mut Random) -> Drawn {
    let (port, target) = random.of(&[(443, "quic://www.spotme.com"), (3478, "stun://hlg.tokbox.com:3478")]);
    let at = place(random);
    let faults =
        format!("[[rules]]\nat = \"{at}\"\niptables = ['-A FORWARD -p udp --dport {port} -j DROP']\n");
    let (target, value) = (target.to_owned(), Some(port.to_string()));
    Drawn { hello: "browser", faults, target, matches: "port", value }
}

/// By a string, as iptables matches it.
fn text(random: &mut Random) -> Drawn {
    let case = random.of(&["", "--icase "]);
    let faults = rule(random, &format!("-p tcp --dport 443 -m string --algo bm {case}--string spotme.com"));
    let target = "https://www.spotme.com/".to_owned();
    Drawn { hello: "small", faults, target, matches: "sni_contains", value: Some("spotme.com".to_owned()) }
}

fn alpn(random: &mut Random) -> Drawn {
    let offers = "-p tcp --dport 443 -m string --algo bm --hex-string |026832|";
    let faults = rule(random, offers);
    Drawn {
        hello: "small",
        faults,
        target: format!("https://{}/", random.of(&NAMES)),
        matches: "alpn",
        value: Some("h2".to_owned()),
    }
}

/// Any ClientHello: the type of its record and of its message.
fn whole_tls(random: &mut Random) -> Drawn {
    let faults = rule(random, "-p tcp --dport 443 -m u32 --u32 0>>22&0x3C@12>>26&0x3C@0>>16=0x1603");
    Drawn {
        hello: "browser",
        faults,
        target: format!("https://{}/", random.of(&NAMES)),
        matches: "tls",
        value: None,
    }
}

/// By the Host header.
fn host(random: &mut Random) -> Drawn {
    let faults = rule(random, "-p tcp --dport 80 -m string --algo bm --icase --string install.events");
    let target = "http://install.events/".to_owned();
    Drawn {
        hello: "browser",
        faults,
        target,
        matches: "host_contains",
        value: Some("install.events".to_owned()),
    }
}

fn port(random: &mut Random) -> Drawn {
    let number = 10_000 + random.below(51);
    let faults = rule(random, &format!("-p tcp --dport {number}"));
    let target = format!("tcp://us-channel.spotme.com:{number}");
    Drawn { hello: "browser", faults, target, matches: "port", value: Some(number.to_string()) }
}

fn rule(random: &mut Random, matching: &str) -> String {
    let (at, end) = (place(random), ending(random));
    let end = end.trim_start_matches("-p tcp ");
    format!("[[rules]]\nat = \"{at}\"\niptables = ['-A FORWARD {matching} {end}']\n")
}

impl Drawn {
    /// The tool that checks the target.
    fn tool(&self) -> &'static str {
        match ["quic:", "stun:"].iter().any(|scheme| self.target.starts_with(scheme)) {
            true => "check-udp",
            false => "check-tcp",
        }
    }

    /// Asks the tool about the filter, in a world of its own.
    ///
    /// # Errors
    /// The world cannot be built.
    pub fn ask(&self, lab: &Path, folder: &Path, number: usize) -> io::Result<Value> {
        let name = format!("drawn-{number}");
        let mut scenario = String::from("sentence = \"A filter that was drawn at random.\"\n");
        let _ = write!(scenario, "{}", self.faults);
        fs::write(folder.join(format!("{name}.toml")), scenario)?;
        let output = ends_with_parent(lab)
            .env("NETCHECK_SCENARIOS", folder)
            .args(["run", &name, "--"])
            .arg(tools()?.join(self.tool()))
            .args(["--public-roots", "/run/lab/roots.pem", "--timeout", "3", "--deadline", "60"])
            .args(["--format", "json", "--hello", self.hello, "--prove", "filter", &self.target])
            .output()?;
        serde_json::from_slice(&output.stdout)
            .map_err(|_| io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()))
    }

    /// Whether the record names the rule.
    #[must_use]
    pub fn score(&self, record: &Value) -> Score {
        let filter = &record["facts"]["filter"];
        match filter["matches"].as_str() {
            None | Some("unknown") => Score::Unknown,
            Some(matches) if matches == self.matches && filter["value"].as_str() == self.value.as_deref() => {
                Score::Recovered
            }
            Some(_) => Score::Wrong,
        }
    }
}

/// Draws filters, asks about each, and prints what came of it.
///
/// # Errors
/// A world cannot be built.
pub fn run(seed: u64, count: usize, out: &mut impl io::Write) -> io::Result<(usize, usize)> {
    let folder = std::env::temp_dir().join(format!("netcheck-filters-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let lab = std::env::current_exe()?;
    let (mut recovered, mut wrong) = (0, 0);
    for (number, drawn) in draw(seed, count).iter().enumerate() {
        let record = drawn.ask(&lab, &folder, number)?;
        let score = drawn.score(&record);
        recovered += usize::from(score == Score::Recovered);
        wrong += usize::from(score == Score::Wrong);
        let filter = &record["facts"]["filter"];
        writeln!(
            out,
            "{number:>3} {score:?} {} {:?}: found {} {} ({}, {})",
            drawn.matches,
            drawn.value.as_deref().unwrap_or(""),
            filter["matches"],
            filter["value"],
            drawn.target,
            record["failure"]["code"]
        )?;
        if score != Score::Recovered {
            writeln!(out, "      {}\n      {}", drawn.faults.replace('\n', " "), filter["pairs"])?;
        }
    }
    writeln!(out, "{count} filters (seed {seed}): {recovered} recovered, {wrong} wrong")?;
    fs::remove_dir_all(&folder)?;
    Ok((recovered, wrong))
}
