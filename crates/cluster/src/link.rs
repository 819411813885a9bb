//! The way to NATS: who answers, whether it is new enough, and what it keeps for the cluster.

use std::fmt::Write as _;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use async_nats::jetstream::{self, kv, stream};
use async_nats::{Client, ConnectOptions, Event};

use crate::error::Error;
use crate::names::Names;
use crate::settings::{Login, Settings};

/// The oldest server whose bucket tells when an entry ended.
const SERVER_MIN: (i64, i64, i64) = (2, 11, 0);
/// The longest wait for a server that does not answer.
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// How often a silent connection is asked whether it lives; two that are not answered end it.
const PING_EVERY: Duration = Duration::from_secs(2);
/// The longest pause between two tries to connect anew.
const RECONNECT_MAX: Duration = Duration::from_secs(2);
/// How long the bucket shows that a number came free. Watchers hear it within a second; those who come later need not know.
const MARKERS_FOR: Duration = Duration::from_secs(60);
/// How long NATS knows a message again that is sent twice.
const DUPLICATES_FOR: Duration = Duration::from_secs(120);
/// An entry of the bucket is a line of JSON.
const ENTRY_BYTES_MAX: i32 = 16 * 1024;

/// A connection to NATS that was looked at.
#[derive(Clone)]
pub(crate) struct Link {
    pub(crate) client: Client,
    pub(crate) context: jetstream::Context,
    pub(crate) names: Names,
    replicas: usize,
}

impl Link {
    pub(crate) async fn open(settings: &Settings) -> Result<Link, Error> {
        settings.check()?;
        let servers = settings.servers.join(", ");
        let unreachable = |detail: String| Error::Unreachable { servers: servers.clone(), detail };
        let mut addresses = Vec::new();
        for server in &settings.servers {
            let address = server.parse::<async_nats::ServerAddr>();
            addresses.push(address.map_err(|error| unreachable(format!("`{server}` is no address: {error}")))?);
        }
        let client = options(settings).await?.connect(addresses).await.map_err(|error| unreachable(told(&error)))?;
        let server = client.server_info();
        let (major, minor, patch) = SERVER_MIN;
        if !client.is_server_compatible(major, minor, patch) {
            return Err(Error::Old { server: server.server_name, version: server.version });
        }
        let context = jetstream::context::ContextBuilder::new()
            .timeout(CONNECT_MAX)
            .ack_timeout(CONNECT_MAX)
            .build(client.clone());
        // Asked, not looked up in what the server says of itself: another server of its cluster may have it.
        if let Err(error) = context.query_account().await {
            return Err(Error::NoJetStream { server: server.server_name, detail: told(&error) });
        }
        Ok(Link { client, context, names: Names::of(&settings.name), replicas: settings.replicas })
    }

    /// The bucket of numbers, made if it is not there.
    pub(crate) async fn nodes(&self, lease: Duration) -> Result<kv::Store, Error> {
        let bucket = self.names.nodes();
        let config = kv::Config {
            bucket: bucket.clone(),
            description: "Gatewright: which node has which number".to_owned(),
            max_value_size: ENTRY_BYTES_MAX,
            history: 1,
            max_age: lease,
            num_replicas: self.replicas,
            limit_markers: Some(MARKERS_FOR),
            ..kv::Config::default()
        };
        let made = self.context.create_key_value(config).await;
        // One that is there with another lease, or other copies, is used as it is.
        match made {
            Ok(store) => Ok(store),
            Err(error) => match self.context.get_key_value(&bucket).await {
                Ok(store) => Ok(store),
                Err(_) => Err(Error::failed(format!("make the bucket {bucket}"), told(&error))),
            },
        }
    }

    /// The stream of batches, made if it is not there.
    pub(crate) async fn log(&self) -> Result<stream::Stream, Error> {
        self.stream(self.names.log(), self.names.log_subject(), "Gatewright: changes of definitions").await
    }

