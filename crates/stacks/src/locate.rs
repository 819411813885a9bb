//! Which file of a folder is the template: a tool's output, or what a person wrote.
//!
//! It reads no disk: whoever asks hands it the texts of the folder's files.

use std::collections::HashMap;

use indexmap::{IndexMap, IndexSet};

use crate::fault::Fault;
use crate::node::{Node, Place};
use crate::paths::inside;
use crate::read;

/// How many stacks an app of the CDK may have.
const STACKS_MAX: usize = 500;
/// How many keys of assets its stacks may have, together.
const KEYS_MAX: usize = 100_000;
/// How deep its assemblies may stand in each other: one for each stage of stages.
const ASSEMBLIES_MAX: usize = 8;
/// The template that the Serverless Framework packages.
const SERVERLESS: &str = "cloudformation-template-update-stack.json";
/// What the CDK writes about its output.
const MANIFEST: &str = "manifest.json";
/// Folders of tools below a project's own, in the order in which they are looked for.
const OUTPUTS: &[&str] = &["cdk.out", ".serverless", ".aws-sam/build"];
/// What people call their templates, and services of the Serverless Framework.
const WRITTEN: &[&str] =
    &["template.yaml", "template.yml", "template.json", "serverless.yml", "serverless.yaml", "serverless.json"];

/// A template that was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Located {
    /// Its path from the folder.
    pub template: String,
    /// The name of its stack, where a tool says it.
    pub stack: Option<String>,
    /// The region that a tool says.
    pub region: Option<String>,
    /// The account that a tool says.
    pub account: Option<String>,
    /// Parameters that a tool says.
    pub parameters: IndexMap<String, String>,
    /// Where the code is.
    pub assets: Assets,
}

/// Which folder or file a function's code is in, of a tool that meant to upload it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Assets {
    /// The key of an object in the tool's bucket → its path from the folder.
    keys: IndexMap<String, String>,
    /// The path for whatever has no entry of its own.
    otherwise: Option<String>,
}

impl Assets {
    /// The same, with paths that are no longer the folder's own but begin with where that is.
    #[must_use]
    pub fn below(&self, folder: &str) -> Assets {
        let whole = |path: &String| format!("{folder}/{path}");
        let keys = self.keys.iter().map(|(key, path)| (key.clone(), whole(path))).collect();
        Assets { keys, otherwise: self.otherwise.as_ref().map(whole) }
    }

    /// What it says, as it can be sent: pairs of key and path, and the path for whatever has none.
    pub fn parts(&self) -> (impl Iterator<Item = (&str, &str)>, Option<&str>) {
        (self.keys.iter().map(|(key, path)| (key.as_str(), path.as_str())), self.otherwise.as_deref())
    }

    /// Of such parts.
    pub fn of(keys: impl IntoIterator<Item = (String, String)>, otherwise: Option<String>) -> Assets {
        Assets { keys: keys.into_iter().collect(), otherwise }
    }

    /// The path, from the folder that was searched, of what would be uploaded with a key.
    pub fn path(&self, key: &str) -> Option<&str> {
        self.keys.get(key).or(self.otherwise.as_ref()).map(String::as_str)
    }
}

/// The path of a function's code from the folder of its template, as the CDK's `Metadata` has it.
pub fn asset_of(resource: &Node) -> Option<String> {
    let metadata = resource.get("Metadata")?;
    inside(metadata.get("aws:asset:path")?.as_str()?)
}

/// The templates of a folder. `read` gives the text of a file by its path from the folder, or nothing where there is none.
///
/// An app of the CDK has one of each stack, each behind those that it depends on; any other folder has one.
///
/// # Errors
/// No template, or a tool's manifest that cannot be read.
pub fn locate(read: &dyn Fn(&str) -> Option<String>) -> Result<Vec<Located>, Fault> {
    if let Some(found) = of_tool(read, "")? {
        return Ok(found);
    }
    for written in WRITTEN {
        if read(written).is_some() {
            return Ok(vec![Located { template: (*written).to_owned(), ..Located::default() }]);
        }
    }
    for output in OUTPUTS {
        if let Some(found) = of_tool(read, &format!("{output}/"))? {
            return Ok(found);
        }
    }
    let message =
        format!("there is no template here: no {MANIFEST} of the CDK, no {SERVERLESS}, no {}", WRITTEN.join(", "));
    Err(Fault::new(message, "", Place::default()))
}

