//! What a deployment holds, and the deployments that make themselves.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::Value;
use types::StageKey;

use crate::crud::Call;
use crate::documents::{is_automatic, text};
use crate::error::{self, Fault};
use crate::ids;
use crate::members::Member;
use crate::paths;
use crate::settings::Remark;
use crate::store::{Content, DEFINITION, Definition, Document, IntegrationParts, RouteParts};
use crate::transaction::Transaction;

/// Refuses to deploy an API that has no route, or a model that is none.
///
/// Source: reported for routes. Models were looked at when they were made.
pub(crate) fn check(tx: &Transaction, api_id: &str) -> Result<(), Fault> {
    if tx.all(&paths::routes(api_id)).next().is_none() {
        return Err(error::bad_request(error::NO_ROUTES));
    }
    Ok(())
}

/// The content of a deployment, as it was recorded.
pub(crate) fn definition<'t>(tx: &'t Transaction, api_id: &str, deployment_id: &str) -> Option<&'t Content> {
    tx.content(&format!("{}/{deployment_id}", paths::deployments(api_id)), DEFINITION)
}

/// Writes down the API as it is now, below a deployment.
pub(crate) fn record(tx: &mut Transaction, api_id: &str, deployment_id: &str) {
    let Some(definition) = draft(tx, api_id) else { return };
    tx.put_definition(&format!("{}/{deployment_id}", paths::deployments(api_id)), DEFINITION, definition);
}

/// The API as it is now: the documents themselves, with all that the data plane reads.
pub(crate) fn draft(tx: &Transaction, api_id: &str) -> Option<Definition> {
    let api = tx.get(paths::APIS, api_id).cloned()?;
    let path = format!("{}/{api_id}", paths::APIS);
    let all = |collection: &str| -> Vec<Arc<Document>> {
        tx.all(&format!("{path}/{collection}")).map(|(_, document)| document.clone()).collect()
    };
    let (routes, integrations) = (paths::routes(api_id), paths::integrations(api_id));
    let routes = tx
        .all(&routes)
        .map(|(id, route)| RouteParts { route: route.clone(), responses: all(&format!("routes/{id}/routeresponses")) });
    let integrations = tx.all(&integrations).map(|(id, integration)| IntegrationParts {
        integration: integration.clone(),
        responses: all(&format!("integrations/{id}/integrationresponses")),
    });
    Some(Definition {
        api,
        routes: routes.collect(),
        integrations: integrations.collect(),
        models: all("models"),
        authorizers: all("authorizers"),
    })
}

/// Deploys the APIs that a call changed to their stages with auto-deploy.
pub(crate) fn follow(call: &Call, tx: &mut Transaction, stage_members: &[Member]) {
    for api_id in tx.edited_apis().clone() {
        if tx.get("apis", &api_id).is_some() {
            automatic(call, tx, stage_members, &api_id);
        }
    }
}

/// Deploys an API to its stages with auto-deploy; all of them share the one new deployment.
///
/// What cannot be deployed is not: the stages then say why and stay where they are. Tools create such
/// stages before the first route. Source: documented that it is done; both texts inferred.
pub(crate) fn automatic(call: &Call, tx: &mut Transaction, stage_members: &[Member], api_id: &str) {
    let stages = paths::stages(api_id);
    let automatic: Vec<(String, Document)> = tx
        .all(&stages)
        .filter(|(_, stage)| is_automatic(stage))
        .map(|(name, stage)| (name.to_owned(), Document::clone(stage)))
        .collect();
    if automatic.is_empty() {
        return;
    }
    if let Err(fault) = check(tx, api_id) {
        for (name, mut stage) in automatic {
            let message = format!("Deployment attempt failed: {}", fault.message);
            stage.insert("lastDeploymentStatusMessage".into(), message.into());
            put_updated_stage(call, tx, stage_members, &stages, &name, stage);
        }
        return;
    }
    let id = tx.fresh_id(&paths::deployments(api_id), ids::SIX);
    let mut deployment = Document::new();
    deployment.insert("autoDeployed".into(), true.into());
    deployment.insert("createdDate".into(), call.date());
    deployment.insert("deploymentId".into(), id.as_str().into());
    deployment.insert("deploymentStatus".into(), "DEPLOYED".into());
    let description = "Automatic deployment triggered by changes to the Api configuration";
    deployment.insert("description".into(), description.into());
    tx.put(&paths::deployments(api_id), &id, deployment);
    record(tx, api_id, &id);
    for (name, mut stage) in automatic {
        stage.insert("deploymentId".into(), id.as_str().into());
        let message = format!("Successfully deployed stage with deployment ID '{id}'");
        stage.insert("lastDeploymentStatusMessage".into(), message.into());
        put_updated_stage(call, tx, stage_members, &stages, &name, stage);
    }
    sweep(tx, api_id);
}

/// Stores a stage with the time of its change; `members` tell the order of its document.
pub(crate) fn put_updated_stage(
    call: &Call,
    tx: &mut Transaction,
    members: &[Member],
    collection: &str,
    id: &str,
    mut stage: Document,
) {
    stage.insert("lastUpdatedDate".into(), call.date());
    tx.put(collection, id, crate::members::arrange(members, stage));
}

