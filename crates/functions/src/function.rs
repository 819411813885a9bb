//! One function: its environments, and who gets which.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use integration::{Invocation, Invoked};
use tokio::runtime::Handle;
use tokio::sync::{Notify, oneshot};
use types::headers::Headers;
use types::message::InvocationType;

use crate::launch::Settings;
use crate::process::Grip;
use crate::roster::{Asked, Call, Deed, Delivery, Job, Look, Outcome, Roster};
use crate::watch::{Notice, Watch};
use crate::{Voice, failure, strays};

/// Begins an environment: there, with this place in the roster, and a bell to call its keeper by.
pub(crate) type Begin = fn(&Handle, Arc<Function>, u64, Arc<Notify>);

pub(crate) struct Function {
    settings: Settings,
    command: Vec<String>,
    voice: Arc<dyn Voice>,
    begin: Begin,
    roster: Mutex<Roster>,
    /// Where it was called: its watch has a thread without one.
    runtime: OnceLock<Handle>,
    watch: Mutex<Option<Watch>>,
}

impl Function {
    pub(crate) fn new(settings: Settings, voice: Arc<dyn Voice>, begin: Begin) -> Result<Arc<Function>, String> {
        let command = settings.command()?;
        let code = settings.code.clone();
        let function = Arc::new(Function {
            roster: Mutex::new(Roster::new(settings.concurrency, settings.timeout)),
            runtime: OnceLock::new(),
            settings,
            command,
            voice,
            begin,
            watch: Mutex::default(),
        });
        let changed = Arc::downgrade(&function);
        let watch = Watch::begin(&code, move |notice| match (changed.upgrade(), notice) {
            (Some(function), Notice::Changed) => {
                function.renew("its code has changed: the next call gets a new process")
            }
            (Some(function), Notice::Unwatched(why)) => {
                function.tell(None, &format!("some changes of its code are not noticed: {why}"));
            }
            (None, _) => {}
        });
        match watch {
            Ok(watch) => *function.watch.lock().unwrap_or_else(PoisonError::into_inner) = Some(watch),
            Err(why) => function.tell(None, &format!("changes of its code are not noticed: {why}")),
        }
        Ok(function)
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn command(&self) -> &[String] {
        &self.command
    }

    pub(crate) fn voice(&self) -> &Arc<dyn Voice> {
        &self.voice
    }

    /// Ends its processes, those that run something when that has ended.
    pub(crate) fn stop(self: &Arc<Self>) {
        self.end_idle();
    }

    pub(crate) fn renew(self: &Arc<Self>, why: &str) {
        if self.end_idle() > 0 {
            self.tell(None, why);
        }
    }

    // How many there were. What they began is ended before this returns: the program may end then.
    fn end_idle(self: &Arc<Self>) -> usize {
        let idle = self.with(|roster, deeds| roster.renew(Instant::now(), deeds));
        strays::end(&idle.iter().filter_map(|grip| grip.end()).collect::<Vec<_>>());
        idle.len()
    }

    fn tell(&self, request_id: Option<&str>, text: &str) {
        self.voice.told(&self.settings.name, request_id, text);
    }

    /// Runs it, or has it queued. A caller that goes away changes nothing: what was begun runs to its end.
    pub(crate) async fn invoke(self: &Arc<Self>, invocation: &Invocation<'_>) -> Invoked {
        let request_id: Arc<str> = request_id().into();
        let mut headers = Headers::new();
        headers.append("x-amzn-RequestId", request_id.to_string());
        let Ok(client_context) = client_context(invocation.headers) else { return failure::bad_client_context() };
        if invocation.kind == InvocationType::DryRun {
            return Invoked { status: 204, headers, payload: Bytes::new(), failed: false };
        }
        let (answer, answered) = oneshot::channel();
        let is_waited_for = invocation.kind == InvocationType::RequestResponse;
        let job = Job {
            request_id: request_id.clone(),
            payload: invocation.payload.clone(),
            arn: invoked_arn(&self.settings, invocation.function),
            // Source: documented ("for synchronous invocations only").
            client_context: client_context.filter(|_| is_waited_for),
            trace_id: invocation.headers.get("X-Amzn-Trace-Id").map(str::to_owned),
        };
        let call = Call { job, answer, is_waited_for };
        self.runtime.get_or_init(Handle::current);
        if !self.with(|roster, deeds| roster.call(call, Instant::now(), deeds)) {
            return failure::throttled();
        }
        if invocation.kind == InvocationType::Event {
            return Invoked { status: 202, headers, payload: Bytes::new(), failed: false };
        }
        headers.append("X-Amz-Executed-Version", "$LATEST");
        let outcome = answered.await;
        let outcome =
            outcome.unwrap_or_else(|_| Outcome::Failed(failure::exited(&request_id, "without providing a reason")));
        match outcome {
            Outcome::Answered(payload) => Invoked { status: 200, headers, payload, failed: false },
            Outcome::Failed(payload) => {
                headers.append("X-Amz-Function-Error", "Unhandled");
                Invoked { status: 200, headers, payload, failed: true }
            }
        }
    }

    /// See [`Roster::asks`].
    pub(crate) fn asks(self: &Arc<Self>, id: u64) -> Asked {
        self.with(|roster, deeds| roster.asks(id, Instant::now(), deeds))
    }

    /// See [`Roster::answers`].
    pub(crate) fn answers(
        self: &Arc<Self>,
        id: u64,
        request_id: &str,
        outcome: impl FnOnce() -> Outcome,
    ) -> Option<Delivery> {
        self.with(|roster, deeds| roster.answers(id, request_id, outcome, Instant::now(), deeds))
    }

    pub(crate) fn fails_to_begin(&self, id: u64, said: Bytes) {
        self.roster().fails_to_begin(id, said);
    }

    pub(crate) fn has_begun(&self, id: u64, grip: Arc<Grip>) {
        self.roster().has_begun(id, grip);
    }

    pub(crate) fn is_not_begun(self: &Arc<Self>, id: u64, why: &str) {
        let call = self.with(|roster, deeds| roster.is_not_begun(id, Instant::now(), deeds));
        if let Some(Call { job, answer, .. }) = call {
            self.tell(Some(&job.request_id), &format!("cannot be begun: {why}"));
            let _ = answer.send(Outcome::Failed(failure::not_begun(why)));
        }
    }

    pub(crate) fn has_ended(self: &Arc<Self>, id: u64, how: &str) {
        self.with(|roster, deeds| roster.has_ended(id, how, Instant::now(), deeds));
    }

    /// See [`Roster::look`]. What is over has ended in any case: what comes of that is for [`Function::does`], later.
    pub(crate) fn look(&self, id: u64) -> (Look, Vec<Deed>) {
        let mut deeds = Vec::new();
        let look = self.roster().look(id, Instant::now(), &mut deeds);
        (look, deeds)
    }

    /// Tells whoever waits what came of a call, and the log.
    pub(crate) fn deliver(&self, delivery: Delivery) {
        self.report(&delivery);
        // Nobody may wait for it any more.
        let _ = delivery.answer.send(delivery.outcome);
    }

    /// Does what is to be done.
    pub(crate) fn does(self: &Arc<Self>, deeds: Vec<Deed>) {
        for deed in deeds {
            match deed {
                Deed::Begin(id, bell) => {
                    if let Some(runtime) = self.runtime.get() {
                        (self.begin)(runtime, self.clone(), id, bell);
                    }
                }
                Deed::Deliver(delivery) => self.deliver(delivery),
                Deed::Tell(text) => self.tell(None, text),
            }
        }
    }

    fn with<T>(self: &Arc<Self>, what: impl FnOnce(&mut Roster, &mut Vec<Deed>) -> T) -> T {
        let mut deeds = Vec::new();
        let out = what(&mut self.roster(), &mut deeds);
        self.does(deeds);
        out
    }

    fn roster(&self) -> MutexGuard<'_, Roster> {
        self.roster.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // As Lambda's own line, of which billing and memory are nobody's here.
    fn report(&self, delivery: &Delivery) {
        if !self.voice.is_heard() {
            return;
        }
        let Delivery { request_id: id, outcome, took, init, .. } = delivery;
        let shown = |took: &Duration| format!("{:.2} ms", took.as_secs_f64() * 1000.0);
        let init = init.as_ref().map(|init| format!("  Init Duration: {}", shown(init))).unwrap_or_default();
        let failed = match outcome {
            Outcome::Answered(_) => String::new(),
            Outcome::Failed(said) => format!("  Failed: {}", brief(said)),
        };
        self.tell(Some(id), &format!("REPORT RequestId: {id}  Duration: {}{init}{failed}", shown(took)));
    }
}

/// How much of a failure the log repeats, in bytes.
const FAILURE_SHOWN_MAX: usize = 500;

fn brief(said: &Bytes) -> String {
    String::from_utf8_lossy(&said[..said.len().min(FAILURE_SHOWN_MAX)]).into_owned()
}

// What a caller says of its client, as a header can carry it. The error: it is not what it must be.
fn client_context(headers: &Headers) -> Result<Option<String>, ()> {
    let Some(text) = headers.get("X-Amz-Client-Context") else { return Ok(None) };
    let bytes = BASE64_STANDARD.decode(text).map_err(|_| ())?;
    let object: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&bytes).map_err(|_| ())?;
    let mut out = String::new();
    for c in serde_json::Value::Object(object).to_string().chars() {
        match c {
            // Anything else stands in strings only.
            ' '..='~' => out.push(c),
            _ => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out += &format!("\\u{unit:04x}")),
        }
    }
    Ok(Some(out))
}

// What the caller named it by, as far as that was said.
fn invoked_arn(settings: &Settings, function: &types::arn::Function) -> String {
    match function.account_id.is_empty() {
        true => settings.arn(),
        false => function.to_string(),
    }
}

// The form of a random UUID, as Lambda's ids have. Source: documented.
fn request_id() -> String {
    let (high, low) = (rand::random::<u64>(), rand::random::<u64>());
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xfff,
        0x8000 | low >> 48 & 0x3fff,
        low & 0xffff_ffff_ffff
    )
}
