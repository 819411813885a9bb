//! CloudWatch's metrics of WebSocket APIs, over the samples of the last hour.
//!
//! Source: AWS's API model (`cloudwatch`, 2010-08-01); the metrics and their dimensions: documented ("Monitoring WebSocket API
//! execution with CloudWatch metrics"). Latencies are counted in buckets: their minimum, maximum and percentiles are those of
//! buckets. Of errors each message and connect is a sample, as REST APIs' `4XXError` has it (inferred).

use std::collections::BTreeMap;

use serde_json::{Value, json};
use types::time::Timestamp;

use super::Refused;
use crate::series::{Point, Points, SAMPLE_EVERY, SeriesKey, bucket, percentile};

const NAMESPACE: &str = "AWS/ApiGateway";
/// The metrics, each with its unit.
const METRICS: &[(&str, &str)] = &[
    ("ConnectCount", "Count"),
    ("MessageCount", "Count"),
    ("ClientError", "Count"),
    ("IntegrationError", "Count"),
    ("ExecutionError", "Count"),
    ("IntegrationLatency", "Milliseconds"),
];
/// Source: AWS's API model and documentation.
const LISTED_MAX: usize = 500;
const QUERIES_MAX: usize = 500;
const STATISTICS_POINTS_MAX: u64 = 1_440;
const DATA_POINTS_MAX: u64 = 100_800;

/// What a time is in an answer, until a protocol writes it: seconds since 1970.
pub(super) const TIME: &str = "$time";

/// The samples, as [`Series::read`](crate::series::Series::read) gives them.
pub struct Samples {
    /// When each was taken.
    pub times: Vec<Timestamp>,
    /// Every series.
    pub series: Vec<(SeriesKey, Points)>,
}

/// Carries out a call.
///
/// # Errors
/// As CloudWatch refuses.
pub fn answer(samples: &Samples, action: &str, call: &Value) -> Result<Value, Refused> {
    match action {
        "ListMetrics" => list(samples, call),
        "GetMetricStatistics" => statistics(samples, call),
        "GetMetricData" => data(samples, call),
        _ => Err(Refused::new(
            "InvalidAction",
            format!(
                "{action} is not answered here: metrics can be read (ListMetrics, GetMetricData, GetMetricStatistics)"
            ),
        )),
    }
}

type Dimensions = BTreeMap<&'static str, String>;

// The dimensions that a series is counted under: a stage under its own and its API's, a route under its own.
fn dimensions(key: &SeriesKey) -> Vec<Dimensions> {
    let (stage, route) = key;
    let api = BTreeMap::from([("ApiId", stage.api_id.clone())]);
    let mut of_stage = api.clone();
    of_stage.insert("Stage", stage.stage.clone());
    match route {
        None => vec![api, of_stage],
        Some(route) => {
            of_stage.insert("Route", route.to_string());
            vec![of_stage]
        }
    }
}

fn list(samples: &Samples, call: &Value) -> Result<Value, Refused> {
    if call["Namespace"].as_str().is_some_and(|namespace| namespace != NAMESPACE) {
        return Ok(json!({ "Metrics": [] }));
    }
    let mut all: Vec<Dimensions> = samples.series.iter().flat_map(|(key, _)| dimensions(key)).collect();
    all.sort();
    all.dedup();
    let wanted = call["Dimensions"].as_array().cloned().unwrap_or_default();
    all.retain(|dimensions| {
        wanted.iter().all(|filter| {
            let value = dimensions.get(filter["Name"].as_str().unwrap_or_default());
            value.is_some_and(|value| filter["Value"].as_str().is_none_or(|wanted| wanted == value))
        })
    });
    let name = call["MetricName"].as_str();
    let metrics: Vec<Value> = all
        .iter()
        .flat_map(|dimensions| METRICS.iter().map(move |(metric, _)| (metric, dimensions)))
        .filter(|(metric, _)| name.is_none_or(|name| name == **metric))
        .map(|(metric, dimensions)| {
            let dimensions = dimensions.iter().map(|(name, value)| json!({ "Name": name, "Value": value }));
            json!({ "Namespace": NAMESPACE, "MetricName": metric, "Dimensions": dimensions.collect::<Vec<_>>() })
        })
        .collect();
    let from = match call["NextToken"].as_str() {
        None => 0,
        Some(token) => {
            token.parse::<usize>().map_err(|_| Refused::new("InvalidParameterValue", "NextToken is none of ours"))?
        }
    };
    let page: Vec<Value> = metrics.iter().skip(from).take(LISTED_MAX).cloned().collect();
    let mut answer = json!({ "Metrics": page });
    if from + LISTED_MAX < metrics.len() {
        answer["NextToken"] = (from + LISTED_MAX).to_string().into();
    }
    Ok(answer)
}

