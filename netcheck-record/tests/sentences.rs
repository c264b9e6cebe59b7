//! Every scheme with every fix: what people are asked to change names the right protocol.

use netcheck_record::fix;
use netcheck_record::scheme::{self, DefaultPort};
use netcheck_record::spec::{Sampling, Spec};

fn sentences() -> Vec<(&'static str, String)> {
    let mut all = Vec::new();
    for scheme in scheme::ALL {
        let port = if scheme.port == DefaultPort::Required { ":4443" } else { "" };
        let written = format!("{}://host.example{port}", scheme.name);
        let Ok(spec) = Spec::parse(&written, scheme.tool, Sampling::default()) else { continue };
        for target in spec.expand(Sampling::default()) {
            all.extend(fix::every(&target).into_iter().map(|fix| (scheme.name, fix.to_string())));
        }
    }
    all
}

#[test]
fn only_icmp_speaks_of_icmp_echo() {
    let wrong: Vec<_> = sentences()
        .into_iter()
        .filter(|(scheme, sentence)| *scheme != "icmp" && sentence.contains("ICMP echo"))
        .collect();
    assert_eq!(wrong, []);
}

#[test]
fn every_sentence_reads_well() {
    let text: Vec<String> =
        sentences().into_iter().map(|(scheme, sentence)| format!("{scheme}: {sentence}")).collect();
    insta::assert_snapshot!(text.join("\n"));
}
