//! How often the door may be knocked at. The limits are of one process and are kept in memory: they
//! hold back floods, and a restart forgives.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use crate::domain::ids::ProjectId;

/// Pushes a second of one project. Ten times what the largest accounts push, so that it is only ever
/// met by a flood.
const PUSHES_A_SECOND: f64 = 10_000.0;
/// A second's worth may come at once.
const AT_ONCE: f64 = PUSHES_A_SECOND;
/// The first wrong secrets of an address wait this long for their answer, later ones twice as long
/// each …
const FIRST_WAIT: Duration = Duration::from_millis(25);
/// … up to this.
const MAX_WAIT: Duration = Duration::from_secs(2);
/// An address that was quiet for so long begins anew.
const FORGIVEN_AFTER: Duration = Duration::from_secs(60);
/// No more addresses are remembered; then all begin anew.
const MAX_ADDRESSES: usize = 10_000;
/// No more wrong secrets wait for their answer at once, so that waiting cannot fill the memory.
const MAX_WAITING: usize = 256;

/// What knocked lately.
#[derive(Debug, Clone)]
pub struct Limits {
    wrong: Arc<Mutex<HashMap<String, Wrong>>>,
    pushes: Arc<Mutex<HashMap<ProjectId, Bucket>>>,
    waiting: Arc<Semaphore>,
}

/// Wrong secrets of one address.
#[derive(Debug, Clone, Copy)]
struct Wrong {
    times: u32,
    last: Instant,
}

/// How many pushes a project may make now.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: f64,
    at: Instant,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            wrong: Arc::default(),
            pushes: Arc::default(),
            waiting: Arc::new(Semaphore::new(MAX_WAITING)),
        }
    }
}

impl Limits {
    /// Takes one of the pushes that a project may make now; false when there is none left.
    pub fn may_push(&self, project: ProjectId) -> bool {
        let now = Instant::now();
        let mut pushes = locked(&self.pushes);
        pushes.entry(project).or_insert(Bucket { left: AT_ONCE, at: now }).take(now)
    }

    /// Lets an address wait that brought a wrong secret, longer each time.
    pub async fn slow_down(&self, address: &str) {
        let wait = self.wait_of(address, Instant::now());
        if let Ok(_place) = self.waiting.try_acquire() {
            tokio::time::sleep(wait).await;
        }
    }

    fn wait_of(&self, address: &str, now: Instant) -> Duration {
        let mut wrong = locked(&self.wrong);
        if wrong.len() >= MAX_ADDRESSES && !wrong.contains_key(address) {
            wrong.clear();
        }
        let one = wrong.entry(address.to_owned()).or_insert(Wrong { times: 0, last: now });
        if now.duration_since(one.last) > FORGIVEN_AFTER {
            one.times = 0;
        }
        let wait = FIRST_WAIT.saturating_mul(1 << one.times.min(16)).min(MAX_WAIT);
        *one = Wrong { times: one.times + 1, last: now };
        wait
    }
}

impl Bucket {
    fn take(&mut self, now: Instant) -> bool {
        let passed = now.duration_since(self.at).as_secs_f64();
        self.left = (self.left + passed * PUSHES_A_SECOND).min(AT_ONCE);
        self.at = now;
        let may = self.left >= 1.0;
        if may {
            self.left -= 1.0;
        }
        may
    }
}

fn locked<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_thousand_pushes_a_second_always_pass_and_a_flood_does_not() {
        let start = Instant::now();
        let mut bucket = Bucket { left: AT_ONCE, at: start };
        for push in 0..60_000_u32 {
            assert!(bucket.take(start + Duration::from_micros(500) * push), "push {push}");
        }
        let later = start + Duration::from_secs(40);
        let passed = (0..50_000).filter(|_| bucket.take(later)).count();
        assert_eq!(passed, 10_000);
        assert!(bucket.take(later + Duration::from_millis(1)));
    }

    #[test]
    fn wrong_secrets_of_an_address_wait_longer_each_time_and_are_forgiven() {
        let limits = Limits::default();
        let start = Instant::now();
        let waits: Vec<u128> =
            (0..9).map(|_| limits.wait_of("203.0.113.7", start).as_millis()).collect();
        assert_eq!(waits, [25, 50, 100, 200, 400, 800, 1600, 2000, 2000]);
        assert_eq!(limits.wait_of("203.0.113.8", start), FIRST_WAIT);
        assert_eq!(limits.wait_of("203.0.113.7", start + Duration::from_secs(61)), FIRST_WAIT);
    }

    #[test]
    fn ever_new_addresses_do_not_fill_the_memory() {
        let limits = Limits::default();
        for n in 0..25_000 {
            limits.wait_of(&n.to_string(), Instant::now());
        }
        assert!(locked(&limits.wrong).len() <= MAX_ADDRESSES);
    }
}
