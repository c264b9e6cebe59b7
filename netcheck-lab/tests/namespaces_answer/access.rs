//! What concerns the whole access: one finding and one request, whatever the number of targets.

use crate::run::check;

#[test]
fn a_black_hole_for_large_packets_is_one_finding() {
    let checked = check("mtu-blackhole", &[]);
    assert_eq!(checked.run.code, Some(1));
    assert_eq!(checked.findings().len(), 1, "{:?}", checked.findings());
    assert_eq!(checked.findings()[0].0, "mtu_blackhole");
    let (to, text) = checked.request();
    assert_eq!(to, "network");
    assert!(text.starts_with("Let ICMP \"fragmentation needed\""), "{text}");
}

#[test]
fn loss_is_named_with_its_share_and_asks_for_no_rule() {
    let checked = check("loss-20", &["--jobs", "16"]);
    // Whether a requirement of one target gets through is chance: all of its packets may be among the lost.
    assert!(matches!(checked.run.code, Some(0 | 1)), "{}", checked.run.screen);
    assert_eq!(checked.findings(), [("lossy_path", "")]);
    assert!(checked.headline().contains("packets are lost on the path"), "{}", checked.headline());
    let (_, text) = checked.request();
    assert!(text.contains("No firewall rule is needed") && !text.contains("Allow"), "{text}");
}

#[test]
fn a_proxy_that_wants_credentials_is_one_request_and_no_outage() {
    let checked = check("proxy-basic", &[]);
    assert_eq!((checked.run.code, checked.findings()), (Some(1), vec![("proxy_auth", "")]));
    let (to, text) = checked.request();
    assert_eq!(to, "proxy");
    assert!(text.contains("NETCHECK_PROXY_USER") && text.contains("http://10.20.0.1:3128"), "{text}");
    assert!(!checked.headline().contains("no working network"), "{}", checked.headline());
}

#[test]
fn a_proxy_that_reaches_nothing_is_one_request_and_no_outage() {
    let checked = check("proxy-upstream", &[]);
    assert_eq!((checked.run.code, checked.findings()), (Some(1), vec![("proxy_upstream", "")]));
    assert_eq!(checked.request().0, "proxy");
}

#[test]
fn interception_is_in_the_first_sentence_with_its_authority_and_what_it_means_for_phones() {
    let checked = check("inspection-trusted", &[]);
    assert_eq!(checked.findings(), [("tls_inspection", "10.20.0.1")]);
    let headline = checked.headline();
    for part in ["TLS is intercepted at 10.20.0.1", "\"Corp Inspection CA\"", "iPhones get no notifications"]
    {
        assert!(headline.contains(part), "{part}: {headline}");
    }
    assert_eq!(checked.status("core"), "works with limits");
    assert_eq!(checked.status("apns"), "does not work");
    let (to, text) = checked.request();
    assert_eq!(to, "security");
    assert!(text.contains("*.spotme.com") && text.contains("17.0.0.0/8"), "{text}");
}

#[test]
fn dead_ipv6_is_one_finding() {
    let checked = check("ipv6-dead", &[]);
    assert_eq!((checked.run.code, checked.findings()), (Some(0), vec![("ipv6_broken", "")]));
    assert_eq!(checked.request().0, "network");
}

#[test]
fn a_portal_is_for_the_person_and_its_page_is_named() {
    let checked = check("captive-portal", &[]);
    assert_eq!((checked.run.code, checked.findings()), (Some(1), vec![("captive_portal", "10.20.0.1")]));
    let (to, text) = checked.request();
    assert_eq!(to, "person");
    assert!(text.starts_with("Open http://login.corp.example/portal"), "{text}");
    // Of the mail, only names were seen.
    assert_eq!(checked.status("mail"), "not known");
}

#[test]
fn without_a_network_what_was_seen_of_names_alone_is_not_known() {
    let checked = check("offline", &[]);
    assert_eq!((checked.run.code, checked.findings()), (Some(1), vec![("offline", "10.20.0.1")]));
    assert_eq!(checked.status("mail"), "not known");
}
