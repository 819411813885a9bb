//! Where mappings run that are much work, so that they keep nobody else's messages waiting.
//!
//! Nearly all take microseconds and run where messages are read. What takes more than the small budget of
//! [`mapping::small`] begins anew on threads of its own, which give way to all others; the connection waits for it, and
//! nobody else does.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use mapping::{Plan, Route};
use tokio::sync::oneshot;
use types::Event;

use crate::refusal::{Refusal, RefusalKind};
use crate::stages::Compiled;

/// How many may wait. A connection has at most `in-flight-per-connection` of them.
const JOBS_MAX: usize = 1024;
/// How far their threads stand behind the others: 0 is everybody, 19 the last.
const NICENESS: i32 = 10;

type Job = Box<dyn FnOnce() + Send>;

/// The threads for what is much work. They begin with the first job and end with the gateway.
pub(crate) struct Heavy {
    jobs: OnceLock<SyncSender<Job>>,
    time_max: Duration,
}

impl Heavy {
    pub(crate) fn new(time_max: Duration) -> Heavy {
        Heavy { jobs: OnceLock::new(), time_max }
    }

    /// For the mappings of one event.
    pub(crate) fn of<'a>(&'a self, stage: &'a Arc<Compiled>, route: &'a Route, event: &'a Event) -> Mappings<'a> {
        Mappings { heavy: self, stage, route, event }
    }

    /// Does `act` on one of the threads. A job that nobody waits for any more is not begun.
    async fn run<T: Send + 'static>(&self, act: impl FnOnce() -> T + Send + 'static) -> Result<T, Refusal> {
        let (done, result) = oneshot::channel();
        let job = move || {
            if !done.is_closed() {
                let _ = done.send(act());
            }
        };
        if self.jobs.get_or_init(begin).try_send(Box::new(job)).is_err() {
            return Err(refused(format!("{JOBS_MAX} mappings that are much work wait already")));
        }
        match tokio::time::timeout(self.time_max, result).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(_)) => Err(refused("the mapping broke off".to_owned())),
            Err(_) => {
                let detail = "its template, paths or model are so much work that the limit mapping-time was met";
                Err(refused(format!("{detail}: {:?}", self.time_max)))
            }
        }
    }
}

/// The mappings of one event.
#[derive(Clone, Copy)]
pub(crate) struct Mappings<'a> {
    heavy: &'a Heavy,
    stage: &'a Arc<Compiled>,
    route: &'a Route,
    event: &'a Event,
}

impl Mappings<'_> {
    /// Does one of them: here, or, where it is much work, on the other threads.
    ///
    /// # Errors
    /// Its own, or it is too much work, or too much of it waits.
    pub(crate) async fn run<T: Send + 'static, E: Into<Refusal> + Send + 'static>(
        self,
        act: impl Fn(&Plan, &Route, &Event) -> Result<T, E> + Send + 'static,
    ) -> Result<T, Refusal> {
        match mapping::small(|| act(&self.stage.plan, self.route, self.event)) {
            Ok(done) => done.map_err(Into::into),
            // In a box: what is rare does not make every message's walk larger.
            Err(mapping::TooMuch) => Box::pin(self.elsewhere(act)).await?.map_err(Into::into),
        }
    }

    async fn elsewhere<T: Send + 'static>(
        self,
        act: impl Fn(&Plan, &Route, &Event) -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let (plan, key, event) = (self.stage.plan.clone(), self.route.key.clone(), self.event.clone());
        let mapped = self.heavy.run(move || plan.route(&key).map(|route| act(&plan, route, &event))).await?;
        mapped.ok_or_else(|| refused(format!("route {} is gone", self.route.key)))
    }
}

fn refused(detail: String) -> Refusal {
    Refusal::new(RefusalKind::ApiConfigurationError, detail)
}

fn begin() -> SyncSender<Job> {
    let (jobs, queue) = sync_channel(JOBS_MAX);
    let queue = Arc::new(Mutex::new(queue));
    let threads = (thread::available_parallelism().map_or(1, usize::from) / 2).max(1);
    for _ in 0..threads {
        let queue = queue.clone();
        // Without a thread the queue fills and messages are refused, which says what is the matter.
        let _ = thread::Builder::new().name("mappings".to_owned()).spawn(move || work(&queue));
    }
    jobs
}

fn work(queue: &Mutex<Receiver<Job>>) {
    // On Linux a thread has a priority of its own. Where it cannot be lowered, the scheduler shares all the same.
    let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICENESS);
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = next else { return };
        // A panic is a defect of ours; it costs its message, not the thread.
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(job));
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn what_is_too_long_or_too_many_is_refused_and_the_rest_is_done() {
        let heavy = Heavy::new(Duration::from_millis(50));
        let (go, gate) = sync_channel::<()>(0);
        let long = heavy.run(move || gate.recv().is_ok()).await.unwrap_err();
        assert!(long.detail.contains("mapping-time was met: 50ms"), "{}", long.detail);
        drop(go);
        let heavy = Heavy::new(Duration::from_secs(10));
        assert_eq!(heavy.run(|| 1).await, Ok(1));
        let broken = heavy.run(|| -> u8 { panic!("a defect") }).await.unwrap_err();
        assert_eq!(broken.detail, "the mapping broke off");
        assert_eq!(heavy.run(|| 2).await, Ok(2));
        let (go, gate) = sync_channel::<()>(0);
        let gate = Arc::new(Mutex::new(gate));
        let blocked = || {
            let gate = gate.clone();
            heavy.run(move || gate.lock().unwrap_or_else(PoisonError::into_inner).recv().is_ok())
        };
        let mut waiting: Vec<_> = (0..JOBS_MAX + 64).map(|_| Box::pin(blocked())).collect();
        let mut full = 0;
        for one in &mut waiting {
            if let Some(result) = one.now_or_never() {
                assert!(result.unwrap_err().detail.contains("1024 mappings that are much work wait already"));
                full += 1;
            }
        }
        assert!(full >= 1, "the queue has no bound");
        drop(go);
    }
}
