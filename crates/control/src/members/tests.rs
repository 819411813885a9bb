//! Every kind and every rule, on a table made for it.

use serde_json::{Value, json};

use super::*;

const INNER: &[Member] = &[Member::flag("on"), Member::new("rate", MemberKind::Number, Rule::Replace)];

const TABLE: &[Member] = &[
    Member::text("word", 1, 5),
    Member::choice("colour", &["RED", "BLUE"]).or(|| "RED".into()),
    Member::flag("flag"),
    Member::new("size", MemberKind::Whole { min: 50, max: 100 }, Rule::Replace).invalid("size is off"),
    Member::new("list", MemberKind::Texts, Rule::Replace),
    Member::new("whole", MemberKind::TextMap { value_max: 3 }, Rule::Replace),
    Member::new("texts", MemberKind::TextMap { value_max: 3 }, Rule::MergeTexts),
    Member::new("objects", MemberKind::ObjectMap(INNER), Rule::MergeObjects),
    Member::new("object", MemberKind::Object(INNER), Rule::Replace),
    Member::new("settings", MemberKind::Object(INNER), Rule::MergeMembers).or(|| json!({"on": false, "rate": 1})),
    Member::text("born", 1, 5).fixed(),
    Member::output("made"),
    Member::refused("foreign", MemberKind::Any, "foreign is refused"),
    Member::new("unread", MemberKind::Any, Rule::Ignored),
];

fn object(value: Value) -> Document {
    match value {
        Value::Object(object) => object,
        other => panic!("not an object: {other}"),
    }
}

/// Merges `body` into `current` (null: creates) and compares what the members of `expected` became.
fn check(current: Value, body: Value, expected: Value) {
    let current = (!current.is_null()).then(|| object(current));
    let merged = merge(TABLE, "Thing", current.as_ref(), &object(body.clone())).unwrap();
    for (name, value) in object(expected) {
        assert_eq!(merged.get(&name).unwrap_or(&Value::Null), &value, "{name} after {body}");
    }
}

fn check_refused(body: Value, message: &str) {
    let refused = merge(TABLE, "Thing", None, &object(body.clone())).unwrap_err();
    assert_eq!((refused.status.as_u16(), refused.message.as_str()), (400, message), "{body}");
}

#[test]
fn every_rule_merges_in_its_own_way() {
    let cases = [
        // Absent and null: unchanged. Present: replaced. Empty: cleared, or the default again.
        (json!({"word": "a"}), json!({}), json!({"word": "a"})),
        (json!({"word": "a"}), json!({"word": null}), json!({"word": "a"})),
        (json!({"word": "a"}), json!({"word": "b"}), json!({"word": "b"})),
        (json!({"word": "a"}), json!({"word": ""}), json!({"word": null})),
        (json!({"colour": "BLUE"}), json!({"colour": ""}), json!({"colour": "RED"})),
        (json!({"flag": true}), json!({"flag": false}), json!({"flag": false})),
        (json!({"size": 60}), json!({"size": 70.0}), json!({"size": 70})),
        (json!({"list": ["a"]}), json!({"list": ["b", "c"]}), json!({"list": ["b", "c"]})),
        (json!({"list": ["a"]}), json!({"list": []}), json!({"list": null})),
        // Maps.
        (json!({"whole": {"a": "1"}}), json!({"whole": {"b": ""}}), json!({"whole": {"b": ""}})),
        (json!({"whole": {"a": "1"}}), json!({"whole": {}}), json!({"whole": null})),
        (json!({"texts": {"a": "1"}}), json!({"texts": {"b": "2"}}), json!({"texts": {"a": "1", "b": "2"}})),
        (json!({"texts": {"a": "1", "b": "2"}}), json!({"texts": {"a": ""}}), json!({"texts": {"b": "2"}})),
        (json!({"texts": {"a": "1"}}), json!({"texts": {"a": ""}}), json!({"texts": null})),
        (json!({"texts": {"a": "1"}}), json!({"texts": {}}), json!({"texts": {"a": "1"}})),
        (
            json!({"objects": {"a": {"on": true}}}),
            json!({"objects": {"a": {"rate": 2.5}, "b": {"on": false, "unknown": 1}}}),
            json!({"objects": {"a": {"on": true, "rate": 2.5}, "b": {"on": false}}}),
        ),
        // Objects.
        (json!({"object": {"on": true}}), json!({"object": {"rate": 1}}), json!({"object": {"rate": 1}})),
        (json!({"object": {"on": true}}), json!({"object": {}}), json!({"object": null})),
        (
            json!({"settings": {"on": true, "rate": 1}}),
            json!({"settings": {"rate": 9}}),
            json!({"settings": {"on": true, "rate": 9}}),
        ),
        (json!(null), json!({"settings": {"rate": 9}}), json!({"settings": {"on": false, "rate": 9}})),
        // What callers do not set.
        (json!(null), json!({"born": "x"}), json!({"born": "x"})),
        (json!({"born": "x"}), json!({"born": "y"}), json!({"born": "x"})),
        (json!({"made": "x"}), json!({"made": 7}), json!({"made": "x"})),
        (json!(null), json!({"unread": {"any": 1}, "unknown": 1}), json!({"unread": null, "unknown": null})),
        (json!(null), json!({"foreign": false}), json!({"foreign": null})),
    ];
    for (current, body, expected) in cases {
        check(current, body, expected);
    }
}

