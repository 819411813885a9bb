//! What a template's values name: resources, parameters and conditions.

use std::collections::HashSet;

use crate::fault::{Faults, nearest, shortened};
use crate::node::{Node, Value};
use crate::substitution::{self, Piece};
use crate::template::Template;

/// The pseudo parameters.
pub(crate) const PSEUDO: [&str; 8] = [
    "AWS::AccountId",
    "AWS::NoValue",
    "AWS::NotificationARNs",
    "AWS::Partition",
    "AWS::Region",
    "AWS::StackId",
    "AWS::StackName",
    "AWS::URLSuffix",
];

/// The functions that stand in properties, and those that stand in conditions and rules only.
pub(crate) const FUNCTIONS: [&str; 15] = [
    "Fn::GetAtt",
    "Fn::Sub",
    "Fn::Join",
    "Fn::If",
    "Fn::Select",
    "Fn::Split",
    "Fn::FindInMap",
    "Fn::Base64",
    "Fn::ImportValue",
    "Fn::Cidr",
    "Fn::GetAZs",
    "Fn::Transform",
    "Fn::Length",
    "Fn::ToJsonString",
    "Fn::GetStackOutput",
];
pub(crate) const TESTS: [&str; 10] = [
    "Fn::Equals",
    "Fn::And",
    "Fn::Or",
    "Fn::Not",
    "Fn::Contains",
    "Fn::EachMemberEquals",
    "Fn::EachMemberIn",
    "Fn::RefAll",
    "Fn::ValueOf",
    "Fn::ValueOfAll",
];

/// How deep values may stand in each other where they are walked through: what reads them takes less, and what transforms
/// make of them is a little deeper. An unoptimised build needs about 6 KB of stack for each level, of 2 MB.
pub(crate) const WALK_DEPTH_MAX: usize = 150;

/// A name that a value uses.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Name<'n> {
    /// `Ref`, or `${X}` where `sub`.
    Ref { name: &'n str, sub: bool },
    /// `Fn::GetAtt`, or `${X.Y}` where `sub`: `logical` is `X`.
    Attribute { logical: &'n str, whole: &'n str, sub: bool },
    /// A resource or parameter whose name is made by a function, as `AWS::LanguageExtensions` has it.
    Made(&'n Node),
    /// What `Fn::If` or, between conditions, `Condition` asks.
    Condition(&'n str),
    /// A function that there is not.
    Unknown(&'n str),
    /// What stands here is not looked into any more.
    TooDeep,
}

/// Walks through a value and tells each name that it uses, with the value that uses it.
pub(crate) struct Walk<'w, 'n> {
    /// Which branch of an `Fn::If` counts; both, where it says nothing.
    pub(crate) taken: &'w dyn Fn(&str) -> Option<bool>,
    /// Between conditions `Condition` is a function, elsewhere a key as any other.
    pub(crate) conditions: bool,
    pub(crate) told: &'w mut dyn FnMut(Name<'n>, &'n Node, &str),
    pub(crate) path: String,
}

impl<'n> Walk<'_, 'n> {
    pub(crate) fn through(&mut self, node: &'n Node) {
        self.walk(node, 0);
    }

    fn walk(&mut self, node: &'n Node, depth: usize) {
        if depth > WALK_DEPTH_MAX {
            return (self.told)(Name::TooDeep, node, &self.path);
        }
        match &node.value {
            Value::Null | Value::Text(_) | Value::Plain(_) => {}
            Value::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.within(&format!("[{index}]"), item, depth);
                }
            }
            Value::Map(members) => match node.as_function() {
                Some((name, argument)) if name != "Condition" || self.conditions => {
                    self.function(name, argument, node, depth);
                }
                _ => {
                    for (key, member) in members {
                        self.within(&format!(".{key}"), member, depth);
                    }
                }
            },
        }
    }

    fn within(&mut self, step: &str, node: &'n Node, depth: usize) {
        let base = self.path.len();
        self.path.push_str(step);
        self.walk(node, depth + 1);
        self.path.truncate(base);
    }

    fn tell(&mut self, name: Name<'n>, node: &'n Node) {
        (self.told)(name, node, &self.path);
    }

    fn arguments(&mut self, argument: &'n Node, depth: usize) {
        match &argument.value {
            // The argument's own items are no items of the property.
            Value::List(items) => items.iter().for_each(|item| self.walk(item, depth + 2)),
            _ => self.walk(argument, depth + 1),
        }
    }

    fn function(&mut self, name: &'n str, argument: &'n Node, node: &'n Node, depth: usize) {
        match name {
            "Ref" => match argument.as_str() {
                Some(name) => self.tell(Name::Ref { name, sub: false }, node),
                None => {
                    self.tell(Name::Made(argument), node);
                    self.arguments(argument, depth);
                }
            },
            "Condition" => {
                if let Some(name) = argument.as_str() {
                    self.tell(Name::Condition(name), node);
                }
            }
            "Fn::GetAtt" => {
                if let Some(whole) = argument.as_str() {
                    if let Some((logical, _)) = whole.split_once('.') {
                        self.tell(Name::Attribute { logical, whole, sub: false }, node);
                    }
                    return;
                }
                if let Some(first) = argument.as_list().and_then(<[Node]>::first) {
                    let name = first.as_str().map(|logical| Name::Attribute { logical, whole: logical, sub: false });
                    self.tell(name.unwrap_or(Name::Made(first)), node);
                }
                self.arguments(argument, depth);
            }
            "Fn::Sub" => {
                let (text, variables) = match argument.as_list() {
                    Some([text, variables, ..]) => (text.as_str(), Some(variables)),
                    Some(_) => (None, None),
                    None => (argument.as_str(), None),
                };
                for piece in text.into_iter().flat_map(substitution::pieces) {
                    let Piece::Variable(name) = piece else { continue };
                    if variables.is_some_and(|variables| variables.get(name).is_some()) {
                        continue;
                    }
                    match name.split_once('.') {
                        Some((logical, _)) => self.tell(Name::Attribute { logical, whole: name, sub: true }, node),
                        None => self.tell(Name::Ref { name, sub: true }, node),
                    }
                }
                if let Some(variables) = variables {
                    self.arguments(variables, depth);
                }
            }
            "Fn::If" => {
                let Some([condition, then, otherwise]) = argument.as_list() else {
                    return self.arguments(argument, depth);
                };
                let mut taken = None;
                if let Some(name) = condition.as_str() {
                    self.tell(Name::Condition(name), node);
                    taken = (self.taken)(name);
                }
                if taken != Some(false) {
                    self.walk(then, depth + 2);
                }
                if taken != Some(true) {
                    self.walk(otherwise, depth + 2);
                }
            }
            _ => {
                if !FUNCTIONS.contains(&name) && !TESTS.contains(&name) {
                    self.tell(Name::Unknown(name), node);
                }
                self.arguments(argument, depth);
            }
        }
    }
}

