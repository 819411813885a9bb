//! `functions`: Lambda functions whose code is in the service's folder.

use crate::fault::Fault;
use crate::node::{Map, Node, Place, Value};

use super::names;
use super::variables::Variables;

/// The service's own folder, in which functions have their code.
const HERE: &str = ".";
/// What the framework gives a function that does not say it.
const MEMORY: &str = "1024";
const TIMEOUT: &str = "6";

/// A function of the service.
#[derive(Clone, Debug)]
pub(super) struct Function {
    pub(super) name: String,
    pub(super) events: Option<Node>,
    pub(super) resource: Node,
    /// `service-stage-name`, or as its `name` says.
    pub(super) full_name: Node,
    pub(super) place: Place,
}

/// Reads all functions.
pub(super) fn all(variables: &Variables, service: &str, stage: &str, faults: &mut Vec<Fault>) -> Vec<Function> {
    let functions = match variables.property(&["functions"]) {
        Ok(Some(functions)) => functions,
        Ok(None) => return Vec::new(),
        Err(fault) => {
            faults.push(fault);
            return Vec::new();
        }
    };
    // A list has maps of functions, often one of each file.
    let names: Vec<(Vec<String>, Place)> = match &functions.value {
        Value::Map(map) => map.iter().map(|(name, node)| (vec![name.clone()], node.place)).collect(),
        Value::List(items) => {
            let mut names = Vec::new();
            for at in 0..items.len() {
                let index = at.to_string();
                match variables.property(&["functions", &index]) {
                    Ok(Some(part)) => {
                        let map = part.as_map().into_iter().flatten();
                        names.extend(map.map(|(name, node)| (vec![index.clone(), name.clone()], node.place)));
                    }
                    Ok(None) => {}
                    Err(fault) => faults.push(fault),
                }
            }
            names
        }
        _ => {
            let message = format!("functions are a map, not {}", functions.kind());
            faults.push(Fault::new(message, "functions", functions.place));
            return Vec::new();
        }
    };
    let provider = match Provider::read(variables) {
        Ok(provider) => provider,
        Err(fault) => {
            faults.push(fault);
            return Vec::new();
        }
    };
    let mut found = Vec::new();
    for (keys, place) in names {
        if faults.len() >= crate::fault::FAULTS_MAX {
            break;
        }
        match function(variables, &keys, place, service, stage, &provider) {
            Ok(function) => found.push(function),
            Err(fault) => faults.push(fault),
        }
    }
    found
}

/// What the provider says to all functions.
struct Provider {
    members: Map,
}

impl Provider {
    fn read(variables: &Variables) -> Result<Provider, Fault> {
        let mut members = Map::new();
        for name in ["runtime", "timeout", "memorySize", "environment", "tags", "architecture"] {
            if let Some(value) = variables.whole(&["provider", name])? {
                members.insert(name.into(), value);
            }
        }
        Ok(Provider { members })
    }
}

