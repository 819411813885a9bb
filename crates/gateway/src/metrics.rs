//! What the data plane counts, and how it is told: CloudWatch's metrics, and what an operator needs.
//!
//! Each stage has its counters beside its plan, and each client holds those of its stage, so that counting is an
//! addition and never a search. The text is made when somebody asks.

mod counter;
mod reading;
mod stage;
mod text;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use types::snapshot::StageKey;

pub(crate) use counter::Counter;
pub use reading::{Reading, latency_bounds};
pub(crate) use stage::{Flight, RouteMetrics, StageMetrics};
pub use text::Text;

/// The label of what has no series of its own.
const OTHER: &str = "other";

/// All counters of the data plane.
pub(crate) struct Metrics {
    /// How many stages and routes have series of their own; all beyond share one.
    series_max: usize,
    series: Mutex<Series>,
    /// Stages beyond the bound.
    other: Arc<StageMetrics>,
    /// Routes beyond the bound.
    other_route: Arc<RouteMetrics>,
    /// Requests that name no stage.
    nowhere: Arc<StageMetrics>,
}

/// Counters that somebody still counts with: what nobody holds is gone.
#[derive(Default)]
struct Series {
    stages: Vec<Weak<StageMetrics>>,
    routes: Vec<Weak<RouteMetrics>>,
}

impl Series {
    fn sweep(&mut self) -> usize {
        self.stages.retain(|stage| stage.strong_count() > 0);
        self.routes.retain(|route| route.strong_count() > 0);
        self.stages.len() + self.routes.len()
    }
}

impl Metrics {
    pub(crate) fn new(series_max: usize) -> Metrics {
        let key = StageKey { api_id: OTHER.to_owned(), stage: OTHER.to_owned() };
        Metrics {
            series_max,
            series: Mutex::default(),
            other: Arc::new(StageMetrics::new(Some(key.clone()))),
            other_route: Arc::new(RouteMetrics::new(key, OTHER.into())),
            nowhere: Arc::new(StageMetrics::new(None)),
        }
    }

    /// Counters for a new stage; those that many share where there are too many.
    pub(crate) fn stage(&self, key: &StageKey) -> Arc<StageMetrics> {
        let mut series = self.series();
        if series.sweep() >= self.series_max {
            return self.other.clone();
        }
        let metrics = Arc::new(StageMetrics::new(Some(key.clone())));
        series.stages.push(Arc::downgrade(&metrics));
        metrics
    }

    /// Counters for a route whose metrics are detailed; those that many share where there are too many.
    pub(crate) fn route(&self, stage: &StageKey, route_key: &Arc<str>) -> Arc<RouteMetrics> {
        let mut series = self.series();
        if series.sweep() >= self.series_max {
            return self.other_route.clone();
        }
        let metrics = Arc::new(RouteMetrics::new(stage.clone(), route_key.clone()));
        series.routes.push(Arc::downgrade(&metrics));
        metrics
    }

    /// Counters for requests that name no stage.
    pub(crate) fn nowhere(&self) -> &Arc<StageMetrics> {
        &self.nowhere
    }

    /// Remembers that a stage is gone, or there again. What stages share stays.
    pub(crate) fn set_gone(&self, metrics: &Arc<StageMetrics>, gone: bool) {
        if !Arc::ptr_eq(metrics, &self.other) {
            metrics.set_gone(gone);
        }
    }

    // In the order of their labels, so that two readings can be compared.
    fn shown(&self) -> (Vec<Arc<StageMetrics>>, Vec<Arc<RouteMetrics>>) {
        let series = self.series();
        let mut stages: Vec<_> = series.stages.iter().filter_map(Weak::upgrade).collect();
        let mut routes: Vec<_> = series.routes.iter().filter_map(Weak::upgrade).collect();
        drop(series);
        stages.retain(|stage| stage.is_shown());
        stages.sort_by(|a, b| a.key.cmp(&b.key));
        routes.sort_by(|a, b| (&a.stage, &a.route_key).cmp(&(&b.stage, &b.route_key)));
        // Only once they are needed: a series named `other` would puzzle everybody else.
        if Arc::strong_count(&self.other) > 1 {
            stages.push(self.other.clone());
        }
        if Arc::strong_count(&self.other_route) > 1 {
            routes.push(self.other_route.clone());
        }
        (stages, routes)
    }

    fn series(&self) -> MutexGuard<'_, Series> {
        self.series.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{Metrics, OTHER};
    use types::snapshot::StageKey;

    fn key(stage: &str) -> StageKey {
        StageKey { api_id: "abc".to_owned(), stage: stage.to_owned() }
    }

    fn shown(metrics: &Metrics) -> Vec<String> {
        let (stages, routes) = metrics.shown();
        let stages = stages.iter().map(|stage| stage.key.as_ref().map_or_else(String::new, ToString::to_string));
        stages.chain(routes.iter().map(|route| format!("{} {}", route.stage, route.route_key))).collect()
    }

    #[test]
    fn series_are_bounded_and_make_room_when_nobody_counts_with_them() {
        let metrics = Metrics::new(2);
        let (first, _route) = (metrics.stage(&key("b")), metrics.route(&key("b"), &"hi".into()));
        assert_eq!(shown(&metrics), ["abc/b", "abc/b hi"]);
        let (other, other_route) = (metrics.stage(&key("a")), metrics.route(&key("a"), &"hi".into()));
        let of_others = format!("{OTHER}/{OTHER}");
        assert_eq!(shown(&metrics), ["abc/b", &of_others, "abc/b hi", &format!("{of_others} {OTHER}")]);
        drop((first, other, other_route));
        let _second = metrics.stage(&key("a"));
        assert_eq!(shown(&metrics), ["abc/a", "abc/b hi"]);
    }

    #[test]
    fn a_stage_that_is_gone_is_shown_until_its_last_connection_is_over() {
        let metrics = Metrics::new(1);
        let stage = metrics.stage(&key("a"));
        stage.opened();
        metrics.set_gone(&stage, true);
        assert_eq!(shown(&metrics), ["abc/a"]);
        stage.closed();
        assert!(shown(&metrics).is_empty());
        metrics.set_gone(&stage, false);
        assert_eq!(shown(&metrics), ["abc/a"]);
        // What stages share stays when one of them goes.
        let other = metrics.stage(&key("b"));
        metrics.set_gone(&other, true);
        assert_eq!(shown(&metrics).len(), 2);
    }
}
