//! The console's parts, put together once at the start and handed to whatever needs them.

use std::sync::Arc;

use sqlx::PgPool;

use crate::clock::Clock;
use crate::keyring::Keyring;

/// Everything an operation may need. Cheap to clone.
#[derive(Clone, Debug)]
pub struct App {
    /// The database.
    pub db: PgPool,
    /// The present time.
    pub clock: Clock,
    /// Seals and opens stored secrets.
    pub keyring: Arc<Keyring>,
}
