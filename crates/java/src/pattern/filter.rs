//! Regular expressions of filters, read by the `regex` crate, which never takes long.
//!
//! What that crate lacks (looking around, references back, possessive repetition) is refused with the path.

use regex::{Regex, RegexBuilder};

use super::translate::{Dialect, stray_brace, translate};

/// The largest compiled regular expression, in bytes. The time of a match grows with it times the text.
const COMPILED_BYTES_MAX: usize = 256 * 1024;

/// A pattern of a JSONPath's filter, `/pattern/flags`, which matches whole texts.
#[derive(Clone, Debug)]
pub struct FilterPattern(Regex);

impl FilterPattern {
    /// Whether the letter may stand behind the closing slash.
    pub fn is_flag(byte: u8) -> bool {
        matches!(byte, b'd' | b'i' | b'x' | b'm' | b's' | b'u' | b'U')
    }

    /// Compiles `java` so that it matches a whole text only. The flags are letters that are [`is_flag`](Self::is_flag).
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn compile(java: &str, flags: &str) -> Result<FilterPattern, String> {
        if repeats_twice(java) {
            return Err(format!("the regular expression `{java}` repeats a repetition"));
        }
        let unusable = || format!("the regular expression `{java}` cannot be used");
        let has = |flag| flags.contains(flag);
        // In a comment it may stand.
        if !has('x') && stray_brace(java).is_some() {
            return Err(unusable());
        }
        let translated = translate(java, Dialect { looks_ahead: false, unicode: has('U') });
        // A line end of its own, so that a comment in the pattern does not take the bracket.
        let end = if has('x') { "\n" } else { "" };
        RegexBuilder::new(&format!(r"\A(?:{translated}{end})\z"))
            .case_insensitive(has('i'))
            .ignore_whitespace(has('x'))
            .multi_line(has('m'))
            .dot_matches_new_line(has('s'))
            .size_limit(COMPILED_BYTES_MAX)
            .build()
            .map(FilterPattern)
            .map_err(|error| match error {
                regex::Error::CompiledTooBig(limit) => format!("the regular expression takes more than {limit} bytes"),
                _ => unusable(),
            })
    }

    /// Whether it matches the whole text.
    pub fn is_match(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}

// `a*+`, which takes all without return, and `a**`, which is a mistake in Java; the crate reads both as something else.
fn repeats_twice(java: &str) -> bool {
    let mut brackets = 0_usize;
    let mut repeated = false;
    let mut chars = java.chars();
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

#[cfg(test)]
mod tests {
    use super::FilterPattern;

    #[test]
    fn the_whole_text_must_match() {
        for (java, flags, text, expected) in [
            ("a|ab", "", "ab", true),
            ("a", "", "ab", false),
            ("A.*", "i", "abc", true),
            (r"\d+", "", "12", true),
            (r"\d+", "", "٣", false),
            (r"\d+", "U", "٣", true),
            (r"[\w.]+@x\/y", "", "a.b@x/y", true),
            ("a b # c", "x", "ab", true),
            (r"a\sb", "x", "a b", true),
            ("a.b", "", "a\nb", false),
            ("[+--~~]+", "", "+,-~", true),
            ("a.b", "s", "a\nb", true),
            (r"ab\Z", "", "ab\n", true),
            (r"\Qa.b\E\h*", "", "a.b ", true),
            (r"\Qa.b\E", "", "axb", false),
            (r"\p{Lower}", "", "ü", false),
            (r"\<a\>", "", "<a>", true),
        ] {
            assert_eq!(FilterPattern::compile(java, flags).unwrap().is_match(text), expected, "{java} {text}");
        }
    }

    #[test]
    fn what_cannot_be_compiled_is_told() {
        let error = |java| FilterPattern::compile(java, "").unwrap_err();
        for java in ["(", "(?=a)", "[0--9]", "a**", r"(a)\1", "a{x}", "a{,3}"] {
            assert!(error(java).contains(java), "{java}");
        }
        assert!(error("a*+").contains("repetition"));
        assert!(FilterPattern::compile("a*?[*+]+\\++", "").is_ok());
        assert!(error("(a{1000}){1000}").contains("bytes"));
    }
}
