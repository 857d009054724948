//! What replies say about opting out, what people decide about them, and the project's keywords.

use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::domain::ids::{ConversationId, ProjectId, ReplyId, UserId};
use crate::domain::replies::reply::{Decision, OptOut};

/// What the replies of a conversation still say about messages to its phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remaining {
    /// No more of them.
    pub all: bool,
    /// No more marketing.
    pub marketing: bool,
    /// Perhaps no more of them.
    pub perhaps: bool,
}

/// Undoes the opt-outs of a locked conversation, up to `seen` or all of them, and dismisses those
/// that are perhaps opt-outs. Returns how many there were, and what is still in force.
pub async fn undo_opt_out(
    db: &mut PgConnection,
    conversation: ConversationId,
    seen: Option<ReplyId>,
    by: UserId,
    now: OffsetDateTime,
) -> sqlx::Result<(u64, Remaining)> {
    let undone = sqlx::query!(
        r#"update replies r
           set opt_out = case r.opt_out when 'perhaps' then 'dismissed'::opt_out else 'undone' end,
             undone_by = $3, undone_at = $4
           from conversations c
           where c.id = $1 and r.project_id = c.project_id and r.phone = c.phone and r.id <= $2
             and r.opt_out in ('perhaps', 'active', 'marketing')"#,
        conversation.0,
        seen.map_or(i64::MAX, |id| id.0),
        by.0,
        now,
    )
    .execute(&mut *db)
    .await?;
    Ok((undone.rows_affected(), remaining(db, conversation).await?))
}

/// Decides the replies of a locked conversation that are perhaps opt-outs, up to `seen`. Returns how
/// many there were, and what is still in force.
pub async fn decide(
    db: &mut PgConnection,
    conversation: ConversationId,
    seen: ReplyId,
    decision: Decision,
    by: UserId,
    now: OffsetDateTime,
) -> sqlx::Result<(u64, Remaining)> {
    let opt_out = match decision {
        Decision::All => OptOut::Active,
        Decision::Marketing => OptOut::Marketing,
        Decision::No => OptOut::Dismissed,
    };
    let dismissed = decision == Decision::No;
    let decided = sqlx::query!(
        r#"update replies r
           set opt_out = $3, undone_by = case when $6 then $4::bigint end,
             undone_at = case when $6 then $5::timestamptz end
           from conversations c
           where c.id = $1 and r.project_id = c.project_id and r.phone = c.phone and r.id <= $2
             and r.opt_out = 'perhaps'"#,
        conversation.0,
        seen.0,
        opt_out as OptOut,
        by.0,
        now,
        dismissed,
    )
    .execute(&mut *db)
    .await?;
    Ok((decided.rows_affected(), remaining(db, conversation).await?))
}

/// Updates what a conversation takes from the verdicts on its replies, and returns it.
async fn remaining(db: &mut PgConnection, conversation: ConversationId) -> sqlx::Result<Remaining> {
    sqlx::query_as!(
        Remaining,
        r#"with said as (
             select coalesce(bool_or(r.opt_out = 'active'), false) as "all",
               coalesce(bool_or(r.opt_out = 'marketing'), false) as marketing,
               coalesce(bool_or(r.opt_out = 'perhaps'), false) as perhaps
             from conversations c
             join replies r on r.project_id = c.project_id and r.phone = c.phone
             where c.id = $1
           )
           update conversations
           set opted_out = said."all" or said.marketing, undecided = said.perhaps and not said."all"
           from said where id = $1
           returning said."all" as "all!", said.marketing as "marketing!", said.perhaps as "perhaps!""#,
        conversation.0,
    )
    .fetch_one(db)
    .await
}

/// Makes one reply of a locked conversation an opt-out because a person reads it as one. Returns
/// whether it was none before.
pub async fn opt_out(
    db: &mut PgConnection,
    conversation: ConversationId,
    reply: ReplyId,
) -> sqlx::Result<bool> {
    let moved = sqlx::query!(
        r#"with moved as (
             update replies r
             set opt_out = 'active', undone_by = null, undone_at = null
             from conversations c
             where c.id = $1 and r.project_id = c.project_id and r.phone = c.phone and r.id = $2
               and r.opt_out <> 'active'
             returning r.id
           )
           update conversations
           set opted_out = true, undecided = false
           where id = $1 and exists (select from moved)"#,
        conversation.0,
        reply.0,
    )
    .execute(db)
    .await?;
    Ok(moved.rows_affected() > 0)
}

/// Returns a project's opt-out keywords, as they were typed.
pub async fn opt_out_keywords(
    db: &mut PgConnection,
    project: ProjectId,
) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!("select opt_out_keywords from projects where id = $1", project.0)
        .fetch_one(db)
        .await
}

/// Replaces a project's opt-out keywords. Earlier replies do not change.
pub async fn set_opt_out_keywords(
    db: &mut PgConnection,
    project: ProjectId,
    keywords: &[String],
) -> sqlx::Result<()> {
    sqlx::query!("update projects set opt_out_keywords = $2 where id = $1", project.0, keywords)
        .execute(db)
        .await?;
    Ok(())
}
