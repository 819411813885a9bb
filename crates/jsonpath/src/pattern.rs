//! Regular expressions of filters: Java's notation, read by the `regex` crate, which never takes long.
//!
//! What that crate lacks (looking around, references back, possessive repetition) is refused with the path.

use regex::{Regex, RegexBuilder};

use crate::limits::PATTERN_BYTES_MAX;

/// Whether the letter may stand behind the closing slash.
pub(crate) fn is_flag(byte: u8) -> bool {
    matches!(byte, b'd' | b'i' | b'x' | b'm' | b's' | b'u' | b'U')
}

/// Compiles `source` so that it matches a whole text only.
///
/// # Errors
/// What is wrong, in words.
pub(crate) fn compile(source: &str, flags: &str) -> Result<Regex, String> {
    if repeats_twice(source) {
        return Err(format!("the regular expression `{source}` repeats a repetition"));
    }
    let has = |flag| flags.contains(flag);
    let source = if has('U') { source.to_owned() } else { ascii_classes(source) };
    // A line end of its own, so that a comment in the pattern does not take the bracket.
    let whole = if has('x') { format!(r"\A(?:{source}{}){}", '\n', r"\z") } else { format!(r"\A(?:{source})\z") };
    RegexBuilder::new(&whole)
        .case_insensitive(has('i'))
        .ignore_whitespace(has('x'))
        .multi_line(has('m'))
        .dot_matches_new_line(has('s'))
        .size_limit(PATTERN_BYTES_MAX)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(limit) => format!("the regular expression takes more than {limit} bytes"),
            _ => format!("the regular expression `{source}` cannot be used"),
        })
}

// `a*+`, which takes all without return, and `a**`, which is a mistake in Java; the crate reads both as something else.
fn repeats_twice(source: &str) -> bool {
    let mut brackets = 0_usize;
    let mut repeated = false;
    let mut chars = source.chars();
    while let Some(c) = chars.next() {
        let repeats = brackets == 0 && matches!(c, '*' | '+' | '?' | '}');
        match c {
            '*' | '+' if repeated && brackets == 0 => return true,
            '\\' => {
                chars.next();
            }
            '[' => brackets += 1,
            ']' => brackets = brackets.saturating_sub(1),
            _ => {}
        }
        repeated = repeats;
    }
    false
}

// Java's short classes are ASCII, and two minuses or tildes within brackets subtract nothing there.
fn ascii_classes(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut chars = source.chars();
    let (mut before, mut brackets) = ('\0', 0_usize);
    while let Some(c) = chars.next() {
        if c != '\\' {
            match c {
                '[' => brackets += 1,
                ']' => brackets = brackets.saturating_sub(1),
                '-' | '~' if brackets > 0 && before == c => out.push('\\'),
                _ => {}
            }
            out.push(c);
            before = c;
            continue;
        }
        before = '\0';
        match chars.next() {
            Some('d') => out.push_str("[0-9]"),
            Some('D') => out.push_str("[^0-9]"),
            Some('w') => out.push_str("[0-9A-Za-z_]"),
            Some('W') => out.push_str("[^0-9A-Za-z_]"),
            Some('s') => out.push_str(r"[ \t\n\x0B\f\r]"),
            Some('S') => out.push_str(r"[^ \t\n\x0B\f\r]"),
            Some('Z') => out.push_str(r"\n?\z"),
            Some(other) => out.extend(['\\', other]),
            None => out.push('\\'),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::compile;

    #[test]
    fn the_whole_text_must_match() {
        for (source, flags, text, expected) in [
            ("a|ab", "", "ab", true),
            ("a", "", "ab", false),
            ("A.*", "i", "abc", true),
            (r"\d+", "", "12", true),
            (r"\d+", "", "٣", false),
            (r"[\w.]+@x\/y", "", "a.b@x/y", true),
            ("a b # c", "x", "ab", true),
            ("a.b", "", "a\nb", false),
            ("[+--~~]+", "", "+,-~", true),
            ("a.b", "s", "a\nb", true),
        ] {
            assert_eq!(compile(source, flags).unwrap().is_match(text), expected, "{source} {text}");
        }
    }

    #[test]
    fn what_cannot_be_compiled_is_told() {
        assert!(compile("(", "").is_err());
        assert!(compile("(?=a)", "").is_err());
        assert!(compile("[0--9]", "").is_err());
        assert!(compile("a*+", "").unwrap_err().contains("repetition"));
        assert!(compile("a**", "").is_err());
        assert!(compile("a*?[*+]+\\++", "").is_ok());
        assert!(compile("(a{1000}){1000}", "").unwrap_err().contains("bytes"));
    }
}
