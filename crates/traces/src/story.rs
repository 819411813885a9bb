//! The story of one event, the cause first: what console, `gatewright explain` and `gatewright tail` say before anything else.

use gateway::{Push, Record, Step};
use mapping::{Failure, Mend, Note};
use serde_json::{Value, json};
use types::event::Delivery;

use crate::history::{Past, What};

/// How much of a connection's id is shown, in characters: callers choose it.
const ID_SHOWN_MAX: usize = 32;

/// What the stories of a route's events have to name, and a record does not hold: asked of the plan when somebody reads.
#[derive(Clone, Debug, Default)]
pub struct Place {
    /// The route's integration.
    pub integration_id: Option<String>,
    /// Whether the stage deploys changes by itself.
    pub deploys_itself: bool,
}

/// What became of an event, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The client was told no, or a push did not arrive.
    Failure,
    /// Nothing failed, and something did not arrive.
    Loss,
    /// Nothing failed, and something is worth knowing.
    Remark,
    /// Nothing is to be said.
    Fine,
}

impl Kind {
    /// As views name it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Failure => "failure",
            Kind::Loss => "loss",
            Kind::Remark => "remark",
            Kind::Fine => "fine",
        }
    }
}

/// The story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story {
    /// Which kind of story.
    pub kind: Kind,
    /// The cause, in one sentence; `None` where all is fine.
    pub headline: Option<String>,
    /// What follows from it, a sentence each.
    pub why: Vec<String>,
    /// What mends it.
    pub mend: Vec<Mend>,
}

impl Story {
    /// As pages and terminals read it.
    pub fn to_json(&self) -> Value {
        let mend = self.mend.iter().map(|mend| json!({ "text": mend.text, "command": mend.command }));
        json!({
            "kind": self.kind.name(), "headline": self.headline, "why": self.why, "mend": mend.collect::<Vec<_>>(),
        })
    }
}

impl Past {
    /// The story of an event or push; of a line of an access log there is none.
    pub fn story(&self, place: impl FnOnce(&Record) -> Place) -> Story {
        match &self.what {
            What::Event(record) => of_record(record, place),
            What::Push(push) => of_push(push),
            What::Access(..) => fine(),
        }
    }

    /// Kind and headline alone, for a row.
    pub(crate) fn headline(&self) -> (Kind, Option<String>) {
        let story = self.story(|_| Place::default());
        (story.kind, story.headline)
    }
}

fn fine() -> Story {
    Story { kind: Kind::Fine, headline: None, why: Vec::new(), mend: Vec::new() }
}

fn of_record(record: &Record, place: impl FnOnce(&Record) -> Place) -> Story {
    let notes: Vec<&Note> = record
        .steps
        .iter()
        .filter_map(|timed| match &timed.step {
            Step::Note(remark) => Some(&remark.note),
            _ => None,
        })
        .collect();
    if let Some(failure) = &record.facts.failure {
        return of_failure(record, failure, &notes, place(record));
    }
    if let Some(refused) = record.refused() {
        return of_refusal(record, refused, &notes, place);
    }
    // What was lost comes first, then the remarks in their order.
    let mut notes = notes;
    notes.sort_by_key(|note| !note.is_loss());
    let Some(first) = notes.first() else { return of_end(record) };
    let kind = if first.is_loss() { Kind::Loss } else { Kind::Remark };
    let mut why = Vec::new();
    if first.is_loss() {
        why.push(lost(record));
    }
    why.extend(notes[1..].iter().map(|note| note.headline()));
    Story { kind, headline: Some(first.headline()), why, mend: notes.iter().filter_map(|note| note.mend()).collect() }
}

// The log shows the body after the mapping, the backend did not see it: the founding user's riddle.
fn lost(record: &Record) -> String {
    let answer = record.facts.call.as_ref().and_then(mapping::Call::status);
    let answer = answer.map(|status| format!(", and answered {status}")).unwrap_or_default();
    format!(
        "The body that the log shows after transformations was made, and not sent; the backend got the headers alone{answer}."
    )
}

