//! The Lambda functions of a stack, as far as somebody who runs them has to know.

use serde_json::Value as Json;

use crate::node::{Node, Place, Value};
use crate::record::{KeptResource, Record};

/// A function of a stack.
#[derive(Clone, Debug, PartialEq)]
pub struct StackFunction {
    /// Its name in the template.
    pub logical: String,
    /// Its name.
    pub name: String,
    /// `index.handler`; empty for images.
    pub handler: String,
    /// `nodejs20.x`; empty where none is said.
    pub runtime: String,
    /// Seconds, where the template says some.
    pub timeout: Option<u64>,
    /// Megabytes, where the template says some.
    pub memory: Option<u32>,
    /// Its environment.
    pub environment: Vec<(String, String)>,
    /// Where its code is.
    pub code: Code,
    /// What tools wrote about it in `Metadata`.
    pub metadata: Json,
    /// Where it stands in the template.
    pub place: Place,
}

/// Where a function's code is.
#[derive(Clone, Debug, PartialEq)]
pub enum Code {
    /// A folder or a file, as the template names it: beside the template.
    Local(String),
    /// The text itself.
    Inline(String),
    /// An object of a bucket: what a tool has uploaded, or was going to.
    Bucket {
        /// The bucket's name.
        bucket: String,
        /// The object's name.
        key: String,
    },
    /// A container's image.
    Image(String),
    /// The template does not say.
    Nowhere,
}

impl Code {
    /// What `Code` says: CloudFormation's map, or a path as SAM's `CodeUri` is.
    pub(crate) fn of(node: Option<&Node>) -> Code {
        let Some(node) = node else { return Code::Nowhere };
        if let Some(path) = node.as_str() {
            return match path.strip_prefix("s3://").and_then(|rest| rest.split_once('/')) {
                Some((bucket, key)) => Code::Bucket { bucket: bucket.to_owned(), key: key.to_owned() },
                None => Code::Local(path.to_owned()),
            };
        }
        let text = |name: &str| node.get(name).and_then(Node::as_str).map(str::to_owned);
        if let Some(inline) = text("ZipFile") {
            return Code::Inline(inline);
        }
        if let Some(image) = text("ImageUri") {
            return Code::Image(image);
        }
        match (text("S3Bucket").or_else(|| text("Bucket")), text("S3Key").or_else(|| text("Key"))) {
            (Some(bucket), Some(key)) => Code::Bucket { bucket, key },
            _ => Code::Nowhere,
        }
    }
}

/// The functions of a stack as it is kept.
pub fn kept(record: &Record) -> Vec<StackFunction> {
    let functions = record.resources.iter().filter(|(_, resource)| resource.kind == FUNCTION);
    let function = |(logical, resource): (&String, &KeptResource)| {
        let metadata = resource.body.get(METADATA).cloned().unwrap_or_default();
        StackFunction::of(logical, &resource.physical, &Node::of_json(&resource.body), metadata)
    };
    functions.map(function).collect()
}

/// The type of functions.
pub(crate) const FUNCTION: &str = "AWS::Lambda::Function";

/// Where what tools wrote stands among the properties that are kept.
pub(crate) const METADATA: &str = "Metadata";

impl StackFunction {
    /// Reads evaluated properties of `AWS::Lambda::Function`.
    pub(crate) fn of(logical: &str, name: &str, properties: &Node, metadata: Json) -> StackFunction {
        let text = |member: &str| properties.get(member).and_then(Node::as_str).unwrap_or_default().to_owned();
        let variables = properties.get("Environment").and_then(|environment| environment.get("Variables"));
        let variable = |(name, value): (&String, &Node)| {
            let value = match &value.value {
                Value::Map(_) | Value::List(_) => value.to_json().to_string(),
                _ => value.as_str().unwrap_or_default().to_owned(),
            };
            (name.clone(), value)
        };
        StackFunction {
            logical: logical.to_owned(),
            name: name.to_owned(),
            handler: text("Handler"),
            runtime: text("Runtime"),
            timeout: text("Timeout").parse().ok(),
            memory: text("MemorySize").parse().ok(),
            environment: variables.and_then(Node::as_map).into_iter().flatten().map(variable).collect(),
            code: Code::of(properties.get("Code")),
            metadata,
            place: properties.place,
        }
    }
}
