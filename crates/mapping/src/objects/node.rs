//! A value of the template language as a document that JSONPath walks.

use std::borrow::Cow;
use std::rc::Rc;

use java::Decimal;
use jsonpath::{Node, NodeKind};
use vtl::{ListKind, Map, MapKind, Value};

/// A place in the parsed body. What a path finds is the body's own value: a template that changes it changes the body.
#[derive(Clone, Debug)]
pub(super) struct BodyNode(pub(super) Value);

impl Node for BodyNode {
    fn kind(&self) -> NodeKind {
        match &self.0 {
            Value::Null => NodeKind::Null,
            Value::Bool(_) => NodeKind::Bool,
            Value::Int(_) | Value::Long(_) | Value::Big(_) | Value::Double(_) | Value::Decimal(_) => NodeKind::Number,
            value if value.is_list() => NodeKind::List,
            value if value.is_map() => NodeKind::Map,
            _ => NodeKind::String,
        }
    }

    fn as_bool(&self) -> Option<bool> {
        match self.0 {
            Value::Bool(b) => Some(b),
            _ => None,
        }
    }

    fn as_number(&self) -> Option<f64> {
        match &self.0 {
            Value::Int(n) => Some(f64::from(*n)),
            Value::Long(n) => Some(*n as f64),
            Value::Double(d) => Some(*d),
            Value::Big(_) | Value::Decimal(_) => vtl::display(&self.0).ok()?.parse().ok(),
            _ => None,
        }
    }

    fn number_text(&self) -> Option<String> {
        match self.kind() {
            NodeKind::Number => vtl::display(&self.0).ok(),
            _ => None,
        }
    }

    fn decimal(&self) -> Option<Decimal> {
        match &self.0 {
            Value::Int(n) => Some(Decimal::from_integer(*n)),
            Value::Long(n) => Some(Decimal::from_integer(*n)),
            Value::Big(n) => Some(Decimal::from_integer((**n).clone())),
            Value::Decimal(d) => Some((**d).clone()),
            _ => Decimal::parse(&self.number_text()?),
        }
    }

    fn as_text(&self) -> Option<Cow<'_, str>> {
        match &self.0 {
            Value::Text(text) => Some(Cow::Borrowed(text)),
            other if self.kind() == NodeKind::String => vtl::display(other).ok().map(Cow::Owned),
            _ => None,
        }
    }

    fn len(&self) -> usize {
        self.0.size()
    }

    fn item(&self, index: usize) -> Option<BodyNode> {
        self.0.item(index).map(BodyNode)
    }

    fn member(&self, name: &str) -> Option<BodyNode> {
        self.0.member(name).map(BodyNode)
    }

    fn names(&self) -> Vec<String> {
        self.0.names().iter().filter_map(|name| name.as_text().map(str::to_owned)).collect()
    }

    // A Java Set: it prints as `[a, b]` and not as JSON (the oracle's answer).
    fn key_set(names: Vec<String>) -> BodyNode {
        BodyNode(Value::list(ListKind::View, names.into_iter().map(Value::from).collect()))
    }

    fn list(items: Vec<BodyNode>) -> BodyNode {
        BodyNode(Value::list(ListKind::Json, items.into_iter().map(|item| item.0).collect()))
    }

    fn map(members: Vec<(String, BodyNode)>) -> BodyNode {
        let members = members.into_iter().map(|(name, value)| (Value::from(name), value.0));
        BodyNode(Value::Map(Rc::new(Map::of(MapKind::Linked, members))))
    }

    fn null() -> BodyNode {
        BodyNode(Value::Null)
    }

    fn bool(b: bool) -> BodyNode {
        BodyNode(Value::Bool(b))
    }

    fn integer(n: i64) -> BodyNode {
        BodyNode(Value::integer(n))
    }

    fn double(n: f64) -> BodyNode {
        BodyNode(Value::Double(n))
    }

    fn string(s: String) -> BodyNode {
        BodyNode(Value::from(s))
    }
}
