//! What compiling a stage remarks, as findings: the words are the remarks' own.

use mapping::Note;

use crate::findings::Finding;

/// `None` for what is told of events, and what another file finds more exactly.
pub(crate) fn finding(note: &Note, api_id: &str) -> Option<Finding> {
    let (code, place) = match note {
        Note::BodyWillBeDiscarded { route_key, .. } => ("body-lost", format!("route {route_key}")),
        // The file of the integrations names the variable.
        Note::Broken { what, detail } if what.starts_with("route ") && detail.ends_with("is not set on the stage") => {
            return None;
        }
        Note::Broken { what, .. } => ("definition-broken", what.clone()),
        Note::IdentityNeverThere { what, .. } => ("identity-never-there", what.clone()),
        Note::UnknownLogVariable { .. } => ("log-variable-unknown", format!("API {api_id}")),
        Note::HalfTwoWay { route_key, .. } => ("two-way-half", format!("route {route_key}")),
        Note::ThrottledToNothing { route_key, stage, .. } => {
            ("throttled-to-nothing", format!("stage {stage}, route {route_key}"))
        }
        Note::NoIntegrationResponses { integration_id, .. } => {
            ("no-integration-responses", format!("integration {integration_id}"))
        }
        Note::MessageUnread { integration_id, .. } => ("message-unread", format!("integration {integration_id}")),
        Note::UnknownName { what, line, .. } => ("name-unknown", format!("{what}, line {line}")),
        Note::SlowPattern { what, .. } => ("slow-pattern", what.clone()),
        Note::SelectionGivesNothing { .. } => ("selection-gives-nothing", format!("API {api_id}")),
        Note::SourceGivesNothing { target, .. } => ("source-gives-nothing", target.clone()),
        Note::ResponseKeyFitsNothing { key } => ("response-key-fits-nothing", format!("response key {key}")),
        Note::OnlyAtConnect { route_key, .. } => ("only-at-connect", format!("route {route_key}")),
        Note::TemplatesIgnored { integration_id, .. } => ("templates-ignored", format!("integration {integration_id}")),
        Note::ParametersIgnored { integration_id, .. } => {
            ("parameters-ignored", format!("integration {integration_id}"))
        }
        Note::HeaderNeverSent { name } => ("header-never-sent", format!("header {name}")),
        _ => return None,
    };
    let found = Finding::new(code, place, note.headline());
    Some(match note.mend() {
        Some(mend) => found.mended(mend),
        None => found,
    })
}
