//! What a change set would change, as AWS lists it.

use super::checked::Checked;
use super::xml::Xml;
use crate::change::Action;
use crate::engine::Applied;
use crate::record::Record;

/// One resource that would change.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Planned {
    /// `Add`, `Modify` or `Remove`.
    pub action: &'static str,
    /// Its name in the template.
    pub logical: String,
    /// Empty for what is not there yet.
    pub physical: String,
    /// CloudFormation's name of its type.
    pub kind: String,
    /// Whether another one takes its place.
    pub is_replaced: bool,
    /// The properties that change.
    pub properties: Vec<String>,
}

impl Planned {
    fn new(action: &'static str, logical: &str, kind: &str, old: Option<&Record>) -> Planned {
        let physical = old.and_then(|old| old.resources.get(logical)).map(|kept| kept.physical.clone());
        Planned {
            action,
            logical: logical.to_owned(),
            physical: physical.unwrap_or_default(),
            kind: kind.to_owned(),
            is_replaced: false,
            properties: Vec::new(),
        }
    }

    pub(crate) fn write(&self, xml: &mut Xml) {
        xml.text("Type", "Resource");
        xml.within("ResourceChange", |xml| {
            xml.text("Action", self.action);
            xml.text("LogicalResourceId", &self.logical);
            xml.some("PhysicalResourceId", &self.physical);
            xml.text("ResourceType", &self.kind);
            if self.action != "Modify" {
                return;
            }
            xml.text("Replacement", if self.is_replaced { "True" } else { "False" });
            xml.texts("Scope", ["Properties"]);
            xml.list("Details", &self.properties, |xml, property| {
                xml.within("Target", |xml| {
                    xml.text("Attribute", "Properties");
                    xml.text("Name", property);
                    xml.text("RequiresRecreation", if self.is_replaced { "Always" } else { "Never" });
                });
                xml.text("Evaluation", "Static");
                xml.text("ChangeSource", "DirectModification");
            });
        });
    }
}

/// The properties of changed members such as `requestParameters.x`, each once.
fn properties(details: &[String]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for detail in details {
        let member = detail.split('.').next().unwrap_or(detail);
        let mut letters = member.chars();
        let name: String = letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// What changes between a stack and a template. `old` is none where nothing was made of the stack yet; `before` is its
/// template; `applied` is none where a resource will be refused, so that only the templates can be compared.
pub fn between(
    old: Option<&Record>,
    before: Option<&Checked>,
    new: &Checked,
    applied: Option<&Applied>,
) -> Vec<Planned> {
    let mut planned = Vec::new();
    for change in applied.iter().flat_map(|applied| &applied.changes) {
        let action = match change.action {
            Action::Create => "Add",
            Action::Change | Action::Replace => "Modify",
            Action::Delete => "Remove",
            Action::Keep => continue,
        };
        planned.push(Planned {
            is_replaced: change.action == Action::Replace,
            properties: properties(&change.details),
            ..Planned::new(action, &change.logical, &change.kind, old)
        });
    }
    let is_told =
        |logical: &str| applied.is_some_and(|applied| applied.changes.iter().any(|change| change.logical == logical));
    // What this gateway only knows by name changes on AWS.
    let exists = |logical: &str| applied.is_none_or(|applied| applied.record.resources.contains_key(logical));
    for (logical, resource) in new.template.resources.iter().filter(|(logical, _)| !is_told(logical) && exists(logical))
    {
        let there = old.and_then(|old| old.resources.get(logical));
        let written = before.and_then(|before| before.template.resources.get(logical));
        let is_same = written.is_some_and(|written| written.properties.to_json() == resource.properties.to_json());
        match there {
            Some(there) if there.kind == resource.kind && is_same => {}
            Some(_) => planned.push(Planned::new("Modify", logical, &resource.kind, old)),
            None => planned.push(Planned::new("Add", logical, &resource.kind, old)),
        }
    }
    let stays = |logical: &str| match applied {
        Some(applied) => applied.record.resources.contains_key(logical),
        None => new.template.resources.contains_key(logical),
    };
    for (logical, kept) in old.iter().flat_map(|old| &old.resources).filter(|(logical, _)| !is_told(logical)) {
        if !stays(logical) {
            planned.push(Planned::new("Remove", logical, &kept.kind, old));
        }
    }
    planned
}
