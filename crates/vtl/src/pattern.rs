//! Java's regular expressions on top of `fancy-regex`.

use fancy_regex::{Regex, RegexBuilder};

/// How much a pattern may try again before it is given up: patterns come from templates, texts from clients.
const BACKTRACKS_MAX: usize = 200_000;
/// The largest compiled pattern, in bytes.
const COMPILED_BYTES_MAX: usize = 1 << 20;

/// How many bytes that are looked at are worth a step.
const BYTES_PER_STEP: usize = 16;

/// A pattern, compiled.
#[derive(Debug)]
pub(crate) enum Pattern {
    /// A pattern that matches one text.
    Literal(String),
    Regex {
        regex: Box<Regex>,
        /// Its time may grow with the square of the text.
        slow: bool,
    },
}

/// Where a pattern matches, in bytes.
pub(crate) type Span = (usize, usize);

impl Pattern {
    /// Compiles a pattern in Java's syntax; the error is a sentence.
    pub(crate) fn compile(java: &str) -> Result<Pattern, String> {
        if let Some(text) = literal(java) {
            return Ok(Pattern::Literal(text));
        }
        if let Some(at) = stray_brace(java) {
            return Err(format!("`{java}` is no regular expression: the `{{` at {at} repeats nothing"));
        }
        let translated = translate(java);
        let slow = looks_around(&translated);
        RegexBuilder::new(&translated)
            .backtrack_limit(BACKTRACKS_MAX)
            .delegate_size_limit(COMPILED_BYTES_MAX)
            .build()
            .map(|regex| Pattern::Regex { regex: Box::new(regex), slow })
            .map_err(|error| format!("`{java}` is no regular expression that can be used here: {error}"))
    }

    /// How many steps one use on a text of so many bytes is worth, whatever it finds. What looks around or back may look
    /// through the rest of the text at each of its places, and nothing counts that while it runs: it is paid for before.
    pub(crate) fn steps(&self, bytes: usize) -> usize {
        let slow = matches!(self, Pattern::Regex { slow: true, .. });
        bytes / BYTES_PER_STEP + if slow { bytes.saturating_mul(bytes) / BYTES_PER_STEP } else { 0 }
    }

    /// Whether the pattern matches the whole text.
    pub(crate) fn matches(&self, java: &str, text: &str) -> Result<bool, String> {
        match self {
            Pattern::Literal(literal) => Ok(literal == text),
            Pattern::Regex { .. } => {
                let whole = Regex::new(&format!(r"\A(?:{})\z", translate(java))).map_err(|e| e.to_string())?;
                whole.is_match(text).map_err(|e| e.to_string())
            }
        }
    }

    /// The places of all matches, at most `max`.
    pub(crate) fn spans(&self, text: &str, max: usize) -> Result<Vec<Span>, String> {
        match self {
            Pattern::Literal(literal) if literal.is_empty() => {
                Ok(text.char_indices().map(|(at, _)| (at, at)).chain([(text.len(), text.len())]).take(max).collect())
            }
            Pattern::Literal(literal) => {
                Ok(text.match_indices(literal.as_str()).take(max).map(|(at, m)| (at, at + m.len())).collect())
            }
            Pattern::Regex { regex, .. } => regex
                .find_iter(text)
                .take(max)
                .map(|found| found.map(|m| (m.start(), m.end())).map_err(|e| e.to_string()))
                .collect(),
        }
    }

    /// Replaces the first `max` matches. In `replacement` `$1` is a group and `\` takes the next character as it is.
    pub(crate) fn replace(&self, text: &str, replacement: &str, max: usize) -> Result<String, String> {
        let plain = !replacement.contains(['$', '\\']);
        if let (Pattern::Literal(literal), true) = (self, plain) {
            return Ok(text.replacen(literal.as_str(), replacement, max));
        }
        let mut out = String::with_capacity(text.len());
        let mut last = 0;
        match self {
            Pattern::Literal(_) => {
                for (start, end) in self.spans(text, max)? {
                    out.push_str(&text[last..start]);
                    expand(replacement, &|group| (group == 0).then_some(Some(&text[start..end])), &mut out)?;
                    last = end;
                }
            }
            Pattern::Regex { regex, .. } => {
                for captures in regex.captures_iter(text).take(max) {
                    let captures = captures.map_err(|e| e.to_string())?;
                    let Some(whole) = captures.get(0) else { continue };
                    out.push_str(&text[last..whole.start()]);
                    let group =
                        |group: usize| (group < captures.len()).then(|| captures.get(group).map(|m| m.as_str()));
                    expand(replacement, &group, &mut out)?;
                    last = whole.end();
                }
            }
        }
        out.push_str(&text[last..]);
        Ok(out)
    }
}

/// Whether a pattern of Java's takes time that may grow with the square of the text: it looks around itself, or back at what
/// it has found.
pub fn is_slow_pattern(java: &str) -> bool {
    literal(java).is_none() && looks_around(&translate(java))
}

