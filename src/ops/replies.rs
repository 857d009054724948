//! Replies: kept once, read together, and listened to when they opt out.

use serde_json::{Value, json};
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};

use super::suppressions::Actor;
use crate::app::App;
use crate::db::conversations::{self, Conversation};
use crate::db::replies::{self, Incoming};
use crate::db::{audit, suppressions};
use crate::domain::ids::{ConversationId, MessageId, ProjectId, ReplyId, SubmissionId};
use crate::domain::phone::{Phone, VendorPhone};
use crate::domain::reply::{self, OptOutWords};
use crate::domain::suppression::SuppressionReason;
use crate::usms::push::{self, BadItem};

/// No extension code or `UserId` is longer.
const MAX_CODE_LENGTH: usize = 64;
/// A reply from further ahead has a wrong clock: when it came is used instead.
const AHEAD: Duration = Duration::hours(1);
/// Unix seconds that are larger are milliseconds.
const MILLIS_FROM: i64 = 100_000_000_000;
/// Nobody sent texts with this console before.
const FIRST: OffsetDateTime = time::macros::datetime!(2020-01-01 00:00 UTC);

/// Keeps the replies of a push. A phone that opts out is sent nothing from the moment this is
/// committed. What was kept before changes nothing. Answers what could not be read.
pub async fn keep(
    db: &mut PgConnection,
    project: ProjectId,
    items: Vec<Result<push::Reply, BadItem>>,
    now: OffsetDateTime,
) -> sqlx::Result<Vec<Value>> {
    let words = OptOutWords::new(&replies::opt_out_keywords(db, project).await?);
    let mut problems = Vec::new();
    let mut incoming = Vec::with_capacity(items.len());
    for item in items {
        match item {
            Ok(one) => match read(&one, &words, now) {
                Some(one) => incoming.push(one),
                None => problems.push(json!({ "why": "no phone", "item": one.content })),
            },
            Err(bad) => problems.push(json!({ "why": bad.why, "item": bad.raw })),
        }
    }
    name_messages(db, project, &mut incoming).await?;
    incoming.sort_by(|a, b| (&a.phone, a.replied_at).cmp(&(&b.phone, b.replied_at)));
    let kept = replies::keep(db, project, &incoming, now).await?;
    let mut opted_out: Vec<(&str, &str)> = Vec::new();
    for one in &kept {
        // A phone with stars cannot be told from others: its page says so.
        if let Some(words) = one.opt_out.as_deref().filter(|_| is_whole(&one.phone)) {
            opted_out.push((&one.phone, words));
        }
    }
    let (phones, said): (Vec<&str>, Vec<&str>) = opted_out.into_iter().unzip();
    suppressions::add_replied(db, project, &phones, &said, now).await?;
    for (phone, words) in phones.into_iter().zip(said) {
        let entry = audit::Entry {
            project: Some(project),
            user: None,
            action: "opted_out_by_reply",
            subject: phone,
            detail: json!({ "words": words }),
            address: "-",
        };
        audit::record(db, &entry, now).await?;
    }
    Ok(problems)
}

/// A reply in the console's words; `None` when its phone has no letter that can be seen.
fn read(reply: &push::Reply, words: &OptOutWords, now: OffsetDateTime) -> Option<Incoming> {
    let phone = match Phone::from_vendor(&reply.phone) {
        VendorPhone::Whole(phone) => phone.as_str().to_owned(),
        VendorPhone::Masked(phone) | VendorPhone::Other(phone) => phone,
    };
    let clipped = |text: &str| {
        text.chars().filter(|letter| !letter.is_control()).take(MAX_CODE_LENGTH).collect()
    };
    let written = reply.time.and_then(|at| when(at, now));
    let content = reply::clean(&reply.content);
    (!phone.is_empty()).then(|| Incoming {
        phone,
        opts_out: words.opts_out(&content),
        content,
        extend_code: clipped(&reply.extend_code),
        user_id: clipped(&reply.user_id),
        replied_at: written.unwrap_or(now),
        timed: written.is_some(),
        in_reply_to: None,
    })
}

/// When a reply was written, if what the push says can be.
fn when(at: i64, now: OffsetDateTime) -> Option<OffsetDateTime> {
    let seconds = if at >= MILLIS_FROM { at / 1_000 } else { at };
    let at = OffsetDateTime::from_unix_timestamp(seconds).ok()?;
    (FIRST..=now + AHEAD).contains(&at).then_some(at)
}

fn is_whole(phone: &str) -> bool {
    Phone::parse(phone).is_ok()
}

/// Finds the messages that replies name by a `UserId` of ours; they give masked phones their digits
/// back.
async fn name_messages(
    db: &mut PgConnection,
    project: ProjectId,
    incoming: &mut [Incoming],
) -> sqlx::Result<()> {
    let mut places = Vec::new();
    let (mut patterns, mut submissions, mut messages) = (Vec::new(), Vec::new(), Vec::new());
    for (place, one) in incoming.iter().enumerate() {
        let submission = SubmissionId::from_vendor_user_id(&one.user_id).map_or(0, |id| id.0);
        let message = MessageId::from_vendor_user_id(&one.user_id).map_or(0, |id| id.0);
        let known = one.phone.chars().all(|c| c.is_ascii_digit() || "()*".contains(c));
        if known && submission + message > 0 {
            places.push(place);
            patterns.push(one.phone.replace('*', "_"));
            submissions.push(submission);
            messages.push(message);
        }
    }
    let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
    let named = replies::named(db, project, &patterns, &submissions, &messages).await?;
    for one in named {
        if let Some(reply) = places.get(one.place).and_then(|place| incoming.get_mut(*place)) {
            reply.in_reply_to = Some(one.message);
            reply.phone = one.phone;
        }
    }
    Ok(())
}

