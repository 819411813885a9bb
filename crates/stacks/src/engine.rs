//! Makes the control plane be what a template says: what is there already is changed, replaced or kept, what is gone goes.
//!
//! It runs on a batch of the control plane's own calls, so that there is one set of rules, ids are real while the rest is
//! evaluated, and nothing has changed when anything is refused. A plan is the same run, not carried out.

mod body;
mod known;
mod making;
mod permissions;

use std::collections::{HashMap, HashSet};

use control::{Batch, Refused};
use http::Method;
use indexmap::IndexMap;
use serde_json::Value as Json;

use crate::change::{Action, Change};
use crate::fault::Fault;
use crate::functions::{FUNCTION, StackFunction};
use crate::ids;
use crate::kinds::Kind;
use crate::locate::Assets;
use crate::node::{Node, Place};
use crate::record::{Event, KeptParameter, KeptResource, Output, Record, Settings};
use crate::scope::{Others, Pseudo, Scope};
use crate::template::{Resource, Template};
use known::Known;

/// What a stack is to be.
#[derive(Clone, Debug)]
pub struct Wanted<'t> {
    /// The stack's name.
    pub name: &'t str,
    /// The template, transforms done.
    pub template: &'t Template,
    /// The template as it was written, which is kept.
    pub text: &'t str,
    /// Where it stands, for people.
    pub file: &'t str,
    /// The values of its parameters that somebody gave.
    pub parameters: &'t IndexMap<String, String>,
    /// The account that ARNs name.
    pub account: &'t str,
    /// The Region that ARNs name.
    pub region: &'t str,
    /// Where code is that a tool was going to upload.
    pub assets: &'t Assets,
    /// Whether a deployment is as immutable as on AWS; otherwise edits are deployed even where the template's deployment is
    /// the same.
    pub is_strict: bool,
    /// The time, as CloudFormation writes it.
    pub now: &'t str,
}

/// What became, or would become, of a stack.
#[derive(Clone, Debug)]
pub struct Applied {
    /// The stack as it is now.
    pub record: Record,
    /// What was done to each resource, what is kept too.
    pub changes: Vec<Change>,
    /// Its functions.
    pub functions: Vec<StackFunction>,
    /// Its stages: the API's id and the stage's name.
    pub stages: Vec<(String, String)>,
    /// What a person should know although nothing failed.
    pub remarks: Vec<Fault>,
    /// Resources of types that are left out: type and logical id.
    pub ignored: Vec<(String, String)>,
}

/// Why a template was not applied; nothing has changed then.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Failure(pub Vec<Fault>);

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Failure {
        Failure(vec![fault])
    }
}

/// What the store said, not a resource.
impl From<Refused> for Failure {
    fn from(refused: Refused) -> Failure {
        Fault::new(refused.to_string(), "", Place::default()).into()
    }
}

/// The type whose resources are what clients see.
const DEPLOYMENT: &str = "AWS::ApiGatewayV2::Deployment";

/// What goes before anything is made: it would still be deployed, and nothing else needs it.
const FIRST: [&str; 3] =
    ["AWS::ApiGatewayV2::Route", "AWS::ApiGatewayV2::RouteResponse", "AWS::ApiGatewayV2::IntegrationResponse"];

/// What all stacks but one give.
pub fn others(stacks: impl IntoIterator<Item = Record>, but: &str) -> Others {
    let mut others = Others::default();
    for record in stacks.into_iter().filter(|record| record.name != but) {
        let name = record.name;
        for output in record.outputs {
            if !output.export.is_empty() {
                others.exports.insert(output.export, output.value.clone());
            }
            others.outputs.insert((name.clone(), output.key), output.value);
        }
    }
    others
}

