//! `AWS::LanguageExtensions`: makes many of one, by `Fn::ForEach`.
//!
//! The loop stands as a key, `Fn::ForEach::Name: [Var, [a, b], {…${Var}…: …}]`, in Resources, Conditions, Outputs and in a
//! resource's properties, also inside another loop. All instances of the variable in keys and values are replaced, in plain
//! texts too. Source: documented ("Fn::ForEach"). (cfn-lint's own expansion leaves plain texts as they are.)

use std::fmt;

use crate::fault::{FAULTS_MAX, Fault};
use crate::node::{Map, Node, Value};
use crate::transforms::Known;
use crate::weight::{Room, too_much};

/// The name in `Transform`.
pub const TRANSFORM: &str = "AWS::LanguageExtensions";
/// What a loop's key begins with.
const LOOP: &str = "Fn::ForEach::";
/// How many loops may stand in each other. CloudFormation allows five.
const LOOPS_MAX: usize = 5;
/// The sections that may have loops.
const SECTIONS: &[&str] = &["Resources", "Conditions", "Outputs"];

/// A document with its loops done.
///
/// # Errors
/// Loops that are none, collections that are not known before the stack is, and more than there is room for.
pub fn expand(document: &Node, known: &Known) -> Result<Node, Vec<Fault>> {
    let known = &known.with_defaults(document);
    let Some(map) = document.as_map() else { return Ok(document.clone()) };
    let mut work = Work { known, document, room: Room::new(), is_full: false, faults: Vec::new() };
    let mut expanded = Map::new();
    for (name, section) in map {
        let section = if SECTIONS.contains(&name.as_str()) {
            work.value(section, &Bound::default(), &Path::top(name))
        } else if name == "Transform" {
            match without(section) {
                Some(others) => others,
                None => continue,
            }
        } else {
            section.clone()
        };
        expanded.insert(name.clone(), section);
    }
    if work.faults.is_empty() {
        return Ok(Node { value: Value::Map(expanded), place: document.place });
    }
    work.faults.sort_by_key(|fault| fault.place);
    Err(work.faults)
}

/// The variables of the loops around a value.
#[derive(Clone, Debug, Default)]
struct Bound {
    variables: Vec<(String, String)>,
}

impl Bound {
    fn value(&self, name: &str) -> Option<&str> {
        self.variables.iter().rev().find(|(variable, _)| variable == name).map(|(_, value)| value.as_str())
    }
}

/// Where a value stands. It is put into words only where something is wrong.
#[derive(Clone, Copy, Debug)]
struct Path<'p> {
    up: Option<&'p Path<'p>>,
    step: Step<'p>,
}

#[derive(Clone, Copy, Debug)]
enum Step<'p> {
    Name(&'p str),
    At(usize),
}

impl<'p> Path<'p> {
    fn top(name: &'p str) -> Path<'p> {
        Path { up: None, step: Step::Name(name) }
    }

    fn below(&'p self, step: Step<'p>) -> Path<'p> {
        Path { up: Some(self), step }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(up) = self.up {
            write!(f, "{up}.")?;
        }
        match self.step {
            Step::Name(name) => f.write_str(name),
            Step::At(at) => write!(f, "{at}"),
        }
    }
}

struct Work<'a> {
    known: &'a Known,
    document: &'a Node,
    room: Room,
    is_full: bool,
    faults: Vec<Fault>,
}

