//! VPC links of v1, the ones that WebSocket integrations use.

use serde_json::Value;

use super::DESCRIPTION_CHARS_MAX;
use crate::crud::{self, Answer, Call, IdRule, Quota, Resource, Subject};
use crate::documents::text;
use crate::error::{self, Fault};
use crate::handlers::tagged;
use crate::ids;
use crate::members::{Member, MemberKind, Rule};
use crate::page;
use crate::patch::{self, Patch};
use crate::paths;
use crate::store::Document;
use crate::transaction::Transaction;

pub(crate) static VPC_LINK: Resource = Resource {
    noun: "VPC Link",
    collection: paths::VPC_LINKS,
    parent: None,
    id_member: "id",
    id: IdRule::Random(ids::SIX),
    members: &[
        Member::text("description", 0, DESCRIPTION_CHARS_MAX),
        Member::output("id"),
        Member::text("name", 1, 1024).required().missing(error::VPC_LINK_NAME).invalid(error::VPC_LINK_NAME),
        Member::output("status"),
        Member::output("statusMessage"),
        tagged::MEMBER,
        Member::new("targetArns", MemberKind::Texts, Rule::Fixed).required().missing(error::VPC_LINK_TARGETS),
    ],
    quota: Quota { name: "vpc-links", get: |limits| limits.vpc_links },
    paging: &page::V1,
    deployed: false,
    check,
    before_delete,
    present: crud::as_stored,
    absent: |_, _| error::no_such("Vpc Link"),
};

const PATCH: Patch = Patch { resource: &VPC_LINK, paths: &["/description", "/name"], special: patch::nothing_special };

/// Creates a VPC link. The answer says that it is on its way, as AWS's; the next one says that it is ready.
pub(crate) fn create(call: &Call, tx: &mut Transaction) -> Answer {
    let mut answer = crud::create(&VPC_LINK, call, tx)?;
    if let Some(link) = &mut answer {
        link.insert("status".into(), "PENDING".into());
        link.shift_remove("statusMessage");
    }
    Ok(answer)
}

/// Answers a page of VPC links, without their tags. Source: recorded.
pub(crate) fn list(call: &Call, tx: &mut Transaction) -> Answer {
    let untagged = |link: &Document| {
        let mut link = link.clone();
        link.shift_remove("tags");
        link
    };
    crud::list_as(&VPC_LINK, call, tx, |_| true, untagged)
}

/// Changes a VPC link.
pub(crate) fn update(call: &Call, tx: &mut Transaction) -> Answer {
    patch::update(&PATCH, call, tx)
}

fn check(subject: &Subject, tx: &mut Transaction, link: &mut Document) -> Result<(), Fault> {
    tagged::check(link)?;
    if subject.previous.is_some() {
        return Ok(());
    }
    // Tags name links of both versions alike, so an id must not be in both. One in two thousand million would be.
    if tx.get(paths::VPC_LINKS_V2, subject.id).is_some() {
        return Err(error::internal("The id is taken; try again"));
    }
    let targets = link.get("targetArns").and_then(Value::as_array);
    let [Value::String(target)] = targets.map_or(&[][..], Vec::as_slice) else {
        return Err(error::bad_request(error::VPC_LINK_TARGETS));
    };
    // Texts: recorded, and reported for what is not a Network Load Balancer.
    let (status, message) = match target_of(target) {
        Target::Usable => ("AVAILABLE", "Your vpc link is ready for use"),
        Target::Other => ("FAILED", "NLB ARN is malformed"),
        Target::Malformed => return Err(error::target_arn(target)),
    };
    link.insert("status".into(), status.into());
    link.insert("statusMessage".into(), message.into());
    Ok(())
}

enum Target {
    /// A Network Load Balancer or, ours, an address.
    Usable,
    /// An ARN of something else.
    Other,
    Malformed,
}

fn target_of(target: &str) -> Target {
    let parts: Vec<&str> = target.splitn(6, ':').collect();
    match parts.as_slice() {
        ["arn", _, "elasticloadbalancing", _, _, rest] if rest.starts_with("loadbalancer/net/") => Target::Usable,
        ["arn", partition, service, _, _, rest] if !partition.is_empty() && !service.is_empty() && !rest.is_empty() => {
            Target::Other
        }
        ["arn", ..] => Target::Malformed,
        _ => match target.rsplit_once(':') {
            Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0) => Target::Usable,
            _ => Target::Malformed,
        },
    }
}

/// Refused while an integration names the link itself; through a stage variable it may. Source: documented.
fn before_delete(subject: &Subject, tx: &mut Transaction, _: &Document) -> Result<(), Fault> {
    for (api_id, _) in tx.all(paths::APIS) {
        let integrations = paths::integrations(api_id);
        let user = tx.all(&integrations).find(|(_, integration)| {
            text(integration, "connectionType") == "VPC_LINK" && text(integration, "connectionId") == subject.id
        });
        if let Some((id, _)) = user {
            return Err(error::vpc_link_in_use(subject.id, api_id, id));
        }
    }
    Ok(())
}
