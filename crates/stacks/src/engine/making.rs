//! One resource: made, changed, replaced or kept.

use http::Method;
use serde_json::{Value as Json, json};

use super::body::{self, Sent};
use super::{Failure, Run, noun};
use crate::change::{Action, Change};
use crate::fault::Fault;
use crate::functions::{Code, METADATA, StackFunction};
use crate::ids;
use crate::kinds::{self, Elsewhere, Kind, elsewhere};
use crate::node::{Node, Place};
use crate::record::KeptResource;
use crate::template::Resource;
use control::Refused;

impl Run<'_, '_, '_> {
    /// Makes one resource be what the template says.
    pub(super) fn resource(&mut self, logical: &str) -> Result<(), Failure> {
        let wanted = self.wanted;
        let Some(resource) = wanted.template.resources.get(logical) else { return Ok(()) };
        match (Kind::of(&resource.kind), resource.kind.as_str()) {
            (Some(kind), _) if kind.is_account() => self.account(kind, logical, resource),
            (Some(kind), _) => self.control(kind, logical, resource),
            (None, "AWS::Lambda::Function") => self.function(logical, resource),
            (None, "AWS::Lambda::Version" | "AWS::Lambda::Alias") => self.qualified(logical, resource),
            (None, "AWS::Lambda::Permission") => {
                self.name_only(logical, resource, elsewhere(&resource.kind, logical, None, &self.pseudo));
                Ok(())
            }
            (None, _) => self.left_out(logical, resource),
        }
    }

    fn evaluated(&self, logical: &str, resource: &Resource) -> Result<Node, Failure> {
        let references = self.known.with(&self.pseudo, self.wanted.template);
        let path = format!("Resources.{logical}.Properties");
        let properties = self.scope.evaluate(&resource.properties, &path, &references)?;
        let empty = || Node::map::<String>([], resource.place);
        Ok(properties.unwrap_or_else(empty))
    }

    fn control(&mut self, kind: &'static Kind, logical: &str, resource: &Resource) -> Result<(), Failure> {
        let properties = self.evaluated(logical, resource)?;
        let sent = body::sent(
            kind,
            &properties,
            &format!("Resources.{logical}.Properties"),
            &format!("{}-{logical}", self.wanted.name),
        )?;
        let own = self.old.resources.get(logical).filter(|old| old.kind == resource.kind).cloned();
        let old = own.or_else(|| self.taken_over(kind, logical, &sent, resource.place));
        let there = old.as_ref().and_then(|old| self.batch.call(Method::GET, &old.path, &Json::Null).ok());
        let (action, details, path, answer) = match (old, there) {
            (Some(old), Some(there)) => {
                let is_other = self.is_another(kind, &old, &sent);
                let details = body::differences(&old.body, &sent.body);
                if is_other || self.is_redeployed(kind, &sent.collection, logical, resource.place) {
                    let (path, answer) = self.create(kind, logical, &sent, &properties)?;
                    self.late.insert(logical.to_owned(), old);
                    (Action::Replace, details, path, answer)
                } else if old.body != sent.body {
                    let answer = self.batch.put(&old.path, &changed(kind, &old, &sent));
                    let answer = answer.map_err(|refused| refusal(&refused, kind, logical, &properties))?;
                    (Action::Change, details, old.path, answer)
                } else {
                    (Action::Keep, Vec::new(), old.path, there)
                }
            }
            (old, _) => {
                if old.is_some() {
                    let text = format!("the {} was removed by somebody else, and is made anew", kind.noun);
                    self.remarks.push(Fault::new(text, format!("Resources.{logical}"), resource.place));
                }
                let (path, answer) = self.create(kind, logical, &sent, &properties)?;
                (Action::Create, Vec::new(), path, answer)
            }
        };
        if action != Action::Keep {
            self.note_edit(kind.name, &path);
        }
        let id = answer.get(kind.id).and_then(Json::as_str).unwrap_or_default();
        let reference = kind.reference(id, &path);
        let label = label(kind, &properties, id);
        if kind.noun == "stage" {
            let api_id = path.split('/').nth(3).unwrap_or_default().to_owned();
            self.stages.push((api_id, id.to_owned()));
        }
        self.keep(logical, resource, &reference, &path, &label, sent.body, action, details);
        self.known.made(logical, kind, reference, answer);
        Ok(())
    }

    /// What stands under another logical id that is gone, and is of the same name: AWS would refuse the second of it.
    fn taken_over(&mut self, kind: &Kind, logical: &str, sent: &Sent, place: Place) -> Option<KeptResource> {
        let is_same = |old: &KeptResource| {
            let collection = old.path.rsplit_once('/').map_or("", |(collection, _)| collection);
            old.kind == kind.name
                && collection == sent.collection
                && kind.identity(&old.body) == kind.identity(&sent.body)
        };
        let (from, _) = self.gone.iter().find(|(_, old)| kind.is_unique && is_same(old))?;
        let from = from.clone();
        let text = format!(
            "the {} was {from} before; AWS makes what is new before it removes what is gone, and would refuse a second one",
            kind.noun
        );
        self.remarks.push(Fault::new(text, format!("Resources.{logical}"), place));
        self.gone.shift_remove(&from)
    }

    /// Whether it takes another resource to be what is wanted.
    fn is_another(&self, kind: &Kind, old: &KeptResource, sent: &Sent) -> bool {
        let is_elsewhere = old.path.rsplit_once('/').is_none_or(|(collection, _)| collection != sent.collection);
        let fixed = kind.properties.iter().filter(|property| property.replaces && !kind.is_in_path(property.name));
        is_elsewhere || fixed.map(|property| property.wire()).any(|name| old.body.get(&name) != sent.body.get(&name))
    }

    /// Whether a deployment that stays the same is made anew because its API has changed. AWS would leave it, and people ask
    /// for hours why.
    fn is_redeployed(&mut self, kind: &Kind, collection: &str, logical: &str, place: Place) -> bool {
        let api_id = collection.split('/').nth(3).unwrap_or_default();
        if kind.noun != "deployment" || !self.edited.contains(api_id) {
            return false;
        }
        let stays = "AWS leaves an unchanged Deployment as it is, so that clients would not see what changed";
        let text = match self.wanted.is_strict {
            true => format!("{stays}; give it a new logical id"),
            false => format!("{stays}; here it is deployed. For AWS give it a new logical id"),
        };
        self.remarks.push(Fault::new(text, format!("Resources.{logical}"), place));
        !self.wanted.is_strict
    }

    fn create(
        &mut self,
        kind: &'static Kind,
        logical: &str,
        sent: &Sent,
        properties: &Node,
    ) -> Result<(String, Json), Failure> {
        let answer = match kind.noun {
            "API" => self.batch.create_api(&ids::api(self.wanted.name, logical), &sent.body),
            _ => self.batch.call(Method::POST, &sent.collection, &sent.body),
        };
        let answer = answer.map_err(|refused| refusal(&refused, kind, logical, properties))?;
        let id = answer.get(kind.id).and_then(Json::as_str).unwrap_or_default();
        Ok((format!("{}/{}", sent.collection, body::encoded(id)), answer))
    }

    fn account(&mut self, kind: &'static Kind, logical: &str, resource: &Resource) -> Result<(), Failure> {
        let properties = self.evaluated(logical, resource)?;
        let sent = body::sent(
            kind,
            &properties,
            &format!("Resources.{logical}.Properties"),
            &format!("{}-{logical}", self.wanted.name),
        )?;
        let role = sent.body.get("cloudwatchRoleArn").cloned().unwrap_or_else(|| "".into());
        let patch = json!({"patchOperations": [{"op": "replace", "path": "/cloudwatchRoleArn", "value": role}]});
        let answer = self.batch.call(Method::PATCH, kind.collection, &patch);
        let answer = answer.map_err(|refused| refusal(&refused, kind, logical, &properties))?;
        let old = self.old.resources.get(logical).filter(|old| old.kind == resource.kind);
        let action = match old {
            Some(old) if old.body == sent.body => Action::Keep,
            Some(_) => Action::Change,
            None => Action::Create,
        };
        let reference = format!("{}-{logical}", self.wanted.name);
        self.keep(logical, resource, &reference, kind.collection, "", sent.body, action, Vec::new());
        self.known.made(logical, kind, reference, answer);
        Ok(())
    }

    fn function(&mut self, logical: &str, resource: &Resource) -> Result<(), Failure> {
        let properties = self.evaluated(logical, resource)?;
        let name = properties.get("FunctionName").and_then(Node::as_str);
        let named = elsewhere(&resource.kind, logical, name, &self.pseudo);
        let there = self.functions_elsewhere.get(&named.reference).map(|stack| format!("in stack {stack}"));
        let twice = self.functions.iter().any(|function| function.name == named.reference);
        if let Some(place) = there.or_else(|| twice.then(|| "in this template".to_owned())) {
            let text = format!("{} already exists {place}", named.reference);
            return Err(Fault::new(text, format!("Resources.{logical}"), resource.place).into());
        }
        let metadata = resource.metadata.to_json();
        let mut body = properties.to_json();
        let mut function = StackFunction::of(logical, &named.reference, &properties, metadata.clone());
        // As texts, which they are for the function: numbers would lose how they were written.
        if let Some(variables) = body.pointer_mut("/Environment/Variables").filter(|variables| variables.is_object()) {
            *variables =
                function.environment.iter().map(|(name, value)| (name.clone(), Json::from(value.as_str()))).collect();
        }
        if let (Some(body), false) = (body.as_object_mut(), metadata.is_null()) {
            body.insert(METADATA.into(), metadata);
        }
        if let Code::Bucket { key, .. } = &function.code
            && let Some(path) = self.wanted.assets.path(key)
        {
            // Kept too: after a restart nobody has the tool's manifest.
            body["Code"] = path.into();
            function.code = Code::Local(path.to_owned());
        }
        self.functions.push(function);
        let old = self.old.resources.get(logical).filter(|old| old.kind == resource.kind);
        let (action, details) = match old {
            Some(old) if old.physical != named.reference => (Action::Replace, Vec::new()),
            Some(old) if old.body != body => (Action::Change, body::differences(&old.body, &body)),
            Some(_) => (Action::Keep, Vec::new()),
            None => (Action::Create, Vec::new()),
        };
        let reference = named.reference.clone();
        self.keep(logical, resource, &reference, "", &reference, body, action, details);
        self.known.named(logical, named);
        Ok(())
    }

    /// Versions and aliases: a function's ARN with one part more.
    fn qualified(&mut self, logical: &str, resource: &Resource) -> Result<(), Failure> {
        let properties = self.evaluated(logical, resource)?;
        let text = |name: &str| properties.get(name).and_then(Node::as_str);
        let function = text("FunctionName").unwrap_or_default();
        let arn = match function.starts_with("arn:") {
            true => function.to_owned(),
            false => elsewhere("AWS::Lambda::Function", logical, Some(function), &self.pseudo).arn,
        };
        let qualifier = match resource.kind.as_str() {
            "AWS::Lambda::Alias" => text("Name").unwrap_or("live"),
            _ => "1",
        };
        let arn = format!("{arn}:{qualifier}");
        self.name_only(logical, resource, Elsewhere { reference: arn.clone(), arn });
        Ok(())
    }

    /// What this gateway is not about: it has a name, so that what refers to it can be evaluated.
    fn left_out(&mut self, logical: &str, resource: &Resource) -> Result<(), Failure> {
        let property = kinds::name_property(&resource.kind).and_then(|name| resource.properties.get(name));
        let references = self.known.with(&self.pseudo, self.wanted.template);
        // A name that cannot be evaluated is as good as none.
        let name = property.and_then(|name| self.scope.evaluate(name, "", &references).ok().flatten());
        let named = elsewhere(&resource.kind, logical, name.as_ref().and_then(Node::as_str), &self.pseudo);
        self.ignored.push((resource.kind.clone(), logical.to_owned()));
        self.name_only(logical, resource, named);
        Ok(())
    }

    fn name_only(&mut self, logical: &str, resource: &Resource, named: Elsewhere) {
        let kept = KeptResource {
            kind: resource.kind.clone(),
            physical: named.reference.clone(),
            updated: self.wanted.now.to_owned(),
            ..KeptResource::default()
        };
        self.record.resources.insert(logical.to_owned(), kept);
        self.known.named(logical, named);
    }

    #[expect(clippy::too_many_arguments)]
    fn keep(
        &mut self,
        logical: &str,
        resource: &Resource,
        physical: &str,
        path: &str,
        label: &str,
        body: Json,
        action: Action,
        details: Vec<String>,
    ) {
        let old = self.old.resources.get(logical).filter(|_| action == Action::Keep);
        let kept = KeptResource {
            kind: resource.kind.clone(),
            physical: physical.to_owned(),
            path: path.to_owned(),
            label: label.to_owned(),
            body,
            updated: old.map_or(self.wanted.now, |old| &old.updated).to_owned(),
        };
        self.record.resources.insert(logical.to_owned(), kept);
        self.changes.push(Change {
            action,
            logical: logical.to_owned(),
            kind: resource.kind.clone(),
            noun: noun(&resource.kind).to_owned(),
            label: label.to_owned(),
            details,
        });
    }
}

