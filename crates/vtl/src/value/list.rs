//! What every list can do.

use super::{List, ListKind, Value};

impl List {
    /// The items as they are now.
    pub fn items(&self) -> Vec<Value> {
        self.items.borrow().clone()
    }

    /// How many items there are.
    pub fn len(&self) -> usize {
        self.items.borrow().len()
    }

    /// Whether Java calls it an array, which is no collection.
    pub(crate) fn is_array(&self) -> bool {
        matches!(self.kind, ListKind::Array | ListKind::Strings | ListKind::Primitive)
    }

    /// Whether an item may be replaced by `value`: an array of characters or strings takes nothing else.
    pub(crate) fn takes(&self, value: &Value) -> bool {
        match self.kind {
            ListKind::Strings => matches!(value, Value::Text(_) | Value::Null),
            ListKind::Primitive => {
                let items = self.items.borrow();
                items.first().is_none_or(|item| std::mem::discriminant(item) == std::mem::discriminant(value))
            }
            _ => true,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The item at `index`.
    pub fn get(&self, index: usize) -> Option<Value> {
        self.items.borrow().get(index).cloned()
    }
}
