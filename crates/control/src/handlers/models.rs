//! Models.

use serde_json::Value;

use super::TEMPLATE_CHARS_MAX;
use super::apis::API;
use crate::crud::{self, IdRule, Quota, Resource, Subject};
use crate::documents::text;
use crate::error::{self, Fault};
use crate::ids;
use crate::members::Member;
use crate::page;
use crate::paths;
use crate::store::Document;
use crate::transaction::Transaction;

pub(crate) static MODEL: Resource = Resource {
    noun: "Model",
    collection: "models",
    parent: Some(&API),
    id_member: "modelId",
    id: IdRule::Random(ids::SIX),
    members: &[
        Member::text("contentType", 1, 256),
        Member::text("description", 0, 1024),
        Member::output("modelId"),
        Member::text("name", 1, 128).required(),
        Member::text("schema", 0, TEMPLATE_CHARS_MAX).required(),
    ],
    quota: Quota { name: "models-per-api", get: |limits| limits.models_per_api },
    paging: &page::V2,
    deployed: true,
    check,
    before_delete,
    present: crud::as_stored,
    absent: |_, _| error::no_such("Model"),
};

fn check(subject: &Subject, tx: &mut Transaction, model: &mut Document) -> Result<(), Fault> {
    let name = text(model, "name");
    if !name.bytes().all(|c| c.is_ascii_alphanumeric()) {
        return Err(error::model_name(name));
    }
    let kept = mapping::check::model(text(model, "schema")).map_err(|wrong| error::no_schema(&wrong));
    subject.newer_rule(model, &["schema"], kept)?;
    match subject.namesake(tx, "name", &Value::String(name.into())) {
        Some(_) => Err(error::model_name_taken(name)),
        None => Ok(()),
    }
}

fn before_delete(subject: &Subject, tx: &mut Transaction, model: &Document) -> Result<(), Fault> {
    let name = text(model, "name");
    let routes = paths::routes(subject.api_id());
    let names_it = |route: &Document| {
        let models = route.get("requestModels").and_then(Value::as_object);
        models.is_some_and(|models| models.values().any(|model| model.as_str() == Some(name)))
    };
    match tx.all(&routes).find(|(_, route)| names_it(route)) {
        Some((_, route)) => Err(error::model_in_use(name, text(route, "routeKey"))),
        None => Ok(()),
    }
}
