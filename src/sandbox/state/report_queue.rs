//! Reports that wait to be pulled.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Reports that wait to be pulled, by the time they fall due.
#[derive(Debug, Default)]
pub(in crate::sandbox) struct Pull {
    open: bool,
    waiting: BinaryHeap<Reverse<(i64, u32)>>,
}

impl Pull {
    /// Enables or disables the action.
    pub(in crate::sandbox) fn set_open(&mut self, open: bool) {
        self.open = open;
    }

    /// Returns whether the action is enabled.
    pub(in crate::sandbox) fn is_open(&self) -> bool {
        self.open
    }

    /// Returns when the oldest report falls due, and the index of its message.
    pub(in crate::sandbox) fn next(&self) -> Option<(i64, u32)> {
        self.waiting.peek().map(|Reverse(oldest)| *oldest)
    }

    /// Stores the report of an accepted message.
    pub(in crate::sandbox) fn store(&mut self, due: i64, message: u32) {
        if self.open {
            self.waiting.push(Reverse((due, message)));
        }
    }

    /// Deletes the oldest reports.
    pub(in crate::sandbox) fn delete(&mut self, count: usize) {
        for _ in 0..count {
            self.waiting.pop();
        }
    }

    /// Returns the number of stored reports, due or not.
    pub(in crate::sandbox) fn stored(&self) -> usize {
        self.waiting.len()
    }
}
