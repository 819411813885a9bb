//! Lenient JSON, read into a text that shows what each value was taken for.

use std::borrow::Cow;

use super::{Build, DEPTH_MAX, Scalar, read};

/// Shows each value with its kind.
struct Show;

impl Build for Show {
    type Value = String;
    type Map = Vec<String>;

    fn scalar(&mut self, scalar: Scalar<'_>) -> String {
        match scalar {
            Scalar::Null => "null".to_owned(),
            Scalar::Bool(b) => b.to_string(),
            Scalar::Integer(n) => n.to_string(),
            Scalar::Big(n) => format!("{n}n"),
            Scalar::Double(d) => format!("{d:?}"),
            Scalar::Decimal(d) => format!("{d}d"),
            Scalar::Text(text) => format!("<{text}>"),
        }
    }

    fn list(&mut self, items: Vec<String>) -> String {
        format!("[{}]", items.join("|"))
    }

    fn open(&mut self) -> Vec<String> {
        Vec::new()
    }

    fn member(&mut self, map: &mut Vec<String>, name: Cow<'_, str>, value: String) {
        map.push(format!("{name}={value}"));
    }

    fn close(&mut self, map: Vec<String>) -> String {
        format!("{{{}}}", map.join("|"))
    }
}

fn shown(text: &str) -> Option<String> {
    read(text, &mut Show).ok()
}

#[test]
fn what_is_nearly_json_is_read() {
    for (json, expected) in [
        ("[1,'a',b c,, 2.5]", "[1|<a>|<b c>|2.5]"),
        ("{a:1,'b':[ ]}", "{a=1|b=[]}"),
        (r#"{"a": 1, "a": 2,}"#, "{a=1|a=2}"),
        ("12 apples", "<12 apples>"),
        ("1e", "<1e>"),
        ("-", "0"),
        ("5.", "5.0"),
        ("-.5", "-0.5"),
        ("5é", "5"),
        ("1,2]", "<1,2]>"),
        ("hello, world", "<hello, world>"),
        ("", "<>"),
        ("NaN", "NaN"),
        (" true ", "true"),
        ("truely", "<truely>"),
        ("null", "null"),
        ("007", "7"),
        ("9223372036854775807", "9223372036854775807"),
        ("9223372036854775808", "9223372036854775808n"),
        ("1.2345678901234567", "1.2345678901234567"),
        ("1.23456789012345678", "1.23456789012345678d"),
        (r#""a\u00fc\x41\q\"" x"#, "<aüA\">"),
        (r#""\ud83d\ude00 \ud83d \ude00""#, "<😀 ? ?>"),
        ("'\u{1}'", "<\u{1}>"),
        ("'\u{1}\\n'", "<\n>"),
        ("[1\u{1a}]", ""),
    ] {
        assert_eq!(shown(json).unwrap_or_default(), expected, "{json}");
    }
}

#[test]
fn what_cannot_be_read_names_its_place() {
    for (json, expected) in [
        ("[1", "unexpected end at position 2"),
        ("{a}", "unexpected end at position 3"),
        ("{a:[] b}", "unexpected `b` at position 6"),
        ("[}", "unexpected `}` at position 1"),
        ("{[", "unexpected `[` at position 1"),
        ("]", "unexpected `]` at position 0"),
        ("{a:", "unexpected end at position 3"),
        ("\"a", "unexpected end at position 2"),
        (r#""\u00zz""#, "unexpected `z` at position 5"),
        ("1.5e+", "`1.5e+` at position 0 is no number"),
        ("1.00000000000000000e-", "`1.00000000000000000e-` at position 0 is no number"),
    ] {
        assert_eq!(read(json, &mut Show), Err(expected.to_owned()), "{json}");
    }
}

#[test]
fn nesting_is_bounded() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert_eq!(shown(&nested(DEPTH_MAX)), Some(nested(DEPTH_MAX)));
    assert!(read(&nested(DEPTH_MAX + 1), &mut Show).unwrap_err().contains("nested deeper"));
    assert_eq!(shown(&"[".repeat(100_000)), None);
    assert_eq!(shown(&"{a:".repeat(100_000)), None);
}
