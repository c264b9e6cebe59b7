//! The embedded profile holds every row of the published list, and a bad profile is told what is wrong with it.

use super::*;
use crate::target::Place;

/// A published row: name, function, role, destinations, TCP ports, and the schemes that have to be spoken to prove it.
type Published = (
    &'static str,
    &'static str,
    &'static str,
    &'static [&'static str],
    &'static str,
    &'static [&'static str],
);

const PUBLISHED: &[Published] = &[
    ("core", "core services", "all", &["*.spotme.com", "*.4pax.com"], "80,443", &["https", "wss", "http"]),
    ("shortlink", "short links for app downloads", "all", &["install.events"], "80", &["http"]),
    (
        "ingest",
        "live-stream ingest",
        "backstage",
        &["{eu,us,ap}-channel.spotme.com"],
        "10000-10050",
        &["rtmps"],
    ),
    ("cdn", "static assets, live playback", "all", &["{eu,us,ap}-stream.spotme.com"], "443", &["https"]),
    ("analytics", "usage analytics", "all", &["*.mxpnl.com"], "443", &["https"]),
    (
        "apns",
        "iOS push notifications",
        "participants",
        &["17.0.0.0/8"],
        "443,2197,5223",
        &["apns", "apns-provider"],
    ),
    (
        "fcm",
        "Android push notifications",
        "participants",
        &["mtalk.google.com"],
        "5228-5230,443",
        &["fcm", "fcm-api"],
    ),
    ("charts", "Backstage CMS", "backstage", &["*.highcharts.com"], "443", &["https"]),
    (
        "chat",
        "support chat",
        "all",
        &[
            "*.intercom.io",
            "*.intercomcdn.com",
            "*.intercomusercontent.com",
            "*.intercom-sheets.com",
            "*.intercomassets.com",
            "*.intercom-attachments.com",
            "*.intercom-reporting.com",
        ],
        "443",
        &["https", "wss"],
    ),
    ("guides", "CMS support content", "backstage", &["*.appcues.com"], "443", &["https"]),
    (
        "studio-live",
        "recording and conferencing",
        "backstage",
        &["streamyard.com"],
        "80,443",
        &["https", "http", "wss"],
    ),
    (
        "studio-video",
        "video conferencing",
        "all",
        &["*.tokbox.com"],
        "443",
        &["https", "wss", "stun", "turn"],
    ),
    ("mail", "log-in mail with time-limited links", "all", &["mail.spotme.com"], "25", &["sender"]),
];

/// Hosts that stand for the wildcards, by row.
const WITNESSES: &[(&str, &[&str])] = &[
    ("core", &["www.spotme.com", "spotme.com", "backstage.spotme.com"]),
    (
        "chat",
        &[
            "widget.intercom.io",
            "api-iam.intercom.io",
            "js.intercomcdn.com",
            "static.intercomassets.com",
            "uploads.intercomusercontent.com",
            "nexus-websocket-a.intercom.io",
            "nexus-websocket-b.intercom.io",
        ],
    ),
    ("analytics", &["cdn.mxpnl.com"]),
    ("charts", &["code.highcharts.com", "export.highcharts.com"]),
    ("guides", &["fast.appcues.com", "images.appcues.com"]),
    ("studio-video", &["hlg.tokbox.com", "tokbox.com"]),
    ("apns", &["1-courier.push.apple.com", "api.push.apple.com"]),
    ("fcm", &["mtalk.google.com", "alt1-mtalk.google.com", "alt8-mtalk.google.com", "fcm.googleapis.com"]),
    ("mail", &["spotme.com"]),
];

/// Hosts that are needed in practice and not on the list: their rows are advisory and name their source.
const ADVISORY: &[&str] = &[
    "api-js.mixpanel.com",
    "api.appcues.net",
    "intercom-messenger.com",
    "static.opentok.com",
    "config.opentok.com",
    "anvil.opentok.com",
    "api-enterprise.opentok.com",
    "video.api.vonage.com",
];

fn hosts(row: &Row) -> Vec<String> {
    let of = |probe: &Probe| {
        let (scheme, _) = probe.target.split_once("://").unwrap();
        let tool = netcheck_record::scheme::Scheme::named(scheme).unwrap().tool;
        let sampling = netcheck_record::spec::Sampling::default();
        let spec = netcheck_record::spec::Spec::parse(&probe.target, tool, sampling).unwrap();
        spec.expand(sampling).map(|target| Place::of(&target.to_string()).host).collect::<Vec<_>>()
    };
    row.probes.iter().flat_map(of).collect()
}

#[test]
fn every_row_of_the_published_list_is_there() {
    let profile = Profile::named("spotme").unwrap();
    for (name, function, role, to, ports, schemes) in PUBLISHED {
        let row =
            profile.rows.iter().find(|row| row.name == *name).unwrap_or_else(|| panic!("{name} is missing"));
        assert_eq!(
            (row.function.as_str(), row.role.as_str(), row.required()),
            (*function, *role, true),
            "{name}"
        );
        for destination in *to {
            assert!(
                row.permits.iter().any(|permit| permit.to.iter().any(|to| to == destination)),
                "{name} {destination}"
            );
        }
        assert!(row.permits.iter().any(|permit| permit.tcp.as_deref() == Some(ports)), "{name} {ports}");
        for scheme in *schemes {
            let prefix = format!("{scheme}://");
            assert!(row.probes.iter().any(|probe| probe.target.starts_with(&prefix)), "{name} {scheme}");
        }
    }
    let required = profile.rows.iter().filter(|row| row.required()).count();
    assert_eq!(required, PUBLISHED.len());
}

