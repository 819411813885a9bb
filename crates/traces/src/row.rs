//! An event in a line of a table: what the console's list and `gatewright tail` show before somebody asks for the whole.

use gateway::{Record, Step};
use mapping::Call;
use serde_json::{Value, json};
use types::message::Target;

use crate::history::{Past, What};

impl Past {
    /// The event as a row; `None` for a line of an access log, which belongs to an event's row.
    ///
    /// Members: `requestId`, `connectionId`, `apiId`, `stage`, `eventType` (`CONNECT`, `MESSAGE`, `DISCONNECT`, `PUSH`),
    /// `routeKey`, `at`, `status`, `durationMs` and `backendMs` (null where nobody measured), `target` in a few words,
    /// `backendStatus`, `bytesIn`, `bytesOut`, `remarks` (how many), `failure` (why, or null), `steps` (whether the steps
    /// were kept), `kind` and `headline` of its [story](crate::Story).
    pub fn to_row(&self) -> Option<Value> {
        let mut row = self.row()?;
        let (kind, headline) = self.headline();
        row["kind"] = kind.name().into();
        row["headline"] = headline.into();
        Some(row)
    }

    fn row(&self) -> Option<Value> {
        match &self.what {
            What::Event(record) => Some(of_record(record)),
            What::Push(push) => {
                let line = push.line();
                let failure = (push.status >= 400).then_some(line.text);
                Some(json!({
                    "requestId": push.request_id, "connectionId": push.connection_id, "apiId": push.stage.api_id,
                    "stage": push.stage.stage, "eventType": "PUSH", "routeKey": null, "at": push.at.iso_millis(),
                    "status": push.status, "durationMs": null, "backendMs": null,
                    "target": format!("{} @connections", push.method), "backendStatus": null,
                    "bytesIn": null, "bytesOut": push.bytes, "remarks": 0, "failure": failure, "steps": false,
                }))
            }
            What::Access(..) => None,
        }
    }
}

fn of_record(record: &Record) -> Value {
    let stage = &record.connection.stage;
    let answer = record.facts.call.as_ref().and_then(|call| call.answer);
    let millis = |time: std::time::Duration| (time.as_secs_f64() * 100_000.0).round() / 100.0;
    let remarks = record.steps.iter().filter(|timed| matches!(timed.step, Step::Note(_))).count();
    json!({
        "requestId": record.request_id, "connectionId": record.connection.id, "apiId": stage.api_id,
        "stage": stage.stage, "eventType": record.event_type, "routeKey": record.route_key,
        "at": record.at.iso_millis(), "status": record.facts.status,
        "durationMs": record.spans.last().map(|last| millis(last.ended())),
        "backendMs": answer.map(|(_, latency)| millis(latency)),
        "target": target(record),
        "backendStatus": record.facts.call.as_ref().and_then(Call::status),
        "bytesIn": record.facts.message_bytes, "bytesOut": record.facts.reply_bytes,
        "remarks": remarks, "failure": record.failure(), "steps": !record.spans.is_empty(),
    })
}

// `POST /chat`, `function chat`, `MOCK`.
fn target(record: &Record) -> Option<String> {
    record.steps.iter().find_map(|timed| match &timed.step {
        Step::Request(sent) => Some(match (&sent.target, sent.target.short()) {
            (Target::Function(_), Some(name)) => format!("function {name}"),
            (_, Some(path)) => format!("{} {path}", sent.method),
            (_, None) => "MOCK".to_owned(),
        }),
        _ => None,
    })
}
