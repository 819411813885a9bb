//! VPC links of v2. They are kept for tools that make them; WebSocket integrations use v1's, and refuse these.

use super::tagged;
use crate::crud::{self, Answer, Call, IdRule, Quota, Resource, Subject};
use crate::error::{self, Fault};
use crate::ids;
use crate::members::{Member, MemberKind, Rule};
use crate::page;
use crate::paths;
use crate::store::Document;
use crate::transaction::Transaction;

pub(crate) static VPC_LINK: Resource = Resource {
    noun: "VpcLink",
    collection: paths::VPC_LINKS_V2,
    parent: None,
    id_member: "vpcLinkId",
    id: IdRule::Random(ids::SIX),
    members: &[
        Member::output("createdDate"),
        Member::text("name", 1, 128).required(),
        Member::new("securityGroupIds", MemberKind::Texts, Rule::Fixed).or(|| serde_json::Value::Array(Vec::new())),
        Member::new("subnetIds", MemberKind::Texts, Rule::Fixed).required().missing(error::SUBNETS),
        tagged::MEMBER,
        Member::output("vpcLinkId"),
        Member::output("vpcLinkStatus").or(|| "AVAILABLE".into()),
        Member::output("vpcLinkStatusMessage").or(|| "VPC link is ready to route traffic".into()),
        Member::output("vpcLinkVersion").or(|| "V2".into()),
    ],
    quota: Quota { name: "vpc-links", get: |limits| limits.vpc_links },
    paging: &page::V2_FIRST_PAGE,
    deployed: false,
    check,
    before_delete: crud::may_go,
    present: crud::as_stored,
    absent: |_, _| error::no_such("VpcLink"),
};

/// Creates a VPC link. The answer says that it is on its way, as AWS's; the next one says that it is ready.
pub(crate) fn create(call: &Call, tx: &mut Transaction) -> Answer {
    let mut answer = crud::create(&VPC_LINK, call, tx)?;
    if let Some(link) = &mut answer {
        link.insert("vpcLinkStatus".into(), "PENDING".into());
        link.shift_remove("vpcLinkStatusMessage");
    }
    Ok(answer)
}

fn check(subject: &Subject, tx: &mut Transaction, link: &mut Document) -> Result<(), Fault> {
    tagged::check(link)?;
    if subject.previous.is_none() {
        if tx.get(paths::VPC_LINKS, subject.id).is_some() {
            return Err(error::internal("The id is taken; try again"));
        }
        link.insert("createdDate".into(), subject.call.date());
    }
    Ok(())
}
