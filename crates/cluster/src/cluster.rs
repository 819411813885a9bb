//! One node among many: what the program holds of the cluster.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_nats::connection::State;
use async_nats::jetstream::kv;
use futures_util::TryStreamExt;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use crate::error::Error;
use crate::lease::keeper::{Keeper, Report};
use crate::lease::machine::Terms;
use crate::lease::{Entry, FORM, Standing, Tenure};
use crate::link::{Link, told};
use crate::load::Balance;
use crate::members::{Member, Members};
use crate::peers::{NatsPeers, Server, Serves};
use crate::settings::Settings;

/// The longest that giving the number back may take at the end; then its lease ends it.
const LEAVE_MAX: Duration = Duration::from_secs(3);

/// A node's place in a cluster.
pub struct Cluster {
    pub(crate) link: Link,
    pub(crate) tenure: Arc<Tenure>,
    pub(crate) members: Arc<Members>,
    pub(crate) report: Arc<Report>,
    bucket: kv::Store,
    terms: Terms,
    entry: Entry,
    tasks: Mutex<Tasks>,
}

#[derive(Default)]
struct Tasks {
    running: Vec<JoinHandle<()>>,
    leave: Option<oneshot::Sender<oneshot::Sender<()>>>,
}

/// Connects to NATS, looks whether it will do, and makes what the cluster keeps there. The node has no number yet; see
/// [`Cluster::join`].
///
/// # Errors
/// Says in a sentence what is wrong: a setting, no server, an old one, one without JetStream.
pub async fn connect(settings: Settings) -> Result<Cluster, Error> {
    let link = Link::open(&settings).await?;
    let bucket = link.nodes(settings.lease).await?;
    let info = bucket.stream.get_info().await;
    let info = info.map_err(|error| Error::failed("look at the bucket of node numbers", told(&error)))?;
    let entry = Entry {
        form: FORM,
        version: settings.version,
        address: settings.node_address,
        started: now(),
        process: rand::random(),
        beat: 0,
        token: None,
        connections: 0,
        lag: 0,
    };
    let cluster = Cluster {
        link,
        tenure: Arc::new(Tenure::new()),
        members: Arc::default(),
        report: Arc::default(),
        // What the bucket says is what the servers do.
        terms: Terms::of(info.config.max_age),
        bucket,
        entry,
        tasks: Mutex::default(),
    };
    let (members, bucket) = (cluster.members.clone(), cluster.bucket.clone());
    cluster.keep(tokio::spawn(async move { members.follow(&bucket).await }));
    Ok(cluster)
}

impl Cluster {
    /// Begins to take and keep a number. The receiver tells each time the node has one, or no longer has one: then its
    /// clients are to be closed with 1012 and none accepted, until the next.
    pub fn join(&self) -> watch::Receiver<Standing> {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        if tasks.leave.is_none() {
            let (leave, asked) = oneshot::channel();
            let keeper = Keeper {
                bucket: self.bucket.clone(),
                terms: self.terms,
                tenure: self.tenure.clone(),
                report: self.report.clone(),
                entry: self.entry.clone(),
            };
            tasks.running.push(tokio::spawn(keeper.run(asked)));
            tasks.leave = Some(leave);
        }
        self.tenure.watch()
    }

    /// The node's number, with the clock looked at: who accepts a client or answers for one asks this.
    pub fn tenure(&self) -> &Arc<Tenure> {
        &self.tenure
    }

    /// Who is there.
    pub fn members(&self) -> &Arc<Members> {
        &self.members
    }

    /// Who is there, asked now; for who looks once and does not join.
    ///
    /// # Errors
    /// When NATS does not answer.
    pub async fn list(&self) -> Result<Vec<Member>, Error> {
        let what = "list the nodes";
        let keys = self.bucket.keys().await.map_err(|error| Error::failed(what, told(&error)))?;
        let keys: Vec<String> = keys.try_collect().await.map_err(|error| Error::failed(what, told(&error)))?;
        let mut members = Vec::new();
        for key in keys {
            let Ok(number) = key.parse() else { continue };
            let entry = self.bucket.entry(key).await.map_err(|error| Error::failed(what, told(&error)))?;
            let put = entry.filter(|entry| entry.operation == kv::Operation::Put);
            members.extend(put.and_then(|put| Some(Member::of(number, Entry::read(&put.value)?, put.revision))));
        }
        members.sort_by_key(|member| member.number);
        Ok(members)
    }

    /// What this node says of itself with each renewal; the program writes its connections into it.
    pub fn report(&self) -> &Arc<Report> {
        &self.report
    }

    /// Whether there is a connection to NATS at the moment.
    pub fn is_connected(&self) -> bool {
        self.link.client.connection_state() == State::Connected
    }

    /// How long a number stays a node's own without renewal.
    pub fn lease(&self) -> Duration {
        self.terms.lease
    }

    /// The way to other nodes' connections.
    pub fn peers(&self) -> NatsPeers {
        NatsPeers::new(self.link.clone(), self.tenure.clone(), self.members.clone())
    }

    /// Answers other nodes that ask for this one's connections, as long as it has a number.
    pub fn serve(&self, serves: Arc<dyn Serves>) {
        let (link, tenure, members) = (self.link.clone(), self.tenure.clone(), self.members.clone());
        self.keep(tokio::spawn(Arc::new(Server { link, tenure, members, serves }).run()));
    }

    /// Gives, once a second, the part of what is limited for all nodes together that is this node's: by its connections.
    pub fn balance(&self, share: Arc<dyn Fn(f64) + Send + Sync>) {
        let (link, tenure) = (self.link.clone(), self.tenure.clone());
        let balance = Balance { link, tenure, members: self.members.clone(), report: self.report.clone() };
        self.keep(tokio::spawn(balance.run(share)));
    }

    /// Stops serving and gives the number back; waits 3 s for it at most. Clients are to be closed before.
    pub async fn leave(&self) {
        let leave = self.tasks.lock().unwrap_or_else(PoisonError::into_inner).leave.take();
        if let Some(leave) = leave {
            let (left, wait) = oneshot::channel();
            if leave.send(left).is_ok() {
                let _ = tokio::time::timeout(LEAVE_MAX, wait).await;
            }
        }
    }

    fn keep(&self, task: JoinHandle<()>) {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).running.push(task);
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let tasks = self.tasks.get_mut().unwrap_or_else(PoisonError::into_inner);
        tasks.running.iter().for_each(JoinHandle::abort);
    }
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
