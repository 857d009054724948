//! What one person, or the people of one project, may use at once. Whoever reaches a limit sees what to
//! do, and nothing that is stored is lost.

use time::Duration;

/// Drafts that a person may have open in a project.
pub const MAX_DRAFTS: i64 = 50;
/// Bytes of the files of these drafts, if no single file may be larger.
pub const MAX_DRAFT_BYTES: u64 = 200 << 20;
/// Opt-out lists of a person in a project that are kept until somebody decides, or for a day.
pub const MAX_OPT_OUT_FILES: i64 = 50;
/// Opt-out lists that are read, or wait to be, in one process: those of one person, and of all.
pub const MAX_LISTS_OF_PERSON: usize = 8;
/// See [`MAX_LISTS_OF_PERSON`].
pub const MAX_LISTS: usize = 12;
/// How long an opt-out list waits to be read before it is refused.
pub const MAX_LIST_WAIT: std::time::Duration = std::time::Duration::from_secs(45);
/// Files for applications that a person has uploaded in a project and no application has.
pub const MAX_UNUSED_FILES: i64 = 50;
/// Streams of events that a person may have open in one process; further pages ask again and again. A
/// stream costs some 100 KB and no query of its own, and one account may be on many screens.
pub const MAX_STREAMS: usize = 320;
/// Files that a person may download at once from one process.
pub const MAX_EXPORTS: usize = 3;
/// Searches, statistics and pages with many rows of a person that are drawn at once in one process; further
/// ones wait. They share few connections, of which one person leaves some to others.
pub const MAX_QUERIES: usize = 2;
/// How long a search waits for the person's others before it is refused.
pub const MAX_QUERY_WAIT: std::time::Duration = std::time::Duration::from_secs(3);
/// The time between two look-ups at the vendor that people of a project ask for.
pub const LOOK_UP_INTERVAL: Duration = Duration::milliseconds(500);
/// How long a look-up waits for a call slot that nothing else needs.
pub const MAX_LOOK_UP_WAIT: std::time::Duration = std::time::Duration::from_secs(3);
/// How long the vendor is not asked again about a session number that it has answered.
pub const LOOK_UP_REMEMBERED: Duration = Duration::minutes(3);
/// How long a statement of a list or look-up may run.
pub const LIST_TIMEOUT: Duration = Duration::seconds(5);
/// How long a statement of statistics or failures may run.
pub const FIGURES_TIMEOUT: Duration = Duration::seconds(15);
/// How long a statement that fetches some rows of a file may run.
pub const EXPORT_TIMEOUT: Duration = Duration::seconds(60);

/// What each person may use a few of at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Quota {
    /// Streams of events.
    Streams,
    /// Files that are downloaded.
    Exports,
    /// Searches and statistics.
    Queries,
}

impl Quota {
    /// Returns the name used in message keys.
    pub fn key(self) -> &'static str {
        match self {
            Self::Streams => "streams",
            Self::Exports => "exports",
            Self::Queries => "queries",
        }
    }

    /// Returns how many.
    pub fn limit(self) -> usize {
        match self {
            Self::Streams => MAX_STREAMS,
            Self::Exports => MAX_EXPORTS,
            Self::Queries => MAX_QUERIES,
        }
    }

    /// Returns how long to wait for a place.
    pub fn patience(self) -> std::time::Duration {
        match self {
            Self::Streams | Self::Exports => std::time::Duration::ZERO,
            Self::Queries => MAX_QUERY_WAIT,
        }
    }
}
