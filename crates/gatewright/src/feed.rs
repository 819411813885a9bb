//! The feed of events for pages: server-sent events, one record each, first those of the last minutes that a reader asks for.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use gateway::Secrets;
use http::HeaderMap;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use traces::{History, Past};

use crate::answers::Body;
use crate::logs::Log;

/// Readers at once; each has every event of the gateway sent to it.
const WATCHERS_MAX: usize = 64;
/// How often a quiet feed says that it is alive.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The most past records that a reader gets; the page shows no more.
const PAST_MAX: usize = 200;

/// What a reader has yet to get.
struct Feed {
    history: Arc<History>,
    past: VecDeque<Arc<Past>>,
    live: Receiver<Arc<Past>>,
    /// The number of the newest past record, which may come again as a live one.
    known: u64,
    _watcher: Watcher,
}

/// The body of a feed that begins now; `None` when there are too many readers. With `past=N` in the query it begins with the
/// last N records, with `after=ID`, or the header `Last-Event-ID`, with those since the one of that id.
pub(crate) fn start(log: &Log, watchers: &Arc<AtomicUsize>, query: Option<&str>, headers: &HeaderMap) -> Option<Body> {
    let watcher = Watcher::new(watchers)?;
    let history = log.history().clone();
    // First the live ones, so that none falls in between.
    let live = log.watch();
    let past = VecDeque::from(match (named(query, "after").or_else(|| last_id(headers)), named(query, "past")) {
        (Some(id), _) => log.past(history.number(id), PAST_MAX),
        (None, Some(most)) => log.past(0, most.parse().unwrap_or(0).min(PAST_MAX)),
        (None, None) => Vec::new(),
    });
    let known = past.back().map_or(0, |last| last.number);
    let feed = Feed { history, past, live, known, _watcher: watcher };
    let greeting = Some(Bytes::from_static(b": the execution log of this gateway, live\n\n"));
    let frames = stream::unfold((feed, greeting), |(mut feed, greeting)| async move {
        let bytes = match greeting {
            Some(greeting) => greeting,
            None => feed.next().await?,
        };
        Some((Ok::<_, Infallible>(Frame::data(bytes)), (feed, None)))
    });
    Some(StreamBody::new(frames).boxed_unsync())
}

impl Feed {
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(past) = self.past.pop_front() {
            return Some(self.event(past.number, &past.to_json(Secrets::Masked).to_string()));
        }
        loop {
            match tokio::time::timeout(KEEP_ALIVE, self.live.recv()).await {
                Ok(Ok(told)) if told.number <= self.known => {}
                Ok(Ok(told)) => return Some(self.event(told.number, &told.to_json(Secrets::Masked).to_string())),
                Ok(Err(RecvError::Lagged(missed))) => {
                    return Some(Bytes::from(format!("event: missed\ndata: {{\"missed\":{missed}}}\n\n")));
                }
                Ok(Err(RecvError::Closed)) => return None,
                Err(_) => return Some(Bytes::from_static(b": still here\n\n")),
            }
        }
    }

    fn event(&self, number: u64, json: &str) -> Bytes {
        Bytes::from(format!("id: {}\ndata: {json}\n\n", self.history.name(number)))
    }
}

fn named<'q>(query: Option<&'q str>, name: &str) -> Option<&'q str> {
    query?.split('&').find_map(|pair| pair.split_once('=').filter(|(key, _)| *key == name).map(|(_, value)| value))
}

fn last_id(headers: &HeaderMap) -> Option<&str> {
    headers.get("last-event-id")?.to_str().ok()
}

/// Counts a reader for as long as it lives.
pub(crate) struct Watcher(Arc<AtomicUsize>);

impl Watcher {
    pub(crate) fn new(count: &Arc<AtomicUsize>) -> Option<Watcher> {
        let before = count.fetch_add(1, Ordering::AcqRel);
        let watcher = Watcher(count.clone());
        (before < WATCHERS_MAX).then_some(watcher)
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}
