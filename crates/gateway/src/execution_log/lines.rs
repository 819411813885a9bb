//! The execution log's lines as CloudWatch would show them.
//!
//! Source: observed for CONNECT up to the headers of the request; the rest follows REST APIs and, for MESSAGE and
//! DISCONNECT, our own decision, since no recorded log of those was found.

use std::borrow::Cow;

use mapping::plan::Logging;
use mapping::{Check, Failure};
use types::event::Delivery;
use types::headers::Headers;
use types::message::{IntegrationRequest, IntegrationResponse, Target};
use types::resources::LoggingLevel;
use types::time::Timestamp;

use super::record::{AuthorizerStep, CONSOLE_BODY_MAX, Record, Step, Timed};
use super::secrets;

/// A log event of AWS is cut at this many bytes. Source: documented.
const LINE_BYTES_MAX: usize = 1024;
/// A printed map of headers is cut at this many characters. Source: observed.
const MAP_BYTES_MAX: usize = 998;
const CUT: &str = " [TRUNCATED]";

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What it is.
    pub kind: LineKind,
    /// When.
    pub at: Timestamp,
    /// The text, with the request id in front.
    pub text: String,
}

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineKind {
    /// What AWS would have written.
    Log,
    /// Our own remark.
    Note,
    /// A failure.
    Error,
}

impl LineKind {
    /// `log`, `note` or `error`.
    pub fn name(self) -> &'static str {
        match self {
            LineKind::Log => "log",
            LineKind::Note => "note",
            LineKind::Error => "error",
        }
    }
}

impl Record {
    /// The lines that the stage's settings ask for, cut as AWS cuts them.
    pub fn lines(&self) -> Vec<Line> {
        let mut lines = self.lines_with(self.logging);
        // What we say ourselves is never cut: it tells what to do at its end.
        for line in lines.iter_mut().filter(|line| line.kind == LineKind::Log) {
            cut(&mut line.text, LINE_BYTES_MAX);
        }
        lines
    }

    /// The lines that somebody reads later: those that the stage's settings ask for, or, where the stage logs nothing and is
    /// watched, all of them; cut as AWS cuts them.
    pub fn told_lines(&self) -> Vec<Line> {
        if self.logging.level > LoggingLevel::Off || self.spans.is_empty() {
            return self.lines();
        }
        let mut lines = self.lines_with(Logging { level: LoggingLevel::Info, data_trace: true });
        lines.iter_mut().filter(|line| line.kind == LineKind::Log).for_each(|line| cut(&mut line.text, LINE_BYTES_MAX));
        lines
    }

    /// Every line, with headers and bodies, whatever the settings; cut only where a page could not show it.
    pub(super) fn all_lines(&self) -> Vec<Line> {
        let mut lines = self.lines_with(Logging { level: LoggingLevel::Info, data_trace: true });
        lines.iter_mut().for_each(|line| cut(&mut line.text, CONSOLE_BODY_MAX));
        lines
    }

    fn lines_with(&self, logging: Logging) -> Vec<Line> {
        let mut writer =
            Writer { record: self, trace: logging.data_trace, of_aws: false, at: self.at, lines: Vec::new() };
        match logging.level {
            LoggingLevel::Off => {}
            LoggingLevel::Error => writer.failures(),
            LoggingLevel::Info => writer.everything(),
        }
        writer.lines
    }
}

struct Writer<'r> {
    record: &'r Record,
    trace: bool,
    /// The call was one of a function, or of a service of AWS.
    of_aws: bool,
    /// The time of the step that is being written.
    at: Timestamp,
    lines: Vec<Line>,
}

