//! Writes down each step of the walk, for the execution log and the console.
//!
//! The record is made once; the CloudWatch-shaped lines, the console's view and the warnings are views of it. Where
//! nobody reads, nothing is kept.

mod brief;
mod lines;
mod push;
mod record;
pub(crate) mod secrets;

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use mapping::{Call, Checks, Mapped, Note, Reply, Route};
use types::event::{Event, EventKind};
use types::message::{CallTimes, IntegrationRequest, IntegrationResponse, Target};
use types::snapshot::StageKey;

pub use lines::{Line, LineKind};
pub use push::Push;
pub(crate) use record::request_json;
pub use record::{AuthorizerStep, Part, Record, Remark, Secrets, Span, Step, Timed};

use crate::access_log::AccessLine;
use crate::authorizer_log::AuthorizerLog;
use crate::metrics::RouteMetrics;
use crate::refusal::{Outcome, Refusal};
use crate::stages::Compiled;

/// Where records go. Implemented by the program; called on the data path, so it must not block.
pub trait LogSink: Send + Sync {
    /// Whether somebody watches all stages (an open console) and another event has room in what that may cost, whatever
    /// the stage's logging level. Asked once an event.
    fn watched(&self) -> bool;

    /// Takes a record whose event is over.
    fn write(&self, record: Record);

    /// Takes what a backend said to a client, or tried to.
    fn push(&self, push: Push);

    /// Says something about a stage, or about none, that nothing has a record of. Called seldom.
    fn say(&self, stage: Option<&StageKey>, text: String);

    /// Whether access logs are written at all.
    fn keeps_access(&self) -> bool;

    /// Takes a line of an access log.
    fn access(&self, line: AccessLine);
}

/// The log of one event while it runs.
pub(crate) struct ExecutionLog<'s> {
    sink: &'s dyn LogSink,
    stage: Option<&'s Compiled>,
    record: Record,
    /// What is counted of the route, where its metrics are detailed.
    route_metrics: Option<&'s Arc<RouteMetrics>>,
    /// When it was opened; `None`: only failures and what it takes to tell them are kept, and no clock is read.
    opened: Option<Instant>,
}

