//! Keeping and letting go. What a project does not wish to keep is removed or blanked in small steps,
//! a whole month at once when nobody keeps any of it. Sums and statistics stay: they are kept apart.
//! It can be stopped at any moment; the next turn goes on where it was.

use time::Duration;
use tracing::info;

use crate::app::App;
use crate::db::keeping::{self, Borders, Keeping};
use crate::db::{audit, pieces};
use crate::domain::ids::{ProjectId, UserId};

/// Settled pushes are kept for this long.
const PUSHES_KEPT: Duration = Duration::days(3);
/// Those with items that could not be read for this long.
const PROBLEMS_KEPT: Duration = Duration::days(30);

/// Takes one small step of each kind. Answers whether there may be more to do.
pub async fn run_once(app: &App) -> sqlx::Result<bool> {
    let now = app.clock.now();
    let made = pieces::make_ahead(&app.db, now).await?;
    if made > 0 {
        info!(made, "created message partitions ahead of time");
    }
    let borders = keeping::borders(&app.db, now).await?;
    // What nobody keeps any more goes by whole pieces; those in which something waits, by rows.
    let all = borders.iter().map(|of| of.remove).min().unwrap_or(0);
    let ended = pieces::ended(&app.db, all).await?;
    let end = ended.last().map_or(0, |piece| piece.to);
    let whole: Vec<_> = ended.into_iter().filter(|piece| !piece.waits).collect();
    let dropped = whole.last().map_or(0, |piece| piece.to);
    let mut more = false;
    for of in borders {
        // Whoever keeps longest waits for the end of the month: it costs nothing to drop it then.
        let remove = if of.remove == all { end } else { of.remove };
        more |= let_go(app, Borders { remove, ..of }, dropped).await?;
    }
    if !more {
        for piece in whole {
            if keeping::is_clear(&app.db, piece.to).await?
                && pieces::drop_one(&app.db, &piece.name).await?
            {
                info!(name = piece.name, "dropped a message partition");
            }
        }
    }
    let (plain, odd) = (now - PUSHES_KEPT, now - PROBLEMS_KEPT);
    more |= keeping::pushes(&app.db, now, plain, odd).await? > 0;
    Ok(more)
}

async fn let_go(app: &App, of: Borders, dropped: i64) -> sqlx::Result<bool> {
    let removed = keeping::remove(&app.db, of, dropped).await?;
    let blanked = keeping::blank(&app.db, of).await?;
    let others =
        (of.remove > 0 || of.blank > 0) && keeping::of_others(&app.db, of, dropped).await?;
    let texts = keeping::texts(&app.db, of).await?;
    Ok(removed > 0 || blanked > 0 || others || texts > 0)
}

/// Whether a change of the wishes removes or blanks what would have been kept before.
pub fn keeps_less(before: Keeping, wish: Keeping) -> bool {
    let shorter = |before: Option<i16>, wish: Option<i16>| {
        wish.is_some_and(|wish| before.is_none_or(|before| wish < before))
    };
    shorter(before.keep_months, wish.keep_months) || shorter(before.blank_days, wish.blank_days)
}

/// Replaces a project's wishes and writes down who did it.
pub async fn keep_wishes(
    app: &App,
    project: ProjectId,
    wish: Keeping,
    by: UserId,
    address: &str,
) -> sqlx::Result<()> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let before = keeping::of(&mut tx, project).await?;
    keeping::set(&mut tx, project, wish).await?;
    let entry = audit::Entry {
        project: Some(project),
        user: Some(by),
        action: "keeping_changed",
        subject: "",
        detail: serde_json::json!({
            "keep_months": [before.keep_months, wish.keep_months],
            "blank_days": [before.blank_days, wish.blank_days],
        }),
        address,
    };
    audit::record(&mut tx, &entry, now).await?;
    tx.commit().await
}
