//! The control plane itself: answers a call, stores what it changed, shows it to others, tells the data plane.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{Request, Response};
use serde_json::Value;
use types::time::Timestamp;
use types::{Snapshot, StageKey};

use crate::answer;
use crate::batch::{Batch, Plan, Refused};
use crate::caller::Caller;
use crate::crud::Call;
use crate::deployments::{self, Told};
use crate::error::{self, Error, Fault};
use crate::handlers::stages::STAGE;
use crate::loading;
use crate::operations::OPERATIONS;
use crate::paths;
use crate::publication::Publication;
use crate::router;
use crate::settings::{Remark, Settings};
use crate::state::State;
use crate::store::{Change, Document, Followed, Revision, Store, StoreError};
use crate::transaction::{Overlay, Transaction};
use crate::transfer;

/// Takes each new snapshot, in order.
type Publish = Box<dyn Fn(Arc<Snapshot>, Vec<Remark>) + Send + Sync>;

/// How often a change is made anew because others changed the store meanwhile. Each time somebody else's was stored, so
/// that many in a row are a crowd; its callers are asked to come again later.
const TRIES_MAX: usize = 400;

/// How many of them follow each other at once. Whoever takes longer to compute than others take to store would lose each of
/// them as long as the others write.
const TRIES_AT_ONCE: usize = 20;

/// The pause before each later one, 1.9 s in all.
const PAUSE: Duration = Duration::from_millis(5);

/// The control plane. Shared behind an `Arc`; calls may come from many threads, and others may share its store.
///
/// Writers take turns: compute, store, show, publish. Readers wait for none of it but the showing.
pub struct Control {
    settings: Settings,
    store: Arc<dyn Store>,
    memory: RwLock<Memory>,
    writer: Mutex<Writer>,
    publish: Publish,
}

pub(crate) struct Memory {
    pub(crate) state: State,
    snapshot: Arc<Snapshot>,
}

struct Writer {
    publication: Publication,
    told: Told,
}

/// A batch with what comes of it once it is stored.
struct Prepared {
    expected: Revision,
    changes: Vec<Change>,
    next: Option<Snapshot>,
    remarks: Vec<Remark>,
    /// The stages of which may be spoken again.
    again: Vec<StageKey>,
}

impl Control {
    /// Loads everything from the store.
    ///
    /// `publish` gets the first snapshot before this returns, and each later one, in order, while the next write
    /// waits; it must be quick and must not call back. When only remarks are new, the snapshot is the same `Arc`.
    ///
    /// # Errors
    /// When the store cannot be read, or holds what this program did not write.
    pub fn open(settings: Settings, store: Arc<dyn Store>, publish: Publish) -> Result<Control, Error> {
        let state = loading::load(&*store)?;
        let mut publication = Publication::default();
        let snapshot = Arc::new(publication.first(&Transaction::new(&state))?);
        publish(snapshot.clone(), Vec::new());
        Ok(Control {
            settings,
            store,
            memory: RwLock::new(Memory { state, snapshot }),
            writer: Mutex::new(Writer { publication, told: Told::default() }),
            publish,
        })
    }

    /// Whether a path is the control plane's: below `/v2`, or below a root of the v1 API that WebSocket APIs need.
    pub fn owns(path: &str) -> bool {
        router::owns(path)
    }

    /// Every operation there is, by method and path: parameters in braces, and behind a `?` what must be in the query.
    pub fn operations() -> impl Iterator<Item = (&'static str, &'static str)> {
        OPERATIONS.iter().map(|operation| (operation.method, operation.path))
    }

    /// Answers one call of an AWS client. Never fails: refusals and failures are answers too.
    ///
    /// Blocks for the disk on writes; a write is durable before this returns. The size of the body is the caller's
    /// to bound (`Limits::control_body_bytes`).
    pub fn handle(&self, caller: &Caller, request: Request<Bytes>) -> Response<Bytes> {
        let (settings, now) = (self.settings_for(caller), now());
        let answered = answer::call(&settings, now, &request).and_then(|(operation, call)| {
            let body = match operation.writes() {
                true => self.write(&settings, now, |tx| operation.run(&call, tx), |fault| fault),
                false => operation.run(&call, &mut Transaction::new(&self.memory().state)),
            };
            body.map(|body| answer::success(operation, body))
        });
        answered.unwrap_or_else(|fault| answer::refusal(&fault))
    }

