//! Java's notation of regular expressions, as the engines here read it.

use std::iter::Peekable;
use std::str::Chars;

/// Looks ahead to the end of the text or its last line end: what `$` is in Java.
const AT_END: &str = r"(?=\r?\n?\z)";

/// What the engine that reads a translation can do, and what the pattern's flags ask for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dialect {
    /// Whether it can look ahead.
    pub(super) looks_ahead: bool,
    /// Whether the classes are Unicode's and not ASCII's: the flag `U`.
    pub(super) unicode: bool,
}

/// Whether a translated pattern looks around itself, or back at what it has found. A `$` alone looks ahead, too, but at two
/// characters.
pub(super) fn looks_around(translated: &str) -> bool {
    let text = translated.replace(AT_END, "");
    let around = ["(?=", "(?!", "(?<=", "(?<!", "(?>", "*+", "++", "?+", "}+", r"\k", r"\G"];
    let back = text.as_bytes().windows(2).any(|pair| pair[0] == b'\\' && matches!(pair[1], b'1'..=b'9'));
    back || around.iter().any(|sign| text.contains(sign))
}

/// The one text that a pattern without operators matches.
pub(super) fn literal(java: &str) -> Option<String> {
    let mut out = String::with_capacity(java.len());
    let mut chars = java.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                let escaped = chars.next()?;
                match escaped {
                    'n' => out.push('\n'),
                    't' => out.push('\t'),
                    'r' => out.push('\r'),
                    c if c.is_ascii_alphanumeric() => return None,
                    c => out.push(c),
                }
            }
            '.' | '[' | ']' | '(' | ')' | '{' | '}' | '*' | '+' | '?' | '^' | '$' | '|' => return None,
            c => out.push(c),
        }
    }
    Some(out)
}

/// Where a `{` stands that begins no repetition, which Java refuses.
pub(super) fn stray_brace(java: &str) -> Option<usize> {
    let mut class = 0usize;
    let mut chars = java.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => match chars.next() {
                // Up to the end of what is quoted nothing has a meaning.
                Some((from, 'Q')) => {
                    let end = java[from..].find("\\E").map_or(java.len(), |end| from + end + 2);
                    while chars.next_if(|(at, _)| *at < end).is_some() {}
                }
                Some((_, 'p' | 'P' | 'x' | 'N' | 'k')) => {
                    chars.next_if(|(_, c)| *c == '{');
                }
                _ => {}
            },
            '[' => class += 1,
            ']' => class = class.saturating_sub(1),
            '{' if class == 0 && !is_repetition(&java[at + 1..]) => return Some(at),
            _ => {}
        }
    }
    None
}

/// Whether `2}`, `2,}` or `2,3}` comes.
fn is_repetition(rest: &str) -> bool {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let least = digits(rest);
    let rest = &rest[least..];
    let rest = rest.strip_prefix(',').map_or(rest, |most| &most[digits(most)..]);
    least > 0 && rest.starts_with('}')
}

/// Java's notation as the engine reads it: classes are ASCII, `\Q...\E` is literal, `$` also matches before the last line
/// end where the engine can look ahead.
pub(super) fn translate(java: &str, dialect: Dialect) -> String {
    let mut out = String::with_capacity(java.len() + 16);
    let mut chars = java.chars().peekable();
    // How deep inside of `[...]`.
    let mut class = 0usize;
    // The character before, unless it was escaped.
    let mut before = '\0';
    while let Some(c) = chars.next() {
        match c {
            '\\' => escape(&mut chars, class > 0, dialect, &mut out),
            '[' => {
                class += 1;
                out.push('[');
                if chars.peek() == Some(&'^') {
                    chars.next();
                    out.push('^');
                }
                if chars.peek() == Some(&']') {
                    chars.next();
                    out.push_str("\\]");
                }
            }
            ']' if class > 0 => {
                class -= 1;
                out.push(']');
            }
            // Two of them take something away here and nothing there.
            '-' | '~' if class > 0 && before == c => {
                out.push('\\');
                out.push(c);
            }
            '$' if class == 0 && dialect.looks_ahead => out.push_str(AT_END),
            ']' => out.push_str("\\]"),
            c => out.push(c),
        }
        before = if c == '\\' { '\0' } else { c };
    }
    out
}

