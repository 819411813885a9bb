//! SAM: makes CloudFormation's resources of the short ones that begin with `AWS::Serverless::`.
//!
//! What is made of a WebSocket API is what AWS's own translator makes, names and all (`corpus/iac/sam` compares them); of a
//! function, what somebody who runs it here needs.

use indexmap::IndexMap;

use crate::fault::{FAULTS_MAX, Fault};
use crate::node::{Map, Node, Place, Value};
use crate::remark::Remark;
use crate::transforms::{Expanded, Known};
use crate::weight::{Room, too_much};

mod checks;
mod domain;
mod function;
mod globals;
mod references;
mod websocket;

/// The name in `Transform`.
pub const TRANSFORM: &str = "AWS::Serverless-2016-10-31";
/// What the types begin with.
pub(crate) const PREFIX: &str = "AWS::Serverless::";

/// The work on one template.
struct Work<'a> {
    known: &'a Known,
    /// Ids of the document as somebody wrote it.
    written: &'a Map,
    room: Room,
    faults: Vec<Fault>,
    remarks: Vec<Remark>,
    /// `Ws.Stage` and its like → the id of what was made.
    made: IndexMap<String, String>,
}

/// A resource of SAM's that is being expanded.
struct Subject<'a> {
    id: &'a str,
    resource: &'a Node,
    /// With what Globals say.
    properties: Map,
}

/// A resource that was made: its id and itself.
type Made = (String, Node);

/// Expands SAM's resources and its `Globals`.
///
/// # Errors
/// What the translator would refuse, each at its line.
pub fn expand(document: &Node, known: &Known) -> Result<Expanded, Vec<Fault>> {
    let known = &known.with_defaults(document);
    let Some(resources) = document.get("Resources").and_then(Node::as_map) else {
        return Err(vec![Fault::new("a template needs a map of Resources", "Resources", document.place)]);
    };
    let mut work = Work {
        known,
        written: resources,
        room: Room::new(),
        faults: Vec::new(),
        remarks: Vec::new(),
        made: IndexMap::new(),
    };
    let globals = globals::read(document, &mut work.faults);
    let mut expanded = Map::new();
    for (id, resource) in resources {
        if work.faults.len() >= FAULTS_MAX || work.room.is_exceeded() {
            break;
        }
        let kind = type_of(resource).and_then(|kind| kind.strip_prefix(PREFIX));
        let Some(kind) = kind else {
            put(&mut expanded, vec![(id.clone(), without_connectors(id, resource, &mut work.remarks))]);
            continue;
        };
        let Some(properties) = work.properties(id, kind, resource, &globals) else { continue };
        let subject = Subject { id, resource, properties };
        let made = match kind {
            "WebSocketApi" => websocket::expand(&subject, &mut work),
            "Function" => function::expand(&subject, &mut work),
            "Connector" => {
                let message = "a connector gives permissions, which nothing here needs; it is left out";
                work.remarks.push(Remark::new(message, format!("Resources.{id}"), resource.place));
                Vec::new()
            }
            // Types that nothing here has a part in: whoever reads the template says so, a line each.
            _ => vec![(id.clone(), without_connectors(id, resource, &mut work.remarks))],
        };
        put(&mut expanded, made);
    }
    if work.faults.is_empty() {
        let document = references::resolved(&document_of(document, expanded), &work.made);
        return Ok(Expanded { document, remarks: work.remarks });
    }
    work.faults.truncate(FAULTS_MAX);
    work.faults.sort_by_key(|fault| fault.place);
    Err(work.faults)
}

