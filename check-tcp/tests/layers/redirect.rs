//! Redirects: within the site, to another site for this name alone, or for every name.

use netcheck_lab::Act;
use netcheck_lab::tool::Outcome;
use netcheck_lab::view::{diagnosed, word};

use crate::view::{NAME, SOON, genuine, plain};

fn to(location: &str) -> Vec<u8> {
    format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n").into_bytes()
}

/// A server that answers our name and the control name apart.
fn apart(own: Vec<u8>, control: Vec<u8>) -> Vec<Act> {
    let reply = move |request: &[u8]| {
        let ours = request.windows(NAME.len()).any(|part| part == NAME.as_bytes());
        if ours { own.clone() } else { control.clone() }
    };
    vec![Act::until("\r\n\r\n"), Act::reply(reply), Act::Close]
}

fn everyone(location: &str) -> Outcome {
    plain(apart(to(location), to(location)), SOON)
}

#[test]
fn a_server_that_redirects_every_name_passes_with_the_destination() {
    let outcome = everyone("http://login.hotel.example/welcome?from=x");
    assert_eq!(diagnosed(&outcome), "pass - - - -");
    assert_eq!(word(outcome.one(), "/facts/http/location"), "http://login.hotel.example/welcome?…");
}

#[test]
fn user_names_and_tokens_of_a_redirect_reach_no_record() {
    let token = "eyJhbGciOiJIUzI1NiJ9s3cretTokenOfAda";
    let outcome = everyone(&format!("http://ada:pass-w0rd@sso.example/cb/{token}?user=ada.lovelace#{token}"));
    let text = outcome.one().to_string();
    for secret in ["pass-w0rd", token, "ada.lovelace"] {
        assert!(!text.contains(secret), "{text}");
    }
    assert_eq!(word(outcome.one(), "/facts/http/location"), "http://sso.example/cb/…?…");
}

#[test]
fn a_short_link_passes_with_its_destination() {
    let unknown = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec();
    let outcome = plain(apart(to("https://install.events/app"), unknown), SOON);
    assert_eq!(diagnosed(&outcome), "pass - - - -");
    assert_eq!(word(outcome.one(), "/facts/http/location"), "https://install.events/app");
    assert_eq!(outcome.one()["stages"][1]["ok"], true);
}

#[test]
fn a_short_link_whose_host_redirects_others_elsewhere_passes() {
    let outcome = plain(apart(to("https://install.events/app"), to("https://hosting.example/")), SOON);
    assert_eq!(diagnosed(&outcome), "pass - - - -");
}

#[test]
fn a_short_link_whose_host_hangs_up_on_others_passes() {
    assert_eq!(diagnosed(&plain(apart(to("https://install.events/app"), Vec::new()), SOON)), "pass - - - -");
}

#[test]
fn a_redirect_within_the_site_passes_without_further_questions() {
    for location in
        ["/login", "https://www.spotme.com/", "https://app.spotme.com/x", "https://spotme.com/", "relative"]
    {
        assert_eq!(diagnosed(&everyone(location)), "pass - - - -", "{location}");
    }
}

#[test]
fn over_tls_a_redirect_is_the_services_own() {
    let outcome =
        genuine(apart(to("https://login.hotel.example/"), to("https://login.hotel.example/")), SOON);
    assert_eq!(diagnosed(&outcome), "pass - - - -");
    assert_eq!(word(outcome.one(), "/facts/http/location"), "https://login.hotel.example/");
}

#[test]
fn a_redirect_to_a_known_portal_needs_no_control() {
    let own = to("http://securelogin.arubanetworks.com/cgi-bin/login?cmd=login");
    let outcome = plain(apart(own, Vec::new()), SOON);
    assert!(diagnosed(&outcome).ends_with(" captive_portal network medium"), "{outcome:?}");
    assert!(diagnosed(&outcome).starts_with("fail http."), "{outcome:?}");
}

#[test]
fn a_redirect_to_a_vendors_block_page_is_a_block_page() {
    let outcome = plain(apart(to("https://block.opendns.com/?url=x"), Vec::new()), SOON);
    assert_eq!(diagnosed(&outcome), "fail http.status block_page network medium");
}
