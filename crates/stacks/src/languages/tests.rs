use serde_json::{Value as Json, json};

use super::*;

fn known() -> Known {
    Known { parameters: Default::default(), region: "eu-west-1".into(), partition: "aws".into() }
}

fn check(document: Json, expected: Result<Json, &str>) {
    let expanded = expand(&Node::of_json(&document), &known()).map(|node| node.to_json());
    match (expanded, expected) {
        (Ok(expanded), Ok(expected)) => assert_eq!(expanded, expected),
        (Err(faults), Err(part)) => {
            assert!(faults.iter().any(|fault| fault.to_string().contains(part)), "{faults:?} without {part:?}");
        }
        (expanded, expected) => panic!("{expanded:?} is not {expected:?}"),
    }
}

#[test]
fn a_loop_makes_one_of_each() {
    check(
        json!({"Resources": {
            "Api": {"Type": "A"},
            "Fn::ForEach::Routes": ["Key", ["join", "leave"], {
                "Route${Key}": {"Type": "R", "Properties": {"RouteKey": "${Key}", "Name": {"Ref": "Key"}, "Sum": {"Fn::Sub": "${AWS::Region}-${Key}"}}},
            }],
        }}),
        Ok(json!({"Resources": {
            "Api": {"Type": "A"},
            "Routejoin": {"Type": "R", "Properties": {"RouteKey": "join", "Name": "join", "Sum": {"Fn::Sub": "${AWS::Region}-join"}}},
            "Routeleave": {"Type": "R", "Properties": {"RouteKey": "leave", "Name": "leave", "Sum": {"Fn::Sub": "${AWS::Region}-leave"}}},
        }})),
    );
}

#[test]
fn loops_stand_in_each_other_in_properties_conditions_and_outputs() {
    check(
        json!({
            "Parameters": {"Stages": {"Type": "CommaDelimitedList", "Default": "dev, prod.eu"}},
            "Mappings": {"Rooms": {"eu-west-1": {"names": ["a", "b"]}}},
            "Conditions": {"Fn::ForEach::C": ["S", {"Ref": "Stages"}, {"Is&{S}": {"Fn::Equals": ["${S}", "dev"]}}]},
            "Resources": {"Fn::ForEach::S": ["S", {"Ref": "Stages"}, {"Fn::ForEach::R": ["R", {"Fn::FindInMap": ["Rooms", {"Ref": "AWS::Region"}, "names"]}, {
                "X&{S}${R}": {"Type": "R", "Properties": {"Fn::ForEach::P": ["P", ["one", "two"], {"${P}": "${S}/${R}"}], "Other": 1}}
            }]}]},
            "Outputs": {"Fn::ForEach::O": ["O", ["x"], {"Out${O}": {"Value": "${O} ${Unknown}", "Arn": {"Fn::GetAtt": [{"Fn::Sub": "X${O}"}, "Arn"]}}}]},
        }),
        Ok(json!({
            "Parameters": {"Stages": {"Type": "CommaDelimitedList", "Default": "dev, prod.eu"}},
            "Mappings": {"Rooms": {"eu-west-1": {"names": ["a", "b"]}}},
            "Conditions": {"Isdev": {"Fn::Equals": ["dev", "dev"]}, "Isprodeu": {"Fn::Equals": ["prod.eu", "dev"]}},
            "Resources": {
                "Xdeva": {"Type": "R", "Properties": {"one": "dev/a", "two": "dev/a", "Other": 1}},
                "Xdevb": {"Type": "R", "Properties": {"one": "dev/b", "two": "dev/b", "Other": 1}},
                "Xprodeua": {"Type": "R", "Properties": {"one": "prod.eu/a", "two": "prod.eu/a", "Other": 1}},
                "Xprodeub": {"Type": "R", "Properties": {"one": "prod.eu/b", "two": "prod.eu/b", "Other": 1}},
            },
            "Outputs": {"Outx": {"Value": "x ${Unknown}", "Arn": {"Fn::GetAtt": ["Xx", "Arn"]}}},
        })),
    );
}

#[test]
fn a_loop_that_is_none_is_a_fault() {
    for (looped, part) in [
        (json!("x"), "list of three"),
        (json!(["X", ["a"]]), "list of three"),
        (json!([1.5, ["a"], {}]), "name of letters"),
        (json!(["X", "a", {}]), "runs over a list"),
        (json!(["X", {"Fn::GetAtt": ["A", "B"]}, {}]), "nothing else is known"),
        (json!(["X", {"Ref": "Unknown"}, {}]), "nothing else is known"),
        (json!(["X", [{"a": 1, "b": 2}], {"a${X}": 1}]), "runs over texts"),
        (json!(["X", ["a"], ["x"]]), "is a map, not a list"),
        (json!(["X", ["a", "b"], {"same": 1}]), "the same key"),
        (json!(["X", ["a"], {"Fn::ForEach::Y": ["X", ["b"], {}]}]), "loop around this one"),
    ] {
        check(json!({"Resources": {"Fn::ForEach::L": looped}}), Err(part));
    }
}

#[test]
fn a_loop_is_bounded() {
    let many: Vec<String> = (0..200).map(|number| number.to_string()).collect();
    let mut body = json!({"R${A}x${B}x${C}x${D}": {"Type": "T"}});
    for variable in ["D", "C", "B", "A"] {
        body = json!({format!("Fn::ForEach::{variable}"): [variable, many, body]});
    }
    let faults = expand(&Node::of_json(&json!({"Resources": body})), &known()).expect_err("too much");
    assert!(faults.len() == 1 && faults[0].message.contains("megabytes"), "{faults:?}");
    let mut deep = json!({"${A}": 1});
    for level in ["A", "B", "C", "D", "E", "F"] {
        deep = json!({format!("Fn::ForEach::{level}"): [level, ["x"], deep]});
    }
    check(json!({"Resources": deep}), Err("in each other"));
}
