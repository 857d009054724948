//! Rate limits of the push endpoint. They are in memory and count for one process: they protect it
//! from floods, and a restart resets them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use crate::domain::client_address;
use crate::domain::ids::ProjectId;

/// Pushes per second of one project: ten times what the largest accounts push, so that only a flood
/// reaches it.
const PUSHES_A_SECOND: f64 = 10_000.0;
/// How many pushes may come at once: one second's worth.
const BURST: f64 = PUSHES_A_SECOND;
/// How long the response to the first wrong secret of an IP is delayed; the delay doubles with each
/// further one …
const FIRST_WAIT: Duration = Duration::from_millis(25);
/// … up to this.
const MAX_WAIT: Duration = Duration::from_secs(2);
/// An IP that sent no wrong secret for so long starts again with the first delay.
const FORGIVEN_AFTER: Duration = Duration::from_secs(60);
/// The largest number of IPs that are remembered; beyond it, all of them are forgotten.
const MAX_IPS: usize = 10_000;
/// How many responses may be delayed at once, so that delayed requests cannot fill the memory.
const MAX_WAITING: usize = 256;

/// The recent wrong secrets by IP, and the allowance of each project.
#[derive(Debug, Clone)]
pub struct Limits {
    wrong: Arc<Mutex<HashMap<String, WrongSecrets>>>,
    pushes: Arc<Mutex<HashMap<ProjectId, Bucket>>>,
    waiting: Arc<Semaphore>,
}

/// The wrong secrets of one IP.
#[derive(Debug, Clone, Copy)]
struct WrongSecrets {
    count: u32,
    last: Instant,
}

/// A token bucket: how many pushes a project may make now.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    tokens: f64,
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
    /// Takes one token of the project; returns `false` when none is left.
    pub fn may_push(&self, project: ProjectId) -> bool {
        let now = Instant::now();
        let mut pushes = lock(&self.pushes);
        pushes.entry(project).or_insert(Bucket { tokens: BURST, at: now }).take(now)
    }

    /// Delays the response to a wrong secret from `ip`, longer each time.
    pub async fn slow_down(&self, ip: &str) {
        let wait = self.next_wait(ip, Instant::now());
        if let Ok(_permit) = self.waiting.try_acquire() {
            tokio::time::sleep(wait).await;
        }
    }

    fn next_wait(&self, ip: &str, now: Instant) -> Duration {
        let mut wrong = lock(&self.wrong);
        let client = client_address::subject(ip);
        if wrong.len() >= MAX_IPS && !wrong.contains_key(&client) {
            wrong.clear();
        }
        let sender = wrong.entry(client).or_insert(WrongSecrets { count: 0, last: now });
        if now.duration_since(sender.last) > FORGIVEN_AFTER {
            sender.count = 0;
        }
        let wait = FIRST_WAIT.saturating_mul(1 << sender.count.min(16)).min(MAX_WAIT);
        *sender = WrongSecrets { count: sender.count + 1, last: now };
        wait
    }
}

impl Bucket {
    fn take(&mut self, now: Instant) -> bool {
        let passed = now.duration_since(self.at).as_secs_f64();
        self.tokens = (self.tokens + passed * PUSHES_A_SECOND).min(BURST);
        self.at = now;
        let has_token = self.tokens >= 1.0;
        if has_token {
            self.tokens -= 1.0;
        }
        has_token
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_thousand_pushes_a_second_pass_and_a_flood_is_limited() {
        let start = Instant::now();
        let mut bucket = Bucket { tokens: BURST, at: start };
        for push in 0..60_000_u32 {
            assert!(bucket.take(start + Duration::from_micros(500) * push), "push {push}");
        }
        let later = start + Duration::from_secs(40);
        let passed = (0..50_000).filter(|_| bucket.take(later)).count();
        assert_eq!(passed, 10_000);
        assert!(bucket.take(later + Duration::from_millis(1)));
    }

    #[test]
    fn each_wrong_secret_of_an_ip_waits_longer_until_a_quiet_minute_has_passed() {
        let limits = Limits::default();
        let start = Instant::now();
        let waits: Vec<u128> =
            (0..9).map(|_| limits.next_wait("203.0.113.7", start).as_millis()).collect();
        assert_eq!(waits, [25, 50, 100, 200, 400, 800, 1600, 2000, 2000]);
        assert_eq!(limits.next_wait("203.0.113.8", start), FIRST_WAIT);
        assert_eq!(limits.next_wait("2001:db8::1", start), FIRST_WAIT);
        assert_eq!(limits.next_wait("2001:db8::2", start), FIRST_WAIT * 2, "the same network");
        assert_eq!(limits.next_wait("203.0.113.7", start + Duration::from_secs(61)), FIRST_WAIT);
    }

    #[test]
    fn endless_new_ips_do_not_fill_the_memory() {
        let limits = Limits::default();
        for n in 0..25_000 {
            limits.next_wait(&n.to_string(), Instant::now());
        }
        assert!(lock(&limits.wrong).len() <= MAX_IPS);
    }
}
