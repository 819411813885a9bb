//! Writes YAML as people like to read it: plain where it can be, text of several lines in blocks, short tags.
//!
//! What is plain must be a text for readers of YAML 1.1 and 1.2 alike: `yes`, `012` and `1:30` stand in quotes.

use serde_json::Value as Json;

/// By how much what stands in something is moved to the right.
const STEP: usize = 2;
/// The longest key that stands before its colon on one line, in bytes. YAML: 1,024 characters.
const KEY_BYTES_MAX: usize = 1000;

/// Writes a member of a map: `key: value`, and what belongs to it on further lines.
pub(super) fn member(out: &mut String, indent: usize, key: &str, value: &Json) {
    pad(out, indent);
    member_here(out, indent, key, value);
}

fn pad(out: &mut String, indent: usize) {
    out.extend(std::iter::repeat_n(' ', indent));
}

/// The same, where the line has begun.
fn member_here(out: &mut String, indent: usize, key: &str, value: &Json) {
    let key = scalar(key);
    if key.len() > KEY_BYTES_MAX {
        out.push_str("? ");
        out.push_str(&key);
        out.push('\n');
        pad(out, indent);
    } else {
        out.push_str(&key);
    }
    out.push(':');
    match value {
        Json::String(text) if is_block(text) => block(out, indent, text),
        Json::Array(items) if !items.is_empty() => {
            out.push('\n');
            list(out, indent + STEP, items);
        }
        Json::Object(members) if !members.is_empty() && tagged(value).is_none() => {
            out.push('\n');
            for (key, value) in members {
                member(out, indent + STEP, key, value);
            }
        }
        _ => {
            out.push(' ');
            line(out, value);
        }
    }
}

fn list(out: &mut String, indent: usize, items: &[Json]) {
    for item in items {
        pad(out, indent);
        out.push('-');
        match item {
            Json::Array(items) if !items.is_empty() => {
                out.push('\n');
                list(out, indent + STEP, items);
            }
            Json::Object(members) if !members.is_empty() && tagged(item).is_none() => {
                out.push(' ');
                for (n, (key, value)) in members.iter().enumerate() {
                    if n > 0 {
                        pad(out, indent + STEP);
                    }
                    member_here(out, indent + STEP, key, value);
                }
            }
            _ => {
                out.push(' ');
                line(out, item);
            }
        }
    }
}

/// A value that stands on one line.
fn line(out: &mut String, value: &Json) {
    match value {
        Json::String(text) => out.push_str(&scalar(text)),
        Json::Array(_) => out.push_str("[]"),
        Json::Object(_) => match tagged(value) {
            Some((tag, text)) => {
                out.push_str(tag);
                out.push(' ');
                out.push_str(&scalar(text));
            }
            None => out.push_str("{}"),
        },
        other => out.push_str(&other.to_string()),
    }
    out.push('\n');
}

/// A function in its short form.
fn tagged(value: &Json) -> Option<(&'static str, &str)> {
    let (name, argument) = value.as_object().filter(|members| members.len() == 1)?.iter().next()?;
    let tag = match name.as_str() {
        "Ref" => "!Ref",
        "Fn::Sub" => "!Sub",
        _ => return None,
    };
    Some((tag, argument.as_str()?))
}

/// A text on one line.
fn scalar(text: &str) -> String {
    if is_plain(text) {
        return text.to_owned();
    }
    let is_printable = text.chars().all(is_printable);
    if is_printable && (!text.contains('\'') || text.contains(['"', '\\'])) {
        return format!("'{}'", text.replace('\'', "''"));
    }
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c if self::is_printable(c) => quoted.push(c),
            c if u32::from(c) <= 0xff => quoted.push_str(&format!("\\x{:02X}", u32::from(c))),
            c if u32::from(c) <= 0xffff => quoted.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => quoted.push_str(&format!("\\U{:08X}", u32::from(c))),
        }
    }
    quoted.push('"');
    quoted
}

/// Whether a character may stand in YAML as it is; line breaks and tabs aside.
fn is_printable(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
        // Characters of the higher planes that are none.
        && u32::from(c) & 0xfffe != 0xfffe
}