/// What was counted in one period.
#[derive(Default)]
struct Sum {
    sum: f64,
    samples: f64,
    latencies: Vec<u32>,
}

impl Sum {
    fn add(&mut self, metric: &str, point: &Point) {
        let events = f64::from(point.connects) + f64::from(point.messages);
        let (sum, samples) = match metric {
            "ConnectCount" => (f64::from(point.connects), f64::from(point.connects)),
            "MessageCount" => (f64::from(point.messages), f64::from(point.messages)),
            "ClientError" => (f64::from(point.client_errors), events.max(f64::from(point.client_errors))),
            "IntegrationError" => {
                (f64::from(point.integration_errors), events.max(f64::from(point.integration_errors)))
            }
            "ExecutionError" => (f64::from(point.execution_errors), events.max(f64::from(point.execution_errors))),
            _ => {
                self.latencies.resize(self.latencies.len().max(point.latencies.len()), 0);
                for (all, count) in self.latencies.iter_mut().zip(&point.latencies) {
                    *all = all.saturating_add(*count);
                }
                let count: f64 = point.latencies.iter().map(|count| f64::from(*count)).sum();
                (point.latency_sum as f64 / 1000.0, count)
            }
        };
        self.sum += sum;
        self.samples += samples;
    }

    /// A statistic; `None` where there is no such one.
    fn statistic(&self, metric: &str, name: &str) -> Option<f64> {
        let is_latency = metric == "IntegrationLatency";
        let filled = || self.latencies.iter().enumerate().filter(|(_, count)| **count > 0).map(|(at, _)| at);
        let is_all = self.sum >= self.samples;
        Some(match name {
            "Sum" => self.sum,
            "SampleCount" => self.samples,
            "Average" => self.sum / self.samples,
            "Minimum" if is_latency => filled().next().map_or(0.0, |at| bucket(at).0),
            "Maximum" if is_latency => filled().next_back().map_or(0.0, |at| bucket(at).1),
            "Minimum" => {
                if is_all {
                    1.0
                } else {
                    0.0
                }
            }
            "Maximum" => {
                if self.sum > 0.0 {
                    1.0
                } else {
                    0.0
                }
            }
            _ => {
                let share =
                    name.strip_prefix('p')?.parse::<f64>().ok().filter(|share| (0.0..=100.0).contains(share))? / 100.0;
                match is_latency {
                    true => percentile(&self.latencies, share)?,
                    false => {
                        if self.sum / self.samples > 1.0 - share {
                            1.0
                        } else {
                            0.0
                        }
                    }
                }
            }
        })
    }
}

struct Wanted<'c> {
    metric: &'c str,
    dimensions: BTreeMap<String, String>,
    period: u64,
}

