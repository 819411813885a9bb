//! How a backend is told that it may have been told of a connection's end before. Ours: AWS tells it once, as well as it can.

use types::event::{Event, EventKind};

/// `retry` or `replay`, where it is not the first time.
const DELIVERY: &str = "X-Gatewright-Delivery";
/// The same text however often one end is told, by which a backend knows it again; `--compat extended`.
const DELIVERY_ID: &str = "X-Gatewright-Delivery-Id";

/// The headers that say so; none of an event that is no `$disconnect`.
pub(crate) fn delivery_headers(event: &Event, extended: bool) -> impl Iterator<Item = (&'static str, String)> {
    let disconnect = match &event.kind {
        EventKind::Disconnect(disconnect) => Some(disconnect),
        EventKind::Connect(_) | EventKind::Message(_) => None,
    };
    let again = disconnect.and_then(|disconnect| disconnect.delivery.name());
    let id = disconnect.filter(|_| extended).map(|_| event.connection.id.to_string());
    again.map(|again| (DELIVERY, again.to_owned())).into_iter().chain(id.map(|id| (DELIVERY_ID, id)))
}