/// What taking back an opt-out came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TakenBack {
    /// There is no such conversation.
    NotFound,
    /// Nothing stood any more.
    Already,
    /// The phone is sent to again.
    Free,
    /// It is, but the vendor's own blacklist had taken it, and only the vendor can take it out.
    Offered,
    /// Another opt-out came since, and stands.
    Newer,
    /// The phone is on the list for another reason.
    Listed(SuppressionReason),
}

/// Takes back the opt-outs of a conversation up to the one that was seen: they were none.
pub async fn take_back(
    app: &App,
    by: Actor<'_>,
    id: ConversationId,
    seen: ReplyId,
) -> sqlx::Result<TakenBack> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let Some(one) = lock(&mut tx, by.project, id).await? else { return Ok(TakenBack::NotFound) };
    let (count, stands) = replies::take_back(&mut tx, id, Some(seen), by.person, now).await?;
    if count == 0 {
        return Ok(TakenBack::Already);
    }
    let removed = if stands {
        None
    } else {
        suppressions::remove_replied(&mut tx, by.project, &one.phone).await?
    };
    let listed = suppressions::of_phone(&mut tx, by.project, &one.phone).await?;
    let detail = json!({ "replies": count, "suppression_removed": removed.is_some() });
    note_down(&mut tx, by, "opt_out_taken_back", &one.phone, detail, now).await?;
    tx.commit().await?;
    Ok(match listed {
        _ if stands => TakenBack::Newer,
        Some(listed) => TakenBack::Listed(listed.reason),
        None if removed == Some(true) => TakenBack::Offered,
        None => TakenBack::Free,
    })
}

/// Makes a reply an opt-out, since a person reads it so. Answers whether it was none before.
pub async fn opt_out(
    app: &App,
    by: Actor<'_>,
    id: ConversationId,
    reply: ReplyId,
) -> sqlx::Result<bool> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let Some(one) = lock(&mut tx, by.project, id).await? else { return Ok(false) };
    if !is_whole(&one.phone) || !replies::opt_out(&mut tx, id, reply).await? {
        return Ok(false);
    }
    let reason = SuppressionReason::Reply;
    let phones = [one.phone.as_str()];
    suppressions::add(&mut tx, by.project, &phones, reason, "", Some(by.person), now).await?;
    note_down(&mut tx, by, "opted_out_by_person", &one.phone, json!({}), now).await?;
    tx.commit().await?;
    Ok(true)
}

/// Marks a conversation as read, up to the reply that came last among those shown; for everybody:
/// the inbox is the team's. Answers whether that changed anything.
pub async fn mark_read(
    app: &App,
    by: Actor<'_>,
    id: ConversationId,
    seen: ReplyId,
) -> sqlx::Result<bool> {
    let mut tx = app.db.begin().await?;
    let Some(one) = lock(&mut tx, by.project, id).await? else { return Ok(false) };
    let marked = conversations::mark_read(&mut tx, id, seen).await?;
    if marked {
        let detail = json!({});
        note_down(&mut tx, by, "conversation_read", &one.phone, detail, app.clock.now()).await?;
    }
    tx.commit().await?;
    Ok(marked)
}

/// Marks a conversation as unread. Answers whether it was read before.
pub async fn mark_unread(app: &App, by: Actor<'_>, id: ConversationId) -> sqlx::Result<bool> {
    let mut tx = app.db.begin().await?;
    let Some(one) = lock(&mut tx, by.project, id).await? else { return Ok(false) };
    let marked = conversations::mark_unread(&mut tx, id).await?;
    if marked {
        let detail = json!({});
        note_down(&mut tx, by, "conversation_unread", &one.phone, detail, app.clock.now()).await?;
    }
    tx.commit().await?;
    Ok(marked)
}

/// Replaces the project's opt-out words. Replies that came before stay what they are.
pub async fn save_opt_out_keywords(app: &App, by: Actor<'_>, words: &[String]) -> sqlx::Result<()> {
    let mut tx = app.db.begin().await?;
    let before = replies::opt_out_keywords(&mut tx, by.project).await?;
    replies::set_opt_out_keywords(&mut tx, by.project, words).await?;
    let detail = json!({ "before": before, "after": words });
    note_down(&mut tx, by, "opt_out_words_kept", "", detail, app.clock.now()).await?;
    tx.commit().await
}

/// The conversation, held for the rest of the transaction.
async fn lock(
    db: &mut PgConnection,
    project: ProjectId,
    id: ConversationId,
) -> sqlx::Result<Option<Conversation>> {
    let Some(one) = conversations::find(db, project, id).await? else { return Ok(None) };
    conversations::lock(db, project, &one.phone).await?;
    Ok(Some(one))
}

async fn note_down(
    db: &mut PgConnection,
    by: Actor<'_>,
    action: &str,
    subject: &str,
    detail: Value,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    let entry = audit::Entry {
        project: Some(by.project),
        user: Some(by.person),
        action,
        subject,
        detail,
        address: by.address,
    };
    audit::record(db, &entry, now).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn a_strange_time_is_no_time() {
        let now = datetime!(2026-11-25 12:00 UTC);
        let at = datetime!(2026-11-25 11:00 UTC);
        assert_eq!(when(at.unix_timestamp(), now), Some(at));
        assert_eq!(when(at.unix_timestamp() * 1_000, now), Some(at));
        for strange in [0, 1, -5, i64::MAX, i64::MIN, now.unix_timestamp() + 7_200] {
            assert_eq!(when(strange, now), None, "{strange}");
        }
    }
}
