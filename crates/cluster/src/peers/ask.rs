//! The asking end: brings commands to the nodes that hold the connections, many in one message where many go to one node.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_nats::RequestErrorKind;
use bytes::Bytes;
use gateway::{Command, ConnectionsAnswer, Peers};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::{Instant, timeout_at};
use types::Id;
use types::snapshot::StageKey;

use super::wire::{self, Asked, Question, Reply, Sender};
use super::{BATCH_BYTES_MAX, COMMANDS_MAX, UNDER_WAY_MAX, WAITING_BYTES_MAX, WAITING_MAX};
use crate::lease::Tenure;
use crate::link::Link;
use crate::members::Members;

/// The longest that a caller waits for another node.
const ANSWER_MAX: Duration = Duration::from_secs(5);
/// What a message holds besides its commands.
const ENVELOPE_BYTES: usize = 4096;
/// After that long without a command a node's queue is put away.
const IDLE_MAX: Duration = Duration::from_secs(60);

/// Reaches other nodes over NATS.
pub struct NatsPeers {
    shared: Arc<Shared>,
    queues: Mutex<HashMap<u16, Queue>>,
}

struct Shared {
    link: Link,
    tenure: Arc<Tenure>,
    members: Arc<Members>,
}

#[derive(Clone)]
struct Queue {
    waiting: mpsc::Sender<Waiting>,
    bytes: Arc<Semaphore>,
}

/// A command and who waits for its answer.
struct Waiting {
    asked: Asked,
    answer: oneshot::Sender<ConnectionsAnswer>,
    until: Instant,
    _bytes: OwnedSemaphorePermit,
}

impl NatsPeers {
    pub(crate) fn new(link: Link, tenure: Arc<Tenure>, members: Arc<Members>) -> NatsPeers {
        NatsPeers { shared: Arc::new(Shared { link, tenure, members }), queues: Mutex::default() }
    }

    async fn ask_node(&self, node: u16, asked: Asked) -> ConnectionsAnswer {
        let weight = asked.weight();
        let room = self.shared.link.client.max_payload().saturating_sub(ENVELOPE_BYTES);
        if weight > room {
            return ConnectionsAnswer::too_large(room);
        }
        let until = Instant::now() + ANSWER_MAX;
        let (answer, wait) = oneshot::channel();
        let Queue { waiting, bytes } = self.queue(node);
        let bytes = u32::try_from(weight).ok().and_then(|weight| bytes.try_acquire_many_owned(weight).ok());
        let Some(bytes) = bytes else { return busy() };
        match waiting.try_send(Waiting { asked, answer, until, _bytes: bytes }) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => return busy(),
            // It was put away in this very moment; the next one is new.
            Err(TrySendError::Closed(waiting)) => {
                if self.queue(node).waiting.try_send(waiting).is_err() {
                    return busy();
                }
            }
        }
        match timeout_at(until, wait).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) | Err(_) => self.shared.silent(node),
        }
    }

    /// The queue of a node, with the task that empties it.
    fn queue(&self, node: u16) -> Queue {
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(queue) = queues.get(&node).filter(|queue| !queue.waiting.is_closed()) {
            return queue.clone();
        }
        queues.retain(|_, queue| !queue.waiting.is_closed());
        let (waiting, queued) = mpsc::channel(WAITING_MAX);
        let queue = Queue { waiting, bytes: Arc::new(Semaphore::new(WAITING_BYTES_MAX)) };
        queues.insert(node, queue.clone());
        tokio::spawn(self.shared.clone().empty(node, queued));
        queue
    }
}

impl Peers for NatsPeers {
    fn holds_number(&self) -> bool {
        self.shared.tenure.current().is_some()
    }

    fn ask<'a>(
        &'a self,
        node: u16,
        stage: &'a StageKey,
        connection_id: Id,
        command: Command,
    ) -> Pin<Box<dyn Future<Output = ConnectionsAnswer> + Send + 'a>> {
        let asked = Asked { stage: stage.clone(), id: connection_id, command };
        Box::pin(self.ask_node(node, asked))
    }
}