    /// The stream of snapshots, made if it is not there.
    pub(crate) async fn snapshots(&self) -> Result<stream::Stream, Error> {
        self.stream(self.names.snapshots(), self.names.snapshot_subjects(), "Gatewright: all definitions at a moment")
            .await
    }

    async fn stream(&self, name: String, subject: String, description: &str) -> Result<stream::Stream, Error> {
        let config = stream::Config {
            name: name.clone(),
            description: Some(description.to_owned()),
            subjects: vec![subject],
            num_replicas: self.replicas,
            duplicate_window: DUPLICATES_FOR,
            allow_direct: true,
            ..stream::Config::default()
        };
        match self.context.create_stream(config).await {
            Ok(stream) => Ok(stream),
            Err(error) => match self.context.get_stream(&name).await {
                Ok(stream) => Ok(stream),
                Err(_) => Err(Error::failed(format!("make the stream {name}"), told(&error))),
            },
        }
    }
}

async fn options(settings: &Settings) -> Result<ConnectOptions, Error> {
    let mut options = ConnectOptions::new()
        .name(format!("gatewright {}", settings.node_address))
        .connection_timeout(CONNECT_MAX)
        .request_timeout(Some(CONNECT_MAX))
        .ping_interval(PING_EVERY)
        .max_reconnects(None)
        .reconnect_delay_callback(|tries| {
            let tries = u32::try_from(tries).unwrap_or(u32::MAX).saturating_sub(1);
            Duration::from_millis(50).saturating_mul(tries).min(RECONNECT_MAX)
        });
    let tell = settings.tell.clone();
    options = options.event_callback(move |event| {
        if let Some(sentence) = sentence(&event) {
            (tell.0)(sentence);
        }
        std::future::ready(())
    });
    options = match &settings.login {
        Login::Nobody => options,
        Login::Password { user, password } => options.user_and_password(user.clone(), password.clone()),
        Login::Token(token) => options.token(token.clone()),
        Login::Nkey(seed) => options.nkey(seed.trim().to_owned()),
        Login::CredentialsFile(path) => {
            readable(path).map(|()| options)?.credentials_file(path).await.map_err(|error| file(path, &error))?
        }
    };
    if settings.tls.required {
        options = options.require_tls(true);
    }
    if let Some(authorities) = &settings.tls.authorities {
        readable(authorities)?;
        options = options.add_root_certificates(authorities.clone());
    }
    if let Some((certificate, key)) = &settings.tls.certificate {
        readable(certificate)?;
        readable(key)?;
        options = options.add_client_certificate(certificate.clone(), key.clone());
    }
    Ok(options)
}

/// What an event is to whoever reads the log.
fn sentence(event: &Event) -> Option<String> {
    match event {
        Event::Connected => Some("connected to NATS".to_owned()),
        Event::Disconnected => Some("the connection to NATS is lost; it is tried again".to_owned()),
        Event::LameDuckMode => Some("the NATS server is about to end; another is looked for".to_owned()),
        Event::SlowConsumer(_) => {
            Some("NATS sends more than this node takes: messages of other nodes were left out".to_owned())
        }
        Event::ServerError(error) => Some(format!("NATS says: {error}")),
        Event::ClientError(error) => Some(format!("NATS cannot be reached: {error}")),
        Event::Draining | Event::Closed => None,
    }
}

/// A file that cannot be read is named before NATS's own words leave its name out.
fn readable(path: &Path) -> Result<(), Error> {
    std::fs::File::open(path).map(drop).map_err(|error| file(path, &error))
}

fn file(path: &Path, error: &std::io::Error) -> Error {
    let detail = match error.kind() {
        ErrorKind::NotFound => "no such file".to_owned(),
        ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    };
    Error::File { path: path.to_owned(), detail }
}

/// An error with its causes, in one line.
pub(crate) fn told(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let told = error.to_string();
        if !text.contains(&told) {
            let _ = write!(text, ": {told}");
        }
        cause = error.source();
    }
    text
}
