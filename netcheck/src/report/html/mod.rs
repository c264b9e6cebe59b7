//! One self-contained page: the answer, what stops it, who must do what, then every requirement and record.
//! Nothing is loaded; its one script copies a request's text.

mod bars;
mod findings;
mod head;
mod listing;
mod requests;
mod requirements;
mod roles;
mod route;
mod strip;

use super::Subject;
use super::markdown::title;
use super::xml::Text;
use crate::assess::Status;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("copy.js");

/// The page.
pub(super) fn page(subject: &Subject) -> String {
    let title = Text(title(subject));
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{}'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n<title>{title}: network report</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#answer\">Skip to the answer</a>\n{}<main>\n",
        script_hash(),
        head::header(subject)
    );
    page.push_str(&head::answer(subject));
    page.push_str(&findings::section(subject));
    page.push_str(&requests::section(subject));
    page.push_str(&roles::by_region(subject));
    page.push_str(&requirements::section(subject));
    page.push_str(&listing::section(subject));
    page.push_str("</main>\n");
    page.push_str(&head::footer());
    page.push_str(&format!("<script>{SCRIPT}</script>\n</body>\n</html>\n"));
    page
}

/// A page of the same look without a script; `body` is HTML.
pub(super) fn document(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
         <title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n{body}</body>\n</html>\n",
        Text(title)
    )
}

/// The script's SHA-256 in base64, by which the page's policy lets it run and no other.
fn script_hash() -> String {
    use sha2::Digest;
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digest = sha2::Sha256::digest(SCRIPT);
    let mut text = String::new();
    for chunk in digest.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            let index = (bits >> (18 - 6 * digit)) & 63;
            let shown = digit <= chunk.len();
            text.push(if shown { char::from(DIGITS[index as usize]) } else { '=' });
        }
    }
    text
}

/// The class of a status, for its colour; the words always stand beside it.
fn class(status: Status) -> &'static str {
    match status {
        Status::Works => "pass",
        Status::Limited => "degraded",
        Status::NotKnown => "inconclusive",
        Status::DoesNotWork => "fail",
    }
}

/// A status as a badge.
fn badge(status: Status) -> String {
    format!("<span class=\"badge {}\">{}</span>", class(status), status.as_str())
}
