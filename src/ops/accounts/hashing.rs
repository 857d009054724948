//! Hashing and verifying of passwords, a few at a time. A hash takes 19 MiB and 20 ms, so the others wait:
//! in one line, in which everybody has two places at most, so that many tries of one do not delay those of
//! others; and not too many, so that nobody waits long for an answer.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::SignInError;

const AT_ONCE: usize = 2;
/// Places of one subject in the common line.
const PLACES: usize = 2;
/// The most that wait of one subject, and of all: strangers leave some places to known devices.
const MAX_OF_ONE: usize = 32;
const MAX_STRANGERS: usize = 96;
const MAX_WAITING: usize = 128;
/// What is looked at of a password that is too long to be one.
const MAX_CHARACTERS: usize = 1_024;

static LINE: LazyLock<Line> = LazyLock::new(Line::default);
/// The hash that is verified for unknown names, so that they take as long as known ones.
static DUMMY_HASH: LazyLock<Option<String>> =
    LazyLock::new(|| hash_now("nobody has this password").ok());

/// Who waits.
#[derive(Debug, Clone)]
pub enum Waiting {
    /// Somebody on a device where this account has signed in, by the device.
    Known(String),
    /// Anybody else, by address.
    Stranger(String),
}

impl Waiting {
    fn subject(&self) -> &str {
        match self {
            Self::Known(subject) | Self::Stranger(subject) => subject,
        }
    }
}

/// The line before the hashing.
struct Line {
    turns: Arc<Semaphore>,
    of_each: Arc<Mutex<HashMap<String, OfOne>>>,
}

struct OfOne {
    places: Arc<Semaphore>,
    waiting: usize,
}

impl Default for Line {
    fn default() -> Self {
        Self { turns: Arc::new(Semaphore::new(AT_ONCE)), of_each: Arc::default() }
    }
}

/// One that waits or is hashing; dropped, it has left the line.
struct Entry {
    subject: String,
    of_each: Arc<Mutex<HashMap<String, OfOne>>>,
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut of_each = lock(&self.of_each);
        if let Some(of_one) = of_each.get_mut(&self.subject) {
            of_one.waiting -= 1;
            if of_one.waiting == 0 {
                of_each.remove(&self.subject);
            }
        }
    }
}

/// The permission to hash one password. Its fields are dropped in this order.
struct Turn {
    _turn: OwnedSemaphorePermit,
    _place: OwnedSemaphorePermit,
    _entry: Entry,
}

fn lock(of_each: &Mutex<HashMap<String, OfOne>>) -> MutexGuard<'_, HashMap<String, OfOne>> {
    of_each.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Line {
    /// Waits for the turn of `waiting`.
    ///
    /// # Errors
    ///
    /// [`SignInError::Busy`] at once if too many wait already.
    async fn turn(&self, waiting: &Waiting) -> Result<Turn, SignInError> {
        let (entry, places) = self.enter(waiting)?;
        let closed = |_| SignInError::Hashing;
        let place = places.acquire_owned().await.map_err(closed)?;
        let turn = self.turns.clone().acquire_owned().await.map_err(closed)?;
        Ok(Turn { _turn: turn, _place: place, _entry: entry })
    }

    fn enter(&self, waiting: &Waiting) -> Result<(Entry, Arc<Semaphore>), SignInError> {
        let subject = waiting.subject();
        let mut of_each = lock(&self.of_each);
        let all: usize = of_each.values().map(|of_one| of_one.waiting).sum();
        let of_one = of_each.get(subject).map_or(0, |of_one| of_one.waiting);
        let most = match waiting {
            Waiting::Known(_) => MAX_WAITING,
            Waiting::Stranger(_) => MAX_STRANGERS,
        };
        if all >= most || of_one >= MAX_OF_ONE {
            return Err(SignInError::Busy);
        }
        let of_one = of_each
            .entry(subject.to_owned())
            .or_insert_with(|| OfOne { places: Arc::new(Semaphore::new(PLACES)), waiting: 0 });
        of_one.waiting += 1;
        let entry = Entry { subject: subject.to_owned(), of_each: self.of_each.clone() };
        Ok((entry, of_one.places.clone()))
    }
}

