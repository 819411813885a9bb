//! No path and no document panics, runs without end or takes the stack.

use std::fmt::Write;

use jsonpath::{ErrorKind, Path};
use serde_json::json;

/// As long as a template may be.
const LONG_BYTES: usize = 300 * 1024;

#[test]
fn long_paths_are_refused_and_do_not_exhaust_the_stack() {
    for part in [
        "(", "[", "[?(", ".a", "[0]", "..a", "[*]", "!", "@", "'", "\"", "\\", "[?(@.a", ".f(", "$.a(", "{", "/",
        "&& ", "[?(!", "['a',",
    ] {
        for start in ["$", "$.a", "$.a[?(", "$.concat(", "", "$.a[?(@ == ", "$['"] {
            for bytes in [LONG_BYTES, 60 * 1024] {
                let path = format!("{start}{}", part.repeat(bytes / part.len()));
                if let Ok(path) = Path::parse(&path) {
                    // What is read can be run.
                    let _ = path.ask(&json!({"a": [{"a": 1}]}));
                }
            }
        }
    }
}

#[test]
fn what_nests_is_bounded_by_name() {
    let nested = |open: &str, middle: &str, close: &str, depth: usize| {
        Path::parse(&format!("{}{middle}{}", open.repeat(depth), close.repeat(depth)))
    };
    assert!(nested("$.a[?(@", ".b", ")]", 1).is_ok());
    let limit = |path: Result<Path, jsonpath::Error>| path.unwrap_err().kind == ErrorKind::Limit;
    assert!(limit(Path::parse(&format!("$.a[?({}@.a{})]", "(".repeat(1000), ")".repeat(1000)))));
    assert!(limit(Path::parse(&format!("$.a[?({}(@.a))]", "!".repeat(1000)))));
    assert!(limit(Path::parse(&format!("${}", ".a".repeat(1000)))));
    assert!(limit(Path::parse(&format!("$.a[?({}@.a)]", "@.a || ".repeat(1000)))));
    assert!(limit(Path::parse(&format!("$.a[?({}@.a)]", "@.a =~ /a/ || ".repeat(100)))));
    assert!(limit(Path::parse(&"a".repeat(LONG_BYTES))));
}

#[test]
fn the_longest_paths_run_on_the_deepest_document_within_the_stack_of_a_thread() {
    // As deep as a body may nest.
    let document =
        (0..400).fold(json!(1), |inside, level| if level % 2 == 0 { json!({"a": inside}) } else { json!([inside]) });
    let maps = (0..400).fold(json!(1), |inside, _| json!({"a": inside}));
    let longest = |step: &str| {
        let count = (1..).take_while(|count| Path::parse(&format!("${}", step.repeat(*count))).is_ok()).count();
        Path::parse(&format!("${}", step.repeat(count))).unwrap()
    };
    for step in
        [".a", ".*", "[*]", "..a", "..*", "..[0]", "['a','b']", "[?(@.a)].a", "[?(@..a)]", "..[?(@..a == $..a)]"]
    {
        for document in [&document, &maps] {
            if let Err(error) = longest(step).ask(document) {
                assert_eq!(error.kind, ErrorKind::Limit, "{step}: {error}");
            }
        }
    }
    let filters = format!("${}{}", "[?(@.a".repeat(16), ")]".repeat(16));
    assert!(Path::parse(&filters).unwrap().ask(&maps).unwrap().is_some());
    let all = format!("{}.length()", "$".to_owned() + &".a".repeat(399));
    assert_eq!(Path::parse(&all).unwrap().ask(&maps).unwrap().as_deref(), Some(&json!(1)));
}

#[test]
fn scans_that_multiply_stop_at_a_limit() {
    let mut document = json!([]);
    for _ in 0..100 {
        document = json!([document, {"a": 1}]);
    }
    let path = Path::parse("$..*..*..*..*..*..*").unwrap();
    assert_eq!(path.ask(&document).unwrap_err().kind, ErrorKind::Limit);
}

#[test]
fn filters_that_compare_long_texts_stop_at_a_limit() {
    let list: Vec<_> = (0..20_000).collect();
    let document = json!({"list": list, "text": "a".repeat(100_000), "paths": ["$.a".repeat(20_000)]});
    for filter in ["$.text =~ /(a|b)*c/", "$.text == @", "'x' in $.paths", "$.text == $.text"] {
        let path = Path::parse(&format!("$.list[?({filter})]")).unwrap();
        assert_eq!(path.ask(&document).unwrap_err().kind, ErrorKind::Limit, "{filter}");
    }
    let joined = format!("$.list[*].concat({}0)", "$.text, ".repeat(200));
    assert_eq!(Path::parse(&joined).unwrap().ask(&document).unwrap_err().kind, ErrorKind::Limit);
}

/// A generator of our own, so that a failure can be had again from the seed it prints.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).unwrap()
    }
}

#[test]
fn random_paths_do_not_panic_and_text_and_trees_agree() {
    const PIECES: &[&str] = &[
        "$",
        "@",
        ".",
        "..",
        "*",
        "[",
        "]",
        "(",
        ")",
        "[?(",
        ")]",
        "a",
        "b",
        "ü",
        "😀",
        "'",
        "\"",
        "\\",
        "\\u00e",
        "0",
        "-1",
        ":",
        ",",
        " ",
        "==",
        "!=",
        "<",
        "=~",
        "/x/",
        "in",
        "nin",
        "size",
        "empty",
        "contains",
        "anyof",
        "&&",
        "||",
        "!",
        "{",
        "}",
        "[*]",
        "['a']",
        "[0]",
        "length()",
        "sum()",
        "concat(\"a\")",
        "first()",
        "index(1)",
        "true",
        "null",
        "1.5e3",
        "@.a",
        "$.b",
        "[1,2]",
        "\t",
    ];
    let document = json!({
        "a": [1, "x", null, {"b": [true, "$.a", "[1]"], "ü": -1.5}, [[1], [2, 3]]],
        "b": {"a": {"a": 1e300, "b": "'q'"}, "": ""},
        "c": "text",
    });
    let text = document.to_string();
    let seed = 0x5eed_0001;
    let mut dice = Dice(seed);
    let mut parsed = 0;
    for round in 0..40_000 {
        let mut path = String::from(["$", "$.a", "$..", "$.a[?(@", ""][dice.roll(5)]);
        for _ in 0..dice.roll(8) {
            let _ = write!(path, "{}", PIECES[dice.roll(PIECES.len())]);
        }
        path.push_str(["", ")]", ".a", "]", " == 1)]"][dice.roll(5)]);
        let Ok(read) = Path::parse(&path) else { continue };
        parsed += 1;
        let found = read.find(&document).map(std::borrow::Cow::into_owned);
        assert_eq!(read.scan(text.as_bytes()).unwrap(), found, "seed {seed}, round {round}: {path}");
        if let (false, Ok(Some(found))) = (read.is_definite(), read.ask(&document)) {
            assert!(found.is_array(), "seed {seed}, round {round}: {path}");
        }
    }
    assert!(parsed > 1000, "only {parsed} paths could be read: the generator is no use");
}