/// Finds each name that nothing in the template has. `there`: the parameters and resources.
pub(crate) fn check(template: &Template, there: &HashSet<&str>, faults: &mut Faults) {
    for (name, resource) in &template.resources {
        names(template, there, &resource.properties, format!("Resources.{name}.Properties"), faults);
    }
    for (name, node) in &template.conditions {
        names(template, there, node, format!("Conditions.{name}"), faults);
    }
    for (name, output) in &template.outputs {
        names(template, there, &output.value, format!("Outputs.{name}.Value"), faults);
        if let Some(export) = &output.export {
            names(template, there, export, format!("Outputs.{name}.Export.Name"), faults);
        }
    }
}

/// What is said of a condition that there is not.
pub(crate) fn no_condition(template: &Template, name: &str) -> String {
    let near = nearest(name, template.conditions.keys().map(String::as_str));
    no(&format!("condition \"{}\"", shortened(name)), near)
}

/// What is said of a name that is neither a parameter nor a resource.
pub(crate) fn no_name(template: &Template, name: &str, sub: bool) -> String {
    let all = template.parameters.keys().chain(template.resources.keys()).map(String::as_str);
    let near = nearest(name, all.chain(PSEUDO));
    if sub {
        return substitution::unknown(name, near);
    }
    no(&format!("parameter or resource \"{}\"", shortened(name)), near)
}

/// What is said of an attribute of a resource that there is not; `whole` as it stands in `Fn::Sub`, where it does.
pub(crate) fn no_resource(template: &Template, logical: &str, whole: Option<&str>) -> String {
    let near = nearest(logical, template.resources.keys().map(String::as_str));
    match whole {
        Some(whole) => {
            let attribute = whole.split_once('.').map_or("", |(_, attribute)| attribute);
            let near = near.map(|near| format!("{near}.{attribute}"));
            substitution::unknown(whole, near.as_deref())
        }
        None => no(&format!("resource \"{}\"", shortened(logical)), near),
    }
}

/// What is said of a function that there is not.
pub(crate) fn no_function(name: &str) -> String {
    if name.starts_with("Fn::ForEach") {
        return "Fn::ForEach needs `Transform: AWS::LanguageExtensions`, and stands where a map's key would".to_owned();
    }
    let near = nearest(name, FUNCTIONS.into_iter().chain(TESTS));
    no(&format!("function \"{}\"", shortened(name)), near)
}

/// What is said of something that there is not, with what was meant, maybe.
pub(crate) fn no(what: &str, near: Option<&str>) -> String {
    let hint = near.map(|near| format!(" (did you mean {near}?)")).unwrap_or_default();
    format!("there is no {what}{hint}")
}

fn names(template: &Template, there: &HashSet<&str>, node: &Node, path: String, faults: &mut Faults) {
    let conditions = path.starts_with("Conditions.");
    let mut told = |name: Name<'_>, node: &Node, path: &str| {
        if faults.is_full() {
            return;
        }
        let is_parameter = |name: &str| template.parameters.contains_key(name) || PSEUDO.contains(&name);
        let is_there = |name: &str| there.contains(name) || PSEUDO.contains(&name);
        let message = match name {
            Name::Ref { name, .. } | Name::Attribute { logical: name, .. }
                if conditions && is_there(name) && template.resources.contains_key(name) && !is_parameter(name) =>
            {
                format!("a condition may ask for parameters and mappings, not for the resource {name}")
            }
            Name::Ref { name, sub: true } if !substitution::is_name(name) => no_name(template, name, true),
            Name::Ref { name, sub } if !is_there(name) => no_name(template, name, sub),
            Name::Attribute { whole, sub: true, .. } if !substitution::is_name(whole) => no_name(template, whole, true),
            Name::Attribute { logical, whole, sub }
                if !there.contains(logical) || template.parameters.contains_key(logical) =>
            {
                no_resource(template, logical, sub.then_some(whole))
            }
            Name::Condition(name) if !template.conditions.contains_key(name) => no_condition(template, name),
            Name::Unknown(name) => no_function(name),
            Name::TooDeep => "values stand in each other too deep".to_owned(),
            Name::Ref { .. } | Name::Attribute { .. } | Name::Condition(_) | Name::Made(_) => return,
        };
        faults.add(message, path, node.place);
    };
    Walk { taken: &|_| None, conditions, told: &mut told, path }.through(node);
}
