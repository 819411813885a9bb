//! What happened so far in one schedule; everybody writes it down here and waits for it here.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use super::gateway::{Gateway, MetricsText};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::plan::Schedule;

/// How many lines of what happened are kept.
const TRACE_MAX: usize = 4000;

pub(crate) struct World {
    pub(crate) schedule: Schedule,
    pub(crate) gateway: Arc<Gateway>,
    state: Mutex<State>,
    /// Wakes in the order of waiting, so that a seed can be replayed.
    changed: Notify,
    begun: Instant,
}

#[derive(Default)]
pub(crate) struct State {
    /// Connection ids by client, as `$connect` told the backend.
    pub(crate) ids: HashMap<usize, String>,
    /// What the backend saw, by connection id.
    pub(crate) seen: HashMap<String, Seen>,
    /// Events that the backend saw, all together.
    pub(crate) events: usize,
    /// Messages that it saw on the throttled route.
    pub(crate) echoes: usize,
    /// Connections that the backend knows to be connecting or open, and the most there were.
    pub(crate) open: usize,
    pub(crate) open_max: usize,
    /// Clients whose socket is gone.
    pub(crate) over: Vec<usize>,
    /// Clients that have nothing left to do but to end.
    pub(crate) steps_done: Vec<usize>,
    /// Posters that are done, by client.
    pub(crate) posters_done: HashMap<usize, usize>,
    /// What `POST @connections` took, in order, by client and poster.
    pub(crate) taken: HashMap<(usize, usize), Vec<usize>>,
    pub(crate) posts_full: usize,
    pub(crate) posts_gone: usize,
    pub(crate) gets: usize,
    pub(crate) deletes: usize,
    pub(crate) drained: bool,
    /// Bursts that throttling granted: one for the beginning and one for each change of its numbers; and the fastest rate.
    pub(crate) bursts: u32,
    pub(crate) rate_max: u32,
    /// A time without throttling makes its bound meaningless.
    pub(crate) was_unthrottled: bool,
    pub(crate) stages_gone: usize,
    /// Connections that were handed over, and those that stayed.
    pub(crate) moved: usize,
    pub(crate) stayed: usize,
    pub(crate) trace: Vec<String>,
    pub(crate) faults: Vec<String>,
}

/// What the backend saw of one connection.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) client: usize,
    pub(crate) accepted: bool,
    pub(crate) connects: usize,
    pub(crate) disconnects: usize,
    pub(crate) code: Option<u16>,
    /// Messages by number, in order of arrival.
    pub(crate) messages: Vec<usize>,
    pub(crate) at_once: usize,
    pub(crate) at_once_max: usize,
}

impl World {
    pub(crate) fn new(schedule: Schedule, gateway: Arc<Gateway>) -> World {
        World { schedule, gateway, state: Mutex::default(), changed: Notify::new(), begun: Instant::now() }
    }

    /// Changes what is known, and wakes who waits for it.
    pub(crate) fn note<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let done = change(&mut self.state());
        self.changed.notify_waiters();
        done
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn say(&self, line: impl FnOnce() -> String) {
        let mut state = self.state();
        if state.trace.len() < TRACE_MAX {
            state.trace.push(format!("{:>6} ms {}", self.begun.elapsed().as_millis(), line()));
        }
    }

    pub(crate) fn fault(&self, line: String) {
        self.state().faults.push(line);
    }

    /// Waits until `holds`; the schedule's limit ends a wait that nothing ends.
    pub(crate) async fn until(&self, holds: impl Fn(&State) -> bool) {
        loop {
            // Registered before it is asked, so that no change is missed in between.
            let mut told = std::pin::pin!(self.changed.notified());
            told.as_mut().enable();
            if holds(&self.state()) {
                return;
            }
            told.await;
        }
    }

    /// How many posters call this client.
    pub(crate) fn posters_of(&self, client: usize) -> usize {
        self.schedule.posters.iter().filter(|poster| poster.client == client).count()
    }

    /// The sum of a metric's samples.
    pub(crate) fn metric(&self, name: &str) -> u64 {
        let mut text = MetricsText::default();
        self.gateway.write_metrics(&mut text);
        let text = text.into_string();
        let samples =
            text.lines().filter_map(|line| line.strip_prefix(name)).filter(|rest| rest.starts_with(['{', ' ']));
        samples.filter_map(|rest| rest.rsplit(' ').next()?.parse::<u64>().ok()).sum()
    }
}