impl<'s> ExecutionLog<'s> {
    /// `stage` is missing only when it went away under its connection; then failures alone are kept.
    /// `came` is what [`now_if_kept`] gave before the event waited for its turn.
    pub(crate) fn open(
        sink: &'s dyn LogSink,
        event: &Event,
        stage: Option<&'s Compiled>,
        came: Option<Instant>,
    ) -> ExecutionLog<'s> {
        let logging = stage.map_or_else(Default::default, |stage| stage.plan.default_logging);
        let record = Record::open(event, logging, came.is_some());
        let mut log = ExecutionLog { sink, stage, opened: came, record, route_metrics: None };
        log.passed(Part::Queue);
        log
    }

    /// A part of the walk is over, which began where the last one ended.
    pub(crate) fn passed(&mut self, part: Part) {
        if let Some(opened) = self.opened {
            let began = self.record.spans.last().map_or(Duration::ZERO, Span::ended);
            self.record.spans.push(Span::new(part, began, opened.elapsed()));
        }
    }

    /// Writes down what a step gave, its notes too, and hands it on.
    pub(crate) fn step<T: Recorded, E: Into<Refusal>>(
        &mut self,
        part: Part,
        event: &Event,
        result: Result<T, E>,
    ) -> Result<T::Value, Refusal> {
        self.passed(part);
        match result {
            Ok(done) => Ok(done.record(self, event)),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether the steps of the event are kept, so that times are wanted.
    pub(crate) fn keeps_steps(&self) -> bool {
        self.opened.is_some()
    }

    /// Ends the log, has the outcome delivered, and gives the record to its readers. What is counted is so before the client
    /// can know.
    pub(crate) fn close(mut self, event: &Event, outcome: Outcome, deliver: impl FnOnce(&Event, &Outcome)) -> Outcome {
        // On the way it may have become known whose connection it is.
        self.record.connection.clone_from(&event.connection);
        let mut refused = None;
        let facts = &mut self.record.facts;
        match &outcome {
            Ok(reply) => {
                facts.status = reply.as_ref().map_or(200, |reply| reply.status);
                let connect = matches!(event.kind, EventKind::Connect(_));
                refused = reply.as_ref().filter(|reply| connect && !(200..300).contains(&reply.status)).map(refusal_of);
                let reply = reply.as_ref().filter(|reply| reply.two_way && !reply.body.is_empty());
                facts.reply_bytes = reply.map(|reply| reply.body.len());
            }
            Err(refusal) => {
                let failure = refusal.failure();
                facts.status = refusal.status();
                facts.reply_bytes = Some(failure.message.len());
                facts.failure = Some(Box::new(failure));
                self.push(Step::Failed(refusal.log_line()));
                if let Some(remedy) = &refusal.remedy {
                    self.push(remark((**remedy).clone()));
                }
            }
        }
        if let Some(stage) = self.stage {
            let throttled_by = outcome.as_ref().err().and_then(Refusal::throttled_by);
            self.tell(stage, event, throttled_by);
        }
        // A client that is sent away is always told of: the developer may not know that the backend had a say.
        let is_told = self.opened.is_some() || outcome.is_err() || refused.is_some();
        if let Some(refused) = refused {
            self.push(Step::Refused(refused));
        }
        deliver(event, &outcome);
        self.passed(Part::Deliver);
        if is_told {
            self.record.deployment_id = self.stage.and_then(|stage| stage.plan.deployment_id.clone());
            self.sink.write(self.record);
        }
        outcome
    }

    // The metrics and the access log: the other two views of the facts.
    fn tell(&self, stage: &Compiled, event: &Event, throttled_by: Option<&str>) {
        let record = &self.record;
        stage.metrics.count(event, &record.facts, throttled_by);
        if let Some(route) = self.route_metrics {
            route.count(event, &record.facts);
        }
        let Some(log) = stage.plan.access_log.as_ref().filter(|_| self.sink.keeps_access()) else { return };
        if let Some(text) = stage.plan.access_line(record.route_key.as_deref(), event, &record.facts) {
            let connection = record.connection.clone();
            let log_group = log.log_group.clone();
            self.sink.access(AccessLine { log_group, connection, request_id: record.request_id, text });
        }
    }

    /// What an authorizer writes into.
    pub(crate) fn for_authorizer(&self) -> AuthorizerLog {
        AuthorizerLog::new(self.opened.is_some())
    }

    /// Takes what an authorizer wrote down.
    pub(crate) fn authorized(&mut self, told: Box<AuthorizerLog>) {
        let AuthorizerLog { checks, steps } = *told;
        if let Some(opened) = self.opened {
            let timed =
                steps.into_iter().flatten().map(|(at, step)| Timed::new(at.saturating_duration_since(opened), step));
            self.record.steps.extend(timed);
        }
        self.record.facts.checks = (checks != Checks::default()).then(|| Box::new(checks));
    }

    // The call's one span becomes its parts, where these are known.
    fn passed_call(&mut self, times: CallTimes) {
        let Some(call) = self.record.spans.pop_if(|last| last.part == Part::Call) else { return };
        let (began, ended) = (call.began(), call.ended());
        let mut from = began;
        let parts = [(Part::Connect, times.connected), (Part::Send, times.sent), (Part::Wait, times.answered)];
        for (part, micros) in parts {
            let to = (began + Duration::from_micros(micros.into())).clamp(from, ended);
            self.record.spans.push(Span::new(part, from, to));
            from = to;
        }
        self.record.spans.push(Span::new(Part::Read, from, ended));
    }

    fn keep(&mut self, step: impl FnOnce() -> Step) {
        if self.opened.is_some() {
            self.push(step());
        }
    }

    fn push(&mut self, step: Step) {
        let after = match (self.opened, self.record.spans.last()) {
            (Some(_), Some(last)) => last.ended(),
            (Some(opened), None) => opened.elapsed(),
            (None, _) => since(self.record.at.0),
        };
        self.record.steps.push(Timed::new(after, step));
    }

    // These remarks cost a reading of the body, so they are made only where somebody reads them.
    fn remark_on_request(&mut self, event: &Event, request: &IntegrationRequest) {
        let Some(stage) = self.stage.filter(|_| self.opened.is_some()) else { return };
        let route = self.record.route_key.as_deref().and_then(|key| stage.plan.route(key));
        let notes = route.map(|route| mapping::remarks::on_request(&stage.plan, route, event, request));
        self.notes(notes.unwrap_or_default());
    }

    fn remark_on_selection(&mut self, event: &Event, route: &Route) {
        let Some(stage) = self.stage.filter(|_| self.opened.is_some()) else { return };
        let EventKind::Message(_) = &event.kind else { return };
        let unfit = &*route.key == "$default" && stage.plan.has_own_routes();
        let note = unfit.then(|| mapping::remarks::on_selection(&stage.plan, event)).flatten();
        let nothing_fits = stage.selections.count(unfit) && note.is_none();
        self.notes(
            note.into_iter().chain(nothing_fits.then(|| mapping::remarks::on_no_selection(&stage.plan))).collect(),
        );
    }

    fn notes(&mut self, notes: Vec<Note>) {
        for note in notes {
            self.keep(|| remark(note));
        }
    }
}

fn remark(note: Note) -> Step {
    let text = note.to_string();
    Step::Note(Box::new(Remark { note, text }))
}

fn refusal_of(reply: &Reply) -> String {
    match mapping::remarks::said(&reply.body) {
        said if said.is_empty() => format!("client refused: the backend answered $connect with {}", reply.status),
        said => format!("client refused: the backend answered $connect with {} `{said}`", reply.status),
    }
}

/// The time, where the steps of such an event are kept; else no clock is read.
pub(crate) fn now_if_kept(sink: &dyn LogSink, stage: Option<&Compiled>, is_traced: bool) -> Option<Instant> {
    let is_logged = stage.is_some_and(|stage| stage.plan.logs || stage.is_watched());
    (is_logged || is_traced || sink.watched()).then(Instant::now)
}

/// What a step gives, and how it is written down.
pub(crate) trait Recorded {
    type Value;
    fn record(self, log: &mut ExecutionLog<'_>, event: &Event) -> Self::Value;
}

impl Recorded for () {
    type Value = ();
    fn record(self, _: &mut ExecutionLog<'_>, _: &Event) {}
}

impl Recorded for Reply {
    type Value = Reply;
    fn record(self, _: &mut ExecutionLog<'_>, _: &Event) -> Reply {
        self
    }
}

impl<'p> Recorded for Option<&'p Route> {
    type Value = Option<&'p Route>;
    fn record(self, log: &mut ExecutionLog<'_>, event: &Event) -> Self::Value {
        if let Some(route) = self {
            log.record.logging = route.logging;
            log.route_metrics = log.stage.and_then(|stage| stage.route_metrics(route));
            log.record.route_key = Some(route.key.clone());
            log.remark_on_selection(event, route);
        }
        self
    }
}

// What is kept is shared with the walk, not copied.
impl Recorded for Mapped<Option<IntegrationRequest>> {
    type Value = Option<Arc<IntegrationRequest>>;
    fn record(self, log: &mut ExecutionLog<'_>, event: &Event) -> Self::Value {
        let request = self.value.map(Arc::new);
        if let Some(request) = &request {
            let mock = matches!(request.target, Target::Mock { .. });
            let function = matches!(request.target, Target::Function(_));
            log.record.facts.call = Some(Call { mock, function, ..Call::default() });
            log.keep(|| Step::Request(request.clone()));
            log.remark_on_request(event, request);
        }
        log.notes(self.notes);
        request
    }
}

impl Recorded for IntegrationResponse {
    type Value = Arc<IntegrationResponse>;
    fn record(self, log: &mut ExecutionLog<'_>, _: &Event) -> Self::Value {
        if let Some(call) = &mut log.record.facts.call {
            call.answer = Some((self.status, self.latency));
        }
        if let Some(times) = self.times {
            log.passed_call(times);
        }
        let response = Arc::new(self);
        log.keep(|| Step::Response(response.clone()));
        response
    }
}

impl Recorded for Mapped<Reply> {
    type Value = Reply;
    fn record(self, log: &mut ExecutionLog<'_>, _: &Event) -> Self::Value {
        if let Some(call) = log.record.facts.call.as_mut().filter(|call| call.function) {
            call.returned = Some(self.value.status);
        }
        log.keep(|| Step::Reply(self.value.clone()));
        log.notes(self.notes);
        self.value
    }
}

/// How long ago that was, in milliseconds since 1970. The clock is no argument, because it is read only where somebody reads
/// the log.
fn since(at: u64) -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    now.saturating_sub(Duration::from_millis(at))
}
