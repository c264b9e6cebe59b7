//! What was given in confidence, and texts without it: a peer may send back what it was sent.

use std::fmt;

use serde_json::Value;

use crate::escape;
use crate::failure::Failure;
use crate::record::Record;

/// What stands in its place.
const HIDDEN: &str = "[hidden]";
/// So many characters may be a coincidence: a secret of so few cannot be told from other text.
const COINCIDENCE: usize = 3;
/// What `escape` ends a text with that it cut.
const CUT: char = '…';

/// What was given in confidence.
#[derive(Clone, Default)]
pub struct Secrets(Vec<String>);

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(…)")
    }
}

impl Secrets {
    /// Adds one, as it is and as it looks where it was made harmless.
    pub fn add(&mut self, secret: &str) {
        for form in [secret.to_owned(), escape::line(secret, usize::MAX)] {
            if form.chars().count() > COINCIDENCE && !self.0.contains(&form) {
                self.0.push(form);
            }
        }
        // The longest first: a secret that is part of another must not leave the other's rest behind.
        self.0.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    }

    /// These, and those of somebody else.
    #[must_use]
    pub fn and(mut self, others: &Secrets) -> Secrets {
        others.0.iter().for_each(|secret| self.add(secret));
        self
    }

    /// The text without them, nor the beginning of one where the text was cut.
    #[must_use]
    pub fn hide(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, secret| {
            let text = text.replace(secret.as_str(), HIDDEN);
            let last = text.matches(CUT).count();
            let pieces = text.split(CUT).enumerate().map(|(number, piece)| {
                // A text that merely ends may end in a word that a key begins with, such as `live`.
                let least = if number < last { COINCIDENCE + 1 } else { secret.len().div_ceil(2) };
                match cut_off(piece, secret, least) {
                    Some(length) => format!("{}{HIDDEN}", &piece[..piece.len() - length]),
                    None => piece.to_owned(),
                }
            });
            pieces.collect::<Vec<_>>().join("…")
        })
    }

    /// The failure without them.
    #[must_use]
    pub fn hide_in_failure(&self, mut failure: Failure) -> Failure {
        failure.detail = self.hide(&failure.detail);
        failure
    }

    /// Takes them out of all that a peer has a hand in: the failure, the cause and the facts.
    pub fn leave(&self, record: &mut Record) {
        if self.0.is_empty() {
            return;
        }
        if let Some(failure) = &mut record.failure {
            failure.detail = self.hide(&failure.detail);
        }
        if let Some(cause) = &mut record.cause {
            cause.fix = self.hide(&cause.fix);
            cause.action = cause.action.take().and_then(|action| {
                let mut data = serde_json::to_value(action).ok()?;
                self.hide_in(&mut data);
                serde_json::from_value(data).ok()
            });
            cause.evidence.iter_mut().for_each(|evidence| *evidence = self.hide(evidence));
        }
        record.facts.values_mut().for_each(|fact| self.hide_in(fact));
    }

    fn hide_in(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.hide(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.hide_in(item)),
            Value::Object(map) => map.values_mut().for_each(|value| self.hide_in(value)),
            _ => {}
        }
    }
}

impl FromIterator<String> for Secrets {
    fn from_iter<T: IntoIterator<Item = String>>(given: T) -> Self {
        let mut secrets = Secrets::default();
        given.into_iter().for_each(|secret| secrets.add(&secret));
        secrets
    }
}

/// How much of the text's end is the beginning of the secret, and no less than so much.
fn cut_off(text: &str, secret: &str, least: usize) -> Option<usize> {
    let ends = |length: &usize| secret.get(..*length).is_some_and(|start| text.ends_with(start));
    (least.max(COINCIDENCE + 1)..secret.len()).rev().find(ends)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(given: &[&str]) -> Secrets {
        given.iter().map(|secret| (*secret).to_owned()).collect()
    }

    #[test]
    fn a_secret_is_hidden_whole_cut_and_within_another() {
        let secrets = secrets(&["s3cret", "s3cret-and-more", "abc"]);
        assert_eq!(secrets.hide("you sent s3cret!"), "you sent [hidden]!");
        assert_eq!(secrets.hide("you sent s3cret-and-more"), "you sent [hidden]");
        assert_eq!(secrets.hide("you sent s3cr"), "you sent [hidden]");
        assert_eq!(secrets.hide("you sent s3cr…"), "you sent [hidden]…");
        assert_eq!(secrets.hide("offers s3cr…, s3cre… only"), "offers [hidden]…, [hidden]… only");
        assert_eq!(secrets.hide("news, abc"), "news, abc");
    }

    #[test]
    fn a_word_that_a_key_begins_with_stays() {
        let secrets = secrets(&["live_1234567890"]);
        assert_eq!(secrets.hide("live"), "live");
        assert_eq!(secrets.hide("you sent live_…"), "you sent [hidden]…");
        assert_eq!(secrets.hide("you sent live_123"), "you sent [hidden]");
    }

    #[test]
    fn a_secret_that_was_made_harmless_is_hidden_too() {
        let secrets = secrets(&["top\u{202e}secret"]);
        assert_eq!(secrets.hide("top\\u{202e}secret"), "[hidden]");
        assert_eq!(format!("{secrets:?}"), "Secrets(…)");
    }
}
