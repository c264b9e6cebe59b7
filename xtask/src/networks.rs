//! `cargo xtask networks`: the networks of Apple and Google as data, from an ASN database in CSV.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// What Apple announces for its services; a rule for these blocks covers every courier.
const APPLE_BLOCKS: [(&str, u8); 4] =
    [("17.0.0.0", 8), ("2403:300::", 32), ("2620:149::", 32), ("2a01:b740::", 32)];
/// Apple's autonomous systems, told apart inside those blocks.
const APPLE_ASNS: [u32; 2] = [714, 6185];
/// Google's autonomous system for its own services.
const GOOGLE_ASN: u32 = 15169;
/// No row of an ASN database is as long.
const LINE_LIMIT: u64 = 8192;

const SOURCE: &str = "@ip-location-db/asn";

/// Makes check-push/data/apple.txt and as15169.txt from an ASN database in CSV (start,end,asn,organisation).
#[derive(clap::Args)]
pub struct Args {
    /// File of rows `start,end,asn,organisation`; repeat it for IPv4 and IPv6
    #[arg(long, value_name = "FILE.csv", required = true)]
    pub from: Vec<PathBuf>,
    /// Where the rows come from [default: name and version in the package.json beside the first file]
    #[arg(long, value_name = "TEXT")]
    pub source: Option<String>,
    /// Folder to write to
    #[arg(long, value_name = "FOLDER", default_value = "check-push/data")]
    pub out: PathBuf,
}

/// Writes the two files.
///
/// # Errors
/// A file that cannot be read, a row that is not one, or a folder that cannot be written to.
pub fn run(args: Args) -> Result<(), String> {
    let mut rows = Vec::new();
    for path in &args.from {
        read(path, &mut rows)?;
    }
    let source = match args.source {
        Some(source) => source,
        None => package_beside(args.from.first())?,
    };
    write(&args.out.join("apple.txt"), &apple(&rows, &source)?)?;
    write(&args.out.join("as15169.txt"), &google(&rows, &source)?)
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

/// `name version` of the package the file came in.
fn package_beside(file: Option<&PathBuf>) -> Result<String, String> {
    let path = file.map(|file| file.with_file_name("package.json")).unwrap_or_default();
    let missing = "name the source with --source";
    let text =
        fs::read_to_string(&path).map_err(|error| format!("{}: {error}; {missing}", path.display()))?;
    let json: serde_json::Value =
        serde_json::from_str(&text).map_err(|error| format!("{}: {error}; {missing}", path.display()))?;
    match (json["name"].as_str(), json["version"].as_str()) {
        (Some(name), Some(version)) => Ok(format!("{name} {version} (npm){}", date_in(version))),
        _ => Err(format!("{}: no name and version; {missing}", path.display())),
    }
}

/// The date in a version such as `2.3.2026061719`: year, month, day, hour.
fn date_in(version: &str) -> String {
    let last = version.rsplit('.').next().unwrap_or_default();
    if last.len() < 8 || !last.bytes().all(|byte| byte.is_ascii_digit()) {
        return String::new();
    }
    format!(", of {}-{}-{}", &last[..4], &last[4..6], &last[6..8])
}

/// A range of addresses of one family, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Range {
    v6: bool,
    first: u128,
    last: u128,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Row {
    range: Range,
    asn: u32,
}

fn read(path: &Path, rows: &mut Vec<Row>) -> Result<(), String> {
    let name = path.display();
    let mut file = BufReader::new(File::open(path).map_err(|error| format!("{name}: {error}"))?);
    let mut line = String::new();
    for number in 1_u64.. {
        line.clear();
        let read = file.by_ref().take(LINE_LIMIT).read_line(&mut line);
        match read.map_err(|error| format!("{name}: {error}"))? {
            0 => break,
            _ => rows.extend(row(line.trim_end()).map_err(|why| format!("{name}, line {number}: {why}"))?),
        }
    }
    Ok(())
}

/// The row, where it is one of an autonomous system we look for.
fn row(line: &str) -> Result<Option<Row>, String> {
    let mut fields = line.splitn(4, ',');
    let (Some(first), Some(last), Some(asn)) = (fields.next(), fields.next(), fields.next()) else {
        return Err("not start,end,asn,organisation".into());
    };
    let asn: u32 = asn.parse().map_err(|_| "the third field is not an AS number")?;
    if asn != GOOGLE_ASN && !APPLE_ASNS.contains(&asn) {
        return Ok(None);
    }
    let ((v6, first), (also_v6, last)) = (number(first)?, number(last)?);
    if v6 != also_v6 || first > last {
        return Err("the range does not run upwards within one family".into());
    }
    Ok(Some(Row { range: Range { v6, first, last }, asn }))
}

fn number(text: &str) -> Result<(bool, u128), String> {
    match text.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => Ok((false, u128::from(u32::from(address)))),
        Ok(IpAddr::V6(address)) => Ok((true, u128::from(address))),
        Err(_) => Err("the range is not two addresses (the -num files have numbers; take the others)".into()),
    }
}

