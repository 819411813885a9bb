//! One function: its environments, and who gets which.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use integration::{Invocation, Invoked};
use tokio::sync::{Semaphore, oneshot};
use types::headers::Headers;
use types::message::InvocationType;

use crate::api::{Job, Outcome};
use crate::environment::{Environment, Ran, Ready};
use crate::launch::Settings;
use crate::watch::{Notice, Watch};
use crate::{Voice, failure, strays};

/// How many calls may wait for a process of one function; more are throttled.
const WAITING_MAX: usize = 1000;
/// How many bytes their payloads may have together; beyond that, too, calls are throttled.
const WAITING_BYTES_MAX: usize = 256 * 1024 * 1024;
/// How long a call waits for a process that has answered to ask again, before it gets another one.
const ASKS_WITHIN: Duration = Duration::from_secs(1);

pub(crate) struct Function {
    settings: Settings,
    command: Vec<String>,
    voice: Arc<dyn Voice>,
    /// As many as it may have processes.
    places: Arc<Semaphore>,
    waiting: AtomicUsize,
    waiting_bytes: AtomicUsize,
    idle: Mutex<Vec<Environment>>,
    /// Grows when the code changes, and when it is stopped; environments of before are not used again.
    generation: AtomicU64,
    watch: Mutex<Option<Watch>>,
}