/// Hashes a new password.
pub async fn hash(password: SecretString, waiting: &Waiting) -> Result<String, SignInError> {
    in_turn(waiting, move || hash_now(password.expose_secret())).await
}

/// Returns whether a password has this hash; without one it takes as long, and it has not.
pub async fn verify(
    password: SecretString,
    stored: Option<String>,
    waiting: &Waiting,
) -> Result<bool, SignInError> {
    in_turn(waiting, move || {
        let is_known = stored.is_some();
        let stored = stored.or_else(|| DUMMY_HASH.clone()).ok_or(SignInError::Hashing)?;
        let stored = PasswordHash::new(&stored).map_err(|_| SignInError::Hashing)?;
        let password: String = password.expose_secret().chars().take(MAX_CHARACTERS).collect();
        Ok(is_known & Argon2::default().verify_password(password.as_bytes(), &stored).is_ok())
    })
    .await
}

/// Runs `work` when it is the turn of `waiting`, which lasts until it is done: it cannot be stopped if the
/// client leaves.
async fn in_turn<T: Send + 'static>(
    waiting: &Waiting,
    work: impl FnOnce() -> Result<T, SignInError> + Send + 'static,
) -> Result<T, SignInError> {
    let turn = LINE.turn(waiting).await?;
    tokio::task::spawn_blocking(move || {
        let done = work();
        drop(turn);
        done
    })
    .await
    .map_err(|_| SignInError::Hashing)?
}

fn hash_now(password: &str) -> Result<String, SignInError> {
    let hashed: PasswordHash =
        Argon2::default().hash_password(password.as_bytes()).map_err(|_| SignInError::Hashing)?;
    Ok(hashed.to_string())
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;

    use super::*;

    fn stranger(ip: &str) -> Waiting {
        Waiting::Stranger(ip.to_owned())
    }

    #[tokio::test]
    async fn many_tries_of_one_address_do_not_delay_those_of_others() {
        let line = Line::default();
        let order = Mutex::new(Vec::new());
        let hashed = async |ip: &'static str| {
            let turn = line.turn(&stranger(ip)).await;
            let Ok(turn) = turn else { return };
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
            order.lock().unwrap().push(ip);
            drop(turn);
        };
        let burst = std::iter::repeat_n("203.0.113.1", 30).chain(["203.0.113.2", "203.0.113.3"]);
        join_all(burst.map(hashed)).await;
        let order = order.into_inner().unwrap();
        assert_eq!(order.len(), 32);
        for ip in ["203.0.113.2", "203.0.113.3"] {
            assert!(order.iter().position(|one| *one == ip).unwrap() < 6, "{order:?}");
        }
    }

    #[tokio::test]
    async fn who_would_wait_too_long_is_turned_away_at_once() {
        let line = Line::default();
        let of_one: Vec<_> =
            (0..MAX_OF_ONE).map(|_| line.enter(&stranger("203.0.113.1")).ok().unwrap()).collect();
        assert!(matches!(line.enter(&stranger("203.0.113.1")), Err(SignInError::Busy)));
        let others: Vec<_> = (MAX_OF_ONE..MAX_STRANGERS)
            .map(|n| line.enter(&stranger(&format!("198.51.100.{n}"))).ok().unwrap())
            .collect();
        assert!(matches!(line.enter(&stranger("203.0.113.9")), Err(SignInError::Busy)));
        assert!(line.enter(&Waiting::Known("a device".to_owned())).is_ok());
        drop((of_one, others));
        assert!(line.enter(&stranger("203.0.113.1")).is_ok());
        assert!(lock(&line.of_each).is_empty(), "nobody is remembered who does not wait");
    }
}