impl Writer<'_> {
    fn add(&mut self, kind: LineKind, text: &str) {
        self.lines.push(Line { kind, at: self.at, text: format!("({}) {text}", self.record.request_id) });
    }

    fn log(&mut self, text: &str) {
        self.add(LineKind::Log, text);
    }

    fn trace(&mut self, text: impl FnOnce() -> String) {
        if self.trace {
            self.log(&text());
        }
    }

    // "ERROR level prints only the failure lines"; our remarks go with them, since they explain.
    fn failures(&mut self) {
        for Timed { after, step, .. } in &self.record.steps {
            self.at = self.record.time_at(*after);
            match step {
                Step::Failed(line) => self.add(LineKind::Error, line),
                Step::Note(remark) => self.add(LineKind::Note, &remark.text),
                Step::Refused(text) => self.add(LineKind::Note, text),
                Step::Authorizing(_) | Step::Request(_) | Step::Response(_) | Step::Reply(_) => {}
            }
        }
    }

    fn everything(&mut self) {
        self.start();
        let mut failed = false;
        for Timed { after, step, .. } in &self.record.steps {
            self.at = self.record.time_at(*after);
            match step {
                // They came first.
                Step::Authorizing(_) => {}
                Step::Request(request) => self.request(request),
                Step::Response(response) => self.response(response),
                Step::Reply(reply) => self.trace(|| body("Method response body after transformations", &reply.body)),
                Step::Note(remark) => self.add(LineKind::Note, &remark.text),
                Step::Refused(text) => self.add(LineKind::Note, text),
                Step::Failed(line) => {
                    failed = true;
                    self.add(LineKind::Error, line);
                }
            }
        }
        let status = self.record.facts.status;
        // Observed at $connect: a backend's refusal has no such line.
        if !failed && (self.record.event_type != "CONNECT" || (200..300).contains(&status)) {
            self.log("Successfully completed execution");
        }
        self.log(&format!("Method completed with status: {status}"));
    }

    fn start(&mut self) {
        let record = self.record;
        let (request_id, connection) = (record.request_id, &record.connection);
        let stage = &connection.stage;
        let api_id = &stage.api_id;
        let route_key =
            record.route_key.as_deref().unwrap_or(if record.event_type == "CONNECT" { "$connect" } else { "-" });
        self.log(&format!("Extended Request Id: {request_id}"));
        if !self.authorizer() {
            return;
        }
        if record.event_type == "CONNECT" {
            // The spaces around the empty key are AWS's (observed); the lines with a key are inferred from REST APIs.
            let key_refused = |failure: &Failure| failure.response_type == "INVALID_API_KEY";
            let refused = record.facts.failure.as_deref().is_some_and(key_refused);
            let shown = connection.identity.as_ref().and_then(|identity| identity.api_key.as_ref());
            let key = shown.map(|key| secrets::mask(&key.value)).unwrap_or_default();
            self.log(&format!("Verifying Usage Plan for request: {request_id}. API Key: {key} API Stage: {stage}"));
            if shown.is_none() && !refused {
                self.log(&format!(
                    "API Key  authorized because route '{route_key}' does not require API Key. Request will not \
                     contribute to throttle or quota limits"
                ));
            }
            if !refused {
                self.log(&format!("Usage Plan check succeeded for API Key {key} and API Stage {stage}"));
            }
        }
        self.log(&format!("Starting execution for request: {request_id}"));
        self.log(&format!("WebSocket Request Route: [{route_key}]"));
        let what = match (record.event_type, &record.disconnect) {
            (_, Some(disconnect)) => format!(
                "Client [Connection Id: {}] disconnected from WebSocket API [{api_id}]. Status code: {}, reason: {}.",
                connection.id, disconnect.status_code, disconnect.reason
            ),
            ("CONNECT", None) => format!(
                "Client [UserAgent: {}, SourceIp: {}] is connecting to WebSocket API [{api_id}].",
                connection.user_agent.as_deref().unwrap_or("null"),
                connection.source_ip
            ),
            _ => format!("WebSocket API [{api_id}] received message from client [Connection Id: {}].", connection.id),
        };
        self.log(&what);
        let delivery = record.disconnect.as_ref().map(|disconnect| disconnect.delivery).unwrap_or_default();
        match delivery {
            Delivery::First => {}
            Delivery::Retry => {
                self.add(LineKind::Note, "retry: this $disconnect was told before, and its backend failed")
            }
            Delivery::Replay => self.add(
                LineKind::Note,
                "replay: the gateway ended before this $disconnect was known to be answered, and tells it now",
            ),
        }
    }

    fn request(&mut self, request: &IntegrationRequest) {
        self.of_aws = matches!(request.target, Target::Function(_) | Target::Service(_));
        let of_aws = self.of_aws;
        let transformed = || body("Endpoint request body after transformations", &shown(&request.body, of_aws));
        let Some(url) = request.target.url() else { return self.trace(transformed) };
        let url = secrets::url(&url);
        self.log(&format!("Endpoint request URI: {url}"));
        self.trace(|| format!("Endpoint request headers: {}", map(&request.headers)));
        self.trace(transformed);
        self.log(&format!("Sending request to {url}"));
    }

    fn response(&mut self, response: &IntegrationResponse) {
        let (status, ms) = (response.status, response.latency.as_millis());
        self.log(&format!("Received response. Status: {status}, Integration latency: {ms} ms"));
        self.trace(|| format!("Endpoint response headers: {}", map(&response.headers)));
        let of_aws = self.of_aws;
        self.trace(|| body("Endpoint response body before transformations", &shown(&response.body, of_aws)));
        // The blank before the colon is AWS's (observed on REST APIs).
        if let Some(id) = response.headers.get("x-amzn-RequestId").filter(|_| self.of_aws) {
            self.log(&format!("AWS Integration Endpoint RequestId : {id}"));
        }
    }
}

