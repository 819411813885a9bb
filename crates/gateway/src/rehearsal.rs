//! What would become of an event, without sending anything: the pure steps of the walk, for people who try things out.

use mapping::{Note, Plan, TemplateLines};
use serde_json::{Value, json};
use types::Event;
use types::event::EventKind;
use types::message::IntegrationRequest;

use crate::admit::{fits_model, parameters};
use crate::execution_log::{Secrets, request_json};
use crate::refusal::Refusal;

/// What came of it.
#[derive(Debug, Default)]
pub struct Rehearsal {
    /// The route that it took.
    pub route_key: Option<String>,
    /// Whether the client would be given the backend's answer.
    pub two_way: bool,
    /// What the backend would get.
    pub request: Option<IntegrationRequest>,
    /// What is worth knowing about it.
    pub notes: Vec<Note>,
    /// Why the client would be told no, with what it would be told.
    pub refused: Option<Refused>,
    /// The request template beside what it made.
    pub lines: Option<TemplateLines>,
}

/// Why a client would be told no.
#[derive(Debug)]
pub struct Refused {
    /// What it would be told.
    pub message: String,
    /// The status of a handshake.
    pub status: u16,
    /// What is wrong, for people.
    pub detail: String,
}

/// Takes an event through the steps that know nothing but it and the plan: route, required parameters, model, mapping. Who the
/// client is, limits and usage plans are not asked about.
pub fn rehearse(plan: &Plan, event: &Event) -> Rehearsal {
    let mut rehearsal = Rehearsal::default();
    if let Err(refusal) = steps(plan, event, &mut rehearsal) {
        rehearsal.notes.extend(refusal.remedy.as_deref().cloned());
        let detail = refusal.detail.clone();
        rehearsal.refused = Some(Refused { message: refusal.message(), status: refusal.status(), detail });
    }
    rehearsal
}

fn steps(plan: &Plan, event: &Event, rehearsal: &mut Rehearsal) -> Result<(), Refusal> {
    let Some(route) = mapping::select_route(plan, event)? else { return Ok(()) };
    rehearsal.route_key = Some(route.key.to_string());
    rehearsal.two_way = route.two_way;
    rehearsal.notes.extend(mapping::remarks::on_selection(plan, event).filter(|_| &*route.key == "$default"));
    if let EventKind::Connect(handshake) = &event.kind {
        parameters(route, handshake)?;
    }
    fits_model(plan, route, event)?;
    let mapped = mapping::request(plan, route, event)?;
    rehearsal.lines = mapping::template_lines(plan, route, event);
    if let Some(request) = &mapped.value {
        rehearsal.notes.extend(mapping::remarks::on_request(plan, route, event, request));
    }
    rehearsal.notes.extend(mapped.notes);
    rehearsal.request = mapped.value;
    Ok(())
}

impl Rehearsal {
    /// As the console reads it; the request as in a record, with what is secret as in one.
    pub fn to_json(&self, secrets: Secrets) -> Value {
        let request = self.request.as_ref().map(|sent| request_json(sent, sent.body.len(), secrets));
        let refused = self
            .refused
            .as_ref()
            .map(|refused| json!({ "message": refused.message, "status": refused.status, "detail": refused.detail }));
        let note = |note: &Note| {
            let mend = note.mend().map(|mend| json!({ "text": mend.text, "command": mend.command }));
            json!({ "headline": note.headline(), "text": note.to_string(), "mend": mend })
        };
        json!({
            "routeKey": self.route_key, "twoWay": self.two_way, "request": request, "failure": refused,
            "notes": self.notes.iter().map(note).collect::<Vec<_>>(),
            "template": self.lines.as_ref().map(lines_json),
        })
    }
}

/// A template beside what it made: `text`, and `lines` with `from`, `to` (bytes of the body) and `line`.
pub fn lines_json(lines: &TemplateLines) -> Value {
    let piece = |piece: &mapping::Piece| json!({ "from": piece.from, "to": piece.to, "line": piece.line });
    json!({
        "kind": "request", "text": lines.template, "output": lines.output,
        "lines": lines.pieces.iter().map(piece).collect::<Vec<_>>(),
    })
}
