//! Connections of pages whose statements may run for some seconds only. They are few, so that costly
//! pages leave the connections of sending and of pushes alone.

use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use time::Duration;

use crate::app::App;
use crate::domain::limits::{FIGURES_TIMEOUT, LIST_TIMEOUT, MAX_QUERIES};

/// Connections of each pool: more than one person can use at once.
pub const CONNECTIONS: u32 = 4;

const _: () = assert!(MAX_QUERIES * 2 <= CONNECTIONS as usize);

/// A pool per kind of page.
#[derive(Debug)]
pub struct Pools {
    lists: PgPool,
    figures: PgPool,
}

impl Pools {
    /// Creates the pools, without a connection yet, for the database of `app`.
    pub fn new(app: &App) -> Self {
        let options = app.message_search.pool().options().clone().max_connections(CONNECTIONS);
        Self {
            lists: pool(&app.db, options.clone(), LIST_TIMEOUT),
            figures: pool(&app.db, options, FIGURES_TIMEOUT),
        }
    }

    /// Returns `app` with the connections of lists and look-ups.
    pub fn lists(&self, app: &App) -> App {
        App { db: self.lists.clone(), ..app.clone() }
    }

    /// Returns `app` with the connections of statistics and failures.
    pub fn figures(&self, app: &App) -> App {
        App { db: self.figures.clone(), ..app.clone() }
    }
}

fn pool(db: &PgPool, options: PgPoolOptions, limit: Duration) -> PgPool {
    let limit = limit.whole_milliseconds().to_string();
    let connect = db.connect_options().as_ref().clone().options([("statement_timeout", limit)]);
    options.connect_lazy_with(connect)
}