    /// Makes several calls as one: all of them or none, stored and published at once, after which a stage with auto-deploy
    /// is deployed once. Gives what `calls` gives.
    ///
    /// `calls` is made anew when others change the store at the same time; it must not call the control plane but by what
    /// it is given.
    ///
    /// # Errors
    /// What `calls` gives, the first change that was refused, or that the store did not take it. Nothing has changed then.
    pub fn batch<T, E: From<Refused>>(
        &self,
        caller: &Caller,
        calls: impl Fn(&mut Batch) -> Result<T, E>,
    ) -> Result<T, E> {
        let (settings, now) = (self.settings_for(caller), now());
        self.write(&settings, now, |tx| Batch::run(&settings, now, tx, &calls), |fault| Refused::from(fault).into())
    }

    /// What a batch would do; changes nothing. [`Control::carry_out`] does it.
    ///
    /// # Errors
    /// As [`Control::batch`].
    pub fn plan<T, E: From<Refused>>(
        &self,
        caller: &Caller,
        calls: impl Fn(&mut Batch) -> Result<T, E>,
    ) -> Result<Plan<T>, E> {
        let (settings, now) = (self.settings_for(caller), now());
        let memory = self.memory();
        let mut tx = Transaction::new(&memory.state);
        let outcome = Batch::run(&settings, now, &mut tx, &calls)?;
        deployments::follow(&Call::none(&settings, now), &mut tx, STAGE.members);
        Ok(Plan::of(outcome, &memory.state, tx))
    }

    /// Does what a plan says, ids and all.
    ///
    /// # Errors
    /// 409 when anything has changed since the plan was made; then it is to be made anew. Or that the store did not take it.
    pub fn carry_out<T>(&self, plan: Plan<T>) -> Result<T, Refused> {
        let mut writer = self.writer();
        let memory = self.memory();
        if memory.state.revision != plan.revision {
            return Err(error::plan_is_old().into());
        }
        let prepared = prepare(&mut writer, &memory, &Transaction::over(&memory.state, plan.overlay))?;
        drop(memory);
        match self.commit(&mut writer, prepared) {
            Ok(()) => Ok(plan.outcome),
            Err(StoreError::Conflict) => {
                // The next plan is made of what is there now.
                self.take_in(&mut writer).map_err(|error| error::internal(error.to_string()))?;
                Err(error::plan_is_old().into())
            }
            Err(error) => Err(error::not_stored(&error).into()),
        }
    }

    /// Takes in what others who share the store have changed: shows and publishes it. A change of one's own does so by
    /// itself where it meets others'; until then answers are of what was known.
    ///
    /// # Errors
    /// When the store cannot be read, or holds what this program did not write; all stays as it was then.
    pub fn catch_up(&self) -> Result<(), Error> {
        self.take_in(&mut self.writer())
    }

    /// Every stage that exists, in order of creation, and whether it is deployed.
    pub fn stages(&self) -> Vec<(StageKey, bool)> {
        let memory = self.memory();
        let tx = Transaction::new(&memory.state);
        let mut all = Vec::new();
        for (api_id, _) in tx.all("apis") {
            for (name, _) in tx.all(&paths::stages(api_id)) {
                let key = StageKey { api_id: api_id.to_owned(), stage: name.to_owned() };
                let is_deployed = memory.snapshot.stages.contains_key(&key);
                all.push((key, is_deployed));
            }
        }
        all
    }

    /// The names of all APIs, by their ids.
    pub fn api_names(&self) -> HashMap<String, String> {
        let memory = self.memory();
        let tx = Transaction::new(&memory.state);
        let name = |api: &Document| api.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        tx.all("apis").map(|(id, api)| (id.to_owned(), name(api))).collect()
    }

