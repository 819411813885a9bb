//! `gatewright explain`: the whole story of one event, the cause first.

use clap::Args;
use serde_json::Value;

use super::paint::{Paint, Tone, bytes, lines, one_line, time};
use super::{Where, block, escaped, say};
use crate::exit::Failure;

/// The most of a body that is shown; `--json` has all that is kept.
const BODY_MAX: usize = 2_000;

/// What `explain` was told.
#[derive(Args, Clone, Debug)]
pub(crate) struct ExplainOptions {
    /// The event's request id: in the client's error frame, in `tail`, in the log
    #[arg(value_name = "REQUEST_ID", required_unless_present = "last_failure", allow_hyphen_values = true)]
    request_id: Option<String>,

    /// The newest event that failed or lost something
    #[arg(long, conflicts_with = "request_id")]
    last_failure: bool,

    /// Print all that is known of it as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    place: Where,
}

/// Prints it.
pub(crate) fn run(options: &ExplainOptions) -> Result<(), Failure> {
    let asking = options.place.asking()?;
    let id = options.request_id.as_deref().unwrap_or("last-failure");
    let event = block(async { Ok(asking.get(&format!("events/{}", escaped(id))).await?) })?;
    let text = if options.json {
        format!("{}\n", serde_json::to_string_pretty(&event).unwrap_or_default())
    } else {
        told(&event, Paint::of_stdout())
    };
    say(&text).map(|_| ())
}

/// Headline, reasons, and what mends it, each on lines of its own that stand in a little.
pub(super) fn story(story: &Value, paint: Paint) -> String {
    let Some(headline) = story["headline"].as_str() else { return String::new() };
    let tone = if story["kind"] == "failure" { Tone::Bad } else { Tone::Warning };
    let mut text = format!("    {}\n", paint.text(tone, &one_line(headline)));
    for why in story["why"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        text += &format!("    {}\n", one_line(why));
    }
    for mend in story["mend"].as_array().into_iter().flatten() {
        let to = one_line(mend["text"].as_str().unwrap_or_default());
        match mend["command"].as_str() {
            Some(command) => text += &format!("    To {to}:\n      {}\n", paint.text(Tone::Strong, &one_line(command))),
            None => text += &format!("    To {to}.\n"),
        }
    }
    text
}

fn told(event: &Value, paint: Paint) -> String {
    let text = |member: &str| one_line(event[member].as_str().unwrap_or_default());
    let mut told = String::new();
    told += &match story(&event["story"], paint) {
        story if story.is_empty() => "    Nothing went wrong.\n".to_owned(),
        story => story,
    };
    let route = event["routeKey"].as_str().map_or("no route".to_owned(), |key| format!("route {}", one_line(key)));
    told += &format!(
        "\n{} at {}, {route} of {}/{}\nrequest {}, connection {}\n",
        text("eventType"),
        text("at"),
        text("apiId"),
        text("stage"),
        text("requestId"),
        text("connectionId")
    );
    told += &stations(event, paint);
    told += &times(event, paint);
    told
}

// What came in, what was sent, what came back, what went out.
fn stations(event: &Value, paint: Paint) -> String {
    let mut told = String::new();
    let mut station = |title: &str, line: &str, headers: &Value, body: &Value, size: &Value| {
        told += &format!("\n{}\n", paint.text(Tone::Strong, title));
        if !line.is_empty() {
            told += &format!("  {line}\n");
        }
        for header in headers.as_array().into_iter().flatten() {
            let part = |at: usize| one_line(header[at].as_str().unwrap_or_default());
            told += &format!("  {}\n", paint.text(Tone::Quiet, &format!("{}: {}", part(0), part(1))));
        }
        told += &shown(body, size);
    };
    let none = &Value::Null;
    if let Some(query) = event["query"].as_str() {
        station("What came in", &format!("?{}", one_line(query)), none, none, none);
    }
    if event["message"].is_object() {
        station("What came in", "", none, &event["message"]["body"], &event["message"]["bodyBytes"]);
    }
    if event["disconnect"].is_object() {
        let code = &event["disconnect"]["code"];
        let reason = one_line(event["disconnect"]["reason"].as_str().unwrap_or_default());
        station("What came in", &format!("the end: code {code}, {reason}"), none, none, none);
    }
    let request = &event["request"];
    if request.is_object() {
        let part = |member: &str| one_line(request[member].as_str().unwrap_or_default());
        let line = format!("{} {}", part("method"), part("url"));
        let is_kept_back = request["bodySent"] == false && request["bodyBytes"].as_u64().unwrap_or_default() > 0;
        let title = if is_kept_back {
            "What was sent to the backend: the line and the headers; NOT the body, which stayed here"
        } else {
            "What was sent to the backend"
        };
        station(title, line.trim(), &request["headers"], &request["body"], &request["bodyBytes"]);
    }
    let response = &event["response"];
    if response.is_object() {
        let line = format!("status {}", response["status"]);
        station("What came back", &line, &response["headers"], &response["body"], &response["bodyBytes"]);
    }
    match (&event["reply"], event["failure"].as_str()) {
        (_, Some(failure)) => station("What went out to the client", &one_line(failure), none, none, none),
        (reply, None) if reply.is_object() && reply["twoWay"] == true => {
            station("What went out to the client", "", none, &reply["body"], &reply["bodyBytes"]);
        }
        (reply, None) if reply.is_object() => {
            station("What went out to the client", "nothing: the route is one-way", none, none, none)
        }
        _ => {}
    }
    if let Some(body) = event["body"].as_str().filter(|_| event["eventType"] == "PUSH") {
        station("What the backend pushed", "", none, &Value::from(body), &event["bodyBytes"]);
    }
    told
}

