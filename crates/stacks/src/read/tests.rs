use super::*;
use crate::node::Value;

fn refused(text: &str) -> String {
    let fault = read(text).expect_err("it is over a bound");
    assert!(fault.place == Place::default() || fault.place.line > 0, "{fault:?}");
    fault.message
}

fn deepest(node: &Node) -> usize {
    match &node.value {
        Value::List(items) => 1 + items.iter().map(deepest).max().unwrap_or(0),
        Value::Map(members) => 1 + members.values().map(deepest).max().unwrap_or(0),
        _ => 1,
    }
}

#[test]
fn a_text_has_a_largest_size() {
    let text = format!("a: {}", "b".repeat(TEMPLATE_BYTES_MAX - 3));
    assert!(read(&text).is_ok());
    assert!(refused(&(text + "c")).contains("8388608 are the most"));
}

#[test]
fn as_deep_as_allowed_and_no_deeper() {
    let forms: [&dyn Fn(usize) -> String; 5] = [
        &|depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth)),
        &|depth| format!("{}{}", "{a: ".repeat(depth), "}".repeat(depth)),
        &|depth| format!("{}1{}", r#"{"a":"#.repeat(depth - 1), "}".repeat(depth - 1)),
        &|depth| format!("{}1", "- ".repeat(depth - 1)),
        &|depth| (0..depth).map(|level| format!("{}a:\n", "  ".repeat(level))).collect::<String>(),
    ];
    for form in forms {
        let node = read(&form(DEPTH_MAX - 1)).unwrap_or_else(|fault| panic!("{fault}"));
        assert!(deepest(&node) >= DEPTH_MAX - 1, "{}", deepest(&node));
        for depth in [DEPTH_MAX + 2, 300, 1_500] {
            assert!(refused(&form(depth)).contains("more than 100 deep"), "{depth}");
        }
    }
    for open in ["[", "{a: ", r#"{"a":"#, "- ", "? ", r#"{"a":["#, "!Not [", "- - [", "&a [", "a: - "] {
        assert!(read(&open.repeat(100_000)).is_err(), "{open}");
    }
}

#[test]
fn what_aliases_add_counts_in_depth() {
    let nested = |within: &str| format!("{}{within}{}", "[".repeat(60), "]".repeat(60));
    let once = format!("a: &a {}\nb: *a\n", nested("1"));
    assert!(read(&once).is_ok());
    let twice = format!("a: &a {}\nb: &b {}\n", nested("1"), nested("*a"));
    assert!(refused(&twice).contains("100 deep"));
    // A tag adds one.
    let tagged = format!("a: &a {}\nb: {}\n", "!Not [".repeat(40) + &"]".repeat(40), nested("*a"));
    assert!(refused(&tagged).contains("100 deep"));
}

#[test]
fn what_aliases_multiply_is_bounded() {
    let laughs: String =
        (1..30).map(|level| format!("a{level}: &a{level} [*a{0}, *a{0}, *a{0}, *a{0}]\n", level - 1)).collect();
    assert!(refused(&format!("a0: &a0 [x, y]\n{laughs}")).contains("500000 values"));
    let merged: String =
        (1..30).map(|level| format!("a{level}: &a{level} {{b{level}: *a{0}, c: *a{0}}}\n", level - 1)).collect();
    assert!(refused(&format!("a0: &a0 {{x: y}}\n{merged}")).contains("500000 values"));
    let long = "x".repeat(1 << 20);
    assert!(refused(&format!("a: &a {long}\nb: [{}]", "*a, ".repeat(100))).contains("67108864 bytes"));
    let keys = format!("a: &a {{{long}: 1}}\nb: [{}]", "*a, ".repeat(100));
    assert!(read(&keys).is_err());
    // Each anchor within an anchor keeps a copy.
    let anchors = format!("{}1{}", "&a [1, ".repeat(90), "]".repeat(90));
    assert!(read(&anchors).is_ok());
}

#[test]
fn values_have_a_largest_number() {
    let items = |number: usize| "1,".repeat(number - 1) + "1";
    assert!(refused(&format!("[{}]", items(NODES_MAX))).contains("500000 values"));
    assert!(refused(&format!("{{\"a\": [{}]}}", items(NODES_MAX))).contains("500000 values"));
    assert!(read(&format!("{{\"a\": [{}]}}", items(NODES_MAX - 2))).is_ok());
}

#[test]
fn json_is_read_as_yaml_reads_it() {
    fn bare(node: &Node) -> Node {
        Node::nowhere(match &node.value {
            Value::List(items) => Value::List(items.iter().map(bare).collect()),
            Value::Map(members) => Value::Map(members.iter().map(|(key, node)| (key.clone(), bare(node))).collect()),
            other => other.clone(),
        })
    }
    for name in [
        "03-authorizer-apikey.json",
        "04-cdk-chat.template.json",
        "05-serverless.compiled.json",
        "07-sam-websocketapi.expanded.json",
    ] {
        let text = std::fs::read_to_string(format!("{}/../../corpus/iac/{name}", env!("CARGO_MANIFEST_DIR")))
            .expect("it is there");
        let json = read(&text).expect("it is JSON");
        assert_eq!(json.to_json(), serde_json::from_str::<serde_json::Value>(&text).expect("it is JSON"), "{name}");
        let yaml = read(&format!("# so that it is YAML\n{text}")).expect("JSON is YAML");
        assert_eq!(bare(&json), bare(&yaml), "{name}");
        assert_ne!(json, yaml, "the places are a line further");
    }
}
