//! Places for opt-out lists that are read or wait to be, each with its file in memory: a few for each
//! person, and for all in one process.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::ids::UserId;
use crate::domain::limits::{MAX_LISTS, MAX_LISTS_OF_PERSON};

/// How many places each person has.
static TAKEN: Mutex<BTreeMap<UserId, usize>> = Mutex::new(BTreeMap::new());

/// A place. It is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Place(UserId);

impl Place {
    /// Takes a place for a person. Returns `None` if the person has too many, or all are taken.
    pub(super) fn take(person: UserId) -> Option<Self> {
        let mut taken = taken();
        let own = taken.get(&person).copied().unwrap_or(0);
        if own >= MAX_LISTS_OF_PERSON || taken.values().sum::<usize>() >= MAX_LISTS {
            return None;
        }
        taken.insert(person, own + 1);
        Some(Self(person))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = taken();
        match taken.get_mut(&self.0) {
            Some(own) if *own > 1 => *own -= 1,
            _ => drop(taken.remove(&self.0)),
        }
    }
}

fn taken() -> MutexGuard<'static, BTreeMap<UserId, usize>> {
    TAKEN.lock().unwrap_or_else(PoisonError::into_inner)
}
