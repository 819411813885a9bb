//! How many calls to backends are under way at once, so that a backend that hangs does not take all that there are.
//!
//! A common number for everybody, and beside it a part for each stage alone: when one stage's calls hold all of the
//! common ones, the others still have theirs.

use std::sync::Arc;

use tokio::sync::{Semaphore, SemaphorePermit};

/// A stage's own part of the limit in-flight.
const OWN_PART: usize = 16;

/// The calls that all stages share.
pub(crate) struct InFlight {
    common: Semaphore,
    own: usize,
}

/// What a stage has for itself; outlives a change of its plan.
pub(crate) type OwnPart = Arc<Semaphore>;

impl InFlight {
    pub(crate) fn new(limit: usize) -> InFlight {
        let limit = limit.min(Semaphore::MAX_PERMITS);
        InFlight { common: Semaphore::new(limit), own: limit.div_ceil(OWN_PART) }
    }

    /// The part of a new stage.
    pub(crate) fn own_part(&self) -> OwnPart {
        Arc::new(Semaphore::new(self.own))
    }

    /// Waits until a call of a stage may begin; it may go on for as long as the permit lives. In order of arrival.
    pub(crate) async fn enter<'p>(&'p self, own: Option<&'p OwnPart>) -> Option<SemaphorePermit<'p>> {
        // The usual case costs no more than one counter.
        if let Ok(permit) = self.common.try_acquire() {
            return Some(permit);
        }
        let Some(own) = own else { return self.common.acquire().await.ok() };
        if let Ok(permit) = own.try_acquire() {
            return Some(permit);
        }
        // Neither is ever closed, so one of them gives.
        tokio::select! {
            permit = self.common.acquire() => permit.ok(),
            permit = own.acquire() => permit.ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn a_stage_that_holds_everything_leaves_the_others_their_part() {
        let in_flight = InFlight::new(32);
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
}
