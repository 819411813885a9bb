//! The control plane itself: answers a call, stores what it changed, shows it to others, tells the data plane.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use serde_json::Value;
use types::id::IdKind;
use types::time::Timestamp;
use types::{Id, Snapshot, StageKey};

use crate::crud::{self, Answer, Call};
use crate::deployments::{self, Told};
use crate::error::{self, Error, Fault};
use crate::handlers::apis;
use crate::handlers::stages::STAGE;
use crate::ids;
use crate::loading;
use crate::operations::Action;
use crate::paths;
use crate::publication::Publication;
use crate::router::{self, Matched};
use crate::settings::{Remark, Settings};
use crate::state::State;
use crate::store::{Document, Store, StoreError};
use crate::transaction::Transaction;
use crate::transfer;

/// Takes each new snapshot, in order.
type Publish = Box<dyn Fn(Arc<Snapshot>, Vec<Remark>) + Send + Sync>;

/// The control plane. Shared behind an `Arc`; calls may come from many threads.
///
/// Writers take turns: compute, store, show, publish. Readers wait for none of it but the showing.
pub struct Control {
    settings: Settings,
    memory: RwLock<Memory>,
    writer: Mutex<Writer>,
    publish: Publish,
}

struct Memory {
    state: State,
    snapshot: Arc<Snapshot>,
}

struct Writer {
    store: Box<dyn Store>,
    publication: Publication,
    told: Told,
}

impl Control {
    /// Loads everything from the store.
    ///
    /// `publish` gets the first snapshot before this returns, and each later one, in order, while the next write
    /// waits; it must be quick and must not call back. When only remarks are new, the snapshot is the same `Arc`.
    ///
    /// # Errors
    /// When the store cannot be read, or holds what this program did not write.
    pub fn open(settings: Settings, mut store: Box<dyn Store>, publish: Publish) -> Result<Control, Error> {
        let state = loading::load(&mut *store)?;
        let mut publication = Publication::default();
        let snapshot = Arc::new(publication.first(&Transaction::new(&state))?);
        publish(snapshot.clone(), Vec::new());
        Ok(Control {
            settings,
            memory: RwLock::new(Memory { state, snapshot }),
            writer: Mutex::new(Writer { store, publication, told: Told::default() }),
            publish,
        })
    }

    /// Whether a path is the control plane's: below `/v2`, or below a root of the v1 API that WebSocket APIs need.
    pub fn owns(path: &str) -> bool {
        router::owns(path)
    }

    /// Answers one call of an AWS client. Never fails: refusals and failures are answers too.
    ///
    /// Blocks for the disk on writes; a write is durable before this returns. The size of the body is the caller's
    /// to bound (`Limits::control_body_bytes`).
    pub fn handle(&self, request: Request<Bytes>) -> Response<Bytes> {
        match self.answer(&request) {
            Ok((status, Some(body))) => respond(status, None, &Value::Object(body)),
            Ok((status, None)) => headed(status, None, Bytes::new()),
            Err(fault) => {
                let mut body = Document::new();
                body.insert("message".into(), Value::String(fault.message));
                respond(fault.status, Some(fault.name), &Value::Object(body))
            }
        }
    }

    /// Every stage that exists, in order of creation, and whether it is deployed.
    pub fn stages(&self) -> Vec<(StageKey, bool)> {
        let memory = self.memory.read().unwrap_or_else(PoisonError::into_inner);
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
        let memory = self.memory.read().unwrap_or_else(PoisonError::into_inner);
        let tx = Transaction::new(&memory.state);
        let name = |api: &Document| api.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        tx.all("apis").map(|(id, api)| (id.to_owned(), name(api))).collect()
    }

