//! A template, sorted into its parts.

use std::collections::HashSet;

use indexmap::IndexMap;

use crate::fault::{Fault, Faults, nearest, shortened};
use crate::node::{Map, Node, Place, Value};
use crate::parameters::{PARAMETERS_MAX, Parameter};
use crate::references::{self, WALK_DEPTH_MAX};

/// The most resources of a template. CloudFormation takes 500.
pub const RESOURCES_MAX: usize = 1_000;

/// A template, its transforms done. Nothing is evaluated yet, but what it names exists.
#[derive(Clone, Debug, Default)]
pub struct Template {
    /// What it says of itself.
    pub description: Option<String>,
    /// The transforms that it asks for, such as `AWS::Serverless-2016-10-31`.
    pub transforms: Vec<Transform>,
    /// What may be given to it.
    pub parameters: IndexMap<String, Parameter>,
    /// Two levels of keys, and a scalar or list at the end of each.
    pub mappings: IndexMap<String, IndexMap<String, Map>>,
    /// By name, not evaluated.
    pub conditions: Map,
    /// By logical id, in the order of the file.
    pub resources: IndexMap<String, Resource>,
    /// By name, in the order of the file.
    pub outputs: IndexMap<String, Output>,
}

/// One entry of `Transform`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Transform {
    /// Such as `AWS::LanguageExtensions`.
    pub name: String,
    /// Where it is asked for.
    pub place: Place,
}

/// One resource as the template describes it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resource {
    /// Such as `AWS::ApiGatewayV2::Route`.
    pub kind: String,
    /// A map, not evaluated; an empty one where the template has none.
    pub properties: Node,
    /// The logical ids that it waits for, as written.
    pub depends_on: Vec<String>,
    /// The condition that it exists under.
    pub condition: Option<String>,
    /// Where the CDK app made it: `Metadata`'s `aws:cdk:path`.
    pub construct: Option<String>,
    /// What tools wrote about it, not evaluated; nothing where there is none.
    pub metadata: Node,
    /// Where it is described.
    pub place: Place,
}

/// One output as the template describes it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Output {
    /// Not evaluated.
    pub value: Node,
    /// What it says of itself.
    pub description: Option<String>,
    /// The name that other stacks import it by; not evaluated.
    pub export: Option<Node>,
    /// The condition that it exists under.
    pub condition: Option<String>,
    /// Where it is described.
    pub place: Place,
}

/// The sections of a template. `Globals` is SAM's.
const SECTIONS: [&str; 12] = [
    "AWSTemplateFormatVersion",
    "Description",
    "Metadata",
    "Parameters",
    "Mappings",
    "Conditions",
    "Rules",
    "Transform",
    "Hooks",
    "Resources",
    "Outputs",
    "Globals",
];

/// What a resource may have beside its properties. The last two are SAM's.
const ATTRIBUTES: [&str; 11] = [
    "Type",
    "Properties",
    "DependsOn",
    "Condition",
    "Metadata",
    "DeletionPolicy",
    "UpdateReplacePolicy",
    "UpdatePolicy",
    "CreationPolicy",
    "Connectors",
    "IgnoreGlobals",
];

const OUTPUT_MEMBERS: [&str; 4] = ["Value", "Description", "Export", "Condition"];

const VERSION: &str = "2010-09-09";

/// What begins the name of a loop of `AWS::LanguageExtensions`, where a name would stand.
const LOOP: &str = "Fn::ForEach";

