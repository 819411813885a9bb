//! Metrics as text, in the form that Prometheus reads (version 0.0.4).

use std::fmt::{Display, Write};

use super::counter::{Counter, LATENCY_BOUNDS, Measured};
use super::stage::{
    ANSWERS, CLOSE_CODES, Calls, DEPTH_BOUNDS, HANDSHAKES, METHODS, PACES, REFUSALS, RouteMetrics, StageMetrics,
    THROTTLES, Traffic,
};
use crate::gateway::Gateway;

/// A text of metrics that grows family by family.
#[derive(Debug, Default)]
pub struct Text(String);

impl Text {
    /// Begins a family: its samples follow. `kind` is `counter`, `gauge` or `histogram`.
    pub fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    /// One sample.
    pub fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        self.0.push_str(name);
        for (at, (label, value)) in labels.iter().enumerate() {
            let _ = write!(self.0, "{}{label}=\"", if at == 0 { '{' } else { ',' });
            for c in value.chars() {
                match c {
                    '\\' | '"' => self.0.extend(['\\', c]),
                    '\n' => self.0.push_str("\\n"),
                    c => self.0.push(c),
                }
            }
            self.0.push('"');
        }
        if !labels.is_empty() {
            self.0.push('}');
        }
        let _ = writeln!(self.0, " {value}");
    }

    /// A family of one sample.
    pub fn single(&mut self, name: &str, kind: &str, help: &str, value: impl Display) {
        self.family(name, kind, help);
        self.sample(name, &[], value);
    }

    /// The whole text.
    pub fn into_string(self) -> String {
        self.0
    }

    // The samples of one histogram; `scale` turns what was counted into the unit of the metric.
    fn histogram(&mut self, name: &str, labels: &[(&str, &str)], bounds: &[u64], measured: &Measured, scale: f64) {
        let bucket = format!("{name}_bucket");
        let mut total = 0;
        for (at, count) in measured.counts.iter().enumerate() {
            total += count;
            let bound = bounds.get(at).map_or_else(|| "+Inf".to_owned(), |bound| (*bound as f64 / scale).to_string());
            self.sample(&bucket, &[labels, &[("le", bound.as_str())]].concat(), total);
        }
        self.sample(&format!("{name}_sum"), labels, measured.sum as f64 / scale);
        self.sample(&format!("{name}_count"), labels, total);
    }
}

/// Latencies are counted in microseconds and told in seconds.
const PER_SECOND: f64 = 1e6;

/// One of the counters of a `T`.
type Pick<T> = fn(&T) -> &Counter;

/// Something with CloudWatch's numbers, and its labels.
struct Series<'a> {
    labels: Vec<(&'a str, &'a str)>,
    calls: Vec<&'a Calls>,
}

impl Series<'_> {
    fn sum(&self, counter: Pick<Calls>) -> u64 {
        self.calls.iter().map(|calls| counter(calls).get()).sum()
    }
}

impl StageMetrics {
    fn labels(&self) -> Vec<(&str, &str)> {
        self.key.as_ref().map_or_else(Vec::new, |key| vec![("api_id", key.api_id.as_str()), ("stage", &key.stage)])
    }
}

impl Gateway {
    /// Writes every metric of the data plane.
    pub fn write_metrics(&self, text: &mut Text) {
        let (stages, routes) = self.metrics.shown();
        let stages: Vec<&StageMetrics> = stages.iter().map(|stage| &**stage).collect();
        let by_stage: Vec<_> = stages
            .iter()
            .map(|stage| Series {
                labels: stage.labels(),
                calls: stage.traffic.all().map(|traffic| &traffic.calls).collect(),
            })
            .collect();
        cloudwatch(text, "gatewright", "dimensions ApiId, Stage; sum by (api_id) is dimension ApiId", &by_stage);
        let by_route: Vec<_> = routes.iter().map(|route| series_of_route(route)).collect();
        let dimensions = "dimensions ApiId, Stage, Route; with detailed metrics only";
        cloudwatch(text, "gatewright_route", dimensions, &by_route);
        connections(text, &stages, self.metrics.nowhere());
        traffic(text, &stages);
        outboxes(text, &stages);
        refusals(text, &stages);
        slowed(text, &stages);
        self.sources.write_metrics(text);
        let name = "gatewright_open_connections";
        text.single(
            name,
            "gauge",
            "Connections from their handshake to the end of $disconnect",
            self.open_connections(),
        );
        self.write_journal(text);
    }
}

