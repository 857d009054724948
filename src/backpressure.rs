//! Pushes that are being written down and settled. Writing down comes before all that can wait: a push
//! that is not on disk in time is lost after three tries.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// So many settle at once in a process: while one reads what came, the other writes. Each needs two
/// connections, and must never wait for the second one behind others that do the same.
pub const PUSH_WORKERS: usize = 2;
/// So many pushes that are being taken in at once are a rush.
const RUSH: usize = 4;
/// A rush is over when there were fewer for so long.
const CALM: Duration = Duration::from_millis(100);
/// Settling waits so long for a rush. One that lasts longer is everyday business: what was taken in is
/// settled beside it.
const MAX_WAIT: Duration = Duration::from_secs(3);

/// What is being taken in and settled in this process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Backpressure {
    door: Arc<Mutex<Crowd>>,
    settlers: Arc<Semaphore>,
}

impl Default for Backpressure {
    fn default() -> Self {
        Self { door: Arc::default(), settlers: Arc::new(Semaphore::new(PUSH_WORKERS)) }
    }
}

#[derive(Debug, Default)]
struct Crowd {
    /// Pushes that are being taken in.
    taking: usize,
    /// Since when there is a rush, and when it was seen last.
    rush: Option<(Instant, Instant)>,
}

impl Crowd {
    fn count(&mut self, now: Instant) {
        self.taking += 1;
        if self.taking >= RUSH {
            let since = self.rush.filter(|(_, seen)| *seen + CALM > now).map(|(since, _)| since);
            self.rush = Some((since.unwrap_or(now), now));
        }
    }

    /// When to look again, if settling is to wait.
    fn look_again(&self, now: Instant) -> Option<Instant> {
        let (since, seen) = self.rush?;
        let again = (seen + CALM).min(since + MAX_WAIT);
        (now < again).then_some(again)
    }
}

/// A push that is being taken in, until this is dropped.
#[derive(Debug)]
pub struct Taking(Arc<Mutex<Crowd>>);

impl Drop for Taking {
    fn drop(&mut self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).taking -= 1;
    }
}

impl Backpressure {
    /// Counts a push.
    pub fn begin(&self) -> Taking {
        self.door.lock().unwrap_or_else(PoisonError::into_inner).count(Instant::now());
        Taking(self.door.clone())
    }

    /// Waits until one of the settlers' places is free; it is until the answer is dropped.
    pub async fn settler(&self) -> Option<OwnedSemaphorePermit> {
        // Nobody closes the semaphore.
        self.settlers.clone().acquire_owned().await.ok()
    }

    /// Waits while there is a rush, for some seconds at most.
    pub async fn let_pass(&self) {
        while let Some(again) = self.look_again() {
            tokio::time::sleep_until(again).await;
        }
    }

    fn look_again(&self) -> Option<Instant> {
        self.door.lock().unwrap_or_else(PoisonError::into_inner).look_again(Instant::now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `pushes` come at once, and are taken in at once.
    fn come(crowd: &mut Crowd, pushes: usize, now: Instant) {
        (0..pushes).for_each(|_| crowd.count(now));
        crowd.taking -= pushes;
    }

    #[test]
    fn nobody_waits_without_a_rush() {
        let (mut crowd, now) = (Crowd::default(), Instant::now());
        assert_eq!(crowd.look_again(now), None);
        come(&mut crowd, RUSH - 1, now);
        assert_eq!(crowd.look_again(now), None);
    }

    #[test]
    fn a_rush_is_waited_for_until_it_is_calm() {
        let (mut crowd, now) = (Crowd::default(), Instant::now());
        come(&mut crowd, RUSH, now);
        assert_eq!(crowd.look_again(now), Some(now + CALM));
        come(&mut crowd, RUSH, now + CALM / 2);
        assert_eq!(crowd.look_again(now + CALM), Some(now + CALM * 3 / 2));
        assert_eq!(crowd.look_again(now + CALM * 3 / 2), None);
    }

    #[test]
    fn a_rush_that_lasts_is_waited_for_once_and_the_next_one_again() {
        let (mut crowd, now) = (Crowd::default(), Instant::now());
        let steps = 2 * MAX_WAIT.as_millis() / (CALM / 2).as_millis();
        let mut waiting = Duration::ZERO;
        for step in 0..u32::try_from(steps).unwrap() {
            let now = now + CALM / 2 * step;
            come(&mut crowd, RUSH, now);
            waiting += crowd.look_again(now).map_or(Duration::ZERO, |_| CALM / 2);
        }
        assert_eq!(waiting, MAX_WAIT);
        let next = now + MAX_WAIT * 2 + CALM;
        come(&mut crowd, RUSH, next);
        assert_eq!(crowd.look_again(next), Some(next + CALM));
    }
}