    /// Everything that is stored, as one document; see [`transfer::export`]. Waits for a write that is under way.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn export(&self) -> Result<Value, StoreError> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        transfer::export(&mut *writer.store)
    }

    fn answer(&self, request: &Request<Bytes>) -> Result<(StatusCode, Option<Document>), Fault> {
        let Matched { operation, params, query } =
            router::route(request.method(), request.uri().path(), request.uri().query().unwrap_or_default())?;
        if let Action::OutOfScope(why) = operation.action {
            return Err(error::out_of_scope(operation.name, why));
        }
        let body = match (operation.action, request.method()) {
            (Action::WriteRaw(_) | Action::HttpOnly(_), _) => Document::new(),
            (_, &Method::POST | &Method::PATCH | &Method::PUT) => read_body(request.body())?,
            _ => Document::new(),
        };
        // A client's Region is its own business: answers name the one that its signature is for.
        let abroad = scope_region(request).filter(|region| *region != self.settings.place.region);
        let abroad = abroad.map(|region| {
            let mut settings = self.settings.clone();
            settings.place.region = region.to_owned();
            settings
        });
        let settings = abroad.as_ref().unwrap_or(&self.settings);
        let call = Call { settings, now: now(), params, query, body, raw: request.body(), taken: None };
        let body = match operation.action {
            Action::Get(resource) => self.read(&call, |call, tx| crud::get(resource, call, tx)),
            Action::List(resource) => self.read(&call, |call, tx| crud::list(resource, call, tx)),
            Action::Read(handler) => self.read(&call, handler),
            Action::Create(resource) => self.write(&call, |call, tx| crud::create(resource, call, tx)),
            Action::Update(resource) => self.write(&call, |call, tx| crud::update(resource, call, tx)),
            Action::Delete(resource) => self.write(&call, |call, tx| crud::delete(resource, call, tx)),
            Action::Write(handler) | Action::WriteRaw(handler) => self.write(&call, handler),
            Action::HttpOnly(subject) => self.read(&call, |call, tx| apis::http_only(subject, call, tx)),
            Action::OutOfScope(_) => Ok(None),
        }?;
        let status = StatusCode::from_u16(operation.success).map_err(|error| error::internal(error.to_string()))?;
        Ok((status, body))
    }

    fn read(&self, call: &Call, handler: impl Fn(&Call, &mut Transaction) -> Answer) -> Answer {
        let memory = self.memory.read().unwrap_or_else(PoisonError::into_inner);
        handler(call, &mut Transaction::new(&memory.state))
    }

    /// Computes under the writers' lock, stores, and only then shows: a failing disk leaves everything as it was.
    fn write(&self, call: &Call, handler: impl Fn(&Call, &mut Transaction) -> Answer) -> Answer {
        // A poisoned lock is taken all the same: what it guards changes only after the last step that can fail.
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let memory = self.memory.read().unwrap_or_else(PoisonError::into_inner);
        let mut tx = Transaction::new(&memory.state);
        let answer = handler(call, &mut tx)?;
        deployments::follow(call, &mut tx, STAGE.members);
        let next =
            writer.publication.next(&memory.snapshot, &tx).map_err(|error| error::internal(error.to_string()))?;
        let remarks = writer.told.remarks(&tx);
        let again = Told::deployed_or_gone(&tx);
        let changes = tx.into_changes();
        drop(memory);
        if changes.is_empty() {
            return Ok(answer);
        }
        writer.store.commit(&changes).map_err(|error| error::not_stored(&error))?;
        writer.told.settle(&remarks, &again);
        let is_new = next.is_some();
        let mut memory = self.memory.write().unwrap_or_else(PoisonError::into_inner);
        memory.state.apply(changes);
        if let Some(next) = next {
            memory.snapshot = Arc::new(next);
        }
        let snapshot = memory.snapshot.clone();
        drop(memory);
        if is_new || !remarks.is_empty() {
            (self.publish)(snapshot, remarks);
        }
        Ok(answer)
    }
}

/// The Region in the scope of a signature: `…Credential=ID/DATE/REGION/SERVICE/aws4_request…`.
fn scope_region<B>(request: &Request<B>) -> Option<&str> {
    let authorization = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
    let region = authorization.split_once("Credential=")?.1.split(',').next()?.split('/').nth(2)?;
    let is_region = (1..=32).contains(&region.len()) && region.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    is_region.then_some(region)
}

/// How deep a body may be nested: as deep as the parser goes, which stops there by itself.
const DEPTH_MAX: usize = 127;

/// The body as a JSON object; an empty one counts as `{}`, as for clients that send none.
fn read_body(body: &Bytes) -> Result<Document, Fault> {
    if body.is_empty() {
        return Ok(Document::new());
    }
    serde_json::from_slice(body).map_err(|error| {
        if is_deeper_than(body, DEPTH_MAX) { error::nested_too_deep() } else { error::not_json(&error.to_string()) }
    })
}

/// Whether brackets outside of texts are nested deeper than this.
fn is_deeper_than(body: &[u8], most: usize) -> bool {
    let (mut depth, mut in_text, mut is_escaped) = (0usize, false, false);
    body.iter().any(|byte| {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_text => is_escaped = true,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => depth += 1,
            b'}' | b']' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > most
    })
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

fn respond(status: StatusCode, name: Option<&'static str>, body: &Value) -> Response<Bytes> {
    headed(status, name, Bytes::from(body.to_string()))
}

/// Source of the headers: observed (the error name is what SDKs dispatch on, the ids are what people report).
fn headed(status: StatusCode, name: Option<&'static str>, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(name) = name {
        headers.insert("x-amzn-errortype", HeaderValue::from_static(name));
    }
    let gateway_id = Id::new(IdKind::Request, 0, rand::random()).to_string();
    for (name, id) in [("x-amzn-requestid", ids::uuid()), ("x-amz-apigw-id", gateway_id)] {
        if let Ok(id) = HeaderValue::from_str(&id) {
            headers.insert(name, id);
        }
    }
    response
}

#[cfg(test)]
mod tests;