impl Template {
    /// Sorts a template's sections. `Metadata`, `Rules` and `Hooks` are for others, and left out.
    ///
    /// # Errors
    /// All that is wrong with it, up to a bound: what is no section, no type, no name; `null`, which CloudFormation takes
    /// nowhere; and each name that `Ref`, `Fn::GetAtt`, `Fn::Sub`, `Fn::If`, `Condition` or `DependsOn` uses and nothing has.
    pub fn of(document: &Node) -> Result<Template, Vec<Fault>> {
        let mut faults = Faults::default();
        let mut template = Template::default();
        let Some(sections) = document.as_map() else {
            let message = format!("a template is a map of sections such as Resources; this is {}", document.kind());
            return Err(vec![Fault::new(message, "", document.place)]);
        };
        known_only(sections, &SECTIONS, "a template has no section", "", &mut faults);
        if let Some(version) = sections.get("AWSTemplateFormatVersion").filter(|node| node.as_str() != Some(VERSION)) {
            let message = format!("the only version of the format is {VERSION}");
            faults.add(message, "AWSTemplateFormatVersion", version.place);
        }
        template.description = sections.get("Description").and_then(|node| text(node, "Description", &mut faults));
        template.transforms = transforms(sections.get("Transform"), &mut faults);
        if let Some(globals) = sections.get("Globals")
            && !template.transforms.iter().any(|transform| transform.name == "AWS::Serverless-2016-10-31")
        {
            faults.add("Globals needs `Transform: AWS::Serverless-2016-10-31`", "Globals", globals.place);
        }
        let parameters = section(sections, "Parameters", &mut faults);
        if parameters.len() > PARAMETERS_MAX {
            let message =
                format!("{} parameters; {PARAMETERS_MAX} are the most (CloudFormation takes 200)", parameters.len());
            return Err(vec![Fault::new(message, "Parameters", sections["Parameters"].place)]);
        }
        for (name, node) in named(parameters) {
            if let Some(parameter) = Parameter::of(name, node, &mut faults) {
                template.parameters.insert(name.clone(), parameter);
            }
        }
        for (name, node) in named(section(sections, "Mappings", &mut faults)) {
            if let Some(mapping) = mapping(name, node, &mut faults) {
                template.mappings.insert(name.clone(), mapping);
            }
        }
        for (name, node) in named(section(sections, "Conditions", &mut faults)) {
            no_nulls(node, &mut format!("Conditions.{name}"), &mut faults);
            template.conditions.insert(name.clone(), node.clone());
        }
        let resources = section(sections, "Resources", &mut faults);
        if resources.is_empty() && !matches!(sections.get("Resources"), Some(node) if node.as_map().is_none()) {
            let place = sections.get("Resources").map_or(document.place, |node| node.place);
            faults.add("at least one resource must be defined", "Resources", place);
        }
        if resources.len() > RESOURCES_MAX {
            let message =
                format!("{} resources; {RESOURCES_MAX} are the most (CloudFormation takes 500)", resources.len());
            return Err(vec![Fault::new(message, "Resources", sections["Resources"].place)]);
        }
        for (name, node) in named(resources) {
            if let Some(resource) = resource(name, node, &template, resources, &mut faults) {
                template.resources.insert(name.clone(), resource);
            }
        }
        for (name, node) in named(section(sections, "Outputs", &mut faults)) {
            if let Some(output) = output(name, node, &template, &mut faults) {
                template.outputs.insert(name.clone(), output);
            }
        }
        // What is wrong itself is not there: who names it would be wrong, too, for no reason of its own.
        let mut there: HashSet<&str> = template.parameters.keys().map(String::as_str).collect();
        there.extend(section_of(sections, "Resources").keys().map(String::as_str));
        there.extend(section_of(sections, "Parameters").keys().map(String::as_str));
        references::check(&template, &there, &mut faults);
        faults.into_result(template)
    }
}

/// A section's entries, whose names are letters and digits.
fn section<'n>(sections: &'n Map, name: &str, faults: &mut Faults) -> &'n Map {
    let entries = section_of(sections, name);
    if let Some(node) = sections.get(name).filter(|node| node.as_map().is_none()) {
        let message = match node.value {
            Value::Null => format!("{name} is empty; CloudFormation takes no null: leave it out"),
            _ => format!("{name} is a map, not {}", node.kind()),
        };
        faults.add(message, name, node.place);
    }
    for (key, node) in entries {
        if key.starts_with(LOOP) {
            let message = format!("{LOOP} needs `Transform: AWS::LanguageExtensions`");
            faults.add(message, &format!("{name}.{key}"), node.place);
        } else if key.starts_with("Fn::") {
            faults.add(format!("{key} cannot stand for entries of {name} here"), name, node.place);
        } else if matches!(name, "Resources" | "Parameters" | "Outputs" | "Mappings")
            && !key.chars().all(|c| c.is_ascii_alphanumeric() || (name == "Mappings" && matches!(c, '-' | '.')))
        {
            faults.add("a name is made of letters and digits", &format!("{name}.{key}"), node.place);
        }
    }
    entries
}