fn series_of_route(route: &RouteMetrics) -> Series<'_> {
    let labels = vec![
        ("api_id", route.stage.api_id.as_str()),
        ("stage", route.stage.stage.as_str()),
        ("route", &*route.route_key),
    ];
    Series { labels, calls: route.calls.all().collect() }
}

// The words after the hyphen are CloudWatch's name and what it documents of it.
fn cloudwatch(text: &mut Text, prefix: &str, dimensions: &str, series: &[Series<'_>]) {
    let counters: [(&str, &str, Pick<Calls>); 5] = [
        ("connect_count", "CloudWatch ConnectCount: calls of the $connect integration", |calls| &calls.connects),
        ("message_count", "CloudWatch MessageCount: messages to and from clients", |calls| &calls.messages),
        ("integration_error", "CloudWatch IntegrationError: 4xx and 5xx of integrations", |calls| {
            &calls.integration_errors
        }),
        ("client_error", "CloudWatch ClientError: 4xx of the gateway before an integration ran", |calls| {
            &calls.client_errors
        }),
        ("execution_error", "CloudWatch ExecutionError: failures to call an integration", |calls| {
            &calls.execution_errors
        }),
    ];
    for (name, help, counter) in counters {
        let name = format!("{prefix}_{name}_total");
        text.family(&name, "counter", &format!("{help} ({dimensions})"));
        series.iter().for_each(|series| text.sample(&name, &series.labels, series.sum(counter)));
    }
    let name = format!("{prefix}_integration_latency_seconds");
    let help = "CloudWatch IntegrationLatency: from the request to the whole answer of an integration, mocks left out";
    text.family(&name, "histogram", &format!("{help} ({dimensions})"));
    for series in series {
        let measured = Measured::of(series.calls.iter().map(|calls| &calls.latencies));
        text.histogram(&name, &series.labels, LATENCY_BOUNDS, &measured, PER_SECOND);
    }
}

fn connections(text: &mut Text, stages: &[&StageMetrics], nowhere: &StageMetrics) {
    let name = "gatewright_connections";
    text.family(name, "gauge", "Clients that are connected, to the end of their $disconnect");
    for stage in stages {
        text.sample(name, &stage.labels(), stage.opened.get().saturating_sub(stage.closed.get()));
    }
    let everywhere = || stages.iter().copied().chain([nowhere]);
    let help = "Handshakes by the status that they were answered with; without labels: those that name no stage";
    by_name(text, "gatewright_handshakes_total", help, "status", &HANDSHAKES, everywhere(), |stage| &stage.handshakes);
    let name = "gatewright_handshake_latency_seconds";
    text.family(name, "histogram", "From the head of an upgrade request to its answer, $connect included");
    for stage in stages {
        let measured = Measured::of([&stage.handshake_latencies].into_iter());
        text.histogram(name, &stage.labels(), LATENCY_BOUNDS, &measured, PER_SECOND);
    }
    let help = "Connections that ended, by the code that $disconnect was told";
    let stages = || stages.iter().copied();
    by_name(text, "gatewright_disconnects_total", help, "code", &CLOSE_CODES, stages(), |stage| &stage.disconnects);
}

fn traffic(text: &mut Text, stages: &[&StageMetrics]) {
    let counters: [(&str, &str, Pick<Traffic>); 4] = [
        ("gatewright_frames_in_total", "Frames of clients, control frames included", |traffic| &traffic.frames_in),
        ("gatewright_bytes_in_total", "Bytes of clients after their handshake", |traffic| &traffic.bytes_in),
        ("gatewright_frames_out_total", "Frames for clients, control frames included", |traffic| &traffic.frames_out),
        ("gatewright_bytes_out_total", "Bytes of the frames for clients", |traffic| &traffic.bytes_out),
    ];
    for (name, help, counter) in counters {
        text.family(name, "counter", help);
        stages.iter().for_each(|stage| text.sample(name, &stage.labels(), stage.traffic.sum(counter)));
    }
    let name = "gatewright_in_flight";
    text.family(name, "gauge", "Events on their way to a backend and back, or waiting for the limit in-flight");
    for stage in stages {
        // The end is read first, so that what ends meanwhile is not counted twice.
        let ended = stage.traffic.sum(|traffic| &traffic.ended);
        let begun = stage.traffic.sum(|traffic| &traffic.begun);
        text.sample(name, &stage.labels(), begun.saturating_sub(ended));
    }
}

fn outboxes(text: &mut Text, stages: &[&StageMetrics]) {
    for (name, help, frames) in [
        ("gatewright_outbox_frames", "Frames that wait for clients that do not take them", true),
        ("gatewright_outbox_bytes", "Bytes that wait for clients that do not take them", false),
    ] {
        text.family(name, "gauge", help);
        for stage in stages {
            let outbox = &stage.outbox;
            let (gone, queued) = match frames {
                true => (outbox.frames_gone.get(), outbox.frames_queued.get()),
                false => (outbox.bytes_gone.get(), outbox.bytes_queued.get()),
            };
            text.sample(name, &stage.labels(), queued.saturating_sub(gone));
        }
    }
    let name = "gatewright_outbox_depth_frames";
    text.family(name, "histogram", "Frames that waited for a client each time when one more had to");
    for stage in stages {
        let counts = stage.outbox.depths.iter().map(Counter::get).collect();
        let measured = Measured { counts, sum: stage.outbox.depth_sum.get() };
        text.histogram(name, &stage.labels(), &DEPTH_BOUNDS, &measured, 1.0);
    }
    let name = "gatewright_outbox_full_total";
    text.family(name, "counter", "Messages of @connections that were refused because the client's outbox was full");
    stages.iter().for_each(|stage| text.sample(name, &stage.labels(), stage.outbox.full.get()));
}

fn refusals(text: &mut Text, stages: &[&StageMetrics]) {
    let stages = || stages.iter().copied();
    let help = "Clients that were told no, by AWS's gateway response type";
    by_name(text, "gatewright_refusals_total", help, "type", &REFUSALS, stages(), |stage| &stage.refusals);
    let help = "Requests that were throttled, by what bounded them";
    by_name(text, "gatewright_throttled_total", help, "by", &THROTTLES, stages(), |stage| &stage.throttles);
    let name = "gatewright_connections_api_total";
    text.family(name, "counter", "Calls of @connections, by method and status");
    for stage in stages() {
        for (method, counters) in METHODS.iter().zip(&stage.answers) {
            for (status, counter) in ANSWERS.iter().zip(counters).filter(|(_, counter)| counter.get() > 0) {
                let labels = [stage.labels(), vec![("method", *method), ("status", *status)]].concat();
                text.sample(name, &labels, counter.get());
            }
        }
    }
}

fn slowed(text: &mut Text, stages: &[&StageMetrics]) {
    let help = "How often a client was not read for a while because it sent too fast, by limit";
    let stages = stages.iter().copied();
    by_name(text, "gatewright_slowed_total", help, "limit", &PACES, stages, |stage| &stage.slowed);
}

// Only what happened is written: most of the names never do.
fn by_name<'a, const N: usize>(
    text: &mut Text,
    name: &str,
    help: &str,
    label: &str,
    names: &[&str; N],
    stages: impl Iterator<Item = &'a StageMetrics>,
    counters: fn(&StageMetrics) -> &[Counter; N],
) {
    text.family(name, "counter", help);
    for stage in stages {
        for (value, counter) in names.iter().zip(counters(stage)).filter(|(_, counter)| counter.get() > 0) {
            text.sample(name, &[stage.labels(), vec![(label, *value)]].concat(), counter.get());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Text;
    use crate::metrics::counter::Measured;

    #[test]
    fn labels_cannot_break_the_text() {
        let mut text = Text::default();
        text.single("a", "gauge", "An a", 1.5);
        text.sample("b", &[("route", "x\"y\\z\n"), ("c", "d")], 2);
        let expected = "# HELP a An a\n# TYPE a gauge\na 1.5\nb{route=\"x\\\"y\\\\z\\n\",c=\"d\"} 2\n";
        assert_eq!(text.into_string(), expected);
    }

    #[test]
    fn a_histogram_adds_up_from_bound_to_bound() {
        let mut text = Text::default();
        let measured = Measured { counts: vec![2, 0, 3], sum: 2500 };
        text.histogram("h_seconds", &[("stage", "dev")], &[500, 1_000_000], &measured, 1e6);
        let expected = "h_seconds_bucket{stage=\"dev\",le=\"0.0005\"} 2\nh_seconds_bucket{stage=\"dev\",le=\"1\"} 2\n\
                        h_seconds_bucket{stage=\"dev\",le=\"+Inf\"} 5\nh_seconds_sum{stage=\"dev\"} 0.0025\n\
                        h_seconds_count{stage=\"dev\"} 5\n";
        assert_eq!(text.into_string(), expected);
    }
}
