//! Chooses the route of an event.

use types::event::{Event, EventKind};

use crate::error::{Error, ErrorKind};
use crate::plan::{Plan, Route};
use crate::remarks;

/// The route that `event` takes: by its kind, or for a message by the API's route selection expression.
///
/// `None`: the API has no `$connect` or `$disconnect` route, so nothing runs. A message cannot reach those two by
/// naming them (inferred; it would be a hole).
///
/// # Errors
/// [`ErrorKind::NoRoute`] when no key fits and there is no `$default`; the detail names the key and the known ones.
pub fn select_route<'p>(plan: &'p Plan, event: &Event) -> Result<Option<&'p Route>, Error> {
    let message = match &event.kind {
        EventKind::Connect(_) => return Ok(plan.route("$connect")),
        EventKind::Disconnect(_) => return Ok(plan.route("$disconnect")),
        EventKind::Message(message) => message,
    };
    let selection = plan.selection.as_ref().map_err(|detail| Error::configuration(detail.clone()))?;
    // Bytes are no JSON: they take the $default route (ours, as AWS takes no binary frames).
    let key = if message.is_binary { None } else { selection.evaluate(&message.body, None) };
    let chosen =
        key.as_deref().filter(|key| !matches!(*key, "$connect" | "$disconnect")).and_then(|key| plan.route(key));
    match chosen.or_else(|| plan.route("$default")) {
        Some(route) => Ok(Some(route)),
        None => {
            let asked = match key {
                Some(key) => {
                    let key = shortened(&key);
                    format!("the route selection expression `{}` gave `{key}`", plan.selection_text)
                }
                None => format!(
                    "the message is not a JSON object, so the route selection expression `{}` gave nothing",
                    plan.selection_text
                ),
            };
            let known: Vec<_> = plan.route_keys().collect();
            let detail = format!("{asked}; the deployed routes are [{}] and there is no $default", known.join(", "));
            let remedy = remarks::on_selection(plan, event).map(Box::new);
            Err(Error { remedy, ..Error::new(ErrorKind::NoRoute, detail) })
        }
    }
}

// The key is a client's, up to the size of a message; enough of it to recognise it.
fn shortened(key: &str) -> String {
    const SHOWN_MAX: usize = 128;
    match key.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{}…", &key[..end]),
        None => key.to_owned(),
    }
}
