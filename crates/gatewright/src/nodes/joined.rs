//! A node of a cluster: its number, its store, the way to the others, and what happens when it loses its number.

use std::fs;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use cluster::{Cluster, LogStore, Login, Settings, Standing, StoreSettings, Tls};
use control::Control;
use control::store::Store;
use gateway::{Gateway, Peers};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::banner::Addresses;
use crate::choices::LogLevel;
use crate::config::Config;
use crate::exit::Failure;
use crate::logs::Log;

/// The copy of the definitions, in the folder of the data.
const FOLDER: &str = "cluster";
/// How long a node waits at its start for a number: as long as a lease, and an election, may take.
const NUMBER_MAX: Duration = Duration::from_secs(60);
/// How long a node waits at its start for NATS to be there, and how often it looks.
const NATS_MAX: Duration = Duration::from_secs(30);
const NATS_AGAIN: Duration = Duration::from_millis(500);
/// How often a node writes down how many connections it has.
const REPORT_EVERY: Duration = Duration::from_secs(1);

/// This node.
pub(crate) struct Node {
    cluster: Arc<Cluster>,
    standing: watch::Receiver<Standing>,
    name: String,
    store: OnceLock<Arc<LogStore>>,
}

/// Joins the cluster that the settings name; `None` where they name none. The node has a number then.
///
/// # Errors
/// Says in a sentence why it cannot.
pub(crate) async fn join(config: &Config, addresses: &Addresses, log: &Log) -> Result<Option<Arc<Node>>, Failure> {
    if config.settings.cluster.is_empty() {
        return Ok(None);
    }
    let settings = settings(config, addresses)?;
    let name = settings.name.clone();
    let cluster = connect(settings, log).await.map_err(|error| Failure::config(format!("cluster: {error}")))?;
    let mut standing = cluster.join();
    let number = standing.wait_for(|standing| matches!(standing, Standing::Held(_)));
    if tokio::time::timeout(NUMBER_MAX, number).await.is_err() {
        let seconds = NUMBER_MAX.as_secs();
        return Err(Failure::config(format!(
            "cluster {name}: no node number within {seconds} s: NATS does not take writes, as without a majority of its servers"
        )));
    }
    let node = Node { cluster: Arc::new(cluster), standing, name, store: OnceLock::new() };
    log.number(node.number());
    Ok(Some(Arc::new(node)))
}

// NATS may start at the same time, and a cluster of it takes seconds to agree: what may pass is waited for.
async fn connect(settings: Settings, log: &Log) -> Result<Cluster, cluster::Error> {
    let until = Instant::now() + NATS_MAX;
    let mut is_told = false;
    loop {
        let error = match cluster::connect(settings.clone()).await {
            Ok(cluster) => return Ok(cluster),
            Err(error) => error,
        };
        let may_pass = matches!(
            error,
            cluster::Error::Unreachable { .. } | cluster::Error::NoJetStream { .. } | cluster::Error::Failed { .. }
        );
        if !may_pass || Instant::now() >= until {
            return Err(error);
        }
        if !std::mem::replace(&mut is_told, true) {
            log.say(LogLevel::Warn, format!("cluster: {error}; it is tried again for {} s", NATS_MAX.as_secs()));
        }
        tokio::time::sleep(NATS_AGAIN).await;
    }
}

fn settings(config: &Config, addresses: &Addresses) -> Result<Settings, Failure> {
    let given = &config.settings;
    let read = |name: &str, path: &Path| {
        let text = fs::read_to_string(path);
        text.map(|text| text.trim().to_owned())
            .map_err(|error| Failure::config(format!("{name}: {}: {error}", path.display())))
    };
    let mut logins = Vec::new();
    if let Some(user) = &given.cluster_user {
        let password = given.cluster_password.as_deref().map(|path| read("cluster-password", path)).transpose()?;
        logins.push(Login::Password { user: user.clone(), password: password.unwrap_or_default() });
    }
    if let Some(path) = &given.cluster_token {
        logins.push(Login::Token(read("cluster-token", path)?));
    }
    if let Some(path) = &given.cluster_nkey {
        logins.push(Login::Nkey(read("cluster-nkey", path)?));
    }
    if let Some(path) = &given.cluster_credentials {
        logins.push(Login::CredentialsFile(path.clone()));
    }
    if logins.len() > 1 {
        return Err(Failure::config(
            "cluster: one of cluster-user, -token, -nkey and -credentials says who the node is",
        ));
    }
    let certificate = match (&given.cluster_cert, &given.cluster_key) {
        (Some(cert), Some(key)) => Some((cert.clone(), key.clone())),
        (None, None) => None,
        _ => return Err(Failure::config("cluster-cert and cluster-key belong together")),
    };
    let own = || addresses.admin.unwrap_or(addresses.listen).to_string();
    Ok(Settings {
        node_address: given.node_address.clone().unwrap_or_else(own),
        login: logins.pop().unwrap_or_default(),
        tls: Tls { required: given.cluster_ca.is_some(), authorities: given.cluster_ca.clone(), certificate },
        lease: given.cluster_lease,
        replicas: given.cluster_replicas,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..Settings::new(given.cluster.clone(), given.cluster_name.clone())
    })
}

