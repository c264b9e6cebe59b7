//! What a mail server answers (RFC 5321 section 4.2): bytes in, values out.

use netcheck_common::escape;

/// The longest line read (RFC 5321 allows 512).
const LONGEST_LINE: usize = 2048;
/// The most lines of one reply.
const MOST_LINES: usize = 128;

/// One reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The three digits, 200 to 599.
    pub code: u16,
    /// The enhanced status code (RFC 3463), where there is one.
    pub enhanced: Option<[u16; 3]>,
    /// The text of each line, harmless and without mailboxes' local parts.
    pub lines: Vec<String>,
}

/// What the bytes received so far are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// The beginning of a reply.
    More,
    /// A whole reply, and how many bytes it took.
    Whole(Reply, usize),
    /// Nothing a mail server says.
    Alien,
}

impl Reply {
    /// Reads the first reply of `bytes`.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Parsed {
        let (mut code, mut lines, mut enhanced, mut at) = (None, Vec::new(), None, 0);
        loop {
            let rest = &bytes[at..];
            let Some(end) = rest.iter().take(LONGEST_LINE).position(|&byte| byte == b'\n') else {
                let hopeless = rest.len() >= LONGEST_LINE || !could_begin(rest, code);
                return if hopeless { Parsed::Alien } else { Parsed::More };
            };
            let line = rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]);
            at += end + 1;
            let Some((number, last, text)) = split(line) else { return Parsed::Alien };
            if code.is_some_and(|code| code != number) || lines.len() == MOST_LINES {
                return Parsed::Alien;
            }
            code = Some(number);
            enhanced = enhanced.or_else(|| status(text, number));
            lines.push(anonymous(&escape::bytes(text, 200)));
            if last {
                return Parsed::Whole(Reply { code: number, enhanced, lines }, at);
            }
        }
    }

    /// 2 for yes, 3 for go on, 4 for not now, 5 for no.
    #[must_use]
    pub fn class(&self) -> u16 {
        self.code / 100
    }

    /// The code, and the enhanced one where there is one: `550 5.7.1`.
    #[must_use]
    pub fn status(&self) -> String {
        match self.enhanced {
            Some([class, subject, detail]) => format!("{} {class}.{subject}.{detail}", self.code),
            None => self.code.to_string(),
        }
    }

    /// Whether an EHLO answer names that extension.
    #[must_use]
    pub fn offers(&self, extension: &str) -> bool {
        let named = |line: &String| {
            line.split_whitespace().next().is_some_and(|word| word.eq_ignore_ascii_case(extension))
        };
        self.lines.iter().skip(1).any(named)
    }
}

/// Whether an unfinished line can still become one of a reply.
fn could_begin(line: &[u8], code: Option<u16>) -> bool {
    let head = &line[..line.len().min(3)];
    head.iter().all(u8::is_ascii_digit)
        && head.first().is_none_or(|first| (b'2'..=b'5').contains(first))
        && (head.len() < 3 || code.is_none_or(|code| code.to_string().as_bytes() == head))
}

fn split(line: &[u8]) -> Option<(u16, bool, &[u8])> {
    let (digits, rest) = line.split_at_checked(3)?;
    let proper = digits.iter().all(u8::is_ascii_digit) && (b'2'..=b'5').contains(&digits[0]);
    if !proper {
        return None;
    }
    let code = digits.iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
    match rest.split_first() {
        None => Some((code, true, rest)),
        Some((b' ', text)) => Some((code, true, text)),
        Some((b'-', text)) => Some((code, false, text)),
        Some(_) => None,
    }
}

/// The enhanced status code a line begins with, if its class is that of the reply.
fn status(text: &[u8], code: u16) -> Option<[u16; 3]> {
    let word = text.split(|&byte| byte == b' ').next()?;
    let mut numbers = word.split(|&byte| byte == b'.').map(|part| {
        let digits = !part.is_empty() && part.len() <= 3 && part.iter().all(u8::is_ascii_digit);
        digits.then(|| part.iter().fold(0, |number, digit| number * 10 + u16::from(digit - b'0')))
    });
    let parts = [numbers.next()??, numbers.next()??, numbers.next()??];
    (numbers.next().is_none() && parts[0] == code / 100).then_some(parts)
}

/// The text without the local parts of mailboxes: `<someone@example.com>` becomes `<…@example.com>`.
fn anonymous(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('@') {
        let local = |c: char| !c.is_whitespace() && !matches!(c, '<' | '(' | '[' | ',' | ';');
        let start =
            rest[..at].char_indices().rev().take_while(|(_, c)| local(*c)).last().map_or(at, |(at, _)| at);
        out.push_str(&rest[..start]);
        out.push_str("…@");
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn whole(bytes: &[u8]) -> Reply {
        match Reply::parse(bytes) {
            Parsed::Whole(reply, used) if used == bytes.len() => reply,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_reply_of_several_lines_is_one_reply() {
        let reply = whole(b"250-mx.example\r\n250-STARTTLS\r\n250 SIZE 1000\r\n");
        assert_eq!((reply.code, reply.lines.len()), (250, 3));
        assert!(reply.offers("starttls") && reply.offers("SIZE") && !reply.offers("mx.example"));
    }

    #[test]
    fn an_enhanced_code_counts_only_in_its_class() {
        assert_eq!(whole(b"550 5.7.1 no\r\n").status(), "550 5.7.1");
        assert_eq!(whole(b"550 2.7.1 no\r\n").status(), "550");
        assert_eq!(whole(b"450 4.2.0.1 wait\r\n").status(), "450");
    }

    #[test]
    fn local_parts_are_left_out() {
        let reply = whole(b"550 5.1.1 <jane.doe@example.com>: no such user, not even joe@x\r\n");
        assert_eq!(reply.lines, ["5.1.1 <…@example.com>: no such user, not even …@x"]);
    }

    #[test]
    fn other_protocols_are_known_at_once() {
        assert_eq!(Reply::parse(b"SSH-2.0"), Parsed::Alien);
        assert_eq!(Reply::parse(b"HTTP/1.1 400 Bad\r\n"), Parsed::Alien);
        assert_eq!(Reply::parse(b"\x15\x03\x01"), Parsed::Alien);
        assert_eq!(Reply::parse(b"220"), Parsed::More);
        assert_eq!(Reply::parse(b"250-a\r\n251 b\r\n"), Parsed::Alien);
        assert_eq!(Reply::parse("250-a\r\n".repeat(200).as_bytes()), Parsed::Alien);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_or_remember_more_than_they_are(bytes in proptest::collection::vec(any::<u8>(), 0..4096)) {
            if let Parsed::Whole(reply, used) = Reply::parse(&bytes) {
                prop_assert!(used <= bytes.len() && (200..600).contains(&reply.code));
                prop_assert!(reply.lines.len() <= MOST_LINES);
            }
        }

        #[test]
        fn a_reply_is_the_same_however_it_arrives(code in 200_u16..600, text in "[ -~]{0,60}", cut in 0_usize..70) {
            let bytes = format!("{code} {text}\r\n").into_bytes();
            let early = &bytes[..cut.min(bytes.len() - 1)];
            prop_assert_eq!(Reply::parse(early), Parsed::More);
            prop_assert!(matches!(Reply::parse(&bytes), Parsed::Whole(..)));
        }
    }
}
