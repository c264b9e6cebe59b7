//! The words that no identifier, no printed string and no page uses.
#![expect(clippy::unwrap_used, reason = "a file that cannot be read fails the test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Words that are metaphors or archaisms here; the field has plain ones (CONTRIBUTING.md, Language).
const BANNED: [&str; 41] = [
    "aside",
    "amend",
    "amended",
    "amends",
    "astray",
    "beneath",
    "crew",
    "desk",
    "fare",
    "fares",
    "fate",
    "goodbye",
    "heard",
    "hire",
    "hired",
    "ill",
    "letter",
    "letters",
    "mend",
    "mended",
    "mends",
    "mute",
    "nameless",
    "outlast",
    "pen",
    "remedy",
    "seal",
    "sealed",
    "sealer",
    "seals",
    "sheet",
    "stand",
    "standing",
    "stands",
    "stood",
    "stranger",
    "strangers",
    "survey",
    "witness",
    "witnesses",
    "wit",
];
/// The same for several words in a row.
const PHRASES: [&str; 9] = [
    " a line a ",
    "one a target",
    "told apart",
    "tell apart",
    "tells apart",
    "on the way",
    "held against",
    "hold against",
    "good-bye",
];
/// Where a banned word is the field's own: the file's end, and the word.
const ALLOWED: [(&str, &str); 5] = [
    // The macro letters of RFC 7208, and letters of the alphabet.
    ("check-mail/src/spf/domain_spec.rs", "letter"),
    ("check-wss/src/check.rs", "letters"),
    ("xtask/src/scaffold.rs", "letter"),
    // HPKE's operation (RFC 9180), as rustls names it.
    ("netcheck-net/src/tls/ech_grease.rs", "seal"),
    ("netcheck-net/src/tls/ech_grease.rs", "sealer"),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// The files below a folder with this ending, in order.
fn files(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && !name.starts_with('.') && name != "target" && name != "node_modules" {
            files(&path, ending, found);
        } else if name.ends_with(ending) {
            found.push(path);
        }
    }
}

/// What the compiler reads of a source: identifiers and string literals, without comments.
#[derive(Debug, PartialEq, Eq)]
enum Token {
    Name(String),
    Text(String),
}

fn tokens(source: &str) -> Vec<Token> {
    let chars: Vec<char> = source.chars().collect();
    let (mut found, mut at) = (Vec::new(), 0);
    while at < chars.len() {
        let rest = &chars[at..];
        at += match rest {
            ['/', '/', ..] => rest.iter().position(|c| *c == '\n').unwrap_or(rest.len()),
            ['r', '"' | '#', ..] if raw(rest).is_some() => {
                let (hashes, length) = raw(rest).unwrap();
                found.push(Token::Text(rest[2 + hashes..length - 1 - hashes].iter().collect()));
                length
            }
            ['"', ..] => {
                let end = closing(rest);
                found.push(Token::Text(rest[1..end].iter().collect()));
                end + 1
            }
            ['\'', '\\', ..] => 2 + rest[2..].iter().skip(1).position(|c| *c == '\'').unwrap_or(0) + 2,
            ['\'', _, '\'', ..] => 3,
            [c, ..] if c.is_alphabetic() || *c == '_' => {
                let word = |c: &char| c.is_alphanumeric() || *c == '_';
                let length = rest.iter().take_while(|c| word(c)).count();
                found.push(Token::Name(rest[..length].iter().collect()));
                length
            }
            _ => 1,
        };
    }
    found
}

/// How many `#` a raw string has, and how long it is.
fn raw(rest: &[char]) -> Option<(usize, usize)> {
    let hashes = rest[1..].iter().take_while(|c| **c == '#').count();
    if rest.get(1 + hashes) != Some(&'"') {
        return None;
    }
    let end: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
    let body = &rest[2 + hashes..];
    body.windows(end.len()).position(|window| window == end).map(|at| (hashes, 2 + hashes + at + end.len()))
}

fn closing(rest: &[char]) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != '"' {
        at += if rest[at] == '\\' { 2 } else { 1 };
    }
    at
}

/// The words of a name: `RequirementStatus` and `requirement_status` are two.
fn parts(name: &str) -> Vec<String> {
    let mut spaced = String::new();
    for c in name.chars() {
        if c.is_uppercase() && spaced.ends_with(|last: char| last.is_lowercase()) {
            spaced.push('_');
        }
        spaced.extend(c.to_lowercase());
    }
    spaced.split('_').map(str::to_owned).collect()
}

/// The banned words and phrases of a text.
fn banned_in_text(text: &str) -> BTreeSet<&'static str> {
    let lower = text.to_lowercase();
    let words: BTreeSet<&str> = lower.split(|c: char| !c.is_alphanumeric()).collect();
    let phrases = PHRASES.into_iter().filter(|phrase| lower.contains(phrase));
    BANNED.into_iter().filter(|word| words.contains(word)).chain(phrases).collect()
}

fn banned(token: &Token) -> BTreeSet<&'static str> {
    match token {
        Token::Name(name) => {
            let parts = parts(name);
            BANNED.into_iter().filter(|word| parts.iter().any(|part| part == word)).collect()
        }
        Token::Text(text) => banned_in_text(text),
    }
}

#[test]
fn no_identifier_and_no_string_uses_a_banned_word() {
    let (root, mut sources, mut found) = (root(), Vec::new(), Vec::new());
    files(&root, ".rs", &mut sources);
    sources
        .retain(|path| !path.starts_with(root.join("stubs")) && !path.ends_with("xtask/tests/language.rs"));
    assert!(sources.len() > 500, "only {} sources", sources.len());
    for path in &sources {
        let shown = path.strip_prefix(&root).unwrap().display().to_string();
        for token in tokens(&fs::read_to_string(path).unwrap()) {
            for word in banned(&token) {
                if !ALLOWED.iter().any(|(file, allowed)| shown.ends_with(file) && *allowed == word) {
                    found.push(format!("{shown}: {word} in {token:?}"));
                }
            }
        }
    }
    assert!(found.is_empty(), "{} banned words:\n{}", found.len(), found.join("\n"));
}

#[test]
fn the_reader_of_sources_knows_names_from_texts_and_skips_comments() {
    let source = "fn seal() { // seal\n let a = \"no \\\" letter\"; let b = r#\"a \"raw\" one\"#; let c = '\"'; let d = '\\''; }";
    let text = |text: &str| Token::Text(text.to_owned());
    let texts: Vec<Token> =
        tokens(source).into_iter().filter(|token| matches!(token, Token::Text(_))).collect();
    assert_eq!(texts, [text("no \\\" letter"), text("a \"raw\" one")]);
    assert_eq!(banned(&Token::Name("RequirementStanding".into())), BTreeSet::from(["standing"]));
    assert_eq!(banned_in_text("It stands; told apart."), BTreeSet::from(["stands", "told apart"]));
    assert_eq!(banned_in_text("understanding outstanding"), BTreeSet::new());
}
