//! Patterns of templates, as `String` uses them.

use super::{COMPILED_BYTES_MAX, Pattern, is_slow_pattern};

fn all(java: &str, text: &str, replacement: &str) -> Result<String, String> {
    Pattern::find(java)?.replace(text, replacement, usize::MAX)
}

#[test]
fn patterns_are_javas() {
    for (java, text, expected) in [
        ("a", "banana", "b-n-n-"),
        (r"\.", "a.b", "a-b"),
        ("", "ab", "-a-b-"),
        (r"\d+", "a12٣", "a-٣"),
        (r"[\w]+", "aé_9", "-é-"),
        (r"\s", "a b\u{a0}c", "a-b\u{a0}c"),
        ("$", "a\n", "a-\n-"),
        (r"\Q.$\E", "a.$b", "a-b"),
        (r"\Q[", "a[b", "a-b"),
        (r"[\Q]^\E]", "a]b^c", "a-b-c"),
        (r"\p{Lower}+", "aBü", "-Bü"),
        (r"\P{Punct}+", "a,b", "-,-"),
        (r"\p{IsLatin}+", "aü1", "-1"),
        ("[]a]", "]ab", "--b"),
        ("[+--~~]", "+,-~.", "----."),
        ("[--]", "a-b", "a-b"),
        (r"\<.*?\>", "a<b>c", "a-c"),
        (r"\u0041", "ABA", "-B-"),
        (r"(a)\1", "aab", "-b"),
        (r"a(?=b)", "abac", "-bac"),
        (r"a*+b", "aab", "-"),
        (r"x{2,}", "xxxy", "-y"),
    ] {
        assert_eq!(all(java, text, "-").as_deref(), Ok(expected), "{java}");
    }
}

#[test]
fn replacements_take_groups() {
    for (java, replacement, expected) in
        [("(b)(c)?", "[$1$2]", "a[b]a"), ("b", r"\$0", "a$0a"), ("b", "$0$0", "abba"), ("(b)", "$12", "ab2a")]
    {
        assert_eq!(all(java, "aba", replacement).as_deref(), Ok(expected), "{java} {replacement}");
    }
    for replacement in ["$1", "$", "$x", r"\"] {
        assert!(all("b", "aba", replacement).is_err(), "{replacement}");
    }
    assert_eq!(Pattern::find("a.").unwrap().replace("abac", "-", 1).as_deref(), Ok("-ac"));
}

#[test]
fn whole_patterns_match_whole_texts() {
    for (java, text, expected) in [
        ("abc", "abc", true),
        ("abc", "abcd", false),
        (r"a\.c", "a.c", true),
        ("a|ab", "ab", true),
        ("a|ab", "abc", false),
        ("a$", "a\n", false),
        ("", "", true),
        ("", "a", false),
    ] {
        let pattern = Pattern::whole(java).unwrap();
        assert_eq!(pattern.is_match(text), Ok(expected), "{java} {text}");
        let spans = if expected { vec![(0, text.len())] } else { Vec::new() };
        assert_eq!(pattern.spans(text, 2), Ok(spans), "{java} {text}");
        assert_eq!(pattern.replace(text, "-", 1).as_deref(), Ok(if expected { "-" } else { text }), "{java} {text}");
    }
    assert_eq!(Pattern::find("b").unwrap().is_match("abc"), Ok(true));
}

#[test]
fn what_is_no_pattern_is_told() {
    for java in ["(", "a{", "{x}", "a{,3}", "[a", "*", r"\k<x>"] {
        let error = Pattern::find(java).unwrap_err();
        assert!(error.contains(java) && Pattern::whole(java).is_err(), "{error}");
    }
}

#[test]
fn work_is_bounded_however_a_pattern_is_used() {
    let text = "a".repeat(40);
    for pattern in [Pattern::find(r"(a|aa)+\1$b"), Pattern::whole(r"(a|aa)+\1b")] {
        let pattern = pattern.unwrap();
        assert!(pattern.is_match(&text).is_err());
        assert!(pattern.spans(&text, 1).is_err());
        assert!(pattern.replace(&text, "", 1).is_err());
        // As much as the square of the text.
        assert!(pattern.steps(16_000) > 16_000_000);
    }
    let large = format!("(?:{}){{1000}}", r"\p{L}{20}");
    assert!(Pattern::find(&large).is_err() && Pattern::whole(&large).is_err(), "{COMPILED_BYTES_MAX}");
    assert!(Pattern::find("a+").unwrap().steps(16_000) == 1_000);
}

#[test]
fn what_looks_around_or_back_is_slow() {
    for java in ["a(?=b)", "a(?!b)", "(?<=a)b", "(?<!a)b", "(?>a)", "a*+", "a++", "a?+", "a{2}+", r"(a)\1", r"\Ga"] {
        assert!(is_slow_pattern(java), "{java}");
    }
    for java in ["abc", "a$", "a+$", "^a.*b$", r"\d+\Z", r"\Qa\E+"] {
        assert!(!is_slow_pattern(java), "{java}");
    }
}
