//! Appends batches so that none is lost, doubled or half there, whatever becomes of requests and answers.
//!
//! Each message names the place that it is for: the stream takes it there or refuses it. So of two writers one wins, and a message
//! that is sent again, or arrives late, stands there once or never. Where it stands is asked when an answer was lost.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use control::store::{Change, Content, Key, Revision, StoreError};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout_at};

use super::record::{self, Batch};
use super::replica::{Fault, Place, Replica, Taken};

/// The longest that one request is waited for before it is sent again.
const TRY_MAX: Duration = Duration::from_secs(2);
/// From a failed try to the next.
const PAUSE: Duration = Duration::from_millis(100);
/// The same while another's message is being stored, which takes as long as one's own.
const PAUSE_FOR_OTHERS: Duration = Duration::from_millis(2);
/// How long a batch of another node, of which parts are there, may take to be whole before it is overtaken.
const OPEN_MAX: Duration = Duration::from_secs(1);

/// What an append came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Append {
    /// It stands at this place; perhaps since an earlier try.
    Stored(u64),
    /// The stream's last message is another than was expected.
    Elsewhere,
    /// It was not sent, for this reason.
    NotSent(String),
    /// It may be there, or come there yet.
    Unknown(String),
}

/// What a look at one message gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    /// The message.
    Message(Bytes),
    /// There is none.
    Nothing,
    /// It cannot be said.
    Failed,
}

/// Where a stream begins and ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The first message that is kept.
    pub first: u64,
    /// The last that there ever was.
    pub last: u64,
}

/// A stream of messages at numbered places, as its leader knows it.
pub trait Stream: Send + Sync + 'static {
    /// Puts a message behind the one at `expected`, where that is the last. The same `id` is taken once only.
    fn append(&self, expected: u64, id: &str, message: Bytes) -> impl Future<Output = Append> + Send;
    /// The message at a place.
    fn read(&self, sequence: u64) -> impl Future<Output = Read> + Send;
    /// Where it begins and ends; none where that cannot be said.
    fn bounds(&self) -> impl Future<Output = Option<Bounds>> + Send;
    /// Everything as it was behind one message, from when the stream was last cut.
    fn snapshot(&self) -> impl Future<Output = Option<Snapshot>> + Send;
}

/// Everything at one place of the log.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    pub(crate) revision: Revision,
    pub(crate) applied: u64,
    pub(crate) contents: BTreeMap<Key, Content>,
}

/// A node's replica of the log, and its pen.
pub struct Log<S> {
    pub(crate) stream: S,
    state: Mutex<State>,
    /// Who writes; the others of this node wait. Holds the revision that this node's last batch led to.
    turn: tokio::sync::Mutex<Revision>,
    /// Who reads what was missed.
    reading: tokio::sync::Mutex<()>,
    applied: watch::Sender<u64>,
    /// The most bytes of one message.
    pub(crate) bytes_max: usize,
}

struct State {
    replica: Replica,
    /// A batch may have been stored, or be stored yet, of which its writer was told that nobody knows.
    in_doubt: bool,
}

enum Sure {
    Stored(u64),
    Conflict,
    NotSent(String),
    Unknown(String),
}

impl Snapshot {
    /// The message that it is as of.
    pub fn applied(&self) -> u64 {
        self.applied
    }
}

