//! Regular expressions: Java's notation on engines that bound their work.
//!
//! A [`Pattern`] can do all that Java's can and is given up when it tries too long; a [`FilterPattern`] never takes long
//! and can do less. Both are translated, for the engines' notation is not Java's.

mod filter;
mod replacement;
mod translate;

use fancy_regex::{Regex, RegexBuilder};

use self::replacement::expand;
use self::translate::{Dialect, literal, looks_around, stray_brace, translate};

pub use self::filter::FilterPattern;

/// How much a pattern may try again before it is given up: patterns come from templates, texts from clients.
const BACKTRACKS_MAX: usize = 200_000;

/// The largest compiled pattern, in bytes.
const COMPILED_BYTES_MAX: usize = 1 << 20;

/// How many bytes that are looked at are worth a step.
const BYTES_PER_STEP: usize = 16;

/// The notation of `fancy-regex`.
const FANCY: Dialect = Dialect { looks_ahead: true, unicode: false };

/// A pattern of `String.replaceAll`, `replaceFirst`, `split` or `matches`, compiled.
#[derive(Debug)]
pub struct Pattern(PatternKind);

#[derive(Debug)]
enum PatternKind {
    /// Found wherever this one text stands.
    Literal(String),
    /// Found wherever it matches; `slow`: its time may grow with the square of the text.
    Regex { regex: Box<Regex>, slow: bool },
    /// Matches this one text.
    Whole(String),
    /// Matches whole texts only.
    WholeRegex { regex: Box<Regex>, slow: bool },
}

impl Pattern {
    /// Compiles a pattern that is looked for in texts.
    ///
    /// # Errors
    /// A sentence: it is no pattern, or one that is too large.
    pub fn find(java: &str) -> Result<Pattern, String> {
        if let Some(text) = literal(java) {
            return Ok(Pattern(PatternKind::Literal(text)));
        }
        let (regex, slow) = compile(java, |translated| translated)?;
        Ok(Pattern(PatternKind::Regex { regex, slow }))
    }

    /// Compiles a pattern that is to match whole texts.
    ///
    /// # Errors
    /// Those of [`Pattern::find`].
    pub fn whole(java: &str) -> Result<Pattern, String> {
        if let Some(text) = literal(java) {
            return Ok(Pattern(PatternKind::Whole(text)));
        }
        let (regex, slow) = compile(java, |translated| format!(r"\A(?:{translated})\z"))?;
        Ok(Pattern(PatternKind::WholeRegex { regex, slow }))
    }

    /// Whether it has no operators: then there was nothing to compile.
    pub fn is_literal(&self) -> bool {
        matches!(self.0, PatternKind::Literal(_) | PatternKind::Whole(_))
    }

    /// How many steps one use on a text of so many bytes is worth, whatever it finds. What looks around or back may look
    /// through the rest of the text at each of its places, and nothing counts that while it runs: it is paid for before.
    pub fn steps(&self, bytes: usize) -> usize {
        let slow = matches!(self.0, PatternKind::Regex { slow: true, .. } | PatternKind::WholeRegex { slow: true, .. });
        bytes / BYTES_PER_STEP + if slow { bytes.saturating_mul(bytes) / BYTES_PER_STEP } else { 0 }
    }

    /// Whether it is found in the text; of one for whole texts, whether it matches that.
    ///
    /// # Errors
    /// A sentence, where it was given up.
    pub fn is_match(&self, text: &str) -> Result<bool, String> {
        match &self.0 {
            PatternKind::Literal(literal) => Ok(text.contains(literal)),
            PatternKind::Whole(literal) => Ok(text == literal),
            PatternKind::Regex { regex, .. } | PatternKind::WholeRegex { regex, .. } => {
                regex.is_match(text).map_err(|error| error.to_string())
            }
        }
    }

    /// The places of all matches, at most `max`, from one byte to another.
    ///
    /// # Errors
    /// A sentence, where it was given up.
    pub fn spans(&self, text: &str, max: usize) -> Result<Vec<(usize, usize)>, String> {
        match &self.0 {
            PatternKind::Literal(literal) if literal.is_empty() => {
                Ok(text.char_indices().map(|(at, _)| (at, at)).chain([(text.len(), text.len())]).take(max).collect())
            }
            PatternKind::Literal(literal) => {
                Ok(text.match_indices(literal.as_str()).take(max).map(|(at, m)| (at, at + m.len())).collect())
            }
            PatternKind::Whole(literal) => {
                Ok((text == literal).then_some((0, text.len())).into_iter().take(max).collect())
            }
            PatternKind::Regex { regex, .. } | PatternKind::WholeRegex { regex, .. } => regex
                .find_iter(text)
                .take(max)
                .map(|found| found.map(|m| (m.start(), m.end())).map_err(|error| error.to_string()))
                .collect(),
        }
    }

    /// Replaces the first `max` matches. In `replacement` `$1` is a group and `\` takes the next character as it is.
    ///
    /// # Errors
    /// A sentence: it was given up, or the replacement names a group that there is not.
    pub fn replace(&self, text: &str, replacement: &str, max: usize) -> Result<String, String> {
        let plain = !replacement.contains(['$', '\\']);
        if let (PatternKind::Literal(literal), true) = (&self.0, plain) {
            return Ok(text.replacen(literal.as_str(), replacement, max));
        }
        let mut out = String::with_capacity(text.len());
        let mut last = 0;
        match &self.0 {
            PatternKind::Literal(_) | PatternKind::Whole(_) => {
                for (start, end) in self.spans(text, max)? {
                    out.push_str(&text[last..start]);
                    expand(replacement, &|group| (group == 0).then_some(Some(&text[start..end])), &mut out)?;
                    last = end;
                }
            }
            PatternKind::Regex { regex, .. } | PatternKind::WholeRegex { regex, .. } => {
                for captures in regex.captures_iter(text).take(max) {
                    let captures = captures.map_err(|error| error.to_string())?;
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

/// The regular expression, and whether it may be slow; `anchor` puts what is to stand around the translated pattern.
fn compile(java: &str, anchor: impl FnOnce(String) -> String) -> Result<(Box<Regex>, bool), String> {
    if let Some(at) = stray_brace(java) {
        return Err(format!("`{java}` is no regular expression: the `{{` at {at} repeats nothing"));
    }
    let translated = translate(java, FANCY);
    let slow = looks_around(&translated);
    RegexBuilder::new(&anchor(translated))
        .backtrack_limit(BACKTRACKS_MAX)
        .delegate_size_limit(COMPILED_BYTES_MAX)
        .build()
        .map(|regex| (Box::new(regex), slow))
        .map_err(|error| format!("`{java}` is no regular expression that can be used here: {error}"))
}

/// Whether a pattern of Java's takes time that may grow with the square of the text: it looks around itself, or back at what
/// it has found.
pub fn is_slow_pattern(java: &str) -> bool {
    literal(java).is_none() && looks_around(&translate(java, FANCY))
}

#[cfg(test)]
mod tests;