fn function(
    variables: &Variables,
    keys: &[String],
    place: Place,
    service: &str,
    stage: &str,
    provider: &Provider,
) -> Result<Function, Fault> {
    let name = keys.last().cloned().unwrap_or_default();
    let path = format!("functions.{}", keys.join("."));
    let member = |member: &str| {
        let mut keys: Vec<&str> = std::iter::once("functions").chain(keys.iter().map(String::as_str)).collect();
        keys.push(member);
        variables.whole(&keys).map_err(|mut fault| {
            if fault.path.is_empty() {
                fault.path = format!("{path}.{member}");
            }
            fault
        })
    };
    if names::normalized(&name).bytes().any(|byte| !byte.is_ascii_alphanumeric()) || name.is_empty() {
        return Err(Fault::new("the name of a function has letters, digits, - and _ only", path, place));
    }
    let either = |name: &str| Ok::<_, Fault>(member(name)?.or_else(|| provider.members.get(name).cloned()));
    let plain = |text: &str| Node { value: Value::Plain(text.into()), place };
    let mut properties = Map::new();
    let (handler, image) = (member("handler")?, member("image")?);
    match (&handler, image) {
        (Some(handler), _) => {
            let artifact = match member("package")? {
                Some(package) => package.get("artifact").cloned(),
                None => None,
            };
            properties.insert("Code".into(), artifact.unwrap_or_else(|| Node::text(HERE, place)));
            properties.insert("Handler".into(), handler.clone());
            if let Some(runtime) = either("runtime")? {
                properties.insert("Runtime".into(), runtime);
            }
        }
        (None, Some(image)) => {
            let uri = image.get("uri").or(Some(&image)).filter(|uri| uri.as_str().is_some_and(|uri| uri.contains('/')));
            if let Some(uri) = uri {
                properties.insert("Code".into(), Node::map([("ImageUri", uri.clone())], uri.place));
            }
            properties.insert("PackageType".into(), Node::text("Image", place));
        }
        (None, None) => return Err(Fault::new("a function needs a handler or an image", path, place)),
    }
    let full_name = member("name")?.unwrap_or_else(|| Node::text(format!("{service}-{stage}-{name}"), place));
    properties.insert("FunctionName".into(), full_name.clone());
    properties.insert("MemorySize".into(), either("memorySize")?.unwrap_or_else(|| plain(MEMORY)));
    properties.insert("Timeout".into(), either("timeout")?.unwrap_or_else(|| plain(TIMEOUT)));
    if let Some(architecture) = either("architecture")? {
        properties.insert("Architectures".into(), Node::list([architecture], place));
    }
    if let Some(description) = member("description")? {
        properties.insert("Description".into(), description);
    }
    let both = |name: &str| merged(provider.members.get(name), member(name)?.as_ref(), &format!("{path}.{name}"));
    let mut environment = both("environment")?;
    for value in environment.values_mut() {
        // A number or boolean is its text there.
        if let Value::Plain(text) = &value.value {
            value.value = Value::Text(text.clone());
        }
    }
    if !environment.is_empty() {
        let variables = Node { value: Value::Map(environment), place };
        properties.insert("Environment".into(), Node::map([("Variables", variables)], place));
    }
    let tags = both("tags")?;
    if !tags.is_empty() {
        let tag = |(key, value): (&String, &Node)| {
            Node::map([("Key", Node::text(key, value.place)), ("Value", value.clone())], value.place)
        };
        properties.insert("Tags".into(), Node::list(tags.iter().map(tag), place));
    }
    let role = member("role")?.unwrap_or_else(|| {
        let arn = [Node::text("IamRoleLambdaExecution", place), Node::text("Arn", place)];
        Node::map([("Fn::GetAtt", Node::list(arn, place))], place)
    });
    properties.insert("Role".into(), role);
    let mut resource = Map::new();
    resource.insert("Type".into(), Node::text("AWS::Lambda::Function", place));
    resource.insert("Properties".into(), Node { value: Value::Map(properties), place });
    let group = Node::text(format!("{}LogGroup", names::normalized(&name)), place);
    let mut depends = vec![group];
    if let Some(more) = member("dependsOn")? {
        depends.extend(more.as_list().map_or_else(|| vec![more.clone()], <[Node]>::to_vec));
    }
    resource.insert("DependsOn".into(), Node::list(depends, place));
    if let Some(condition) = member("condition")? {
        resource.insert("Condition".into(), condition);
    }
    let events = member("events")?;
    Ok(Function { name, events, resource: Node { value: Value::Map(resource), place }, full_name, place })
}

/// What the provider says with what the function says; null takes a name away.
fn merged(provider: Option<&Node>, own: Option<&Node>, path: &str) -> Result<Map, Fault> {
    let mut merged = Map::new();
    for node in [provider, own].into_iter().flatten() {
        let Some(map) = node.as_map() else {
            return Err(Fault::new(format!("this is a map, not {}", node.kind()), path, node.place));
        };
        merged.extend(map.clone());
    }
    merged.retain(|_, value| value.value != Value::Null);
    Ok(merged)
}