impl Shared {
    /// Sends what waits for a node, as much at once as there is and fits.
    async fn empty(self: Arc<Self>, node: u16, mut queued: mpsc::Receiver<Waiting>) {
        let under_way = Arc::new(Semaphore::new(UNDER_WAY_MAX));
        let mut left_over = None;
        loop {
            let first = match left_over.take() {
                Some(first) => first,
                None => match tokio::time::timeout(IDLE_MAX, queued.recv()).await {
                    Ok(Some(first)) => first,
                    Ok(None) => return,
                    // What came in this very moment is still answered: closing first, then looking.
                    Err(_) => {
                        queued.close();
                        match queued.recv().await {
                            Some(first) => first,
                            None => return,
                        }
                    }
                },
            };
            // Whoever asks meanwhile goes along.
            let Ok(permit) = under_way.clone().acquire_owned().await else { return };
            let mut bytes = first.asked.weight();
            let mut batch = vec![first];
            while batch.len() < COMMANDS_MAX
                && let Ok(next) = queued.try_recv()
            {
                bytes += next.asked.weight();
                if bytes > BATCH_BYTES_MAX {
                    left_over = Some(next);
                    break;
                }
                batch.push(next);
            }
            let shared = self.clone();
            tokio::spawn(async move {
                shared.send(node, batch).await;
                drop(permit);
            });
        }
    }

    async fn send(&self, node: u16, batch: Vec<Waiting>) {
        // Nobody waits any more for what is over its time.
        let batch: Vec<Waiting> = batch.into_iter().filter(|waiting| !waiting.answer.is_closed()).collect();
        let Some(until) = batch.iter().map(|waiting| waiting.until).max() else { return };
        let Some(own) = self.tenure.current() else {
            return batch
                .into_iter()
                .for_each(|waiting| answer(waiting, unavailable("this node has no number at the moment")));
        };
        let (asked, waiting): (Vec<Asked>, Vec<_>) =
            batch.into_iter().map(|Waiting { asked, answer, .. }| (asked, answer)).unzip();
        let question = Question { from: Sender { number: own.number, token: own.token }, to: node, asked };
        let bytes = wire::write_question(&question);
        let answers = self.request(node, bytes, until, waiting.len()).await;
        for (index, waiting) in waiting.into_iter().enumerate() {
            let answer = match &answers {
                Ok(answers) => answers.get(index).cloned().unwrap_or_else(|| self.silent(node)),
                Err(answer) => answer.clone(),
            };
            // Who does not wait any more does not mind.
            let _ = waiting.send(answer);
        }
    }

    async fn request(
        &self,
        node: u16,
        question: Bytes,
        until: Instant,
        count: usize,
    ) -> Result<Vec<ConnectionsAnswer>, ConnectionsAnswer> {
        let requested = timeout_at(until, self.link.client.request(self.link.names.node(node), question)).await;
        let message = match requested {
            Ok(Ok(message)) => message,
            Ok(Err(error)) if error.kind() == RequestErrorKind::NoResponders => return Err(self.nobody(node)),
            Ok(Err(_)) | Err(_) => return Err(self.silent(node)),
        };
        match wire::read_reply(message.payload) {
            // Its number may have come to another by now; then the answer is none of the node that was asked.
            Some(Reply::Answers(from, answers)) if from.number == node && answers.len() == count => {
                if self.members.admits(from.number, from.token) { Ok(answers) } else { Err(self.silent(node)) }
            }
            Some(Reply::Busy) => Err(busy()),
            Some(Reply::NotMe) => Err(unavailable("the connection's node has no number at the moment")),
            Some(Reply::NotYou) => Err(unavailable("this node's number is another's by now")),
            Some(Reply::Answers(..)) | None => {
                Err(unavailable("the connection's node answers in a form of another version"))
            }
        }
    }

    /// Nobody listens under a number. Who left is gone with all connections; who has its number still may only have no way to NATS.
    fn nobody(&self, node: u16) -> ConnectionsAnswer {
        if self.is_gone(node) {
            return ConnectionsAnswer::gone();
        }
        unavailable("the connection's node cannot be reached at the moment")
    }

    fn silent(&self, node: u16) -> ConnectionsAnswer {
        if self.is_gone(node) {
            return ConnectionsAnswer::gone();
        }
        unavailable("the connection's node does not answer in time")
    }

    fn is_gone(&self, node: u16) -> bool {
        self.members.is_whole() && self.members.get(node).is_none()
    }
}

fn answer(waiting: Waiting, answer: ConnectionsAnswer) {
    // Who does not wait any more does not mind.
    let _ = waiting.answer.send(answer);
}

/// Too much waits for the node already. The empty body is that of the same answer on one node.
fn busy() -> ConnectionsAnswer {
    ConnectionsAnswer {
        status: 429,
        error_type: Some("LimitExceededException"),
        body: String::new(),
        retry_after: None,
    }
}

fn unavailable(why: &str) -> ConnectionsAnswer {
    let body = serde_json::json!({ "message": format!("Service unavailable: {why}") }).to_string();
    ConnectionsAnswer { status: 503, error_type: Some("ServiceUnavailableException"), body, retry_after: None }
}