/// Brings a stack to what is wanted.
///
/// # Errors
/// Everything that is wrong with the template, or the first resource that is refused, with the property and the line.
pub fn apply(batch: &mut Batch, wanted: &Wanted) -> Result<Applied, Failure> {
    let old = batch.stack(wanted.name).map(|stack| Record::read(&stack));
    let id = old.as_ref().map_or_else(|| ids::stack(wanted.region, wanted.account, wanted.name), |old| old.id.clone());
    let pseudo = Pseudo {
        account: wanted.account.to_owned(),
        region: wanted.region.to_owned(),
        partition: "aws".to_owned(),
        url_suffix: "amazonaws.com".to_owned(),
        stack_name: wanted.name.to_owned(),
        stack_id: id.clone(),
    };
    let records: Vec<Record> = batch.stacks().iter().map(|(_, stack)| Record::read(stack)).collect();
    let of_others = records.iter().filter(|record| record.name != wanted.name).flat_map(|record| {
        let functions = record.resources.values().filter(|one| one.kind == FUNCTION);
        functions.map(|function| (function.physical.clone(), record.name.clone()))
    });
    let functions_elsewhere = of_others.collect();
    let scope = Scope::new(wanted.template, wanted.parameters, pseudo.clone(), &others(records, wanted.name))
        .map_err(Failure)?;
    let order = scope.order()?;
    let faults = body::faults(wanted.template, &order);
    if !faults.is_empty() {
        return Err(Failure(faults));
    }
    let is_first = old.as_ref().is_none_or(Record::is_unmade);
    let record = Record {
        name: wanted.name.to_owned(),
        id,
        created: old.as_ref().map_or(wanted.now, |old| &old.created).to_owned(),
        updated: if old.is_some() { wanted.now.to_owned() } else { String::new() },
        status: if is_first { "CREATE_COMPLETE" } else { "UPDATE_COMPLETE" }.to_owned(),
        template: wanted.text.to_owned(),
        file: wanted.file.to_owned(),
        description: wanted.template.description.clone().unwrap_or_default(),
        parameters: parameters(wanted.template, &scope),
        events: old.as_ref().map(|old| old.events.clone()).unwrap_or_default(),
        settings: Settings {
            reason: String::new(),
            ..old.as_ref().map(|old| old.settings.clone()).unwrap_or_default()
        },
        ..Record::default()
    };
    let mut run = Run {
        batch,
        wanted,
        scope: &scope,
        pseudo,
        old: old.unwrap_or_default(),
        known: Known::default(),
        record,
        changes: Vec::new(),
        functions: Vec::new(),
        stages: Vec::new(),
        remarks: Vec::new(),
        ignored: Vec::new(),
        edited: HashSet::new(),
        late: IndexMap::new(),
        gone: IndexMap::new(),
        functions_elsewhere,
    };
    run.gone = run.gone(&order);
    run.remove_first(&order)?;
    for logical in &order {
        run.resource(logical)?;
    }
    run.remove_rest()?;
    run.outputs()?;
    run.remark(&order);
    run.finish()
}

/// Removes a stack and all that it made.
///
/// # Errors
/// The first resource that is refused, such as an API to which a domain name of another stack leads; or there is no stack of
/// the name.
pub fn delete(batch: &mut Batch, name: &str) -> Result<Vec<Change>, Failure> {
    let Some(stack) = batch.stack(name) else {
        return Err(Fault::new(format!("there is no stack {name}"), "", Place::default()).into());
    };
    let record = Record::read(&stack);
    let exported = record.outputs.iter().map(|output| output.export.as_str());
    unused(batch, name, exported).map_err(|text| Fault::new(text, "Outputs", Place::default()))?;
    let mut changes = Vec::new();
    for (logical, resource) in record.resources.iter().rev() {
        changes.push(deleted(logical, resource));
        remove(batch, logical, resource)?;
    }
    batch.keep_stack(name, None);
    Ok(changes.into_iter().filter(|change| !change.noun.is_empty()).collect())
}

