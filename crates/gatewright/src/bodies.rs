//! Reads the bodies of requests, within bounds of size, time and number.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Body;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

/// How long a client may send nothing in the middle of a body.
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// How long a body may take in all, however steadily it drips.
const BODY_TIMEOUT: Duration = Duration::from_secs(60);
/// How fast a body has to come after its first seconds, in bytes a second: what is slower holds memory for nothing.
const BYTES_PER_SECOND_MIN: usize = 2 * 1024;
const SLOW_START: Duration = Duration::from_secs(5);

/// How much of a body that is too large is read and dropped, and for how long, so that the client sees the answer.
const DISCARD_BYTES_MAX: usize = 16 * 1024 * 1024;
const DISCARD_TIME_MAX: Duration = Duration::from_secs(2);

/// What all bodies of a kind together may hold while they are read, in units of [`UNIT`]: 32 MiB.
const BUDGET: usize = 32 * 1024;
const UNIT: usize = 1024;

/// The budget that all bodies being read share.
#[derive(Clone)]
pub(crate) struct Bodies(Arc<Semaphore>);

/// Why there is no body.
#[derive(Debug)]
pub(crate) enum Unread {
    TooLarge,
    /// It did not come whole, or not in time.
    Broken,
    /// Other bodies hold all the memory that there is for them.
    Busy,
}

impl Bodies {
    pub(crate) fn new() -> Bodies {
        Bodies(Arc::new(Semaphore::new(BUDGET)))
    }

    /// Reads a body of at most `bytes_max`. A client that `waits_to_send` sends its body only when asked to, so that there
    /// is nothing to drop when it is too large.
    ///
    /// # Errors
    /// [`Unread`].
    pub(crate) async fn collect<B: Body<Data = Bytes> + Unpin>(
        &self,
        mut body: B,
        bytes_max: usize,
        waits_to_send: bool,
    ) -> Result<Bytes, Unread> {
        // What is announced too large is not collected.
        let mut too_large = body.size_hint().lower() > bytes_max as u64;
        let mut collected = BytesMut::new();
        let mut held: Option<SemaphorePermit<'_>> = None;
        let mut units = 0;
        let begun = Instant::now();
        while !too_large {
            let until = deadline(begun, collected.len());
            let Ok(frame) = tokio::time::timeout_at(until, body.frame()).await else { return Err(Unread::Broken) };
            let Some(frame) = frame else { return Ok(collected.freeze()) };
            let Ok(frame) = frame else { return Err(Unread::Broken) };
            let Some(data) = frame.data_ref() else { continue };
            too_large = collected.len() + data.len() > bytes_max;
            if !too_large {
                // Of the whole and not of each part: else a body in chunks of one byte would take a thousand times what it is.
                let needed = (collected.len() + data.len()).div_ceil(UNIT);
                let more = self.0.try_acquire_many(u32::try_from(needed - units).unwrap_or(u32::MAX));
                units = needed;
                let more = more.map_err(|_| Unread::Busy)?;
                match &mut held {
                    Some(held) => held.merge(more),
                    None => held = Some(more),
                }
                collected.extend_from_slice(data);
            }
        }
        drop((held, collected));
        if !waits_to_send {
            discard(body).await;
        }
        Err(Unread::TooLarge)
    }
}

// Whatever comes first: the pause, the slowness, the end of all patience.
fn deadline(begun: Instant, bytes: usize) -> Instant {
    let earned = Duration::from_secs((bytes / BYTES_PER_SECOND_MIN) as u64);
    let pause = Instant::now() + PAUSE_MAX;
    pause.min(begun + SLOW_START + earned).min(begun + BODY_TIMEOUT)
}

// A client that is still sending when it is answered and cut off sees a broken connection and not the answer, so the
// rest is read and dropped, within bounds.
async fn discard(mut body: impl Body<Data = Bytes> + Unpin) {
    let mut left = DISCARD_BYTES_MAX;
    let rest = async {
        while let Some(Ok(frame)) = body.frame().await {
            left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
            if left == 0 {
                return;
            }
        }
    };
    let _ = tokio::time::timeout(DISCARD_TIME_MAX, rest).await;
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::stream;
    use http_body_util::StreamBody;
    use hyper::body::Frame;

    use super::*;

    fn body(parts: usize, bytes: usize) -> impl Body<Data = Bytes> + Unpin {
        let part = move |_| Ok::<_, Infallible>(Frame::data(Bytes::from(vec![b'x'; bytes])));
        StreamBody::new(stream::iter((0..parts).map(part)))
    }

    #[tokio::test]
    async fn a_body_takes_of_the_budget_what_it_is_however_it_is_cut() {
        let bodies = Bodies::new();
        // More parts than there are units.
        let read = bodies.collect(body(BUDGET + 1, 1), 1 << 20, false).await.unwrap();
        assert_eq!((read.len(), bodies.0.available_permits()), (BUDGET + 1, BUDGET));
        // Others leave one unit, which is enough for a kilobyte in any parts.
        let others = bodies.0.try_acquire_many(BUDGET as u32 - 1).unwrap();
        assert_eq!(bodies.collect(body(UNIT, 1), 1 << 20, false).await.unwrap().len(), UNIT);
        assert!(matches!(bodies.collect(body(UNIT + 1, 1), 1 << 20, false).await, Err(Unread::Busy)));
        drop(others);
        assert_eq!(bodies.0.available_permits(), BUDGET);
        assert!(matches!(bodies.collect(body(3, UNIT), 2 * UNIT, false).await, Err(Unread::TooLarge)));
        assert_eq!(bodies.0.available_permits(), BUDGET);
    }
}