fn shown(body: &Value, size: &Value) -> String {
    let Some(body) = body.as_str().filter(|body| !body.is_empty()) else { return String::new() };
    let cut: String = body.chars().take(BODY_MAX).collect();
    let mut shown: String = lines(&cut).lines().map(|line| format!("  {line}\n")).collect();
    let all = size.as_u64().unwrap_or_default();
    if cut.len() < body.len() || (body.len() as u64) < all {
        shown += &format!("  … {} in all\n", bytes(all.max(body.len() as u64)));
    }
    shown
}

fn times(event: &Value, paint: Paint) -> String {
    let spans = event["spans"].as_array().cloned().unwrap_or_default();
    let Some(all) = spans.last().and_then(|last| last["endedUs"].as_f64()) else {
        return "\nIts steps were not kept: the stage logs nothing. To keep them from now on: gatewright watch API/STAGE\n"
            .to_owned();
    };
    let mut told = format!("\n{}\n", paint.text(Tone::Strong, &format!("Where its {} went", time(all / 1000.0))));
    for span in &spans {
        let part = |member: &str| span[member].as_f64().unwrap_or_default();
        let took = part("endedUs") - part("beganUs");
        let width = if all > 0.0 { (took / all * 40.0).round() as usize } else { 0 };
        let name = one_line(span["part"].as_str().unwrap_or_default());
        let bar = "█".repeat(width);
        told += format!("  {name:<10} {:>9}  {bar}", time(took / 1000.0)).trim_end();
        told += "\n";
    }
    told
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_cause_stands_first_and_the_command_below_it() {
        let event = json!({
            "eventType": "MESSAGE", "at": "2026-01-01T10:11:12.345Z", "routeKey": "lost", "apiId": "a", "stage": "dev",
            "requestId": "R", "connectionId": "C", "message": {"body": "{\"x\":1}", "bodyBytes": 7},
            "request": {"method": "GET", "url": "http://h/", "headers": [["A", "b\u{1b}"]], "body": "{}", "bodyBytes": 2, "bodySent": false},
            "response": {"status": 200, "headers": [], "body": "", "bodyBytes": 0}, "reply": {"twoWay": false},
            "spans": [{"part": "map", "beganUs": 0, "endedUs": 100}, {"part": "wait", "beganUs": 100, "endedUs": 400}],
            "story": {"kind": "loss", "headline": "The backend got no body.", "why": ["Because."], "mend": [{"text": "send it", "command": "aws x"}, {"text": "wait", "command": null}]},
        });
        let expected = "    The backend got no body.\n    Because.\n    To send it:\n      aws x\n    To wait.\n\nMESSAGE at \
                        2026-01-01T10:11:12.345Z, route lost of a/dev\nrequest R, connection C\n\nWhat came in\n  \
                        {\"x\":1}\n\nWhat was sent to the backend: the line and the headers; NOT the body, which stayed here\n  \
                        GET http://h/\n  A: b\\u{1b}\n  {}\n\nWhat came back\n  status 200\n\nWhat went out to the client\n  \
                        nothing: the route is one-way\n\nWhere its 0.40 ms went\n  map          0.10 ms  ██████████\n  wait         \
                        0.30 ms  ██████████████████████████████\n";
        assert_eq!(told(&event, Paint::plain()), expected);
    }
}
