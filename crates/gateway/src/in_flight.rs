//! How many calls to backends are under way at once, and how many bytes of messages, so that a backend that hangs takes
//! neither all the calls nor all the memory that there is.
//!
//! A common number for everybody, and beside it a part for each stage alone: when one stage holds all of the common
//! one, the others still have theirs.

mod room;

use std::sync::Arc;

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::gateway::Gateway;
use crate::in_flight::room::Room;

/// A stage's own part of the limits in-flight and in-flight-bytes.
const OWN_PART: usize = 16;

/// What all stages share.
pub(crate) struct InFlight {
    calls: Semaphore,
    own_calls: usize,
    room: Room,
    own_room: usize,
}

/// What a stage has for itself; outlives a change of its plan.
pub(crate) struct OwnPart {
    calls: Semaphore,
    room: Room,
}

impl InFlight {
    /// So many calls, and messages of so many bytes; 0 bytes: of any.
    pub(crate) fn new(calls: usize, bytes: usize) -> InFlight {
        let calls = calls.min(Semaphore::MAX_PERMITS);
        let bytes = if bytes == 0 { usize::MAX } else { bytes };
        InFlight {
            calls: Semaphore::new(calls),
            own_calls: calls.div_ceil(OWN_PART),
            room: Room::new(bytes),
            own_room: bytes.div_ceil(OWN_PART),
        }
    }

    /// The part of a new stage.
    pub(crate) fn own_part(&self) -> Arc<OwnPart> {
        Arc::new(OwnPart { calls: Semaphore::new(self.own_calls), room: Room::new(self.own_room) })
    }

    /// Waits until a call of a stage may begin; it may go on for as long as the permit lives. In order of arrival.
    pub(crate) async fn enter<'p>(&'p self, own: Option<&'p Arc<OwnPart>>) -> Option<SemaphorePermit<'p>> {
        // The usual case costs no more than one counter.
        if let Ok(permit) = self.calls.try_acquire() {
            return Some(permit);
        }
        let Some(own) = own else { return self.calls.acquire().await.ok() };
        if let Ok(permit) = own.calls.try_acquire() {
            return Some(permit);
        }
        // Neither is ever closed, so one of them gives.
        tokio::select! {
            biased;
            permit = self.calls.acquire() => permit.ok(),
            permit = own.calls.acquire() => permit.ok(),
        }
    }

    /// Whether a message of a stage may be read. `own` is asked for the stage's part where the common room is full.
    pub(crate) fn has_room(&self, own: impl FnOnce() -> Option<Arc<OwnPart>>) -> bool {
        self.room.is_open() || own().is_some_and(|own| own.room.is_open())
    }

    // Gives the part that the room was taken of, where that is not the common one.
    fn take(&self, bytes: usize, own: impl FnOnce() -> Option<Arc<OwnPart>>) -> Option<Arc<OwnPart>> {
        let own = if self.room.is_open() { None } else { own() };
        own.as_ref().map_or(&self.room, |own| &own.room).take(bytes);
        own
    }

    fn give_back(&self, bytes: usize, own: Option<&OwnPart>) {
        own.map_or(&self.room, |own| &own.room).give_back(bytes);
    }

    /// Waits until there may be room again, common or the stage's own; it has to be asked for then.
    pub(crate) async fn opened(&self, own: Option<Arc<OwnPart>>) {
        match own {
            Some(own) => tokio::select! {
                biased;
                () = self.room.opened() => {}
                () = own.room.opened() => {}
            },
            None => self.room.opened().await,
        }
    }
}

/// The room that a message takes, for as long as this lives.
pub(crate) struct Held {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) bytes: usize,
    own: Option<Arc<OwnPart>>,
}

impl Held {
    /// Takes what there was room for when the message was read; `own` as in [`InFlight::has_room`].
    pub(crate) fn take(gateway: Arc<Gateway>, bytes: usize, own: impl FnOnce() -> Option<Arc<OwnPart>>) -> Held {
        let own = gateway.in_flight.take(bytes, own);
        Held { gateway, bytes, own }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.gateway.in_flight.give_back(self.bytes, self.own.as_deref());
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn a_stage_that_holds_everything_leaves_the_others_their_part() {
        let in_flight = InFlight::new(32, 0);
        let (hung, other) = (in_flight.own_part(), in_flight.own_part());
        let mut held = Vec::new();
        while let Some(permit) = in_flight.enter(Some(&hung)).now_or_never() {
            held.push(permit);
        }
        assert_eq!(held.len(), 32 + 2);
        let mut others: Vec<_> = (0..2).map(|_| in_flight.enter(Some(&other)).now_or_never()).collect();
        assert!(others.iter().all(Option::is_some));
        assert!(in_flight.enter(Some(&other)).now_or_never().is_none());
        others.pop();
        assert!(in_flight.enter(Some(&other)).now_or_never().is_some());
        held.clear();
        assert!(in_flight.enter(None).now_or_never().is_some());
    }

    #[test]
    fn a_stage_whose_messages_fill_all_room_leaves_the_others_theirs() {
        let in_flight = InFlight::new(1, 1600);
        let (hung, other) = (in_flight.own_part(), in_flight.own_part());
        let has_room = |part: &Arc<OwnPart>| in_flight.has_room(|| Some(part.clone()));
        let take = |part: &Arc<OwnPart>| in_flight.take(10, || Some(part.clone()));
        let give_back = |taken: Option<Arc<OwnPart>>| in_flight.give_back(10, taken.as_deref());
        let mut held = Vec::new();
        while has_room(&hung) {
            held.push(take(&hung));
        }
        assert_eq!(held.len(), 160 + 10);
        assert!(has_room(&other) && !in_flight.has_room(|| None));
        let others: Vec<_> = (0..10).map(|_| take(&other)).collect();
        assert!(!has_room(&other));
        // Whoever waits is told of room in either.
        let waits = || Box::pin(in_flight.opened(Some(other.clone())));
        let mut waiting = waits();
        assert!((&mut waiting).now_or_never().is_none());
        others.into_iter().for_each(give_back);
        assert!(has_room(&other) && !has_room(&hung));
        assert!(waiting.now_or_never().is_some());
        held.into_iter().for_each(give_back);
        assert!(in_flight.has_room(|| None) && has_room(&hung));
        assert!(waits().now_or_never().is_some());
        // No limit.
        let in_flight = InFlight::new(1, 0);
        assert!(in_flight.take(1 << 40, || None).is_none());
        assert!(in_flight.has_room(|| None));
    }
}