/// That no other stack imports what goes. Source: documented (the text).
fn unused<'e>(batch: &Batch, name: &str, exports: impl Iterator<Item = &'e str>) -> Result<(), String> {
    let exports: HashSet<&str> = exports.filter(|export| !export.is_empty()).collect();
    if exports.is_empty() {
        return Ok(());
    }
    for (other, stack) in batch.stacks().into_iter().filter(|(other, _)| other != name) {
        if let Some(import) = Record::read(&stack).imports.iter().find(|import| exports.contains(import.as_str())) {
            return Err(format!("Export {import} cannot be deleted as it is in use by {other}"));
        }
    }
    Ok(())
}

fn deleted(logical: &str, resource: &KeptResource) -> Change {
    Change {
        action: Action::Delete,
        logical: logical.to_owned(),
        kind: resource.kind.clone(),
        noun: noun(&resource.kind).to_owned(),
        label: resource.label.clone(),
        details: Vec::new(),
    }
}

/// What people call a type; nothing for what is only known by name.
fn noun(kind: &str) -> &'static str {
    match kind {
        "AWS::Lambda::Function" => "function",
        kind => Kind::of(kind).map_or("", |kind| kind.noun),
    }
}

/// Removes a resource, if it is still there.
fn remove(batch: &mut Batch, logical: &str, resource: &KeptResource) -> Result<(), Fault> {
    let is_account = Kind::of(&resource.kind).is_some_and(Kind::is_account);
    if resource.path.is_empty() || is_account || batch.call(Method::GET, &resource.path, &Json::Null).is_err() {
        return Ok(());
    }
    // One with stages is refused, and CloudFormation takes them out first.
    let emptied = match (resource.kind.as_str(), resource.body.as_object()) {
        ("AWS::ApiGateway::UsagePlan", Some(body)) => {
            let mut body = body.clone();
            body.shift_remove("apiStages");
            batch.put(&resource.path, &Json::Object(body)).map(|_| ())
        }
        _ => Ok(()),
    };
    let removed = emptied.and_then(|()| batch.call(Method::DELETE, &resource.path, &Json::Null));
    removed.map(|_| ()).map_err(|refused| {
        let message =
            format!("{} {} could not be removed: {}", noun(&resource.kind), resource.label, refused.message());
        Fault::new(message, format!("Resources.{logical}"), Place::default())
    })
}

fn parameters(template: &Template, scope: &Scope) -> IndexMap<String, KeptParameter> {
    let kept = |(name, value): (&String, &Node)| {
        let is_secret = template.parameters.get(name).is_some_and(|parameter| parameter.no_echo);
        let value = match value.as_list() {
            Some(items) => items.iter().filter_map(Node::as_str).collect::<Vec<_>>().join(","),
            None => value.as_str().unwrap_or_default().to_owned(),
        };
        (name.clone(), KeptParameter { value, is_secret })
    };
    scope.values().iter().map(kept).collect()
}

/// One run over a template.
struct Run<'r, 'b, 's> {
    batch: &'r mut Batch<'b, 's>,
    wanted: &'r Wanted<'r>,
    scope: &'r Scope<'r>,
    pseudo: Pseudo,
    old: Record,
    /// What `Ref` and `Fn::GetAtt` give for what is there by now.
    known: Known,
    /// The stack as it becomes.
    record: Record,
    changes: Vec<Change>,
    functions: Vec<StackFunction>,
    stages: Vec<(String, String)>,
    remarks: Vec<Fault>,
    ignored: Vec<(String, String)>,
    /// The APIs of which something changed that a deployment would bring to clients.
    edited: HashSet<String>,
    /// What others took the place of; it goes when nothing refers to it any more.
    late: IndexMap<String, KeptResource>,
    /// What the template has no more, or as another type, and nothing has taken over yet.
    gone: IndexMap<String, KeptResource>,
    /// The functions of other stacks, by name, with those stacks' names.
    functions_elsewhere: HashMap<String, String>,
}

