//! What the fuzz target of crate `stacks` does with any bytes: a template is read, sorted and evaluated, or told what is wrong.
//!
//! Plain functions, so that the tests of `stacks` run them too, over the corpora with pieces exchanged.

use indexmap::IndexMap;
use serde_json::Value as Json;
use stacks::read::read;
use stacks::scope::{Others, Pseudo, References, Scope};
use stacks::template::Template;
use stacks::{Fault, Node, Place};

/// The longest input that is looked at.
const INPUT_BYTES_MAX: usize = 64 * 1024;
/// What a fault says at most: a few pieces of the template, cut, and a list of parameters or resources.
const FAULT_BYTES_MAX: usize = 2 * INPUT_BYTES_MAX;

struct Names;

impl References for Names {
    fn reference(&self, logical: &str) -> Option<Node> {
        Some(Node::text(logical, Place::default()))
    }

    fn attribute(&self, logical: &str, attribute: &str) -> Option<Node> {
        (attribute != "Nothing").then(|| Node::text(format!("{logical}.{attribute}"), Place::default()))
    }
}

/// A template. What is wrong with it stands within it and can be shown; strict JSON is read as it says; what exists is ordered,
/// each behind what it waits for, and evaluates twice to the same.
pub(crate) fn template(bytes: &[u8]) {
    let Some(text) = std::str::from_utf8(bytes).ok().filter(|text| text.len() <= INPUT_BYTES_MAX) else { return };
    let document = match read(text) {
        Ok(document) => document,
        Err(fault) => return checked(&[fault], text),
    };
    if let Ok(json) = serde_json::from_str::<Json>(text)
        && text.trim_start().starts_with('{')
    {
        assert_eq!(document.to_json(), json);
    }
    let template = match Template::of(&document) {
        Ok(template) => template,
        Err(faults) => return checked(&faults, text),
    };
    // Those without a default get something that fits most types.
    let missing = template.parameters.iter().filter(|(_, parameter)| parameter.default.is_none());
    let given: IndexMap<String, String> = missing.map(|(name, _)| (name.clone(), "1".to_owned())).collect();
    let pseudo = Pseudo { region: "us-east-1".to_owned(), stack_name: "demo".to_owned(), ..Pseudo::default() };
    let scope = match Scope::new(&template, &given, pseudo, &Others::default()) {
        Ok(scope) => scope,
        Err(faults) => return checked(&faults, text),
    };
    match scope.order() {
        Ok(order) => {
            assert_eq!(order.len(), template.resources.keys().filter(|name| scope.exists(name)).count());
            let position = |name: &str| order.iter().position(|each| *each == name);
            for (index, name) in order.iter().enumerate() {
                for other in &template.resources[*name].depends_on {
                    assert!(position(other).is_none_or(|other| other < index), "{name} waits for {other}");
                }
            }
            for (deployment, route) in scope.implied() {
                assert!(position(route) < position(deployment), "{deployment} waits for {route}");
            }
        }
        Err(fault) => checked(&[fault], text),
    }
    let properties = template.resources.iter().filter(|(name, _)| scope.exists(name));
    let properties = properties.map(|(name, each)| (format!("Resources.{name}.Properties"), &each.properties));
    let outputs = template.outputs.iter().map(|(name, each)| (format!("Outputs.{name}.Value"), &each.value));
    for (path, node) in properties.chain(outputs) {
        let evaluated = scope.evaluate(node, &path, &Names);
        if let Err(fault) = &evaluated {
            assert!(fault.path.starts_with(&path), "{fault:?}");
            checked(std::slice::from_ref(fault), text);
        }
        assert_eq!(scope.evaluate(node, &path, &Names), evaluated);
    }
}

fn checked(faults: &[Fault], text: &str) {
    assert!(!faults.is_empty());
    let lines = text.split(['\n', '\r']).count();
    for fault in faults {
        assert!(!fault.message.is_empty() && fault.message.len() <= FAULT_BYTES_MAX, "{fault:?}");
        assert!(fault.place.line as usize <= lines + 1, "{fault:?} of {lines} lines");
        assert!((fault.place.line == 0) == (fault.place.column == 0), "{fault:?}");
        assert!(fault.shown("template.yaml", text).contains(&fault.message));
    }
}
