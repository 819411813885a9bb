//! Past events: rows of many, the whole of one.

use serde_json::{Value, json};
use traces::Past;

use super::{Asked, Views, Wrong};
use crate::seen;

/// Rows in one answer, at most; and as many where nobody says how many.
const ROWS_MAX: usize = 1_000;
const ROWS: usize = 200;

/// Whole records in one answer, at most: each may have bodies.
const WHOLE_MAX: usize = 200;

/// `GET events?limit=&connection=&whole=1`: the newest, the newest last.
pub(super) fn list(views: &Views, asked: &Asked) -> Result<Value, Wrong> {
    let whole = asked.parameter("whole").is_some_and(|value| value == "1");
    let most = asked.parameter("limit").map(|limit| limit.parse::<usize>());
    let most = most.transpose().map_err(|_| Wrong::bad("`limit` has to be a number"))?.unwrap_or(ROWS);
    let most = most.min(if whole { WHOLE_MAX } else { ROWS_MAX });
    let connection = asked.parameter("connection");
    let is_of = |past: &Past| connection.as_ref().is_none_or(|id| past.connection_id() == *id);
    let all = views.log.history().all(seen::now());
    let told = all.iter().rev().filter(|past| is_of(past));
    let tell = |past: &Past| if whole { past.is_event().then(|| past.to_json()) } else { past.to_row() };
    let mut events: Vec<Value> = told.filter_map(|past| tell(past)).take(most).collect();
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
    found.map(|past| past.to_json()).ok_or_else(|| Wrong::absent(gone()))
}