impl Run<'_, '_, '_> {
    fn template_resource(&self, logical: &str) -> Option<&Resource> {
        self.wanted.template.resources.get(logical)
    }

    /// What is gone, or has become another type.
    fn gone(&self, order: &[&str]) -> IndexMap<String, KeptResource> {
        let stays = |logical: &str, old: &KeptResource| {
            order.contains(&logical) && self.template_resource(logical).is_some_and(|new| new.kind == old.kind)
        };
        let gone = self.old.resources.iter().filter(|(logical, old)| !stays(logical, old));
        gone.map(|(logical, old)| (logical.clone(), old.clone())).collect()
    }

    /// What is gone and would still be deployed, such as a route; but not what comes back under another logical id.
    fn remove_first(&mut self, order: &[&str]) -> Result<(), Failure> {
        let gone: Vec<(String, KeptResource)> = self.gone.clone().into_iter().rev().collect();
        for (logical, old) in gone {
            let Some(kind) = Kind::of(&old.kind).filter(|kind| FIRST.contains(&kind.name)) else { continue };
            if !self.comes_back(order, kind, &old) {
                self.go(&logical, &old)?;
            }
        }
        Ok(())
    }

    /// Whether something new of the type has the same label, as far as that can be told before anything is made.
    fn comes_back(&self, order: &[&str], kind: &Kind, old: &KeptResource) -> bool {
        let references = self.known.with(&self.pseudo, self.wanted.template);
        let label = |resource: &Resource| {
            let node = resource.properties.get(kind.label)?;
            let value = self.scope.evaluate(node, "", &references).ok()??;
            value.as_str().map(str::to_owned)
        };
        let wanted = kind.identity(&old.body).and_then(Json::as_str);
        order.iter().filter(|logical| !self.old.resources.contains_key(**logical)).any(|logical| {
            let new = self.template_resource(logical).filter(|resource| resource.kind == old.kind);
            new.is_some_and(|resource| label(resource).as_deref() == wanted)
        })
    }

    fn go(&mut self, logical: &str, old: &KeptResource) -> Result<(), Fault> {
        self.gone.shift_remove(logical);
        self.note_edit(&old.kind, &old.path);
        // Something else may stand there by now.
        let is_taken = !old.path.is_empty() && self.record.resources.values().any(|new| new.path == old.path);
        if !is_taken {
            remove(self.batch, logical, old)?;
        }
        if !noun(&old.kind).is_empty() {
            self.changes.push(deleted(logical, old));
        }
        Ok(())
    }

    /// What else is gone, and what others took the place of; what was made last goes first.
    fn remove_rest(&mut self) -> Result<(), Failure> {
        let old: Vec<String> = self.old.resources.keys().rev().cloned().collect();
        for logical in old {
            if let Some(old) = self.late.shift_remove(&logical) {
                if old.kind == DEPLOYMENT && self.is_deployed_elsewhere(&old) {
                    let text = "a stage that is not of this stack has the deployment, which stays for it";
                    self.remarks.push(Fault::new(text, format!("Resources.{logical}"), Place::default()));
                    continue;
                }
                remove(self.batch, &logical, &old)?;
            }
            if let Some(old) = self.gone.get(&logical).cloned() {
                self.go(&logical, &old)?;
            }
        }
        Ok(())
    }

    /// Whether a stage has a deployment. A refused call would end the batch.
    fn is_deployed_elsewhere(&mut self, deployment: &KeptResource) -> bool {
        let api = deployment.path.split("/deployments/").next().unwrap_or_default();
        let stages = self.batch.call(Method::GET, &format!("{api}/stages?maxResults=500"), &Json::Null);
        let stages = stages.unwrap_or_default();
        let mut items = stages["items"].as_array().into_iter().flatten();
        items.any(|stage| stage["deploymentId"] == deployment.physical.as_str())
    }

    /// Notes that an API is not any more what was deployed of it.
    fn note_edit(&mut self, kind: &str, path: &str) {
        if matches!(
            kind,
            "AWS::ApiGatewayV2::Deployment" | "AWS::ApiGatewayV2::Stage" | "AWS::ApiGatewayV2::ApiMapping"
        ) {
            return;
        }
        let mut segments = path.split('/').skip(1);
        if let (Some("v2"), Some("apis"), Some(api_id)) = (segments.next(), segments.next(), segments.next()) {
            self.edited.insert(api_id.to_owned());
        }
    }

    fn outputs(&mut self) -> Result<(), Failure> {
        for (key, output) in &self.wanted.template.outputs {
            if !self.scope.holds(output.condition.as_deref()) {
                continue;
            }
            let path = format!("Outputs.{key}.Value");
            let references = self.known.with(&self.pseudo, self.wanted.template);
            let value = self.scope.evaluate(&output.value, &path, &references)?;
            let value = value.map(|value| match value.as_str() {
                Some(text) => text.to_owned(),
                None => value.to_json().to_string(),
            });
            let export = match &output.export {
                Some(name) => self.scope.evaluate(name, &format!("Outputs.{key}.Export.Name"), &references)?,
                None => None,
            };
            let export = export.as_ref().and_then(Node::as_str).unwrap_or_default().to_owned();
            if self.scope.others.exports.contains_key(&export) {
                let text = format!("Export with name {export} is already exported by another stack");
                return Err(Fault::new(text, format!("Outputs.{key}.Export"), output.place).into());
            }
            if let Some(value) = value {
                let description = output.description.clone().unwrap_or_default();
                self.record.outputs.push(Output { key: key.clone(), value, description, export });
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Applied, Failure> {
        let kept: HashSet<&str> = self.record.outputs.iter().map(|output| output.export.as_str()).collect();
        let lost = self.old.outputs.iter().map(|output| output.export.as_str()).filter(|export| !kept.contains(export));
        unused(self.batch, self.wanted.name, lost).map_err(|text| Fault::new(text, "Outputs", Place::default()))?;
        self.record.imports = self.scope.imported();
        let is_first = self.old.is_unmade();
        let now = self.wanted.now;
        let event = |logical: &str, physical: &str, kind: &str, status: &str| Event {
            time: now.to_owned(),
            logical: logical.to_owned(),
            physical: physical.to_owned(),
            kind: kind.to_owned(),
            status: status.to_owned(),
            reason: String::new(),
        };
        let verb = if is_first { "CREATE" } else { "UPDATE" };
        let (name, id, stack) = (self.record.name.clone(), self.record.id.clone(), "AWS::CloudFormation::Stack");
        self.record.events.push(event(&name, &id, stack, &format!("{verb}_IN_PROGRESS")));
        for change in self.changes.iter().filter(|change| change.is_done()) {
            let old = self.old.resources.get(&change.logical);
            let resource = self.record.resources.get(&change.logical).or(old);
            let physical = resource.map_or("", |resource| &resource.physical);
            let status = match change.action {
                Action::Create => "CREATE_COMPLETE",
                Action::Delete => "DELETE_COMPLETE",
                _ => "UPDATE_COMPLETE",
            };
            self.record.events.push(event(&change.logical, physical, &change.kind, status));
        }
        // Tools count what they were told of, also what is only known by name here.
        let told: HashSet<&str> = self.changes.iter().map(|change| change.logical.as_str()).collect();
        let (old, new) = (&self.old.resources, &self.record.resources);
        let named = |from: &IndexMap<String, KeptResource>, others: &IndexMap<String, KeptResource>, status: &str| {
            let only =
                from.iter().filter(|(logical, _)| !told.contains(logical.as_str()) && !others.contains_key(*logical));
            only.map(|(logical, kept)| event(logical, &kept.physical, &kept.kind, status)).collect::<Vec<_>>()
        };
        let named = [named(new, old, "CREATE_COMPLETE"), named(old, new, "DELETE_COMPLETE")].concat();
        self.record.events.extend(named);
        self.record.events.push(event(&name, &id, stack, &format!("{verb}_COMPLETE")));
        self.batch.keep_stack(self.wanted.name, Some(self.record.write()));
        let Run { record, changes, functions, stages, remarks, ignored, .. } = self;
        Ok(Applied { record, changes, functions, stages, remarks, ignored })
    }
}
