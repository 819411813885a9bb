//! The functions that choose, count or make lists.

use indexmap::IndexMap;

use super::Evaluation;
use crate::fault::{Fault, nearest};
use crate::node::{Node, Place, Value};

/// The letters of the zones that every region is said to have.
const ZONES: [char; 3] = ['a', 'b', 'c'];

impl<'n> Evaluation<'n> {
    pub(super) fn select(&mut self, argument: &'n Node, place: Place) -> Result<Node, Fault> {
        let Some([index, items]) = argument.as_list() else {
            return Err(self.fault("Fn::Select takes an index and a list", place));
        };
        let written = self.text(index, "the index of Fn::Select")?;
        let Ok(index) = written.parse::<usize>() else {
            let message = format!("the index of Fn::Select is a number from 0, not {}", self.shown(&written));
            return Err(self.fault(message, place));
        };
        let mut items = self.list(items, "what Fn::Select selects from")?;
        if index >= items.len() {
            let message = format!("Fn::Select asks for item {index}, from 0, of a list of {}", items.len());
            return Err(self.fault(message, place));
        }
        Ok(items.swap_remove(index))
    }

    pub(super) fn find_in_map(&mut self, argument: &'n Node, place: Place) -> Result<Option<Node>, Fault> {
        let (keys, default) = match argument.as_list() {
            Some(keys @ [_, _, _]) => (keys, None),
            Some([keys @ .., options]) if keys.len() == 3 => {
                let default = options.get("DefaultValue");
                let wanted = "the fourth argument of Fn::FindInMap is a map with DefaultValue";
                (keys, Some(default.ok_or_else(|| self.fault(wanted, place))?))
            }
            _ => return Err(self.fault("Fn::FindInMap takes a mapping, a key and a second key", place)),
        };
        let mapping = self.text(&keys[0], "the mapping of Fn::FindInMap")?;
        let top = self.text(&keys[1], "the key of Fn::FindInMap")?;
        let second = self.text(&keys[2], "the second key of Fn::FindInMap")?;
        let mappings = &self.scope.template.mappings;
        let tops = mappings.get(&mapping);
        let seconds = tops.and_then(|tops| tops.get(&top));
        if let Some(found) = seconds.and_then(|seconds| seconds.get(&second)) {
            // It keeps its own place: that is where somebody would change it.
            return self.value(found);
        }
        if let Some(default) = default {
            return self.value(default);
        }
        let message = match (tops, seconds) {
            (None, _) => format!("there is no mapping {}{}", self.shown(&mapping), self.near(&mapping, mappings)),
            (Some(tops), None) => {
                format!("the mapping {} has no key {}{}", self.shown(&mapping), self.shown(&top), self.near(&top, tops))
            }
            (_, Some(seconds)) => format!(
                "the mapping {} has no key {} below {}{}",
                self.shown(&mapping),
                self.shown(&second),
                self.shown(&top),
                self.near(&second, seconds)
            ),
        };
        Err(self.fault(message, place))
    }

    fn near<T>(&self, name: &str, known: &IndexMap<String, T>) -> String {
        let near = nearest(name, known.keys().map(String::as_str)).filter(|_| !self.secret);
        near.map(|near| format!(" (did you mean {near}?)")).unwrap_or_default()
    }

    /// The zones of a region; of the stack's, where none is named.
    pub(super) fn zones(&mut self, argument: &'n Node, place: Place) -> Result<Node, Fault> {
        let mut region = self.text(argument, "the region of Fn::GetAZs")?;
        if region.is_empty() {
            region.clone_from(&self.scope.pseudo.region);
        }
        self.spend(region.len() * ZONES.len(), place)?;
        Ok(Node::list(ZONES.map(|zone| Node::text(format!("{region}{zone}"), place)), place))
    }

    pub(super) fn length(&mut self, argument: &'n Node, place: Place) -> Result<Node, Fault> {
        let items = self.list(argument, "what Fn::Length counts")?;
        Ok(Node { value: Value::Plain(items.len().to_string()), place })
    }
}
