//! A stack that could not be brought to what was asked: its status, and the events that say why.

use super::checked::with_place;
use crate::fault::Fault;
use crate::record::{Event, Record};
use crate::template::Template;

/// The type of stacks in events.
const STACK: &str = "AWS::CloudFormation::Stack";

/// What happened to a stack as a whole.
pub fn of_stack(record: &Record, now: &str, status: &str, reason: &str) -> Event {
    Event {
        time: now.to_owned(),
        logical: record.name.clone(),
        physical: record.id.clone(),
        kind: STACK.to_owned(),
        status: status.to_owned(),
        reason: reason.to_owned(),
    }
}

/// A stack that could not be made: nothing of it is there. `record` is what it would have been.
pub fn create(record: Record, template: &Template, faults: &[Fault], now: &str) -> Record {
    let ends = match record.settings.keeps_failures {
        true => ["", "CREATE_FAILED"],
        false => ["ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE"],
    };
    failed(record, template, faults, now, "CREATE", ends)
}

/// A stack that could not be changed: it is what it was.
pub fn update(record: Record, template: &Template, faults: &[Fault], now: &str) -> Record {
    let ends = match record.settings.keeps_failures {
        true => ["", "UPDATE_FAILED"],
        false => ["UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"],
    };
    let mut record = failed(record, template, faults, now, "UPDATE", ends);
    now.clone_into(&mut record.updated);
    record
}

/// A stack that could not be deleted.
pub fn delete(mut record: Record, faults: &[Fault], now: &str) -> Record {
    let (names, events) = blamed(&record, &Template::default(), faults, now, "DELETE_FAILED");
    let reason = match names.is_empty() {
        true => faults.iter().map(with_place).collect::<Vec<_>>().join("; "),
        false => format!("The following resource(s) failed to delete: [{}]. ", names.join(", ")),
    };
    record.events.push(of_stack(&record, now, "DELETE_IN_PROGRESS", "User Initiated"));
    record.events.extend(events);
    record.events.push(of_stack(&record, now, "DELETE_FAILED", &reason));
    "DELETE_FAILED".clone_into(&mut record.status);
    record.settings.reason = reason;
    record
}

fn failed(mut record: Record, template: &Template, faults: &[Fault], now: &str, verb: &str, ends: [&str; 2]) -> Record {
    let is_first = verb == "CREATE";
    let status = if is_first { "CREATE_FAILED" } else { "UPDATE_FAILED" };
    let (names, events) = blamed(&record, template, faults, now, status);
    let reason = match names.is_empty() {
        true => faults.iter().map(with_place).collect::<Vec<_>>().join("; "),
        false => {
            let what = if is_first { "create" } else { "update" };
            let then = if is_first && !record.settings.keeps_failures { "Rollback requested by user." } else { "" };
            format!("The following resource(s) failed to {what}: [{}]. {then}", names.join(", "))
        }
    };
    record.events.push(of_stack(&record, now, &format!("{verb}_IN_PROGRESS"), "User Initiated"));
    record.events.extend(events);
    let [through, end] = ends;
    if !through.is_empty() {
        record.events.push(of_stack(&record, now, through, &reason));
    }
    let last = if through.is_empty() { reason.as_str() } else { "" };
    record.events.push(of_stack(&record, now, end, last));
    end.clone_into(&mut record.status);
    record.settings.reason = reason;
    record
}

/// The resources that faults are of, and an event for each fault.
fn blamed(
    record: &Record,
    template: &Template,
    faults: &[Fault],
    now: &str,
    status: &str,
) -> (Vec<String>, Vec<Event>) {
    let (mut names, mut events) = (Vec::new(), Vec::new());
    for fault in faults {
        let Some(rest) = fault.path.strip_prefix("Resources.") else { continue };
        let logical = rest.split(['.', '[']).next().unwrap_or(rest);
        let kept = record.resources.get(logical);
        let kind = template.resources.get(logical).map(|resource| &resource.kind).or(kept.map(|kept| &kept.kind));
        // What is not there yet was to be made.
        let status = if kept.is_none() && status == "UPDATE_FAILED" { "CREATE_FAILED" } else { status };
        events.push(Event {
            time: now.to_owned(),
            logical: logical.to_owned(),
            physical: kept.map(|kept| kept.physical.clone()).unwrap_or_default(),
            kind: kind.cloned().unwrap_or_default(),
            status: status.to_owned(),
            reason: with_place(fault),
        });
        if !names.iter().any(|name| name == logical) {
            names.push(logical.to_owned());
        }
    }
    (names, events)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::Place;

    #[test]
    fn a_failure_says_which_resource_which_property_and_which_line() {
        let record = Record { name: "chat".into(), id: "arn".into(), ..Record::default() };
        let fault = Fault::new("no such key", "Resources.Join.Properties.RouteKey", Place { line: 7, column: 3 });
        let failed = create(record.clone(), &Template::default(), std::slice::from_ref(&fault), "now");
        assert_eq!(failed.status, "ROLLBACK_COMPLETE");
        assert_eq!(
            failed.settings.reason,
            "The following resource(s) failed to create: [Join]. Rollback requested by user."
        );
        let statuses: Vec<_> = failed.events.iter().map(|event| event.status.as_str()).collect();
        assert_eq!(statuses, ["CREATE_IN_PROGRESS", "CREATE_FAILED", "ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE"]);
        assert_eq!(failed.events[1].reason, "Resources.Join.Properties.RouteKey: no such key (line 7, column 3)");
        let mut kept = record;
        kept.settings.keeps_failures = true;
        assert_eq!(update(kept.clone(), &Template::default(), &[fault], "now").status, "UPDATE_FAILED");
        let nowhere = Fault::new("the disk is full", "", Place::default());
        assert_eq!(create(kept, &Template::default(), &[nowhere], "now").settings.reason, "the disk is full");
    }
}
