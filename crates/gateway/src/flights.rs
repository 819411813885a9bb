//! The messages of one connection that are in flight, as a set in the connection's own task.

mod several;

use std::pin::Pin;
use std::task::{Context, Poll};

use several::Several;

/// A message on its walk; gives the bytes that it held.
pub(crate) type Flight = Pin<Box<dyn Future<Output = usize> + Send>>;

/// Messages in flight, begun in the order in which they came. The usual one is alone, and is polled itself.
#[derive(Default)]
pub(crate) struct Flights {
    /// One that began when there was no other.
    alone: Option<Flight>,
    /// Made when there is a second one; it costs memory of its own.
    others: Option<Several>,
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
        usize::from(self.alone.is_some()) + self.others.as_ref().map_or(0, Several::len)
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
            others.poll(cx, |bytes| self.bytes = self.bytes.saturating_sub(bytes));
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
    fn several_that_wait_wake_nobody_and_of_those_that_are_answered_no_other_is_polled() {
        let woken = Arc::new(Count::default());
        let waker = Waker::from(woken.clone());
        let mut cx = Context::from_waker(&waker);
        let polled: Vec<_> = (0..20).map(|_| Arc::new(Count::default())).collect();
        let mut flights = Flights::default();
        let mut answers = Vec::new();
        for count in &polled {
            let (answer, mut answered) = oneshot::channel();
            answers.push(Some(answer));
            let count = count.clone();
            let flight = std::future::poll_fn(move |cx| {
                count.clone().wake();
                Pin::new(&mut answered).poll(cx).map(Result::unwrap)
            });
            flights.push(1, Box::pin(flight));
        }
        let counts = || polled.iter().map(|count| count.0.load(Ordering::Relaxed)).collect::<Vec<_>>();
        for _ in 0..3 {
            assert!(flights.poll(&mut cx).is_pending());
        }
        assert_eq!(woken.0.load(Ordering::Relaxed), 0);
        // The first is alone and costs nothing to ask; the others are asked once, whoever asks the set.
        assert_eq!(counts()[1..], [1; 19]);
        for at in [3, 17] {
            answers[at].take().unwrap().send(1).unwrap();
        }
        // Two answers, and one turn for both.
        assert_eq!(woken.0.load(Ordering::Relaxed), 1);
        assert!(flights.poll(&mut cx).is_pending());
        assert_eq!((flights.len(), flights.bytes()), (18, 18));
        let asked: Vec<_> = (1..20).map(|at| if at == 3 || at == 17 { 2 } else { 1 }).collect();
        assert_eq!(counts()[1..], asked);
        // The places of those that are over are taken again, and answers still reach the right ones.
        flights.push(1, Box::pin(async { 1 }));
        assert!(flights.poll(&mut cx).is_pending());
        for answer in answers.iter_mut().filter_map(Option::take) {
            answer.send(1).unwrap();
        }
        assert!(flights.poll(&mut cx).is_ready());
        assert_eq!((flights.len(), flights.bytes()), (0, 0));
    }

    #[test]
    fn one_that_wakes_itself_leaves_the_others_their_turn() {
        let woken = Arc::new(Count::default());
        let waker = Waker::from(woken.clone());
        let mut cx = Context::from_waker(&waker);
        let mut flights = Flights::default();
        flights.push(1, Box::pin(std::future::pending()));
        let mut turns = 0;
        let restless = std::future::poll_fn(move |cx| {
            turns += 1;
            cx.waker().wake_by_ref();
            if turns == 3 { Poll::Ready(2) } else { Poll::Pending }
        });
        flights.push(2, Box::pin(restless));
        for left in [2, 2, 1] {
            assert!(flights.poll(&mut cx).is_pending());
            assert_eq!(flights.len(), left);
        }
        // Woken for each turn that it asked for, the last included: nobody knew that it would be the last.
        assert_eq!(woken.0.load(Ordering::Relaxed), 3);
        assert!(flights.poll(&mut cx).is_pending());
        assert_eq!((flights.len(), flights.bytes()), (1, 1));
    }

    #[test]
    fn answers_from_other_threads_are_never_lost() {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        for _ in 0..200 {
            let mut flights = Flights::default();
            for _ in 0..16 {
                let (answer, answered) = oneshot::channel();
                runtime.spawn(async move { answer.send(1) });
                flights.push(1, Box::pin(async move { answered.await.unwrap() }));
            }
            // Hangs if one is.
            runtime.block_on(std::future::poll_fn(|cx| flights.poll(cx)));
            assert_eq!((flights.len(), flights.bytes()), (0, 0));
        }
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
