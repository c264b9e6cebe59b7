//! The header block of a message, cut into fields (RFC 5322 section 2.2).

/// The most fields kept; what comes after them is passed over.
const MOST: usize = 200_000;
/// The longest field name looked at.
const LONGEST_NAME: usize = 76;

/// One header field, folds and all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// Before the colon.
    pub name: &'a [u8],
    /// After the colon, without the last line end.
    pub value: &'a [u8],
}

impl Field<'_> {
    /// Whether it has that name, in whatever case.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }
}

/// A header block and the body after it.
#[derive(Clone, Debug, Default)]
pub struct Block<'a> {
    /// The fields, newest first, as they stand in the message.
    pub fields: Vec<Field<'a>>,
    /// What follows the first empty line.
    pub body: &'a [u8],
    /// The same with that empty line.
    pub tail: &'a [u8],
}

impl<'a> Block<'a> {
    /// Cuts a message. Lines may end in CR LF or in LF alone, as saved messages do.
    #[must_use]
    pub fn split(raw: &'a [u8]) -> Block<'a> {
        let mut rest = raw.strip_prefix(b"\xef\xbb\xbf").unwrap_or(raw);
        // The first line of an mbox is no field.
        if rest.starts_with(b"From ") {
            rest = line(rest).1;
        }
        let mut fields = Vec::new();
        loop {
            let (first, after) = line(rest);
            if bare(first).is_empty() {
                return Block { fields, body: after, tail: rest };
            }
            let end = folded(rest);
            if let Some(field) = cut(&rest[..end])
                && fields.len() < MOST
            {
                fields.push(field);
            }
            rest = &rest[end..];
        }
    }

    /// The value of the first field of that name.
    #[must_use]
    pub fn first(&self, name: &str) -> Option<&'a [u8]> {
        self.all(name).next()
    }

    /// The values of all fields of that name, newest first.
    pub fn all<'b>(&'b self, name: &'b str) -> impl Iterator<Item = &'a [u8]> + 'b {
        self.fields.iter().filter(move |field| field.is(name)).map(|field| field.value)
    }

    /// Whether it has what no message is without: an author, a date, or a trace.
    #[must_use]
    pub fn is_message(&self) -> bool {
        self.fields.iter().any(|field| field.is("from") || field.is("received") || field.is("date"))
    }
}

/// The first line with its end, and the rest.
#[must_use]
pub fn line(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|&byte| byte == b'\n').map_or(text.len(), |at| at + 1);
    text.split_at(end)
}

/// A line without its end.
#[must_use]
pub fn bare(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Where a field ends: after the last line that begins with a blank.
fn folded(text: &[u8]) -> usize {
    let mut end = 0;
    loop {
        end += line(&text[end..]).0.len();
        match text.get(end) {
            // A line of blanks only belongs to no field, but ends none either (RFC 5322 section 4.2).
            Some(b' ' | b'\t') => {}
            _ => return end,
        }
    }
}

fn cut(raw: &[u8]) -> Option<Field<'_>> {
    let colon = raw.iter().take(LONGEST_NAME + 1).position(|&byte| byte == b':')?;
    let name = raw[..colon].trim_ascii_end();
    let proper = !name.is_empty() && name.iter().all(u8::is_ascii_graphic);
    proper.then(|| Field { name, value: bare(&raw[colon + 1..]) })
}
