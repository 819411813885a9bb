//! Reads the bodies of requests, within bounds of size, time and number.

mod budget;

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Body;
use tokio::time::Instant;

use crate::bodies::budget::{Budget, Share};

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

/// The bodies that are being read, and the budget that they share.
#[derive(Clone, Default)]
pub(crate) struct Bodies(Budget);

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
        let begun = Instant::now();
        let mut share = Share::none(&self.0, begun);
        while !too_large {
            let until = deadline(begun, collected.len());
            let frame = tokio::select! {
                biased;
                frame = tokio::time::timeout_at(until, body.frame()) => frame.map_err(|_| Unread::Broken)?,
                () = share.gives_way() => return Err(Unread::Busy),
            };
            let Some(frame) = frame else { return Ok(collected.freeze()) };
            let Ok(frame) = frame else { return Err(Unread::Broken) };
            let Some(data) = frame.data_ref() else { continue };
            too_large = collected.len() + data.len() > bytes_max;
            if !too_large {
                share.grow(collected.len() + data.len()).await.map_err(|_| Unread::Busy)?;
                collected.extend_from_slice(data);
                // Most come in one piece.
                if body.is_end_stream() {
                    return Ok(collected.freeze());
                }
                share.may_give_way();
            }
        }
        drop((share, collected));
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
    use crate::bodies::budget::UNIT;

    fn body(parts: usize, bytes: usize) -> impl Body<Data = Bytes, Error = Infallible> + Unpin + Send {
        let part = move |_| Ok::<_, Infallible>(Frame::data(Bytes::from(vec![b'x'; bytes])));
        StreamBody::new(stream::iter((0..parts).map(part)))
    }

    #[tokio::test]
    async fn a_body_takes_of_the_budget_what_it_is_however_it_is_cut() {
        let bodies = Bodies::default();
        // More parts than there are units.
        let read = bodies.collect(body(budget::UNITS + 1, 1), 1 << 20, false).await.unwrap();
        assert_eq!((read.len(), bodies.0.free()), (budget::UNITS + 1, budget::UNITS));
        // Others leave one unit, which is enough for a kilobyte in any parts.
        let mut others = Share::none(&bodies.0, Instant::now());
        others.grow((budget::UNITS - 1) * UNIT).await.unwrap();
        assert_eq!(bodies.collect(body(UNIT, 1), 1 << 20, false).await.unwrap().len(), UNIT);
        assert!(matches!(bodies.collect(body(UNIT + 1, 1), 1 << 20, false).await, Err(Unread::Busy)));
        drop(others);
        assert_eq!(bodies.0.free(), budget::UNITS);
        assert!(matches!(bodies.collect(body(3, UNIT), 2 * UNIT, false).await, Err(Unread::TooLarge)));
        assert_eq!(bodies.0.free(), budget::UNITS);
    }

    // The first part at once, then a byte at a time.
    fn slow_body(bytes: usize, pause: Duration) -> impl Body<Data = Bytes, Error = Infallible> + Unpin + Send {
        let parts = stream::unfold(bytes, move |bytes| async move {
            if bytes == 1 {
                tokio::time::sleep(pause).await;
            }
            Some((Ok::<_, Infallible>(Frame::data(Bytes::from(vec![b'x'; bytes]))), 1))
        });
        StreamBody::new(Box::pin(parts))
    }

    #[tokio::test(start_paused = true)]
    async fn slow_bodies_that_hold_everything_give_way_to_others() {
        const BYTES: usize = 128 * 1024;
        const SLOW: usize = budget::UNITS * UNIT / BYTES;
        let bodies = Bodies::default();
        let mut slow: Vec<_> = (0..SLOW)
            .map(|_| {
                let bodies = bodies.clone();
                let body = slow_body(BYTES - 64, Duration::from_millis(500));
                tokio::spawn(async move { bodies.collect(body, BYTES, false).await })
            })
            .collect();
        while bodies.0.free() > 0 {
            tokio::task::yield_now().await;
        }
        assert!(matches!(bodies.collect(body(1, 100), BYTES, false).await, Err(Unread::Busy)), "none had its time");
        tokio::time::sleep(Duration::from_millis(1200)).await;
        for body in [body(1, 100), body(2, BYTES / 2)] {
            assert!(bodies.collect(body, BYTES, false).await.is_ok());
        }
        // One was enough for both.
        assert!(matches!(slow.remove(0).await.unwrap(), Err(Unread::Busy)));
        assert!(slow.iter().all(|body| !body.is_finished()));
        slow.iter().for_each(|body| body.abort());
    }
}
