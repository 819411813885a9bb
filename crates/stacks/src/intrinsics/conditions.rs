//! `Fn::If`, and what stands in the section `Conditions`.

use super::Evaluation;
use crate::fault::Fault;
use crate::node::{Node, Place, Value};
use crate::references::{self, WALK_DEPTH_MAX};

/// How many conditions `Fn::And` and `Fn::Or` take.
const OPERANDS: std::ops::RangeInclusive<usize> = 2..=10;

impl<'n> Evaluation<'n> {
    /// Only the branch that is taken is evaluated.
    pub(super) fn choice(&mut self, argument: &'n Node, place: Place) -> Result<Option<Node>, Fault> {
        let Some([condition, then, otherwise]) = argument.as_list() else {
            return Err(self.fault("Fn::If takes a condition's name and two values", place));
        };
        let Some(name) = condition.as_str() else {
            let message = format!("the condition of Fn::If is the name of one, not {}", condition.kind());
            return Err(self.fault(message, condition.place));
        };
        if self.decided(name, place)? { self.value(then) } else { self.value(otherwise) }
    }

    fn decided(&mut self, name: &str, place: Place) -> Result<bool, Fault> {
        let decided = self.scope.decided(name);
        decided.ok_or_else(|| {
            let template = self.scope.template;
            let message = match template.conditions.contains_key(name) {
                true => format!("the condition {name} could not be decided"),
                false => references::no_condition(template, name),
            };
            self.fault(message, place)
        })
    }

    /// What a condition says.
    pub(crate) fn condition(&mut self, node: &'n Node) -> Result<bool, Fault> {
        self.depth += 1;
        if self.depth > WALK_DEPTH_MAX {
            return Err(self.fault("values stand in each other too deep", node.place));
        }
        self.spend(0, node.place)?;
        self.functions += 1;
        let holds = self.operation(node);
        self.functions -= 1;
        self.depth -= 1;
        holds
    }

    fn operation(&mut self, node: &'n Node) -> Result<bool, Fault> {
        let place = node.place;
        let Some((name, argument)) = node.as_function() else {
            let name = node.as_str().filter(|name| self.scope.template.conditions.contains_key(*name));
            let hint = name.map(|name| format!(" (the condition {name} is asked by Condition: {name})"));
            let message = format!("a condition is a function such as Fn::Equals, not {}", node.kind());
            return Err(self.fault(message + &hint.unwrap_or_default(), place));
        };
        match name {
            "Condition" => {
                let Some(name) = argument.as_str() else {
                    let message = format!("Condition names a condition, and this is {}", argument.kind());
                    return Err(self.fault(message, place));
                };
                self.decided(name, place)
            }
            "Fn::Equals" => {
                let Some([one, other]) = argument.as_list() else {
                    return Err(self.fault("Fn::Equals takes two values", place));
                };
                let one = self.value(one)?;
                let other = self.value(other)?;
                Ok(match (one, other) {
                    (Some(one), Some(other)) => same(&one, &other),
                    (one, other) => one.is_none() && other.is_none(),
                })
            }
            "Fn::Not" => match argument.as_list() {
                Some([condition]) => Ok(!self.condition(condition)?),
                _ => Err(self.fault("Fn::Not takes a list of one condition", place)),
            },
            "Fn::And" | "Fn::Or" => {
                let Some(conditions) = argument.as_list().filter(|list| OPERANDS.contains(&list.len())) else {
                    let message =
                        format!("{name} takes a list of {} to {} conditions", OPERANDS.start(), OPERANDS.end());
                    return Err(self.fault(message, place));
                };
                // All are evaluated, so that a fault shows whatever the others say.
                let mut holding = 0;
                for condition in conditions {
                    holding += usize::from(self.condition(condition)?);
                }
                Ok(if name == "Fn::And" { holding == conditions.len() } else { holding > 0 })
            }
            "Ref" | "Fn::GetAtt" | "Fn::Sub" | "Fn::Join" | "Fn::Select" | "Fn::Split" | "Fn::FindInMap" | "Fn::If" => {
                Err(self.fault(format!("{name} is no condition; Fn::Equals compares what it gives"), place))
            }
            _ if references::FUNCTIONS.contains(&name) || references::TESTS.contains(&name) => {
                Err(self.fault(format!("{name} cannot stand for a condition"), place))
            }
            _ => Err(self.fault(references::no_function(name), place)),
        }
    }
}

/// Whether two values are the same: scalars by their text, as CloudFormation, where all are texts, has it.
fn same(one: &Node, other: &Node) -> bool {
    match (&one.value, &other.value) {
        (Value::Null, Value::Null) => true,
        (Value::List(one), Value::List(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Map(one), Value::Map(other)) => {
            one.len() == other.len()
                && one.iter().all(|(key, value)| other.get(key).is_some_and(|other| same(value, other)))
        }
        _ => one.as_str().is_some() && one.as_str() == other.as_str(),
    }
}