// On a translated pattern. A `$` alone looks ahead, too, but at two characters.
fn looks_around(translated: &str) -> bool {
    let text = translated.replace(r"(?=\r?\n?\z)", "");
    let around = ["(?=", "(?!", "(?<=", "(?<!", "(?>", "*+", "++", "?+", "}+", r"\k", r"\G"];
    let back = text.as_bytes().windows(2).any(|pair| pair[0] == b'\\' && matches!(pair[1], b'1'..=b'9'));
    back || around.iter().any(|sign| text.contains(sign))
}

/// Writes a replacement. Of `$12` only so many digits count as there are groups.
fn expand<'t>(
    replacement: &str,
    group: &dyn Fn(usize) -> Option<Option<&'t str>>,
    out: &mut String,
) -> Result<(), String> {
    let mut chars = replacement.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.push(chars.next().ok_or("the replacement ends with a backslash")?),
            '$' => {
                let first = chars.next().and_then(|c| c.to_digit(10)).ok_or("a `$` in a replacement needs a group")?;
                let mut number = first as usize;
                let mut found = group(number).ok_or_else(|| format!("no group {number}"))?;
                while let Some(digit) = chars.peek().and_then(|c| c.to_digit(10)) {
                    let longer = number * 10 + digit as usize;
                    let Some(text) = group(longer) else { break };
                    number = longer;
                    found = text;
                    chars.next();
                }
                out.push_str(found.unwrap_or_default());
            }
            c => out.push(c),
        }
    }
    Ok(())
}

/// The one text that a pattern without operators matches.
fn literal(java: &str) -> Option<String> {
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
fn stray_brace(java: &str) -> Option<usize> {
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

/// Java's syntax as `fancy-regex` reads it: classes are ASCII, `\Q...\E` is literal, `$` also matches before the last
/// line end.
fn translate(java: &str) -> String {
    let mut out = String::with_capacity(java.len() + 16);
    let mut chars = java.chars().peekable();
    // How deep inside of `[...]`.
    let mut class = 0usize;
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                let Some(escaped) = chars.next() else {
                    out.push('\\');
                    break;
                };
                match (escaped, class > 0) {
                    ('d', false) => out.push_str("[0-9]"),
                    ('d', true) => out.push_str("0-9"),
                    ('D', _) => out.push_str("[^0-9]"),
                    ('w', false) => out.push_str("[a-zA-Z0-9_]"),
                    ('w', true) => out.push_str("a-zA-Z0-9_"),
                    ('W', _) => out.push_str("[^a-zA-Z0-9_]"),
                    ('s', false) => out.push_str(r"[ \t\n\x0B\x0C\r]"),
                    ('s', true) => out.push_str(r" \t\n\x0B\x0C\r"),
                    ('S', _) => out.push_str(r"[^ \t\n\x0B\x0C\r]"),
                    ('h', false) => out.push_str(r"[ \t\x{A0}]"),
                    ('h', true) => out.push_str(r" \t\x{A0}"),
                    ('R', false) => out.push_str(r"(?:\r\n|[\n\x0B\x0C\r\x{85}\x{2028}\x{2029}])"),
                    ('Z', false) => out.push_str(r"(?=\r?\n?\z)"),
                    ('e', _) => out.push_str(r"\x1B"),
                    ('u', _) => {
                        let digits: String = chars.by_ref().take(4).collect();
                        out.push_str(&format!(r"\x{{{digits}}}"));
                    }
                    ('Q', in_class) => {
                        let rest: String = chars.clone().collect();
                        let quoted = rest.find("\\E").map_or(rest.as_str(), |end| &rest[..end]);
                        for c in quoted.chars() {
                            if !c.is_alphanumeric() && (c.is_ascii() || in_class) {
                                out.push('\\');
                            }
                            out.push(c);
                        }
                        let skip = quoted.chars().count() + if quoted.len() < rest.len() { 2 } else { 0 };
                        chars.nth(skip.saturating_sub(1));
                    }
                    ('p' | 'P', _) => property(escaped, &mut chars, &mut out),
                    (c, _) if c.is_ascii_alphanumeric() => {
                        out.push('\\');
                        out.push(c);
                    }
                    (c, _) if c.is_ascii() => {
                        out.push('\\');
                        out.push(c);
                    }
                    (c, _) => out.push(c),
                }
            }
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
            '-' | '~' if class > 0 && chars.peek() == Some(&c) => {
                out.push('\\');
                out.push(c);
            }
            '$' if class == 0 => out.push_str(r"(?=\r?\n?\z)"),
            ']' => out.push_str("\\]"),
            '}' => out.push('}'),
            c => out.push(c),
        }
    }
    out
}

fn property(letter: char, chars: &mut std::iter::Peekable<std::str::Chars<'_>>, out: &mut String) {
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
