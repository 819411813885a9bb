//! What a filter compares.

use std::borrow::Cow;

use java::{Decimal, FilterPattern, trim};

use crate::limits::PATH_BYTES_MAX;
use crate::literal::{Literal, unescape};
use crate::node::{Node, NodeKind};
use crate::parser::Parser;
use crate::stop::{Meter, Stop};

/// One side of a comparison. Equality depends on which side it is, so there is no `PartialEq`.
#[derive(Clone, Debug)]
pub(super) enum Value<'o, N> {
    /// A path that found nothing.
    Undefined,
    Null,
    Bool(bool),
    Number(Decimal),
    Text(Cow<'o, str>),
    /// A list or map of the document.
    Found(N),
    /// A list or map as text, and what it says where it can be read.
    Written(Cow<'o, str>, Option<N>),
    Pattern(&'o FilterPattern),
    /// A text in a list that reads as a path: it equals nothing.
    PathText,
}

impl<'o, N: Node> Value<'o, N> {
    /// The value of a path's answer.
    pub(super) fn of(node: N) -> Result<Value<'o, N>, Stop> {
        match node.kind() {
            NodeKind::List | NodeKind::Map => Ok(Value::Found(node)),
            NodeKind::String => Ok(Value::Text(Cow::Owned(text(&node)))),
            _ => Value::scalar(&node),
        }
    }

    /// The value of a member of a list, where text that looks like more than text is taken for that.
    fn of_member(node: &N) -> Result<Value<'o, N>, Stop> {
        match node.kind() {
            NodeKind::List | NodeKind::Map => Err(Stop::failed("a list or map within a list cannot be compared")),
            NodeKind::String => Value::of_text(text(node)),
            _ => Value::scalar(node),
        }
    }

    fn scalar(node: &N) -> Result<Value<'o, N>, Stop> {
        match node.kind() {
            NodeKind::Bool => Ok(Value::Bool(node.as_bool().unwrap_or_default())),
            NodeKind::Number => node
                .decimal()
                .map(Value::Number)
                .ok_or_else(|| Stop::failed("a number that is not finite cannot be compared")),
            _ => Ok(Value::Null),
        }
    }

    fn of_text(text: String) -> Result<Value<'o, N>, Stop> {
        let trimmed = trim(&text);
        if trimmed.starts_with(['$', '@']) && trimmed.len() <= PATH_BYTES_MAX && Parser::default().path(trimmed).is_ok()
        {
            return Ok(Value::PathText);
        }
        let is_json = trimmed.len() > 1
            && ((trimmed.starts_with('[') && trimmed.ends_with(']'))
                || (trimmed.starts_with('{') && trimmed.ends_with('}')));
        if let Some(literal) = Literal::read(trimmed).filter(|_| is_json) {
            return Ok(Value::Written(Cow::Owned(text), Some(literal.node())));
        }
        if text.encode_utf16().nth(1).is_none() {
            return Ok(Value::Text(Cow::Owned(text)));
        }
        let quoted = ['\'', '"'].iter().find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote));
        let plain = unescape(quoted.unwrap_or(&text));
        plain
            .map(|plain| Value::Text(Cow::Owned(plain)))
            .ok_or_else(|| Stop::failed("`\\u` needs four hexadecimal digits"))
    }

    /// How long its text or number is.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Value::Number(number) => number.digits(),
            Value::Text(text) | Value::Written(text, _) => text.len(),
            _ => 0,
        }
    }

    /// The list or map it is; `None` where it is neither.
    pub(super) fn json(&self) -> Result<Option<&N>, Stop> {
        match self {
            Value::Found(node) | Value::Written(_, Some(node)) => Ok(Some(node)),
            Value::Written(_, None) => Err(Stop::failed("the JSON in the filter cannot be read")),
            _ => Ok(None),
        }
    }

    /// The members of a list, `None` for a map.
    ///
    /// # Errors
    /// Refused where it is no JSON at all.
    pub(super) fn members(&self, meter: &mut Meter) -> Result<Option<Vec<Value<'o, N>>>, Stop> {
        let node = self.json()?.ok_or_else(|| Stop::refused("the operator needs a list"))?;
        if node.kind() != NodeKind::List {
            return Ok(None);
        }
        meter.visit(node.len())?;
        let items = (0..node.len()).filter_map(|index| node.item(index));
        let members = items.map(|item| {
            meter.read(item.as_text().map_or(0, |text| text.len()))?;
            Value::of_member(&item)
        });
        members.collect::<Result<_, _>>().map(Some)
    }

    /// Whether both are of one kind: the first thing that `===` asks.
    pub(super) fn is_alike(&self, other: &Value<'_, N>) -> bool {
        let kind = |value: &Value<'_, N>| match value {
            Value::Undefined => 0,
            Value::Null => 1,
            Value::Bool(_) => 2,
            Value::Number(_) => 3,
            Value::Text(_) => 4,
            Value::Found(_) | Value::Written(..) => 5,
            Value::Pattern(_) => 6,
            Value::PathText => 7,
        };
        kind(self) == kind(other)
    }
}

fn text<N: Node>(node: &N) -> String {
    node.as_text().map(Cow::into_owned).unwrap_or_default()
}
