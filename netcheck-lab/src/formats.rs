//! Reports read back as the programs they are for read them: CSV, Prometheus text and JUnit XML.

use std::collections::BTreeMap;

/// The lines of a CSV text (RFC 4180), each as the value of every column that its first line names.
///
/// # Panics
/// Ends the test where a quote is never closed, or a line has another number of fields than the first.
#[must_use]
pub fn csv(text: &str) -> Vec<BTreeMap<String, String>> {
    let (mut lines, mut fields, mut field) = (Vec::new(), Vec::new(), String::new());
    let (mut chars, mut quoted) = (text.chars().peekable(), false);
    while let Some(c) = chars.next() {
        match (quoted, c) {
            (true, '"') if chars.next_if_eq(&'"').is_some() => field.push('"'),
            (_, '"') => quoted = !quoted,
            (false, ',') => fields.push(std::mem::take(&mut field)),
            (false, '\r') => {}
            (false, '\n') => {
                fields.push(std::mem::take(&mut field));
                lines.push(std::mem::take(&mut fields));
            }
            _ => field.push(c),
        }
    }
    assert!(!quoted && fields.is_empty() && field.is_empty(), "the last line has no end: {text:?}");
    let mut lines = lines.into_iter();
    let names = lines.next().unwrap_or_default();
    let named = |line: Vec<String>| {
        assert_eq!(line.len(), names.len(), "{line:?}");
        names.iter().cloned().zip(line).collect()
    };
    lines.map(named).collect()
}

/// The samples of a Prometheus text: `name{labels}` and its value.
///
/// # Panics
/// Ends the test where a line is no sample, or a sample occurs twice.
#[must_use]
pub fn metrics(text: &str) -> BTreeMap<String, f64> {
    let mut samples = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').unwrap();
        assert!(name.ends_with("\"}"), "{line}");
        assert_eq!(samples.insert(name.to_owned(), value.parse().unwrap()), None, "{line}");
    }
    samples
}

/// The cases of a JUnit document, each with its outcome: `passed`, or the element that says otherwise with its message.
///
/// # Panics
/// Ends the test where the document is not well-formed.
#[must_use]
pub fn junit(text: &str) -> BTreeMap<String, String> {
    let (_, mut rest) = text.split_once("?>").expect("an XML declaration");
    let (mut cases, mut open, mut case) = (BTreeMap::new(), Vec::new(), String::new());
    while let Some((content, tag)) = rest.split_once('<') {
        // The content has to be text without an unknown entity.
        let _ = unescaped(content);
        let (tag, after) = tag.split_once('>').expect("a tag has an end");
        rest = after;
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "{text}");
            continue;
        }
        let (tag, is_empty) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
        let name = tag.split(' ').next().unwrap_or_default();
        let attributes = attributes(&tag[name.len()..]);
        match name {
            "testsuites" | "testsuite" | "system-out" => {}
            "testcase" => {
                case.clone_from(&attributes["name"]);
                cases.insert(case.clone(), "passed".to_owned());
            }
            outcome => {
                cases.insert(case.clone(), format!("{outcome}: {}", attributes["message"]));
            }
        }
        if !is_empty {
            open.push(name.to_owned());
        }
    }
    assert_eq!((open, rest.trim()), (Vec::new(), ""), "{text}");
    cases
}

fn attributes(mut text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    while let Some((name, rest)) = text.split_once("=\"") {
        let (value, after) = rest.split_once('"').expect("a value has an end");
        assert!(!value.contains('<'), "{value}");
        found.insert(name.trim().to_owned(), unescaped(value));
        text = after;
    }
    assert_eq!(text.trim(), "");
    found
}

/// The text that XML writes with entities.
fn unescaped(text: &str) -> String {
    let mut parts = text.split('&');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (entity, after) = part.split_once(';').expect("an entity has an end");
        plain.push(match entity {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "#39" => '\'',
            other => panic!("no entity is named {other}"),
        });
        plain.push_str(after);
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_field_holds_commas_quotes_and_line_breaks() {
        let lines = csv("host,detail\r\na,\"one, \"\"two\"\"\nthree\"\r\n");
        let expected = [("detail", "one, \"two\"\nthree"), ("host", "a")];
        assert_eq!(lines, [expected.map(|(name, text)| (name.to_owned(), text.to_owned())).into()]);
    }

    #[test]
    fn a_sample_has_its_labels_and_its_value() {
        let samples = metrics("# TYPE up gauge\nup{job=\"a b\"} 1\n");
        assert_eq!(samples, [("up{job=\"a b\"}".to_owned(), 1.0)].into());
    }

    #[test]
    fn a_case_that_says_nothing_passed_and_another_has_its_message() {
        let cases = junit(
            "<?xml version=\"1.0\"?>\n<testsuites><testsuite name=\"s\"><testcase name=\"a\"></testcase>\
             <testcase name=\"b\"><failure message=\"1 &lt; 2\">text</failure></testcase></testsuite></testsuites>\n",
        );
        let expected = [("a", "passed"), ("b", "failure: 1 < 2")];
        assert_eq!(cases, expected.map(|(name, text)| (name.to_owned(), text.to_owned())).into());
    }
}
