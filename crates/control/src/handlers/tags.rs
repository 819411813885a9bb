//! Tags, by ARN. The operations of v1 and v2 differ in their answers only.

use serde_json::Value;

use super::apis::API;
use super::domain_names::DOMAIN_NAME;
use super::stages::STAGE;
use super::tagged::{MEMBER, check};
use super::v1::api_keys::API_KEY;
use super::v1::client_certificates::CLIENT_CERTIFICATE;
use super::v1::usage_plans::USAGE_PLAN;
use super::v1::vpc_links::VPC_LINK;
use super::vpc_links::VPC_LINK as VPC_LINK_V2;
use crate::crud::{Answer, Call, Resource};
use crate::error::{self, Fault};
use crate::members::empty;
use crate::paths;
use crate::store::Document;
use crate::transaction::Transaction;

/// What can be tagged beside stages. Source: documented ("Tagging your API Gateway resources").
static TAGGED: &[&Resource] = &[&API, &DOMAIN_NAME, &VPC_LINK, &API_KEY, &USAGE_PLAN, &CLIENT_CERTIFICATE];

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

/// As [`tag`]; v1 answers without a body.
pub(crate) fn tag_v1(call: &Call, tx: &mut Transaction) -> Answer {
    tag(call, tx).map(|_| None)
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

/// The resource that the path's ARN names: `arn:aws:apigateway:{region}::/{collection}/{id}`, or a stage below an API.
fn find(call: &Call, tx: &Transaction) -> Result<Tagged, Fault> {
    let parts: Vec<&str> = call.param(0).splitn(6, ':').collect();
    // Which Region or account a client believes to be in is its own business: the path alone names the resource.
    let ["arn", partition, "apigateway", _, _, path] = parts.as_slice() else {
        return Err(error::bad_request(error::ARN));
    };
    let path = path.strip_prefix('/').filter(|_| partition.starts_with("aws"));
    let segments: Vec<&str> = path.ok_or_else(|| error::bad_request(error::ARN))?.split('/').collect();
    let (resource, collection, id) = match segments.as_slice() {
        ["apis", api_id, "stages", name] => {
            let api = tx.get(paths::APIS, api_id);
            api.ok_or_else(|| (API.absent)(call.settings, api_id))?;
            (&STAGE, paths::stages(api_id), *name)
        }
        // Links of both versions have ARNs of one form; their ids differ.
        ["vpclinks", id] if tx.get(paths::VPC_LINKS_V2, id).is_some() => {
            (&VPC_LINK_V2, paths::VPC_LINKS_V2.to_owned(), *id)
        }
        [collection, id] => match TAGGED.iter().find(|resource| resource.collection == *collection) {
            Some(resource) => (*resource, resource.collection.to_owned(), *id),
            None => return Err(error::bad_request(error::ARN)),
        },
        _ => return Err(error::bad_request(error::ARN)),
    };
    let document = tx.get(&collection, id).ok_or_else(|| (resource.absent)(call.settings, id))?;
    Ok(Tagged { document: Document::clone(document), id: id.to_owned(), collection, resource })
}
