//! One hop of a message: what a `Received` field says, in the forms of many servers (RFC 5321 section 4.4).

use std::net::IpAddr;

use super::date;
use super::field::Block;
use super::hostname;

/// The most bytes of one field looked at, from either end.
const LONGEST: usize = 2048;
/// The most hops looked at, newest first: mail that went through a hundred is in a loop (RFC 5321 section 6.3).
const MOST: usize = 1000;
/// The most comments of one clause that are looked at.
const MOST_COMMENTS: usize = 8;
/// Scanners that pass a message on inside one machine, by the words of their `by` clause.
const SCANNERS: [(&str, &str); 8] = [
    ("amavis", "amavis"),
    ("mimedefang", "MIMEDefang"),
    ("spampd", "spampd"),
    ("mailscanner", "MailScanner"),
    ("assp", "ASSP"),
    ("proxsmtp", "proxsmtp"),
    ("spamd", "SpamAssassin"),
    ("clamsmtp", "clamsmtp"),
];

/// One hop.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hop {
    /// Who took the message; by the name others know where the field names the machine itself.
    pub by: Option<String>,
    /// Who gave it, by its own word.
    pub from: Option<String>,
    /// The address it came from.
    pub from_address: Option<IpAddr>,
    /// When, in seconds since 1970 UTC by the clock of `by`.
    pub time: Option<i64>,
    /// The scanner that took it, where the hop is one inside a machine.
    pub scanner: Option<&'static str>,
    /// The domain of the recipient.
    pub recipient: Option<String>,
}

/// The hops of a message, oldest first.
#[must_use]
pub fn chain(block: &Block<'_>) -> Vec<Hop> {
    let mut hops: Vec<Hop> = block.all("received").take(MOST).map(Hop::parse).collect();
    hops.reverse();
    hops
}

/// A clause of the field: its keyword, the words after it and its comments.
#[derive(Debug, Default)]
struct Clause<'a> {
    words: Vec<&'a [u8]>,
    comments: Vec<&'a [u8]>,
}

impl Hop {
    /// Reads one field. What it does not say, or says in no form a hop should, is absent.
    #[must_use]
    pub fn parse(value: &[u8]) -> Hop {
        let head = &value[..value.len().min(LONGEST)];
        let (mut clauses, closed) = clauses(head, true);
        if clauses.by.words.is_empty() && !closed {
            // An open parenthesis hides the rest of the field: read it as if there were none.
            clauses = self::clauses(head, false).0;
        }
        let mut hop = Hop { time: stamp(value), ..Hop::default() };
        hop.read_from(&clauses.from);
        hop.read_by(&clauses.by);
        hop.recipient = clauses.recipient.words.first().and_then(|word| {
            let at = word.iter().rposition(|&byte| byte == b'@')?;
            hostname::clean(&word[at + 1..])
        });
        hop
    }

    fn read_from(&mut self, clause: &Clause<'_>) {
        let word = clause.words.first().copied().unwrap_or_default();
        let comments = clause.comments.iter().take(MOST_COMMENTS);
        self.from_address = comments
            .clone()
            .find_map(|comment| hostname::first_address(without_greeting(comment)))
            .or_else(|| clause.words.iter().find_map(|word| hostname::first_address(word)));
        let named = hostname::clean(word).filter(|name| name != "unknown" && name.parse::<IpAddr>().is_err());
        let greeting = comments.clone().find_map(|comment| greeting(comment));
        let reverse = comments.clone().find_map(|comment| {
            let first =
                comment.trim_ascii().split(|byte| byte.is_ascii_whitespace() || *byte == b'[').next()?;
            hostname::clean(first).filter(|name| name.contains('.') && name.parse::<IpAddr>().is_err())
        });
        self.from =
            named.or(greeting).or(reverse).or_else(|| hostname::clean(word).filter(|name| name != "unknown"));
    }

    fn read_by(&mut self, clause: &Clause<'_>) {
        self.by = clause.words.first().and_then(|word| hostname::clean(word));
        let text: Vec<u8> =
            [&clause.comments[..], &clause.words[..]].concat().join(&b' ').to_ascii_lowercase();
        let contains = |name: &str| text.windows(name.len()).any(|window| window == name.as_bytes());
        self.scanner = SCANNERS.iter().find(|(name, _)| contains(name)).map(|(_, name)| *name);
        if self.by.as_deref().is_none_or(hostname::is_local) {
            let alias = clause.comments.iter().take(MOST_COMMENTS).find_map(|comment| {
                let first =
                    comment.trim_ascii().split(|byte| byte.is_ascii_whitespace() || *byte == b'[').next()?;
                hostname::clean(first).filter(|name| name.contains('.') && !hostname::is_local(name))
            });
            self.by = alias.or(self.by.take());
        }
    }
}