#[test]
fn a_wrong_type_names_the_member_and_what_it_should_be() {
    let cases = [
        (json!({"word": 1}), "member `word` must be a string"),
        (json!({"colour": []}), "member `colour` must be a string"),
        (json!({"flag": "true"}), "member `flag` must be a boolean"),
        (json!({"size": "50"}), "member `size` must be a number"),
        (json!({"size": 50.5}), "member `size` must be a whole number"),
        (json!({"list": "a"}), "member `list` must be a list of strings"),
        (json!({"list": ["a", 1]}), "member `list[1]` must be a string"),
        (json!({"texts": ["a"]}), "member `texts` must be an object"),
        (json!({"texts": {"k": {}}}), "member `texts.k` must be a string"),
        (json!({"objects": {"k": 1}}), "member `objects.k` must be an object"),
        (json!({"objects": {"k": {"rate": "1"}}}), "member `objects.k.rate` must be a number"),
        (json!({"object": {"on": 1}}), "member `object.on` must be a boolean"),
    ];
    for (body, message) in cases {
        check_refused(body, message);
    }
}

#[test]
fn a_value_out_of_bounds_is_refused() {
    let cases = [
        (json!({"word": "abcdef"}), "member `word` must be 1 to 5 characters long"),
        (json!({"colour": "GREEN"}), "Invalid colour specified. Must be one of [RED, BLUE]"),
        (json!({"size": 49}), "size is off"),
        (json!({"size": 101}), "size is off"),
        (json!({"size": -60}), "size is off"),
        (json!({"size": 1e300}), "size is off"),
        (json!({"texts": {"k": "abcd"}}), "member `texts.k` must be at most 3 characters long"),
        (json!({"texts": {"": "a"}}), "member `texts` must be a map with keys of 1 to 1024 characters"),
        (json!({"object": {"rate": -1}}), "member `object.rate` must be 0 or more"),
        (json!({"foreign": {"a": 1}}), "foreign is refused"),
    ];
    for (body, message) in cases {
        check_refused(body, message);
    }
    let many: Document = (0..=value::KEYS_MAX).map(|key| (key.to_string(), Value::from("v"))).collect();
    check_refused(json!({"texts": many}), "member `texts` must be a map of at most 1000 keys");
}

#[test]
fn characters_are_counted_and_not_bytes() {
    check(json!(null), json!({"word": "äöüßé"}), json!({"word": "äöüßé"}));
}

#[test]
fn members_stand_in_the_order_of_the_table() {
    let merged = merge(TABLE, "Thing", None, &object(json!({"flag": true, "word": "a"}))).unwrap();
    let names: Vec<&str> = merged.keys().map(String::as_str).collect();
    assert_eq!(names, ["word", "colour", "flag", "settings"]);
}
