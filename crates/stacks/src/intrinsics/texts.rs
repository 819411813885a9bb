//! The functions that make texts.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use indexmap::IndexMap;

use super::{Evaluation, is_pseudo};
use crate::fault::Fault;
use crate::node::{Node, Place, Value};
use crate::references;
use crate::substitution::{self, Piece};

/// What is said of the macros that a template may call anywhere.
pub(super) const NO_TRANSFORM: &str = "Fn::Transform is not done here: AWS::Include and macros run on AWS; write into the template what they would put there";

impl<'n> Evaluation<'n> {
    pub(super) fn substitution(&mut self, argument: &'n Node, place: Place) -> Result<Node, Fault> {
        let wanted = "Fn::Sub takes a text, or a list of a text and a map";
        let mut variables = IndexMap::new();
        let text = match (&argument.value, argument.as_list()) {
            (Value::Text(text) | Value::Plain(text), _) => text,
            (_, Some([text, map])) => {
                let (Some(text), Some(map)) = (text.as_str(), map.as_map()) else {
                    return Err(self.fault(wanted, place));
                };
                for (name, node) in map {
                    let value = self.text(node, &format!("the variable {name} of Fn::Sub"))?;
                    variables.insert(name.as_str(), value);
                }
                text
            }
            _ => return Err(self.fault(wanted, place)),
        };
        let mut result = String::new();
        for piece in substitution::pieces(text) {
            match piece {
                Piece::Text(text) => result.push_str(text),
                Piece::Escaped(name) => result.extend(["${", name, "}"]),
                Piece::Variable(name) => match variables.get(name) {
                    Some(value) => {
                        self.spend(value.len(), place)?;
                        result.push_str(value);
                    }
                    None => result.push_str(&self.variable(name, place)?),
                },
            }
        }
        self.spend(text.len(), place)?;
        Ok(Node::text(result, place))
    }

    fn variable(&mut self, name: &str, place: Place) -> Result<String, Fault> {
        if !substitution::is_name(name) {
            return Err(self.fault(references::no_name(self.scope.template, name, true), place));
        }
        // There is no property to leave out within a text.
        if name == "AWS::NoValue" {
            return Ok(String::new());
        }
        let known = self.scope.values.contains_key(name) || is_pseudo(name);
        let value = match name.split_once('.') {
            Some((logical, attribute)) if !known => self.made(logical, Some(attribute), place, true)?,
            _ => self.named(name, place, true)?,
        };
        match value.value {
            Value::Text(text) | Value::Plain(text) => Ok(text),
            Value::List(_) => {
                Err(self.fault(format!("`${{{name}}}` in Fn::Sub is a list; Fn::Join makes a text of one"), place))
            }
            _ => Err(self.fault(format!("`${{{name}}}` in Fn::Sub is {}, not a text", value.kind()), place)),
        }
    }

    pub(super) fn join(&mut self, argument: &'n Node, place: Place) -> Result<Node, Fault> {
        let Some([delimiter, items]) = argument.as_list() else {
            return Err(self.fault("Fn::Join takes a delimiter and a list of texts", place));
        };
        let delimiter = self.text(delimiter, "the delimiter of Fn::Join")?;
        let items = self.list(items, "what Fn::Join joins")?;
        let mut result = String::new();
        for (index, item) in items.iter().enumerate() {
            let Some(text) = item.as_str() else {
                let message = format!("what Fn::Join joins are texts, and one of them is {}", item.kind());
                return Err(self.fault(message, item.place));
            };
            if index > 0 {
                self.spend(delimiter.len(), place)?;
                result.push_str(&delimiter);
            }
            self.spend(text.len(), place)?;
            result.push_str(text);
        }
        Ok(Node::text(result, place))
    }

    pub(super) fn split(&mut self, argument: &'n Node, place: Place) -> Result<Node, Fault> {
        let Some([delimiter, text]) = argument.as_list() else {
            return Err(self.fault("Fn::Split takes a delimiter and a text", place));
        };
        let delimiter = self.text(delimiter, "the delimiter of Fn::Split")?;
        if delimiter.is_empty() {
            return Err(self.fault("the delimiter of Fn::Split is empty", place));
        }
        let text = self.text(text, "what Fn::Split splits")?;
        let mut items = Vec::new();
        for part in text.split(&delimiter) {
            self.spend(part.len(), place)?;
            items.push(Node::text(part, place));
        }
        Ok(Node::list(items, place))
    }

    pub(super) fn base64(&mut self, argument: &'n Node, place: Place) -> Result<Node, Fault> {
        let text = self.text(argument, "what Fn::Base64 encodes")?;
        self.spend(text.len() / 3 * 4, place)?;
        Ok(Node::text(STANDARD.encode(text), place))
    }

    pub(super) fn json_string(&mut self, argument: &'n Node, place: Place) -> Result<Node, Fault> {
        let value = self.value(argument)?;
        let Some(value) = value.filter(|value| matches!(value.value, Value::List(_) | Value::Map(_))) else {
            return Err(self.fault("Fn::ToJsonString takes a map or a list", place));
        };
        let text = value.to_json().to_string();
        self.spend(text.len(), place)?;
        Ok(Node::text(text, place))
    }

    pub(super) fn import(&mut self, argument: &'n Node, place: Place) -> Result<Node, Fault> {
        let name = self.text(argument, "the name of Fn::ImportValue")?;
        match self.scope.others.exports.get(&name) {
            Some(value) => {
                self.spend(value.len(), place)?;
                self.scope.imported.borrow_mut().insert(name);
                Ok(Node::text(value.clone(), place))
            }
            None => Err(self.fault(format!("no export of the name {} is known", self.shown(&name)), place)),
        }
    }

    /// An output of another stack, which need not export it. `RoleArn` is who would read it, which is nobody here.
    /// Source: documented.
    pub(super) fn stack_output(&mut self, argument: &'n Node, place: Place) -> Result<Node, Fault> {
        let wanted =
            "Fn::GetStackOutput takes a map of StackName and OutputName, with Region and RoleArn where need be";
        let (Some(stack), Some(output)) = (argument.get("StackName"), argument.get("OutputName")) else {
            return Err(self.fault(wanted, place));
        };
        let stack = self.text(stack, "StackName")?;
        let output = self.text(output, "OutputName")?;
        if let Some(region) = argument.get("Region").map(|region| self.text(region, "Region")).transpose()?
            && region != self.scope.pseudo.region
        {
            let message =
                format!("all stacks here are in {}, none in {}", self.scope.pseudo.region, self.shown(&region));
            return Err(self.fault(message, place));
        }
        match self.scope.others.outputs.get(&(stack.clone(), output.clone())) {
            Some(value) => {
                self.spend(value.len(), place)?;
                Ok(Node::text(value.clone(), place))
            }
            None => {
                let message = format!("no output {} of a stack {} is known", self.shown(&output), self.shown(&stack));
                Err(self.fault(message, place))
            }
        }
    }
}
