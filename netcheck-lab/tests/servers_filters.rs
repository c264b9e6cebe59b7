//! What filters of others match, by `--prove filter`: squid, haproxy and iptables. A rule is recovered, or `unknown`.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should end")]

use std::path::Path;
use std::thread;

use netcheck_lab::filters::{Drawn, Score};

/// How many networks are built at once.
const AT_ONCE: usize = 3;

fn engine(program: &str, rules: &str) -> String {
    format!("[engine]\nat = \"router2\"\nprogram = \"{program}\"\nrules = '''{rules}'''\n")
}

fn squid(acl: &str) -> String {
    engine("squid", &format!("acl blocked {acl}\nssl_bump terminate blocked"))
}

/// The same as a proxy at hop 1 that the client is told of.
fn proxy(acl: &str) -> String {
    let env = "env = { https_proxy = \"http://10.20.0.1:3128\" }\n";
    format!("{env}[proxy]\npeeks = '''acl blocked {acl}\nssl_bump terminate blocked'''\n")
}

fn haproxy(matching: &str, ends: &str) -> String {
    engine("haproxy", &format!("  tcp-request content {ends} if {{ req.ssl_sni {matching} }}"))
}

fn iptables(matching: &str) -> String {
    let rule = format!("-A FORWARD -p tcp {matching}");
    format!("[[rules]]\nat = \"router2\"\niptables = ['{rule}']\n")
}

fn filter(faults: String, target: &str, matches: &'static str, value: Option<&str>) -> Drawn {
    Drawn { faults, hello: "small", target: target.to_owned(), matches, value: value.map(str::to_owned) }
}

const SITE: &str = "https://www.spotme.com/";

/// The score that each must have; `Unknown` for what no single rule of ours describes.
fn scores(filters: Vec<(Drawn, Score)>) {
    let folder = tempfile::tempdir().unwrap();
    let lab = Path::new(env!("CARGO_BIN_EXE_netcheck-lab"));
    let numbered: Vec<(usize, (Drawn, Score))> = filters.into_iter().enumerate().collect();
    for some in numbered.chunks(AT_ONCE) {
        thread::scope(|scope| {
            for (number, (filter, wanted)) in some {
                let folder = folder.path();
                scope.spawn(move || {
                    let record = filter.ask(lab, folder, *number).unwrap();
                    assert_eq!(filter.score(&record), *wanted, "{}\n{record}", filter.faults);
                });
            }
        });
    }
}

#[test]
fn squid_as_a_proxy_that_peeks_and_splices() {
    scores(vec![
        (
            filter(proxy("ssl::server_name .spotme.com"), SITE, "sni_suffix", Some("spotme.com")),
            Score::Recovered,
        ),
        (
            filter(proxy("ssl::server_name www.spotme.com"), SITE, "sni_exact", Some("www.spotme.com")),
            Score::Recovered,
        ),
        (
            filter(proxy("ssl::server_name_regex spotme\\.com"), SITE, "sni_contains", Some("spotme.com")),
            Score::Recovered,
        ),
    ]);
}

/// In the path of connections squid passes only names that have the address, so no foreign one can be compared.
#[test]
fn squid_in_the_path_that_passes_no_foreign_name() {
    scores(vec![(
        filter(squid("ssl::server_name .spotme.com"), SITE, "sni_suffix", Some("spotme.com")),
        Score::Unknown,
    )]);
}

#[test]
fn haproxy_that_reads_the_server_name() {
    scores(vec![
        (
            filter(haproxy("-i www.spotme.com", "reject"), SITE, "sni_exact", Some("www.spotme.com")),
            Score::Recovered,
        ),
        (
            filter(haproxy("-i -m end .spotme.com", "reject"), SITE, "sni_below", Some("spotme.com")),
            Score::Recovered,
        ),
        (
            filter(haproxy("-m sub spotme.com", "silent-drop"), SITE, "sni_contains", Some("spotme.com")),
            Score::Recovered,
        ),
        // Names that begin like it: nothing of ours says that.
        (filter(haproxy("-m beg www.", "reject"), SITE, "sni_exact", None), Score::Unknown),
    ]);
}

#[test]
fn iptables_that_searches_a_string() {
    let text = |text: &str| format!("--dport 443 -m string --algo bm --string {text}");
    let reset = "-j REJECT --reject-with tcp-reset";
    let zone = iptables(&format!("{} -j DROP", text("spotme.com")));
    let name = iptables(&format!("{} {reset}", text("www.spotme.com")));
    let host =
        iptables("--dport 80 -m string --algo kmp --string install.events -j REJECT --reject-with tcp-reset");
    scores(vec![
        (filter(zone, SITE, "sni_contains", Some("spotme.com")), Score::Recovered),
        (filter(name, SITE, "sni_contains", Some("www.spotme.com")), Score::Recovered),
        (filter(host, "http://install.events/", "host_contains", Some("install.events")), Score::Recovered),
    ]);
}
