//! How much a value is, so that nothing that is made of a template grows without end.

use crate::node::{Node, Value};

/// The most that a template may become by what is expanded in it: Globals, loops, variables. CloudFormation takes a
/// million bytes; this leaves room for what a tool would have split into several stacks.
pub const WEIGHT_MAX: usize = 16 * 1024 * 1024;

/// What a value weighs beside its text: about what it costs to keep.
const NODE: usize = 64;

/// About how many bytes a value takes.
pub(crate) fn weight(node: &Node) -> usize {
    NODE + match &node.value {
        Value::Null => 0,
        Value::Text(text) | Value::Plain(text) => text.len(),
        Value::List(items) => items.iter().map(weight).sum(),
        Value::Map(map) => map.iter().map(|(key, value)| key.len() + weight(value)).sum(),
    }
}

/// What may still be made.
#[derive(Debug)]
pub(crate) struct Room {
    left: usize,
    is_exceeded: bool,
}

impl Room {
    /// All of [`WEIGHT_MAX`].
    pub(crate) fn new() -> Room {
        Room { left: WEIGHT_MAX, is_exceeded: false }
    }

    /// Whether more was wanted than there was.
    pub(crate) fn is_exceeded(&self) -> bool {
        self.is_exceeded
    }

    /// Takes the room that a value needs; false where there is none left.
    pub(crate) fn take(&mut self, node: &Node) -> bool {
        self.take_bytes(weight(node))
    }

    /// Takes some bytes; false where there are none left.
    pub(crate) fn take_bytes(&mut self, bytes: usize) -> bool {
        match self.left.checked_sub(bytes) {
            Some(left) => {
                self.left = left;
                true
            }
            None => {
                self.left = 0;
                self.is_exceeded = true;
                false
            }
        }
    }
}

/// What is said where there is no room left.
pub(crate) fn too_much() -> String {
    format!("what is made of the template takes more than {} megabytes", WEIGHT_MAX / 1024 / 1024)
}
