//! An execution environment: a process, and the Runtime API that it asks.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::api::{Desk, Job, Outcome};
use crate::launch::Settings;
use crate::process::Process;
use crate::strays::Mark;
use crate::{Voice, failure};

/// How long a process may take until it asks for its first invocation. Source: documented (the init phase).
const INIT_MAX: Duration = Duration::from_secs(10);
/// How long the answer of a process that has ended may still be on its way through the system.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// One process of a function, and what it is asked through.
pub(crate) struct Environment {
    process: Process,
    desk: Arc<Desk>,
    jobs: mpsc::Sender<Job>,
    _server: Server,
    /// When its last invocation began.
    last: Instant,
    /// How long it took to begin, until that has been told.
    init: Init,
    /// Which reading of the code it has.
    pub(crate) generation: u64,
}

enum Init {
    Begun(Instant),
    Took(Duration),
    Told,
}

/// Its Runtime API, which ends with it.
struct Server(JoinHandle<()>);

impl Drop for Server {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Whether an environment can take another invocation.
pub(crate) enum Ready {
    Asks,
    /// It has answered and goes on with something.
    Busy,
    Ended,
}

/// How one invocation went.
pub(crate) struct Ran {
    pub(crate) outcome: Outcome,
    /// Whether the environment can take another.
    pub(crate) goes_on: bool,
    pub(crate) took: Duration,
    /// How long the process took to begin, where this was its first.
    pub(crate) init: Option<Duration>,
}

impl Environment {
    /// Begins a process.
    ///
    /// # Errors
    /// A sentence: the program cannot be begun, or there is no port.
    pub(crate) async fn begin(
        settings: &Settings,
        command: &[String],
        voice: &Arc<dyn Voice>,
        generation: u64,
    ) -> Result<Environment, String> {
        let listener =
            TcpListener::bind(("127.0.0.1", 0)).await.map_err(|error| format!("the Runtime API: {error}"))?;
        let address = listener.local_addr().map_err(|error| format!("the Runtime API: {error}"))?;
        let (jobs, waiting) = mpsc::channel(1);
        let desk = Desk::new(waiting, address.to_string());
        let hear = {
            let (desk, voice, name) = (desk.clone(), voice.clone(), settings.name.clone());
            Arc::new(move |line: &str| voice.printed(&name, desk.request_id().as_deref(), line))
        };
        let begun = Instant::now();
        let process = Process::begin(command, &settings.code, &settings.variables(&address.to_string()), hear)?;
        let _server = Server(tokio::spawn(desk.clone().serve(listener)));
        Ok(Environment { process, desk, jobs, _server, last: begun, init: Init::Begun(begun), generation })
    }

    /// Whether it asks for another invocation just now.
    pub(crate) fn is_asking(&self) -> bool {
        self.desk.is_asking()
    }

    /// How long ago its last invocation began.
    pub(crate) fn since_last(&self) -> Duration {
        self.last.elapsed()
    }

    /// Waits so long for it to ask for another invocation, or to end.
    ///
    /// # Cancel safety
    /// It can be asked again.
    pub(crate) async fn ready(&mut self, within: Duration) -> Ready {
        tokio::select! {
            // It may have asked, and ended since.
            biased;
            _ = self.process.ended() => Ready::Ended,
            () = self.desk.asks() => Ready::Asks,
            () = tokio::time::sleep(within) => Ready::Busy,
        }
    }

    /// Ends it, and gives the mark of what it began, which the caller ends.
    pub(crate) fn end(self) -> Option<Mark> {
        self.process.end()
    }

    /// Has it run one invocation.
    pub(crate) async fn run(&mut self, mut job: Job, timeout: Duration, deadline: impl Fn() -> u64) -> Ran {
        let over = |outcome, took| Ran { outcome, goes_on: false, took, init: None };
        if let Init::Begun(begun) = self.init {
            let began = tokio::select! {
                () = self.desk.asks() => Ok(()),
                how = self.process.ended() => Err(how),
                () = tokio::time::sleep(INIT_MAX) => Err(format!("while it began: it took longer than {INIT_MAX:?}")),
            };
            if let Err(how) = began {
                let said = self.desk.init_error();
                let said = said.unwrap_or_else(|| failure::exited(&job.request_id, &how));
                return over(Outcome::Failed(said), begun.elapsed());
            }
            self.init = Init::Took(begun.elapsed());
        }
        let id = job.request_id.clone();
        let (answer, mut answered) = oneshot::channel();
        job.answer = answer;
        job.deadline = deadline();
        let began = Instant::now();
        self.last = began;
        if self.jobs.send(job).await.is_err() {
            return over(Outcome::Failed(failure::exited(&id, "without providing a reason")), began.elapsed());
        }
        let failed = |said: Bytes| over(Outcome::Failed(said), began.elapsed());
        let outcome = tokio::select! {
            // A process may answer and end.
            biased;
            answered = &mut answered => answered.map_err(|_| failure::exited(&id, "without an answer")),
            how = self.process.ended() => match tokio::time::timeout(LAST_WORDS, &mut answered).await {
                Ok(Ok(outcome)) => Ok(outcome),
                Ok(Err(_)) | Err(_) => Err(failure::exited(&id, &how)),
            },
            () = tokio::time::sleep(timeout) => Err(failure::timed_out(&id, timeout)),
        };
        match outcome {
            Ok(outcome) => {
                let init = match std::mem::replace(&mut self.init, Init::Told) {
                    Init::Took(took) => Some(took),
                    Init::Begun(_) | Init::Told => None,
                };
                Ran { outcome, goes_on: true, took: began.elapsed(), init }
            }
            Err(said) => failed(said),
        }
    }
}
