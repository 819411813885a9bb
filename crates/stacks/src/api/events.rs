//! What happened to a stack: `DescribeStackEvents`.

use std::collections::HashMap;

use sha1_smol::Sha1;

use super::error::Error;
use super::names::page;
use super::xml::Xml;
use crate::record::{Event, Record};

/// One page of events, newest first, into an answer.
///
/// # Errors
/// A token that was not given.
pub fn write(xml: &mut Xml, record: &Record, token: Option<&str>) -> Result<(), Error> {
    let events = newest_first(record);
    let (shown, next) = page(&events, |(id, _)| id.clone(), token)?;
    xml.list("StackEvents", shown, |xml, (id, event)| {
        xml.text("StackId", &record.id);
        xml.text("EventId", id);
        xml.text("StackName", &record.name);
        xml.text("LogicalResourceId", &event.logical);
        xml.text("PhysicalResourceId", &event.physical);
        xml.text("ResourceType", &event.kind);
        xml.text("Timestamp", &event.time);
        xml.text("ResourceStatus", &event.status);
        xml.some("ResourceStatusReason", &event.reason);
        xml.some("ClientRequestToken", &record.settings.token);
    });
    next.iter().for_each(|next| xml.text("NextToken", next));
    Ok(())
}

/// Events with their ids. An id follows from what the event says, and how many said the same before it, so that it stays what
/// it is when older ones are forgotten.
fn newest_first(record: &Record) -> Vec<(String, &Event)> {
    let mut same: HashMap<&Event, usize> = HashMap::new();
    let mut events: Vec<_> = Vec::with_capacity(record.events.len());
    for event in &record.events {
        let count = same.entry(event).and_modify(|count| *count += 1).or_default();
        events.push((id(record, event, *count), event));
    }
    events.reverse();
    events
}

fn id(record: &Record, event: &Event, count: usize) -> String {
    let mut sha = Sha1::new();
    for part in
        [&record.id, &event.time, &event.logical, &event.physical, &event.status, &event.reason, &count.to_string()]
    {
        sha.update(part.as_bytes());
        sha.update(&[0]);
    }
    let hex = sha.digest().to_string();
    let uuid = format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..32]);
    match event.logical == record.name {
        true => uuid,
        false => format!("{}-{}-{uuid}", event.logical, event.status),
    }
}
