//! Tells people what publishing a snapshot meant: stages that became reachable, and remarks on their definitions.
//!
//! An API is made by a dozen calls, and a stage with auto-deploy is compiled after each. What is true only in between
//! is not worth saying, so remarks wait until nothing has changed for a moment, and each is said once as long as it
//! holds.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gateway::Published;
use tokio::sync::Notify;
use types::snapshot::StageKey;

use crate::banner::Addresses;
use crate::choices::LogLevel;
use crate::logs::Log;

/// How long nothing must have changed before remarks are said.
const QUIET: Duration = Duration::from_millis(250);

/// What is known of each stage and what of it was said.
#[derive(Default)]
pub(crate) struct Announcements {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    stages: HashMap<StageKey, Remarks>,
    new: Vec<StageKey>,
    gone: Vec<StageKey>,
    remarks: Vec<control::Remark>,
}

#[derive(Default)]
struct Remarks {
    hold: Vec<String>,
    said: HashSet<String>,
}

impl Announcements {
    /// Takes note of what a snapshot changed. Called under the control plane's lock, so it only remembers.
    pub(crate) fn add(&self, published: Published, remarks: Vec<control::Remark>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for key in published.gone {
            state.stages.remove(&key);
            match state.new.iter().position(|new| *new == key) {
                Some(unsaid) => drop(state.new.remove(unsaid)),
                None => state.gone.push(key),
            }
        }
        for (key, notes) in published.notes {
            let remarks = state.stages.entry(key).or_default();
            remarks.hold = notes.iter().map(ToString::to_string).collect();
            remarks.said.retain(|text| remarks.hold.contains(text));
        }
        let of_no_api = |text| control::Remark { api_id: String::new(), stage: None, text };
        state.remarks.extend(published.problems.into_iter().map(of_no_api));
        state.new.extend(published.new);
        state.remarks.extend(remarks);
        drop(state);
        self.changed.notify_one();
    }

    /// Forgets which stages are new: at start the banner names them.
    pub(crate) fn banner_named_the_stages(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).new.clear();
    }

    /// Says what there is to say, whenever it has been quiet for a moment. Runs until the program ends.
    pub(crate) async fn run(self: Arc<Self>, log: Log, addresses: Addresses) {
        loop {
            self.changed.notified().await;
            while tokio::time::timeout(QUIET, self.changed.notified()).await.is_ok() {}
            self.say(&log, &addresses);
        }
    }

    /// Says at once what there is to say.
    pub(crate) fn say(&self, log: &Log, addresses: &Addresses) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for key in state.new.drain(..) {
            let [by_host, by_path] = addresses.stage_urls(&key);
            log.say(LogLevel::Info, format!("stage {key} is deployed: {by_host} or {by_path}"));
        }
        for key in state.gone.drain(..) {
            log.say(LogLevel::Info, format!("stage {key} is gone; its connections are being closed"));
        }
        for remark in state.remarks.drain(..) {
            let stage = remark.stage.map(|stage| StageKey { api_id: remark.api_id, stage });
            log.remark(stage.as_ref(), remark.text);
        }
        for (key, remarks) in &mut state.stages {
            for text in &remarks.hold {
                if remarks.said.insert(text.clone()) {
                    log.remark(Some(key), text.clone());
                }
            }
        }
    }
}
