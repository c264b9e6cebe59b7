use proptest::prelude::*;

use super::*;

fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Answer {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Answer { status, headers, body: body.as_bytes().to_vec(), ..Answer::default() }
}

fn code(origin: &Origin) -> Option<Code> {
    match origin {
        Origin::Own(_) => None,
        Origin::Trouble(failure) | Origin::Foreign(failure) => Some(failure.code),
    }
}

const ID: &[(&str, &str)] = &[("apns-id", "eabeae54-14a8-11e5-b60b-1697f925ec7b")];
const MISSING: &str = r#"{"reason":"MissingProviderToken"}"#;

#[test]
fn apple_asks_for_a_provider_token_and_numbers_its_answers() {
    let own = judge(Service::Provider, &answer(403, ID, MISSING));
    assert_eq!(own, Origin::Own("MissingProviderToken".into()));
    assert!(matches!(judge(Service::Provider, &answer(400, ID, r#"{"reason":"BadPath"}"#)), Origin::Own(_)));
}

#[test]
fn google_asks_for_credentials_in_json() {
    let body = r#"{"error":{"code":401,"message":"no","status":"UNAUTHENTICATED"}}"#;
    assert_eq!(judge(Service::Api, &answer(401, &[], body)), Origin::Own("UNAUTHENTICATED".into()));
    assert!(matches!(judge(Service::Api, &answer(401, &[], r#"{"error":{}}"#)), Origin::Own(_)));
}

#[test]
fn what_is_not_said_in_the_services_words_is_not_the_services() {
    for (service, odd) in [
        (Service::Provider, answer(403, &[], MISSING)),
        (Service::Provider, answer(403, ID, "<html>")),
        (Service::Provider, answer(200, ID, MISSING)),
        (Service::Provider, answer(302, ID, "")),
        (Service::Provider, answer(403, ID, r#"{"reason":5}"#)),
        (Service::Api, answer(401, &[], "<html>Log in</html>")),
        (Service::Api, answer(401, &[], r#"{"error":{"code":403}}"#)),
        (Service::Api, answer(401, &[], r#"{"error":"no"}"#)),
        (Service::Api, answer(200, &[], r#"{"error":{"code":200}}"#)),
        (Service::Api, answer(404, &[], "")),
    ] {
        let origin = judge(service, &odd);
        assert_eq!(code(&origin), Some(Code::PushNotOrigin), "{odd:?}");
        assert!(matches!(origin, Origin::Foreign(_)));
    }
}

#[test]
fn trouble_of_the_service_is_told_from_a_foreign_answer() {
    for status in [429, 500, 503, 599] {
        let origin = judge(Service::Provider, &answer(status, ID, r#"{"reason":"ServiceUnavailable"}"#));
        assert_eq!(origin, Origin::Trouble(Failure::new(Code::HttpStatus, format!("HTTP status {status}"))));
    }
    assert_eq!(code(&judge(Service::Api, &answer(407, &[], ""))), Some(Code::HttpProxyAuth));
}

#[test]
fn what_an_answer_says_of_itself_is_harmless_in_a_record() {
    let hostile = answer(200, &[("content-type", "text/\u{1b}[31mhtml")], "");
    let Origin::Foreign(failure) = judge(Service::Api, &hostile) else { panic!("foreign") };
    assert!(!failure.detail.contains('\u{1b}'), "{}", failure.detail);
    let Origin::Own(reason) = judge(Service::Provider, &answer(403, ID, r#"{"reason":"a\u001bb"}"#)) else {
        panic!("own")
    };
    assert_eq!(reason, "a\\u{1b}b");
}

proptest! {
    #[test]
    fn no_body_makes_it_panic(status in 100..=599_u16, body in proptest::collection::vec(any::<u8>(), 0..300)) {
        let odd = Answer { status, body, ..Answer::default() };
        prop_assert!(!matches!(judge(Service::Provider, &odd), Origin::Own(_)));
        let _ = judge(Service::Api, &odd);
    }

    #[test]
    fn deeply_nested_json_is_refused_not_followed(depth in 0..30_000_usize) {
        let body = "[".repeat(depth) + &"]".repeat(depth);
        prop_assert!(matches!(judge(Service::Api, &answer(401, &[], &body)), Origin::Foreign(_)));
    }
}
