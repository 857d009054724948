//! Phones that opted out: added, removed with a reason, offered to the vendor's own blacklist. All
//! of it is audited.

use serde_json::json;

use super::credentials::{self, CredentialsError};
use crate::app::App;
use crate::db::{audit, conversations, replies, suppressions};
use crate::domain::ids::{ProjectId, SuppressionId, UserId};
use crate::domain::phone::Phone;
use crate::domain::suppression::SuppressionReason;
use crate::usms::{CallError, MAX_PHONES_PER_BLACKLIST};

/// Phones stored by one statement.
const AT_ONCE: usize = 10_000;
/// Phones offered after one press; the next press goes on.
const OFFERED_AT_ONCE: usize = 20 * MAX_PHONES_PER_BLACKLIST;
/// What the vendor's list says of a phone that we put there (USMS API reference: 256 characters).
const REMARK: &str = "opted out";

/// Who does it, where.
#[derive(Debug, Clone, Copy)]
pub struct Actor<'a> {
    /// The project.
    pub project: ProjectId,
    /// The person.
    pub person: UserId,
    /// The address they do it from.
    pub address: &'a str,
}

/// Adds phones. Answers how many are new.
pub async fn add(
    app: &App,
    by: Actor<'_>,
    phones: &[Phone],
    reason: SuppressionReason,
    note: &str,
) -> sqlx::Result<u64> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let mut added = 0;
    for some in phones.chunks(AT_ONCE) {
        let some: Vec<&str> = some.iter().map(Phone::as_str).collect();
        added += suppressions::add(&mut tx, by.project, &some, reason, note, Some(by.person), now)
            .await?;
    }
    let detail = json!({ "phones": added, "reason": reason.key(), "note": note });
    note_down(&mut tx, by, "suppressions_added", "", detail, app).await?;
    tx.commit().await?;
    Ok(added)
}

/// Removes one; why is written down. Opt-outs that the phone texted back count no more. Answers
/// whether it was there.
pub async fn remove(app: &App, by: Actor<'_>, id: SuppressionId, why: &str) -> sqlx::Result<bool> {
    let Some(one) = suppressions::find(&app.db, by.project, id).await? else { return Ok(false) };
    let mut tx = app.db.begin().await?;
    // The conversation first, as who keeps a reply does: they must not wait for each other.
    if let Some(of) = conversations::lock(&mut tx, by.project, &one.phone).await? {
        replies::take_back(&mut tx, of, None, by.person, app.clock.now()).await?;
    }
    let Some(phone) = suppressions::remove(&mut tx, by.project, id).await? else {
        return Ok(false);
    };
    let detail = json!({ "why": why });
    note_down(&mut tx, by, "suppression_removed", &phone, detail, app).await?;
    tx.commit().await?;
    Ok(true)
}

async fn note_down(
    db: &mut sqlx::PgConnection,
    by: Actor<'_>,
    action: &str,
    subject: &str,
    detail: serde_json::Value,
    app: &App,
) -> sqlx::Result<()> {
    let entry = audit::Entry {
        project: Some(by.project),
        user: Some(by.person),
        action,
        subject,
        detail,
        address: by.address,
    };
    audit::record(db, &entry, app.clock.now()).await
}

/// Why phones could not be offered.
#[derive(Debug, thiserror::Error)]
pub enum BlacklistError {
    /// The project's keys.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// The vendor. What it took before is remembered; offering again is safe.
    #[error(transparent)]
    Vendor(#[from] CallError),
    /// The database.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// What offering came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Blacklisted {
    /// Phones on the vendor's list now.
    pub taken: usize,
    /// Phones that the vendor did not take.
    pub refused: usize,
}

/// Offers phones that opted out to the vendor's blacklist, so that no other program of the account
/// sends to them either.
pub async fn add_to_blacklist(app: &App, by: Actor<'_>) -> Result<Blacklisted, BlacklistError> {
    let keys = credentials::of(app, by.project).await?;
    let mut blacklisted = Blacklisted::default();
    let limit = i64::try_from(MAX_PHONES_PER_BLACKLIST).unwrap_or(i64::MAX);
    while blacklisted.taken + blacklisted.refused < OFFERED_AT_ONCE {
        let list = suppressions::not_blacklisted(&app.db, by.project, limit).await?;
        if list.is_empty() {
            break;
        }
        let phones: Vec<&str> = list.iter().map(|(_, phone)| phone.as_str()).collect();
        let refused = app.usms.add_to_blacklist(&keys, &phones, REMARK).await?;
        // One that was refused would be refused again: it counts as offered as well.
        let ids: Vec<SuppressionId> = list.iter().map(|(id, _)| *id).collect();
        let mut tx = app.db.begin().await?;
        suppressions::blacklisted(&mut tx, &ids, app.clock.now()).await?;
        let detail = json!({ "phones": list.len(), "refused": refused });
        note_down(&mut tx, by, "suppressions_offered", "", detail, app).await?;
        tx.commit().await?;
        blacklisted.refused += refused.len();
        blacklisted.taken += list.len() - refused.len().min(list.len());
    }
    Ok(blacklisted)
}
