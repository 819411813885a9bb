//! CloudWatch Logs' reading calls, over the records that are kept.
//!
//! Source: AWS's API model (`logs`, 2014-03-28) and its documentation. An execution log's group is named
//! `/aws/apigateway/{apiId}/{stage}`, an access log's as the stage's settings name it. Each group has one stream.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use types::arn::Home;
use types::snapshot::StageKey;

use super::Refused;
use super::pattern::Pattern;
use crate::history::{Past, What};

/// What the names of execution logs begin with.
const EXECUTION: &str = "/aws/apigateway/";
/// Source: AWS's API model: 1 to 10,000 events, 1 to 50 groups and streams.
const EVENTS_MAX: usize = 10_000;
const GROUPS_MAX: usize = 50;
/// The most that one answer has. Source: documented (1 MB).
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// What there is to be read.
pub struct Shelf {
    /// What is kept, the oldest first.
    pub past: Vec<Arc<Past>>,
    /// The stages that there are, each a group.
    pub stages: Vec<StageKey>,
    /// The access logs that stages name, by group.
    pub access: Vec<String>,
    /// For ARNs.
    pub home: Home,
    /// When this life of the program began, in milliseconds since 1970.
    pub began: u64,
}

/// A line of a group.
struct Line {
    at: u64,
    /// Orders lines, and names them.
    id: String,
    text: String,
}

/// Carries out a call.
///
/// # Errors
/// As CloudWatch refuses.
pub fn answer(shelf: &Shelf, action: &str, call: &Value) -> Result<Value, Refused> {
    match action {
        "DescribeLogGroups" => groups(shelf, call),
        "DescribeLogStreams" => streams(shelf, call),
        "GetLogEvents" => get(shelf, call),
        "FilterLogEvents" => filter(shelf, call),
        _ => Err(Refused::new(
            "UnknownOperationException",
            format!(
                "{action} is not answered here: logs can be read (DescribeLogGroups, DescribeLogStreams, GetLogEvents, FilterLogEvents)"
            ),
        )),
    }
}

/// The name of a log group that settings name by its ARN, or by its name.
pub fn group_name(destination: &str) -> &str {
    let name = destination.split_once(":log-group:").map_or(destination, |(_, name)| name);
    name.trim_end_matches(":*")
}

impl Shelf {
    fn names(&self) -> Vec<String> {
        let of_stages = self.stages.iter().map(|key| format!("{EXECUTION}{}/{}", key.api_id, key.stage));
        let mut names: Vec<String> =
            of_stages.chain(self.access.iter().map(|name| group_name(name).to_owned())).collect();
        // A stage may be gone and its log still be here.
        names.extend(self.past.iter().filter_map(|past| self.group_of(past)));
        names.sort();
        names.dedup();
        names
    }

    fn group_of(&self, past: &Past) -> Option<String> {
        let key = match &past.what {
            What::Event(record) => &*record.connection.stage,
            What::Push(push) => &push.stage,
            What::Access(line, _) => return Some(group_name(&line.log_group).to_owned()),
        };
        Some(format!("{EXECUTION}{}/{}", key.api_id, key.stage))
    }

    /// A group's lines in the order of their times.
    fn lines(&self, group: &str) -> Vec<Line> {
        let mut lines = Vec::new();
        for past in &self.past {
            if self.group_of(past).as_deref() != Some(group) {
                continue;
            }
            let mut put = |at: u64, text: String| {
                let id = format!("{at:014}{:012}{:06}", past.number, lines.len() % 1_000_000);
                lines.push(Line { at, id, text });
            };
            match &past.what {
                What::Event(record) => record.told_lines().into_iter().for_each(|line| put(line.at.0, line.text)),
                What::Push(push) => {
                    let line = push.line();
                    put(line.at.0, line.text);
                }
                What::Access(line, at) => put(at.0, line.text.clone()),
            }
        }
        lines.sort_by(|a, b| a.id.cmp(&b.id));
        lines
    }

    fn group(&self, call: &Value) -> Result<String, Refused> {
        let text = |name: &str| call[name].as_str().filter(|text| !text.is_empty());
        let named = text("logGroupName").or_else(|| text("logGroupIdentifier"));
        let named = named.ok_or_else(|| {
            Refused::new("InvalidParameterException", "Either logGroupName or logGroupIdentifier must be specified")
        })?;
        let name = group_name(named).to_owned();
        if self.names().contains(&name) {
            return Ok(name);
        }
        // Source: observed (CloudWatch's sentence).
        Err(Refused::new("ResourceNotFoundException", "The specified log group does not exist."))
    }

