//! The stages that clients can reach, each compiled into a plan.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use foldhash::fast::RandomState;
use mapping::plan::Logging;
use mapping::{Note, Plan, Route, Shared};
use types::Dialect;
use types::limits::Limits;
use types::snapshot::{DeployedStage, Snapshot, StageKey};

use crate::in_flight::{InFlight, OwnPart};
use crate::metrics::{Metrics, RouteMetrics, StageMetrics};
use crate::throttle::{Bucket, Buckets, Share};

/// The current plans.
pub(crate) struct Stages {
    current: ArcSwap<HashMap<StageKey, Arc<Compiled>, RandomState>>,
    /// One publisher at a time, and what the plans have in common.
    publishing: Mutex<Shared>,
    /// This node's part of every throttle.
    share: Share,
}

/// A stage as it is in force: its plan, and what outlives a change of the plan.
#[derive(Clone)]
pub(crate) struct Compiled {
    source: Arc<DeployedStage>,
    pub(crate) plan: Arc<Plan>,
    /// The buckets of its routes.
    pub(crate) buckets: Arc<Buckets>,
    /// What is counted of it.
    pub(crate) metrics: Arc<StageMetrics>,
    /// What is counted of the plan's detailed routes, in their order.
    routes: Vec<Arc<RouteMetrics>>,
    /// Whether messages that were looked at choose routes of the user's own.
    pub(crate) selections: Arc<Selections>,
    /// Whether a person asked to watch it: then the steps of each of its events are kept, whatever its settings log.
    watched: Arc<AtomicBool>,
    /// Its own part of the calls to backends, and of the room for messages.
    pub(crate) own_part: Arc<OwnPart>,
    /// The stage is gone: its open connections are being closed and may still run `$disconnect`, nobody gets in.
    pub(crate) retired: bool,
}

impl Compiled {
    /// Whether a person asked to watch it.
    pub(crate) fn is_watched(&self) -> bool {
        self.watched.load(Ordering::Relaxed)
    }

    /// The API's name as it was deployed.
    pub(crate) fn api_name(&self) -> &str {
        &self.source.definition.api.name
    }
}

/// What publishing a snapshot did.
#[derive(Default)]
pub struct Published {
    /// Remarks on the stages that are new or changed.
    pub notes: Vec<(StageKey, Vec<Note>)>,
    /// Of those, the stages that deploy every change by themselves: what is remarked may hold for a moment only.
    pub settling: Vec<StageKey>,
    /// Stages that were not reachable before.
    pub new: Vec<StageKey>,
    /// Stages that were reachable before and are not any more.
    pub gone: Vec<StageKey>,
    /// What of the account cannot be used, a sentence each.
    pub problems: Vec<String>,
}

impl Stages {
    pub(crate) fn new(share: Share) -> Stages {
        Stages { current: ArcSwap::default(), publishing: Mutex::default(), share }
    }

    /// The plan for an event of a connection; it stays the same for the event whatever is published meanwhile.
    pub(crate) fn pin(&self, key: &StageKey) -> Option<Arc<Compiled>> {
        self.current.load().get(key).cloned()
    }

    /// The names of an API's stages that let clients in, in order, up to `most` of them.
    pub(crate) fn names(&self, api_id: &str, most: usize) -> Vec<String> {
        let current = self.current.load();
        let open = current.iter().filter(|(key, compiled)| key.api_id == api_id && !compiled.retired);
        let mut names: Vec<_> = open.map(|(key, _)| key.stage.clone()).collect();
        names.sort_unstable();
        names.truncate(most);
        names
    }

    /// Stages that let clients in, in order, up to `most` of them.
    pub(crate) fn open(&self, most: usize) -> Vec<StageKey> {
        let current = self.current.load();
        let mut keys: Vec<_> = current.iter().filter(|(_, stage)| !stage.retired).map(|(key, _)| key.clone()).collect();
        keys.sort_unstable_by(|a, b| (&a.api_id, &a.stage).cmp(&(&b.api_id, &b.stage)));
        keys.truncate(most);
        keys
    }

    /// Turns the watching of a stage on or off; false where there is no such stage.
    pub(crate) fn watch(&self, key: &StageKey, on: bool) -> bool {
        let current = self.current.load();
        let stage = current.get(key).filter(|stage| !stage.retired);
        stage.inspect(|stage| stage.watched.store(on, Ordering::Relaxed)).is_some()
    }

    /// The stages that a person asked to watch, in order.
    pub(crate) fn watched(&self) -> Vec<StageKey> {
        let current = self.current.load();
        let watched = current.iter().filter(|(_, stage)| stage.is_watched() && !stage.retired);
        let mut keys: Vec<_> = watched.map(|(key, _)| key.clone()).collect();
        keys.sort_unstable_by(|a, b| (&a.api_id, &a.stage).cmp(&(&b.api_id, &b.stage)));
        keys
    }

    /// The integration of a deployed route, and whether the stage deploys changes by itself.
    pub(crate) fn integration_of(&self, key: &StageKey, route_key: &str) -> Option<(Option<String>, bool)> {
        let current = self.current.load();
        let stage = current.get(key)?;
        let id = stage.plan.route(route_key).and_then(|route| route.integration_id()).map(str::to_owned);
        Some((id, stage.source.settings.auto_deploy))
    }

    /// The group, or stream, that a stage's access log goes to.
    pub(crate) fn access_log(&self, key: &StageKey) -> Option<String> {
        let current = self.current.load();
        current.get(key)?.plan.access_log.as_ref().map(|log| log.log_group.to_string())
    }

