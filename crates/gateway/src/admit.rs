//! Decides whether an event may go on (step 5 of the walk), and whether its reply may.
//!
//! So far the required request parameters of `$connect`; throttling, API keys and models join here.

use mapping::{Reply, Route};
use types::event::{Event, EventKind};

use crate::refusal::{Kind, Refusal};

/// Lets the event pass or says why not.
pub(crate) fn admit(route: &Route, event: &Event) -> Result<(), Refusal> {
    let EventKind::Connect(handshake) = &event.kind else { return Ok(()) };
    let missing = route.missing_parameters(handshake);
    if missing.is_empty() {
        return Ok(());
    }
    let names = missing.join(", ");
    let detail = format!("route {} requires the request parameters [{names}]", route.key);
    Err(Refusal { kind: Kind::BadRequestParameters, names, detail })
}

/// Lets a reply pass that fits into a message. Nothing splits a larger one (inferred: AWS documents no splitting).
pub(crate) fn fits(reply: Reply, message_bytes_max: usize) -> Result<Reply, Refusal> {
    let bytes = reply.body.len();
    if !reply.two_way || bytes <= message_bytes_max {
        return Ok(reply);
    }
    let detail = format!("the answer has {bytes} bytes, the limit message-bytes is {message_bytes_max}");
    Err(Refusal::new(Kind::ResponseTooLarge, detail))
}
