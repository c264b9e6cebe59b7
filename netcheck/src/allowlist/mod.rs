//! `allowlist`: the profile as rules, as each system writes them.

mod cisco;
pub(crate) mod destination;
mod fortinet;
mod nftables;
mod pac;
mod paloalto;
mod pf;
mod plain;
mod squid;

use clap::{Args as ClapArgs, ValueEnum};
use netcheck_record::escape;

use crate::out;
use crate::profile::Profile;
use crate::profile::choice::Choice;
use crate::profile::row::{Permit, Row};
use destination::Destination;

/// The system that reads the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For spreadsheets
    Csv,
    /// For programs
    Json,
    /// squid.conf: explicit proxies
    Squid,
    /// nft -f: names need a resolver that fills the sets (dnsmasq's nftset)
    Nftables,
    /// pf.conf: names that are wildcards need tables filled from outside
    Pf,
    /// Proxy auto-configuration: these go direct
    Pac,
    /// External dynamic list of type URL
    PaloaltoEdl,
    /// External dynamic list of type IP address
    PaloaltoEdlIp,
    /// ASA access list; wildcards become their test hosts
    CiscoAcl,
    /// FortiOS addresses, services and policies
    Fortinet,
}

/// Write the profile as rules for firewalls and proxies
#[derive(ClapArgs, Debug)]
pub(crate) struct Args {
    /// The system that reads them
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    #[command(flatten)]
    choice: Choice,
}

/// One rule: destinations and ports of one permit.
pub(crate) struct Rule<'a> {
    /// The row.
    pub(crate) row: &'a Row,
    /// The permit as the profile has it.
    pub(crate) permit: &'a Permit,
    /// A name that is the only one of its kind: `core`, `chat_2`.
    pub(crate) name: String,
    /// Where to.
    pub(crate) to: Vec<Destination>,
    /// TCP ports.
    pub(crate) tcp: Vec<(u16, u16)>,
    /// UDP ports.
    pub(crate) udp: Vec<(u16, u16)>,
}

impl Rule<'_> {
    /// Row and function, for a comment.
    pub(crate) fn comment(&self) -> String {
        let advisory = if self.row.required() { "" } else { ", advisory" };
        let text = format!("{}: {} (for {}{advisory})", self.row.name, self.row.function, self.row.role);
        // A comment must not end early, whatever a profile says.
        escape::line(&text, 120).replace(['"', '\\', '\''], "")
    }

    /// Whether the connection comes from outside.
    pub(crate) fn inbound(&self) -> bool {
        !self.permit.from.is_empty()
    }

    /// Names and wildcards.
    pub(crate) fn names(&self) -> impl Iterator<Item = &Destination> {
        self.to.iter().filter(|to| !matches!(to, Destination::Block(_)))
    }

    /// Address blocks of one family.
    pub(crate) fn blocks(&self, v6: bool) -> Vec<String> {
        let text = |to: &Destination| match to {
            Destination::Block(block) if block.contains(':') == v6 => Some(block.clone()),
            _ => None,
        };
        self.to.iter().filter_map(text).collect()
    }

    /// Transport and ports, for systems that take them apart.
    pub(crate) fn transports(&self) -> Vec<(&'static str, &[(u16, u16)])> {
        let both = [("tcp", self.tcp.as_slice()), ("udp", self.udp.as_slice())];
        both.into_iter().filter(|(_, ports)| !ports.is_empty()).collect()
    }
}

/// Runs the command.
///
/// # Errors
/// A profile that is not sound; output that cannot be written.
pub(crate) fn run(args: &Args) -> Result<u8, String> {
    let profile = args.choice.load()?;
    let rules = rules(&profile);
    out::print(&match args.format {
        Format::Text => plain::text(&profile, &rules),
        Format::Csv => plain::csv(&rules),
        Format::Json => plain::json(&rules),
        Format::Squid => squid::text(&rules),
        Format::Nftables => nftables::text(&rules),
        Format::Pf => pf::text(&rules),
        Format::Pac => pac::text(&rules),
        Format::PaloaltoEdl => paloalto::urls(&rules),
        Format::PaloaltoEdlIp => paloalto::addresses(&rules),
        Format::CiscoAcl => cisco::text(&rules),
        Format::Fortinet => fortinet::text(&rules),
    })?;
    Ok(0)
}

/// The profile's permits as rules. What cannot be read was refused when the profile was loaded.
pub(crate) fn rules(profile: &Profile) -> Vec<Rule<'_>> {
    let mut rules = Vec::new();
    for row in &profile.rows {
        for (at, permit) in row.permits.iter().enumerate() {
            let number = if at == 0 { String::new() } else { format!("_{}", at + 1) };
            let ports =
                |text: &Option<String>| text.as_deref().and_then(crate::ports::parse).unwrap_or_default();
            rules.push(Rule {
                row,
                permit,
                name: format!("{}{number}", row.name.replace('-', "_")),
                to: permit.to.iter().flat_map(|to| destination::parse(to).unwrap_or_default()).collect(),
                tcp: ports(&permit.tcp),
                udp: ports(&permit.udp),
            });
        }
    }
    rules
}

/// Ranges joined: `80,443` with `between` = `-` inside a range.
fn joined(ports: &[(u16, u16)], separator: &str, between: &str) -> String {
    let range = |(first, last): &(u16, u16)| {
        if first == last { first.to_string() } else { format!("{first}{between}{last}") }
    };
    ports.iter().map(range).collect::<Vec<_>>().join(separator)
}

#[cfg(test)]
mod tests;
