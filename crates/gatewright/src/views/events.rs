//! Past events: rows of many, the whole of one.

use gateway::{Gateway, Record};
use serde_json::{Value, json};
use traces::{Filter, Past, Place};

use super::{Asked, Views, Wrong, tried};
use crate::seen;

/// Rows in one answer, at most; and as many where nobody says how many.
const ROWS_MAX: usize = 1_000;
const ROWS: usize = 200;

/// Whole records in one answer, at most: each may have bodies.
const WHOLE_MAX: usize = 200;

/// `GET events?limit=&connection=&filter=&whole=1`: the newest, the newest last.
pub(super) fn list(views: &Views, asked: &Asked) -> Result<Value, Wrong> {
    let whole = asked.parameter("whole").is_some_and(|value| value == "1");
    let most = asked.parameter("limit").map(|limit| limit.parse::<usize>());
    let most = most.transpose().map_err(|_| Wrong::bad("`limit` has to be a number"))?.unwrap_or(ROWS);
    let most = most.min(if whole { WHOLE_MAX } else { ROWS_MAX });
    let filter = Filter::read(&asked.parameter("filter").unwrap_or_default()).map_err(Wrong::bad)?;
    let connection = asked.parameter("connection");
    let is_of = |past: &Past| connection.as_ref().is_none_or(|id| past.connection_id() == *id);
    let all = views.log.history().all(seen::now());
    let newest = all.iter().rev().filter(|past| is_of(past));
    let tell = |past: &Past| {
        let row = past.to_row().filter(|row| filter.lets(row))?;
        Some(if whole { told(views, past) } else { row })
    };
    let mut events: Vec<Value> = newest.filter_map(|past| tell(past)).take(most).collect();
    events.reverse();
    Ok(json!({ "events": events }))
}

/// `GET events/{requestId}`, or `events/last-failure`: the whole of one event.
pub(super) fn one(views: &Views, id: &str) -> Result<Value, Wrong> {
    let history = views.log.history();
    let found = match id {
        "last-failure" => history.newest(seen::now(), Past::is_failure),
        id => history.find(id, seen::now()),
    };
    let gone = || match id {
        "last-failure" => "nothing has failed, as far as is kept".to_owned(),
        id => format!(
            "of an event {id} nothing is kept: it is too long ago, or never was (limits history-age, history-bytes)"
        ),
    };
    let past = found.ok_or_else(|| Wrong::absent(gone()))?;
    let mut whole = told(views, &past);
    whole["template"] = past.record().and_then(|record| tried::lines_of(views, record)).into();
    Ok(whole)
}

/// The whole of an event: its record, and its story with the commands that mend it.
fn told(views: &Views, past: &Past) -> Value {
    let mut whole = past.to_json(views.secrets);
    whole["story"] = past.story(|record| place(&views.gateway, record)).to_json();
    whole
}

fn place(gateway: &Gateway, record: &Record) -> Place {
    let route = record.route_key.as_deref().unwrap_or_default();
    let (integration_id, deploys_itself) = gateway.integration_of(&record.connection.stage, route).unwrap_or_default();
    Place { integration_id, deploys_itself }
}
