//! A profile made from nothing but targets: what has to work, and what an administrator permits for it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use netcheck_record::scheme::Scheme;
use netcheck_record::spec::{Sampling, Spec};

use crate::ports;
use crate::target::{Place, Share};

const HEAD: &str = "\
# A profile of its own, without a base. Format: docs/PROFILES.md. Keys marked (mandatory) must be there.
# Check it with `netcheck profile validate FILE`, use it with `netcheck check --profile FILE`.

format = 1  # (mandatory)
";

/// Ports of one transport, by host.
type Hosts = BTreeMap<String, BTreeMap<&'static str, Vec<u16>>>;

/// The text of a profile in which every one of these targets has to work.
///
/// # Errors
/// A sentence about a target that cannot be used.
pub(crate) fn text(name: &str, targets: &[String]) -> Result<String, String> {
    let mut text =
        format!("{HEAD}name = {}  # (mandatory) a-z, 0-9 and -\ntitle = {}\n", quoted(name), quoted(name));
    for (number, target) in (1..).zip(targets) {
        text.push_str(&row(number, target).map_err(|why| format!("--target {target}: {why}"))?);
    }
    Ok(text)
}

/// The requirement that one target makes.
fn row(number: usize, target: &str) -> Result<String, String> {
    Share::of(target, None)?;
    let hosts = hosts(target)?;
    let first = hosts.keys().next().map(String::as_str).unwrap_or_default();
    let scheme = target.split("://").next().unwrap_or_default();
    let mut text = format!(
        "\n[[row]]\n\
         name = {}  # (mandatory) one line of every report; at most 24 of a-z, 0-9 and -\n\
         function = {}  # (mandatory) what people do with it\n\
         without = {}  # what they notice when it does not work\n\
         role = \"all\"  # (mandatory) who needs it\n\
         source = \"our own list\"  # (mandatory) who says that it is needed\n",
        quoted(&word(number, scheme)),
        quoted(&format!("{scheme} to {first}")),
        quoted(&format!("{first} cannot be reached")),
    );
    for (host, transports) in &hosts {
        let to = match host.parse::<IpAddr>() {
            Ok(IpAddr::V4(address)) => format!("{address}/32"),
            Ok(IpAddr::V6(address)) => format!("{address}/128"),
            Err(_) => host.clone(),
        };
        for (transport, numbers) in transports.iter().filter(|(_, numbers)| !numbers.is_empty()) {
            let ranges = ports::text(numbers.iter().copied()).replace(' ', "");
            text.push_str(&format!(
                "\n[[row.permit]]\nto = [{}]\n{} = {}\n",
                quoted(&to),
                transport.to_lowercase(),
                quoted(&ranges)
            ));
        }
    }
    text.push_str(&format!("\n[[row.probe]]\ntarget = {}  # (mandatory)\n", quoted(target)));
    Ok(text)
}

/// What a target connects to.
fn hosts(target: &str) -> Result<Hosts, String> {
    let name = target.split("://").next().unwrap_or_default();
    let scheme = Scheme::named(name).ok_or("the scheme is not known")?;
    let sampling = Sampling::default();
    let spec = Spec::parse(target, scheme.tool, sampling).map_err(|why| why.0)?;
    let mut hosts = Hosts::new();
    for one in spec.expand(sampling) {
        let canonical = one.to_string();
        let place = Place::of(&canonical);
        let transport = crate::target::transport(&place.scheme, &canonical);
        hosts.entry(place.host).or_default().entry(transport).or_default().extend(place.port);
    }
    Ok(hosts)
}

/// A name for the requirement: the scheme, and a number that makes it unique.
fn word(number: usize, scheme: &str) -> String {
    format!("{scheme}-{number}")
}

/// Text as TOML has it.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