impl Node {
    /// Its number; 0 while it has none.
    pub(crate) fn number(&self) -> u16 {
        self.cluster.tenure().current().map_or(0, |held| held.number)
    }

    /// The way to the others' connections.
    pub(crate) fn peers(&self) -> Box<dyn Peers> {
        Box::new(self.cluster.peers())
    }

    /// The cluster's definitions.
    ///
    /// # Errors
    /// Where NATS does not give them, or the node's copy cannot be opened.
    pub(crate) async fn store(&self, config: &Config, log: &Log) -> Result<Arc<dyn Store>, Failure> {
        let said = log.clone();
        let settings = StoreSettings {
            folder: config.settings.data_dir.as_ref().map(|dir| dir.join(FOLDER)),
            tell: Arc::new(move |text| said.say(LogLevel::Warn, text)),
            ..StoreSettings::new()
        };
        let store = LogStore::open(&self.cluster, settings).await;
        let store = Arc::new(store.map_err(|error| Failure::disk(format!("cluster: {error}")))?);
        let _ = self.store.set(store.clone());
        Ok(store)
    }

    /// Answers other nodes, shows what they change, and gives way where the number is lost.
    pub(crate) fn begin(self: &Arc<Node>, gateway: &Arc<Gateway>, control: &Arc<Control>, log: &Log) {
        self.cluster.serve(gateway.clone());
        if let Some(store) = self.store.get() {
            let (control, said) = (control.clone(), log.clone());
            store.announce(move || {
                if let Err(error) = control.catch_up() {
                    said.say(LogLevel::Warn, format!("definitions of other nodes: {error}"));
                }
            });
        }
        let (report, counted) = (self.cluster.report().clone(), gateway.clone());
        tokio::spawn(async move {
            loop {
                report.connections.store(counted.open_connections() as u64, Ordering::Relaxed);
                tokio::time::sleep(REPORT_EVERY).await;
            }
        });
        let shared = gateway.clone();
        self.cluster.balance(Arc::new(move |part| shared.set_share(part)));
        tokio::spawn(follow(self.clone(), gateway.clone(), log.clone()));
    }

    /// Gives the number back.
    pub(crate) async fn leave(&self) {
        self.cluster.leave().await;
    }

    /// How it stands, for `/_health`.
    pub(crate) fn health(&self) -> Value {
        let behind = self.store.get().map_or(0, |store| store.behind());
        let held = self.cluster.tenure().current();
        json!({
            "name": self.name, "node": held.map(|held| held.number), "connected": self.cluster.is_connected(),
            "behind": behind, "nodes": self.cluster.members().all().len(),
        })
    }

    /// Everybody, for `gatewright nodes`.
    pub(crate) fn list(&self) -> Value {
        let own = self.cluster.tenure().current().map(|held| held.number);
        let nodes: Vec<Value> = self
            .cluster
            .members()
            .all()
            .into_iter()
            .map(|member| {
                json!({
                    "node": member.number, "address": member.address, "version": member.version, "startedAt": member.started,
                    "connections": member.connections, "behind": member.lag, "isThis": Some(member.number) == own,
                })
            })
            .collect();
        json!({ "cluster": self.name, "connected": self.cluster.is_connected(), "nodes": nodes })
    }

    /// A sentence for the start.
    pub(crate) fn told(&self) -> String {
        let others = self.cluster.members().all().len().saturating_sub(1);
        let lease = self.cluster.lease().as_secs();
        format!(
            "node {} of cluster {}, beside {others} others; its number is its own for {lease} s at a time",
            self.number(),
            self.name
        )
    }
}

// A node that has lost its number is nobody: its clients go, and none comes until it has another.
async fn follow(node: Arc<Node>, gateway: Arc<Gateway>, log: Log) {
    let mut standing = node.standing.clone();
    standing.mark_unchanged();
    while standing.changed().await.is_ok() {
        let now = *standing.borrow_and_update();
        match now {
            Standing::Lost if gateway.is_draining() => {}
            Standing::Lost => {
                let open = gateway.open_connections();
                gateway.suspend(true);
                gateway.send_away().await;
                log.say(
                    LogLevel::Error,
                    format!("the node has lost its number: its {open} clients were closed with 1012, and none is let in until it has another"),
                );
            }
            Standing::Held(held) => {
                gateway.renumber(held.number);
                log.number(held.number);
                gateway.suspend(false);
                log.say(LogLevel::Warn, format!("the node has number {} now, and lets clients in", held.number));
            }
        }
    }
}
