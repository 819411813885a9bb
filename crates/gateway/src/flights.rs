//! The messages of one connection that are in flight, as a set in the connection's own task.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

/// A message on its walk; gives the bytes that it held.
pub(crate) type Flight = Pin<Box<dyn Future<Output = usize> + Send>>;

/// Messages in flight, begun in the order in which they came.
///
/// The usual one is alone, and is polled itself: a `FuturesUnordered` wakes its own task each time when it has polled all that it
/// has, and a task that wakes itself makes tokio wake a second thread for it, which cost as much as the message.
#[derive(Default)]
pub(crate) struct Flights {
    /// One that began when there was no other.
    alone: Option<Flight>,
    /// Made when there is a second one; it costs memory of its own.
    others: Option<FuturesUnordered<Flight>>,
    /// How long they are together.
    bytes: usize,
}

impl Flights {
    /// Adds a message of so many bytes; it begins when the set is polled.
    pub(crate) fn push(&mut self, bytes: usize, flight: Flight) {
        self.bytes += bytes;
        // Only into an empty set: a later message must not begin before an earlier one.
        if self.is_empty() {
            self.alone = Some(flight);
        } else {
            self.others.get_or_insert_default().push(flight);
        }
    }

    pub(crate) fn len(&self) -> usize {
        usize::from(self.alone.is_some()) + self.others.as_ref().map_or(0, FuturesUnordered::len)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Goes on with all of them; ready when none is left.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(alone) = &mut self.alone
            && let Poll::Ready(bytes) = alone.as_mut().poll(cx)
        {
            self.alone = None;
            self.bytes = self.bytes.saturating_sub(bytes);
        }
        if let Some(others) = &mut self.others {
            while let Poll::Ready(Some(bytes)) = others.poll_next_unpin(cx) {
                self.bytes = self.bytes.saturating_sub(bytes);
            }
        }
        if self.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, Mutex};
    use std::task::{Wake, Waker};

    use tokio::sync::oneshot;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Count>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_message_that_waits_for_its_backend_wakes_nobody() {
        let woken = Arc::new(Count::default());
        let waker = Waker::from(woken.clone());
        let mut cx = Context::from_waker(&waker);
        let (answer, answered) = oneshot::channel();
        let mut flights = Flights::default();
        flights.push(7, Box::pin(async move { answered.await.unwrap() }));
        assert!(flights.poll(&mut cx).is_pending());
        assert_eq!(woken.0.load(Ordering::Relaxed), 0);
        answer.send(7).unwrap();
        assert_eq!(woken.0.load(Ordering::Relaxed), 1);
        assert!(flights.poll(&mut cx).is_ready());
        assert_eq!((flights.len(), flights.bytes()), (0, 0));
    }

    #[test]
    fn messages_begin_in_their_order() {
        let begun = Arc::new(Mutex::new(Vec::new()));
        let mut flights = Flights::default();
        let mut cx = Context::from_waker(Waker::noop());
        let mut answers = Vec::new();
        let mut push = |flights: &mut Flights, number: usize| {
            let (answer, answered) = oneshot::channel();
            answers.push(Some(answer));
            let begun = begun.clone();
            let flight = async move {
                begun.lock().unwrap().push(number);
                answered.await.unwrap()
            };
            flights.push(1, Box::pin(flight));
        };
        (0..3).for_each(|number| push(&mut flights, number));
        assert!(flights.poll(&mut cx).is_pending());
        (3..6).for_each(|number| push(&mut flights, number));
        assert!(flights.poll(&mut cx).is_pending());
        assert_eq!((flights.len(), flights.bytes()), (6, 6));
        assert_eq!(*begun.lock().unwrap(), [0, 1, 2, 3, 4, 5]);
        for answer in &mut answers {
            answer.take().unwrap().send(1).unwrap();
        }
        while flights.poll(&mut cx).is_pending() {}
        assert_eq!((flights.len(), flights.bytes()), (0, 0));
    }
}