    /// Everything that is stored, as one document; see [`transfer::export`]. Waits for a write that is under way.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn export(&self) -> Result<Value, StoreError> {
        let _writer = self.writer();
        transfer::export(&*self.store)
    }

    // A poisoned lock is taken all the same: what it guards changes only after the last step that can fail.
    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn memory(&self) -> RwLockReadGuard<'_, Memory> {
        self.memory.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// A client's Region is its own business: answers name the one that its signature is for.
    fn settings_for(&self, caller: &Caller) -> Cow<'_, Settings> {
        match caller.region() {
            Some(region) if region != self.settings.place.region => {
                let mut settings = self.settings.clone();
                settings.place.region = region.to_owned();
                Cow::Owned(settings)
            }
            _ => Cow::Borrowed(&self.settings),
        }
    }

    /// Computes under the writers' lock, stores, and only then shows: a failing disk leaves everything as it was. Where
    /// others were quicker, takes in what they did and computes anew.
    fn write<T, E>(
        &self,
        settings: &Settings,
        now: Timestamp,
        work: impl Fn(&mut Transaction) -> Result<T, E>,
        refuse: impl Fn(Fault) -> E,
    ) -> Result<T, E> {
        let mut writer = self.writer();
        for tried in 0..TRIES_MAX {
            if tried >= TRIES_AT_ONCE {
                thread::sleep(PAUSE);
            }
            let memory = self.memory();
            let mut tx = Transaction::new(&memory.state);
            let done = work(&mut tx)?;
            deployments::follow(&Call::none(settings, now), &mut tx, STAGE.members);
            let prepared = prepare(&mut writer, &memory, &tx).map_err(&refuse)?;
            drop(memory);
            match self.commit(&mut writer, prepared) {
                Ok(()) => return Ok(done),
                Err(StoreError::Conflict) => {
                    self.take_in(&mut writer).map_err(|error| refuse(error::internal(error.to_string())))?;
                }
                Err(error) => return Err(refuse(error::not_stored(&error))),
            }
        }
        Err(refuse(error::crowded()))
    }

    fn commit(&self, writer: &mut Writer, prepared: Prepared) -> Result<(), StoreError> {
        if !prepared.changes.is_empty() {
            let revision = self.store.commit(prepared.expected, &prepared.changes)?;
            self.show(writer, prepared, revision);
        }
        Ok(())
    }

    /// Goes the way of a change of one's own, from where the store has it already. Its remarks are told where it was made.
    fn take_in(&self, writer: &mut Writer) -> Result<(), Error> {
        let memory = self.memory();
        let (revision, mut changes) = match self.store.follow(memory.state.revision)? {
            Followed::Changes(revision, changes) => (revision, changes),
            Followed::Gap => {
                let state = loading::load(&*self.store)?;
                (state.revision, memory.state.changes_to(&state))
            }
        };
        loading::adopt(&memory.state, &mut changes);
        let tx = Transaction::over(&memory.state, Overlay::of(&changes));
        let next = writer.publication.next(&memory.snapshot, &tx)?;
        let (expected, remarks, again) = (memory.state.revision, Vec::new(), Told::deployed_or_gone(&tx));
        drop(memory);
        self.show(writer, Prepared { expected, changes, next, remarks, again }, revision);
        Ok(())
    }

    /// Makes a stored batch visible, and publishes what clients can notice of it.
    fn show(&self, writer: &mut Writer, prepared: Prepared, revision: Revision) {
        let Prepared { changes, next, remarks, again, .. } = prepared;
        writer.told.settle(&remarks, &again);
        let is_new = next.is_some();
        let mut memory = self.memory.write().unwrap_or_else(PoisonError::into_inner);
        memory.state.apply(changes, revision);
        if let Some(next) = next {
            memory.snapshot = Arc::new(next);
        }
        let snapshot = memory.snapshot.clone();
        drop(memory);
        if is_new || !remarks.is_empty() {
            (self.publish)(snapshot, remarks);
        }
    }
}

fn prepare(writer: &mut Writer, memory: &Memory, tx: &Transaction) -> Result<Prepared, Fault> {
    let next = writer.publication.next(&memory.snapshot, tx).map_err(|error| error::internal(error.to_string()))?;
    Ok(Prepared {
        expected: memory.state.revision,
        changes: tx.changes(),
        next,
        remarks: writer.told.remarks(tx),
        again: Told::deployed_or_gone(tx),
    })
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
