//! The types of resources that a stack can have, and what becomes of each.
//!
//! A type that the control plane has is a row of [`TABLE`](table): its properties, its place among the paths of the API, and
//! what `Ref` and `Fn::GetAtt` give. Everything else is known by name only (`elsewhere`), or is left out with a word.

mod elsewhere;
mod shape;
mod table;

use serde_json::Value as Json;

pub(crate) use elsewhere::{Elsewhere, elsewhere, name_property};
pub(crate) use shape::{Shape, small_first};
pub(crate) use table::TABLE;

/// A type of resource that the control plane has.
pub(crate) struct Kind {
    /// CloudFormation's name.
    pub(crate) name: &'static str,
    /// As people call it in a plan.
    pub(crate) noun: &'static str,
    /// The path of its collection; the properties in braces are not part of the body.
    pub(crate) collection: &'static str,
    /// The member of an answer that is its id.
    pub(crate) id: &'static str,
    /// The property by which a person knows it, besides its logical id.
    pub(crate) label: &'static str,
    pub(crate) properties: &'static [Property],
    /// What `Fn::GetAtt` gives: an attribute, and where in the control plane's answer it stands.
    pub(crate) attributes: &'static [(&'static str, &'static str)],
    /// Whether there can be no two of the same label in a collection.
    pub(crate) is_unique: bool,
}

/// A property of a type.
pub(crate) struct Property {
    pub(crate) name: &'static str,
    /// What the API calls it, where that is not the name with a small first letter.
    wire: Option<&'static str>,
    pub(crate) shape: Shape,
    pub(crate) is_required: bool,
    /// Whether another value means another resource. Source: the registry's schemas (`createOnlyProperties`).
    pub(crate) replaces: bool,
}

impl Property {
    pub(crate) const fn new(name: &'static str, shape: Shape) -> Property {
        Property { name, wire: None, shape, is_required: false, replaces: false }
    }

    pub(crate) const fn text(name: &'static str) -> Property {
        Property::new(name, Shape::Text)
    }

    pub(crate) const fn called(mut self, wire: &'static str) -> Property {
        self.wire = Some(wire);
        self
    }

    pub(crate) const fn required(mut self) -> Property {
        self.is_required = true;
        self
    }

    pub(crate) const fn replaces(mut self) -> Property {
        self.replaces = true;
        self
    }

    /// The name on the wire.
    pub(crate) fn wire(&self) -> String {
        self.wire.map_or_else(|| shape::small_first(self.name), str::to_owned)
    }
}

impl Kind {
    /// The type of a name.
    pub(crate) fn of(name: &str) -> Option<&'static Kind> {
        TABLE.iter().find(|kind| kind.name == name)
    }

    /// A property of this type.
    pub(crate) fn property(&self, name: &str) -> Option<&'static Property> {
        self.properties.iter().find(|property| property.name == name)
    }

    /// Whether a property is a part of the path.
    pub(crate) fn is_in_path(&self, property: &str) -> bool {
        self.collection
            .split('/')
            .any(|segment| segment.strip_prefix('{').and_then(|s| s.strip_suffix('}')) == Some(property))
    }

    /// What `Ref` gives for a resource of this id.
    pub(crate) fn reference(&self, id: &str, path: &str) -> String {
        match self.name {
            // Source: documented ("123abcdef:abc123").
            "AWS::ApiGateway::UsagePlanKey" => format!("{id}:{}", path.split('/').nth(2).unwrap_or_default()),
            _ => id.to_owned(),
        }
    }

    /// What two of a collection cannot have in common: what its label says in a body.
    pub(crate) fn identity<'b>(&self, body: &'b Json) -> Option<&'b Json> {
        let label = self.property(self.label)?;
        Some(body.get(label.wire()).unwrap_or(&Json::Null))
    }

    /// Whether it is the one thing that is always there and is only changed: the account.
    pub(crate) fn is_account(&self) -> bool {
        self.name == "AWS::ApiGateway::Account"
    }

    /// Where an attribute stands in the answer.
    pub(crate) fn attribute<'a>(&self, name: &str, answer: &'a Json) -> Option<&'a Json> {
        let (_, pointer) = self.attributes.iter().find(|(attribute, _)| *attribute == name)?;
        answer.pointer(pointer)
    }
}

#[cfg(test)]
mod tests;
