//! Proxy auto-configuration: the platform goes direct, everything else through the proxy.

use super::Rule;
use super::destination::Destination;

/// The script.
pub(super) fn text(rules: &[Rule]) -> String {
    let mut out = String::from(
        "// Destinations of the platform go direct; everything else goes where `otherwise` says.\n\
         // Ports are not distinguished here: a firewall does that.\n\
         function FindProxyForURL(url, host) {\n  var otherwise = \"PROXY proxy.example.com:3128\";\n  host = host.toLowerCase();\n",
    );
    for rule in rules.iter().filter(|rule| !rule.inbound()) {
        out.push_str(&format!("  // {}\n", rule.comment()));
        for to in &rule.to {
            match to {
                Destination::Name(name) => {
                    out.push_str(&format!("  if (host == \"{name}\") return \"DIRECT\";\n"))
                }
                Destination::Under(name) => {
                    out.push_str(&format!(
                        "  if (host == \"{name}\" || dnsDomainIs(host, \".{name}\")) return \"DIRECT\";\n"
                    ));
                }
                // Browsers ask for names; those who ask for addresses do not read this file.
                Destination::Block(block) => out.push_str(&format!("  // {block}: not for browsers\n")),
            }
        }
    }
    out.push_str("  return otherwise;\n}\n");
    out
}