/// The templates in a folder that a tool wrote.
fn of_tool(read: &dyn Fn(&str) -> Option<String>, folder: &str) -> Result<Option<Vec<Located>>, Fault> {
    if let Some(manifest) = read(&format!("{folder}{MANIFEST}")) {
        let mut stacks = Vec::new();
        let is_app = assembly(read, folder, &manifest, &mut stacks, 0)?;
        if is_app {
            return ordered(stacks).map(Some);
        }
    }
    if read(&format!("{folder}{SERVERLESS}")).is_some() {
        // The archives hold the service's folder, which is the one above.
        let above =
            folder.strip_suffix(".serverless/").map_or("..", |above| if above.is_empty() { "." } else { above });
        let assets = Assets { keys: IndexMap::new(), otherwise: Some(above.to_owned()) };
        return Ok(Some(vec![Located { template: format!("{folder}{SERVERLESS}"), assets, ..Located::default() }]));
    }
    if folder.ends_with("build/") {
        let template = format!("{folder}template.yaml");
        return Ok(read(&template).map(|_| vec![Located { template, ..Located::default() }]));
    }
    Ok(None)
}

/// A stack of an app and those before it.
struct Stack {
    id: String,
    after: Vec<String>,
    located: Located,
}

/// Reads an assembly; false where the file is none of the CDK's.
fn assembly(
    read: &dyn Fn(&str) -> Option<String>,
    folder: &str,
    manifest: &str,
    stacks: &mut Vec<Stack>,
    depth: usize,
) -> Result<bool, Fault> {
    let at = |fault: Fault| Fault::new(format!("{folder}{MANIFEST}: {}", fault.message), fault.path, fault.place);
    let fault = |message: String| Err(Fault::new(format!("{folder}{MANIFEST}: {message}"), "", Place::default()));
    if depth > ASSEMBLIES_MAX {
        return fault(format!("more than {ASSEMBLIES_MAX} assemblies in each other"));
    }
    let manifest = read::read(manifest).map_err(at)?;
    let Some(artifacts) = manifest.get("artifacts").and_then(Node::as_map) else { return Ok(false) };
    let mut assets = Vec::new();
    for (id, artifact) in artifacts.iter().filter(|(_, artifact)| kind(artifact) == "cdk:asset-manifest") {
        if let Some(file) = property(artifact, "file").and_then(|file| inside(&file))
            && let Some(text) = read(&format!("{folder}{file}"))
        {
            assets.push((id, files(&read::read(&text).map_err(at)?, folder)));
        }
    }
    for (id, artifact) in artifacts {
        match kind(artifact) {
            "aws:cloudformation:stack" => {
                let Some(template) = property(artifact, "templateFile").and_then(|file| inside(&file)) else {
                    return fault(format!("the stack {id} has no templateFile below the folder"));
                };
                if stacks.len() >= STACKS_MAX {
                    return fault(format!("more than {STACKS_MAX} stacks"));
                }
                let after = artifact.get("dependencies").and_then(Node::as_list).unwrap_or_default();
                let after: IndexSet<&str> = after.iter().filter_map(Node::as_str).collect();
                // The manifests that a stack names are its own; of one that names none, all.
                let names_any = assets.iter().any(|(id, _)| after.contains(id.as_str()));
                let own = assets.iter().filter(|(id, _)| !names_any || after.contains(id.as_str()));
                let own: IndexMap<String, String> = own.flat_map(|(_, files)| files.iter().cloned()).collect();
                let keys: usize = stacks.iter().map(|stack: &Stack| stack.located.assets.keys.len()).sum();
                if keys + own.len() > KEYS_MAX {
                    return fault(format!("more than {KEYS_MAX} assets"));
                }
                stacks.push(Stack {
                    id: id.clone(),
                    after: after.into_iter().map(str::to_owned).collect(),
                    located: located(id, artifact, format!("{folder}{template}"), own),
                });
            }
            "cdk:cloud-assembly" => {
                let Some(inner) = property(artifact, "directoryName").and_then(|inner| inside(&inner)) else {
                    continue;
                };
                let inner = format!("{folder}{inner}/");
                if let Some(text) = read(&format!("{inner}{MANIFEST}")) {
                    assembly(read, &inner, &text, stacks, depth + 1)?;
                }
            }
            _ => {}
        }
    }
    Ok(true)
}