impl Work<'_> {
    /// A resource's properties with what Globals say to it.
    fn properties(&mut self, id: &str, kind: &str, resource: &Node, globals: &globals::Globals) -> Option<Map> {
        let path = format!("Resources.{id}.Properties");
        let empty = Node::nowhere(Value::Map(Map::new()));
        let properties = match resource.get("Properties") {
            Some(properties) => properties,
            None => &empty,
        };
        let Some(own) = properties.as_map() else {
            self.fault(format!("properties are a map, not {}", properties.kind()), path, properties.place);
            return None;
        };
        if !is_alphanumeric(id) {
            self.fault("a logical id has letters and digits only", format!("Resources.{id}"), resource.place);
            return None;
        }
        let merged = match globals.merged(kind, own, resource, &mut self.room) {
            Ok(merged) => merged,
            Err(message) => {
                self.fault(message, format!("Resources.{id}"), resource.place);
                return None;
            }
        };
        Some(merged.into_iter().filter(|(_, value)| value.value != Value::Null).collect())
    }

    fn fault(&mut self, message: impl Into<String>, path: impl Into<String>, place: Place) {
        self.faults.push(Fault::new(message, path, place));
    }

    /// Says no to what would take the place of something that somebody wrote, or be too much.
    fn checked(&mut self, subject: &Subject, made: Vec<Made>) -> Vec<Made> {
        for (id, resource) in &made {
            if id != subject.id && self.written.contains_key(id) {
                self.fault(
                    format!("SAM makes a resource with the id {id} of it, and the template has one of that name"),
                    format!("Resources.{}", subject.id),
                    subject.resource.place,
                );
            }
            if !is_alphanumeric(id) {
                self.fault(
                    format!("SAM would make a resource with the id {id:?} of it; ids have letters and digits only"),
                    format!("Resources.{}", subject.id),
                    resource.place,
                );
            }
            if !self.room.take(resource) {
                self.fault(too_much(), "", subject.resource.place);
                return Vec::new();
            }
        }
        made
    }
}

/// The type of a resource.
pub(crate) fn type_of(resource: &Node) -> Option<&str> {
    resource.get("Type").and_then(Node::as_str)
}

fn is_alphanumeric(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Later ones take the place of earlier ones of the same id, as in the translator.
fn put(resources: &mut Map, made: Vec<Made>) {
    resources.extend(made);
}

/// `Connectors` on any resource are permissions between resources.
fn without_connectors(id: &str, resource: &Node, remarks: &mut Vec<Remark>) -> Node {
    let Some(connectors) = resource.get("Connectors") else { return resource.clone() };
    let message = "connectors give permissions, which nothing here needs; they are left out";
    remarks.push(Remark::new(message, format!("Resources.{id}.Connectors"), connectors.place));
    let mut resource = resource.clone();
    if let Value::Map(map) = &mut resource.value {
        map.shift_remove("Connectors");
    }
    resource
}

/// The document with other resources, and without what only SAM reads.
fn document_of(document: &Node, resources: Map) -> Node {
    let place = document.get("Resources").map(|node| node.place).unwrap_or_default();
    let mut map = document.as_map().cloned().unwrap_or_default();
    map.shift_remove("Globals");
    match map.get("Transform").and_then(Node::as_list) {
        Some(transforms) => {
            let others: Vec<_> = transforms.iter().filter(|name| name.as_str() != Some(TRANSFORM)).cloned().collect();
            let others = Node::list(others, document.place);
            map.insert("Transform".into(), others);
        }
        None => {
            map.shift_remove("Transform");
        }
    }
    map.insert("Resources".into(), Node { value: Value::Map(resources), place });
    Node { value: Value::Map(map), place: document.place }
}

/// A resource of a type.
fn resource(kind: &str, properties: Map, place: Place) -> Node {
    let properties = Node { value: Value::Map(properties), place };
    Node::map([("Type", Node::text(kind, place)), ("Properties", properties)], place)
}

/// `{"Ref": id}`.
fn reference(id: &str, place: Place) -> Node {
    Node::map([("Ref", Node::text(id, place))], place)
}

/// `{"Fn::GetAtt": [id, attribute]}`.
fn attribute(id: &str, name: &str, place: Place) -> Node {
    Node::map([("Fn::GetAtt", Node::list([Node::text(id, place), Node::text(name, place)], place))], place)
}

/// `{"Fn::Sub": text}`, or with values of its own.
fn substituted(text: impl Into<String>, values: Vec<(&str, Node)>, place: Place) -> Node {
    let text = Node::text(text, place);
    let argument = if values.is_empty() { text } else { Node::list([text, Node::map(values, place)], place) };
    Node::map([("Fn::Sub", argument)], place)
}