/// What is sent to change a resource. A stage that deploys by itself has moved on from the deployment that it was given.
fn changed(kind: &Kind, old: &KeptResource, sent: &Sent) -> Json {
    let mut body = sent.body.clone();
    let stays = |name: &str| old.body.get(name) == body.get(name);
    if kind.noun == "stage" && body.get("autoDeploy") == Some(&Json::Bool(true)) && stays("deploymentId") {
        body.as_object_mut().map(|body| body.shift_remove("deploymentId"));
    }
    body
}

/// By what people know a resource: one of its properties, else its id.
fn label(kind: &Kind, properties: &Node, id: &str) -> String {
    let text = properties.get(kind.label).and_then(Node::as_str).filter(|text| !text.is_empty()).unwrap_or(id);
    // Of a function's URI the name is what people look for.
    match text.split_once(":function:") {
        Some((_, function)) => format!("function {}", function.strip_suffix("/invocations").unwrap_or(function)),
        None => text.to_owned(),
    }
}

/// Says which property of which resource was refused, and where it stands.
fn refusal(refused: &Refused, kind: &Kind, logical: &str, properties: &Node) -> Fault {
    let path = format!("Resources.{logical}");
    match body::blamed(kind, properties, refused.message()) {
        Some((name, node)) => Fault::new(refused.message(), format!("{path}.Properties.{name}"), node.place),
        None => Fault::new(refused.message(), path, properties.place),
    }
}