impl<'c> Wanted<'c> {
    fn read(metric: &'c Value, period: &Value) -> Result<Wanted<'c>, Refused> {
        let text = |name: &str| metric[name].as_str().unwrap_or_default();
        let dimensions = metric["Dimensions"].as_array().into_iter().flatten();
        let pair = |dimension: &Value| {
            let part = |name: &str| dimension[name].as_str().unwrap_or_default().to_owned();
            (part("Name"), part("Value"))
        };
        let wrong = || {
            Refused::new(
                "InvalidParameterValue",
                format!("The parameter Period must be a multiple of {} or 60, and is {period}", SAMPLE_EVERY.as_secs()),
            )
        };
        let period = period
            .as_u64()
            .filter(|period| *period > 0 && period.is_multiple_of(SAMPLE_EVERY.as_secs()))
            .ok_or_else(wrong)?;
        Ok(Wanted { metric: text("MetricName"), dimensions: dimensions.map(pair).collect(), period })
    }

    fn is_of(&self, key: &SeriesKey) -> bool {
        dimensions(key).iter().any(|dimensions| {
            dimensions.len() == self.dimensions.len()
                && dimensions.iter().all(|(name, value)| self.dimensions.get(*name) == Some(value))
        })
    }

    /// What was counted, by the beginning of each period in which something was.
    fn sums(&self, samples: &Samples, from: u64, to: u64) -> BTreeMap<u64, Sum> {
        let mut sums: BTreeMap<u64, Sum> = BTreeMap::new();
        if !METRICS.iter().any(|(name, _)| *name == self.metric) {
            return sums;
        }
        for (_, points) in samples.series.iter().filter(|(key, _)| self.is_of(key)) {
            for (at, point) in samples.times.iter().zip(points) {
                let Some(point) = point else { continue };
                // A sample is of the time before it.
                let at = (at.0 / 1000).saturating_sub(SAMPLE_EVERY.as_secs() / 2);
                let begin = at - at % self.period;
                if begin + self.period > from && begin < to {
                    sums.entry(begin).or_default().add(self.metric, point);
                }
            }
        }
        sums.retain(|_, sum| sum.samples > 0.0);
        sums
    }
}

fn times(call: &Value, period: u64, most: u64) -> Result<(u64, u64), Refused> {
    let time = |name: &str| {
        let value = &call[name];
        let seconds = value.as_f64().or_else(|| value.as_str().and_then(seconds));
        seconds
            .filter(|seconds| (0.0..1e12).contains(seconds))
            .map(|seconds| seconds as u64)
            .ok_or_else(|| Refused::new("MissingParameter", format!("The parameter {name} is required")))
    };
    let (from, to) = (time("StartTime")?, time("EndTime")?);
    if from >= to {
        return Err(Refused::new(
            "InvalidParameterValue",
            "The parameter StartTime must be less than the parameter EndTime",
        ));
    }
    if (to - from) / period > most {
        let points = (to - from) / period;
        return Err(Refused::new(
            "InvalidParameterCombination",
            format!("You have requested up to {points} datapoints, which exceeds the limit of {most}"),
        ));
    }
    Ok((from, to))
}

// `2026-12-01T10:00:00Z`, with or without a fraction.
fn seconds(text: &str) -> Option<f64> {
    let plain = text.split(['.', 'Z', '+']).next()?;
    let (date, clock) = plain.split_once('T')?;
    let mut date = date.split('-').map(str::parse::<i64>);
    let (year, month, day) = (date.next()?.ok()?, date.next()?.ok()?, date.next()?.ok()?);
    let mut clock = clock.split(':').map(str::parse::<i64>);
    let (hour, minute, second) = (clock.next()?.ok()?, clock.next()?.ok()?, clock.next().unwrap_or(Ok(0)).ok()?);
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Days since 1970, of the Gregorian calendar with years that begin in March.
    let shifted = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (shifted.div_euclid(400), shifted.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + day_of_year - 719_468;
    Some((days * 86_400 + hour * 3600 + minute * 60 + second) as f64)
}

fn unit(metric: &str) -> &'static str {
    METRICS.iter().find(|(name, _)| *name == metric).map_or("None", |(_, unit)| unit)
}

fn statistics(samples: &Samples, call: &Value) -> Result<Value, Refused> {
    let wanted = Wanted::read(call, &call["Period"])?;
    let (from, to) = times(call, wanted.period, STATISTICS_POINTS_MAX)?;
    let names = |member: &str| -> Vec<String> {
        call[member].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let (plain, extended) = (names("Statistics"), names("ExtendedStatistics"));
    if plain.is_empty() && extended.is_empty() {
        return Err(Refused::new(
            "InvalidParameterCombination",
            "Must specify either Statistics or ExtendedStatistics",
        ));
    }
    let is_ours = call["Namespace"] == NAMESPACE;
    let sums = if is_ours { wanted.sums(samples, from, to) } else { BTreeMap::new() };
    let point = |(at, sum): (&u64, &Sum)| {
        let mut point = json!({ "Timestamp": { TIME: at }, "Unit": unit(wanted.metric) });
        for name in &plain {
            point[name] = sum.statistic(wanted.metric, name).into();
        }
        if !extended.is_empty() {
            let values = extended.iter().map(|name| (name.clone(), sum.statistic(wanted.metric, name).into()));
            point["ExtendedStatistics"] = Value::Object(values.collect());
        }
        point
    };
    let points: Vec<Value> = sums.iter().map(point).collect();
    Ok(json!({ "Label": wanted.metric, "Datapoints": points }))
}

fn data(samples: &Samples, call: &Value) -> Result<Value, Refused> {
    let queries = call["MetricDataQueries"].as_array().cloned().unwrap_or_default();
    if queries.is_empty() || queries.len() > QUERIES_MAX {
        return Err(Refused::new("ValidationError", format!("MetricDataQueries must have 1 to {QUERIES_MAX} members")));
    }
    let is_ascending = call["ScanBy"] == "TimestampAscending";
    let mut results = Vec::new();
    for query in &queries {
        let id = query["Id"].as_str().unwrap_or_default();
        if query["Expression"].as_str().is_some_and(|expression| !expression.is_empty()) {
            let text = format!(
                "The query `{id}` is an expression: metric math and search are not computed here; ask for the metrics themselves (MetricStat)"
            );
            return Err(Refused::new("ValidationError", text));
        }
        let stat = &query["MetricStat"];
        let wanted = Wanted::read(&stat["Metric"], &stat["Period"])?;
        let (from, to) = times(call, wanted.period, DATA_POINTS_MAX)?;
        let name = stat["Stat"].as_str().unwrap_or_default();
        if Sum::default().statistic(wanted.metric, name).is_none() && !name.starts_with('p') {
            return Err(Refused::new(
                "ValidationError",
                format!(
                    "The query `{id}` asks for the statistic `{name}`: Sum, SampleCount, Average, Minimum, Maximum and p0 to p100 are there"
                ),
            ));
        }
        if query["ReturnData"] == false {
            continue;
        }
        let is_ours = stat["Metric"]["Namespace"] == NAMESPACE;
        let sums = if is_ours { wanted.sums(samples, from, to) } else { BTreeMap::new() };
        let mut points: Vec<(u64, f64)> =
            sums.iter().filter_map(|(at, sum)| Some((*at, sum.statistic(wanted.metric, name)?))).collect();
        if !is_ascending {
            points.reverse();
        }
        results.push(json!({
            "Id": id, "Label": query["Label"].as_str().unwrap_or(wanted.metric), "StatusCode": "Complete",
            "Timestamps": points.iter().map(|(at, _)| json!({ TIME: at })).collect::<Vec<_>>(),
            "Values": points.iter().map(|(_, value)| *value).collect::<Vec<_>>(),
        }));
    }
    Ok(json!({ "MetricDataResults": results, "Messages": [] }))
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn times_of_forms_are_read() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", Some(0.0)),
            ("2026-12-01T10:20:30.5Z", Some(1_796_120_430.0)),
            ("2024-02-29T00:00:00+00:00", Some(1_709_164_800.0)),
            ("2024-02-29", None),
            ("x", None),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }
}
