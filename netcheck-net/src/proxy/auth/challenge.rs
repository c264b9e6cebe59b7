//! `Proxy-Authenticate` read as RFC 9110 section 11.3 has it: one field may hold several challenges.

use netcheck_record::escape;

/// The most challenges, and parameters of one, that are kept.
const MOST_CHALLENGES: usize = 8;
const MOST_PARAMETERS: usize = 16;
/// The longest name of a scheme that is shown.
const LONGEST_SCHEME: usize = 30;

/// One challenge.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Challenge {
    /// `Basic`, `Negotiate`, as it was written.
    pub scheme: String,
    /// Its token68, which Negotiate and NTLM have.
    pub token: Option<String>,
    /// Its parameters, names in lower case.
    pub parameters: Vec<(String, String)>,
}

impl Challenge {
    /// Whether it is of this scheme.
    #[must_use]
    pub fn is(&self, scheme: &str) -> bool {
        self.scheme.eq_ignore_ascii_case(scheme)
    }

    /// A parameter.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Reads every `Proxy-Authenticate` field of an answer, a scheme once.
#[must_use]
pub fn challenges<'a>(fields: impl Iterator<Item = &'a str>) -> Vec<Challenge> {
    let mut all: Vec<Challenge> = Vec::new();
    for challenge in fields.flat_map(read_field) {
        if all.len() < MOST_CHALLENGES && !all.iter().any(|known| known.is(&challenge.scheme)) {
            all.push(challenge);
        }
    }
    all
}

/// Reads one field; what follows a fault is left out.
#[must_use]
pub fn read_field(field: &str) -> Vec<Challenge> {
    let mut rest = Reader(field);
    let mut list = Vec::new();
    while let Some(challenge) = rest.challenge() {
        if list.len() == MOST_CHALLENGES {
            break;
        }
        list.push(challenge);
    }
    list
}

struct Reader<'a>(&'a str);

impl<'a> Reader<'a> {
    fn skip(&mut self, skipped: &[char]) {
        self.0 = self.0.trim_start_matches(skipped);
    }

    fn word(&mut self, allowed: fn(char) -> bool) -> Option<&'a str> {
        let end = self.0.find(|c| !allowed(c)).unwrap_or(self.0.len());
        let (word, rest) = self.0.split_at(end);
        self.0 = rest;
        (!word.is_empty()).then_some(word)
    }

    fn challenge(&mut self) -> Option<Challenge> {
        self.skip(&[',', ' ', '\t']);
        let scheme = escape::line(self.word(is_token)?, LONGEST_SCHEME);
        let mut challenge = Challenge { scheme, ..Challenge::default() };
        if !self.0.starts_with([' ', '\t']) {
            return Some(challenge);
        }
        self.skip(&[' ', '\t']);
        challenge.token = self.token68().map(str::to_owned);
        if challenge.token.is_none() {
            while let Some((name, value)) = self.parameter() {
                if challenge.parameters.len() < MOST_PARAMETERS {
                    challenge.parameters.push((name, value));
                }
            }
        }
        if self.at_fault() {
            self.0 = "";
        }
        Some(challenge)
    }

    /// Whether a parameter follows whose value cannot be read: where the next challenge begins is not known then.
    fn at_fault(&self) -> bool {
        let mut ahead = Reader(self.0);
        ahead.skip(&[',', ' ', '\t']);
        let named = ahead.word(is_token).is_some();
        ahead.skip(&[' ', '\t']);
        named && ahead.0.starts_with('=')
    }

    /// A token68 stands alone: a comma or the end follows it.
    fn token68(&mut self) -> Option<&'a str> {
        let mut ahead = Reader(self.0);
        let start = ahead.0;
        ahead.word(|c| c.is_ascii_alphanumeric() || "-._~+/".contains(c))?;
        ahead.skip(&['=']);
        let token = start.get(..start.len() - ahead.0.len())?;
        ahead.skip(&[' ', '\t']);
        if !ahead.0.is_empty() && !ahead.0.starts_with(',') {
            return None;
        }
        self.0 = ahead.0;
        Some(token)
    }

    /// `name = value`; nothing is consumed where the next thing is another challenge.
    fn parameter(&mut self) -> Option<(String, String)> {
        let mut ahead = Reader(self.0);
        ahead.skip(&[',', ' ', '\t']);
        let name = ahead.word(is_token)?.to_ascii_lowercase();
        ahead.skip(&[' ', '\t']);
        ahead.0 = ahead.0.strip_prefix('=')?;
        ahead.skip(&[' ', '\t']);
        let value = if ahead.0.starts_with('"') { ahead.quoted()? } else { ahead.word(is_token)?.to_owned() };
        self.0 = ahead.0;
        Some((name, value))
    }

    fn quoted(&mut self) -> Option<String> {
        let mut value = String::new();
        let mut characters = self.0.char_indices().skip(1);
        while let Some((at, character)) = characters.next() {
            match character {
                '"' => {
                    self.0 = self.0.get(at + 1..).unwrap_or_default();
                    return Some(value);
                }
                '\\' => value.extend(characters.next().map(|(_, character)| character)),
                plain => value.push(plain),
            }
        }
        None
    }
}

fn is_token(character: char) -> bool {
    character.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(field: &str) -> String {
        let one = |challenge: &Challenge| {
            let token = challenge.token.iter().map(|token| format!(" <{token}>"));
            let parameters = challenge.parameters.iter().map(|(name, value)| format!(" {name}={value}"));
            challenge.scheme.clone() + &token.chain(parameters).collect::<String>()
        };
        read_field(field).iter().map(one).collect::<Vec<_>>().join(" | ")
    }

    #[test]
    fn one_field_may_hold_several_challenges() {
        for (field, read) in [
            ("Negotiate", "Negotiate"),
            ("Negotiate, NTLM, Basic realm=\"corp\"", "Negotiate | NTLM | Basic realm=corp"),
            ("Basic realm=\"a, b\", Negotiate", "Basic realm=a, b | Negotiate"),
            (r#"Basic realm="say \"hi\"", charset=UTF-8"#, r#"Basic realm=say "hi" charset=UTF-8"#),
            ("Negotiate YII=", "Negotiate <YII=>"),
            ("NTLM TlRMTVNTUAACAAAA==,Basic realm=x", "NTLM <TlRMTVNTUAACAAAA==> | Basic realm=x"),
            ("Digest realm = \"r\" , nonce=abc,qop=\"auth\"", "Digest realm=r nonce=abc qop=auth"),
            (",, Basic realm=x ,,", "Basic realm=x"),
            ("Basic\trealm=x", "Basic realm=x"),
            (
                "Newauth realm=\"apps\", type=1, title=\"x\", Basic realm=\"s\"",
                "Newauth realm=apps type=1 title=x | Basic realm=s",
            ),
            ("Basic realm=\"open", "Basic"),
            ("", ""),
            ("=", ""),
            ("Basic realm=\"é\"", "Basic realm=é"),
        ] {
            assert_eq!(shown(field), read, "{field}");
        }
    }

    #[test]
    fn a_scheme_is_kept_once_and_lists_have_an_end() {
        let fields = ["Basic realm=a, basic realm=b", "Negotiate"];
        let names: Vec<String> = challenges(fields.into_iter()).into_iter().map(|c| c.scheme).collect();
        assert_eq!(names, ["Basic", "Negotiate"]);
        let many: String = (0..1000).map(|number| format!("S{number}, ")).collect();
        assert_eq!(challenges([many.as_str()].into_iter()).len(), MOST_CHALLENGES);
    }
}
