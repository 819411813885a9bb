//! What all bodies of a kind together may hold while they are read, and who gives way when it is used up.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit, oneshot};
use tokio::time::Instant;

/// The budget, in units of [`UNIT`] bytes: 32 MiB.
pub(super) const UNITS: usize = 32 * 1024;
pub(super) const UNIT: usize = 1024;

/// How long a body is read for sure. When the budget is used up, older ones give way: a few hundred that drip would else keep
/// everybody out for as long as they may.
const TURN_MIN: Duration = Duration::from_secs(1);

/// How long it may take until those that give way have let go.
const ROOM_WAIT: Duration = Duration::from_secs(1);

/// The budget that bodies share.
#[derive(Clone)]
pub(super) struct Budget(Arc<Shared>);

struct Shared {
    free: Semaphore,
    slow: Mutex<Slow>,
}

/// The bodies that did not come in one piece, oldest first; each has a unit at least, so there are no more than [`UNITS`].
#[derive(Default)]
struct Slow {
    begun: u64,
    reading: BTreeMap<u64, Reading>,
}

struct Reading {
    since: Instant,
    units: usize,
    /// Dropped when the body is to give way.
    _ends: oneshot::Sender<()>,
}

/// There is no room.
#[derive(Debug)]
pub(super) struct Full;

impl Default for Budget {
    fn default() -> Budget {
        Budget(Arc::new(Shared { free: Semaphore::new(UNITS), slow: Mutex::default() }))
    }
}

impl Budget {
    #[cfg(test)]
    pub(super) fn free(&self) -> usize {
        self.0.free.available_permits()
    }

    fn slow(&self) -> MutexGuard<'_, Slow> {
        self.0.slow.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slow {
    // Takes the turns of the oldest until so many units are on their way back; `own` is nobody's but the asker's.
    fn make_room(&mut self, units: usize, own: Option<u64>, now: Instant) -> Result<(), Full> {
        let mut coming = 0;
        let mut give_way = Vec::new();
        for (number, reading) in &self.reading {
            if coming >= units {
                break;
            }
            // None is older than the asker any more, or none had its time.
            if Some(*number) == own || now < reading.since + TURN_MIN {
                return Err(Full);
            }
            coming += reading.units;
            give_way.push(*number);
        }
        if coming < units {
            return Err(Full);
        }
        for number in give_way {
            self.reading.remove(&number);
        }
        Ok(())
    }
}

/// One body's share of the budget, for as long as it lives.
pub(super) struct Share<'b> {
    budget: &'b Budget,
    since: Instant,
    permit: Option<SemaphorePermit<'b>>,
    units: usize,
    /// Where it stands among those that may have to give way.
    slow: Option<(u64, oneshot::Receiver<()>)>,
}

impl<'b> Share<'b> {
    /// Nothing yet, of a body that began at `since`.
    pub(super) fn none(budget: &'b Budget, since: Instant) -> Share<'b> {
        Share { budget, since, permit: None, units: 0, slow: None }
    }

    /// Takes what a body of so many bytes needs: of the whole and not of each part, else one in chunks of one byte would take
    /// a thousand times what it is.
    ///
    /// # Errors
    /// [`Full`] where all is taken and nobody gives way.
    pub(super) async fn grow(&mut self, bytes: usize) -> Result<(), Full> {
        let units = bytes.div_ceil(UNIT);
        let more = u32::try_from(units - self.units).map_err(|_| Full)?;
        if more == 0 {
            return Ok(());
        }
        let free = &self.budget.0.free;
        let permit = match free.try_acquire_many(more) {
            Ok(permit) => permit,
            Err(_) => {
                let own = self.slow.as_ref().map(|(number, _)| *number);
                self.budget.slow().make_room(more as usize, own, Instant::now())?;
                let permit = tokio::time::timeout(ROOM_WAIT, free.acquire_many(more)).await;
                permit.map_err(|_| Full)?.map_err(|_| Full)?
            }
        };
        match &mut self.permit {
            Some(held) => held.merge(permit),
            None => self.permit = Some(permit),
        }
        self.units = units;
        if let Some((number, _)) = &self.slow
            && let Some(reading) = self.budget.slow().reading.get_mut(number)
        {
            reading.units = units;
        }
        Ok(())
    }

    /// The body did not come in one piece: it is one of those that may have to give way.
    pub(super) fn may_give_way(&mut self) {
        if self.slow.is_some() || self.units == 0 {
            return;
        }
        let (ends, gives_way) = oneshot::channel();
        let mut slow = self.budget.slow();
        slow.begun += 1;
        let number = slow.begun;
        slow.reading.insert(number, Reading { since: self.since, units: self.units, _ends: ends });
        self.slow = Some((number, gives_way));
    }

    /// Comes to an end when the body is to give way.
    pub(super) async fn gives_way(&mut self) {
        match &mut self.slow {
            Some((_, gives_way)) => drop(gives_way.await),
            None => std::future::pending().await,
        }
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        if let Some((number, _)) = &self.slow {
            self.budget.slow().reading.remove(number);
        }
    }
}