fn of_failure(record: &Record, failure: &Failure, notes: &[&Note], place: Place) -> Story {
    let (headline, mend) = told(record, failure, &place);
    let mut why = vec![match record.event_type {
        "CONNECT" => format!("The client was refused with {} `{}`.", record.facts.status, failure.message),
        "DISCONNECT" => {
            "It was the call of $disconnect, so no client was told. It is made again where the limit disconnect-retries says so, and \
             after a crash."
                .to_owned()
        }
        _ => format!("The client was told `{}`.", failure.message),
    }];
    if let (true, Some(route), Some(id)) =
        (failure.detail.starts_with("the mapping template failed"), &record.route_key, &place.integration_id)
    {
        why.push(format!("It is a template of route {route}, of its integration {id}."));
    }
    let is_its_own = |note: &Note| !remedy_is_not(record, note);
    why.extend(notes.iter().map(|note| match is_its_own(note) {
        true => note.headline(),
        false => format!("Besides: {}", note.headline()),
    }));
    // What is known to mend just this comes before what is good advice. What was remarked besides is mended when this is.
    let remedy = remedy(record).and_then(Note::mend);
    let mut mend: Vec<Mend> = remedy.or(mend).into_iter().collect();
    if failure.response_type == "ACCESS_DENIED" && record.event_type == "MESSAGE" {
        mend.push(Mend::told(
            "serve just this one, add a route with its key, deploy what is not deployed yet, or correct what the client sends",
        ));
    }
    Story { kind: Kind::Failure, headline: Some(sentence(&headline)), why, mend }
}

// The remark behind the failure is its remedy; those before it are of something else.
fn remedy(record: &Record) -> Option<&Note> {
    let behind = record.steps.iter().skip_while(|timed| !matches!(timed.step, Step::Failed(_)));
    behind.skip(1).find_map(|timed| match &timed.step {
        Step::Note(remark) => Some(&remark.note),
        _ => None,
    })
}

fn remedy_is_not(record: &Record, note: &Note) -> bool {
    remedy(record).is_none_or(|remedy| !std::ptr::eq(remedy, note))
}

// The cause by what AWS calls the failure, and what mends it.
fn told(record: &Record, failure: &Failure, place: &Place) -> (String, Option<Mend>) {
    let detail = &failure.detail;
    let aws = Aws { record, place };
    match failure.response_type {
        "ACCESS_DENIED" if record.event_type == "CONNECT" => (
            format!("The client may not connect: {detail}"),
            Some(Mend::told("let it in, have the authorizer allow execute-api:Invoke on this $connect route")),
        ),
        "ACCESS_DENIED" => (
            format!("No route fits this message: {detail}"),
            Some(aws.by(
                "catch every message that fits no other route",
                "create-route",
                " --route-key '$default' --target integrations/INTEGRATION_ID",
            )),
        ),
        "UNAUTHORIZED" => (
            format!("The client did not say who it is: {detail}"),
            Some(Mend::told("let it in, have it send what the authorizer's identity sources name")),
        ),
        "AUTHORIZER_FAILURE" => {
            (format!("The authorizer failed: {detail}"), Some(aws.by("see what it is", "get-authorizers", "")))
        }
        "INVALID_API_KEY" => (
            format!("The client's API key does not open this stage: {detail}"),
            Some(Mend::by(
                "open the stage with a key",
                &format!(
                    "aws apigateway create-usage-plan-key --usage-plan-id PLAN_ID --key-type API_KEY --key-id KEY_ID, then aws \
                     apigateway update-usage-plan --usage-plan-id PLAN_ID --patch-operations \
                     op=add,path=/apiStages,value={}:{}",
                    record.connection.stage.api_id, record.connection.stage.stage
                ),
            )),
        ),
        "BAD_REQUEST_PARAMETERS" => (
            format!("A required parameter is missing: {detail}"),
            Some(Mend::told("let it in, have the client send it, or take it off the route's request parameters")),
        ),
        "BAD_REQUEST_BODY" => (
            format!("The message does not fit the route's model: {detail}"),
            Some(aws.by("see the model", "get-models", "")),
        ),
        "UNSUPPORTED_MEDIA_TYPE" => (
            format!("No request template fits this message: {detail}"),
            Some(aws.integration("pass such messages on as they are", " --passthrough-behavior WHEN_NO_MATCH")),
        ),
        "INTEGRATION_TIMEOUT" => (
            format!("The backend was too slow: {detail}"),
            Some(aws.integration("wait longer", " --timeout-in-millis 29000")),
        ),
        "INTEGRATION_FAILURE" => of_backend(detail, &aws),
        "THROTTLED" => (
            format!("There were too many requests: {detail}"),
            Some(Mend::by(
                "let more pass",
                &format!(
                    "aws apigatewayv2 update-stage --api-id {} --stage-name {} --default-route-settings \
                     ThrottlingBurstLimit=5000,ThrottlingRateLimit=10000",
                    record.connection.stage.api_id, record.connection.stage.stage
                ),
            )),
        ),
        "QUOTA_EXCEEDED" => (
            format!("The quota of the client's usage plan is used up: {detail}"),
            Some(Mend::by(
                "give it more",
                "aws apigateway update-usage --usage-plan-id PLAN_ID --key-id KEY_ID --patch-operations \
                 op=replace,path=/remaining,value=1000",
            )),
        ),
        _ if detail.contains("message-bytes") => (
            format!("The answer is too large for the client: {detail}"),
            Some(Mend::told("send more, start with --limit message-bytes=BYTES, or have the backend push it in parts")),
        ),
        _ if detail.starts_with("the mapping template failed") => (
            detail.replacen("the mapping", "The mapping", 1),
            Some(aws.integration(
                "put a mended template in, once the console's template playground or `gatewright render` likes it",
                " --request-templates file://templates.json",
            )),
        ),
        _ => (
            format!("The definition cannot work: {detail}"),
            Some(Mend::by("see what else will bite", &format!("gatewright doctor {}", record.connection.stage.api_id))),
        ),
    }
}