    fn arn(&self, group: &str) -> String {
        format!("arn:aws:logs:{}:{}:log-group:{group}", self.home.region, self.home.account_id)
    }
}

/// The one stream of a group: 32 hexadecimal digits, as AWS's.
fn stream_of(group: &str) -> String {
    let hash =
        |seed: u64| group.bytes().fold(seed, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    format!("{:016x}{:016x}", hash(0xcbf2_9ce4_8422_2325), hash(0x8422_2325_cbf2_9ce4))
}

fn number(call: &Value, name: &str, most: usize, otherwise: usize) -> Result<usize, Refused> {
    let Some(value) = call.get(name).filter(|value| !value.is_null()) else { return Ok(otherwise) };
    let number = value.as_u64().and_then(|number| usize::try_from(number).ok());
    number.filter(|number| (1..=most).contains(number)).ok_or_else(|| {
        let text = format!("1 validation error detected: Value '{value}' at '{name}' failed to satisfy constraint: Member must have value between 1 and {most}");
        Refused::new("InvalidParameterException", text)
    })
}

// A page of what is in order of its names: behind the token, which is a name.
fn page<'n>(names: &'n [String], call: &Value, most: usize) -> Result<(&'n [String], Option<&'n String>), Refused> {
    let limit = number(call, "limit", most, most)?;
    let from = call["nextToken"].as_str().map_or(0, |token| names.partition_point(|name| name.as_str() <= token));
    let to = (from + limit).min(names.len());
    let next = (to < names.len() && to > from).then(|| &names[to - 1]);
    Ok((&names[from..to], next))
}

fn groups(shelf: &Shelf, call: &Value) -> Result<Value, Refused> {
    let mut names = shelf.names();
    if let Some(prefix) = call["logGroupNamePrefix"].as_str() {
        names.retain(|name| name.starts_with(prefix));
    }
    if let Some(part) = call["logGroupNamePattern"].as_str() {
        names.retain(|name| name.to_lowercase().contains(&part.to_lowercase()));
    }
    let (page, next) = page(&names, call, GROUPS_MAX)?;
    let group = |name: &String| {
        let bytes: usize = shelf.lines(name).iter().map(|line| line.text.len()).sum();
        json!({
            "logGroupName": name, "creationTime": shelf.began, "metricFilterCount": 0, "storedBytes": bytes,
            "arn": format!("{}:*", shelf.arn(name)), "logGroupArn": shelf.arn(name), "logGroupClass": "STANDARD",
        })
    };
    Ok(with_token(json!({ "logGroups": page.iter().map(group).collect::<Vec<_>>() }), next))
}

fn with_token(mut answer: Value, next: Option<&String>) -> Value {
    if let Some(next) = next {
        answer["nextToken"] = next.clone().into();
    }
    answer
}

fn streams(shelf: &Shelf, call: &Value) -> Result<Value, Refused> {
    let group = shelf.group(call)?;
    let name = stream_of(&group);
    let is_wanted = call["logStreamNamePrefix"].as_str().is_none_or(|prefix| name.starts_with(prefix));
    number(call, "limit", GROUPS_MAX, GROUPS_MAX)?;
    let lines = shelf.lines(&group);
    let mut stream = json!({
        "logStreamName": name, "creationTime": shelf.began, "storedBytes": 0,
        "arn": format!("{}:log-stream:{name}", shelf.arn(&group)),
    });
    if let (Some(first), Some(last)) = (lines.first(), lines.last()) {
        stream["firstEventTimestamp"] = first.at.into();
        stream["lastEventTimestamp"] = last.at.into();
        stream["lastIngestionTime"] = last.at.into();
    }
    Ok(json!({ "logStreams": if is_wanted { vec![stream] } else { Vec::new() } }))
}

// `startTime` is part of what is wanted; `endTime` is not for GetLogEvents, and is for FilterLogEvents. Source: AWS's API model.
fn within(lines: Vec<Line>, call: &Value, takes_end: bool) -> Vec<Line> {
    let time = |name: &str| call[name].as_i64();
    let (from, to) = (time("startTime"), time("endTime"));
    let is_in = |line: &Line| {
        let at = i64::try_from(line.at).unwrap_or(i64::MAX);
        from.is_none_or(|from| at >= from) && to.is_none_or(|to| if takes_end { at <= to } else { at < to })
    };
    lines.into_iter().filter(is_in).collect()
}

