//! The clock: the only source of the present time, so that tests can run every job at a set time.

use std::sync::{Arc, Mutex, PoisonError};

use time::{Duration, OffsetDateTime};

/// Where the present time comes from. Cheap to clone; clones of a set clock share its time.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// A clock that stands still until it is advanced.
    Set(Arc<Mutex<OffsetDateTime>>),
}

impl Clock {
    /// Returns a clock that stands still at `at`.
    pub fn set_to(at: OffsetDateTime) -> Self {
        Self::Set(Arc::new(Mutex::new(at)))
    }

    /// Returns the present time in UTC, in whole microseconds (the resolution of PostgreSQL).
    pub fn now(&self) -> OffsetDateTime {
        let now = match self {
            Self::System => system_now(),
            Self::Set(at) => *at.lock().unwrap_or_else(PoisonError::into_inner),
        };
        now - Duration::nanoseconds(i64::from(now.nanosecond() % 1_000))
    }

    /// Advances a set clock by `by`. Does nothing to the machine's clock.
    pub fn advance(&self, by: Duration) {
        match self {
            Self::System => {}
            Self::Set(at) => *at.lock().unwrap_or_else(PoisonError::into_inner) += by,
        }
    }
}

#[allow(clippy::disallowed_methods)]
fn system_now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}
