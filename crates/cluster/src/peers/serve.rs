//! The answering end: hears what is asked of this node's connections, and has it carried out.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::join_all;
use gateway::{Command, ConnectionsAnswer, Gateway};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use types::Id;
use types::snapshot::StageKey;

use super::SERVED_MAX;
use super::wire::{self, Question, Reply, Sender};
use crate::lease::{Standing, Tenure};
use crate::link::Link;
use crate::members::Members;

/// From a failed subscription to the next.
const PAUSE: Duration = Duration::from_millis(200);

/// Who carries out what other nodes ask: the program's gateway.
pub trait Serves: Send + Sync {
    /// Carries out a command on a connection of this node, and gives its answer.
    fn carry_out<'a>(
        &'a self,
        stage: StageKey,
        connection_id: Id,
        command: Command,
    ) -> Pin<Box<dyn Future<Output = ConnectionsAnswer> + Send + 'a>>;
}

impl Serves for Gateway {
    fn carry_out<'a>(
        &'a self,
        stage: StageKey,
        connection_id: Id,
        command: Command,
    ) -> Pin<Box<dyn Future<Output = ConnectionsAnswer> + Send + 'a>> {
        // The asking node has counted the call to its limits.
        Box::pin(async move { self.command(&stage, connection_id, &command) })
    }
}

/// What the answering end knows of itself and others.
pub(crate) struct Server {
    pub(crate) link: Link,
    pub(crate) tenure: Arc<Tenure>,
    pub(crate) members: Arc<Members>,
    pub(crate) serves: Arc<dyn Serves>,
}

impl Server {
    /// Answers under whatever number the node has, for ever.
    pub(crate) async fn run(self: Arc<Self>) {
        let mut standing = self.tenure.watch();
        loop {
            let now = *standing.borrow_and_update();
            let over = match now {
                Standing::Lost => standing.changed().await.is_err(),
                Standing::Held(held) => tokio::select! {
                    changed = standing.changed() => changed.is_err(),
                    () = self.answer_as(held.number) => false,
                },
            };
            if over {
                return;
            }
        }
    }

    async fn answer_as(self: &Arc<Self>, number: u16) {
        let permits = Arc::new(Semaphore::new(SERVED_MAX));
        let mut working = JoinSet::new();
        let Ok(mut questions) = self.link.client.subscribe(self.link.names.node(number)).await else {
            tokio::time::sleep(PAUSE).await;
            return;
        };
        loop {
            tokio::select! {
                message = questions.next() => {
                    let Some(message) = message else { break };
                    let Some(reply_to) = message.reply else { continue };
                    let Ok(permit) = permits.clone().try_acquire_owned() else {
                        let _ = self.link.client.publish(reply_to, wire::write_reply(&Reply::Busy)).await;
                        continue;
                    };
                    let server = self.clone();
                    working.spawn(async move {
                        // Nobody can be told what was wrong with a message that is not understood.
                        if let Some(question) = wire::read_question(message.payload) {
                            let reply = wire::write_reply(&server.answer(question).await);
                            let _ = server.link.client.publish(reply_to, reply).await;
                        }
                        drop(permit);
                    });
                }
                Some(_) = working.join_next() => {}
            }
        }
        // The connection to NATS has ended for good, or is made anew.
        tokio::time::sleep(PAUSE).await;
    }

    async fn answer(&self, question: Question) -> Reply {
        // With the clock looked at: a node that was stopped may have lost its number without having been told.
        let Some(held) = self.tenure.current() else { return Reply::NotMe };
        if question.to != held.number {
            return Reply::NotMe;
        }
        if !self.members.admits(question.from.number, question.from.token) {
            return Reply::NotYou;
        }
        // In order: each begins before the next, and those that need not wait are done by then.
        let answers =
            question.asked.into_iter().map(|asked| self.serves.carry_out(asked.stage, asked.id, asked.command));
        let answers = join_all(answers).await;
        Reply::Answers(Sender { number: held.number, token: held.token }, answers)
    }
}
