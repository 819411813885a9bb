//! Several calls as one: all of them or none, and a plan of what they would do.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use serde_json::Value;
use types::time::Timestamp;

use crate::answer;
use crate::crud::{Answer, Call};
use crate::error::{self, Fault};
use crate::handlers::apis;
use crate::operations::{self, Operation};
use crate::paths;
use crate::settings::Settings;
use crate::state::State;
use crate::store::{Document, Revision};
use crate::transaction::{Overlay, Transaction};

/// Takes calls, each of which sees what those before it did; nobody else does until all went well.
pub struct Batch<'b, 's> {
    settings: &'b Settings,
    now: Timestamp,
    tx: &'b mut Transaction<'s>,
    calls: usize,
    /// The first change that was refused: the end of the batch.
    refused: Option<Refused>,
}

impl Batch<'_, '_> {
    /// Has calls made on a transaction.
    pub(crate) fn run<T, E: From<Refused>>(
        settings: &Settings,
        now: Timestamp,
        tx: &mut Transaction,
        calls: impl Fn(&mut Batch) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut batch = Batch { settings, now, tx, calls: 0, refused: None };
        let outcome = calls(&mut batch);
        match batch.refused {
            // Whoever calls may have more to say of it.
            Some(refused) if outcome.is_ok() => Err(refused.into()),
            _ => outcome,
        }
    }

    /// Makes one call. `path` is that of a request, with its query; `body` is JSON, or null for none. Gives the answer's
    /// JSON, or null where it has none.
    ///
    /// # Errors
    /// As a client would be refused. After a refused change the batch as a whole fails, whatever else is called.
    pub fn call(&mut self, method: Method, path: &str, body: &Value) -> Result<Value, Refused> {
        self.run_as(method, path, body, |operation, call, tx| operation.run(call, tx))
    }

    /// Makes a resource, which is there, what it would be if it were created with this body: what the body lacks is as where
    /// nobody said it. `path` is the resource's. Gives its JSON.
    ///
    /// # Errors
    /// As [`Batch::call`].
    pub fn put(&mut self, path: &str, body: &Value) -> Result<Value, Refused> {
        self.run_as(Method::PATCH, path, body, operations::reset)
    }

    /// Creates an API with an id of the caller's choice. Where that is taken, or is none that `_custom_id_` could ask for, it
    /// gets another.
    ///
    /// # Errors
    /// As [`Batch::call`].
    pub fn create_api(&mut self, id: &str, body: &Value) -> Result<Value, Refused> {
        self.run_as(Method::POST, "/v2/apis", body, |_, call, tx| apis::create_as(Some(id), call, tx))
    }

    /// What is kept beside the definitions of a stack of resources.
    pub fn stack(&self, name: &str) -> Option<Arc<Document>> {
        self.tx.get(paths::STACKS, name).cloned()
    }

    /// Every stack that something is kept of, oldest first.
    pub fn stacks(&self) -> Vec<(String, Arc<Document>)> {
        self.tx.all(paths::STACKS).map(|(name, stack)| (name.to_owned(), stack.clone())).collect()
    }

    /// Keeps what a stack consists of, or forgets it. A name is letters, digits and hyphens.
    pub fn keep_stack(&mut self, name: &str, stack: Option<Document>) {
        match stack {
            Some(stack) => self.tx.put(paths::STACKS, name, stack),
            None => self.tx.delete(paths::STACKS, name),
        }
    }

    fn run_as(
        &mut self,
        method: Method,
        path: &str,
        body: &Value,
        run: impl Fn(&Operation, &Call, &mut Transaction) -> Answer,
    ) -> Result<Value, Refused> {
        self.calls += 1;
        let what = format!("{method} {path}");
        let bytes = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
        let is_read = method == Method::GET;
        let answered = Request::builder()
            .method(method)
            .uri(path)
            .body(bytes)
            .map_err(|error| error::bad_request(error.to_string()))
            .and_then(|request| {
                let (operation, call) = answer::call(self.settings, self.now, &request)?;
                run(operation, &call, self.tx)
            });
        answered.map(|body| body.map_or(Value::Null, Value::Object)).map_err(|fault| {
            let refused = Refused { call: self.calls, what, fault };
            if !is_read {
                // Part of it may have been done.
                self.refused.get_or_insert_with(|| refused.clone());
            }
            refused
        })
    }
}

/// Why a batch was not carried out.
#[derive(Clone, Debug)]
pub struct Refused {
    /// Which of its calls failed, counted from 1; 0 where it was none of them.
    pub call: usize,
    what: String,
    fault: Fault,
}

impl Refused {
    /// The status that the call would have been answered with.
    pub fn status(&self) -> StatusCode {
        self.fault.status
    }

    /// What the call would have been answered, without the call.
    pub fn message(&self) -> &str {
        &self.fault.message
    }

    /// The answer that the call would have got.
    pub fn response(&self) -> Response<Bytes> {
        answer::refusal(&self.fault)
    }
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Refused {
        Refused { call: 0, what: String::new(), fault }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fault { status, message, .. } = &self.fault;
        match self.call {
            0 => write!(f, "{status} {message}"),
            _ => write!(f, "{}: {status} {message}", self.what),
        }
    }
}

impl std::error::Error for Refused {}

/// For callers whose errors are sentences.
impl From<Refused> for String {
    fn from(refused: Refused) -> String {
        refused.to_string()
    }
}

/// What a batch would do, before it is carried out.
#[derive(Debug)]
pub struct Plan<T> {
    /// What the batch gives.
    pub outcome: T,
    /// Its changes, oldest resource first. What the gateway writes down of a deployment is none of them.
    pub steps: Vec<Step>,
    pub(crate) revision: Revision,
    pub(crate) overlay: Overlay,
}

/// A resource that a plan creates (nothing is before), changes or deletes (nothing is after).
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Where it stands, such as `apis/a1b2c3d4e5/routes/xrfucl1`.
    pub path: String,
    /// As it is. It may hold secrets, such as the value of an API key.
    pub before: Option<Arc<Document>>,
    /// As it would be.
    pub after: Option<Arc<Document>>,
}

impl<T> Plan<T> {
    pub(crate) fn of(outcome: T, state: &State, tx: Transaction) -> Plan<T> {
        let changes = tx.changes();
        let steps = changes.iter().map(|change| {
            let path = &change.key().path;
            let (collection, id) = crate::state::split(path);
            let (before, after) = (tx.before(collection, id).cloned(), tx.get(collection, id).cloned());
            Step { path: path.clone(), before, after }
        });
        let steps = steps.filter(|step| step.before.is_some() || step.after.is_some()).collect();
        Plan { outcome, steps, revision: state.revision, overlay: tx.into_overlay() }
    }
}
