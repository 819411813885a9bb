//! `$util.escapeJavaScript`.

/// Escapes as commons-lang 2.6 does: quotes, backslash and `/` get a backslash, control characters and all above
/// U+007F become `\uXXXX` by UTF-16 unit. `None`: nothing of it has to be escaped. Source: observed.
pub(super) fn java_script(text: &str) -> Option<String> {
    let plain = |byte: &u8| matches!(byte, b' '..=0x7F) && !matches!(byte, b'\'' | b'"' | b'\\' | b'/');
    if text.as_bytes().iter().all(plain) {
        return None;
    }
    let mut out = Vec::with_capacity(text.len() + text.len() / 2 + 8);
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'\'' | b'"' | b'\\' | b'/' => out.extend([b'\\', *byte]),
            b' '..=0x7F => out.push(*byte),
            0x08 => out.extend(*b"\\b"),
            b'\n' => out.extend(*b"\\n"),
            b'\t' => out.extend(*b"\\t"),
            0x0C => out.extend(*b"\\f"),
            b'\r' => out.extend(*b"\\r"),
            _ => {
                let Some(c) = text.get(at - 1..).and_then(|rest| rest.chars().next()) else { continue };
                at += c.len_utf8() - 1;
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let digit = |shift: u32| b"0123456789ABCDEF"[usize::from(*unit >> shift & 15)];
                    out.extend([b'\\', b'u', digit(12), digit(8), digit(4), digit(0)]);
                }
            }
        }
    }
    Some(String::from_utf8(out).unwrap_or_default())
}
