//! `gatewright tail`: follows a running gateway, a line an event; what failed is opened up.

use std::time::Duration;

use bytes::Bytes;
use clap::Args;
use serde_json::{Value, json};
use traces::Filter;

use super::paint::{Paint, Tone, bytes, column, one_line, time};
use super::{Asking, NoAnswer, Where, block, escaped, explain, say};
use crate::exit::{self, Failure};

/// How long one request waits for events.
const WAIT_SECONDS: u64 = 20;
/// Failures of one batch that are opened up: a flood is told in lines.
const OPENED_MAX: usize = 5;
/// How long is waited before a gateway that went away is asked again, and the longest that this grows to.
const PAUSE: Duration = Duration::from_millis(500);
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// What `tail` was told.
#[derive(Args, Clone, Debug)]
pub(crate) struct TailOptions {
    /// The API, by id or name, and a stage of it; every event unless it is given
    #[arg(value_name = "API[/STAGE]")]
    of: Option<String>,

    /// Show what fits alone: `route:join status:5xx slow:>100ms is:failed text`
    #[arg(long, value_name = "FILTER", default_value = "", allow_hyphen_values = true)]
    filter: String,

    /// Print each event as a line of JSON
    #[arg(long)]
    json: bool,

    /// Begin with so many events of the past
    #[arg(long, value_name = "N", default_value_t = 10)]
    past: usize,

    /// Have every event of the stage kept while this runs, whatever the stage logs
    #[arg(long, requires = "of")]
    watch: bool,

    #[command(flatten)]
    place: Where,
}

/// Follows until it is stopped.
pub(crate) fn run(options: &TailOptions) -> Result<(), Failure> {
    let filter =
        Filter::read(&options.filter).map_err(|text| Failure { code: exit::USAGE, text: format!("filter: {text}") })?;
    let asking = options.place.asking()?;
    block(async {
        let of = match &options.of {
            Some(named) => Some(asking.find(named).await?),
            None => None,
        };
        let watched = if options.watch { watch(&asking, of.as_ref()).await? } else { Vec::new() };
        let tail = Tail { asking: &asking, options, filter, of, paint: Paint::of_stdout() };
        let ended = tokio::select! {
            ended = tail.follow() => ended,
            _ = tokio::signal::ctrl_c() => Ok(()),
        };
        for (api, stage) in watched {
            let _ = asking
                .ask("POST", "watch", Bytes::from(json!({ "apiId": api, "stage": stage, "on": false }).to_string()))
                .await;
        }
        ended
    })
}

// Turns the watching on where it is off, and gives the stages for which that is so: they are turned off again.
async fn watch(asking: &Asking, of: Option<&(String, Option<String>)>) -> Result<Vec<(String, String)>, Failure> {
    let Some((api, stage)) = of else { return Ok(Vec::new()) };
    let known = asking.get("stages").await?;
    let mut turned = Vec::new();
    for one in known["stages"].as_array().into_iter().flatten() {
        let name = one["stage"].as_str().unwrap_or_default();
        let is_meant = one["apiId"] == api.as_str() && stage.as_deref().is_none_or(|stage| stage == name);
        if is_meant && one["deployed"] == true && one["watched"] != true {
            let body = json!({ "apiId": api, "stage": name, "on": true }).to_string();
            asking.ask("POST", "watch", Bytes::from(body)).await?;
            turned.push((api.clone(), name.to_owned()));
        }
    }
    Ok(turned)
}

struct Tail<'t> {
    asking: &'t Asking,
    options: &'t TailOptions,
    filter: Filter,
    of: Option<(String, Option<String>)>,
    paint: Paint,
}

