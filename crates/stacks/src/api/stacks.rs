//! Stacks as they are: `DescribeStacks`, `ListStacks` and `ListExports`.

use super::error::{Error, constraint};
use super::form::Form;
use super::names::page;
use super::xml::Xml;
use crate::parameters::HIDDEN;
use crate::record::{KeptParameter, Record};

/// How a status may be called. Source: the model.
const STATUSES: &[&str] = &[
    "CREATE_IN_PROGRESS",
    "CREATE_FAILED",
    "CREATE_COMPLETE",
    "ROLLBACK_IN_PROGRESS",
    "ROLLBACK_FAILED",
    "ROLLBACK_COMPLETE",
    "DELETE_IN_PROGRESS",
    "DELETE_FAILED",
    "DELETE_COMPLETE",
    "UPDATE_IN_PROGRESS",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
    "UPDATE_COMPLETE",
    "UPDATE_FAILED",
    "UPDATE_ROLLBACK_IN_PROGRESS",
    "UPDATE_ROLLBACK_FAILED",
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
    "UPDATE_ROLLBACK_COMPLETE",
    "REVIEW_IN_PROGRESS",
    "IMPORT_IN_PROGRESS",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_IN_PROGRESS",
    "IMPORT_ROLLBACK_FAILED",
    "IMPORT_ROLLBACK_COMPLETE",
];

/// The status of what was deleted.
pub const DELETED: &str = "DELETE_COMPLETE";

fn drift(xml: &mut Xml) {
    xml.within("DriftInformation", |xml| xml.text("StackDriftStatus", "NOT_CHECKED"));
}

fn times(xml: &mut Xml, record: &Record) {
    xml.text("CreationTime", &record.created);
    xml.some("LastUpdatedTime", &record.updated);
    if record.status == DELETED {
        xml.some("DeletionTime", record.events.last().map_or("", |event| &event.time));
    }
}

/// Parameters, without the values that nobody may see.
pub(crate) fn parameters<'p>(xml: &mut Xml, parameters: impl IntoIterator<Item = (&'p String, &'p KeptParameter)>) {
    xml.list("Parameters", parameters, |xml, (name, parameter)| {
        xml.text("ParameterKey", name);
        xml.text("ParameterValue", if parameter.is_secret { HIDDEN } else { &parameter.value });
    });
}

/// Tags, in their order.
pub(crate) fn tags<'t>(xml: &mut Xml, tags: impl IntoIterator<Item = (&'t String, &'t String)>) {
    xml.list("Tags", tags, |xml, (key, value)| {
        xml.text("Key", key);
        xml.text("Value", value);
    });
}

/// One page of stacks.
///
/// # Errors
/// A token that was not given.
pub fn describe(xml: &mut Xml, records: &[&Record], token: Option<&str>) -> Result<(), Error> {
    let (shown, next) = page(records, |record| record.id.clone(), token)?;
    xml.list("Stacks", shown, |xml, record| {
        let settings = &record.settings;
        xml.text("StackId", &record.id);
        xml.text("StackName", &record.name);
        xml.some("ChangeSetId", &settings.change_set);
        xml.some("Description", &record.description);
        parameters(xml, &record.parameters);
        times(xml, record);
        xml.within("RollbackConfiguration", |_| {});
        xml.text("StackStatus", &record.status);
        xml.some("StackStatusReason", &settings.reason);
        xml.flag("DisableRollback", settings.keeps_failures);
        xml.texts("NotificationARNs", &settings.notified);
        xml.texts("Capabilities", &settings.capabilities);
        xml.list("Outputs", &record.outputs, |xml, output| {
            xml.text("OutputKey", &output.key);
            xml.text("OutputValue", &output.value);
            xml.some("Description", &output.description);
            xml.some("ExportName", &output.export);
        });
        xml.some("RoleARN", &settings.role);
        tags(xml, &settings.tags);
        xml.flag("EnableTerminationProtection", settings.is_protected);
        drift(xml);
    });
    next.iter().for_each(|next| xml.text("NextToken", next));
    Ok(())
}

/// One page of stacks in short, newest first, those of the statuses that are asked for.
///
/// # Errors
/// No such status; a token that was not given.
pub fn list(xml: &mut Xml, records: &[&Record], form: &Form, token: Option<&str>) -> Result<(), Error> {
    let wanted = form.texts("StackStatusFilter").unwrap_or_default();
    if let Some(other) = wanted.iter().find(|status| !STATUSES.contains(status)) {
        let set = format!("Member must satisfy enum value set: [{}]", STATUSES.join(", "));
        return Err(constraint(other, "stackStatusFilter", &set));
    }
    let fits = |record: &&&Record| wanted.is_empty() || wanted.contains(&record.status.as_str());
    let asked: Vec<&Record> = records.iter().rev().filter(fits).copied().collect();
    let (shown, next) = page(&asked, |record| format!("{}/{}", record.id, record.status), token)?;
    xml.list("StackSummaries", shown, |xml, record| {
        xml.text("StackId", &record.id);
        xml.text("StackName", &record.name);
        xml.some("TemplateDescription", &record.description);
        times(xml, record);
        xml.text("StackStatus", &record.status);
        xml.some("StackStatusReason", &record.settings.reason);
        drift(xml);
    });
    next.iter().for_each(|next| xml.text("NextToken", next));
    Ok(())
}

/// One page of what stacks export.
///
/// # Errors
/// A token that was not given.
pub fn exports(xml: &mut Xml, records: &[&Record], token: Option<&str>) -> Result<(), Error> {
    let exported = records.iter().flat_map(|record| record.outputs.iter().map(|output| (record.id.as_str(), output)));
    let all: Vec<_> = exported.filter(|(_, output)| !output.export.is_empty()).collect();
    let (shown, next) = page(&all, |(_, output)| output.export.clone(), token)?;
    xml.list("Exports", shown, |xml, (id, output)| {
        xml.text("ExportingStackId", id);
        xml.text("Name", &output.export);
        xml.text("Value", &output.value);
    });
    next.iter().for_each(|next| xml.text("NextToken", next));
    Ok(())
}
