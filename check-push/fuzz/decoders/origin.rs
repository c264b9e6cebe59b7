//! An answer to a sender without credentials: its first byte is the status, the rest the body.

use netcheck_common::http::Answer;

use crate::origin::{Origin, judge};
use crate::service::Service;

/// Judges it as Apple's and as Google's.
pub fn decode(bytes: &[u8]) {
    let Some((status, body)) = bytes.split_first() else { return };
    let headers = vec![("apns-id".to_owned(), "x".to_owned())];
    let status = 400 + u16::from(*status) % 110;
    let answer = Answer { status, headers, body: body.to_vec(), ..Answer::default() };
    for service in [Service::Provider, Service::Api] {
        let text = match judge(service, &answer) {
            Origin::Own(reason) => reason,
            Origin::Trouble(failure) | Origin::Foreign(failure) => failure.detail,
        };
        assert!(text.len() <= 1000 && !text.chars().any(char::is_control));
    }
}