/// What follows a backslash.
fn escape(chars: &mut Peekable<Chars<'_>>, in_class: bool, dialect: Dialect, out: &mut String) {
    let Some(escaped) = chars.next() else { return out.push('\\') };
    match (escaped, in_class) {
        // Of Unicode the engine has the same.
        ('d' | 'D' | 'w' | 'W' | 's' | 'S' | 'p' | 'P', _) if dialect.unicode => out.extend(['\\', escaped]),
        ('d', false) => out.push_str("[0-9]"),
        ('d', true) => out.push_str("0-9"),
        ('D', _) => out.push_str("[^0-9]"),
        ('w', false) => out.push_str("[a-zA-Z0-9_]"),
        ('w', true) => out.push_str("a-zA-Z0-9_"),
        ('W', _) => out.push_str("[^a-zA-Z0-9_]"),
        // The blank by its number: where blanks are left out (the flag `x`), they are left out of classes, too.
        ('s', false) => out.push_str(r"[\x20\t\n\x0B\x0C\r]"),
        ('s', true) => out.push_str(r"\x20\t\n\x0B\x0C\r"),
        ('S', _) => out.push_str(r"[^\x20\t\n\x0B\x0C\r]"),
        ('h', false) => out.push_str(r"[\x20\t\x{A0}]"),
        ('h', true) => out.push_str(r"\x20\t\x{A0}"),
        ('R', false) => out.push_str(r"(?:\r\n|[\n\x0B\x0C\r\x{85}\x{2028}\x{2029}])"),
        ('Z', false) => out.push_str(if dialect.looks_ahead { AT_END } else { r"\r?\n?\z" }),
        ('e', _) => out.push_str(r"\x1B"),
        ('u', _) => {
            let digits: String = chars.by_ref().take(4).collect();
            out.push_str(&format!(r"\x{{{digits}}}"));
        }
        ('Q', in_class) => {
            let rest: String = chars.clone().collect();
            let quoted = rest.find("\\E").map_or(rest.as_str(), |end| &rest[..end]);
            for c in quoted.chars() {
                literally(c, in_class, out);
            }
            let skip = quoted.chars().count() + if quoted.len() < rest.len() { 2 } else { 0 };
            chars.nth(skip.saturating_sub(1));
        }
        ('p' | 'P', _) => property(escaped, chars, out),
        (c, _) if c.is_ascii_alphanumeric() => out.extend(['\\', c]),
        (c, _) => literally(c, false, out),
    }
}

/// Writes a character that stands for itself.
fn literally(c: char, in_class: bool, out: &mut String) {
    // Behind a backslash these are the edges of words.
    let needs_none = matches!(c, '<' | '>') || c.is_alphanumeric();
    if !needs_none && (c.is_ascii() || in_class) {
        out.push('\\');
    }
    out.push(c);
}

fn property(letter: char, chars: &mut Peekable<Chars<'_>>, out: &mut String) {
    let mut name = String::new();
    if chars.peek() == Some(&'{') {
        chars.next();
        name.extend(chars.by_ref().take_while(|c| *c != '}'));
    } else {
        name.extend(chars.next());
    }
    let posix = match name.as_str() {
        "Lower" => "lower",
        "Upper" => "upper",
        "ASCII" => "ascii",
        "Alpha" => "alpha",
        "Digit" => "digit",
        "Alnum" => "alnum",
        "Punct" => "punct",
        "Graph" => "graph",
        "Print" => "print",
        "Blank" => "blank",
        "Cntrl" => "cntrl",
        "XDigit" => "xdigit",
        "Space" => "space",
        _ => {
            let name = name.strip_prefix("Is").unwrap_or(&name);
            out.push_str(&format!("\\{letter}{{{name}}}"));
            return;
        }
    };
    out.push_str(&format!("[[:{}{posix}:]]", if letter == 'P' { "^" } else { "" }));
}
