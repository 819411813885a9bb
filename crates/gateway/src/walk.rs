//! The walk of one event, from the client to the backend and back.

use std::sync::Arc;

use mapping::{Plan, Route};
use types::Event;

use crate::admit::{admit, admit_unrouted, fits, fits_model};
use crate::authorize::authorize;
use crate::execution_log::{self, ExecutionLog, Part};
use crate::gateway::Gateway;
use crate::metrics::Flight;
use crate::refusal::{Outcome, Refusal, RefusalKind};
use crate::stages::Compiled;

/// Takes one event of a connection ($connect, a message, $disconnect) to its backend and back.
///
/// Steps 2 to 13 of the walk in ARCHITECTURE.md, in order; how an outcome reaches the client (12) is the caller's to say. It
/// cannot fail: what goes wrong becomes an [`Outcome`] that the client can be told and the log can show.
///
/// # Cancel safety
/// Not cancel safe from step 9 on: the backend may have acted. The owner lets it run to the integration's timeout.
pub(crate) async fn run(gateway: &Gateway, event: &mut Event, deliver: impl FnOnce(&Event, &Outcome)) -> Outcome {
    let stage = gateway.stages.pin(&event.connection.stage);
    let _flight = Flight::begin(stage.as_ref().map(|stage| stage.metrics.clone()));
    let came = {
        let is_traced = gateway.dialect.tracing.samples(&event.request_id);
        execution_log::now_if_kept(&*gateway.sink, stage.as_deref(), is_traced)
    };
    // Bounds the calls of all connections together (limit in-flight), and leaves each stage its part.
    let _permit = gateway.in_flight.enter(stage.as_ref().map(|stage| &stage.own_part)).await;
    let mut log = ExecutionLog::open(&*gateway.sink, event, stage.as_deref(), came);
    let outcome = match &stage {
        Some(stage) => walk(gateway, stage, event, &mut log).await,
        None => Err(Refusal::new(RefusalKind::AccessDenied, "the stage is gone")),
    };
    log.close(event, outcome, deliver)
}

async fn walk(gateway: &Gateway, stage: &Arc<Compiled>, event: &mut Event, log: &mut ExecutionLog<'_>) -> Outcome {
    let plan: &Plan = &stage.plan;
    let route: Option<&Route> = log.step(Part::Select, event, mapping::select_route(plan, event))?;
    let Some(route) = route else {
        return log.step(Part::Admit, event, admit_unrouted(gateway, stage, event)).map(|()| None);
    };
    let identified = authorize(gateway, plan, route, event, log).await;
    log.step(Part::Authorize, event, identified)?;
    let event: &Event = event;
    log.step(Part::Admit, event, admit(gateway, stage, route, event))?;
    let mappings = gateway.heavy.of(stage, route, event);
    log.step(Part::Validate, event, mappings.run(fits_model).await)?;
    let request = log.step(Part::Map, event, mappings.run(mapping::request).await)?;
    let Some(request) = request else { return Ok(None) };
    gateway.write_down(event).await;
    let destination = gateway.integrations.find(&request.target);
    let response = log.step(Part::Call, event, gateway.send(&request, destination, log.keeps_steps()).await)?;
    let respond = move |plan: &Plan, route: &Route, event: &Event| mapping::response(plan, route, event, &response);
    let reply = log.step(Part::MapBack, event, mappings.run(respond).await)?;
    log.step(Part::Fit, event, fits(reply, gateway.limits.message_bytes)).map(Some)
}

/// For events whose outcome nobody waits for: of `$connect` it is the handshake's answer, after `$disconnect` nobody is there.
pub(crate) fn nobody(_: &Event, _: &Outcome) {}