    /// What a stage logs of routes that say nothing else.
    pub(crate) fn logging(&self, key: &StageKey) -> Option<Logging> {
        self.current.load().get(key).map(|stage| stage.plan.default_logging)
    }

    /// What is counted of a stage.
    pub(crate) fn metrics(&self, key: &StageKey) -> Option<Arc<StageMetrics>> {
        self.current.load().get(key).map(|compiled| compiled.metrics.clone())
    }

    /// The plan for a new client: none where the stage is gone.
    pub(crate) fn enter(&self, key: &StageKey) -> Option<Arc<Plan>> {
        self.current.load().get(key).filter(|compiled| !compiled.retired).map(|compiled| compiled.plan.clone())
    }

    /// Compiles what changed and puts it in force. `is_used` tells whether connections of a stage are still open.
    pub(crate) fn publish(
        &self,
        snapshot: &Snapshot,
        limits: &Limits,
        dialect: Dialect,
        (metrics, in_flight): (&Metrics, &InFlight),
        is_used: impl Fn(&StageKey) -> bool,
    ) -> Published {
        let mut shared = self.publishing.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.current.load_full();
        let mut published = Published::default();
        let mut stages = HashMap::with_capacity_and_hasher(snapshot.stages.len(), RandomState::default());
        for (key, source) in &snapshot.stages {
            let unchanged = before.get(key).filter(|old| !old.retired && Arc::ptr_eq(&old.source, source));
            let compiled = unchanged.cloned().unwrap_or_else(|| {
                let (plan, notes) = Plan::compile(source, limits, dialect, &mut shared);
                published.notes.push((key.clone(), notes));
                if source.settings.auto_deploy {
                    published.settling.push(key.clone());
                }
                if before.get(key).is_none_or(|old| old.retired) {
                    published.new.push(key.clone());
                }
                Arc::new(Compiled::new(source.clone(), plan, before.get(key), (metrics, in_flight, &self.share)))
            });
            stages.insert(key.clone(), compiled);
        }
        for (key, old) in before.iter().filter(|(key, _)| !snapshot.stages.contains_key(key)) {
            if !old.retired {
                published.gone.push(key.clone());
            } else if !is_used(key) {
                continue;
            }
            metrics.set_gone(&old.metrics, true);
            let retired = Compiled { retired: true, routes: Vec::new(), ..Compiled::clone(old) };
            stages.insert(key.clone(), Arc::new(retired));
        }
        self.current.store(Arc::new(stages));
        published
    }
}

/// Messages in a row, from a plan's first, that no route of the user's own fitted, when that is said.
const UNFIT_MAX: u32 = 5;

/// Counts the first messages of a plan that no route of the user's own fitted, until one fits.
#[derive(Default)]
pub(crate) struct Selections(AtomicU32);

impl Selections {
    /// Counts a message; true for the one at which it is time to say that nothing fits.
    pub(crate) fn count(&self, unfit: bool) -> bool {
        // Beyond the bound everything was said, or need not be.
        let seen = self.0.load(Ordering::Relaxed);
        if seen > UNFIT_MAX {
            return false;
        }
        let next = if unfit { seen + 1 } else { UNFIT_MAX + 1 };
        // Two that count at once may count one: it is a remark, not an account.
        self.0.store(if next == UNFIT_MAX { UNFIT_MAX + 1 } else { next }, Ordering::Relaxed);
        next == UNFIT_MAX
    }
}

impl Compiled {
    // What was counted of the stage before it changed is counted on.
    fn new(
        source: Arc<DeployedStage>,
        plan: Plan,
        old: Option<&Arc<Compiled>>,
        (metrics, in_flight, share): (&Metrics, &InFlight, &Share),
    ) -> Compiled {
        let own_part = old.map_or_else(|| in_flight.own_part(), |old| old.own_part.clone());
        let stage = old.map_or_else(|| metrics.stage(&plan.key), |old| old.metrics.clone());
        metrics.set_gone(&stage, false);
        let route = |key: &Arc<str>| {
            let counted = old.and_then(|old| old.routes.get(old.plan.detailed_routes.iter().position(|o| o == key)?));
            counted.cloned().unwrap_or_else(|| metrics.route(&plan.key, key))
        };
        let routes = plan.detailed_routes.iter().map(route).collect();
        let buckets = Arc::new(buckets(&plan, old.map(|old| &*old.buckets), share));
        Compiled {
            source,
            plan: Arc::new(plan),
            buckets,
            metrics: stage,
            routes,
            selections: Arc::default(),
            watched: old.map_or_else(Arc::default, |old| old.watched.clone()),
            own_part,
            retired: false,
        }
    }

    /// What is counted of a route, where its metrics are detailed.
    pub(crate) fn route_metrics(&self, route: &Route) -> Option<&Arc<RouteMetrics>> {
        self.routes.get(route.detailed?)
    }
}

/// The route key of handshakes.
const CONNECT: &str = "$connect";

// A bucket whose numbers did not change goes on as it stands.
fn buckets(plan: &Plan, before: Option<&Buckets>, share: &Share) -> Buckets {
    let unrouted = plan.connect_throttle.filter(|_| plan.route(CONNECT).is_none());
    let unrouted = unrouted.map(|throttle| (Arc::from(CONNECT), throttle));
    let limited = plan.routes().filter_map(|route| Some((route.key.clone(), route.throttle?)));
    let bucket = |(key, throttle): (Arc<str>, _)| {
        let old = before.and_then(|before| before.get(&key));
        let bucket = Bucket::kept(old, throttle, share);
        (key, bucket)
    };
    limited.chain(unrouted).map(bucket).collect()
}
