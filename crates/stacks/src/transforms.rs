//! Expands a template as a document, before it is read as a template.
//!
//! CloudFormation calls it `Transform`. `AWS::LanguageExtensions` is done first and SAM after it, wherever they stand in
//! the list: SAM reads what a loop made. Source: documented ("AWS::LanguageExtensions transform", which names that order).

use indexmap::IndexMap;

use crate::fault::Fault;
use crate::languages;
use crate::node::{Node, Place, Value};
use crate::remark::Remark;
use crate::sam;

/// A template after its expansion.
#[derive(Clone, Debug)]
pub struct Expanded {
    /// The document, without the transforms that were done.
    pub document: Node,
    /// What a person should know about it.
    pub remarks: Vec<Remark>,
}

/// What is known of the stack before its template is evaluated.
#[derive(Clone, Debug)]
pub struct Known {
    /// Parameters as they were given; the template's defaults are used for the others.
    pub parameters: IndexMap<String, String>,
    /// `AWS::Region`.
    pub region: String,
    /// `AWS::Partition`.
    pub partition: String,
}

impl Known {
    /// This, with the template's defaults for the parameters that nobody gave.
    pub(crate) fn with_defaults(&self, document: &Node) -> Known {
        let mut known = self.clone();
        let parameters = document.get("Parameters").and_then(Node::as_map);
        for (name, parameter) in parameters.into_iter().flatten() {
            let default = parameter.get("Default").and_then(Node::as_str);
            if let (false, Some(default)) = (known.parameters.contains_key(name), default) {
                known.parameters.insert(name.clone(), default.to_owned());
            }
        }
        known
    }

    /// The text of a parameter or pseudo parameter, where it is known so early.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        match name {
            "AWS::Region" => Some(&self.region),
            "AWS::Partition" => Some(&self.partition),
            _ => self.parameters.get(name).map(String::as_str),
        }
    }
}

/// What AWS itself expands and what has no part in a WebSocket API.
const WITHOUT_US: &[&str] = &[
    "AWS::CodeDeployBlueGreen",
    "AWS::SecretsManager-2020-07-23",
    "AWS::SecretsManager-2024-09-16",
    "AWS::ServiceCatalog",
];

/// Does what `Transform` says.
///
/// # Errors
/// All that is wrong with what SAM and the language extensions read, and transforms that only run in somebody's account.
pub fn expand(document: &Node, known: &Known) -> Result<Expanded, Vec<Fault>> {
    let transforms = transforms(document)?;
    let has = |name: &str| transforms.iter().any(|(transform, _)| transform == name);
    let mut expanded = Expanded { document: document.clone(), remarks: Vec::new() };
    let known = known.with_defaults(document);
    let mut faults = Vec::new();
    for (name, place) in &transforms {
        match name.as_str() {
            languages::TRANSFORM | sam::TRANSFORM => {}
            name if WITHOUT_US.contains(&name) => {
                expanded.remarks.push(Remark::new(format!("{name} is not done here"), "Transform", *place));
            }
            name => faults.push(Fault::new(
                format!(
                    "the macro {name:?} runs in an AWS account only; expand the template there and use what it gives"
                ),
                "Transform",
                *place,
            )),
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    if has(languages::TRANSFORM) {
        expanded.document = languages::expand(&expanded.document, &known)?;
    }
    if has(sam::TRANSFORM) {
        let done = sam::expand(&expanded.document, &known)?;
        expanded.document = done.document;
        expanded.remarks.extend(done.remarks);
    } else {
        expanded.remarks.extend(forgotten(&expanded.document));
    }
    if let Value::Map(map) = &mut expanded.document.value {
        map.shift_remove("Transform");
    }
    Ok(expanded)
}

/// The names in `Transform`: one or a list.
fn transforms(document: &Node) -> Result<Vec<(String, Place)>, Vec<Fault>> {
    let Some(transform) = document.get("Transform") else { return Ok(Vec::new()) };
    let single = std::slice::from_ref(transform);
    let mut names = Vec::new();
    let mut faults = Vec::new();
    for node in transform.as_list().unwrap_or(single) {
        // `{Name: AWS::Include, Parameters: …}` names one too.
        match node.as_str().or_else(|| node.get("Name").and_then(Node::as_str)) {
            Some(name) => names.push((name.to_owned(), node.place)),
            None => faults.push(Fault::new(
                format!("a transform is the name of one, not {}", node.kind()),
                "Transform",
                node.place,
            )),
        }
    }
    if faults.is_empty() { Ok(names) } else { Err(faults) }
}

/// SAM's resources in a template that does not say that it is one of SAM's.
fn forgotten(document: &Node) -> Option<Remark> {
    let resources = document.get("Resources").and_then(Node::as_map)?;
    let (id, resource) = resources
        .iter()
        .find(|(_, resource)| sam::type_of(resource).is_some_and(|kind| kind.starts_with(sam::PREFIX)))?;
    let message = format!("AWS would refuse it: the template lacks `Transform: {}`", sam::TRANSFORM);
    Some(Remark::new(message, format!("Resources.{id}"), resource.place))
}
