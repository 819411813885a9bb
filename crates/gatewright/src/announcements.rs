//! Tells people what publishing a snapshot meant: stages that became reachable, and remarks on their definitions.
//!
//! It is said at once, before the call that caused it is answered, so that no client's failure stands above it. But an API
//! may be made by a dozen calls, and a stage with auto-deploy is compiled after each: what is remarked of such a stage
//! waits until nothing has changed for a moment, since it may be true only in between. Each remark is said once as long as
//! it holds, and never when it holds no more.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gateway::Published;
use tokio::sync::Notify;
use types::snapshot::StageKey;

use crate::banner::Addresses;
use crate::choices::LogLevel;
use crate::logs::Log;

/// How long nothing must have changed before remarks on a stage with auto-deploy are said.
const QUIET: Duration = Duration::from_millis(250);

/// What is known of each stage and what of it was said.
pub(crate) struct Announcements {
    log: Log,
    addresses: Addresses,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    /// The banner tells of the stages at start.
    banner_is_out: bool,
    stages: HashMap<StageKey, Remarks>,
    /// What the control plane remarked and was not said yet.
    remarks: Vec<control::Remark>,
}

#[derive(Default)]
struct Remarks {
    hold: Vec<(String, bool)>,
    said: HashSet<String>,
    /// It may change again in a moment.
    settling: bool,
}

impl Announcements {
    pub(crate) fn new(log: Log, addresses: Addresses) -> Announcements {
        Announcements { log, addresses, state: Mutex::default(), changed: Notify::new() }
    }

    /// Tells of what a snapshot changed. Called under the control plane's lock: the log takes lines without waiting.
    pub(crate) fn add(&self, published: Published, remarks: Vec<control::Remark>) {
        let mut state = self.state();
        let deployed: HashSet<StageKey> = published.notes.iter().map(|(key, _)| key.clone()).collect();
        // A deployment makes untrue what was remarked of its absence and not said yet.
        state.remarks.retain(|remark| !(remark.until_deployed && is_about(remark, &deployed)));
        for (key, notes) in published.notes {
            let settling = published.settling.contains(&key);
            let remarks = state.stages.entry(key).or_default();
            remarks.hold = notes.iter().map(|note| (note.to_string(), note.is_error())).collect();
            remarks.said.retain(|text| remarks.hold.iter().any(|(held, _)| held == text));
            remarks.settling = settling;
        }
        for key in &published.gone {
            state.stages.remove(key);
        }
        let of_no_api = |text| control::Remark { text, ..control::Remark::default() };
        state.remarks.extend(published.problems.into_iter().map(of_no_api));
        state.remarks.extend(remarks);
        if !state.banner_is_out {
            return;
        }
        for key in &published.new {
            let (connect, callback) = (self.addresses.stage_url(key), self.addresses.callback(key));
            let text = format!(
                "stage {key} is deployed: connect {connect} (or {}); push: POST {callback}/@connections/{{connectionId}}",
                self.addresses.stage_url_by_host(key)
            );
            self.log.say(LogLevel::Info, text);
        }
        for key in &published.gone {
            self.log.say(LogLevel::Info, format!("stage {key} is gone; its connections are being closed"));
        }
        self.say_remarks(&mut state, false);
        drop(state);
        self.changed.notify_one();
    }

    /// Says what there is to say behind the banner, which names the stages. What is remarked of `shown`, an API that is
    /// made to show it, counts as said.
    pub(crate) fn banner_is_out(&self, shown: Option<&str>) {
        let mut state = self.state();
        state.banner_is_out = true;
        for (_, remarks) in state.stages.iter_mut().filter(|(key, _)| shown == Some(key.api_id.as_str())) {
            remarks.said = remarks.hold.iter().map(|(text, _)| text.clone()).collect();
        }
        self.say_remarks(&mut state, true);
    }

    /// Says what waited, whenever it has been quiet for a moment. Runs until the program ends.
    pub(crate) async fn run(self: Arc<Self>) {
        loop {
            self.changed.notified().await;
            while tokio::time::timeout(QUIET, self.changed.notified()).await.is_ok() {}
            self.say_remarks(&mut self.state(), true);
        }
    }

    // `all`: also of stages that may change again in a moment, and of deployments that may come in one.
    fn say_remarks(&self, state: &mut State, all: bool) {
        let (now, later) =
            std::mem::take(&mut state.remarks).into_iter().partition(|remark| all || !remark.until_deployed);
        state.remarks = later;
        let now: Vec<control::Remark> = now;
        for remark in now {
            let stage = remark.stage.map(|stage| StageKey { api_id: remark.api_id, stage });
            match remark.aside {
                true => self.log.aside(stage.as_ref(), remark.text),
                false => self.log.remark(stage.as_ref(), remark.text),
            }
        }
        for (key, remarks) in state.stages.iter_mut().filter(|(_, remarks)| all || !remarks.settling) {
            for (text, is_error) in &remarks.hold {
                if remarks.said.insert(text.clone()) {
                    match is_error {
                        true => self.log.fault(Some(key), text.clone()),
                        false => self.log.remark(Some(key), text.clone()),
                    }
                }
            }
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_about(remark: &control::Remark, stages: &HashSet<StageKey>) -> bool {
    stages.iter().any(|key| key.api_id == remark.api_id && remark.stage.as_ref() == Some(&key.stage))
}
