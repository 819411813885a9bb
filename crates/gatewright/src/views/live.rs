//! Rows of events as they come, as server-sent events: in batches, so that a flood is few things to draw.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::HeaderMap;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use serde_json::{Value, json};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::time::Instant;
use traces::{History, Past};

use super::{Asked, Views, Wrong};
use crate::answers::Body;
use crate::feed::Watcher;
use crate::logs::Log;

/// How long rows are gathered.
const BATCH_TIME: Duration = Duration::from_millis(100);
/// Rows in one batch, at most: beyond it the next one begins at once.
const BATCH_MAX: usize = 500;
/// How often a quiet feed says that it is alive.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// The most past rows that a reader gets.
const PAST_MAX: usize = 2_000;

/// The longest that `follow` waits.
const WAIT_MAX: u64 = 25;
/// Rows in one answer of `follow`.
const FOLLOW_MAX: usize = 1_000;

struct Live {
    log: Log,
    history: Arc<History>,
    past: VecDeque<Arc<Past>>,
    live: Receiver<Arc<Past>>,
    /// The number of the newest row that was given.
    known: u64,
    /// How many events had no room until the last batch.
    unwatched: u64,
    missed: u64,
    _watcher: Watcher,
}

/// The body of such a feed; `None` where there are too many readers. `past=N` begins with the last N rows, `after=ID` or the
/// header `Last-Event-ID` with those since that one.
///
/// Each event is `data: [row, …]` with the id of its newest row; `event: missed` has how many are not shown because this
/// reader is too slow (`missed`), or because there were too many of stages that nobody watches (`unwatched`).
pub(super) fn start(views: &Views, asked: &Asked) -> Option<Body> {
    let watcher = Watcher::new(&views.watchers)?;
    let history = views.log.history().clone();
    // First the live ones, so that none falls in between.
    let live = views.log.watch();
    let past = match (asked.parameter("after").or_else(|| last_id(&asked.headers)), asked.parameter("past")) {
        (Some(id), _) => views.log.past(history.number(&id), PAST_MAX),
        (None, Some(most)) => views.log.past(0, most.parse().unwrap_or(0).min(PAST_MAX)),
        (None, None) => Vec::new(),
    };
    let unwatched = views.log.unwatched();
    let log = views.log.clone();
    let feed = Live { log, history, past: past.into(), live, known: 0, unwatched, missed: 0, _watcher: watcher };
    let greeting = Some(Bytes::from_static(b": rows of this gateway's events, live\n\n"));
    let frames = stream::unfold((feed, greeting), |(mut feed, greeting)| async move {
        let bytes = match greeting {
            Some(greeting) => greeting,
            None => feed.next().await?,
        };
        Some((Ok::<_, Infallible>(Frame::data(bytes)), (feed, None)))
    });
    Some(StreamBody::new(frames).boxed_unsync())
}

impl Live {
    async fn next(&mut self) -> Option<Bytes> {
        if !self.past.is_empty() {
            let count = self.past.len().min(BATCH_MAX);
            let batch: Vec<_> = self.past.drain(..count).collect();
            return Some(self.batch(&batch));
        }
        let mut batch = Vec::new();
        let until = match tokio::time::timeout(KEEP_ALIVE, self.live.recv()).await {
            Ok(Ok(first)) => {
                batch.push(first);
                Instant::now() + BATCH_TIME
            }
            Ok(Err(RecvError::Lagged(missed))) => {
                self.missed += missed;
                Instant::now()
            }
            Ok(Err(RecvError::Closed)) => return None,
            Err(_) => return Some(Bytes::from_static(b": still here\n\n")),
        };
        tokio::time::sleep_until(until).await;
        while batch.len() < BATCH_MAX {
            match self.live.try_recv() {
                Ok(past) => batch.push(past),
                Err(TryRecvError::Lagged(missed)) => self.missed += missed,
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        batch.retain(|past| past.number > self.known);
        Some(self.batch(&batch))
    }

    fn batch(&mut self, batch: &[Arc<Past>]) -> Bytes {
        let mut text = String::new();
        let unwatched = self.log.unwatched();
        if self.missed > 0 || unwatched > self.unwatched {
            let (missed, unwatched) = (std::mem::take(&mut self.missed), unwatched - self.unwatched);
            self.unwatched += unwatched;
            text += &format!("event: missed\ndata: {{\"missed\":{missed},\"unwatched\":{unwatched}}}\n\n");
        }
        if let Some(last) = batch.last() {
            self.known = last.number;
            let rows: Vec<Value> = batch.iter().filter_map(|past| past.to_row()).collect();
            text += &format!("id: {}\ndata: {}\n\n", self.history.name(last.number), Value::Array(rows));
        }
        if text.is_empty() {
            text.push_str(": still here\n\n");
        }
        text.into()
    }
}

/// `GET follow?after=ID&past=N&wait=SECONDS`: rows behind that one, at once where there are some, else as soon as one comes.
///
/// `next` is what to ask with the next time. `missed`: how many came behind `after` and are no longer kept; `notKept`: how many
/// there was no room to keep since the count `unwatched` that the last answer had.
pub(super) async fn follow(views: &Views, asked: &Asked) -> Result<Value, Wrong> {
    let number = |name: &str| asked.parameter(name).map_or(Ok(0), |text| text.parse::<u64>());
    let wrong = |name: &str| Wrong::bad(format!("`{name}` has to be a number"));
    let wait = number("wait").map_err(|_| wrong("wait"))?.min(WAIT_MAX);
    let past = number("past").map_err(|_| wrong("past"))?;
    let known =
        asked.parameter("unwatched").map(|text| text.parse::<u64>()).transpose().map_err(|_| wrong("unwatched"))?;
    let watcher = Watcher::new(&views.watchers);
    let watcher = watcher.ok_or_else(|| Wrong::refused(503, "too many pages and terminals follow this gateway"))?;
    let (log, history) = (&views.log, views.log.history());
    let mut live = log.watch();
    let (mut found, mut newest) = match asked.parameter("after") {
        Some(after) => {
            let number = history.number(&after);
            (log.past(number, FOLLOW_MAX), number)
        }
        None => (log.past(0, usize::try_from(past).unwrap_or(FOLLOW_MAX).min(FOLLOW_MAX)), 0),
    };
    if found.is_empty() && wait > 0 {
        let came = tokio::time::timeout(Duration::from_secs(wait), live.recv()).await;
        if came.is_ok() {
            // A few more may be on their way.
            tokio::time::sleep(BATCH_TIME).await;
            found = log.past(newest, FOLLOW_MAX);
        }
    }
    log.watched_lately();
    drop(watcher);
    let missed = match (asked.parameter("after"), found.first()) {
        (Some(_), Some(first)) if newest > 0 => history.gap(newest, first.number),
        _ => 0,
    };
    newest = found.last().map_or(newest.max(history.last()), |last| last.number);
    let unwatched = log.unwatched();
    let rows: Vec<Value> = found.iter().filter_map(|past| past.to_row()).collect();
    Ok(json!({
        "events": rows, "next": history.name(newest), "missed": missed, "unwatched": unwatched,
        "notKept": known.map_or(0, |known| unwatched.saturating_sub(known)),
    }))
}

fn last_id(headers: &HeaderMap) -> Option<String> {
    headers.get("last-event-id")?.to_str().ok().map(str::to_owned)
}
