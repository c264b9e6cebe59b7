//! The tag lists of DKIM signatures and keys (RFC 6376 section 3.2): bytes in, values out.

/// The most tags of one list.
const MOST: usize = 64;

/// A tag list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tags {
    tags: Vec<(String, String)>,
}

impl Tags {
    /// Reads a list; what is no tag is passed over. Blanks and line ends inside values are kept out.
    #[must_use]
    pub fn parse(text: &[u8]) -> Tags {
        let text = String::from_utf8_lossy(text);
        let pairs = text.split(';').filter_map(|part| part.split_once('='));
        let tag = |(name, value): (&str, &str)| {
            let value: String = value.chars().filter(|c| !c.is_ascii_whitespace()).collect();
            (name.trim().to_owned(), value)
        };
        Tags { tags: pairs.take(MOST).map(tag).collect() }
    }

    /// The value of a tag.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.tags.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether a list of words separated by colons holds one of `words`; a list that is absent holds all.
    #[must_use]
    pub fn allows(&self, name: &str, words: &[&str]) -> bool {
        let Some(list) = self.value(name) else { return true };
        list.split(':').any(|word| words.iter().any(|wanted| wanted.eq_ignore_ascii_case(word)))
    }
}
