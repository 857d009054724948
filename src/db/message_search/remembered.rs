//! What was read a moment ago and is asked for again and again.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Nothing is remembered beyond so many: what many projects ask for in a moment.
const MAX: usize = 2_000;

/// Values that were read not longer ago than a while. Copies are cheap.
#[derive(Debug)]
pub(super) struct Remembered<K, V> {
    lasting: Duration,
    known: Mutex<HashMap<K, (Instant, V)>>,
}

impl<K: Hash + Eq, V: Clone> Remembered<K, V> {
    /// Nothing yet; what comes is remembered for so long.
    pub(super) fn lasting(lasting: Duration) -> Self {
        Self { lasting, known: Mutex::default() }
    }

    /// The one value, if it is known.
    pub(super) fn get(&self, key: &K) -> Option<V> {
        let known = self.known();
        let (since, value) = known.get(key)?;
        (since.elapsed() < self.lasting).then(|| value.clone())
    }

    /// What is known of `keys`, and the others.
    pub(super) fn of(&self, keys: impl IntoIterator<Item = K>) -> (HashMap<K, V>, Vec<K>) {
        let (mut found, mut unknown) = (HashMap::new(), Vec::new());
        let known = self.known();
        for key in keys {
            match known.get(&key) {
                Some((since, value)) if since.elapsed() < self.lasting => {
                    found.insert(key, value.clone());
                }
                Some(_) | None => unknown.push(key),
            }
        }
        (found, unknown)
    }

    /// Remembers what was read now.
    pub(super) fn keep(&self, key: K, value: V) {
        let mut known = self.known();
        if known.len() >= MAX {
            known.clear();
        }
        known.insert(key, (Instant::now(), value));
    }

    fn known(&self) -> MutexGuard<'_, HashMap<K, (Instant, V)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_is_known_for_a_while_and_the_rest_is_named() {
        let numbers = Remembered::lasting(Duration::from_secs(60));
        numbers.keep(1, "one");
        numbers.keep(2, "two");
        assert_eq!(numbers.get(&1), Some("one"));
        let (known, unknown) = numbers.of([2, 3]);
        assert_eq!(known, HashMap::from([(2, "two")]));
        assert_eq!(unknown, [3]);
    }

    #[test]
    fn what_is_older_is_read_again() {
        let numbers = Remembered::lasting(Duration::ZERO);
        numbers.keep(1, "one");
        assert_eq!(numbers.get(&1), None);
        assert_eq!(numbers.of([1]).1, [1]);
    }

    #[test]
    fn it_does_not_grow_without_end() {
        let numbers = Remembered::lasting(Duration::from_secs(60));
        for n in 0..3 * MAX {
            numbers.keep(n, n);
        }
        assert!(numbers.known().len() <= MAX);
        assert_eq!(numbers.get(&(3 * MAX - 1)), Some(3 * MAX - 1));
    }
}
