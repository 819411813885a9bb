//! Carries out what the machine decides: asks the bucket, sleeps, tells the program.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_nats::jetstream::kv;
use async_nats::jetstream::stream::LastRawMessageErrorKind;
use futures_util::TryStreamExt;
use tokio::sync::oneshot;

use super::machine::{Action, Answer, Event, Found, Machine, Request, Terms};
use super::{Entry, Standing, Tenure};
use crate::clock;

/// How long an answer is waited for. A healthy cluster may take 6 s to elect a leader; trying again meanwhile costs little.
const ANSWER_MAX: Duration = Duration::from_secs(2);

/// What a node says of itself with each renewal.
#[derive(Debug, Default)]
pub struct Report {
    /// Its open connections.
    pub connections: AtomicU64,
    /// How many batches it knows to be behind.
    pub lag: AtomicU64,
}

/// What the keeper needs.
pub(crate) struct Keeper {
    pub(crate) bucket: kv::Store,
    pub(crate) terms: Terms,
    pub(crate) tenure: Arc<Tenure>,
    pub(crate) report: Arc<Report>,
    /// The constant part of what is written.
    pub(crate) entry: Entry,
}

impl Keeper {
    /// Keeps a number until it is told to leave; `leave` is told when all is given back.
    pub(crate) async fn run(self, mut leave: oneshot::Receiver<oneshot::Sender<()>>) {
        let mut machine = Machine::new(self.terms, clock::now());
        let mut answer = None;
        let mut left = None;
        let mut event = Event::Wake;
        loop {
            for action in machine.on(clock::now(), event) {
                match action {
                    Action::Ask(number, request) => answer = Some(Box::pin(self.ask(number, request))),
                    Action::Serve(held) => {
                        self.tenure.extend(machine.holds(clock::now()));
                        self.tenure.tell(Standing::Held(held));
                    }
                    Action::Stop => {
                        self.tenure.extend(None);
                        self.tenure.tell(Standing::Lost);
                    }
                    Action::Left => {
                        let _ = left.take().map(|left: oneshot::Sender<()>| left.send(()));
                        return;
                    }
                }
            }
            self.tenure.extend(machine.holds(clock::now()));
            let pause = machine.wake_at().map(|at| at.saturating_sub(clock::now()));
            event = tokio::select! {
                // Whoever holds no number at this moment says so before anything else.
                biased;
                asked = &mut leave, if left.is_none() => {
                    // A sender that was dropped says the same.
                    left = Some(asked.unwrap_or_else(|_| oneshot::channel().0));
                    Event::Leave
                }
                (number, given) = async { match answer.as_mut() { Some(answer) => answer.await, None => std::future::pending().await } } => {
                    answer = None;
                    Event::Answered(number, given)
                }
                () = async { match pause { Some(pause) => tokio::time::sleep(pause).await, None => std::future::pending().await } } => Event::Wake,
            };
        }
    }

    async fn ask(&self, number: u64, request: Request) -> (u64, Answer) {
        let answer = tokio::time::timeout(ANSWER_MAX, self.answer(request)).await;
        (number, answer.unwrap_or(Answer::Failed))
    }

    async fn answer(&self, request: Request) -> Answer {
        match request {
            // A list that misses the newest costs a refusal, after which the next number is tried.
            Request::List => match self.numbers().await {
                Some(numbers) => Answer::Listed(numbers),
                None => Answer::Failed,
            },
            Request::Take { number, beat } => {
                let value = self.entry(beat, None).write();
                match self.bucket.create(number.to_string(), value).await {
                    Ok(revision) => Answer::Stored { revision },
                    Err(error) if error.kind() == kv::CreateErrorKind::AlreadyExists => Answer::Refused,
                    Err(_) => Answer::Failed,
                }
            }
            Request::Renew { held, beat, revision } => {
                let value = self.entry(beat, Some(held.token)).write();
                match self.bucket.update(held.number.to_string(), value, revision).await {
                    Ok(revision) => Answer::Stored { revision },
                    Err(error) if error.kind() == kv::UpdateErrorKind::WrongLastRevision => Answer::Refused,
                    Err(_) => Answer::Failed,
                }
            }
            Request::Read { number } => self.read(number).await,
            Request::Free { number, revision } => {
                match self.bucket.delete_expect_revision(number.to_string(), Some(revision)).await {
                    Ok(()) => Answer::Freed,
                    Err(error) if error.kind() == kv::DeleteErrorKind::WrongLastRevision => Answer::Refused,
                    Err(_) => Answer::Failed,
                }
            }
        }
    }

    async fn numbers(&self) -> Option<BTreeSet<u16>> {
        let keys: Vec<String> = self.bucket.keys().await.ok()?.try_collect().await.ok()?;
        Some(keys.iter().filter_map(|key| key.parse().ok()).collect())
    }

    // From the stream's leader: any other server may be behind.
    async fn read(&self, number: u16) -> Answer {
        let subject = format!("{}{number}", self.bucket.prefix);
        match self.bucket.stream.get_last_raw_message_by_subject(&subject).await {
            Ok(message) => {
                let is_gone = message.headers.get("KV-Operation").is_some()
                    || message.headers.get("Nats-Marker-Reason").is_some();
                let entry = Entry::read(&message.payload).filter(|_| !is_gone);
                Answer::Entry(entry.map(|entry| Found {
                    is_own: entry.process == self.entry.process,
                    beat: entry.beat,
                    revision: message.sequence,
                    token: entry.token_at(message.sequence),
                }))
            }
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => Answer::Entry(None),
            Err(_) => Answer::Failed,
        }
    }

    fn entry(&self, beat: u64, token: Option<u64>) -> Entry {
        Entry {
            beat,
            token,
            connections: self.report.connections.load(Ordering::Relaxed),
            lag: self.report.lag.load(Ordering::Relaxed),
            ..self.entry.clone()
        }
    }
}