/// Whether a text is one for every reader without quotes.
fn is_plain(text: &str) -> bool {
    let begins_well = text.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '$' | '/' | '_' | '\\' | '('));
    let is_of = |c: char| matches!(c, ' '..='~') || c.is_alphanumeric();
    begins_well
        && text.chars().all(is_of)
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !text.contains(" #")
        && !is_word(text)
}

/// What is something else than text for a reader of YAML 1.1.
fn is_word(text: &str) -> bool {
    const WORDS: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    WORDS.iter().any(|word| word.eq_ignore_ascii_case(text))
}

/// Whether a text is best read as a block: one of several lines, or one with both kinds of quotes. What a block cannot hold,
/// or what readers do not agree on, such as white space alone at its ends, is none.
fn is_block(text: &str) -> bool {
    let lines = || text.split('\n');
    let is_blank = |line: &str| line.trim().is_empty();
    let begin = lines().find(|line| !line.is_empty());
    let body = text.strip_suffix('\n').unwrap_or(text);
    (text.contains('\n') || (text.contains('\'') && text.contains('"')))
        && text.chars().all(|c| is_printable(c) || matches!(c, '\n' | '\t'))
        // Some readers take a tab there for indentation.
        && begin.is_some_and(|line| !is_blank(line) && !line.starts_with('\t'))
        && body.rsplit('\n').next().is_some_and(|line| !is_blank(line))
}

fn block(out: &mut String, indent: usize, text: &str) {
    out.push_str(" |");
    // Where the first line begins with a space, nobody could tell how far the block is moved.
    if text.trim_start_matches('\n').starts_with(' ') {
        out.push_str(&STEP.to_string());
    }
    let body = match text.strip_suffix('\n') {
        Some(body) => body,
        None => {
            out.push('-');
            text
        }
    };
    out.push('\n');
    for line in body.split('\n') {
        if !line.is_empty() {
            pad(out, indent + STEP);
            out.push_str(line);
        }
        out.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn written(text: &str) -> String {
        let mut out = String::new();
        member(&mut out, 0, "k", &text.into());
        out
    }

    #[test]
    fn texts_stand_as_people_write_them() {
        for (text, yaml) in [
            ("join", "k: join"),
            ("$default", "k: $default"),
            ("\\$default", "k: \\$default"),
            ("/2\\d\\d/", "k: /2\\d\\d/"),
            ("yes", "k: 'yes'"),
            ("NULL", "k: 'NULL'"),
            ("012", "k: '012'"),
            ("", "k: ''"),
            ("{a}", "k: '{a}'"),
            ("!x", "k: '!x'"),
            ("a: b", "k: 'a: b'"),
            ("a:", "k: 'a:'"),
            ("a #b", "k: 'a #b'"),
            ("a ", "k: 'a '"),
            ("it's", "k: it's"),
            ("'b'", "k: \"'b'\""),
            ("🙂", "k: '🙂'"),
            ("a\tb\u{1}\u{2028}\u{85}", "k: \"a\\tb\\x01\\u2028\\x85\""),
            ("a\nb", "k: |-\n  a\n  b"),
            ("a\n\nb\n", "k: |\n  a\n\n  b"),
            (" a\nb\n", "k: |2\n   a\n  b"),
            ("a\nb \n\n", "k: \"a\\nb \\n\\n\""),
            ("\n", "k: \"\\n\""),
            ("\n\ta\nb", "k: \"\\n\\ta\\nb\""),
            ("a\r\nb", "k: \"a\\r\\nb\""),
            ("{\"a\": $input.json('$')}", "k: |-\n  {\"a\": $input.json('$')}"),
        ] {
            assert_eq!(written(text), format!("{yaml}\n"), "{text:?}");
        }
    }

    #[test]
    fn lists_maps_and_functions() {
        let value = json!({"a": [], "b": {}, "c": ["x", ["y"], {"d": 1, "e": [true]}], "f": {"Ref": "X"}, "g": [{"Fn::Sub": "${X}/*"}]});
        let mut out = String::new();
        member(&mut out, 0, "k", &value);
        let yaml = "k:\n  a: []\n  b: {}\n  c:\n    - x\n    -\n      - 'y'\n    - d: 1\n      e:\n        - true\n  f: !Ref X\n  g:\n    - !Sub ${X}/*\n";
        assert_eq!(out, yaml);
    }
}
