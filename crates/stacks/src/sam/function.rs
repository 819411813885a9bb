//! `AWS::Serverless::Function`: a Lambda function, its role, and the version, alias and URL that it asks for.
//!
//! The code stays where the template says that it is: what runs the function here reads it there.

use crate::digest::hash;
use crate::node::{Map, Node, Place, Value};
use crate::remark::Remark;

use super::checks::{is_text, is_truthy, some, truthy};
use super::references::with_parameters;
use super::{Made, Subject, Work, attribute, reference, resource};

/// What is handed on as it is.
const PASSED: &[&str] = &[
    "FunctionName",
    "Handler",
    "Runtime",
    "Description",
    "MemorySize",
    "Timeout",
    "VpcConfig",
    "Environment",
    "KmsKeyArn",
    "ReservedConcurrentExecutions",
    "Layers",
    "FileSystemConfigs",
    "ImageConfig",
    "PackageType",
    "Architectures",
    "SnapStart",
    "EphemeralStorage",
    "CodeSigningConfigArn",
    "RuntimeManagementConfig",
    "LoggingConfig",
    "TenancyConfig",
    "RecursiveLoop",
    "DurableConfig",
    "FunctionScalingConfig",
    "PublishToLatestPublished",
];
/// What is read here, or what is AWS's affair only.
const READ: &[&str] = &[
    "CodeUri",
    "InlineCode",
    "ImageUri",
    "Role",
    "Tags",
    "Policies",
    "Events",
    "AutoPublishAlias",
    "AutoPublishCodeSha256",
    "AutoPublishAliasAllProperties",
    "VersionDescription",
    "FunctionUrlConfig",
    "DeadLetterQueue",
    "AssumeRolePolicyDocument",
    "RolePath",
    "PermissionsBoundary",
    "PropagateTags",
    "Tracing",
    "DeploymentPreference",
    "EventInvokeConfig",
    "ProvisionedConcurrencyConfig",
    "SourceKMSKeyArn",
    "CapacityProviderConfig",
    "VersionDeletionPolicy",
];
/// What every resource that is made of a function has of it.
const HANDED_ON: &[&str] = &["Condition", "DeletionPolicy", "UpdateReplacePolicy"];
/// The folder of the code where none is said: the template's own.
const HERE: &str = ".";

/// What is made of one; nothing where something is wrong with it.
pub(super) fn expand(subject: &Subject, work: &mut Work) -> Vec<Made> {
    let function = Function {
        id: subject.id,
        place: subject.resource.place,
        properties: &subject.properties,
        path: format!("Resources.{}.Properties", subject.id),
        resource: subject.resource,
    };
    let before = work.faults.len();
    function.check(work);
    let Some(code) = function.code(work) else { return Vec::new() };
    let role = function.role();
    let itself = function.itself(code.clone(), role.is_none());
    let mut made = vec![(function.id.to_owned(), itself)];
    let (published, alias) = function.published(code, work);
    made.extend(published);
    made.extend(function.url(alias.as_deref(), work));
    made.extend(role);
    if work.faults.len() > before {
        return Vec::new();
    }
    function.remark(work);
    work.checked(subject, made)
}

struct Function<'a> {
    id: &'a str,
    place: Place,
    properties: &'a Map,
    path: String,
    resource: &'a Node,
}

