//! What a stack consists of: `DescribeStackResources`, `DescribeStackResource` and `ListStackResources`.

use super::error::{Error, validation};
use super::names::page;
use super::xml::Xml;
use crate::node::Node;
use crate::record::{KeptResource, Record};

/// The status of a resource: that of the last event of it.
fn status<'r>(record: &'r Record, logical: &str) -> &'r str {
    let last = record.events.iter().rev().find(|event| event.logical == logical && event.status.ends_with("_COMPLETE"));
    last.map_or("CREATE_COMPLETE", |event| &event.status)
}

fn members(xml: &mut Xml, record: &Record, logical: &str, resource: &KeptResource, time: &str) {
    xml.text("LogicalResourceId", logical);
    xml.text("PhysicalResourceId", &resource.physical);
    xml.text("ResourceType", &resource.kind);
    xml.text(time, &resource.updated);
    xml.text("ResourceStatus", status(record, logical));
    xml.within("DriftInformation", |xml| xml.text("StackResourceDriftStatus", "NOT_CHECKED"));
}

fn of_stack(xml: &mut Xml, record: &Record) {
    xml.text("StackName", &record.name);
    xml.text("StackId", &record.id);
}

/// All resources of a stack, or the one that is asked for by its logical or physical id.
pub fn describe(xml: &mut Xml, record: &Record, logical: Option<&str>, physical: Option<&str>) {
    let asked = record.resources.iter().filter(|(name, resource)| {
        logical.is_none_or(|logical| logical == *name) && physical.is_none_or(|physical| physical == resource.physical)
    });
    xml.list("StackResources", asked, |xml, (name, resource)| {
        of_stack(xml, record);
        members(xml, record, name, resource, "Timestamp");
    });
}

/// One resource. `document` is the stack's template, whose metadata is shown.
///
/// # Errors
/// There is none of the name.
pub fn describe_one(xml: &mut Xml, record: &Record, logical: &str, document: Option<&Node>) -> Result<(), Error> {
    let resource = record.resources.get(logical);
    let resource =
        resource.ok_or_else(|| validation(format!("Resource {logical} does not exist for stack {}", record.name)))?;
    let metadata = document.and_then(|document| document.get("Resources")?.get(logical)?.get("Metadata"));
    xml.within("StackResourceDetail", |xml| {
        of_stack(xml, record);
        members(xml, record, logical, resource, "LastUpdatedTimestamp");
        metadata.iter().for_each(|metadata| xml.text("Metadata", &metadata.to_json().to_string()));
    });
    Ok(())
}

/// One page of resources.
///
/// # Errors
/// A token that was not given.
pub fn list(xml: &mut Xml, record: &Record, token: Option<&str>) -> Result<(), Error> {
    let all: Vec<_> = record.resources.iter().collect();
    let (shown, next) = page(&all, |(logical, _)| (*logical).clone(), token)?;
    xml.list("StackResourceSummaries", shown, |xml, (logical, resource)| {
        members(xml, record, logical, resource, "LastUpdatedTimestamp");
    });
    next.iter().for_each(|next| xml.text("NextToken", next));
    Ok(())
}
