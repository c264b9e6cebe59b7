use super::*;

fn expand(text: &str) -> Vec<String> {
    expand_as(text, "tcp", Sampling::default())
}

fn expand_as(text: &str, tool: &str, sampling: Sampling) -> Vec<String> {
    let spec = Spec::parse(text, tool, sampling).unwrap_or_else(|why| panic!("{text}: {why}"));
    spec.expand(sampling).map(|target| target.to_string()).collect()
}

fn refusal(text: &str, tool: &str) -> String {
    match Spec::parse(text, tool, Sampling::default()) {
        Ok(spec) => panic!("{text} was read as {spec:?}"),
        Err(why) => why.0,
    }
}

#[test]
fn one_argument_names_the_whole_ingest() {
    let all = expand_as("rtmps://{eu,us,ap}-channel.spotme.com:10000-10050", "rtmps", Sampling::default());
    assert_eq!(all.len(), 153);
    assert_eq!(all[0], "rtmps://eu-channel.spotme.com:10000");
    assert_eq!(all[152], "rtmps://ap-channel.spotme.com:10050");
}

#[test]
fn lists_ranges_and_number_braces_multiply() {
    assert_eq!(expand("tcp://h{1..3}{a,b}.test:1,3-4").len(), 18);
    assert_eq!(expand("tls://{a,b}.Example"), ["tls://a.example:443", "tls://b.example:443"]);
}

#[test]
fn a_block_is_one_only_where_a_port_follows() {
    assert_eq!(expand("tcp://10.0.0.0/30:443").len(), 4);
    assert_eq!(expand("https://10.0.0.1/24"), ["https://10.0.0.1:443/24"]);
    assert_eq!(expand("https://10.0.0.0/31:8443/x"), ["https://10.0.0.0:8443/x", "https://10.0.0.1:8443/x"]);
    assert_eq!(expand("tcp://[2620:149::]/127:443"), ["tcp://[2620:149::]:443", "tcp://[2620:149::1]:443"]);
    assert_eq!(expand("tcp://[2620:149::/127]:443").len(), 2);
    assert_eq!(expand("10.0.0.0/30:443").len(), 4);
}

#[test]
fn a_wide_block_wants_a_sample() {
    assert!(refusal("tcp://10.0.0.0/8:443", "tcp").contains("--sample"));
}

#[test]
fn a_sample_is_even_and_the_same_for_the_same_seed() {
    let sampling = Sampling { sample: Some(16), seed: 7 };
    let first = expand_as("tcp://17.0.0.0/8:443,5223", "tcp", sampling);
    assert_eq!(first.len(), 32);
    assert_eq!(first, expand_as("tcp://17.0.0.0/8:443,5223", "tcp", sampling));
    assert_ne!(first, expand_as("tcp://17.0.0.0/8:443,5223", "tcp", Sampling { sample: Some(16), seed: 8 }));
    let second_octets: std::collections::BTreeSet<u8> = first
        .iter()
        .map(|text| {
            text.split('.').nth(1).and_then(|octet| octet.parse::<u8>().ok()).map_or(0, |octet| octet >> 4)
        })
        .collect();
    assert_eq!(second_octets.len(), 16, "one address from each sixteenth of the block");
}

#[test]
fn the_whole_of_ipv6_can_be_sampled() {
    let sampling = Sampling { sample: Some(3), seed: 0 };
    assert_eq!(expand_as("tcp://[::/0]:443", "tcp", sampling).len(), 3);
}

#[test]
fn names_are_lower_cased_and_idna_encoded() {
    assert_eq!(expand("https://BÜCHER.example/ä"), ["https://xn--bcher-kva.example:443/%C3%A4"]);
    assert_eq!(expand("tcp://Example.COM.:80"), ["tcp://example.com:80"]);
}

#[test]
fn what_is_not_a_target_says_why() {
    for (text, word) in [
        ("nonsense", "host:port"),
        ("tcp://host", "needs a port"),
        ("tcp://host:0", "1 to 65535"),
        ("tcp://host:70000", "1 to 65535"),
        ("tcp://host:20-10", "upwards"),
        ("tcp://host:+5", "1 to 65535"),
        ("tcp://*.spotme.com:443", "name a host"),
        ("tcp://user:secret@host:443", "credentials"),
        ("tcp://::1:443", "brackets"),
        ("tcp://[::1:443", "bracket"),
        ("tcp://{a,b:443", "brace"),
        ("tcp://a}:443", "brace"),
        ("tcp://{a{b}}:443", "nested"),
        ("tcp://a b:443", "spaces"),
        ("tcp://999.1.1.1:443", "IPv4"),
        ("tcp://:443", "empty"),
        ("gopher://host:70", "scheme"),
        ("wss://host", "check-wss"),
        ("tcp://{1..9}{0..9999}{0..9999}:1", "more than"),
    ] {
        let why = refusal(text, "tcp");
        assert!(why.contains(word), "{text}: {why}");
        assert!(!why.contains("secret"));
    }
    assert!(refusal("icmp://host:1", "udp").contains("no port"));
    assert!(refusal("sender://spotme.com/x", "mail").contains("no path"));
}

#[test]
fn a_line_may_carry_labels_and_another_tools_line_is_passed_over() {
    let sampling = Sampling::default();
    let line = r#"{"target":"tcp://a:1","labels":{"row":"core","n":[1]}}"#;
    let Ok(Line::Spec(spec)) = Spec::line(line, "tcp", sampling) else { panic!("a target") };
    let target = spec.expand(sampling).next().unwrap_or_else(|| panic!("one target"));
    assert_eq!(serde_json::to_string(&target.labels).unwrap_or_default(), r#"{"row":"core","n":[1]}"#);
    assert!(matches!(Spec::line(r#"{"target":"wss://a"}"#, "tcp", sampling), Ok(Line::Nothing)));
    assert!(matches!(Spec::line("  # note", "tcp", sampling), Ok(Line::Nothing)));
    assert!(Spec::line("wss://a", "tcp", sampling).is_err());
    assert!(Spec::line(r#"{"target":5}"#, "tcp", sampling).is_err());
    assert!(Spec::line(r#"{"target":"tcp://a:1","labels":[]}"#, "tcp", sampling).is_err());
    assert!(matches!(Spec::line("{a,b}.example:443", "tcp", sampling), Ok(Line::Spec(_))));
}