// The details begin as `integration::ErrorKind` prints itself.
fn of_backend(detail: &str, aws: &Aws<'_>) -> (String, Option<Mend>) {
    let elsewhere = || Some(aws.integration("call it elsewhere", " --integration-uri URL"));
    if let Some(rest) = detail.strip_prefix("cannot reach ") {
        let mend = elsewhere().map(|mend| Mend {
            text: "call another address, if the backend is not to be started at this one".into(),
            ..mend
        });
        return (format!("The backend is not there: {rest}"), mend);
    }
    if let Some(rest) = detail.strip_prefix("connection lost to ") {
        return (format!("The backend hung up before it answered: {rest}"), None);
    }
    if let Some(rest) = detail.strip_prefix("unusable answer from ") {
        return (format!("The backend's answer is no HTTP that can be used: {rest}"), elsewhere());
    }
    (
        format!("The function failed: {detail}"),
        Some(Mend::told("see why, look at the function's own output in the gateway's log")),
    )
}

struct Aws<'a> {
    record: &'a Record,
    place: &'a Place,
}

impl Aws<'_> {
    fn by(&self, text: &str, call: &str, options: &str) -> Mend {
        let stage = &self.record.connection.stage;
        let api_id = &stage.api_id;
        let is_read = call.starts_with("get-");
        let deploy = match self.place.deploys_itself || is_read {
            true => String::new(),
            false => {
                format!(", then aws apigatewayv2 create-deployment --api-id {api_id} --stage-name {}", stage.stage)
            }
        };
        Mend::by(text, &format!("aws apigatewayv2 {call} --api-id {api_id}{options}{deploy}"))
    }

    fn integration(&self, text: &str, options: &str) -> Mend {
        let id = self.place.integration_id.as_deref().unwrap_or("INTEGRATION_ID");
        self.by(text, "update-integration", &format!(" --integration-id {id}{options}"))
    }
}

fn of_refusal(record: &Record, refused: &str, notes: &[&Note], place: impl FnOnce(&Record) -> Place) -> Story {
    let said = refused.strip_prefix("client refused: ").unwrap_or(refused);
    let mut mend: Vec<Mend> = notes.iter().filter_map(|note| note.mend()).collect();
    if notes.iter().any(|note| matches!(note, Note::BackendMistookUpgrade)) {
        let place = place(record);
        let hide = " --request-parameters \"integration.request.header.Sec-WebSocket-Version='0'\"";
        let text = "hide the upgrade from the backend, which --compat extended does by itself";
        mend = vec![Aws { record, place: &place }.integration(text, hide)];
    }
    if mend.is_empty() {
        mend.push(Mend::told("let it in, have the backend answer $connect with a 2xx status"));
    }
    Story {
        kind: Kind::Failure,
        headline: Some(sentence(&format!("The backend did not let the client in: {said}"))),
        why: notes.iter().map(|note| note.headline()).collect(),
        mend,
    }
}