/// The entries that are none of a function.
fn named(entries: &Map) -> impl Iterator<Item = (&String, &Node)> {
    entries.iter().filter(|(name, _)| !name.starts_with("Fn::"))
}

fn section_of<'n>(sections: &'n Map, name: &str) -> &'n Map {
    static NONE: std::sync::LazyLock<Map> = std::sync::LazyLock::new(Map::new);
    sections.get(name).and_then(Node::as_map).unwrap_or(&NONE)
}

fn known_only(map: &Map, known: &[&'static str], message: &str, path: &str, faults: &mut Faults) {
    for (key, node) in map {
        if !faults.is_full() && !known.contains(&key.as_str()) {
            let near = nearest(key, known.iter().copied());
            let hint = near.map(|near| format!(" (did you mean {near}?)")).unwrap_or_default();
            faults.add(format!("{message} \"{key}\"{hint}"), path, node.place);
        }
    }
}

fn text(node: &Node, path: &str, faults: &mut Faults) -> Option<String> {
    let text = node.as_str();
    if text.is_none() {
        faults.add(format!("this is a text, not {}", node.kind()), path, node.place);
    }
    text.map(str::to_owned)
}

/// One name or a list of them; one with parameters is a map.
fn transforms(node: Option<&Node>, faults: &mut Faults) -> Vec<Transform> {
    let Some(node) = node else { return Vec::new() };
    let one = std::slice::from_ref(node);
    let mut transforms = Vec::new();
    for each in node.as_list().unwrap_or(one) {
        let name = each.as_str().or_else(|| each.get("Name")?.as_str());
        match name {
            Some(name) => transforms.push(Transform { name: name.to_owned(), place: each.place }),
            None => faults.add(format!("a transform is a name, not {}", each.kind()), "Transform", each.place),
        }
    }
    transforms
}

fn mapping(name: &str, node: &Node, faults: &mut Faults) -> Option<IndexMap<String, Map>> {
    let path = format!("Mappings.{name}");
    let Some(tops) = node.as_map() else {
        faults.add(format!("a mapping is a map of maps, not {}", node.kind()), &path, node.place);
        return None;
    };
    let mut mapping = IndexMap::new();
    for (top, node) in tops {
        let mut path = format!("{path}.{top}");
        let Some(seconds) = node.as_map() else {
            faults.add(format!("a mapping has two levels of keys; this is {}", node.kind()), &path, node.place);
            continue;
        };
        for (second, node) in seconds {
            let base = path.len();
            path.push('.');
            path.push_str(second);
            match &node.value {
                Value::Map(_) => faults.add("a mapping has two levels of keys, and no functions", &path, node.place),
                Value::List(items) if items.iter().any(|item| matches!(item.value, Value::List(_) | Value::Map(_))) => {
                    faults.add("a list of a mapping holds texts and numbers", &path, node.place);
                }
                _ => no_nulls(node, &mut path, faults),
            }
            path.truncate(base);
        }
        mapping.insert(top.clone(), seconds.clone());
    }
    Some(mapping)
}

/// `template` has its conditions; `resources` is the whole section.
fn resource(name: &str, node: &Node, template: &Template, resources: &Map, faults: &mut Faults) -> Option<Resource> {
    let mut path = format!("Resources.{name}");
    let Some(members) = node.as_map() else {
        faults.add(format!("a resource is a map, not {}", node.kind()), &path, node.place);
        return None;
    };
    for (key, node) in members.iter().filter(|(key, _)| !ATTRIBUTES.contains(&key.as_str())) {
        if faults.is_full() {
            break;
        }
        // Tools write more than is documented (Serverless Framework a Version), and CloudFormation takes some of that; what
        // is like a known name is a slip.
        if let Some(near) = nearest(key, ATTRIBUTES) {
            faults.add(format!("a resource has no attribute \"{key}\" (did you mean {near}?)"), &path, node.place);
        }
    }
    let kind = match members.get("Type") {
        Some(kind) => text(kind, &format!("{path}.Type"), faults),
        None => {
            faults.add("Type is missing", &path, node.place);
            None
        }
    };
    let properties = match members.get("Properties") {
        Some(properties) => {
            let base = path.len();
            path.push_str(".Properties");
            match &properties.value {
                Value::Map(_) => no_nulls(properties, &mut path, faults),
                Value::Null => {
                    faults.add(
                        "Properties is empty; CloudFormation takes no null: leave it out",
                        &path,
                        properties.place,
                    );
                }
                _ => faults.add(format!("Properties is a map, not {}", properties.kind()), &path, properties.place),
            }
            path.truncate(base);
            properties.clone()
        }
        None => Node { value: Value::Map(Map::new()), place: node.place },
    };
    let mut depends_on = Vec::new();
    if let Some(node) = members.get("DependsOn") {
        let one = std::slice::from_ref(node);
        for each in node.as_list().unwrap_or(one) {
            let path = format!("{path}.DependsOn");
            let Some(other) = text(each, &path, faults) else { continue };
            if !faults.is_full() && !resources.contains_key(&other) {
                let near = nearest(&other, resources.keys().map(String::as_str));
                faults.add(references::no(&format!("resource \"{}\"", shortened(&other)), near), &path, each.place);
            }
            depends_on.push(other);
        }
    }
    let condition = condition(members, &path, template, faults);
    let construct = members.get("Metadata").and_then(|node| node.get("aws:cdk:path"));
    Some(Resource {
        kind: kind?,
        properties,
        depends_on,
        condition,
        construct: construct.and_then(Node::as_str).map(str::to_owned),
        metadata: members.get("Metadata").cloned().unwrap_or_default(),
        place: node.place,
    })
}

fn output(name: &str, node: &Node, template: &Template, faults: &mut Faults) -> Option<Output> {
    let mut path = format!("Outputs.{name}");
    let Some(members) = node.as_map() else {
        faults.add(format!("an output is a map, not {}", node.kind()), &path, node.place);
        return None;
    };
    known_only(members, &OUTPUT_MEMBERS, "an output has no member", &path, faults);
    no_nulls(node, &mut path, faults);
    let description = members.get("Description").and_then(|node| text(node, &format!("{path}.Description"), faults));
    let condition = condition(members, &path, template, faults);
    let export = members.get("Export").and_then(|export| {
        let name = export.get("Name");
        if name.is_none() {
            faults.add("Export has a Name", &path, export.place);
        }
        name.cloned()
    });
    let Some(value) = members.get("Value") else {
        faults.add("Value is missing", &path, node.place);
        return None;
    };
    Some(Output { value: value.clone(), description, export, condition, place: node.place })
}

/// The condition that something exists under.
fn condition(members: &Map, path: &str, template: &Template, faults: &mut Faults) -> Option<String> {
    let node = members.get("Condition")?;
    let path = format!("{path}.Condition");
    let name = text(node, &path, faults)?;
    if !faults.is_full() && !template.conditions.contains_key(&name) {
        faults.add(references::no_condition(template, &name), &path, node.place);
    }
    Some(name)
}

/// CloudFormation takes a null nowhere ("'null' values are not allowed in templates").
fn no_nulls(node: &Node, path: &mut String, faults: &mut Faults) {
    no_nulls_from(node, 0, path, faults);
}

fn no_nulls_from(node: &Node, depth: usize, path: &mut String, faults: &mut Faults) {
    if depth > WALK_DEPTH_MAX {
        return faults.add("values stand in each other too deep", path, node.place);
    }
    let base = path.len();
    match &node.value {
        Value::Null => {
            faults.add(
                "this is empty; CloudFormation takes no null (to leave a property out: !Ref AWS::NoValue)",
                path,
                node.place,
            );
        }
        Value::List(items) => {
            for (index, item) in items.iter().enumerate() {
                path.push_str(&format!("[{index}]"));
                no_nulls_from(item, depth + 1, path, faults);
                path.truncate(base);
            }
        }
        Value::Map(members) => {
            for (key, member) in members {
                path.push('.');
                path.push_str(key);
                no_nulls_from(member, depth + 1, path, faults);
                path.truncate(base);
            }
        }
        Value::Text(_) | Value::Plain(_) => {}
    }
}
