//! Suppressions: adding and removing phones, and adding them to the vendor's own blacklist. Every
//! action is audited.

pub mod import;
pub mod list_file;
mod places;
pub mod wrong_rows;

use serde_json::json;

use crate::app::App;
use crate::db::audit;
use crate::db::recovery::installation;
use crate::db::replies::suppressions::NewSuppression;
use crate::db::replies::{conversations, opt_outs, suppressions};
use crate::domain::ids::SuppressionId;
use crate::domain::phone::Phone;
use crate::domain::replies::suppression::{SuppressionReason, SuppressionScope};
use crate::ops::actor::Actor;
use crate::ops::credentials::{self, CredentialsError};
use crate::usms::{CallError, MAX_PHONES_PER_BLACKLIST};

/// Phones that are inserted by one statement.
const INSERT_SIZE: usize = 10_000;
/// The most phones that one request adds to the vendor's blacklist; the next request continues.
const MAX_BLACKLISTED_AT_ONCE: usize = 20 * MAX_PHONES_PER_BLACKLIST;
/// The remark of our phones on the vendor's blacklist (USMS API reference: at most 256 characters).
const REMARK: &str = "opted out";

/// Why and how far phones are suppressed.
#[derive(Debug, Clone, Copy)]
pub struct Suppress<'a> {
    /// Why.
    pub reason: SuppressionReason,
    /// What is not sent to them.
    pub scope: SuppressionScope,
    /// A note that is stored with them.
    pub note: &'a str,
}

/// Suppresses phones. Returns how many were not suppressed as far before.
pub async fn add(
    app: &App,
    actor: Actor<'_>,
    phones: &[Phone],
    how: Suppress<'_>,
) -> sqlx::Result<u64> {
    let mut tx = app.db.begin().await?;
    let added = insert(&mut tx, app, actor, phones, how).await?;
    let detail = json!({ "phones": added, "reason": how.reason.key(), "scope": how.scope.key(),
        "note": how.note });
    record(&mut tx, actor, "suppressions_added", "", detail, app).await?;
    tx.commit().await?;
    Ok(added)
}

/// Inserts suppressions. Returns how many phones were not suppressed as far before.
async fn insert(
    db: &mut sqlx::PgConnection,
    app: &App,
    actor: Actor<'_>,
    phones: &[Phone],
    how: Suppress<'_>,
) -> sqlx::Result<u64> {
    let now = app.clock.now();
    let Suppress { reason, scope, note } = how;
    let new = NewSuppression { reason, scope, note, by: actor.user };
    // The list of suppressions is sorted by id: in the order of the phones, it would tell of the
    // digits that viewers do not see.
    let ids = suppressions::new_ids(db, phones.len(), now).await?;
    // Inserted in one order, so that two lists with the same phones do not wait for each other.
    let mut phones: Vec<(&str, i64)> = phones.iter().map(Phone::as_str).zip(ids).collect();
    phones.sort_unstable();
    let mut added = 0;
    for chunk in phones.chunks(INSERT_SIZE) {
        let (phones, ids): (Vec<&str>, Vec<i64>) = chunk.iter().copied().unzip();
        added += suppressions::add(db, actor.project, &phones, &ids, new).await?;
    }
    Ok(added)
}

/// Removes a suppression; the reason is audited. Opt-outs in replies of the phone are undone as
/// well, and those that are perhaps opt-outs are dismissed. Returns whether there was such a suppression.
pub async fn remove(
    app: &App,
    actor: Actor<'_>,
    id: SuppressionId,
    why: &str,
) -> sqlx::Result<bool> {
    let Some(suppression) = suppressions::find(&app.db, actor.project, id).await? else {
        return Ok(false);
    };
    let mut tx = app.db.begin().await?;
    // Lock the conversation first, in the same order as storing a reply does, to avoid deadlocks.
    if let Some(conversation) =
        conversations::lock(&mut tx, actor.project, &suppression.phone).await?
    {
        opt_outs::undo_opt_out(&mut tx, conversation, None, actor.user, app.clock.now()).await?;
    }
    let Some(phone) = suppressions::remove(&mut tx, actor.project, id).await? else {
        return Ok(false);
    };
    let detail = json!({ "why": why });
    record(&mut tx, actor, "suppression_removed", &phone, detail, app).await?;
    tx.commit().await?;
    Ok(true)
}

async fn record(
    db: &mut sqlx::PgConnection,
    actor: Actor<'_>,
    action: &str,
    subject: &str,
    detail: serde_json::Value,
    app: &App,
) -> sqlx::Result<()> {
    let entry = audit::Entry {
        project: Some(actor.project),
        user: Some(actor.user),
        action,
        subject,
        detail,
        ip: actor.ip,
    };
    audit::record(db, &entry, app.clock.now()).await
}

/// Why phones could not be added to the vendor's blacklist.
#[derive(Debug, thiserror::Error)]
pub enum BlacklistError {
    /// The project's keys cannot be used.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// A call failed. Phones added before are recorded; retrying is safe.
    #[error(transparent)]
    Vendor(#[from] CallError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// The result of adding phones to the vendor's blacklist.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Blacklisted {
    /// The number of phones that were added.
    pub added: usize,
    /// The number of phones that the vendor refused.
    pub refused: usize,
}

/// Adds suppressed phones to the vendor's blacklist, so that other programs of the project cannot
/// send to them either.
///
/// # Errors
///
/// [`BlacklistError`] if a call failed.
pub async fn add_to_blacklist(app: &App, actor: Actor<'_>) -> Result<Blacklisted, BlacklistError> {
    if !installation::is_whole(&app.db).await? {
        return Ok(Blacklisted::default());
    }
    let keys = credentials::of(app, actor.project).await?;
    let mut blacklisted = Blacklisted::default();
    let limit = i64::try_from(MAX_PHONES_PER_BLACKLIST).unwrap_or(i64::MAX);
    while blacklisted.added + blacklisted.refused < MAX_BLACKLISTED_AT_ONCE {
        let list = suppressions::not_blacklisted(&app.db, actor.project, limit).await?;
        if list.is_empty() {
            break;
        }
        let phones: Vec<&str> = list.iter().map(|(_, phone)| phone.as_str()).collect();
        let refused = app.usms.add_to_blacklist(&keys, &phones, REMARK).await?;
        // A refused phone would be refused again, so it is marked as well and not tried again.
        let ids: Vec<SuppressionId> = list.iter().map(|(id, _)| *id).collect();
        let mut tx = app.db.begin().await?;
        suppressions::blacklisted(&mut tx, &ids, app.clock.now()).await?;
        let detail = json!({ "phones": list.len(), "refused": refused });
        record(&mut tx, actor, "suppressions_blacklisted", "", detail, app).await?;
        tx.commit().await?;
        blacklisted.refused += refused.len();
        blacklisted.added += list.len() - refused.len().min(list.len());
    }
    Ok(blacklisted)
}
