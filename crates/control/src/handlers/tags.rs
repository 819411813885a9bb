//! Tags: of APIs and stages, by ARN.

use serde_json::Value;

use super::apis::API;
use super::stages::STAGE;
use super::tagged::{MEMBER, check};
use crate::crud::{Answer, Call, Resource};
use crate::error::{self, Fault};
use crate::members::empty;
use crate::paths;
use crate::store::Document;
use crate::transaction::Transaction;

/// Answers the tags of a resource.
pub(crate) fn get(call: &Call, tx: &mut Transaction) -> Answer {
    let tagged = find(call, tx)?;
    let mut answer = Document::new();
    answer.insert("tags".into(), tagged.document.get("tags").cloned().unwrap_or_else(empty));
    Ok(Some(answer))
}

/// Adds tags to a resource; a tag that it has gets the new value.
pub(crate) fn tag(call: &Call, tx: &mut Transaction) -> Answer {
    let mut tagged = find(call, tx)?;
    let given = crate::members::merge(&[MEMBER], "Tag", None, &call.body)?;
    if let (Some(Value::Object(tags)), Some(Value::Object(given))) =
        (tagged.document.get_mut("tags"), given.get("tags"))
    {
        tags.extend(given.clone());
    }
    tagged.store(tx)?;
    Ok(Some(Document::new()))
}

/// Takes tags off a resource; keys that it does not have are no mistake.
pub(crate) fn untag(call: &Call, tx: &mut Transaction) -> Answer {
    let mut tagged = find(call, tx)?;
    if let Some(Value::Object(tags)) = tagged.document.get_mut("tags") {
        for (_, key) in call.query.iter().filter(|(name, _)| name == "tagKeys") {
            tags.shift_remove(key);
        }
    }
    tagged.store(tx)?;
    Ok(None)
}

struct Tagged {
    collection: String,
    id: String,
    document: Document,
    resource: &'static Resource,
}

impl Tagged {
    fn store(self, tx: &mut Transaction) -> Result<(), Fault> {
        check(&self.document)?;
        let document = crate::members::arrange(self.resource.members, self.document);
        tx.put(&self.collection, &self.id, document);
        Ok(())
    }
}

/// The resource that the path's ARN names: `arn:aws:apigateway:{region}::/apis/{id}` or `…/stages/{name}` below it.
fn find(call: &Call, tx: &Transaction) -> Result<Tagged, Fault> {
    let parts: Vec<&str> = call.param(0).splitn(6, ':').collect();
    let ["arn", partition, "apigateway", region, "", path] = parts.as_slice() else {
        return Err(error::bad_request(error::ARN));
    };
    let path = path.strip_prefix('/').filter(|_| partition.starts_with("aws"));
    let segments: Vec<&str> = path.ok_or_else(|| error::bad_request(error::ARN))?.split('/').collect();
    let here = *region == call.settings.place.region;
    let api = |id: &str| tx.get(paths::APIS, id).filter(|_| here).cloned();
    let no_api = |id: &str| error::no_such_api(&call.settings.place, id);
    match segments.as_slice() {
        ["apis", id] => {
            let document = api(id).ok_or_else(|| no_api(id))?;
            Ok(Tagged {
                collection: paths::APIS.into(),
                id: (*id).into(),
                document: Document::clone(&document),
                resource: &API,
            })
        }
        ["apis", id, "stages", name] => {
            api(id).ok_or_else(|| no_api(id))?;
            let collection = paths::stages(id);
            let document = tx.get(&collection, name).ok_or_else(|| (STAGE.absent)(call.settings, name))?;
            let document = Document::clone(document);
            Ok(Tagged { collection, id: (*name).into(), document, resource: &STAGE })
        }
        // What AWS can tag as well, and Gatewright does not have yet.
        [kind @ ("domainnames" | "vpclinks" | "apikeys" | "usageplans" | "clientcertificates"), ..] => {
            Err(error::no_such(kind))
        }
        _ => Err(error::bad_request(error::ARN)),
    }
}
