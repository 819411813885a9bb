//! The log of one event for somebody at a terminal: one line, its remarks, and everything where it went wrong.

use types::message::Target;
use types::resources::LoggingLevel;

use super::lines::{Line, LineKind};
use super::record::{Record, Step};

/// Lines that say what the summary has said.
const PREAMBLE: &[&str] = &[
    "Extended Request Id",
    "Verifying Usage Plan",
    "API Key ",
    "Usage Plan check",
    "Starting execution",
    "WebSocket Request Route",
    "Client [",
    "WebSocket API [",
    "Successfully completed",
    "Method completed",
];

impl Record {
    /// `join → POST /connect 200 9 ms`, then remarks; of what failed, every line that [`Record::lines`] has. What the
    /// stage's log does not ask for is left out here too.
    pub fn brief(&self) -> Vec<Line> {
        let failed = self.failure().is_some() || self.backend_refused();
        let mut lines = Vec::new();
        if self.logging.level == LoggingLevel::Info || failed && self.logging.level == LoggingLevel::Error {
            let kind = if failed { LineKind::Error } else { LineKind::Log };
            lines.push(Line { kind, at: self.at, text: self.summary() });
        }
        // What is amiss first, then what went over the wire.
        let (amiss, rest): (Vec<_>, Vec<_>) = self.lines().into_iter().partition(|line| line.kind != LineKind::Log);
        for line in amiss.into_iter().chain(rest) {
            // The line's own request id is of use beside other lines, and here it is in the way.
            let text = line.text.split_once(") ").map_or(line.text.as_str(), |(_, text)| text);
            let is_preamble = PREAMBLE.iter().any(|beginning| text.starts_with(beginning));
            if line.kind != LineKind::Log || failed && !is_preamble {
                lines.push(Line { text: format!("  {text}"), ..line });
            }
        }
        lines
    }

    fn backend_refused(&self) -> bool {
        self.steps.iter().any(|timed| matches!(&timed.step, Step::Response(answer) if answer.status >= 400))
    }

    fn summary(&self) -> String {
        let route = self.route_key.as_deref().unwrap_or(match self.event_type {
            "CONNECT" => "$connect",
            "DISCONNECT" => "$disconnect",
            _ => "message",
        });
        let mut text = format!("{} {route}", self.connection.id);
        for timed in &self.steps {
            match &timed.step {
                Step::Request(sent) => match (&sent.target, sent.target.short()) {
                    (Target::Function(_), Some(name)) => text += &format!(" → function {name}"),
                    (_, Some(path)) => text += &format!(" → {} {path}", sent.method),
                    (_, None) => text += " → MOCK",
                },
                Step::Response(answer) => {
                    let ms = answer.latency.as_secs_f64() * 1000.0;
                    text += &format!(" {} {ms:.0} ms", answer.status);
                }
                Step::Authorizing(_) | Step::Reply(_) | Step::Note(_) | Step::Refused(_) | Step::Failed(_) => {}
            }
        }
        if let Some(disconnect) = &self.disconnect {
            text += &format!(" (code {})", disconnect.status_code);
        }
        match (self.event_type, &self.facts.failure, self.facts.reply_bytes) {
            // Nobody is there any more who could be told.
            ("DISCONNECT", Some(_), _) => text += ", failed",
            ("CONNECT", Some(failure), _) => {
                text += &format!(", the client was refused with {} `{}`", self.facts.status, failure.message);
            }
            (_, Some(failure), _) => text += &format!(", the client was told `{}`", failure.message),
            ("MESSAGE", None, Some(bytes)) => text += &format!(", reply {bytes} bytes"),
            _ => {}
        }
        text
    }
}