impl Tail<'_> {
    async fn follow(&self) -> Result<(), Failure> {
        let first = format!("follow?past={}&wait=0", self.options.past);
        let mut answer = self.asking.get(&first).await?;
        let mut pause = PAUSE;
        loop {
            if !self.tell(&answer).await? {
                return Ok(());
            }
            let after = escaped(answer["next"].as_str().unwrap_or_default());
            let unwatched = answer["unwatched"].as_u64().unwrap_or_default();
            loop {
                // One that was away says at once that it is there again.
                let wait = if pause > PAUSE { 0 } else { WAIT_SECONDS };
                match self.asking.get(&format!("follow?after={after}&unwatched={unwatched}&wait={wait}")).await {
                    Ok(next) => {
                        if pause > PAUSE {
                            eprintln!("gatewright: the gateway is there again");
                        }
                        (answer, pause) = (next, PAUSE);
                        break;
                    }
                    Err(NoAnswer::Away(why)) => {
                        if pause == PAUSE {
                            eprintln!("gatewright: {why}; trying again");
                        }
                        tokio::time::sleep(pause).await;
                        pause = (pause * 2).min(PAUSE_MAX);
                    }
                    Err(refused) => return Err(refused.into()),
                }
            }
        }
    }

    // False where nobody reads any more.
    async fn tell(&self, answer: &Value) -> Result<bool, Failure> {
        let mut opened = 0;
        for row in answer["events"].as_array().into_iter().flatten().filter(|row| self.is_meant(row)) {
            let mut text = if self.options.json { format!("{row}\n") } else { line(row, self.paint) };
            let tells = matches!(row["kind"].as_str(), Some("failure" | "loss"));
            if tells && !self.options.json && opened < OPENED_MAX {
                opened += 1;
                let id = row["requestId"].as_str().unwrap_or_default();
                if let Ok(event) = self.asking.get(&format!("events/{}", escaped(id))).await {
                    text += &explain::story(&event["story"], self.paint);
                }
            }
            if !say(&text)? {
                return Ok(false);
            }
        }
        let missed = answer["missed"].as_u64().unwrap_or_default();
        if missed > 0 {
            eprintln!("gatewright: {missed} events were not shown: they came faster than they are read");
        }
        let not_kept = answer["notKept"].as_u64().unwrap_or_default();
        if not_kept > 0 {
            eprintln!(
                "gatewright: {not_kept} events of stages that log nothing were not kept, since they were too many; to have \
                 all of one: gatewright watch API/STAGE"
            );
        }
        Ok(true)
    }

    fn is_meant(&self, row: &Value) -> bool {
        let is_of = |(api, stage): &(String, Option<String>)| {
            row["apiId"] == api.as_str() && stage.as_ref().is_none_or(|stage| row["stage"] == stage.as_str())
        };
        self.of.as_ref().is_none_or(is_of) && self.filter.lets(row)
    }
}

/// One event: time, stage, connection, route, where it went, how it ended, how long, how much.
pub(super) fn line(row: &Value, paint: Paint) -> String {
    let text = |member: &str| one_line(row[member].as_str().unwrap_or_default());
    let clock = text("at");
    let clock = clock.get(11..23).unwrap_or(&clock);
    let route = match row["routeKey"].as_str() {
        Some(key) => one_line(key),
        None => text("eventType").to_lowercase(),
    };
    let target = row["target"].as_str().map(|target| format!("→ {}", one_line(target))).unwrap_or_default();
    let status = row["status"].as_u64().unwrap_or_default();
    let tone = match row["kind"].as_str() {
        Some("failure") => Tone::Bad,
        Some("loss" | "remark") => Tone::Warning,
        _ if status < 400 => Tone::Good,
        _ => Tone::Bad,
    };
    let took = row["durationMs"].as_f64().or_else(|| row["backendMs"].as_f64()).map(time).unwrap_or_default();
    let flow = match (row["bytesIn"].as_u64().filter(|count| *count > 0), row["bytesOut"].as_u64()) {
        (None, None) => String::new(),
        (came, went) => {
            let side = |count: Option<u64>| count.map_or("–".to_owned(), bytes);
            format!("{} in, {} out", side(came), side(went))
        }
    };
    let connection: String = text("connectionId").chars().take(16).collect();
    let parts = [
        paint.text(Tone::Quiet, clock),
        column(&format!("{}/{}", text("apiId"), text("stage")), 18),
        paint.text(Tone::Quiet, &column(&connection, 16)),
        column(&route, 16),
        column(&target, 28),
        paint.text(tone, &column(&status.to_string(), 3)),
        column(&took, 8),
        flow,
    ];
    let mut line = parts.join("  ").trim_end().to_owned();
    // A remark is part of the line; failures are opened up below it.
    if row["kind"] == "remark" {
        line += &format!("  {}", paint.text(Tone::Warning, &text("headline")));
    }
    line + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_a_line_that_nothing_of_others_breaks() {
        let row = json!({
            "requestId": "Req", "connectionId": "AbCdEf=", "apiId": "abc123", "stage": "dev", "eventType": "MESSAGE",
            "routeKey": "jo\nin", "at": "2026-01-01T10:11:12.345Z", "status": 200, "durationMs": 12.5, "target": "POST /chat",
            "bytesIn": 5, "bytesOut": 20480, "kind": "remark", "headline": "A \u{1b}[31mremark.",
        });
        assert_eq!(
            line(&row, Paint::plain()),
            "10:11:12.345  abc123/dev          AbCdEf=           jo\\nin            → POST /chat                  200  12 ms     \
             5 B in, 20.0 KB out  A \\u{1b}[31mremark.\n"
        );
        let push = json!({ "eventType": "PUSH", "at": "x", "status": 410, "kind": "failure", "bytesOut": 3 });
        let said = line(&push, Paint::plain());
        assert!(said.contains("push") && said.contains("410") && said.ends_with("– in, 3 B out\n"), "{said}");
    }
}
