//! Text inside XML and HTML: whatever the network says stays text.

use std::fmt;

/// Text for element content or a quoted attribute.
pub(super) struct Text<'a>(pub(super) &'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Records are escaped already; a file from elsewhere may not be. XML has no way to write most controls.
        for c in netcheck_record::escape::line(self.0, 4000).chars() {
            escape(c, f)?;
        }
        Ok(())
    }
}

/// Sentences for element content: a host name, an address or a port range is never broken at its hyphens.
///
/// Lines break at a hyphen (Unicode Standard Annex 14, class HY), so that `us-channel.example` would end a line as
/// `us-`. A token with a hyphen is wrapped in an element of class `token`, which the page's style keeps in one line.
pub(super) struct Prose<'a>(pub(super) &'a str);

/// A longer token may break anywhere: it would not fit on a narrow page.
const UNBROKEN: usize = 36;

impl fmt::Display for Prose<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = netcheck_record::escape::line(self.0, 4000);
        for token in line.split_inclusive(char::is_whitespace) {
            let word = token.trim_end();
            let kept = word.contains('-') && word.chars().count() <= UNBROKEN;
            if kept {
                f.write_str("<span class=\"token\">")?;
            }
            word.chars().try_for_each(|c| escape(c, f))?;
            if kept {
                f.write_str("</span>")?;
            }
            token.chars().skip(word.chars().count()).try_for_each(|c| escape(c, f))?;
        }
        Ok(())
    }
}

fn escape(c: char, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match c {
        '&' => f.write_str("&amp;"),
        '<' => f.write_str("&lt;"),
        '>' => f.write_str("&gt;"),
        '"' => f.write_str("&quot;"),
        '\'' => f.write_str("&#39;"),
        '\u{fffe}' | '\u{ffff}' => f.write_str("\u{fffd}"),
        other => write!(f, "{other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::Prose;

    #[test]
    fn a_host_name_with_a_hyphen_is_one_token_and_its_markup_is_text() {
        assert_eq!(
            Prose("TCP 10000-10050 to us-channel.example <b> & a--b").to_string(),
            "TCP <span class=\"token\">10000-10050</span> to <span class=\"token\">us-channel.example</span> \
             &lt;b&gt; &amp; <span class=\"token\">a--b</span>"
        );
    }

    #[test]
    fn a_token_wider_than_a_telephone_may_break() {
        let long = format!("a-{}", "b".repeat(40));
        assert_eq!(Prose(&long).to_string(), long);
    }
}