/// The name a comment gives after HELO or EHLO: `(HELO x)`, `(EHLO x)`, `([192.0.2.1] helo=x)`.
fn greeting(comment: &[u8]) -> Option<String> {
    let at = greeting_at(comment)?;
    let rest = &comment[at + 5..];
    let end = rest.iter().position(|byte| byte.is_ascii_whitespace() || *byte == b')').unwrap_or(rest.len());
    hostname::clean(&rest[..end])
}

/// A comment up to the greeting, which the sender chose: its address is no observation.
fn without_greeting(comment: &[u8]) -> &[u8] {
    greeting_at(comment).map_or(comment, |at| &comment[..at])
}

fn greeting_at(comment: &[u8]) -> Option<usize> {
    let lower = comment.to_ascii_lowercase();
    lower.windows(5).position(|window| matches!(window, b"helo=" | b"helo " | b"ehlo " | b"ehlo="))
}

#[derive(Debug, Default)]
struct Clauses<'a> {
    from: Clause<'a>,
    by: Clause<'a>,
    recipient: Clause<'a>,
}

/// The clauses of a field, and whether every parenthesis was closed.
fn clauses(text: &[u8], with_comments: bool) -> (Clauses<'_>, bool) {
    let mut clauses = Clauses::default();
    let mut ignored = Clause::default();
    let mut tokens = Tokens { rest: text, with_comments, closed: true };
    let mut current: u8 = 0;
    let mut taken = [false; 4];
    while let Some(token) = tokens.next() {
        let keyword = match token {
            Token::Word(word) if word.eq_ignore_ascii_case(b"from") => Some(1),
            Token::Word(word) if word.eq_ignore_ascii_case(b"by") => Some(2),
            Token::Word(word) if word.eq_ignore_ascii_case(b"for") => Some(3),
            Token::Word(word) => {
                let other: [&[u8]; 3] = [b"with", b"via", b"id"];
                other.iter().any(|name| word.eq_ignore_ascii_case(name)).then_some(0)
            }
            Token::Comment(_) => None,
        };
        if let Some(next) = keyword {
            // A clause is read once: `from` inside a later clause begins none.
            current = if next != 0 && taken[usize::from(next)] { 0 } else { next };
            taken[usize::from(current)] = true;
            continue;
        }
        let clause = match current {
            1 => &mut clauses.from,
            2 => &mut clauses.by,
            3 => &mut clauses.recipient,
            _ => &mut ignored,
        };
        match token {
            Token::Word(word) => clause.words.push(word),
            Token::Comment(comment) => clause.comments.push(comment),
        }
    }
    (clauses, tokens.closed)
}

enum Token<'a> {
    Word(&'a [u8]),
    Comment(&'a [u8]),
}

/// The words and comments of a field, up to the date.
struct Tokens<'a> {
    rest: &'a [u8],
    with_comments: bool,
    closed: bool,
}

impl<'a> Tokens<'a> {
    fn next(&mut self) -> Option<Token<'a>> {
        let blank =
            |byte: &u8| byte.is_ascii_whitespace() || (!self.with_comments && matches!(byte, b'(' | b')'));
        let start = self.rest.iter().position(|byte| !blank(byte))?;
        let text = &self.rest[start..];
        if text[0] == b';' {
            return None;
        }
        if text[0] == b'(' {
            let (comment, rest, closed) = comment(text);
            self.closed &= closed;
            self.rest = rest;
            return Some(Token::Comment(comment));
        }
        let ends = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'(' | b';');
        // A lone closing parenthesis is passed over.
        let end = text.iter().position(ends).unwrap_or(text.len()).max(1);
        self.rest = &text[end..];
        Some(Token::Word(text[..end].strip_prefix(b")").unwrap_or(&text[..end])))
    }
}

/// What is between parentheses, what follows, and whether they are closed.
fn comment(text: &[u8]) -> (&[u8], &[u8], bool) {
    let (mut depth, mut escaped) = (0_usize, false);
    for (at, &byte) in text.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'(' => depth += 1,
            b')' => {
                depth -= 1;
                if depth == 0 {
                    return (&text[1..at], &text[at + 1..], true);
                }
            }
            _ => {}
        }
    }
    (&text[1..], &[], false)
}

/// The time after the last semicolon that a date follows.
fn stamp(value: &[u8]) -> Option<i64> {
    let tail = &value[value.len().saturating_sub(LONGEST)..];
    let mut end = tail.len();
    for _ in 0..4 {
        let at = tail[..end].iter().rposition(|&byte| byte == b';')?;
        let text = tail[at + 1..end].trim_ascii();
        if let Some(time) = date::parse(text) {
            return Some(time);
        }
        end = at;
    }
    None
}