// A connection's end is told where the client may not know why.
fn of_end(record: &Record) -> Story {
    let Some(end) = record.disconnect.as_ref() else { return fine() };
    let reason = &end.reason;
    let (headline, mend) = match end.status_code {
        _ if end.delivery == Delivery::Replay => (
            "The gateway ended before this connection did, and told the backend of its end when it was back."
                .to_owned(),
            None,
        ),
        1001 if reason.contains("idle") || reason == "Going away" => (
            format!(
                "The connection was closed after {}: it was silent for idle-timeout, or open for connection-duration, or the \
                 gateway stopped.",
                open_for(record)
            ),
            Some(
                "keep it, have the client send a message or ping more often than idle-timeout (10 minutes), and connect anew after \
                 connection-duration (2 hours); here, not on AWS, `gatewright serve --limit idle-timeout=1h --limit \
                 connection-duration=8h` moves them",
            ),
        ),
        1003 => (
            format!(
                "The connection was closed because the client sent a frame of a kind that is not accepted: {reason}"
            ),
            Some(
                "get through, have the client send text, such as base64; here, not on AWS, `gatewright serve --binary accept` takes binary",
            ),
        ),
        1009 => (
            format!("The connection was closed because the client sent a frame or message that is too large: {reason}"),
            Some(
                "get through, have the client send smaller frames, or several messages; here, not on AWS, `gatewright serve --limit \
                 frame-bytes=64k --limit message-bytes=1m` takes more",
            ),
        ),
        1007 => (format!("The connection was closed because the client sent text that is no UTF-8: {reason}"), None),
        1002 => (format!("The connection was closed because the client broke the protocol: {reason}"), None),
        _ => return fine(),
    };
    Story {
        kind: Kind::Remark,
        headline: Some(sentence(&headline)),
        why: Vec::new(),
        mend: mend.map(Mend::told).into_iter().collect(),
    }
}

fn open_for(record: &Record) -> String {
    let seconds = record.at.0.saturating_sub(record.connection.connected_at.0) / 1000;
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", seconds / 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

fn of_push(push: &Push) -> Story {
    let id: String = push.connection_id.chars().take(ID_SHOWN_MAX).collect();
    let stage = &push.stage;
    let gone = format!(
        "The push did not arrive: connection {id} is closed, or never was, or belongs to another stage than {stage}."
    );
    let (headline, mend) = match push.status {
        0..=399 => return fine(),
        410 => (
            gone.as_str(),
            "reach clients that are there, take an id off your list when its $disconnect comes or a push is answered 410, and post to \
             a new one only after its $connect was answered",
        ),
        413 => (
            "The push did not arrive: the text is longer than the limit message-bytes.",
            "send more, start with --limit message-bytes=BYTES, or send it in parts",
        ),
        429 => (
            "The push did not arrive: the client does not read what is sent to it, or a rate is used up.",
            "have more wait, start with --limit outbox-messages=N and --limit outbox-bytes=BYTES, or post more slowly",
        ),
        403 => (
            "The push did not arrive: its address names no deployed stage.",
            "reach the stage, use the endpoint URL that the console shows for it, with the stage in it",
        ),
        _ => (
            "The push did not arrive: its connection id is none, or its text cannot be sent.",
            "reach the client, use the id from $context.connectionId, percent-encoded in the path",
        ),
    };
    Story {
        kind: Kind::Failure,
        headline: Some(headline.to_owned()),
        why: vec![match push.status {
            410 => format!(
                "{} @connections was answered 410, which has no body, as on AWS: the status says it.",
                push.method
            ),
            status => format!("{} @connections was answered {status}.", push.method),
        }],
        mend: vec![Mend::told(mend)],
    }
}

fn sentence(text: &str) -> String {
    let text = text.trim_end();
    if text.ends_with(['.', '!', '?']) { text.to_owned() } else { format!("{text}.") }
}
