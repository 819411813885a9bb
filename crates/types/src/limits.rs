//! Every quota, its default and where that comes from: the one table that both planes read.

use std::time::Duration;

use crate::nearest::several;

/// How many names are offered to somebody who wrote one that there is not.
const NEAREST_MAX: usize = 3;

/// A time as settings write it: `10s`, `500ms`.
pub fn time(text: &str) -> Option<Duration> {
    Value::parse(text.trim())
}

/// The value of a limit as text: `10m`, `500ms`, `32768`, `32k`; `0` means none.
trait Value: Sized {
    const UNIT: &'static str;
    fn parse(text: &str) -> Option<Self>;
    fn print(&self) -> String;
}

/// A time such as `15s` or `10m`.
pub fn duration(text: &str) -> Option<Duration> {
    Value::parse(text)
}

impl Value for Duration {
    const UNIT: &'static str = "time (ms, s, m, h, d)";

    fn parse(text: &str) -> Option<Duration> {
        let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let number: u64 = text[..split].parse().ok()?;
        let unit_ms = match &text[split..] {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "" if number == 0 => 1,
            _ => return None,
        };
        Some(Duration::from_millis(number.checked_mul(unit_ms)?))
    }

    fn print(&self) -> String {
        let ms = self.as_millis();
        for (unit, size) in [("h", 3_600_000), ("m", 60_000), ("s", 1000)] {
            if ms != 0 && ms.is_multiple_of(size) {
                return format!("{}{unit}", ms / size);
            }
        }
        if ms == 0 { "0".into() } else { format!("{ms}ms") }
    }
}

impl Value for usize {
    const UNIT: &'static str = "number (k, m for 1024s)";

    fn parse(text: &str) -> Option<usize> {
        let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let number: usize = text[..split].parse().ok()?;
        let factor = match text[split..].to_ascii_lowercase().as_str() {
            "" => 1,
            "k" | "kib" => 1024,
            "m" | "mib" => 1024 * 1024,
            "g" | "gib" => 1024 * 1024 * 1024,
            _ => return None,
        };
        number.checked_mul(factor)
    }

    fn print(&self) -> String {
        self.to_string()
    }
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// Name, as in `--limit NAME=VALUE`.
    pub name: &'static str,
    /// What its value is counted in.
    pub unit: &'static str,
    /// What it bounds, what happens beyond it, and its source.
    pub doc: &'static str,
    /// Whether 0 takes the bound away; where it does not, 0 is refused.
    pub may_be_none: bool,
    get: fn(&Limits) -> String,
    set: fn(&mut Limits, &str) -> bool,
}

impl Limit {
    /// The value in `limits`, in the form that `--limit` takes.
    pub fn get(&self, limits: &Limits) -> String {
        (self.get)(limits)
    }
}

macro_rules! limits {
    ($($name:literal $field:ident: $type:ty = $default:expr, none: $none:literal, $doc:literal;)*) => {
        /// The quotas of one gateway. A value of zero means no limit, where the table allows that.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Limits {
            $(#[doc = $doc] pub $field: $type,)*
        }

        impl Default for Limits {
            fn default() -> Limits {
                Limits { $($field: $default,)* }
            }
        }

        /// Every limit there is, in the order in which people read them.
        pub const TABLE: &[Limit] = &[$(Limit {
            name: $name,
            unit: <$type as Value>::UNIT,
            doc: $doc,
            may_be_none: $none,
            get: |limits| limits.$field.print(),
            set: |limits, text| match <$type as Value>::parse(text) {
                Some(value) => { limits.$field = value; true }
                None => false,
            },
        },)*];
    };
}

