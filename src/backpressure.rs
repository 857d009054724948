//! Backpressure between storing pushes and processing them. Storing has priority: the vendor tries
//! three times to deliver a push, and one that is not on disk by then is lost.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// Push workers of one process: while one reads pushes, the other writes outcomes. Each needs two
/// connections, and must never wait for its second one behind others that do the same.
pub const PUSH_WORKERS: usize = 2;
/// A burst is at least this many pushes that are being stored at once.
const BURST_PUSHES: usize = 4;
/// A burst is over when there were fewer for this long.
const BURST_GAP: Duration = Duration::from_millis(100);
/// Processing waits for a burst no longer than this. A burst that lasts longer is regular load, and
/// pushes are processed while others are being stored.
const MAX_WAIT: Duration = Duration::from_secs(3);

/// Counts the pushes that this process is storing, and limits its push workers. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Backpressure {
    load: Arc<Mutex<StoreLoad>>,
    workers: Arc<Semaphore>,
}

impl Default for Backpressure {
    fn default() -> Self {
        Self { load: Arc::default(), workers: Arc::new(Semaphore::new(PUSH_WORKERS)) }
    }
}

#[derive(Debug, Default)]
struct StoreLoad {
    /// Pushes that are being stored.
    storing: usize,
    /// When the current burst began, and when it was last observed.
    burst: Option<(Instant, Instant)>,
}

impl StoreLoad {
    fn add_push(&mut self, now: Instant) {
        self.storing += 1;
        if self.storing >= BURST_PUSHES {
            let since =
                self.burst.filter(|(_, seen)| *seen + BURST_GAP > now).map(|(since, _)| since);
            self.burst = Some((since.unwrap_or(now), now));
        }
    }

    /// Returns when to check again, if processing has to wait.
    fn wait_until(&self, now: Instant) -> Option<Instant> {
        let (since, seen) = self.burst?;
        let again = (seen + BURST_GAP).min(since + MAX_WAIT);
        (now < again).then_some(again)
    }
}

/// Counts one push as being stored until it is dropped.
#[derive(Debug)]
pub struct StoringGuard(Arc<Mutex<StoreLoad>>);

impl Drop for StoringGuard {
    fn drop(&mut self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).storing -= 1;
    }
}

impl Backpressure {
    /// Counts a push as being stored until the guard is dropped.
    pub fn begin_storing(&self) -> StoringGuard {
        self.load.lock().unwrap_or_else(PoisonError::into_inner).add_push(Instant::now());
        StoringGuard(self.load.clone())
    }

    /// Waits until fewer than [`PUSH_WORKERS`] workers are processing. The permit is held until it
    /// is dropped.
    pub async fn acquire_worker(&self) -> Option<OwnedSemaphorePermit> {
        // The semaphore is never closed, so this is always `Some`.
        self.workers.clone().acquire_owned().await.ok()
    }

    /// Waits while a burst of pushes is being stored, a few seconds at most.
    pub async fn wait_for_burst(&self) {
        while let Some(again) = self.wait_until() {
            tokio::time::sleep_until(again).await;
        }
    }

    fn wait_until(&self) -> Option<Instant> {
        self.load.lock().unwrap_or_else(PoisonError::into_inner).wait_until(Instant::now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Begins to store `pushes` at the same time, and finishes all of them.
    fn store(load: &mut StoreLoad, pushes: usize, now: Instant) {
        (0..pushes).for_each(|_| load.add_push(now));
        load.storing -= pushes;
    }

    #[test]
    fn workers_do_not_wait_without_a_burst() {
        let (mut load, now) = (StoreLoad::default(), Instant::now());
        assert_eq!(load.wait_until(now), None);
        store(&mut load, BURST_PUSHES - 1, now);
        assert_eq!(load.wait_until(now), None);
    }

    #[test]
    fn workers_wait_until_a_burst_of_pushes_is_over() {
        let (mut load, now) = (StoreLoad::default(), Instant::now());
        store(&mut load, BURST_PUSHES, now);
        assert_eq!(load.wait_until(now), Some(now + BURST_GAP));
        store(&mut load, BURST_PUSHES, now + BURST_GAP / 2);
        assert_eq!(load.wait_until(now + BURST_GAP), Some(now + BURST_GAP * 3 / 2));
        assert_eq!(load.wait_until(now + BURST_GAP * 3 / 2), None);
    }

    #[test]
    fn workers_wait_once_for_a_long_burst_and_again_for_the_next_one() {
        let (mut load, now) = (StoreLoad::default(), Instant::now());
        let steps = 2 * MAX_WAIT.as_millis() / (BURST_GAP / 2).as_millis();
        let mut waiting = Duration::ZERO;
        for step in 0..u32::try_from(steps).unwrap() {
            let now = now + BURST_GAP / 2 * step;
            store(&mut load, BURST_PUSHES, now);
            waiting += load.wait_until(now).map_or(Duration::ZERO, |_| BURST_GAP / 2);
        }
        assert_eq!(waiting, MAX_WAIT);
        let next = now + MAX_WAIT * 2 + BURST_GAP;
        store(&mut load, BURST_PUSHES, next);
        assert_eq!(load.wait_until(next), Some(next + BURST_GAP));
    }
}
