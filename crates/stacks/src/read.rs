//! Reads the text of a template, YAML or JSON, into a [`Node`].

mod json;
mod yaml;

use crate::fault::Fault;
use crate::node::{Node, Place};

/// The longest template that is read, in bytes. CloudFormation takes 1 MB.
pub const TEMPLATE_BYTES_MAX: usize = 8 << 20;
/// How deep values may stand in each other.
pub const DEPTH_MAX: usize = 100;
/// How many values a template may hold once its aliases are replaced by what they stand for: a few lines of YAML can say
/// billions.
pub const NODES_MAX: usize = 500_000;
/// How many bytes of text those values may hold, their keys included.
pub const VALUES_BYTES_MAX: usize = 64 << 20;

/// Reads a template. One that begins with `{"` is JSON, any other YAML.
///
/// Where a map has a key twice, the last one counts, as CloudFormation has it (observed by others, in YAML and JSON alike).
/// Aliases and merge keys are replaced by what they stand for; CloudFormation itself takes them only where a tool in front of
/// it, such as `aws cloudformation package`, did that (documented: "YAML 1.1 with a few exceptions").
///
/// # Errors
/// The first thing that cannot be read, with its line and column: a slip in the notation, a tag that CloudFormation does not
/// know, a second document, or one of this module's bounds.
pub fn read(text: &str) -> Result<Node, Fault> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.len() > TEMPLATE_BYTES_MAX {
        let message = format!("the template has {} bytes; {TEMPLATE_BYTES_MAX} are the most", text.len());
        return Err(Fault::new(message, "", Place::default()));
    }
    if is_json(text) { json::read(text) } else { yaml::read(text) }
}

/// JSON begins with a brace, and then a key in quotes; without quotes it is YAML that is written in braces.
fn is_json(text: &str) -> bool {
    let inner = text.trim_start().strip_prefix('{').map(str::trim_start);
    inner.is_some_and(|inner| inner.is_empty() || inner.starts_with(['"', '}']))
}

/// How much a value holds, itself included.
#[derive(Clone, Copy, Debug, Default)]
struct Size {
    nodes: usize,
    bytes: usize,
    /// 1 for a scalar.
    height: usize,
}

impl Size {
    fn scalar(bytes: usize) -> Size {
        Size { nodes: 1, bytes, height: 1 }
    }

    /// Adds what stands in this one, under a key of so many bytes.
    fn add(&mut self, child: Size, key: usize) {
        self.nodes += child.nodes;
        self.bytes += child.bytes + key;
        self.height = self.height.max(child.height + 1);
    }
}

/// What was read so far.
#[derive(Debug, Default)]
struct Budget {
    nodes: usize,
    bytes: usize,
}

impl Budget {
    fn spend(&mut self, size: Size, place: Place) -> Result<(), Fault> {
        self.nodes += size.nodes;
        self.bytes += size.bytes;
        if self.nodes > NODES_MAX {
            return Err(Fault::new(format!("the template holds more than {NODES_MAX} values"), "", place));
        }
        if self.bytes > VALUES_BYTES_MAX {
            let message = format!("the template's values hold more than {VALUES_BYTES_MAX} bytes");
            return Err(Fault::new(message, "", place));
        }
        Ok(())
    }
}

fn too_deep(place: Place) -> Fault {
    Fault::new(format!("values stand in each other more than {DEPTH_MAX} deep"), "", place)
}

#[cfg(test)]
mod tests;