/// Removes automatic deployments that no stage points at any more.
///
/// Ours: AWS keeps them, but each holds the whole API, and an API edited a thousand times would be stored a
/// thousand times. Nobody made them by hand, so nobody waits for them.
pub(crate) fn sweep(tx: &mut Transaction, api_id: &str) {
    let used: HashSet<String> =
        tx.all(&paths::stages(api_id)).map(|(_, stage)| text(stage, "deploymentId").to_owned()).collect();
    let deployments = paths::deployments(api_id);
    let unused: Vec<String> = tx
        .all(&deployments)
        .filter(|(id, deployment)| deployment.get("autoDeployed") == Some(&Value::Bool(true)) && !used.contains(*id))
        .map(|(id, _)| id.to_owned())
        .collect();
    for id in unused {
        tx.delete(&deployments, &id);
    }
}

/// Which stages a person was told of that an API was edited but not deployed to them.
#[derive(Default)]
pub(crate) struct Told(HashSet<StageKey>);

impl Told {
    /// What a person should know about a call: of edits, once until the next deployment.
    pub(crate) fn remarks(&self, tx: &Transaction) -> Vec<Remark> {
        let mut remarks = tx.remarks().to_vec();
        for (api_id, name) in changed_stages(tx) {
            let stages = paths::stages(api_id);
            let Some(stage) = tx.get(&stages, name) else { continue };
            if !tx.was_there(&stages, name) && !is_automatic(stage) && !stage.contains_key("deploymentId") {
                let text = format!(
                    "stage {name} of API {api_id} was created without a deployment; clients get 403 until you deploy: \
                     run aws apigatewayv2 create-deployment --api-id {api_id} --stage-name {name}"
                );
                let (api_id, stage) = (api_id.to_owned(), Some(name.to_owned()));
                remarks.push(Remark { api_id, stage, text, until_deployed: true, aside: false });
            }
        }
        for (collection, id) in tx.changed() {
            let api_id = collection.strip_prefix("apis/").and_then(|rest| rest.strip_suffix("/deployments"));
            let is_new = !tx.was_there(collection, id) && tx.get(collection, id).is_some();
            if let Some(api_id) = api_id.filter(|_| is_new)
                && let Some(text) = without_effect(tx, api_id, id)
            {
                remarks.push(Remark {
                    api_id: api_id.to_owned(),
                    stage: None,
                    text,
                    until_deployed: false,
                    aside: false,
                });
            }
        }
        for api_id in tx.edited_apis() {
            for (name, stage) in tx.all(&paths::stages(api_id)) {
                let key = StageKey { api_id: api_id.clone(), stage: name.to_owned() };
                if is_automatic(stage) || !stage.contains_key("deploymentId") || self.0.contains(&key) {
                    continue;
                }
                let text = format!(
                    "API {api_id} was edited but not deployed to stage {name} (auto-deploy is off): \
                     run aws apigatewayv2 create-deployment --api-id {api_id} --stage-name {name}"
                );
                remarks.push(Remark {
                    api_id: key.api_id,
                    stage: Some(key.stage),
                    text,
                    until_deployed: true,
                    aside: false,
                });
            }
        }
        remarks
    }

    /// Notes that remarks were made, and which stages may be spoken of again.
    pub(crate) fn settle(&mut self, told: &[Remark], again: &[StageKey]) {
        for key in again {
            self.0.remove(key);
        }
        for remark in told {
            if let Some(stage) = &remark.stage {
                self.0.insert(StageKey { api_id: remark.api_id.clone(), stage: stage.clone() });
            }
        }
    }

    /// The stages that a batch deployed to or removed, whoever made it.
    pub(crate) fn deployed_or_gone(tx: &Transaction) -> Vec<StageKey> {
        let deployment = |stage: Option<&Arc<Document>>| stage.map(|stage| text(stage, "deploymentId").to_owned());
        let is_so = |(api_id, name): &(&str, &str)| {
            let stages = paths::stages(api_id);
            let now = deployment(tx.get(&stages, name));
            now.is_none() || now != Some(deployment(tx.before(&stages, name)).unwrap_or_default())
        };
        let stages = changed_stages(tx).filter(is_so);
        stages.map(|(api_id, stage)| StageKey { api_id: api_id.to_owned(), stage: stage.to_owned() }).collect()
    }
}

/// Says so when a deployment by hand leaves every client with what it had: no stage took it, or nothing is new in it.
fn without_effect(tx: &Transaction, api_id: &str, id: &str) -> Option<String> {
    let stages = paths::stages(api_id);
    let (name, stage) = match tx.all(&stages).find(|(_, stage)| text(stage, "deploymentId") == id) {
        Some(taken) => taken,
        None => {
            let (name, _) = tx.all(&stages).find(|(_, stage)| !is_automatic(stage))?;
            return Some(format!(
                "deployment {id} of API {api_id} has no effect yet, as no stage points at it: run aws apigatewayv2 \
                 update-stage --api-id {api_id} --stage-name {name} --deployment-id {id}"
            ));
        }
    };
    let before = text(tx.before(&stages, name)?, "deploymentId");
    let is_same = definition(tx, api_id, id).is_some_and(|now| Some(now) == definition(tx, api_id, before));
    (is_same && !is_automatic(stage)).then(|| {
        format!("deployment {id} of API {api_id} changed nothing on stage {name}: the API is as in deployment {before}")
    })
}

/// The stages that a call changed: API id and stage name.
pub(crate) fn changed_stages<'t>(tx: &'t Transaction) -> impl Iterator<Item = (&'t str, &'t str)> {
    tx.changed().filter_map(|(collection, name)| {
        let api_id = collection.strip_prefix("apis/")?.strip_suffix("/stages")?;
        Some((api_id, name))
    })
}
