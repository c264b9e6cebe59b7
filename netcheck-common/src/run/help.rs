//! The end of `--help`, the same in every tool: examples, exit codes, files and variables.

use crate::check::Check;

const EXIT_CODES: &str = "\
Exit codes:
  0     every required target passes or is degraded
  1     a required target fails or is inconclusive; with --strict also: is degraded
  2     wrong usage, an invalid line of input, or output that cannot be written
  128+N signal N ended the tool";

const PROXY_VARIABLES: &str = "
  http_proxy https_proxy all_proxy no_proxy    proxies, with --proxy env";

const COMMON: &str = "
  NETCHECK_PROXY_USER NETCHECK_PROXY_PASSWORD  credentials for the proxy
  KRB5CCNAME KRB5_CONFIG                       Kerberos tickets and realms, for the proxy
  SSL_CERT_FILE SSL_CERT_DIR                   the system's trusted roots
  /etc/hosts /etc/resolv.conf                  names and resolvers";

/// What follows the options of a check.
pub(super) fn ending<C: Check>() -> String {
    let proxies = if C::PROXIED { PROXY_VARIABLES } else { "" };
    let own: String = C::VARIABLES.iter().map(|(names, what)| format!("\n  {names:<43}  {what}")).collect();
    let examples: String = C::EXAMPLES.iter().map(|line| format!("\n  {line}")).collect();
    format!("Examples:{examples}\n\n{EXIT_CODES}\n\nFiles and variables:{own}{proxies}{COMMON}")
}
