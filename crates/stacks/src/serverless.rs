//! Reads `serverless.yml`, the Serverless Framework's description of a service, as the template that it would become.
//!
//! Only a part of it: what a WebSocket API and its functions need, and the variables that can be known without AWS, without
//! plugins and without running a program. What is outside is said, with what to run instead. Source: observed, of the
//! framework's open fork osls 4.3.1.

mod dotenv;
mod events;
mod function;
mod merge;
mod names;
mod syntax;
mod variables;
mod websocket;

use indexmap::IndexMap;

use crate::fault::{FAULTS_MAX, Fault};
use crate::node::{Map, Node, Place, Value};
use crate::remark::Remark;
use crate::weight::{WEIGHT_MAX, too_much, weight};

use function::Function;
use variables::Variables;

/// What a service is read with.
pub struct Given<'a> {
    /// `--stage`; the service's own where there is none.
    pub stage: Option<&'a str>,
    /// `--region`, likewise.
    pub region: Option<&'a str>,
    /// The account's number.
    pub account: &'a str,
    /// What `${opt:…}` names.
    pub options: &'a IndexMap<String, String>,
    /// What `${env:…}` names.
    pub environment: &'a IndexMap<String, String>,
    /// What `${param:…}` names, before the service's own `params`.
    pub parameters: &'a IndexMap<String, String>,
    /// The text of a file below the service's folder, by its path from there; none where there is no such file. The path has
    /// no `..`; that no link leads out of the folder is the reader's care.
    pub read: &'a dyn Fn(&str) -> Option<String>,
}

/// A service that was read.
#[derive(Clone, Debug)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// Its stage.
    pub stage: String,
    /// Its region.
    pub region: String,
    /// The template that it becomes.
    pub template: Node,
    /// The files that variables named, from the service's folder: with the service itself, what a change is looked for in.
    pub files: Vec<String>,
    /// What a person should know about it.
    pub remarks: Vec<Remark>,
}

/// Whether a document is a service of the framework's.
pub fn is_service(document: &Node) -> bool {
    document.get("service").is_some() && document.get("provider").is_some() && document.get("Resources").is_none()
}

/// Reads a service.
///
/// # Errors
/// What is wrong with it, and what only the framework itself can know.
pub fn read(document: &Node, given: &Given) -> Result<Service, Vec<Fault>> {
    let variables = Variables::new(document, given);
    let mut faults = Vec::new();
    let mut remarks = remarks(document);
    let read = head(&variables).map_err(|fault| vec![fault])?;
    let functions = function::all(&variables, &read.name, &read.stage, &mut faults);
    let mut service = Service { files: Vec::new(), remarks: Vec::new(), template: Node::default(), ..read };
    let mut resources = of_functions(&functions, document.place);
    let mut events = Vec::new();
    for function in &functions {
        events.extend(events::of(function, &mut remarks, &mut faults));
    }
    let mut outputs = Map::new();
    if faults.is_empty() {
        match websocket::Websocket::read(&variables, &service, document.place) {
            Ok(websocket) => websocket.add(&events, &functions, &mut resources, &mut outputs, &mut faults),
            Err(fault) => faults.push(fault),
        }
    }
    let mut template = Map::new();
    let place = document.place;
    template.insert("AWSTemplateFormatVersion".into(), Node::text("2010-09-09", place));
    let description = "The AWS CloudFormation template for this Serverless application";
    template.insert("Description".into(), Node::text(description, place));
    template.insert("Resources".into(), Node { value: Value::Map(resources), place });
    template.insert("Outputs".into(), Node { value: Value::Map(outputs), place });
    let mut template = Node { value: Value::Map(template), place };
    match variables.whole(&["resources"]) {
        Ok(Some(own)) => merge::resources(&mut template, &own, &mut faults),
        Ok(None) => {}
        Err(fault) => faults.push(fault),
    }
    if weight(&template) > WEIGHT_MAX {
        faults.push(Fault::new(too_much(), "", place));
    }
    if !faults.is_empty() {
        faults.sort_by_key(|fault| fault.place);
        faults.truncate(FAULTS_MAX);
        return Err(faults);
    }
    service.template = template;
    service.files = variables.files();
    service.remarks = remarks;
    Ok(service)
}

/// Name, stage and region.
fn head(variables: &Variables) -> Result<Service, Fault> {
    // First, since variables of the others may stand on it.
    let stage = variables.stage()?;
    let name = match variables.property(&["service"])? {
        Some(service) if service.as_map().is_some() => variables.property(&["service", "name"])?,
        other => other,
    };
    let Some(name) = name.as_ref().and_then(|name| name.as_str()).filter(|name| !name.is_empty()) else {
        return Err(Fault::new("a service needs a name", "service", Place::default()));
    };
    if let Some(provider) = variables.property(&["provider", "name"])?
        && provider.as_str() != Some("aws")
    {
        return Err(Fault::new("only services of the provider aws are read", "provider.name", provider.place));
    }
    Ok(Service {
        name: name.to_owned(),
        stage,
        region: variables.region()?,
        template: Node::default(),
        files: Vec::new(),
        remarks: Vec::new(),
    })
}

/// Functions, their log groups and the role that they share.
fn of_functions(functions: &[Function], place: Place) -> Map {
    let mut resources = Map::new();
    for function in functions {
        let name = match function.full_name.as_str() {
            Some(name) => Node::text(format!("/aws/lambda/{name}"), function.place),
            None => Node::map(
                [(
                    "Fn::Join",
                    Node::list(
                        [
                            Node::text("", place),
                            Node::list([Node::text("/aws/lambda/", place), function.full_name.clone()], place),
                        ],
                        place,
                    ),
                )],
                place,
            ),
        };
        let properties = Node::map([("LogGroupName", name)], function.place);
        let mut group = vec![("Type", Node::text("AWS::Logs::LogGroup", function.place)), ("Properties", properties)];
        group.extend(function.resource.get("Condition").map(|condition| ("Condition", condition.clone())));
        let group = Node::map(group, function.place);
        resources.insert(format!("{}LogGroup", names::normalized(&function.name)), group);
    }
    if !functions.is_empty() {
        let role = Node::map([("Type", Node::text("AWS::IAM::Role", place))], place);
        resources.insert("IamRoleLambdaExecution".into(), role);
    }
    for function in functions {
        resources.insert(names::function(&function.name), function.resource.clone());
    }
    resources
}

/// What of a service is not done here.
fn remarks(document: &Node) -> Vec<Remark> {
    let mut remarks = Vec::new();
    let plugins = document.get("plugins");
    let listed = plugins.and_then(|plugins| plugins.as_list().or_else(|| plugins.get("modules")?.as_list()));
    let names: Vec<&str> = listed.into_iter().flatten().filter_map(Node::as_str).collect();
    if let (Some(plugins), false) = (plugins, names.is_empty()) {
        let message = format!(
            "plugins are not run: {}; where one of them changes the template, package the service with `npx osls package` \
             and use `--template .serverless`",
            names.join(", ")
        );
        remarks.push(Remark::new(message, "plugins", plugins.place));
    }
    remarks
}

#[cfg(test)]
pub(crate) mod tests_support;
