//! Templates put together at random: nothing panics, hangs or grows without bound, and the answer is always one.
//!
//! The seed is fixed and printed; `GATEWRIGHT_TEST_SEED` takes another one.

#![allow(clippy::disallowed_methods, reason = "a test reads the corpus")]

mod generator;

use generator::Generator;

const SEED: u64 = 20_260_101;
const TEMPLATES: usize = 2_000;
/// What an answer may be at most: the output limit, escaped, and its frame.
const ANSWER_BYTES_MAX: usize = 8 << 20;

/// The members of an answer, after checks that hold for every template.
fn answer_to(template: &str) -> serde_json::Value {
    let case = serde_json::json!({
        "id": 1,
        "template": template,
        "input": {"body": "{\"a\": [1, {\"b\": null}], \"c\": \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}"},
        "context": {"requestOverride": {}},
    });
    let answer = mapping::batch_line(&case.to_string());
    assert!(answer.len() <= ANSWER_BYTES_MAX, "{} bytes for {template}", answer.len());
    let answer: serde_json::Value = serde_json::from_str(&answer).expect("an answer is JSON");
    let failed = answer.get("error").is_some();
    assert_ne!(failed, answer.get("output").is_some(), "{template}: {answer}");
    if failed {
        assert!(answer["line"].as_u64() >= Some(1) && answer["column"].as_u64() >= Some(1), "{template}: {answer}");
    }
    answer
}

#[test]
fn a_random_template_renders_or_fails_within_its_bounds() {
    let seed = std::env::var("GATEWRIGHT_TEST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(SEED);
    println!("seed {seed}");
    let mut generator = Generator::new(seed);
    let mut rendered = 0;
    for _ in 0..TEMPLATES {
        let template = generator.template_of_pieces();
        if answer_to(&template).get("output").is_some() {
            rendered += 1;
        }
    }
    // A generator whose templates never parse, or never fail, would test little.
    assert!((TEMPLATES / 20..TEMPLATES).contains(&rendered), "{rendered} of {TEMPLATES} rendered");
}

#[test]
fn what_nests_too_deeply_is_refused() {
    const BYTES: usize = 300_000;
    for (front, piece) in [
        ("#set($x = ", "("),
        ("#set($x = ", "["),
        ("#set($x = ", "{1:"),
        ("#if(", "!"),
        ("", "#if(true)"),
        ("", "#foreach($i in [1])"),
        ("", "#define($d)"),
        ("", "#@b()"),
        ("", "$x.a("),
        ("", "$x["),
        ("", "$x[$x"),
        ("#set($x = ", "1 + ("),
        ("", "#foo([$x.a("),
    ] {
        let template = format!("{front}{}", piece.repeat(BYTES / piece.len()));
        assert_eq!(answer_to(&template)["error"], "parse", "{piece}");
    }
}

#[test]
fn long_flat_templates_are_no_trouble() {
    for (piece, least) in [("$x ", 100_000), ("a", 300_000), ("#if(true)x#end", 20_000), ("\\\\", 100_000), ("$x.a", 0)]
    {
        let template = piece.repeat(300_000 / piece.len());
        let answer = answer_to(&template);
        assert!(answer["output"].as_str().map_or(0, str::len) >= least, "{piece}: {}", answer["message"]);
    }
}

#[test]
fn a_rendering_that_grows_without_end_reaches_a_limit() {
    let loops = "#foreach($i in [1..1000])#foreach($j in [1..1000])";
    for body in [
        "aaaaaaaaaaaaaaaa",
        "#set($x = \"$!x$!x.\")",
        "#set($s = $s + 'a' + $s)",
        "#foreach($k in [1..1000])#foreach($l in [1..1000])#set($y = 1)#end#end",
        "#set($n = $n * 99999999999999999999)#set($n = 7)#foreach($k in [1..1000])#set($n = $n * $n)#end",
    ] {
        let answer = answer_to(&format!("#set($n = 7)#set($s = 'a'){loops}{body}#end#end"));
        assert_eq!(answer["error"], "eval", "{body}: {answer}");
    }
    let doubling = "#set($l = ['a'])#set($k = ['a'])#foreach($i in [1..60])#set($l = [$l, $l])#set($k = [$k, $k])#end";
    for end in ["$l", "#if($l == $k)x#end", "$l.hashCode()"] {
        assert_eq!(answer_to(&format!("{doubling}{end}"))["error"], "eval", "{end}");
    }
    let nested = "#set($l = [])#foreach($i in [1..1000])#foreach($j in [1..100])#set($l = [$l])#end#{end}";
    assert_eq!(answer_to(&format!("{nested}done"))["output"], "done");
    assert_eq!(answer_to(&format!("{nested}$l"))["error"], "eval");
}

#[test]
fn what_contains_itself_is_an_error_to_print_and_nothing_else() {
    let tied = "#set($m = {})#set($l = [$m])#set($m.l = $l)";
    assert_eq!(answer_to(&format!("{tied}fine"))["output"], "fine");
    assert_eq!(answer_to(&format!("{tied}$l"))["error"], "eval");
}