fn located(id: &str, artifact: &Node, template: String, assets: IndexMap<String, String>) -> Located {
    // `aws://account/region`, with `unknown-…` where the app leaves it open.
    let environment = artifact.get("environment").and_then(Node::as_str).and_then(|text| text.strip_prefix("aws://"));
    let (account, region) = environment.and_then(|text| text.split_once('/')).unwrap_or_default();
    let known = |text: &str| (!text.is_empty() && !text.starts_with("unknown-")).then(|| text.to_owned());
    let parameters = artifact.get("properties").and_then(|properties| properties.get("parameters"));
    Located {
        template,
        stack: property(artifact, "stackName").or_else(|| Some(id.to_owned())),
        region: known(region),
        account: known(account),
        parameters: parameters
            .and_then(Node::as_map)
            .into_iter()
            .flatten()
            .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
            .collect(),
        assets: Assets { keys: assets, otherwise: None },
    }
}

/// The keys of a manifest of assets, each with the path of what would be uploaded.
fn files(manifest: &Node, folder: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (_, file) in manifest.get("files").and_then(Node::as_map).into_iter().flatten() {
        let path = file.get("source").and_then(|source| source.get("path")).and_then(Node::as_str);
        let Some(path) = path.and_then(inside) else { continue };
        for (_, destination) in file.get("destinations").and_then(Node::as_map).into_iter().flatten() {
            if let Some(key) = destination.get("objectKey").and_then(Node::as_str) {
                found.push((key.to_owned(), format!("{folder}{path}")));
            }
        }
    }
    found
}

fn kind(artifact: &Node) -> &str {
    artifact.get("type").and_then(Node::as_str).unwrap_or_default()
}

fn property(artifact: &Node, name: &str) -> Option<String> {
    artifact.get("properties")?.get(name)?.as_str().map(str::to_owned)
}

/// Each stack behind those that it depends on; those of a circle, which the CDK does not make, stay in their order.
fn ordered(stacks: Vec<Stack>) -> Result<Vec<Located>, Fault> {
    if stacks.is_empty() {
        return Err(Fault::new("the app has no stacks", "", Place::default()));
    }
    let places: HashMap<&str, usize> = stacks.iter().enumerate().map(|(at, stack)| (stack.id.as_str(), at)).collect();
    let mut waits = vec![0_usize; stacks.len()];
    let mut before: Vec<Vec<usize>> = vec![Vec::new(); stacks.len()];
    for (at, stack) in stacks.iter().enumerate() {
        for on in stack.after.iter().filter_map(|id| places.get(id.as_str())).filter(|on| **on != at) {
            waits[at] += 1;
            before[*on].push(at);
        }
    }
    let mut order: IndexSet<usize> = IndexSet::with_capacity(stacks.len());
    while order.len() < stacks.len() {
        let left = || (0..stacks.len()).filter(|at| !order.contains(at));
        let Some(next) = left().find(|at| waits[*at] == 0).or_else(|| left().next()) else { break };
        before[next].iter().for_each(|at| waits[*at] -= 1);
        order.insert(next);
    }
    let mut located: Vec<Option<Located>> = stacks.into_iter().map(|stack| Some(stack.located)).collect();
    Ok(order.into_iter().filter_map(|at| located[at].take()).collect())
}

#[cfg(test)]
mod tests;
