//! CloudFormation's functions: evaluates a value of a template.

mod cidr;
mod conditions;
mod lists;
mod texts;

use crate::fault::{Fault, shortened};
use crate::node::{Map, Node, Place, Value};
use crate::parameters::HIDDEN;
use crate::references::{self, PSEUDO, TESTS, WALK_DEPTH_MAX};
use crate::scope::{References, Scope};

/// How many values one evaluation may make: functions in each other can double a value again and again.
pub const RESULT_NODES_MAX: usize = 500_000;
/// How many bytes of text one evaluation may make, those included that go into further functions.
pub const RESULT_BYTES_MAX: usize = 16 << 20;

/// One evaluation of one value.
pub(crate) struct Evaluation<'n> {
    scope: &'n Scope<'n>,
    references: &'n dyn References,
    base: &'n str,
    path: Vec<Step<'n>>,
    depth: usize,
    nodes: usize,
    bytes: usize,
    /// Whether a parameter went in that is not to be seen: then no fault repeats a value.
    secret: bool,
    /// In how many functions this stands: their arguments' members are no part of the path.
    functions: usize,
}

#[derive(Clone, Copy)]
enum Step<'n> {
    Key(&'n str),
    Index(usize),
}

impl<'n> Evaluation<'n> {
    pub(crate) fn new(scope: &'n Scope<'_>, base: &'n str, references: &'n dyn References) -> Evaluation<'n> {
        let path = Vec::new();
        Evaluation { scope, references, base, path, depth: 0, nodes: 0, bytes: 0, secret: false, functions: 0 }
    }

    /// What a value evaluates to; `None` is `AWS::NoValue`.
    pub(crate) fn value(&mut self, node: &'n Node) -> Result<Option<Node>, Fault> {
        self.depth += 1;
        if self.depth > WALK_DEPTH_MAX {
            return Err(self.fault("values stand in each other too deep", node.place));
        }
        let value = self.value_within(node);
        self.depth -= 1;
        value
    }

    fn value_within(&mut self, node: &'n Node) -> Result<Option<Node>, Fault> {
        let place = node.place;
        let value = match &node.value {
            Value::Null => {
                self.spend(0, place)?;
                Value::Null
            }
            Value::Text(text) | Value::Plain(text) => {
                self.spend(text.len(), place)?;
                node.value.clone()
            }
            Value::List(items) => {
                self.spend(0, place)?;
                Value::List(self.items(items)?)
            }
            Value::Map(members) => {
                // In a policy `Condition` is a key as any other.
                if let Some((name, argument)) = node.as_function().filter(|(name, _)| *name != "Condition") {
                    self.functions += 1;
                    let value = self.function(name, argument, place);
                    self.functions -= 1;
                    return value;
                }
                self.spend(0, place)?;
                Value::Map(self.members(members)?)
            }
        };
        Ok(Some(Node { value, place }))
    }

    /// The items of a list that are there.
    fn items(&mut self, items: &'n [Node]) -> Result<Vec<Node>, Fault> {
        let mut evaluated = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            evaluated.extend(self.within(Step::Index(index), item)?);
        }
        Ok(evaluated)
    }

    fn members(&mut self, members: &'n Map) -> Result<Map, Fault> {
        let mut evaluated = Map::with_capacity(members.len());
        for (key, member) in members {
            if key.starts_with("Fn::") {
                let message = match key.as_str() {
                    "Fn::Transform" => texts::NO_TRANSFORM.to_owned(),
                    name if name.starts_with("Fn::ForEach") => references::no_function(name),
                    name => format!("{} stands alone in its map, and here are other keys beside it", shortened(name)),
                };
                return Err(self.fault(message, member.place));
            }
            self.spend(key.len(), member.place)?;
            if let Some(value) = self.within(Step::Key(key), member)? {
                evaluated.insert(key.clone(), value);
            }
        }
        Ok(evaluated)
    }

    fn within(&mut self, step: Step<'n>, node: &'n Node) -> Result<Option<Node>, Fault> {
        if self.functions > 0 {
            return self.value(node);
        }
        self.path.push(step);
        let value = self.value(node)?;
        self.path.pop();
        Ok(value)
    }

    fn function(&mut self, name: &'n str, argument: &'n Node, place: Place) -> Result<Option<Node>, Fault> {
        match name {
            "Ref" => self.reference(argument, place),
            "Fn::GetAtt" => self.attribute(argument, place).map(Some),
            "Fn::If" => self.choice(argument, place),
            "Fn::Sub" => self.substitution(argument, place).map(Some),
            "Fn::Join" => self.join(argument, place).map(Some),
            "Fn::Split" => self.split(argument, place).map(Some),
            "Fn::Base64" => self.base64(argument, place).map(Some),
            "Fn::ToJsonString" => self.json_string(argument, place).map(Some),
            "Fn::ImportValue" => self.import(argument, place).map(Some),
            "Fn::GetStackOutput" => self.stack_output(argument, place).map(Some),
            "Fn::Select" => self.select(argument, place).map(Some),
            "Fn::FindInMap" => self.find_in_map(argument, place),
            "Fn::GetAZs" => self.zones(argument, place).map(Some),
            "Fn::Length" => self.length(argument, place).map(Some),
            "Fn::Cidr" => self.cidr(argument, place).map(Some),
            "Fn::Transform" => Err(self.fault(texts::NO_TRANSFORM, place)),
            _ if TESTS.contains(&name) => {
                let message = match TESTS[..4].contains(&name) {
                    true => {
                        format!("{name} stands in Conditions only; elsewhere Fn::If asks for a condition by its name")
                    }
                    false => format!("{name} stands in Rules only"),
                };
                Err(self.fault(message, place))
            }
            _ => Err(self.fault(references::no_function(name), place)),
        }
    }

    fn reference(&mut self, argument: &'n Node, place: Place) -> Result<Option<Node>, Fault> {
        let name = self.text(argument, "what Ref names")?;
        if name == "AWS::NoValue" {
            return Ok(None);
        }
        self.named(&name, place, false).map(Some)
    }

    /// What a name stands for: a parameter, a pseudo parameter or a resource. `sub`: it stands in `Fn::Sub`.
    fn named(&mut self, name: &str, place: Place, sub: bool) -> Result<Node, Fault> {
        if let Some(value) = self.scope.values.get(name) {
            self.secret |= self.scope.is_secret(name);
            return self.placed(value, place);
        }
        let pseudo = &self.scope.pseudo;
        let text = match name {
            "AWS::AccountId" => &pseudo.account,
            "AWS::Partition" => &pseudo.partition,
            "AWS::Region" => &pseudo.region,
            "AWS::StackId" => &pseudo.stack_id,
            "AWS::StackName" => &pseudo.stack_name,
            "AWS::URLSuffix" => &pseudo.url_suffix,
            // No topic is told of what happens to a stack here.
            "AWS::NotificationARNs" => return Ok(Node::list([], place)),
            _ => return self.made(name, None, place, sub),
        };
        self.spend(text.len(), place)?;
        Ok(Node::text(text.clone(), place))
    }

    fn attribute(&mut self, argument: &'n Node, place: Place) -> Result<Node, Fault> {
        let wanted = "Fn::GetAtt takes [resource, attribute] or \"resource.attribute\"";
        if let Some(whole) = argument.as_str() {
            let (logical, attribute) = whole.split_once('.').ok_or_else(|| self.fault(wanted, place))?;
            return self.made(logical, Some(attribute), place, false);
        }
        let Some([logical, attribute]) = argument.as_list() else { return Err(self.fault(wanted, place)) };
        let logical = self.text(logical, "the resource of Fn::GetAtt")?;
        let attribute = self.text(attribute, "the attribute of Fn::GetAtt")?;
        self.made(&logical, Some(&attribute), place, false)
    }

    /// What a resource gives once it is made.
    fn made(&mut self, logical: &str, attribute: Option<&str>, place: Place, sub: bool) -> Result<Node, Fault> {
        let template = self.scope.template;
        if !template.resources.contains_key(logical) {
            let message = match attribute {
                _ if self.secret => format!("there is nothing of the name {HIDDEN}"),
                None => references::no_name(template, logical, sub),
                Some(attribute) => {
                    let whole = sub.then(|| format!("{logical}.{attribute}"));
                    references::no_resource(template, logical, whole.as_deref())
                }
            };
            return Err(self.fault(message, place));
        }
        if !self.scope.exists(logical) {
            return Err(self.fault(self.scope.absent(logical), place));
        }
        let found = match attribute {
            None => self.references.reference(logical),
            Some(attribute) => self.references.attribute(logical, attribute),
        };
        match found {
            Some(value) => self.placed(&value, place),
            None => {
                let kind = &template.resources[logical].kind;
                let message = match attribute {
                    None => format!("the resource {logical} ({kind}) is not made yet"),
                    Some(attribute) => {
                        format!("the resource {logical} ({kind}) has no attribute {}", self.shown(attribute))
                    }
                };
                Err(self.fault(message, place))
            }
        }
    }

    /// The text that an argument evaluates to.
    fn text(&mut self, node: &'n Node, what: &str) -> Result<String, Fault> {
        match self.value(node)? {
            Some(Node { value: Value::Text(text) | Value::Plain(text), .. }) => Ok(text),
            Some(other) => Err(self.fault(format!("{what} is a text, not {}", other.kind()), node.place)),
            None => Err(self.fault(format!("{what} is a text, not AWS::NoValue"), node.place)),
        }
    }

    /// The list that an argument evaluates to.
    fn list(&mut self, node: &'n Node, what: &str) -> Result<Vec<Node>, Fault> {
        match self.value(node)? {
            Some(Node { value: Value::List(items), .. }) => Ok(items),
            Some(other) => Err(self.fault(format!("{what} is a list, not {}", other.kind()), node.place)),
            None => Err(self.fault(format!("{what} is a list, not AWS::NoValue"), node.place)),
        }
    }

    /// A value that comes from elsewhere, at the place of the function that brings it.
    fn placed(&mut self, value: &Node, place: Place) -> Result<Node, Fault> {
        let mut value = value.clone();
        self.place(&mut value, place)?;
        Ok(value)
    }

    fn place(&mut self, value: &mut Node, place: Place) -> Result<(), Fault> {
        value.place = place;
        match &mut value.value {
            Value::Null => self.spend(0, place),
            Value::Text(text) | Value::Plain(text) => self.spend(text.len(), place),
            Value::List(items) => {
                self.spend(0, place)?;
                items.iter_mut().try_for_each(|item| self.place(item, place))
            }
            Value::Map(members) => {
                self.spend(0, place)?;
                members.values_mut().try_for_each(|member| self.place(member, place))
            }
        }
    }

    /// Counts one value of so many bytes that is made.
    fn spend(&mut self, bytes: usize, place: Place) -> Result<(), Fault> {
        self.nodes += 1;
        self.bytes += bytes;
        if self.nodes > RESULT_NODES_MAX {
            return Err(self.fault(format!("this evaluates to more than {RESULT_NODES_MAX} values"), place));
        }
        if self.bytes > RESULT_BYTES_MAX {
            return Err(self.fault(format!("this evaluates to more than {RESULT_BYTES_MAX} bytes"), place));
        }
        Ok(())
    }

    /// A value as a sentence may repeat it.
    fn shown(&self, text: &str) -> String {
        if self.secret { HIDDEN.to_owned() } else { format!("{:?}", shortened(text)) }
    }

    fn fault(&self, message: impl Into<String>, place: Place) -> Fault {
        let mut path = self.base.to_owned();
        for step in &self.path {
            match step {
                Step::Key(key) if path.is_empty() => path.push_str(key),
                Step::Key(key) => path.extend([".", key]),
                Step::Index(index) => path.push_str(&format!("[{index}]")),
            }
        }
        Fault::new(message, path, place)
    }
}

/// Whether a name is one of the pseudo parameters.
fn is_pseudo(name: &str) -> bool {
    PSEUDO.contains(&name)
}
