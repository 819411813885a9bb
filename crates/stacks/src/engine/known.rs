//! What `Ref` and `Fn::GetAtt` give while a stack is made.

use indexmap::IndexMap;
use serde_json::Value as Json;

use crate::kinds::{Elsewhere, Kind, elsewhere};
use crate::node::{Node, Value};
use crate::scope::{Pseudo, References};
use crate::template::Template;

/// What is known of a resource by now.
enum Thing {
    /// The control plane has it: what `Ref` gives, and the answer that says the rest.
    Made { kind: &'static Kind, reference: String, answer: Json },
    /// It is known by name.
    Named(Elsewhere),
}

/// What is known of a stack's resources by now.
#[derive(Default)]
pub(super) struct Known {
    things: IndexMap<String, Thing>,
}

impl Known {
    pub(super) fn made(&mut self, logical: &str, kind: &'static Kind, reference: String, answer: Json) {
        self.things.insert(logical.to_owned(), Thing::Made { kind, reference, answer });
    }

    pub(super) fn named(&mut self, logical: &str, elsewhere: Elsewhere) {
        self.things.insert(logical.to_owned(), Thing::Named(elsewhere));
    }

    /// What the control plane answered of a resource.
    pub(super) fn answer(&self, logical: &str) -> Option<&Json> {
        match self.things.get(logical)? {
            Thing::Made { answer, .. } => Some(answer),
            Thing::Named(_) => None,
        }
    }

    /// As whom evaluation asks.
    pub(super) fn with<'k>(&'k self, pseudo: &'k Pseudo, template: &'k Template) -> Asked<'k> {
        Asked { known: self, pseudo, template }
    }
}

/// Answers for evaluation.
pub(super) struct Asked<'k> {
    known: &'k Known,
    pseudo: &'k Pseudo,
    template: &'k Template,
}

impl Asked<'_> {
    /// Of what is not made yet, or never: the texts that its type and name give. It comes to that only where an order cannot
    /// be had, such as in what is left out.
    fn guess(&self, logical: &str) -> Option<Elsewhere> {
        let resource = self.template.resources.get(logical)?;
        Some(elsewhere(&resource.kind, logical, None, self.pseudo))
    }
}

impl References for Asked<'_> {
    fn reference(&self, logical: &str) -> Option<Node> {
        let text = match self.known.things.get(logical) {
            Some(Thing::Made { reference, .. }) => reference.clone(),
            Some(Thing::Named(named)) => named.reference.clone(),
            None => self.guess(logical)?.reference,
        };
        Some(Node::nowhere(Value::Text(text)))
    }

    fn attribute(&self, logical: &str, attribute: &str) -> Option<Node> {
        let named = |named: &Elsewhere| match attribute {
            "Arn" | "FunctionArn" | "TopicArn" => named.arn.clone(),
            "Version" => named.arn.rsplit(':').next().unwrap_or_default().to_owned(),
            // Whatever it is on AWS, here it is a text that stays the same.
            other => format!("{}-{logical}-{}", self.pseudo.stack_name, other.replace('.', "-")),
        };
        let text = match self.known.things.get(logical) {
            Some(Thing::Made { kind, answer, .. }) => match attribute {
                "ExecuteApiArn" if kind.noun == "API" => {
                    let Pseudo { partition, region, account, .. } = self.pseudo;
                    let id = answer.get("apiId").and_then(Json::as_str)?;
                    format!("arn:{partition}:execute-api:{region}:{account}:{id}")
                }
                _ => kind.attribute(attribute, answer)?.as_str().unwrap_or_default().to_owned(),
            },
            Some(Thing::Named(elsewhere)) => named(elsewhere),
            None => named(&self.guess(logical)?),
        };
        Some(Node::nowhere(Value::Text(text)))
    }
}
