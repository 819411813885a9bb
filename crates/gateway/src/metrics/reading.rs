//! The counters as numbers, for those who keep them for a while.

use std::sync::Arc;

use types::snapshot::StageKey;

use super::counter::{LATENCY_BOUNDS, Measured};
use super::stage::Calls;
use super::{Metrics, RouteMetrics, StageMetrics};

/// What was counted of a stage, or of a route with detailed metrics, since the program began. All but `connections` only grow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// API and stage.
    pub key: StageKey,
    /// The route; `None`: the stage as a whole.
    pub route_key: Option<Arc<str>>,
    /// How many are open now; 0 for routes.
    pub connections: u64,
    /// `ConnectCount`.
    pub connects: u64,
    /// `MessageCount`.
    pub messages: u64,
    /// `ClientError`.
    pub client_errors: u64,
    /// `IntegrationError`.
    pub integration_errors: u64,
    /// `ExecutionError`.
    pub execution_errors: u64,
    /// Requests that were throttled, whatever by; 0 for routes.
    pub throttles: u64,
    /// How often an integration's latency lay between two of the [`latency_bounds`], the last: beyond them.
    pub latencies: Vec<u64>,
    /// All latencies together, in microseconds.
    pub latency_sum: u64,
}

/// The bounds of latencies, in microseconds.
pub fn latency_bounds() -> &'static [u64] {
    LATENCY_BOUNDS
}

impl Metrics {
    /// Every stage and detailed route that has a series of its own, and the one that the others share.
    pub(crate) fn readings(&self) -> Vec<Reading> {
        let (stages, routes) = self.shown();
        stages.iter().map(|stage| of_stage(stage)).chain(routes.iter().map(|route| of_route(route))).collect()
    }
}

fn of_stage(stage: &StageMetrics) -> Reading {
    let sum = |counter: fn(&Calls) -> &super::Counter| stage.traffic.sum(|traffic| counter(&traffic.calls));
    let latencies = Measured::of(stage.traffic.all().map(|traffic| &traffic.calls.latencies));
    Reading {
        key: stage.key.clone().unwrap_or_default(),
        route_key: None,
        connections: stage.opened.get().saturating_sub(stage.closed.get()),
        connects: sum(|calls| &calls.connects),
        messages: sum(|calls| &calls.messages),
        client_errors: sum(|calls| &calls.client_errors),
        integration_errors: sum(|calls| &calls.integration_errors),
        execution_errors: sum(|calls| &calls.execution_errors),
        throttles: stage.throttles.iter().map(super::Counter::get).sum(),
        latencies: latencies.counts,
        latency_sum: latencies.sum,
    }
}

fn of_route(route: &RouteMetrics) -> Reading {
    let latencies = Measured::of(route.calls.all().map(|calls| &calls.latencies));
    Reading {
        key: route.stage.clone(),
        route_key: Some(route.route_key.clone()),
        connects: route.calls.sum(|calls| &calls.connects),
        messages: route.calls.sum(|calls| &calls.messages),
        client_errors: route.calls.sum(|calls| &calls.client_errors),
        integration_errors: route.calls.sum(|calls| &calls.integration_errors),
        execution_errors: route.calls.sum(|calls| &calls.execution_errors),
        latencies: latencies.counts,
        latency_sum: latencies.sum,
        ..Reading::default()
    }
}