impl Function<'_> {
    fn check(&self, work: &mut Work) {
        for name in ["Environment", "Tags", "Events", "FunctionUrlConfig"] {
            if let Some(value) = some(self.properties, name)
                && value.as_map().is_none()
            {
                work.fault(
                    format!("this is a map, not {}", value.kind()),
                    format!("{}.{name}", self.path),
                    value.place,
                );
            }
        }
        for (name, value) in self.properties {
            if !PASSED.contains(&name.as_str()) && !READ.contains(&name.as_str()) {
                let message =
                    format!("SAM, as it is known here, has no property {name:?} of a function; it is left out");
                work.remarks.push(Remark::new(message, format!("{}.{name}", self.path), value.place));
            }
        }
    }

    fn itself(&self, code: Option<Node>, with_role: bool) -> Node {
        let mut properties = Map::new();
        if let Some(code) = code {
            properties.insert("Code".into(), code);
        }
        for name in PASSED {
            if let Some(value) = some(self.properties, name) {
                properties.insert((*name).to_owned(), value.clone());
            }
        }
        if let Some(role) = some(self.properties, "Role") {
            properties.insert("Role".into(), role.clone());
        } else if !with_role {
            properties.insert("Role".into(), attribute(&self.role_id(), "Arn", self.place));
        }
        let pair = |key: &str, value: &Node| {
            let value = if value.value == Value::Null { Node::text("", value.place) } else { value.clone() };
            Node::map([("Key", Node::text(key, value.place)), ("Value", value)], self.place)
        };
        let mut tags = vec![pair("lambda:createdBy", &Node::text("SAM", self.place))];
        for (key, value) in self.properties.get("Tags").and_then(Node::as_map).into_iter().flatten() {
            tags.push(pair(key, value));
        }
        properties.insert("Tags".into(), Node::list(tags, self.place));
        let mut itself = resource("AWS::Lambda::Function", properties, self.place);
        if let (Value::Map(itself), Some(written)) = (&mut itself.value, self.resource.as_map()) {
            for (name, value) in written {
                if !matches!(name.as_str(), "Type" | "Properties" | "IgnoreGlobals" | "Connectors") {
                    itself.insert(name.clone(), value.clone());
                }
            }
        }
        itself
    }

    /// `Code`: a path as it is written, or the map of an object, an image or a text. Nothing where an image is still to be
    /// built; none where the template says it wrongly.
    fn code(&self, work: &mut Work) -> Option<Option<Node>> {
        let inline = some(self.properties, "InlineCode");
        let uri = some(self.properties, "CodeUri");
        let image = some(self.properties, "ImageUri");
        let is_image = some(self.properties, "PackageType").and_then(Node::as_str) == Some("Image");
        if is_image || (image.is_some() && inline.is_none() && uri.is_none()) {
            return Some(image.map(|image| Node::map([("ImageUri", image.clone())], image.place)));
        }
        // Where both are said SAM takes the text.
        if let Some(inline) = inline {
            return Some(Some(Node::map([("ZipFile", inline.clone())], inline.place)));
        }
        let Some(uri) = uri else { return Some(Some(Node::text(HERE, self.place))) };
        if uri.as_function().is_some() {
            return Some(Some(uri.clone()));
        }
        if let Some(text) = uri.as_str() {
            return Some(Some(object(text, uri.place).unwrap_or_else(|| Node::text(text, uri.place))));
        }
        let Some(map) = uri.as_map() else {
            let message = format!("CodeUri is a path or the map of an object, not {}", uri.kind());
            work.fault(message, format!("{}.CodeUri", self.path), uri.place);
            return None;
        };
        let (Some(bucket), Some(key)) = (truthy(map, "Bucket"), truthy(map, "Key")) else {
            work.fault("the map of an object needs Bucket and Key", format!("{}.CodeUri", self.path), uri.place);
            return None;
        };
        let mut code = vec![("S3Bucket", bucket.clone()), ("S3Key", key.clone())];
        code.extend(some(map, "Version").map(|version| ("S3ObjectVersion", version.clone())));
        Some(Some(Node::map(code, uri.place)))
    }

    fn role_id(&self) -> String {
        format!("{}Role", self.id)
    }

    /// The role that SAM makes where none is given. What it allows is not said: nothing here asks.
    fn role(&self) -> Option<Made> {
        if some(self.properties, "Role").is_some() {
            return None;
        }
        let assumed = some(self.properties, "AssumeRolePolicyDocument").cloned().unwrap_or_else(|| {
            let text = |text: &str| Node::text(text, self.place);
            let service = Node::list([text("lambda.amazonaws.com")], self.place);
            let statement = Node::map(
                [
                    ("Action", Node::list([text("sts:AssumeRole")], self.place)),
                    ("Effect", text("Allow")),
                    ("Principal", Node::map([("Service", service)], self.place)),
                ],
                self.place,
            );
            let statements = Node::list([statement], self.place);
            Node::map([("Version", text("2012-10-17")), ("Statement", statements)], self.place)
        });
        let mut properties = Map::new();
        properties.insert("AssumeRolePolicyDocument".into(), assumed);
        Some((self.role_id(), self.handed_on(resource("AWS::IAM::Role", properties, self.place))))
    }

    /// The version and the alias of `AutoPublishAlias`, and the alias' id.
    fn published(&self, code: Option<Node>, work: &mut Work) -> (Vec<Made>, Option<String>) {
        let Some(alias) = truthy(self.properties, "AutoPublishAlias") else { return (Vec::new(), None) };
        let resolved = with_parameters(alias, work.known);
        let name = resolved.as_str().filter(|name| {
            let fits = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
            fits && !name.is_empty() && !name.bytes().all(|byte| byte.is_ascii_digit())
        });
        let Some(name) = name.filter(|_| is_text(&resolved)) else {
            let message = "an alias is a name of letters, digits, - and _ that is not a number, or a parameter";
            work.fault(message, format!("{}.AutoPublishAlias", self.path), alias.place);
            return (Vec::new(), None);
        };
        let place = alias.place;
        // The version's id changes with what SAM takes for a change of the function.
        let mut changes = match code.map(|code| with_parameters(&code, work.known).value) {
            Some(Value::Map(code)) => code,
            Some(code) => Map::from_iter([("Code".to_owned(), Node { value: code, place })]),
            None => Map::new(),
        };
        let environment = self.properties.get("Environment").and_then(Node::as_map);
        changes.extend(environment.cloned().unwrap_or_default());
        if let Some(memory) = truthy(self.properties, "MemorySize") {
            changes.insert("MemorySize".into(), memory.clone());
        }
        let version_id = format!("{}Version{}", self.id, hash(&Node { value: Value::Map(changes), place }));
        let mut properties = Map::new();
        properties.insert("FunctionName".into(), reference(self.id, place));
        if let Some(description) = some(self.properties, "VersionDescription") {
            properties.insert("Description".into(), description.clone());
        }
        let version = resource("AWS::Lambda::Version", properties, place);
        let alias_id = format!("{}Alias{}", self.id, name.replace('-', "D").replace('_', "U"));
        let mut properties = Map::new();
        properties.insert("Name".into(), Node::text(name, place));
        properties.insert("FunctionName".into(), reference(self.id, place));
        properties.insert("FunctionVersion".into(), attribute(&version_id, "Version", place));
        let alias = resource("AWS::Lambda::Alias", properties, place);
        work.made.insert(format!("{}.Version", self.id), version_id.clone());
        work.made.insert(format!("{}.Alias", self.id), alias_id.clone());
        let made = vec![(version_id, self.handed_on(version)), (alias_id.clone(), self.handed_on(alias))];
        (made, Some(alias_id))
    }

    /// The URL of `FunctionUrlConfig`.
    fn url(&self, alias: Option<&str>, work: &mut Work) -> Option<Made> {
        let url = truthy(self.properties, "FunctionUrlConfig")?;
        let target = reference(alias.unwrap_or(self.id), url.place);
        let mut properties = Map::new();
        let kind = url.get("AuthType").filter(|kind| is_truthy(kind));
        let known =
            kind.is_some_and(|kind| kind.as_function().is_some() || matches!(kind.as_str(), Some("AWS_IAM" | "NONE")));
        if !known && url.as_function().is_none() {
            let message = "a function's URL needs the AuthType AWS_IAM or NONE";
            work.fault(message, format!("{}.FunctionUrlConfig", self.path), url.place);
        }
        for name in ["AuthType", "Cors", "InvokeMode"] {
            if let Some(value) = url.get(name) {
                properties.insert(name.into(), value.clone());
            }
        }
        properties.insert("TargetFunctionArn".into(), target);
        Some((format!("{}Url", self.id), self.handed_on(resource("AWS::Lambda::Url", properties, url.place))))
    }

    fn handed_on(&self, mut made: Node) -> Node {
        if let Value::Map(map) = &mut made.value {
            for name in HANDED_ON {
                if let Some(value) = self.resource.get(name) {
                    map.insert((*name).to_owned(), value.clone());
                }
            }
        }
        made
    }

    /// What AWS would do and nothing here does.
    fn remark(&self, work: &mut Work) {
        if let Some(events) = truthy(self.properties, "Events") {
            let mut kinds: Vec<&str> =
                events.as_map().into_iter().flatten().filter_map(|(_, event)| super::type_of(event)).collect();
            kinds.sort_unstable();
            kinds.dedup();
            let message = format!("events do not run a function here: {}", kinds.join(", "));
            work.remarks.push(Remark::new(message, format!("{}.Events", self.path), events.place));
        }
    }
}

/// The object that `s3://bucket/key` names.
fn object(uri: &str, place: Place) -> Option<Node> {
    let (bucket, key) = uri.strip_prefix("s3://")?.split_once('/')?;
    let (key, query) = key.split_once('?').unwrap_or((key, ""));
    if bucket.is_empty() || key.is_empty() {
        return None;
    }
    let mut code = vec![("S3Bucket", Node::text(bucket, place)), ("S3Key", Node::text(key, place))];
    if let Some(version) = query.strip_prefix("versionId=") {
        code.push(("S3ObjectVersion", Node::text(version, place)));
    }
    Some(Node::map(code, place))
}
