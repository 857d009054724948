//! What the vendor answered lately about session numbers, so that it is not asked again at each press.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use time::OffsetDateTime;

use crate::domain::ids::ProjectId;
use crate::domain::limits::LOOK_UP_REMEMBERED;

/// The largest number of answers that are remembered.
const MAX_ANSWERS: usize = 1_000;

/// Whether the vendor was asked about a session number lately.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// It was not.
    No,
    /// It answered.
    Answered,
    /// It did not answer, or the call was refused.
    Failed,
}

type Remembered = HashMap<(ProjectId, String), (OffsetDateTime, Asked)>;

/// The answers that this process has got.
#[derive(Debug, Default)]
pub struct Answers(Mutex<Remembered>);

impl Answers {
    /// Returns what is remembered about a session number.
    pub fn get(&self, project: ProjectId, session_no: &str, now: OffsetDateTime) -> Asked {
        let remembered = self.remembered();
        let found = remembered.get(&(project, session_no.to_owned()));
        found.filter(|(at, _)| is_recent(*at, now)).map_or(Asked::No, |(_, asked)| *asked)
    }

    /// Remembers how asking about a session number ended.
    pub fn insert(&self, project: ProjectId, session_no: &str, asked: Asked, now: OffsetDateTime) {
        let mut remembered = self.remembered();
        if remembered.len() >= MAX_ANSWERS {
            remembered.retain(|_, (at, _)| is_recent(*at, now));
        }
        if remembered.len() < MAX_ANSWERS {
            remembered.insert((project, session_no.to_owned()), (now, asked));
        }
    }

    fn remembered(&self) -> MutexGuard<'_, Remembered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_recent(at: OffsetDateTime, now: OffsetDateTime) -> bool {
    now - at < LOOK_UP_REMEMBERED
}
