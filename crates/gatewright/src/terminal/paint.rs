//! Texts for a terminal: colours where somebody sees them, and nothing that steers it.

use std::io::IsTerminal;

/// Which colours there are.
#[derive(Clone, Copy)]
pub(super) struct Paint(bool);

/// What a text means.
#[derive(Clone, Copy)]
pub(super) enum Tone {
    Quiet,
    Good,
    Warning,
    Bad,
    Strong,
}

impl Paint {
    /// As standard output is: none in files and pipes, and where NO_COLOR says so (no-color.org).
    pub(super) fn of_stdout() -> Paint {
        let is_plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Paint(std::io::stdout().is_terminal() && !is_plain)
    }

    #[cfg(test)]
    pub(super) fn plain() -> Paint {
        Paint(false)
    }

    pub(super) fn text(self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Quiet => "2",
            Tone::Good => "32",
            Tone::Warning => "33",
            Tone::Bad => "31",
            Tone::Strong => "1",
        };
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// A text of others on one line: control characters, and those that turn the direction of writing, are spelled out.
pub(crate) fn one_line(text: &str) -> String {
    text.chars().map(|c| if is_safe(c) { c.to_string() } else { c.escape_default().to_string() }).collect()
}

/// The same with its line breaks and tabs.
pub(crate) fn lines(text: &str) -> String {
    text.chars()
        .map(|c| if is_safe(c) || c == '\n' || c == '\t' { c.to_string() } else { c.escape_default().to_string() })
        .collect()
}

fn is_safe(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// So many characters, the rest of it cut or filled up.
pub(super) fn column(text: &str, width: usize) -> String {
    let count = text.chars().count();
    if count <= width {
        return format!("{text}{}", " ".repeat(width - count));
    }
    text.chars().take(width.saturating_sub(1)).chain("…".chars()).collect()
}

/// `820 B`, `12.3 KB`.
pub(super) fn bytes(count: u64) -> String {
    match count {
        0..=9_999 => format!("{count} B"),
        _ => format!("{:.1} KB", count as f64 / 1024.0),
    }
}

/// `0.42 ms`, `12 ms`, `1.5 s`.
pub(super) fn time(millis: f64) -> String {
    match millis {
        millis if millis < 10.0 => format!("{millis:.2} ms"),
        millis if millis < 1000.0 => format!("{millis:.0} ms"),
        millis => format!("{:.1} s", millis / 1000.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_others_steers_the_terminal() {
        assert_eq!(one_line("a\x1b[31m\nb\u{202e}c ü"), "a\\u{1b}[31m\\nb\\u{202e}c ü");
        assert_eq!(lines("a\x07\n\tb"), "a\\u{7}\n\tb");
    }

    #[test]
    fn columns_are_as_wide_as_they_are() {
        for (text, width, shown) in [("ab", 4, "ab  "), ("abcde", 4, "abc…"), ("üüüü", 4, "üüüü")] {
            assert_eq!(column(text, width), shown);
        }
        let figures = [bytes(12), bytes(20_480), time(0.421), time(12.4), time(1500.0)];
        assert_eq!(figures, ["12 B", "20.0 KB", "0.42 ms", "12 ms", "1.5 s"]);
    }
}
