//! The live feed of events for pages: server-sent events, one record each.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::answers::Body;
use crate::logs::Log;

/// Readers at once; each has every event of the gateway sent to it.
const WATCHERS_MAX: usize = 64;
/// How often a quiet feed says that it is alive.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The body of a feed that begins now; `None` when there are too many readers.
pub(crate) fn start(log: &Log, watchers: &Arc<AtomicUsize>) -> Option<Body> {
    let watcher = Watcher::new(watchers)?;
    let state = (log.watch(), watcher, Some(Bytes::from_static(b": the execution log of this gateway, live\n\n")));
    let frames = stream::unfold(state, |(mut records, watcher, greeting)| async move {
        let bytes = match greeting {
            Some(greeting) => greeting,
            None => next(&mut records).await?,
        };
        Some((Ok::<_, Infallible>(Frame::data(bytes)), (records, watcher, None)))
    });
    Some(StreamBody::new(frames).boxed_unsync())
}

async fn next(records: &mut Receiver<Arc<str>>) -> Option<Bytes> {
    match tokio::time::timeout(KEEP_ALIVE, records.recv()).await {
        Ok(Ok(record)) => Some(Bytes::from(format!("data: {record}\n\n"))),
        Ok(Err(RecvError::Lagged(missed))) => {
            Some(Bytes::from(format!("event: missed\ndata: {{\"missed\":{missed}}}\n\n")))
        }
        Ok(Err(RecvError::Closed)) => None,
        Err(_) => Some(Bytes::from_static(b": still here\n\n")),
    }
}

/// Counts a reader for as long as it lives.
struct Watcher(Arc<AtomicUsize>);

impl Watcher {
    fn new(count: &Arc<AtomicUsize>) -> Option<Watcher> {
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