impl Work<'_> {
    fn fault(&mut self, message: impl Into<String>, path: &Path, node: &Node) {
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(Fault::new(message, path.to_string(), node.place));
        }
    }

    /// Whether nothing more is to be made.
    fn is_done(&self) -> bool {
        self.is_full || self.faults.len() >= FAULTS_MAX
    }

    /// A value with its loops done and the variables around it put in.
    fn value(&mut self, node: &Node, bound: &Bound, path: &Path) -> Node {
        if self.is_done() {
            return Node::default();
        }
        let value = match &node.value {
            Value::Text(text) => Value::Text(filled(text, bound)),
            Value::Plain(text) => Value::Plain(filled(text, bound)),
            Value::List(items) => {
                let item = |(at, item): (usize, &Node)| self.value(item, bound, &path.below(Step::At(at)));
                Value::List(items.iter().enumerate().map(item).collect())
            }
            Value::Map(map) => {
                // `!Ref Var` of a loop is its value.
                if let Some(("Ref", name)) = node.as_function()
                    && let Some(value) = name.as_str().and_then(|name| bound.value(name))
                {
                    return Node::text(value, node.place);
                }
                let made = self.members(map, bound, path);
                // `!GetAtt [!Sub 'Bucket${Var}', Arn]`: what a name must be has no function left where its variable is known.
                if let (Some(text), false) = (made.get("Fn::Sub").and_then(Node::as_str), bound.variables.is_empty())
                    && made.len() == 1
                    && !text.contains("${")
                {
                    return Node::text(text, node.place);
                }
                Value::Map(made)
            }
            Value::Null => Value::Null,
        };
        let made = Node { value, place: node.place };
        // A value weighs what its own text does here; those in it have been weighed.
        let own = made.as_str().map_or(0, str::len) + std::mem::size_of::<Node>();
        if !bound.variables.is_empty() && !self.room.take_bytes(own) {
            self.full(path, node);
        }
        made
    }

    /// Says once that there is no room left. Nothing more is made: the rest would be as much again.
    fn full(&mut self, path: &Path, node: &Node) {
        if !self.is_full {
            self.fault(too_much(), path, node);
            self.is_full = true;
        }
    }

    fn members(&mut self, map: &Map, bound: &Bound, path: &Path) -> Map {
        let mut members = Map::new();
        for (key, value) in map {
            if self.is_done() {
                break;
            }
            let path = &path.below(Step::Name(key));
            let made = match key.strip_prefix(LOOP) {
                Some(_) => self.turns(value, bound, path),
                None => vec![(filled(key, bound), self.value(value, bound, path))],
            };
            for (key, value) in made {
                let place = value.place;
                if members.insert(key.clone(), value).is_some() {
                    let message = format!("two turns of a loop make the same key, {key:?}: a key needs its variable");
                    self.fault(message, path, &Node { value: Value::Null, place });
                }
            }
        }
        members
    }

    /// All that a loop makes.
    fn turns(&mut self, node: &Node, bound: &Bound, path: &Path) -> Vec<(String, Node)> {
        if bound.variables.len() >= LOOPS_MAX {
            self.fault(format!("more than {LOOPS_MAX} loops in each other"), path, node);
            return Vec::new();
        }
        let Some([variable, collection, body]) = node.as_list() else {
            let message =
                "a loop is a list of three: the name of its variable, what it runs over, and a map to make of each";
            self.fault(message, path, node);
            return Vec::new();
        };
        let Some(variable) = variable.as_str().filter(|name| is_name(name)) else {
            self.fault("the variable of a loop is a name of letters and digits", path, variable);
            return Vec::new();
        };
        if bound.value(variable).is_some() {
            self.fault(format!("the variable {variable} is that of a loop around this one too"), path, node);
            return Vec::new();
        }
        let Some(body) = body.as_map() else {
            self.fault(format!("what a loop makes is a map, not {}", body.kind()), path, body);
            return Vec::new();
        };
        let mut made = Vec::new();
        for value in self.collection(collection, bound, path) {
            let mut bound = bound.clone();
            bound.variables.push((variable.to_owned(), value));
            made.extend(self.members(body, &bound, path));
            if self.is_done() {
                break;
            }
        }
        made
    }

    /// What a loop runs over: a list of texts, or a parameter or mapping that is known already.
    fn collection(&mut self, node: &Node, bound: &Bound, path: &Path) -> Vec<String> {
        let items = match node.as_function() {
            None => node.as_list().map(<[Node]>::to_vec),
            Some(("Ref", name)) => name.as_str().and_then(|name| self.parameter(name, node)),
            Some(("Fn::FindInMap", argument)) => self.mapped(argument, bound),
            Some(_) => None,
        };
        let Some(items) = items else {
            let message =
                "a loop runs over a list, or over a parameter or mapping that is one; nothing else is known so early";
            self.fault(message, path, node);
            return Vec::new();
        };
        let mut values = Vec::new();
        for item in &items {
            let item = self.value(item, bound, path);
            match self.scalar(&item).filter(|text| !text.is_empty()) {
                Some(Single::One(text)) => values.push(text),
                Some(Single::Many(texts)) => values.extend(texts),
                None => self.fault(format!("a loop runs over texts, not {}", item.kind()), path, &item),
            }
        }
        values
    }

    /// A text that is known already, or the texts of a list parameter.
    fn scalar(&self, node: &Node) -> Option<Single> {
        if let Some(text) = node.as_str() {
            return Some(Single::One(text.to_owned()));
        }
        let (function, name) = node.as_function()?;
        if function != "Ref" {
            return None;
        }
        let name = name.as_str()?;
        if let Some(items) = self.parameter(name, node) {
            return Some(Single::Many(items.iter().filter_map(Node::as_str).map(str::to_owned).collect()));
        }
        self.known.value(name).map(|value| Single::One(value.to_owned()))
    }

    /// The items of a list parameter.
    fn parameter(&self, name: &str, node: &Node) -> Option<Vec<Node>> {
        let kind = self.document.get("Parameters")?.get(name)?.get("Type")?.as_str()?;
        if !kind.contains("List") {
            return None;
        }
        let text = self.known.parameters.get(name)?;
        Some(
            text.split(',')
                .map(|item| Node::text(item.trim(), node.place))
                .filter(|item| item.as_str() != Some(""))
                .collect(),
        )
    }

    fn mapped(&mut self, argument: &Node, bound: &Bound) -> Option<Vec<Node>> {
        let [map, first, second, ..] = argument.as_list()? else { return None };
        let mut names = Vec::new();
        for part in [map, first, second] {
            let part = self.value(part, bound, &Path::top("Mappings"));
            match self.scalar(&part)? {
                Single::One(name) => names.push(name),
                Single::Many(_) => return None,
            }
        }
        let [map, first, second] = <[String; 3]>::try_from(names).ok()?;
        let found = self.document.get("Mappings")?.get(&map)?.get(&first)?.get(&second)?;
        Some(found.as_list()?.to_vec())
    }
}

