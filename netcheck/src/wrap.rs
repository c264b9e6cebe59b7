//! Text for people on a terminal: made harmless, wrapped, coloured where that is wanted.

use std::env;
use std::io::{self, IsTerminal};
use std::sync::LazyLock;

use netcheck_record::escape;

/// The width of what is no terminal.
const WIDTH: usize = 80;

/// The width that everything fits: the terminal's, from 60 to 200 columns; 80 where there is none.
pub(crate) fn width() -> usize {
    static KNOWN: LazyLock<usize> = LazyLock::new(|| {
        let terminal = terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
        let said = env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
        said.or(terminal).unwrap_or(WIDTH).clamp(60, 200)
    });
    *KNOWN
}

/// `text` in lines of at most `width` characters; words that are longer are cut.
pub(crate) fn lines(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for word in escape::line(text, 8000).split(' ').filter(|word| !word.is_empty()) {
        let mut word: Vec<char> = word.chars().collect();
        if used > 0 && used + 1 + word.len() > width {
            lines.push(std::mem::take(&mut line));
            used = 0;
        }
        while word.len() > width {
            let rest = word.split_off(width);
            lines.push(word.into_iter().collect());
            word = rest;
        }
        if used > 0 {
            line.push(' ');
            used += 1;
        }
        used += word.len();
        line.extend(word);
    }
    if used > 0 || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// A paragraph: the first line after `first`, the others under it.
pub(crate) fn hanging(first: &str, text: &str) -> String {
    let indent = first.chars().count();
    let mut out = String::new();
    for (at, line) in lines(text, width() - indent).iter().enumerate() {
        let lead = if at == 0 { first.to_owned() } else { " ".repeat(indent) };
        out.push_str(format!("{lead}{line}").trim_end());
        out.push('\n');
    }
    out
}

/// `text`, made harmless, padded to `width` or cut to it.
pub(crate) fn cell(text: &str, width: usize) -> String {
    let text = escape::line(text, width + 1);
    let count = text.chars().count();
    if count <= width {
        return format!("{text}{}", " ".repeat(width - count));
    }
    let mut cut: String = text.chars().take(width.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

/// Whether standard output wants colours (https://no-color.org).
pub(crate) fn colours() -> bool {
    let off = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = env::var_os("TERM").is_none_or(|term| term == "dumb");
    !off && !dumb && io::stdout().is_terminal()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_never_pass_the_width_and_lose_no_word() {
        assert_eq!(lines("aa bb cc", 5), ["aa bb", "cc"]);
        assert_eq!(lines("abcdefgh i", 3), ["abc", "def", "gh", "i"]);
        assert_eq!(lines("", 3), [""]);
    }

    #[test]
    fn escape_sequences_are_shown_and_not_obeyed() {
        assert_eq!(lines("\x1b]0;x\x07", 40), ["\\u{1b}]0;x\\u{7}"]);
    }

    #[test]
    fn cells_keep_their_width() {
        assert_eq!(cell("ab", 4), "ab  ");
        assert_eq!(cell("abcdef", 4), "abc…");
        assert_eq!(cell("\x1b[2J", 12), "\\u{1b}[2J   ");
    }
}