fn get(shelf: &Shelf, call: &Value) -> Result<Value, Refused> {
    let group = shelf.group(call)?;
    if call["logStreamName"].as_str() != Some(stream_of(&group).as_str()) {
        return Err(Refused::new("ResourceNotFoundException", "The specified log stream does not exist."));
    }
    let limit = number(call, "limit", EVENTS_MAX, EVENTS_MAX)?;
    let lines = within(shelf.lines(&group), call, false);
    let token = call["nextToken"].as_str();
    let parts = match token.map(|token| token.split_once('/')) {
        None => None,
        Some(Some((way @ ("f" | "b"), id))) => Some((way, id)),
        Some(_) => return Err(Refused::new("InvalidParameterException", "The specified nextToken is invalid.")),
    };
    let page = match parts {
        Some(("f", id)) => {
            let from = lines.partition_point(|line| line.id.as_str() <= id);
            bounded(&lines[from..(from + limit).min(lines.len())], false)
        }
        Some((_, id)) => {
            let to = lines.partition_point(|line| line.id.as_str() < id);
            bounded(&lines[to.saturating_sub(limit)..to], true)
        }
        None if call["startFromHead"] == true => bounded(&lines[..limit.min(lines.len())], false),
        None => bounded(&lines[lines.len().saturating_sub(limit)..], true),
    };
    // At an end the token is the one that was given. Source: documented.
    let given = parts.map_or_else(|| format!("{:014}", 0), |(_, id)| id.to_owned());
    let first = page.first().map_or_else(|| given.clone(), |line| line.id.clone());
    let last = page.last().map_or(given, |line| line.id.clone());
    let events =
        page.iter().map(|line| json!({ "timestamp": line.at, "message": line.text, "ingestionTime": line.at }));
    Ok(json!({
        "events": events.collect::<Vec<_>>(),
        "nextForwardToken": format!("f/{last}"), "nextBackwardToken": format!("b/{first}"),
    }))
}

// As many as fit into an answer, from the beginning or from the end.
fn bounded(lines: &[Line], from_end: bool) -> &[Line] {
    let mut bytes = 0;
    let mut count = 0;
    let sizes: Vec<usize> = lines.iter().map(|line| line.text.len() + 64).collect();
    let all: Box<dyn Iterator<Item = &usize>> =
        if from_end { Box::new(sizes.iter().rev()) } else { Box::new(sizes.iter()) };
    for size in all {
        bytes += size;
        if bytes > ANSWER_BYTES_MAX && count > 0 {
            break;
        }
        count += 1;
    }
    if from_end { &lines[lines.len() - count..] } else { &lines[..count] }
}

fn filter(shelf: &Shelf, call: &Value) -> Result<Value, Refused> {
    let group = shelf.group(call)?;
    let stream = stream_of(&group);
    let pattern = Pattern::read(call["filterPattern"].as_str().unwrap_or_default());
    let pattern = pattern
        .map_err(|error| Refused::new("InvalidParameterException", format!("Invalid filter pattern: {error}")))?;
    let limit = number(call, "limit", EVENTS_MAX, EVENTS_MAX)?;
    let named: BTreeMap<&str, ()> = call["logStreamNames"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(|name| (name, ()))
        .collect();
    if let Some(missing) = named.keys().find(|name| **name != stream) {
        return Err(Refused::new(
            "ResourceNotFoundException",
            format!("The specified log stream does not exist: {missing}"),
        ));
    }
    let is_wanted = call["logStreamNamePrefix"].as_str().is_none_or(|prefix| stream.starts_with(prefix));
    let lines = if is_wanted { within(shelf.lines(&group), call, true) } else { Vec::new() };
    let after = call["nextToken"].as_str().unwrap_or_default();
    let from = lines.partition_point(|line| line.id.as_str() <= after);
    let mut events = Vec::new();
    let mut bytes = 0;
    let mut next = None;
    for line in lines[from..].iter().filter(|line| pattern.fits(&line.text)) {
        bytes += line.text.len() + 128;
        if events.len() == limit || bytes > ANSWER_BYTES_MAX && !events.is_empty() {
            next = events.last().map(|last: &Value| last["eventId"].as_str().unwrap_or_default().to_owned());
            break;
        }
        events.push(json!({
            "logStreamName": stream, "timestamp": line.at, "message": line.text, "ingestionTime": line.at, "eventId": line.id,
        }));
    }
    Ok(with_token(json!({ "events": events, "searchedLogStreams": [] }), next.as_ref()))
}