impl Function {
    pub(crate) fn new(settings: Settings, voice: Arc<dyn Voice>) -> Result<Arc<Function>, String> {
        let command = settings.command()?;
        let code = settings.code.clone();
        let function = Arc::new(Function {
            places: Arc::new(Semaphore::new(settings.concurrency.clamp(1, Semaphore::MAX_PERMITS))),
            settings,
            command,
            voice,
            waiting: AtomicUsize::new(0),
            waiting_bytes: AtomicUsize::new(0),
            idle: Mutex::default(),
            generation: AtomicU64::new(0),
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

    /// Ends its processes, those that run something when that has ended.
    pub(crate) fn stop(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
        self.end_idle();
    }

    pub(crate) fn renew(&self, why: &str) {
        self.generation.fetch_add(1, Ordering::AcqRel);
        if self.end_idle() > 0 {
            self.tell(None, why);
        }
    }

    // How many there were. What they began is ended before this returns: the program may end then.
    fn end_idle(&self) -> usize {
        let idle = self.idle.lock().map(|mut idle| std::mem::take(&mut *idle)).unwrap_or_default();
        let count = idle.len();
        strays::end(&idle.into_iter().filter_map(Environment::end).collect::<Vec<_>>());
        count
    }

    fn tell(&self, request_id: Option<&str>, text: &str) {
        self.voice.told(&self.settings.name, request_id, text);
    }

    /// Runs it, or has it queued. A caller that goes away changes nothing: what was begun runs to its end.
    pub(crate) async fn invoke(self: &Arc<Self>, invocation: &Invocation<'_>) -> Invoked {
        let request_id = request_id();
        let mut headers = Headers::new();
        headers.append("x-amzn-RequestId", request_id.clone());
        let Ok(client_context) = client_context(invocation.headers) else { return failure::bad_client_context() };
        if invocation.kind == InvocationType::DryRun {
            return Invoked { status: 204, headers, payload: Bytes::new(), failed: false };
        }
        if !self.may_wait(invocation.payload.len()) {
            return failure::throttled();
        }
        let (answer, answered) = oneshot::channel();
        let job = Job {
            request_id: request_id.clone(),
            payload: invocation.payload.clone(),
            arn: invoked_arn(&self.settings, invocation.function),
            deadline: 0,
            // Source: documented ("for synchronous invocations only").
            client_context: client_context.filter(|_| invocation.kind == InvocationType::RequestResponse),
            trace_id: invocation.headers.get("X-Amzn-Trace-Id").map(str::to_owned),
            answer: oneshot::channel().0,
        };
        let function = self.clone();
        let is_waited_for = invocation.kind == InvocationType::RequestResponse;
        tokio::spawn(async move { function.run(job, answer, is_waited_for).await });
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

    fn may_wait(&self, bytes: usize) -> bool {
        let others = self.waiting.fetch_add(1, Ordering::AcqRel);
        let other_bytes = self.waiting_bytes.fetch_add(bytes, Ordering::AcqRel);
        let may = others < WAITING_MAX && other_bytes < WAITING_BYTES_MAX;
        if !may {
            self.waits_no_more(bytes);
        }
        may
    }

    fn waits_no_more(&self, bytes: usize) {
        self.waiting.fetch_sub(1, Ordering::AcqRel);
        self.waiting_bytes.fetch_sub(bytes, Ordering::AcqRel);
    }

    async fn run(self: &Arc<Self>, job: Job, answer: oneshot::Sender<Outcome>, is_waited_for: bool) {
        let place = self.places.acquire().await;
        self.waits_no_more(job.payload.len());
        if is_waited_for && answer.is_closed() {
            // Whoever called went away while others ran: they are not kept waiting for nothing.
            return;
        }
        let id = job.request_id.clone();
        let found = match self.idle_one().await {
            Some(environment) => Ok(environment),
            None => {
                let generation = self.generation.load(Ordering::Acquire);
                Environment::begin(&self.settings, &self.command, &self.voice, generation).await
            }
        };
        let mut environment = match found {
            Ok(environment) => environment,
            Err(why) => {
                self.tell(Some(&id), &format!("cannot be begun: {why}"));
                let _ = answer.send(Outcome::Failed(failure::not_begun(&why)));
                return;
            }
        };
        let timeout = self.settings.timeout;
        let Ran { outcome, goes_on, took, init } = environment.run(job, timeout, || now_ms() + ms(timeout)).await;
        self.report(&id, &outcome, took, init);
        if goes_on && self.is_current(&environment) {
            // Before the answer: a caller who asks again at once gets this one.
            self.rest(environment);
        }
        drop(place);
        // Nobody may wait for it any more.
        let _ = answer.send(outcome);
    }

    fn is_current(&self, environment: &Environment) -> bool {
        environment.generation == self.generation.load(Ordering::Acquire)
    }

    fn rest(&self, environment: Environment) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(environment);
    }

    async fn idle_one(self: &Arc<Self>) -> Option<Environment> {
        loop {
            let mut environment = self.take_one()?;
            if !self.is_current(&environment) {
                continue;
            }
            match environment.ready(ASKS_WITHIN).await {
                Ready::Asks => return Some(environment),
                Ready::Ended => {}
                Ready::Busy => self.set_aside(environment),
            }
        }
    }

    // Of those that ask the one that ran last: the others may rest. Else the one that ran last, which may not have asked yet.
    fn take_one(&self) -> Option<Environment> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let last = idle.len().checked_sub(1)?;
        let at = idle.iter().rposition(Environment::is_asking).unwrap_or(last);
        Some(idle.remove(at))
    }

    // What goes on after its answer may do so for as long as a call may take, where it is in nobody's way.
    fn set_aside(self: &Arc<Self>, mut environment: Environment) {
        let Ok(place) = self.places.clone().try_acquire_owned() else {
            self.tell(
                None,
                "a process has answered and asks for nothing more; it is ended, because its place is needed",
            );
            return;
        };
        let function = self.clone();
        tokio::spawn(async move {
            let left = function.settings.timeout.saturating_sub(environment.since_last());
            match environment.ready(left).await {
                Ready::Asks if function.is_current(&environment) => function.rest(environment),
                Ready::Asks | Ready::Ended => {}
                Ready::Busy => {
                    function
                        .tell(None, "a process has answered and asks for nothing more; it is ended, its time is over");
                }
            }
            drop(place);
        });
    }

    // As Lambda's own line, of which billing and memory are nobody's here.
    fn report(&self, id: &str, outcome: &Outcome, took: Duration, init: Option<Duration>) {
        let shown = |took: Duration| format!("{:.2} ms", took.as_secs_f64() * 1000.0);
        let init = init.map(|init| format!("  Init Duration: {}", shown(init))).unwrap_or_default();
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

fn now_ms() -> u64 {
    ms(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