limits! {
    "idle-timeout" idle_timeout: Duration = Duration::from_secs(600), none: true,
        "How long a connection may be silent, in both directions; then it is closed with 1001. Documented: 10 minutes.";
    "connection-duration" connection_duration: Duration = Duration::from_secs(7200), none: true,
        "How long a connection may last; then it is closed with 1001. Documented: 2 hours.";
    "frame-bytes" frame_bytes: usize = 32 * 1024, none: true,
        "Payload of one frame of a client; beyond it the connection is closed with 1009. Documented: 32 KB.";
    "message-bytes" message_bytes: usize = 128 * 1024, none: false,
        "A message, all frames together, and the body of POST @connections; beyond it 1009, or 413. Documented: 128 KB.";
    "integration-timeout" integration_timeout: Duration = Duration::from_secs(29), none: false,
        "The longest that a backend may take; also the default of an integration's timeoutInMillis. Documented: 29 s.";
    "authorizer-timeout" authorizer_timeout: Duration = Duration::from_secs(29), none: false,
        "The longest that an authorizer may take; beyond it the handshake answers 500. Inferred: 29 s.";
    "integration-response-bytes" integration_response_bytes: usize = 10 * 1024 * 1024, none: false,
        "The largest answer read from a backend; beyond it the call counts as failed. Ours: 10 MB, as REST APIs document.";
    "in-flight-per-connection" in_flight_per_connection: usize = 16, none: false,
        "Messages of one connection that are at backends at once; beyond it its socket is not read. 1 is strictly serial. Ours.";
    "in-flight-bytes-per-connection" in_flight_bytes_per_connection: usize = 256 * 1024, none: false,
        "Bytes of one connection's messages that are at backends at once; beyond it its socket is not read. One always passes. Ours.";
    "in-flight" in_flight: usize = 100_000, none: false,
        "Calls to backends at once, of all connections together; beyond it messages wait, each stage with a sixteenth of its own. Ours.";
    "in-flight-bytes" in_flight_bytes: usize = 256 * 1024 * 1024, none: true,
        "Bytes of all connections' messages that are at backends at once; beyond it sockets are not read, each stage has a sixteenth of its own. Ours: 256 MiB.";
    "mapping-time" mapping_time: Duration = Duration::from_secs(10), none: false,
        "How long a template, path or model that is much work may wait and take, beside the others; beyond it the message is refused. Ours.";
    "outbox-messages" outbox_messages: usize = 1024, none: false,
        "Frames that may wait for one client; beyond it POST @connections answers 429. Ours.";
    "outbox-bytes" outbox_bytes: usize = 1024 * 1024, none: false,
        "Bytes that may wait for one client; beyond it POST @connections answers 429. Ours: 1 MiB.";
    "send-buffer-bytes" send_buffer_bytes: usize = 256 * 1024, none: true,
        "What the system may hold of a client's frames beside the outbox (it takes twice that); 0 leaves it to the system. Ours.";
    "connections" connections: usize = 0, none: true,
        "Connections open at once; beyond it the handshake answers 429. Documented: no limit.";
    "connections-per-second" connections_per_second: usize = 0, none: true,
        "New connections in a second, and at once; beyond it the handshake answers 429. AWS: 500 for an account.";
    "requests-per-second" requests_per_second: usize = 0, none: true,
        "Handshakes, messages and @connections calls in a second; beyond it 429. AWS: 10,000 for an account.";
    "requests-burst" requests_burst: usize = 5000, none: false,
        "How many of them may come at once, where requests-per-second is set. Documented: 5,000.";
    "connections-per-address" connections_per_address: usize = 0, none: true,
        "Connections of one source address (of IPv6: of one /64 network) on the public address at once, those included that are no WebSocket; beyond it 429, under TLS closed. Ours.";
    "handshakes-per-address" handshakes_per_address: usize = 0, none: true,
        "Handshakes of one source address (of IPv6: of one /64 network) in a second, and at once; beyond it 429, under TLS closed before TLS. Ours.";
    "frames-per-second" frames_per_second: usize = 0, none: true,
        "Frames of one client in a second, and at once; one that is faster is not read for a while, and nothing is lost. Ours.";
    "bytes-per-second" bytes_per_second: usize = 0, none: true,
        "Bytes of one client in a second, and at once; one that is faster is not read for a while, and nothing is lost. Ours.";
    "http-connections" http_connections: usize = 100_000, none: false,
        "Sockets at once that are no WebSocket, or not yet; beyond it new clients wait in the system's queue. Ours.";
    "url-bytes" url_bytes: usize = 4096, none: false,
        "The URL of a handshake; beyond it 414. Documented: 4,096 characters.";
    "header-bytes" header_bytes: usize = 16 * 1024, none: false,
        "All headers of a handshake; beyond it 431. Ours: 16 KB (REST APIs document 10,240 bytes).";
    "handshake-timeout" handshake_timeout: Duration = Duration::from_secs(10), none: false,
        "How long a client may take to send the headers of a request. Ours.";
    "close-timeout" close_timeout: Duration = Duration::from_secs(5), none: false,
        "How long a client may take to answer a close frame before its socket is dropped. Ours.";
    "history-bytes" history_bytes: usize = 64 * 1024 * 1024, none: true,
        "Memory for the records of past events, which the console shows; the oldest go. 0: none is kept. Ours: 64 MiB.";
    "history-age" history_age: Duration = Duration::from_secs(3600), none: true,
        "How long a past event's record is kept. Ours: 1 hour.";
    "drain-timeout" drain_timeout: Duration = Duration::from_secs(30), none: false,
        "How long a stop waits for messages in flight and for $disconnect calls. Ours.";
    "drain-spread" drain_spread: Duration = Duration::ZERO, none: true,
        "Over how long a stop spreads the closing of clients, so that they do not all come back at once; then they are told 1012 in place of 1001. 0: at once. Ours.";
    "disconnect-retries" disconnect_retries: usize = 0, none: true,
        "How often a $disconnect is told again whose backend fails (5xx, 408, 429, no answer). AWS: never; extended: 16. What a crash left open is told again in any case. Ours.";
    "disconnect-retry-for" disconnect_retry_for: Duration = Duration::from_secs(3600), none: false,
        "For how long a $disconnect is told again, with pauses that grow from a second to five minutes. Ours: 1 hour.";
    "disconnect-replay-rate" disconnect_replay_rate: usize = 500, none: false,
        "How many $disconnects are told again in a second, those included that a crash left open. Ours.";
    "control-body-bytes" control_body_bytes: usize = 1024 * 1024, none: false,
        "The body of a control-plane call; beyond it 413. Ours.";
    "apis" apis: usize = 600, none: true,
        "APIs; beyond it CreateApi answers 400, and so on for the next ones. Documented: 600.";
    "routes-per-api" routes_per_api: usize = 300, none: true,
        "Routes of an API; beyond it CreateRoute answers 400. Documented: 300.";
    "integrations-per-api" integrations_per_api: usize = 300, none: true,
        "Integrations of an API; beyond it CreateIntegration answers 400. Documented: 300.";
    "responses" responses: usize = 300, none: true,
        "Integration responses of an integration, and route responses of a route. Ours.";
    "models-per-api" models_per_api: usize = 10_000, none: true,
        "Models of an API. Ours.";
    "authorizers-per-api" authorizers_per_api: usize = 10, none: true,
        "Authorizers of an API. Documented: 10.";
    "stages-per-api" stages_per_api: usize = 10, none: true,
        "Stages of an API. Documented: 10.";
    "deployments-per-api" deployments_per_api: usize = 1000, none: true,
        "Deployments of an API; each holds the whole API. Ours.";
    "domain-names" domain_names: usize = 120, none: true,
        "Custom domain names. Documented: 120.";
    "mappings-per-domain" mappings_per_domain: usize = 200, none: true,
        "API mappings of a domain name. Documented: 200.";
    "vpc-links" vpc_links: usize = 20, none: true,
        "VPC links of v1, and as many of v2. Documented: 20 and 10.";
    "usage-plans" usage_plans: usize = 300, none: true,
        "Usage plans; beyond it 429. Documented: 300.";
    "api-keys" api_keys: usize = 10_000, none: true,
        "API keys; beyond it 429. Documented: 10,000.";
    "client-certificates" client_certificates: usize = 60, none: true,
        "Client certificates; beyond it 429. Documented: 60.";
}

