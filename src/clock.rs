//! The clock: the one place that asks for the present time, so that every job can be run at a set
//! time by a test.

use std::sync::{Arc, Mutex, PoisonError};

use time::{Duration, OffsetDateTime};

/// Where the present time comes from. Cheap to clone; clones of a set clock share its time.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// A clock that stands still until it is moved.
    Set(Arc<Mutex<OffsetDateTime>>),
}

impl Clock {
    /// A clock that stands at `at`.
    pub fn set_to(at: OffsetDateTime) -> Self {
        Self::Set(Arc::new(Mutex::new(at)))
    }

    /// The present time in UTC, in whole microseconds (what PostgreSQL keeps).
    pub fn now(&self) -> OffsetDateTime {
        let now = match self {
            Self::System => system_now(),
            Self::Set(at) => *at.lock().unwrap_or_else(PoisonError::into_inner),
        };
        now - Duration::nanoseconds(i64::from(now.nanosecond() % 1_000))
    }

    /// Moves a set clock by `by`; the machine's clock cannot be moved and stays as it is.
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
