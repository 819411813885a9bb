use serde_json::{Value as Json, json};

use super::*;
use crate::serverless::tests_support::{given, map};

fn check(document: Json, variable: &str, expected: Result<Json, &str>) {
    let read = |path: &str| match path {
        "config/a.yml" => Some(
            "x: {y: \"${sls:stage}\", z: [1, 2]}\nself: \"${file(config/a.yml):self}\"\nothers: \"${self:custom}\"\n"
                .to_owned(),
        ),
        "b.json" => Some("{\"k\": \"v\"}".to_owned()),
        "text.vtl" => Some("$input.body".to_owned()),
        "bad.yml" => Some("a: [".to_owned()),
        _ => None,
    };
    let (options, environment, parameters) = (map(&[("x", "1")]), map(&[("HOME", "h")]), map(&[("p", "q")]));
    let mut given = given(&options, &environment, &parameters, &read);
    given.stage = Some("test");
    let document = Node::of_json(&document);
    let variables = Variables::new(&document, &given);
    let found = variables.value(Cow::Owned(Node::text(variable, Place { line: 3, column: 4 })));
    match (found.map(|node| node.to_json()), expected) {
        (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{variable}"),
        (Err(fault), Err(part)) => {
            assert!(fault.message.contains(part), "{variable}: {} without {part:?}", fault.message)
        }
        (found, expected) => panic!("{variable}: {found:?} is not {expected:?}"),
    }
}

#[test]
fn each_source_has_its_values() {
    let document = json!({
        "service": "s", "custom": {"a": {"b": [10, {"c": "deep"}]}, "chain": "${self:custom.a.b.1.c}", "map": "${self:custom.a}", "on": true},
        "params": {"test": {"own": "t"}, "default": {"own": "d", "shared": "${self:service}"}},
    });
    for (variable, expected) in [
        ("${sls:stage}", json!("test")),
        ("${opt:stage}", json!("test")),
        ("${opt:x}", json!("1")),
        ("${opt:y, 'fallback'}", json!("fallback")),
        ("${opt:y, opt:z, \"f\"}", json!("f")),
        ("${opt:y, 12}", json!(12)),
        ("${opt:y, null}", json!(null)),
        ("${opt:y, ${env:HOME}}", json!("h")),
        ("${env:HOME}", json!("h")),
        ("${param:p}", json!("q")),
        ("${param:own}", json!("t")),
        ("${param:shared}", json!("s")),
        ("${self:service}", json!("s")),
        ("${self:custom.a.b.1.c}", json!("deep")),
        ("${self:custom.a.b.0}", json!(10)),
        ("${self:custom.chain}", json!("deep")),
        ("${self:custom.map}", json!({"b": [10, {"c": "deep"}]})),
        ("${self:custom.map.b.1}", json!({"c": "deep"})),
        ("${self:custom.${opt:y, 'a'}.b.0}", json!(10)),
        ("${self:provider.stage, 'none said'}", json!("none said")),
        ("${aws:region}/${aws:accountId}", json!("us-east-1/000000000000")),
        ("${self:custom.on}", json!(true)),
        ("${strToBool(${self:custom.on})}", json!(true)),
        ("a ${sls:stage} ${AWS::Region} ${Name} b", json!("a test ${AWS::Region} ${Name} b")),
        ("\\${sls:stage}", json!("${sls:stage}")),
        ("${file(./config/../config/a.yml):x}", json!({"y": "test", "z": [1, 2]})),
        ("${file(config/a.yml):x.z.1}", json!(2)),
        ("${file(b.json)}", json!({"k": "v"})),
        ("${file(none.yml):x, 'no'}", json!("no")),
        ("${file(text.vtl)}", json!("$input.body")),
    ] {
        check(document.clone(), variable, Ok(expected));
    }
}

#[test]
fn what_is_outside_is_said() {
    for (variable, part) in [
        ("${cf:stack.Output}", "npx osls package"),
        ("${ssm:/a/b}", "npx osls package"),
        ("${s3:b/k}", "npx osls package"),
        ("${file(a.js):x}", "is a program"),
        ("${file(../a.yml)}", "outside the service's folder"),
        ("${file(/etc/passwd)}", "outside the service's folder"),
        ("${file(a/../../b.yml)}", "outside the service's folder"),
        ("${file(bad.yml):a}", "in bad.yml, line"),
        ("${opt:none}", "has no value"),
        ("${self:custom.none.a}", "has no value"),
        ("x${self:custom}", "stands in a text and is a map"),
        ("${self:a what}", "has no value"),
        ("${self:a, what}", "not written as a variable"),
        ("${strToBool(x)}", "strToBool takes"),
    ] {
        check(json!({"custom": {"a": 1}}), variable, Err(part));
    }
}

#[test]
fn variables_are_bounded() {
    let circle = json!({"custom": {"a": "${self:custom.b}", "b": "x${self:custom.c}", "c": "${self:custom.a}", "whole": {"again": "${self:custom.whole}"}}});
    check(circle.clone(), "${self:custom.a}", Err("self:custom.a -> self:custom.b -> self:custom.c -> self:custom.a"));
    check(circle.clone(), "${self:custom.whole}", Err("without end"));
    check(circle.clone(), "${file(config/a.yml):self}", Err("in a circle"));
    check(circle, "${file(config/a.yml):others}", Err("in a circle"));
    // Each of thirty names the next twice: a billion values of nothing, or of much.
    for (last, part) in [("", "variables are looked up"), ("x", "")] {
        let mut custom = serde_json::Map::new();
        for level in 0..30 {
            custom.insert(format!("v{level}"), json!(format!("${{self:custom.v{0}}}${{self:custom.v{0}}}", level + 1)));
        }
        custom.insert("v30".into(), json!(last));
        check(json!({"custom": custom}), "${self:custom.v0}", Err(part));
    }
    let mut custom = serde_json::Map::new();
    for level in 0..30 {
        let next = format!("${{self:custom.v{}}}", level + 1);
        custom.insert(format!("v{level}"), json!({"a": next, "b": next}));
    }
    custom.insert("v30".into(), json!("x".repeat(1_000)));
    check(json!({"custom": custom}), "${self:custom.v0}", Err(""));
    let nested = format!("{}sls:stage{}", "${opt:n, ".repeat(200), "}".repeat(200));
    check(json!({}), &nested, Err(""));
}