impl Limits {
    /// Sets one limit from text such as `10m` or `64k`.
    ///
    /// # Errors
    /// A sentence that names the limit, the value and what would fit.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let Some(limit) = TABLE.iter().find(|limit| limit.name == name) else {
            let near = several(name, TABLE.iter().map(|limit| limit.name), NEAREST_MAX);
            let near = match near.as_slice() {
                [] => String::new(),
                near => format!(" (did you mean {}?)", near.join(", ")),
            };
            return Err(format!("there is no limit `{name}`{near}. `gatewright config` lists them all"));
        };
        let mut changed = self.clone();
        if !(limit.set)(&mut changed, value.trim()) {
            return Err(format!("limit `{name}`: `{value}` is not a {}", limit.unit));
        }
        if !limit.may_be_none && limit.get(&changed) == "0" {
            return Err(format!("limit `{name}` cannot be 0 (none): something must bound it"));
        }
        *self = changed;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_reads_back_what_it_prints() {
        for limit in TABLE {
            let mut limits = Limits::default();
            let text = limit.get(&limits);
            assert_eq!(limits.set(limit.name, &text), Ok(()), "{}", limit.name);
            assert_eq!(limits, Limits::default());
        }
    }

    #[test]
    fn a_limit_that_cannot_be_read_is_named_and_changes_nothing() {
        let mut limits = Limits::default();
        for (name, value, part) in [
            ("idle", "1s", "there is no limit `idle`"),
            ("idle-timeout", "ten", "`ten` is not a time"),
            ("idle-timeout", "10", "`10` is not a time"),
            ("message-bytes", "0", "cannot be 0"),
            ("message-bytes", "99999999999999999999", "is not a number"),
        ] {
            assert!(limits.set(name, value).is_err_and(|error| error.contains(part)), "{name}={value}");
        }
        assert_eq!(limits, Limits::default());
        limits.set("idle-timeout", "0").unwrap();
        assert_eq!(limits.idle_timeout, Duration::ZERO);
        limits.set("frame-bytes", "64k").unwrap();
        assert_eq!(limits.frame_bytes, 65536);
    }
}
