//! The stages that clients can reach, each compiled into a plan.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use mapping::{Note, Plan};
use types::Dialect;
use types::limits::Limits;
use types::snapshot::{DeployedStage, Snapshot, StageKey};

use crate::throttle::{Bucket, Buckets};

/// The current plans.
pub(crate) struct Stages {
    current: ArcSwap<HashMap<StageKey, Arc<Compiled>>>,
    /// One publisher at a time.
    publishing: Mutex<()>,
}

/// A stage in force: its plan, and what must outlive a change of the plan.
pub(crate) struct Compiled {
    source: Arc<DeployedStage>,
    pub(crate) plan: Arc<Plan>,
    /// The buckets of its routes.
    pub(crate) buckets: Arc<Buckets>,
    /// The stage is gone: its open connections are being closed and may still run `$disconnect`, nobody gets in.
    retired: bool,
}

/// What publishing a snapshot did.
#[derive(Default)]
pub struct Published {
    /// Remarks on the stages that are new or changed.
    pub notes: Vec<(StageKey, Vec<Note>)>,
    /// Stages that were not reachable before.
    pub new: Vec<StageKey>,
    /// Stages that were reachable before and are not any more.
    pub gone: Vec<StageKey>,
    /// What of the account cannot be used, a sentence each.
    pub problems: Vec<String>,
}

impl Stages {
    pub(crate) fn new() -> Stages {
        Stages { current: ArcSwap::default(), publishing: Mutex::new(()) }
    }

    /// The plan for an event of a connection; it stays the same for the event whatever is published meanwhile.
    pub(crate) fn pin(&self, key: &StageKey) -> Option<Arc<Compiled>> {
        self.current.load().get(key).cloned()
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
        is_used: impl Fn(&StageKey) -> bool,
    ) -> Published {
        let _one_at_a_time = self.publishing.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.current.load_full();
        let mut published = Published::default();
        let mut stages = HashMap::with_capacity(snapshot.stages.len());
        for (key, source) in &snapshot.stages {
            let unchanged = before.get(key).filter(|old| !old.retired && Arc::ptr_eq(&old.source, source));
            let compiled = unchanged.cloned().unwrap_or_else(|| {
                let (plan, notes) = Plan::compile(source, limits, dialect);
                published.notes.push((key.clone(), notes));
                if before.get(key).is_none_or(|old| old.retired) {
                    published.new.push(key.clone());
                }
                let buckets = Arc::new(buckets(&plan, before.get(key).map(|old| &*old.buckets)));
                Arc::new(Compiled { source: source.clone(), plan: Arc::new(plan), buckets, retired: false })
            });
            stages.insert(key.clone(), compiled);
        }
        for (key, old) in before.iter().filter(|(key, _)| !snapshot.stages.contains_key(key)) {
            if !old.retired {
                published.gone.push(key.clone());
            } else if !is_used(key) {
                continue;
            }
            let (source, plan, buckets) = (old.source.clone(), old.plan.clone(), old.buckets.clone());
            let retired = Compiled { source, plan, buckets, retired: true };
            stages.insert(key.clone(), Arc::new(retired));
        }
        self.current.store(Arc::new(stages));
        published
    }
}

// A bucket whose numbers did not change goes on as it stands.
fn buckets(plan: &Plan, before: Option<&Buckets>) -> Buckets {
    let limited = plan.routes().filter_map(|route| Some((route.key.clone(), route.throttle?)));
    let bucket = |(key, throttle): (Arc<str>, _)| {
        let old = before.and_then(|before| before.get(&key));
        let bucket = Bucket::kept(old, throttle);
        (key, bucket)
    };
    limited.map(bucket).collect()
}
