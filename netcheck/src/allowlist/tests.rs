//! Every row is in every form of the rules that can carry it.

use super::*;

fn profile() -> Profile {
    Profile::named("spotme").unwrap()
}

#[test]
fn every_row_is_named_in_every_form() {
    let profile = profile();
    let rules = rules(&profile);
    let forms = [
        plain::text(&profile, &rules),
        plain::csv(&rules),
        plain::json(&rules),
        squid::text(&rules),
        nftables::text(&rules),
        pf::text(&rules),
        cisco::text(&rules),
    ];
    for (at, text) in forms.iter().enumerate() {
        for row in &profile.rows {
            assert!(text.contains(&row.name), "form {at}: {}", row.name);
            assert!(text.contains(&row.function), "form {at}: {}", row.function);
        }
    }
}

#[test]
fn a_role_leaves_the_others_out() {
    let choice = Choice {
        profile: Some("spotme".into()),
        role: vec!["participants".into()],
        region: Vec::new(),
        row: Vec::new(),
        required_only: true,
        no_controls: false,
    };
    let profile = choice.load().unwrap();
    let text = plain::text(&profile, &rules(&profile));
    assert!(text.contains("apns") && !text.contains("ingest"));
}

#[test]
fn ingest_is_written_as_each_system_writes_a_range() {
    let profile = profile();
    let rules: Vec<Rule> = rules(&profile).into_iter().filter(|rule| rule.name == "ingest").collect();
    insta::assert_snapshot!(squid::text(&rules), @r"
    # Include this before `http_access deny CONNECT !SSL_ports` and before the final `http_access deny all`.
    # A proxy carries TCP only: the rows that need UDP need a firewall rule as well.

    # ingest: live-stream ingest (for backstage)
    acl netcheck_ingest_port port 10000-10050
    acl netcheck_ingest dstdomain eu-channel.spotme.com us-channel.spotme.com ap-channel.spotme.com
    http_access allow netcheck_ingest netcheck_ingest_port
    ");
    assert!(
        nftables::text(&rules)
            .contains("tcp dport { 10000-10050 } accept comment \"ingest: live-stream ingest")
    );
    assert!(pf::text(&rules).contains("port { 10000:10050 }"));
    assert!(cisco::text(&rules).contains("object NETCHECK-eu-channel.spotme.com range 10000 10050"));
    assert!(fortinet::text(&rules).contains("set tcp-portrange 10000-10050"));
}

#[test]
fn apples_block_keeps_its_mask() {
    let profile = profile();
    let rules = rules(&profile);
    assert!(cisco::text(&rules).contains("permit tcp any 17.0.0.0 255.0.0.0 eq 5223"));
    assert!(nftables::text(&rules).contains("elements = { 17.0.0.0/8 }"));
    assert!(paloalto::addresses(&rules).contains("17.0.0.0/8 # apns: iOS push notifications"));
}

#[test]
fn a_wildcard_is_written_with_the_name_above_it() {
    let profile = profile();
    let rules = rules(&profile);
    assert!(squid::text(&rules).contains("dstdomain .spotme.com .4pax.com"));
    assert!(pac::text(&rules).contains("dnsDomainIs(host, \".spotme.com\")"));
    assert!(paloalto::urls(&rules).contains("*.spotme.com/\nspotme.com/"));
    assert!(fortinet::text(&rules).contains("set fqdn \"*.spotme.com\""));
    assert!(cisco::text(&rules).contains("remark *.spotme.com cannot be written"));
}

#[test]
fn a_comment_cannot_end_early() {
    let mut profile = profile();
    profile.rows[0].function = "x\" accept; drop\n".into();
    let rules = rules(&profile);
    assert!(!rules[0].comment().contains(['"', '\n', '\\']));
}