enum Single {
    One(String),
    Many(Vec<String>),
}

impl Single {
    fn is_empty(&self) -> bool {
        matches!(self, Single::One(text) if text.is_empty())
    }
}

/// A text with the variables in it: `${Var}`, and `&{Var}`, which is its value without what an id cannot have.
fn filled(text: &str, bound: &Bound) -> String {
    if bound.variables.is_empty() {
        return text.to_owned();
    }
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['$', '&']) {
        filled.push_str(&rest[..at]);
        let sign = &rest[at..=at];
        let name = rest[at + 1..].strip_prefix('{').and_then(|inside| inside.split_once('}')).map(|(name, _)| name);
        match name.and_then(|name| Some((name, bound.value(name)?))) {
            Some((name, value)) => {
                if sign == "&" {
                    filled.extend(value.chars().filter(char::is_ascii_alphanumeric));
                } else {
                    filled.push_str(value);
                }
                rest = &rest[at + name.len() + 3..];
            }
            None => {
                filled.push_str(sign);
                rest = &rest[at + 1..];
            }
        }
    }
    filled.push_str(rest);
    filled
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// The transforms that are left.
fn without(transform: &Node) -> Option<Node> {
    let others = transform.as_list()?.iter().filter(|name| name.as_str() != Some(TRANSFORM)).cloned();
    Some(Node::list(others, transform.place))
}

#[cfg(test)]
mod tests;
