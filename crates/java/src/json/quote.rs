//! A string as JSON.

use std::fmt::Write as _;

/// The bytes with which something begins that may need an escape.
const CARE: [bool; 256] = {
    let mut care = [false; 256];
    let mut byte = 0;
    while byte < 32 {
        care[byte] = true;
        byte += 1;
    }
    care[b'"' as usize] = true;
    care[b'\\' as usize] = true;
    care[b'/' as usize] = true;
    care[0x7F] = true;
    // U+0080 to U+009F, and U+2000 to U+20FF, are among what begins with these.
    care[0xC2] = true;
    care[0xE2] = true;
    care
};

/// Writes a string between quotes, as json-smart does: control characters, and what scripts may take for a line end, become
/// `\u007F`; `slashes`: `/` gets a backslash.
pub fn quote(text: &str, slashes: bool, out: &mut String) {
    out.reserve(text.len() + 2);
    out.push('"');
    let mut plain = 0;
    let mut from = 0;
    while let Some(len) = text.as_bytes()[from..].iter().position(|byte| CARE[usize::from(*byte)]) {
        let at = from + len;
        let Some(c) = text[at..].chars().next() else { break };
        from = at + c.len_utf8();
        let short = match c {
            '"' => "\\\"",
            '\\' => "\\\\",
            '/' if slashes => "\\/",
            '\u{8}' => "\\b",
            '\u{c}' => "\\f",
            '\n' => "\\n",
            '\r' => "\\r",
            '\t' => "\\t",
            '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2000}'..='\u{20ff}' => "",
            _ => continue,
        };
        out.push_str(&text[plain..at]);
        plain = from;
        if short.is_empty() {
            // Writing to a string cannot fail.
            let _ = write!(out, "\\u{:04X}", u32::from(c));
        } else {
            out.push_str(short);
        }
    }
    out.push_str(&text[plain..]);
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::quote;

    #[test]
    fn what_needs_it_is_escaped() {
        for (text, expected) in [
            ("", r#""""#),
            ("a/b \"c\" \\", r#""a/b \"c\" \\""#),
            ("\u{8}\u{c}\n\r\t\u{1}\u{7f}\u{85}\u{2028}€", r#""\b\f\n\r\t\u0001\u007F\u0085\u2028\u20AC""#),
            ("é ¿ℓ😀", "\"é ¿ℓ😀\""),
        ] {
            let mut out = String::new();
            quote(text, false, &mut out);
            assert_eq!(out, expected);
        }
        let mut out = String::from("x");
        quote("a/b", true, &mut out);
        assert_eq!(out, r#"x"a\/b""#);
    }
}
