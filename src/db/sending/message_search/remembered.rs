//! A cache of values that are read again and again.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The maximum number of cached values: what many projects need within a moment.
const MAX_ENTRIES: usize = 2_000;

/// A cache of recently read values, which are cheap to clone.
#[derive(Debug)]
pub(super) struct Remembered<K, V> {
    ttl: Duration,
    entries: Mutex<HashMap<K, (Instant, V)>>,
}

impl<K: Hash + Eq, V: Clone> Remembered<K, V> {
    /// Creates an empty cache whose values expire after `ttl`.
    pub(super) fn new(ttl: Duration) -> Self {
        Self { ttl, entries: Mutex::default() }
    }

    /// Returns the value of a key, if it is cached.
    pub(super) fn get(&self, key: &K) -> Option<V> {
        let entries = self.entries();
        let (read_at, value) = entries.get(key)?;
        (read_at.elapsed() < self.ttl).then(|| value.clone())
    }

    /// Returns the cached values of `keys`, and the keys without one.
    pub(super) fn get_all(&self, keys: impl IntoIterator<Item = K>) -> (HashMap<K, V>, Vec<K>) {
        let (mut found, mut missing) = (HashMap::new(), Vec::new());
        let entries = self.entries();
        for key in keys {
            match entries.get(&key) {
                Some((read_at, value)) if read_at.elapsed() < self.ttl => {
                    found.insert(key, value.clone());
                }
                Some(_) | None => missing.push(key),
            }
        }
        (found, missing)
    }

    /// Caches a value that was read just now.
    pub(super) fn insert(&self, key: K, value: V) {
        let mut entries = self.entries();
        if entries.len() >= MAX_ENTRIES {
            entries.clear();
        }
        entries.insert(key, (Instant::now(), value));
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<K, (Instant, V)>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_cached_for_a_while_and_missing_keys_are_returned() {
        let cache = Remembered::new(Duration::from_secs(60));
        cache.insert(1, "one");
        cache.insert(2, "two");
        assert_eq!(cache.get(&1), Some("one"));
        let (cached, missing) = cache.get_all([2, 3]);
        assert_eq!(cached, HashMap::from([(2, "two")]));
        assert_eq!(missing, [3]);
    }

    #[test]
    fn expired_values_are_missing() {
        let cache = Remembered::new(Duration::ZERO);
        cache.insert(1, "one");
        assert_eq!(cache.get(&1), None);
        assert_eq!(cache.get_all([1]).1, [1]);
    }

    #[test]
    fn its_size_is_bounded() {
        let cache = Remembered::new(Duration::from_secs(60));
        for n in 0..3 * MAX_ENTRIES {
            cache.insert(n, n);
        }
        assert!(cache.entries().len() <= MAX_ENTRIES);
        assert_eq!(cache.get(&(3 * MAX_ENTRIES - 1)), Some(3 * MAX_ENTRIES - 1));
    }
}
