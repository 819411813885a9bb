//! `serde_json` values as documents: a wrapper that points into the value and copies nothing.

use std::borrow::Cow;
use std::collections::HashMap;
use std::rc::Rc;

use java::{Decimal, double_text};
use serde_json::Value;

use crate::node::{Node, NodeKind};

/// A place in a `serde_json` document, or what a path made.
#[derive(Clone, Debug)]
pub(crate) enum Tree<'v> {
    Place(&'v Value),
    Scalar(Rc<Value>),
    List(Rc<Vec<Tree<'v>>>),
    Map(Rc<Vec<(String, Tree<'v>)>>),
}

impl<'v> Tree<'v> {
    /// A value of its own.
    pub(crate) fn to_value(&self) -> Value {
        match self {
            Tree::Place(value) => (*value).clone(),
            Tree::Scalar(value) => (**value).clone(),
            Tree::List(items) => Value::Array(items.iter().map(Tree::to_value).collect()),
            Tree::Map(members) => members.iter().map(|(name, value)| (name.clone(), value.to_value())).collect(),
        }
    }

    /// The value it points to, or made into one.
    pub(crate) fn into_value(self) -> Cow<'v, Value> {
        match self {
            Tree::Place(value) => Cow::Borrowed(value),
            made => Cow::Owned(made.to_value()),
        }
    }

    fn scalar(value: impl Into<Value>) -> Tree<'v> {
        Tree::Scalar(Rc::new(value.into()))
    }

    fn value(&self) -> Option<&Value> {
        match self {
            Tree::Place(value) => Some(value),
            Tree::Scalar(value) => Some(value),
            Tree::List(_) | Tree::Map(_) => None,
        }
    }
}

impl Node for Tree<'_> {
    fn kind(&self) -> NodeKind {
        match self {
            Tree::List(_) => NodeKind::List,
            Tree::Map(_) => NodeKind::Map,
            Tree::Place(_) | Tree::Scalar(_) => match self.value() {
                None | Some(Value::Null) => NodeKind::Null,
                Some(Value::Bool(_)) => NodeKind::Bool,
                Some(Value::Number(_)) => NodeKind::Number,
                Some(Value::String(_)) => NodeKind::String,
                Some(Value::Array(_)) => NodeKind::List,
                Some(Value::Object(_)) => NodeKind::Map,
            },
        }
    }

    fn as_bool(&self) -> Option<bool> {
        self.value()?.as_bool()
    }

    fn as_number(&self) -> Option<f64> {
        self.value()?.as_f64()
    }

    fn number_text(&self) -> Option<String> {
        match self.value()? {
            Value::Number(number) if number.is_f64() => number.as_f64().map(double_text),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    fn decimal(&self) -> Option<Decimal> {
        let number = self.value()?.as_number()?;
        match number.as_i64() {
            Some(n) => Some(Decimal::from_integer(n)),
            None => self.number_text().as_deref().and_then(Decimal::parse),
        }
    }

    fn as_text(&self) -> Option<Cow<'_, str>> {
        self.value()?.as_str().map(Cow::Borrowed)
    }

    fn len(&self) -> usize {
        match self {
            Tree::Place(Value::Array(items)) => items.len(),
            Tree::Place(Value::Object(members)) => members.len(),
            Tree::List(items) => items.len(),
            Tree::Map(members) => members.len(),
            Tree::Place(_) | Tree::Scalar(_) => 0,
        }
    }

    fn item(&self, index: usize) -> Option<Self> {
        match self {
            Tree::Place(Value::Array(items)) => items.get(index).map(Tree::Place),
            Tree::List(items) => items.get(index).cloned(),
            _ => None,
        }
    }

    fn member(&self, name: &str) -> Option<Self> {
        match self {
            Tree::Place(Value::Object(members)) => members.get(name).map(Tree::Place),
            Tree::Map(members) => members.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()),
            _ => None,
        }
    }

    fn names(&self) -> Vec<String> {
        match self {
            Tree::Place(Value::Object(members)) => members.keys().cloned().collect(),
            Tree::Map(members) => members.iter().map(|(name, _)| name.clone()).collect(),
            _ => Vec::new(),
        }
    }

    fn list(items: Vec<Self>) -> Self {
        Tree::List(Rc::new(items))
    }

    fn map(members: Vec<(String, Self)>) -> Self {
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut unique: Vec<(String, Self)> = Vec::with_capacity(members.len());
        for (name, value) in members {
            match places.get(&name) {
                Some(at) => unique[*at].1 = value,
                None => {
                    places.insert(name.clone(), unique.len());
                    unique.push((name, value));
                }
            }
        }
        Tree::Map(Rc::new(unique))
    }

    fn null() -> Self {
        Tree::scalar(Value::Null)
    }

    fn bool(b: bool) -> Self {
        Tree::scalar(b)
    }

    fn integer(n: i64) -> Self {
        Tree::scalar(n)
    }

    fn double(n: f64) -> Self {
        Tree::scalar(n)
    }

    fn string(s: String) -> Self {
        Tree::scalar(s)
    }
}
