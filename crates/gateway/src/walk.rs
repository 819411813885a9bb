//! The walk of one event, from the client to the backend and back.

use std::sync::Arc;

use mapping::{Plan, Route};
use types::Event;

use crate::admit::{admit, admit_unrouted, fits, fits_model};
use crate::execution_log::ExecutionLog;
use crate::gateway::Gateway;
use crate::metrics::Flight;
use crate::refusal::{Kind, Outcome, Refusal};
use crate::stages::Compiled;

/// Takes one event of a connection ($connect, a message, $disconnect) to its backend and back.
///
/// Steps 2 to 10 and 12 of the walk in ARCHITECTURE.md, in order. It cannot fail: what goes wrong becomes an
/// [`Outcome`] that the client can be told and the log can show.
///
/// # Cancel safety
/// Not cancel safe from step 8 on: the backend may have acted. The owner lets it run to the integration's timeout.
pub(crate) async fn run(gateway: &Gateway, event: &Event) -> Outcome {
    let stage = gateway.stages.pin(&event.connection.stage);
    let _flight = Flight::begin(stage.as_ref().map(|stage| stage.metrics.clone()));
    // Bounds the calls of all connections together (limit in-flight), and leaves each stage its part.
    let _permit = gateway.in_flight.enter(stage.as_ref().map(|stage| &stage.own_part)).await;
    let mut log = ExecutionLog::open(&*gateway.sink, event, stage.as_deref());
    let outcome = match &stage {
        Some(stage) => walk(gateway, stage, event, &mut log).await,
        None => Err(Refusal::new(Kind::AccessDenied, "the stage is gone")),
    };
    log.close(outcome)
}

async fn walk(gateway: &Gateway, stage: &Arc<Compiled>, event: &Event, log: &mut ExecutionLog<'_>) -> Outcome {
    let plan: &Plan = &stage.plan;
    let route: Option<&Route> = log.step(mapping::select_route(plan, event))?;
    let Some(route) = route else { return log.step(admit_unrouted(gateway, stage, event)).map(|()| None) };
    log.step(admit(gateway, stage, route, event))?;
    let mappings = gateway.heavy.of(stage, route, event);
    log.step(mappings.run(fits_model).await?)?;
    let Some(request) = log.step(mappings.run(mapping::request).await?)? else { return Ok(None) };
    let response = log.step(gateway.integrations.send(&request).await)?;
    let reply =
        log.step(mappings.run(move |plan, route, event| mapping::response(plan, route, event, &response)).await?)?;
    log.step(fits(reply, gateway.limits.message_bytes)).map(Some)
}
