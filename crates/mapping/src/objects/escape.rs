//! `$util.escapeJavaScript`.

use std::fmt::Write as _;

/// Escapes as commons-lang 2.6 does: quotes, backslash and `/` get a backslash, control characters and all above
/// U+007F become `\uXXXX` by UTF-16 unit. Source: observed.
pub(super) fn java_script(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    let mut plain = 0;
    for (at, c) in text.char_indices() {
        let short = match c {
            '\'' => "\\'",
            '"' => "\\\"",
            '\\' => "\\\\",
            '/' => "\\/",
            '\u{8}' => "\\b",
            '\n' => "\\n",
            '\t' => "\\t",
            '\u{c}' => "\\f",
            '\r' => "\\r",
            ' '..='\u{7f}' => continue,
            _ => "",
        };
        out.push_str(&text[plain..at]);
        plain = at + c.len_utf8();
        out.push_str(short);
        if short.is_empty() {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{unit:04X}");
            }
        }
    }
    out.push_str(&text[plain..]);
    out
}
