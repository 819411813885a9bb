//! The last hour in numbers, for the console's charts.

use serde_json::{Value, json};
use traces::series::{Point, Points, SAMPLE_EVERY, percentile};
use types::snapshot::StageKey;

use super::{Asked, Views, Wrong};

/// `GET series?minutes=`: arrays of equal length for each stage, null where nothing was measured. Routes have none.
pub(super) fn answer(views: &Views, asked: &Asked) -> Result<Value, Wrong> {
    let minutes = asked.parameter("minutes").map_or(Ok(60), |minutes| minutes.parse::<u64>());
    let minutes = minutes.map_err(|_| Wrong::bad("`minutes` has to be a number"))?;
    let (times, all) = views.series.read();
    let wanted = usize::try_from(minutes * 60 / SAMPLE_EVERY.as_secs()).unwrap_or(usize::MAX);
    let from = times.len().saturating_sub(wanted);
    let stages = all
        .iter()
        .filter(|((_, route), _)| route.is_none())
        .map(|((key, _), points)| of(key, &points[from..].to_vec()));
    Ok(json!({
        "stepSeconds": SAMPLE_EVERY.as_secs(),
        "times": times[from..].iter().map(|at| at.0 / 1000).collect::<Vec<_>>(),
        "stages": stages.collect::<Vec<_>>(),
    }))
}

fn of(key: &StageKey, points: &Points) -> Value {
    let column = |number: fn(&Point) -> u32| -> Vec<Option<u32>> {
        points.iter().map(|point| point.as_ref().map(number)).collect()
    };
    let latency = |share: f64| -> Vec<Option<f64>> {
        let of = |point: &Option<Point>| percentile(&point.as_ref()?.latencies, share);
        points.iter().map(|point| of(point).map(|millis| (millis * 100.0).round() / 100.0)).collect()
    };
    json!({
        "apiId": key.api_id, "stage": key.stage,
        "connections": column(|point| point.connections), "connects": column(|point| point.connects),
        "messages": column(|point| point.messages), "clientErrors": column(|point| point.client_errors),
        "integrationErrors": column(|point| point.integration_errors),
        "executionErrors": column(|point| point.execution_errors), "throttles": column(|point| point.throttles),
        "p50": latency(0.5), "p90": latency(0.9), "p99": latency(0.99),
    })
}