impl Writer<'_> {
    // Source: observed on REST APIs, where they come before all that is said of keys. Tells whether the authorizer, if there is
    // one, let the client in: the log of one that it did not ends there (observed likewise).
    fn authorizer(&mut self) -> bool {
        for Timed { after, step, .. } in &self.record.steps {
            if let Step::Authorizing(step) = step {
                self.at = self.record.time_at(*after);
                self.authorizing(step);
            }
        }
        let Some(checks) = &self.record.facts.checks else { return true };
        let Some(asked) = &checks.authorizer else { return true };
        let is_passed = |check: &Check| check.status == 200;
        is_passed(&asked.check) && checks.authorize.as_ref().is_none_or(is_passed)
    }

    fn authorizing(&mut self, step: &AuthorizerStep) {
        match step {
            AuthorizerStep::Asked(request) => self.request(request),
            AuthorizerStep::Answered(response) => {
                self.trace(|| body("Authorizer result body before parsing", &secrets::event(&response.body)));
            }
            AuthorizerStep::Line(text) => self.log(text),
        }
    }
}

// Events of functions, and their answers, have headers in them.
fn shown(body: &[u8], of_aws: bool) -> Cow<'_, [u8]> {
    if of_aws { secrets::event(body) } else { Cow::Borrowed(body) }
}

fn body(what: &str, body: &[u8]) -> String {
    format!("{what}: {}", String::from_utf8_lossy(body))
}

/// `{Name=value, Name2=value2}`, repeated headers joined with commas, credentials masked. Source: observed.
fn map(headers: &Headers) -> String {
    let mut seen: Vec<(&str, String)> = Vec::new();
    for (name, value) in headers.iter() {
        let value = secrets::header(name, value).into_owned();
        match seen.iter_mut().find(|(other, _)| other.eq_ignore_ascii_case(name)) {
            Some((_, all)) => *all = format!("{all},{value}"),
            None => seen.push((name, value)),
        }
    }
    let members: Vec<_> = seen.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mut text = format!("{{{}}}", members.join(", "));
    cut(&mut text, MAP_BYTES_MAX + CUT.len());
    text
}

fn cut(text: &mut String, bytes_max: usize) {
    if text.len() > bytes_max {
        let mut end = bytes_max - CUT.len();
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push_str(CUT);
    }
}

#[cfg(test)]
mod tests {
    use super::{cut, map};
    use types::Headers;

    #[test]
    fn long_lines_end_as_aws_ends_them_and_never_inside_a_character() {
        let mut text = "ü".repeat(600);
        cut(&mut text, 1024);
        assert!(text.ends_with("ü [TRUNCATED]") && text.len() <= 1024);
    }

    #[test]
    fn header_maps_join_repeats_and_mask_credentials() {
        let headers: Headers = [("A", "1"), ("Authorization", "Bearer secret123456"), ("a", "2")].into_iter().collect();
        assert_eq!(map(&headers), "{A=1,2, Authorization=*************123456}");
    }
}