impl<S: Stream> Log<S> {
    /// Begins where a snapshot or copy ends.
    pub fn new(stream: S, from: Snapshot, bytes_max: usize) -> Log<S> {
        let replica = Replica::at(from.revision, from.applied, from.contents);
        Log {
            stream,
            applied: watch::Sender::new(replica.place().applied),
            state: Mutex::new(State { replica, in_doubt: false }),
            turn: tokio::sync::Mutex::default(),
            reading: tokio::sync::Mutex::default(),
            bytes_max,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn with<T>(&self, look: impl FnOnce(&Replica) -> T) -> T {
        look(&self.state().replica)
    }

    pub(crate) fn place(&self) -> Place {
        self.with(Replica::place)
    }

    /// The definitions' revision on this node.
    pub fn revision(&self) -> Revision {
        self.place().revision
    }

    /// Everything as of the last message behind which no batch was open.
    pub fn snapshot(&self) -> Snapshot {
        self.with(|replica| {
            let place = replica.place();
            let mut snapshot =
                Snapshot { revision: place.revision, applied: place.committed, contents: BTreeMap::new() };
            // It is in memory, which does not fail.
            let _ = replica.each(&mut |key, content| drop(snapshot.contents.insert(key, content)));
            snapshot
        })
    }

    /// The documents on this node.
    pub fn contents(&self) -> BTreeMap<Key, Content> {
        self.snapshot().contents
    }

    /// The last message that this node has taken.
    pub fn applied(&self) -> u64 {
        self.place().applied
    }

    /// Tells the last message that was taken, each time it changes.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.applied.subscribe()
    }

    /// Takes a message from whoever brings it. `false`: others come before it.
    ///
    /// # Errors
    /// When it cannot be taken, in words.
    pub fn take(&self, sequence: u64, message: &[u8]) -> Result<bool, StoreError> {
        let mut state = self.state();
        let taken = state.replica.take(sequence, message);
        let applied = state.replica.place().applied;
        drop(state);
        match taken {
            Ok(Taken::Old) => Ok(true),
            Ok(Taken::Nothing | Taken::Batch) => {
                self.applied.send_replace(applied);
                Ok(true)
            }
            Err(Fault::Gap) => Ok(false),
            Err(fault) => Err(refused(&fault)),
        }
    }

    /// Reads what this node has not taken yet, up to the stream's end.
    ///
    /// # Errors
    /// When the stream's leader does not answer, or what it says cannot be taken.
    pub async fn catch_up(&self) -> Result<(), StoreError> {
        let silent =
            || unavailable("NATS does not answer: too few of its servers are there, or they choose a new leader");
        let _one = self.reading.lock().await;
        let Bounds { first, last } = self.stream.bounds().await.ok_or_else(silent)?;
        let mut next = self.place().applied + 1;
        if first > next && last >= next {
            let snapshot = self.stream.snapshot().await.ok_or_else(silent)?;
            if snapshot.applied + 1 < first {
                return Err(failed(format!(
                    "the log begins at {first}, and its snapshot ends at {}",
                    snapshot.applied
                )));
            }
            next = snapshot.applied + 1;
            self.begin_anew(snapshot);
        }
        for sequence in next..=last {
            match self.stream.read(sequence).await {
                Read::Message(message) => self.take(sequence, &message).map(drop)?,
                // Cut in between: the next time begins with the snapshot.
                Read::Nothing => return Err(failed(format!("message {sequence} of the log is not there"))),
                Read::Failed => return Err(silent()),
            }
        }
        Ok(())
    }

    fn begin_anew(&self, snapshot: Snapshot) {
        let mut state = self.state();
        if snapshot.applied > state.replica.place().applied {
            state.replica = Replica::at(snapshot.revision, snapshot.applied, snapshot.contents);
            self.applied.send_replace(snapshot.applied);
        }
    }

    /// Makes a batch ready to be appended.
    ///
    /// # Errors
    /// When it is too large.
    pub fn write(&self, from: Revision, changes: &[Change]) -> Result<Batch, StoreError> {
        Batch::write(record::new_id(), from, changes, self.bytes_max).map_err(failed)
    }

    /// Appends a batch; gives the revision that it leads to, which this node then has.
    ///
    /// # Errors
    /// [`StoreError::Conflict`]: others were quicker, and this node has taken what they did. [`StoreError::Unavailable`]: it is
    /// not stored. [`StoreError::Doubtful`]: nobody knows.
    ///
    /// # Cancel safety
    /// Not cancel safe: what was sent may be stored.
    pub async fn commit(&self, batch: &Batch, within: Duration) -> Result<Revision, StoreError> {
        let until = Instant::now() + within;
        let turn = timeout_at(until, self.turn.lock()).await;
        let mut own = turn.map_err(|_| unavailable("other changes wait for NATS, which does not answer"))?;
        if self.state().in_doubt {
            self.settle(until).await?;
        }
        let mut tries = 0;
        loop {
            self.wait_for_others(until).await;
            if let Some(fault) = self.with(|replica| replica.fault().cloned()) {
                return Err(refused(&fault));
            }
            // Both at once: whoever follows the log may take a message in between, behind which this batch must not stand.
            let Place { revision, applied, .. } = self.place();
            if revision != batch.from {
                return Err(StoreError::Conflict);
            }
            if self.append(batch, (applied, tries), until).await? {
                *own = batch.to;
                return Ok(batch.to);
            }
            self.overtaken(until).await?;
            // What took its place may have changed nothing: a fence, or a part of what was given up.
            tries += 1;
            if Instant::now() >= until {
                return Err(unavailable("too many others change the definitions at the same time"));
            }
        }
    }

    /// Appends the messages of a batch behind that place; `false`: another has taken the place of one.
    async fn append(
        &self,
        batch: &Batch,
        (mut applied, tries): (u64, u32),
        until: Instant,
    ) -> Result<bool, StoreError> {
        for (part, message) in batch.messages.iter().enumerate() {
            let is_last = part + 1 == batch.messages.len();
            match self.append_surely(applied, &format!("{}/{tries}/{part}", batch.id), message, until).await {
                Sure::Stored(sequence) => {
                    // Whoever follows the log may have brought it already.
                    self.take(sequence, message)?;
                    applied = sequence;
                }
                Sure::Conflict => return Ok(false),
                Sure::NotSent(why) => return Err(unavailable(&why)),
                Sure::Unknown(why) if is_last => {
                    self.state().in_doubt = true;
                    return Err(StoreError::Doubtful(Box::new(unavailable(&why))));
                }
                // Without its last part it is nothing.
                Sure::Unknown(why) => return Err(unavailable(&why)),
            }
        }
        Ok(true)
    }

    /// The revision, where it is not what this node's own last batch led to, of which its control plane knows by itself. Waits
    /// for a batch that is being appended.
    pub async fn revision_of_others(&self) -> Option<Revision> {
        let own = self.turn.lock().await;
        let revision = self.revision();
        (revision != *own).then_some(revision)
    }

    /// Whoever was told of a conflict finds what it was with.
    async fn overtaken(&self, until: Instant) -> Result<(), StoreError> {
        loop {
            let caught = timeout_at(until, self.catch_up()).await;
            match caught
                .unwrap_or_else(|_| Err(unavailable("others changed the definitions, and NATS does not say how")))
            {
                Ok(()) => return Ok(()),
                Err(error) if Instant::now() >= until => return Err(error),
                Err(_) => sleep(PAUSE).await,
            }
        }
    }

    /// Takes the place that a batch in doubt would have: then it is there already, or never will be.
    async fn settle(&self, until: Instant) -> Result<(), StoreError> {
        let Place { revision, applied, .. } = self.place();
        let id = record::new_id();
        let fence = Batch::fence(id.clone(), revision);
        match self.append_surely(applied, &format!("{id}/0"), &fence, until).await {
            Sure::Stored(sequence) => self.take(sequence, &fence).map(drop)?,
            Sure::Conflict => self.overtaken(until).await?,
            Sure::NotSent(why) | Sure::Unknown(why) => return Err(unavailable(&why)),
        }
        self.state().in_doubt = false;
        Ok(())
    }

    /// Lets a batch of another node end that has begun.
    async fn wait_for_others(&self, until: Instant) {
        let until = until.min(Instant::now() + OPEN_MAX);
        let mut changed = self.watch();
        while self.place().is_open {
            if !matches!(timeout_at(until, changed.changed()).await, Ok(Ok(()))) {
                return;
            }
        }
    }

    async fn append_surely(&self, expected: u64, id: &str, message: &Bytes, until: Instant) -> Sure {
        let mut unknown = None;
        loop {
            let mut pause = PAUSE;
            let try_until = until.min(Instant::now() + TRY_MAX);
            let tried = timeout_at(try_until, self.stream.append(expected, id, message.clone())).await;
            let silent =
                || "NATS does not answer: too few of its servers are there, or they choose a new leader".to_owned();
            let why = match tried.unwrap_or_else(|_| Append::Unknown(silent())) {
                Append::Stored(sequence) if sequence == expected + 1 => return Sure::Stored(sequence),
                Append::Stored(sequence) => {
                    return Sure::Unknown(format!("NATS says it stands at {sequence} and not at {}", expected + 1));
                }
                // Whose it is that stands there. Nothing yet, where the leader has only just been given it: it refuses what
                // does not follow that, and may yet lose it.
                Append::Elsewhere => match timeout_at(until, self.stream.read(expected + 1)).await {
                    Ok(Read::Message(found)) if found == *message => return Sure::Stored(expected + 1),
                    Ok(Read::Message(_)) => return Sure::Conflict,
                    Ok(Read::Nothing) => {
                        pause = PAUSE_FOR_OTHERS;
                        silent()
                    }
                    Ok(Read::Failed) | Err(_) => silent(),
                },
                Append::NotSent(why) => why,
                Append::Unknown(why) => {
                    unknown = Some(why.clone());
                    why
                }
            };
            if Instant::now() + pause >= until {
                return unknown.map_or(Sure::NotSent(why), Sure::Unknown);
            }
            sleep(pause).await;
        }
    }
}

fn place() -> String {
    "the definitions of the cluster, which NATS keeps".to_owned()
}

pub(crate) fn unavailable(detail: &str) -> StoreError {
    StoreError::Unavailable { place: place(), detail: detail.to_owned() }
}

pub(crate) fn failed(detail: String) -> StoreError {
    StoreError::Failed { place: place(), detail }
}

fn refused(fault: &Fault) -> StoreError {
    failed(match fault {
        Fault::Gap => "messages are missing".to_owned(),
        Fault::Newer(form) => {
            format!("a newer version of Gatewright wrote form {form}, which this version does not read")
        }
        Fault::Damaged(detail) => format!("damaged: {detail}"),
    })
}