/// The ranges of one autonomous system, sorted, with neighbours joined.
fn joined(rows: &[Row], asn: u32) -> Vec<Range> {
    let mut ranges: Vec<Range> = rows.iter().filter(|row| row.asn == asn).map(|row| row.range).collect();
    ranges.sort_unstable();
    let mut joined: Vec<Range> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(before) if before.v6 == range.v6 && range.first <= before.last.saturating_add(1) => {
                before.last = before.last.max(range.last);
            }
            _ => joined.push(range),
        }
    }
    joined
}

/// The fewest prefixes that make up a range.
fn prefixes(range: Range) -> Vec<String> {
    let bits: u32 = if range.v6 { 128 } else { 32 };
    let (mut first, mut prefixes) = (range.first, Vec::new());
    loop {
        // The largest block that begins here and does not pass the end.
        let aligned = first.trailing_zeros().min(bits);
        let host = (0..=aligned).rev().find(|host| first | ones(*host) <= range.last).unwrap_or(0);
        prefixes.push(format!("{}/{}", address(range.v6, first), bits - host));
        let end = first | ones(host);
        if end >= range.last {
            return prefixes;
        }
        first = end + 1;
    }
}

fn ones(bits: u32) -> u128 {
    1_u128.checked_shl(bits).map_or(u128::MAX, |power| power - 1)
}

fn address(v6: bool, value: u128) -> IpAddr {
    if v6 { IpAddr::V6(value.into()) } else { IpAddr::V4(u32::try_from(value).unwrap_or(u32::MAX).into()) }
}

fn block(text: &str, length: u8) -> Result<Range, String> {
    let (v6, first) = number(text)?;
    let bits: u32 = if v6 { 128 } else { 32 };
    Ok(Range { v6, first, last: first | ones(bits - u32::from(length)) })
}

/// The part of `range` inside `block`.
fn overlap(range: Range, block: Range) -> Option<Range> {
    let (first, last) = (range.first.max(block.first), range.last.min(block.last));
    (range.v6 == block.v6 && first <= last).then_some(Range { v6: range.v6, first, last })
}

fn header(what: &str, source: &str) -> String {
    format!(
        "# {what}\n\
         # Source: {source}; made of RouteViews, NRO and DB-IP data (https://db-ip.com), CC BY 4.0.\n\
         # Made by: npm pack {SOURCE} && tar xzf ip-location-db-asn-*.tgz\n\
         #          cargo xtask networks --from package/asn-ipv4.csv --from package/asn-ipv6.csv\n\
         # Newer rows: github.com/sapics/ip-location-db/releases (its npm package is no longer kept up to date).\n\
         # Format: a line [OWNER] or [OWNER ASnumber], then its prefixes. The longest that fits an address gives the AS number.\n"
    )
}

fn section(text: &mut String, title: &str, ranges: &[Range]) {
    let _ = writeln!(text, "[{title}]");
    for prefix in ranges.iter().copied().flat_map(prefixes) {
        let _ = writeln!(text, "{prefix}");
    }
}

fn google(rows: &[Row], source: &str) -> Result<String, String> {
    let ranges = joined(rows, GOOGLE_ASN);
    if !ranges.iter().any(|range| range.v6) || ranges.iter().all(|range| range.v6) {
        return Err(format!("no IPv4 or no IPv6 rows of AS{GOOGLE_ASN}: give the files of both families"));
    }
    let mut text =
        header("The networks of AS15169, from which Google serves Firebase Cloud Messaging.", source);
    section(&mut text, "google AS15169", &ranges);
    Ok(text)
}