#[test]
fn every_test_host_is_probed() {
    let profile = Profile::named("spotme").unwrap();
    for (name, test_hosts) in WITNESSES {
        let hosts = hosts(profile.rows.iter().find(|row| row.name == *name).unwrap());
        for test_host in *test_hosts {
            assert!(hosts.iter().any(|host| host == test_host), "{name}: {test_host}");
        }
    }
    let core = profile.rows.iter().find(|row| row.name == "core").unwrap();
    assert!(core.probes.iter().all(|probe| probe.confirmed == Some(false)));
}

#[test]
fn what_is_needed_in_practice_is_advisory_and_names_its_source() {
    let profile = Profile::named("spotme").unwrap();
    for host in ADVISORY {
        let row = profile.rows.iter().find(|row| hosts(row).iter().any(|there| there == host));
        let row = row.unwrap_or_else(|| panic!("{host} is missing"));
        assert!(!row.required() && !row.source.is_empty(), "{host}");
    }
    let udp =
        profile.rows.iter().flat_map(|row| &row.permits).any(|permit| permit.udp.as_deref() == Some("3478"));
    assert!(udp, "UDP 3478 is missing");
}

#[test]
fn video_media_need_not_answer_and_controls_are_named() {
    let profile = Profile::named("spotme").unwrap();
    let udp =
        |probe: &&Probe| crate::target::transport(&Place::of(&probe.target).scheme, &probe.target) == "UDP";
    let udp: Vec<&Probe> = profile.probes().map(|(_, probe)| probe).filter(udp).collect();
    assert!(!udp.is_empty());
    for probe in udp {
        assert_eq!(probe.known_to_answer, Some(false), "{}", probe.target);
    }
    assert_eq!(profile.controls.len(), 4);
    assert!(profile.tools["udp"].args.contains(&"stun:stun.l.google.com:19302".to_owned()));
}

fn fault(text: &str) -> String {
    let profile = match Profile::parse(text) {
        Ok(profile) => profile,
        Err(why) => return why,
    };
    fault::all(&profile).join("; ")
}

const HEAD: &str = "format = 1\nname = \"x\"\n";
const ROW: &str = "[[row]]\nname = \"a\"\nfunction = \"f\"\nrole = \"all\"\nsource = \"s\"\n";

#[test]
fn a_word_the_format_does_not_have_is_named_with_its_line() {
    let why = fault(&format!("{HEAD}{ROW}colour = \"red\"\n"));
    assert!(why.contains("colour") && why.contains("line 8"), "{why}");
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let probe =
        "[[row.probe]]\ntarget = \"https://*.a\"\nregion = \"mars\"\n[[row.permit]]\nto = []\ntcp = \"x\"\n";
    let why = fault(&format!("{HEAD}{ROW}{probe}"));
    insta::assert_snapshot!(why, @r#"row "a": a permit names no destination: write to = ["www.example.com"]; row "a": ports "x": write 443, 80,443 or 10000-10050; row "a": region "mars" is not among the profile's `regions`; row "a": target "https://*.a": a wildcard cannot be checked: name a host under it"#);
}

#[test]
fn a_row_that_nothing_proves_is_refused() {
    assert!(fault(&format!("{HEAD}{ROW}")).contains("it has no [[row.probe]]: write one"));
}

#[test]
fn a_wide_block_cannot_be_a_probe() {
    let why = fault(&format!("{HEAD}{ROW}[[row.probe]]\ntarget = \"tcp://17.0.0.0/8:5223\"\n"));
    assert!(why.contains("--sample"), "{why}");
}

#[test]
fn a_profile_that_extends_adds_test_hosts_and_switches_rows_off() {
    let own = "format = 1\nname = \"mine\"\nextends = \"spotme\"\n[[row]]\nname = \"core\"\n[[row.probe]]\n\
        target = \"wss://event.spotme.com/socket\"\n[[row]]\nname = \"charts\"\noff = true\n";
    let profile =
        merge::merge_onto(Profile::parse(BUILT_IN[0].1).unwrap(), Profile::parse(own).unwrap()).unwrap();
    assert_eq!(fault::all(&profile), Vec::<String>::new());
    assert!(profile.rows.iter().all(|row| row.name != "charts"));
    let core = profile.rows.iter().find(|row| row.name == "core").unwrap();
    assert_eq!(core.probes.len(), 4);
    assert_eq!(core.function, "core services");
}

#[test]
fn every_built_in_profile_is_sound() {
    for (name, _) in BUILT_IN {
        assert_eq!(Profile::named(name).map(|profile| profile.name), Ok(name.to_owned()));
    }
}

#[test]
fn arguments_that_a_tool_would_not_start_with_are_refused() {
    let with = |args: &str| {
        let own = format!("format = 1\nname = \"x\"\nextends = \"spotme\"\n[tools.tcp]\nargs = {args}\n");
        Profile::validate("x", Profile::parse(&own).unwrap()).map(|_| ())
    };
    assert_eq!(with(r#"["--timeout", "3", "--ordered", "--jobs=5"]"#), Ok(()));
    for bad in [
        r#"["--help"]"#,
        r#"["--jobs", "0"]"#,
        r#"["--jobs=0"]"#,
        r#"["example.com:443"]"#,
        r#"["-4", "tcp://a:1"]"#,
    ] {
        assert!(with(bad).unwrap_err().contains("[tools.tcp]"), "{bad}");
    }
}
