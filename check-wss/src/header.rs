//! `--header 'Name: value'`: further fields of the request, whose `$NAME` come from the environment.

use std::env;

use netcheck_common::secret::Secrets;

/// Fields this check writes itself, or that would change what the request is.
const OURS: &[&str] = &["host", "upgrade", "connection", "content-length", "transfer-encoding", "origin"];

/// Further fields, and what of them must not be seen.
#[derive(Clone, Debug, Default)]
pub struct Headers {
    /// Names and values, ready to be sent.
    pub fields: Vec<(String, String)>,
    /// What came from the environment: a server may send back what it was sent.
    pub secrets: Secrets,
}

impl Headers {
    /// Reads the arguments, with `variable` as the environment.
    ///
    /// # Errors
    /// A sentence for the user; it never names a value that came from the environment.
    pub fn read(
        arguments: &[String],
        variable: impl Fn(&str) -> Result<String, env::VarError>,
    ) -> Result<Headers, String> {
        let mut headers = Headers::default();
        for argument in arguments {
            let (name, value) = argument.split_once(':').ok_or("--header: 'Name: value' is wanted")?;
            let lower = name.to_ascii_lowercase();
            if name.is_empty() || !name.bytes().all(is_token) {
                return Err("--header: the name is not one HTTP allows".into());
            }
            if OURS.contains(&lower.as_str()) || lower.starts_with("sec-websocket-") {
                return Err(format!("--header: {name} is written by the check itself"));
            }
            let value = headers.fill(value.trim(), &variable)?;
            if value.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t') {
                return Err(format!("--header: the value of {name} has a character HTTP forbids"));
            }
            headers.fields.push((name.to_owned(), value));
        }
        Ok(headers)
    }

    /// Replaces each `$NAME`; `$$` is a dollar sign.
    fn fill(
        &mut self,
        text: &str,
        variable: impl Fn(&str) -> Result<String, env::VarError>,
    ) -> Result<String, String> {
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            out.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix('$') {
                out.push('$');
                rest = after;
                continue;
            }
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
            let (name, after) = rest.split_at(end);
            let value =
                variable(name).map_err(|_| format!("--header: the environment has no usable {name}"))?;
            out.push_str(&value);
            self.secrets.add(&value);
            rest = after;
        }
        out.push_str(rest);
        Ok(out)
    }
}

/// A byte of a field name (RFC 9110 section 5.6.2).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(argument: &str) -> Result<Headers, String> {
        Headers::read(&[argument.to_owned()], |name| match name {
            "TOKEN" => Ok("s3cret".into()),
            "BAD" => Ok("a\r\nb".into()),
            _ => Err(env::VarError::NotPresent),
        })
    }

    #[test]
    fn values_come_from_the_environment_and_are_hidden_afterwards() {
        let headers = read("Authorization: Bearer $TOKEN, $$5").unwrap();
        assert_eq!(headers.fields, [("Authorization".to_owned(), "Bearer s3cret, $5".to_owned())]);
        assert_eq!(headers.secrets.hide("you sent s3cret!"), "you sent [hidden]!");
    }

    #[test]
    fn what_cannot_be_sent_is_refused_without_showing_it() {
        for wrong in ["no colon", ": x", "a b: x", "Host: x", "Sec-WebSocket-Key: x", "X: $NONE", "X: a\nb"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        let message = read("X: $BAD").unwrap_err();
        assert!(!message.contains("a\r"), "{message}");
    }
}