fn apple(rows: &[Row], source: &str) -> Result<String, String> {
    let what = "The networks Apple announces for its push service (support.apple.com/HT203609), with their AS numbers.";
    let mut text = header(what, source);
    let blocks: Vec<Range> =
        APPLE_BLOCKS.iter().map(|(address, length)| block(address, *length)).collect::<Result<_, _>>()?;
    section(&mut text, "apple", &blocks);
    for asn in APPLE_ASNS {
        let inside: Vec<Range> = joined(rows, asn)
            .into_iter()
            .flat_map(|range| blocks.iter().filter_map(move |block| overlap(range, *block)))
            .collect();
        if !inside.is_empty() {
            section(&mut text, &format!("apple AS{asn}"), &inside);
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(lines: &[&str]) -> Vec<Row> {
        lines.iter().filter_map(|line| row(line).unwrap_or_else(|why| panic!("{line}: {why}"))).collect()
    }

    const BOTH: [&str; 6] = [
        "8.8.8.0,8.8.8.255,15169,\"Google, LLC\"",
        "8.8.9.0,8.8.9.127,15169,Google LLC",
        "9.0.0.0,9.0.0.255,1,Somebody else",
        "16.255.255.0,17.0.0.255,714,Apple Inc.",
        "2607:f8b0::,2607:f8b0:ffff:ffff:ffff:ffff:ffff:ffff,15169,Google LLC",
        "2620:149:a00::,2620:149:a00:ffff:ffff:ffff:ffff:ffff,6185,Apple Inc.",
    ];

    fn body(text: &str) -> Vec<&str> {
        text.lines().filter(|line| !line.starts_with('#')).collect()
    }

    #[test]
    fn neighbouring_ranges_are_joined_and_cut_into_prefixes() {
        let text = google(&rows(&BOTH), "test").unwrap_or_default();
        assert_eq!(body(&text), ["[google AS15169]", "8.8.8.0/24", "8.8.9.0/25", "2607:f8b0::/32"]);
    }

    #[test]
    fn apple_keeps_its_published_blocks_and_numbers_what_lies_inside() {
        let text = apple(&rows(&BOTH), "test").unwrap_or_default();
        let lines = body(&text);
        assert_eq!(lines[..5], ["[apple]", "17.0.0.0/8", "2403:300::/32", "2620:149::/32", "2a01:b740::/32"]);
        assert_eq!(lines[5..], ["[apple AS714]", "17.0.0.0/24", "[apple AS6185]", "2620:149:a00::/48"]);
    }

    #[test]
    fn the_ends_of_both_families_are_no_trouble() {
        let all = |v6, last| prefixes(Range { v6, first: 0, last });
        assert_eq!(all(false, u128::from(u32::MAX)), ["0.0.0.0/0"]);
        assert_eq!(all(true, u128::MAX), ["::/0"]);
        assert_eq!(prefixes(Range { v6: true, first: u128::MAX - 1, last: u128::MAX }).len(), 1);
        assert_eq!(prefixes(Range { v6: false, first: 1, last: 6 }).len(), 4);
    }

    #[test]
    fn a_row_that_is_none_says_why() {
        for (line, word) in [
            ("", "not start"),
            ("1.1.1.1,1.1.1.2", "not start"),
            ("1.1.1.1,1.1.1.2,x,y", "AS number"),
            ("1,2,15169,Google", "-num"),
            ("8.8.8.8,8.8.8.1,15169,Google", "upwards"),
            ("8.8.8.8,::1,15169,Google", "upwards"),
        ] {
            let why = row(line).err().unwrap_or_default();
            assert!(why.contains(word), "{line}: {why}");
        }
    }

    #[test]
    fn one_family_alone_is_refused() {
        assert!(google(&rows(&BOTH[..2]), "test").is_err());
        assert!(google(&[], "test").is_err());
    }

    #[test]
    fn the_date_is_read_from_the_version() {
        assert_eq!(date_in("2.3.2026061719"), ", of 2026-06-17");
        assert_eq!(date_in("1.0"), "");
    }
}
