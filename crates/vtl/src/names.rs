//! What a template names: its variables by slot, and the properties and methods of anything.

use std::collections::HashSet;

use crate::ast::Slot;

/// The names of a template.
#[derive(Debug)]
pub(crate) struct Names {
    variables: Vec<Box<str>>,
    members: HashSet<Box<str>>,
    /// The slots of what a loop sets.
    pub(crate) foreach: Option<usize>,
    pub(crate) count: Option<usize>,
    pub(crate) has_next: Option<usize>,
}

impl Names {
    pub(crate) fn new(variables: Vec<Box<str>>, members: HashSet<Box<str>>) -> Names {
        let slot = |name: &str| variables.iter().position(|known| **known == *name);
        let (foreach, count, has_next) = (slot("foreach"), slot("velocityCount"), slot("velocityHasNext"));
        Names { variables, members, foreach, count, has_next }
    }

    /// How many slots there are.
    pub(crate) fn len(&self) -> usize {
        self.variables.len()
    }

    /// The slot of a variable.
    pub(crate) fn slot(&self, name: &str) -> Option<usize> {
        self.variables.iter().position(|known| **known == *name)
    }

    /// The variable in a slot.
    pub(crate) fn variable(&self, slot: Slot) -> &str {
        self.variables.get(slot as usize).map_or("", |name| name)
    }

    /// Whether anything's property or method of this name is asked for.
    pub(crate) fn has_member(&self, name: &str) -> bool {
        self.members.contains(name)
    }
}
