//! What is worth a remark about a message on its way: looked at only where somebody reads the log, since it costs a
//! reading of the body.

use serde::de::IgnoredAny;
use serde_json::Value;
use types::event::{Event, EventKind};
use types::message::IntegrationRequest;

use crate::note::{NoJson, Note, Site};
use crate::plan::{Backend, Integration, Plan, Route, RouteTarget};

/// Of bodies longer than this only the length is looked at: a remark may cost microseconds, not milliseconds.
const READ_BYTES_MAX: usize = 16 * 1024;
/// How much of a body a remark shows, in characters.
const EXCERPT_MAX: usize = 60;
/// How much of what a backend says a remark shows, in characters.
const SAID_MAX: usize = 120;

/// Remarks on the request that is about to be sent for an event.
pub fn on_request(plan: &Plan, route: &Route, event: &Event, request: &IntegrationRequest) -> Vec<Note> {
    let RouteTarget::Integration(integration) = &route.target else { return Vec::new() };
    let mut notes = Vec::new();
    for (name, _) in request.headers.iter().filter(|(_, value)| !value.is_ascii()) {
        notes.push(Note::HeaderNotAscii { name: name.to_owned() });
    }
    notes.extend(no_json(plan, integration, event, request));
    notes
}

fn no_json(plan: &Plan, integration: &Integration, event: &Event, request: &IntegrationRequest) -> Option<Note> {
    let sent = request.carries_body && !request.body.is_empty() && request.body.len() <= READ_BYTES_MAX;
    if matches!(integration.backend, Backend::Mock) || !sent || !says_json(request.headers.get("Content-Type")?) {
        return None;
    }
    let error = serde_json::from_slice::<IgnoredAny>(&request.body).err()?;
    // What nests too deeply for this reader may still be JSON.
    if error.to_string().starts_with("recursion limit") {
        return None;
    }
    let text = String::from_utf8_lossy(&request.body);
    let passed = matches!(&event.kind, EventKind::Message(message) if message.body == request.body);
    let line = text.lines().nth(error.line().saturating_sub(1)).unwrap_or_default();
    let cause = match () {
        () if passed || integration.to_binary => NoJson::Passed,
        // What Java escapes for JavaScript, JSON does not know.
        () if line.get(..error.column()).is_some_and(|read| read.ends_with(r"\'")) => NoJson::Apostrophe,
        () => NoJson::Made,
    };
    Some(Note::BodyIsNoJson {
        cause,
        line: error.line(),
        column: error.column(),
        excerpt: around(line, error.column()),
        integration_id: integration.id.clone(),
        site: plan.site.clone(),
    })
}

fn says_json(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || kind.ends_with("+json")
}

// The line, or of a long one what stands around the column.
fn around(line: &str, column: usize) -> String {
    let from = line.char_indices().map(|(at, _)| at).rfind(|at| *at + EXCERPT_MAX / 2 < column).unwrap_or(0);
    let shown: String = line[from..].chars().take(EXCERPT_MAX).collect();
    let before = if from > 0 { "…" } else { "" };
    let after = if line[from..].chars().nth(EXCERPT_MAX).is_some() { "…" } else { "" };
    format!("`{before}{shown}{after}`")
}

/// A remark on the choice of a route: the message names one where the expression does not look.
pub fn on_selection(plan: &Plan, event: &Event) -> Option<Note> {
    let EventKind::Message(message) = &event.kind else { return None };
    if message.is_binary || message.body.len() > READ_BYTES_MAX || !plan.has_own_routes() {
        return None;
    }
    let Ok(Value::Object(members)) = serde_json::from_slice(&message.body) else { return None };
    let named = members.iter().find_map(|(member, value)| {
        let key = value.as_str()?;
        let plain = member.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        (plain && !key.starts_with('$') && plan.route(key).is_some()).then_some((member, key))
    });
    let (member, key) = named?;
    Some(Note::SelectionLooksElsewhere {
        expression: plan.selection_text.clone(),
        member: member.clone(),
        route_key: key.to_owned(),
        site: plan.site.clone(),
    })
}

/// The remark that no message chose a route of its own.
pub fn on_no_selection(plan: &Plan) -> Note {
    Note::SelectionFitsNothing {
        expression: plan.selection_text.clone(),
        routes: plan.route_keys().filter(|key| !key.starts_with('$')).map(str::to_owned).collect(),
        site: plan.site.clone(),
    }
}

/// A remark on an answer, status and body, that says no to a message or to `$disconnect`; at `$connect` it is the refusal
/// itself.
pub(crate) fn refused(
    site: &Site,
    integration: &Integration,
    event: &Event,
    (status, body): (u16, &[u8]),
    delivered: bool,
) -> Option<Note> {
    let what = match event.kind {
        EventKind::Connect(_) => return None,
        EventKind::Message(_) => "the message",
        EventKind::Disconnect(_) => "$disconnect",
    };
    // A definition that has a response for just this status expects it.
    if status < 400 || matches!(integration.backend, Backend::Mock) || integration.handles(status) {
        return None;
    }
    Some(Note::BackendRefused {
        status,
        said: said(body),
        what,
        delivered,
        by_url: matches!(integration.backend, Backend::Http(_) | Backend::HttpProxy(_)),
        integration_id: integration.id.clone(),
        site: site.clone(),
    })
}

/// What a body says to a person, on one short line: of a page of HTML what stands in `<pre>` or `<title>`, as Express and
/// others write it; else the first line that says something.
pub fn said(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(READ_BYTES_MAX)]);
    let inside = ["pre", "title", "h1"].iter().find_map(|tag| {
        let (_, after) = text.split_once(&format!("<{tag}>"))?;
        after.split_once(&format!("</{tag}>")).map(|(inside, _)| inside)
    });
    let line = inside.unwrap_or(&text).lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let line = line.split("<br>").next().unwrap_or_default();
    let printable = line.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut shown: String = printable.take(SAID_MAX).collect();
    if line.chars().nth(SAID_MAX).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::{around, said};

    #[test]
    fn what_a_backend_says_is_one_short_line() {
        let express =
            "<!DOCTYPE html>\n<html>\n<head>\n<title>Error</title>\n</head>\n<body>\n<pre>Cannot POST /</pre>\n</body>";
        for (body, expected) in [
            (express, "Cannot POST /"),
            ("\n  {\"error\":\"no\"}\nmore", r#"{"error":"no"}"#),
            ("<title>404 Not Found</title>", "404 Not Found"),
            ("a\tb\u{1b}[31m", "a b [31m"),
            ("", ""),
        ] {
            assert_eq!(said(body.as_bytes()), expected, "{body}");
        }
        assert_eq!(said("x".repeat(500).as_bytes()).chars().count(), 121);
        assert_eq!(said(b"\xff\xfe"), "\u{fffd}\u{fffd}");
    }

    #[test]
    fn an_excerpt_shows_the_place() {
        assert_eq!(around(r#"{"user":ada}"#, 9), r#"`{"user":ada}`"#);
        let long = format!("{}!{}", "ü".repeat(100), "b".repeat(100));
        let shown = around(&long, 201);
        assert!(shown.contains('!') && shown.starts_with("`…") && shown.ends_with("…`"), "{shown}");
        assert_eq!(around("", 1), "``");
    }
}
