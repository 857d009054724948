//! Replies and conversations: storing replies, opt-outs, and marking conversations as read.

pub mod suppressions;

use serde_json::{Value, json};
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};

use super::actor::Actor;
use super::receipts::push_problems::Problems;
use crate::app::App;
use crate::db::audit;
use crate::db::replies::conversations::{self, Conversation};
use crate::db::replies::opt_outs;
use crate::db::replies::suppressions as suppression_rows;
use crate::db::replies::{self, Incoming};
use crate::domain::ids::{ConversationId, MessageId, ProjectId, ReplyId, SubmissionId};
use crate::domain::phone::{Phone, VendorPhone};
use crate::domain::replies::reply::{self, Decision, OptOutKeywords, Verdict};
use crate::domain::replies::suppression::{SuppressionReason, SuppressionScope};
use crate::usms::push::{self, BadItem};

/// The most characters of an extension code or `UserId`.
const MAX_CODE_LENGTH: usize = 64;
/// A reply with a time further in the future than this has a wrong clock, and gets the time of its
/// push.
const MAX_AHEAD: Duration = Duration::hours(1);
/// `N` answers a question that was sent to its phone within this time before.
const QUESTION_PERIOD: Duration = Duration::hours(72);
/// Times from this number on are in milliseconds instead of Unix seconds.
const MILLIS_FROM: i64 = 100_000_000_000;
/// Times before this are implausible: there was no console yet.
const EARLIEST: OffsetDateTime = time::macros::datetime!(2020-01-01 00:00 UTC);

/// Stores the replies of a push. A phone that opts out is sent nothing from the moment this is
/// committed; one that perhaps does is sent no marketing until a person decides. Replies that are
/// stored already change nothing. Returns the items that cannot be read, with the reason.
pub async fn store(
    db: &mut PgConnection,
    project: ProjectId,
    items: Vec<Result<push::Reply, BadItem>>,
    now: OffsetDateTime,
) -> sqlx::Result<Problems> {
    let keywords = OptOutKeywords::new(&opt_outs::opt_out_keywords(db, project).await?);
    let mut problems = Problems::default();
    let mut incoming = Vec::with_capacity(items.len());
    for item in items {
        match item {
            Ok(reply) => match read(&reply, &keywords, now) {
                Some(reply) => incoming.push(reply),
                None => problems.add("no phone", reply.content.into()),
            },
            Err(bad) => problems.add(bad.why, bad.raw),
        }
    }
    find_messages(db, project, &mut incoming).await?;
    doubt_answers(db, project, &mut incoming).await?;
    incoming.sort_by_key(|reply| reply.replied_at);
    let stored = replies::insert(db, project, &incoming, now).await?;
    let (mut opted_out, mut perhaps): (Vec<Said<'_>>, Vec<Said<'_>>) = (Vec::new(), Vec::new());
    for reply in &stored {
        // A masked phone stands for several phones, so it cannot be suppressed; its page says so.
        if !Phone::is_whole(&reply.phone) {
            continue;
        }
        opted_out.extend(reply.opt_out.as_deref().map(|text| (reply.phone.as_str(), text)));
        perhaps.extend(reply.perhaps.as_deref().map(|text| (reply.phone.as_str(), text)));
    }
    record_said(db, project, "opted_out_by_reply", &opted_out, now).await?;
    record_said(db, project, "opt_out_to_decide", &perhaps, now).await?;
    let (phones, texts): (Vec<&str>, Vec<&str>) = opted_out.into_iter().unzip();
    suppression_rows::opt_out(db, project, &phones, &texts, SuppressionScope::All, None, now)
        .await?;
    let (phones, texts): (Vec<&str>, Vec<&str>) = perhaps.into_iter().unzip();
    suppression_rows::add_pending(db, project, &phones, &texts, now).await?;
    Ok(problems)
}

/// A phone and its reply.
type Said<'a> = (&'a str, &'a str);

async fn record_said(
    db: &mut PgConnection,
    project: ProjectId,
    action: &str,
    said: &[Said<'_>],
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    for (phone, text) in said {
        let entry = audit::Entry {
            project: Some(project),
            user: None,
            action,
            subject: phone,
            detail: json!({ "words": text }),
            ip: "-",
        };
        audit::record(db, &entry, now).await?;
    }
    Ok(())
}

/// Makes replies that are `N` alone only perhaps opt-outs if they may answer a question: the last
/// message before them ends with one.
async fn doubt_answers(
    db: &mut PgConnection,
    project: ProjectId,
    incoming: &mut [Incoming],
) -> sqlx::Result<()> {
    let bare: Vec<usize> =
        (0..incoming.len()).filter(|at| reply::is_bare_no(&incoming[*at].content)).collect();
    if bare.is_empty() {
        return Ok(());
    }
    let phones: Vec<&str> = bare.iter().map(|at| incoming[*at].phone.as_str()).collect();
    let times: Vec<OffsetDateTime> = bare.iter().map(|at| incoming[*at].replied_at).collect();
    let last = replies::last_messages(db, project, &phones, &times, QUESTION_PERIOD).await?;
    for message in last {
        let text =
            message.text.full_text(&message.params, &message.sig_content, message.international);
        if let Some(reply) = bare.get(message.place).and_then(|at| incoming.get_mut(*at))
            && reply::ends_with_question(&text)
        {
            reply.verdict = Verdict::Perhaps;
        }
    }
    Ok(())
}

/// Converts a reply of the vendor. `None` if its phone has no visible character.
fn read(reply: &push::Reply, keywords: &OptOutKeywords, now: OffsetDateTime) -> Option<Incoming> {
    let phone = match Phone::from_vendor(&reply.phone) {
        VendorPhone::Whole(phone) => phone.as_str().to_owned(),
        VendorPhone::Masked(phone) | VendorPhone::Other(phone) => phone,
    };
    let clipped =
        |text: &str| text.chars().filter(|c| !c.is_control()).take(MAX_CODE_LENGTH).collect();
    let replied_at = reply.time.and_then(|at| plausible_time(at, now));
    let content = reply::clean(&reply.content);
    (!phone.is_empty()).then(|| Incoming {
        phone,
        verdict: keywords.judge(&content),
        content,
        extend_code: clipped(&reply.extend_code),
        user_id: clipped(&reply.user_id),
        replied_at: replied_at.unwrap_or(now),
        timed: replied_at.is_some(),
        in_reply_to: None,
    })
}

/// Returns when a reply was sent, if the time in the push is plausible.
fn plausible_time(at: i64, now: OffsetDateTime) -> Option<OffsetDateTime> {
    let seconds = if at >= MILLIS_FROM { at / 1_000 } else { at };
    let at = OffsetDateTime::from_unix_timestamp(seconds).ok()?;
    (EARLIEST..=now + MAX_AHEAD).contains(&at).then_some(at)
}

/// Sets the messages that replies refer to by a `UserId` of ours. Masked phones of these replies are
/// replaced by those of the messages.
async fn find_messages(
    db: &mut PgConnection,
    project: ProjectId,
    incoming: &mut [Incoming],
) -> sqlx::Result<()> {
    let mut indexes = Vec::new();
    let (mut patterns, mut submissions, mut messages) = (Vec::new(), Vec::new(), Vec::new());
    for (index, reply) in incoming.iter().enumerate() {
        let submission = SubmissionId::from_vendor_user_id(&reply.user_id).map_or(0, |id| id.0);
        let message = MessageId::from_vendor_user_id(&reply.user_id).map_or(0, |id| id.0);
        let is_pattern = reply.phone.chars().all(|c| c.is_ascii_digit() || "()*".contains(c));
        if is_pattern && submission + message > 0 {
            indexes.push(index);
            patterns.push(reply.phone.replace('*', "_"));
            submissions.push(submission);
            messages.push(message);
        }
    }
    let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
    let found = replies::named(db, project, &patterns, &submissions, &messages).await?;
    for named in found {
        if let Some(reply) = indexes.get(named.place).and_then(|index| incoming.get_mut(*index)) {
            reply.in_reply_to = Some(named.message);
            reply.phone = named.phone;
        }
    }
    Ok(())
}

/// The result of undoing an opt-out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UndoOutcome {
    /// There is no such conversation.
    NotFound,
    /// There was no opt-out any more.
    Already,
    /// The phone can be sent to again.
    Free,
    /// It can, but it is also on the vendor's own blacklist, from which only the vendor can remove
    /// it.
    Offered,
    /// A newer opt-out, which the person had not seen, remains.
    Newer,
    /// The phone remains suppressed for another reason.
    Listed(SuppressionReason),
}

/// Undoes the opt-outs of a conversation up to the reply `seen`: a person says that they were
/// not meant as opt-outs.
pub async fn undo_opt_out(
    app: &App,
    actor: Actor<'_>,
    id: ConversationId,
    seen: ReplyId,
) -> sqlx::Result<UndoOutcome> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let Some(conversation) = lock(&mut tx, actor.project, id).await? else {
        return Ok(UndoOutcome::NotFound);
    };
    let (count, remaining) =
        opt_outs::undo_opt_out(&mut tx, id, Some(seen), actor.user, now).await?;
    if count == 0 {
        return Ok(UndoOutcome::Already);
    }
    let removed =
        suppression_rows::lower_replied(&mut tx, actor.project, &conversation.phone, remaining)
            .await?;
    let listed = suppression_rows::of_phone(&mut tx, actor.project, &conversation.phone).await?;
    let detail = json!({ "replies": count, "suppression_removed": removed.is_some() });
    record(&mut tx, actor, "opt_out_undone", &conversation.phone, detail, now).await?;
    tx.commit().await?;
    Ok(match listed {
        _ if remaining.all || remaining.marketing || remaining.perhaps => UndoOutcome::Newer,
        Some(listed) => UndoOutcome::Listed(listed.reason),
        None if removed == Some(true) => UndoOutcome::Offered,
        None => UndoOutcome::Free,
    })
}

/// The result of a decision about replies that are perhaps opt-outs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decided {
    /// There is no such conversation.
    NotFound,
    /// There was nothing to decide any more.
    Already,
    /// The decision is in force.
    Done,
    /// It is, but a newer reply, which the person had not seen, has to be decided as well.
    Newer,
    /// The replies are no opt-outs, but the phone remains suppressed for another reason.
    Listed(SuppressionReason),
}

/// Decides the replies of a conversation up to `seen` that are perhaps opt-outs. Each decision is
/// audited.
pub async fn decide(
    app: &App,
    actor: Actor<'_>,
    id: ConversationId,
    seen: ReplyId,
    decision: Decision,
) -> sqlx::Result<Decided> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let Some(conversation) = lock(&mut tx, actor.project, id).await? else {
        return Ok(Decided::NotFound);
    };
    let (project, phone) = (actor.project, conversation.phone.as_str());
    let (count, remaining) = opt_outs::decide(&mut tx, id, seen, decision, actor.user, now).await?;
    if count == 0 {
        return Ok(Decided::Already);
    }
    let scope = match decision {
        Decision::All => Some(SuppressionScope::All),
        Decision::Marketing => Some(SuppressionScope::Marketing),
        Decision::No => None,
    };
    // A masked phone stands for several phones, so it cannot be suppressed.
    let mut listed = None;
    if let Some(scope) = scope.filter(|_| Phone::is_whole(phone)) {
        let by = Some(actor.user);
        suppression_rows::opt_out(&mut tx, project, &[phone], &[""], scope, by, now).await?;
    } else if !remaining.perhaps {
        suppression_rows::remove_pending(&mut tx, project, phone).await?;
        listed = suppression_rows::of_phone(&mut tx, project, phone).await?;
    }
    let detail = json!({ "replies": count, "decision": decision.key() });
    record(&mut tx, actor, "opt_out_decided", phone, detail, now).await?;
    tx.commit().await?;
    Ok(match listed {
        _ if remaining.perhaps && !remaining.all => Decided::Newer,
        Some(listed) => Decided::Listed(listed.reason),
        None => Decided::Done,
    })
}

/// Makes a reply an opt-out, because a person says that it was meant as one. Returns false if it
/// was one before, or if the phone is masked.
pub async fn opt_out(
    app: &App,
    actor: Actor<'_>,
    id: ConversationId,
    reply: ReplyId,
) -> sqlx::Result<bool> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let Some(conversation) = lock(&mut tx, actor.project, id).await? else { return Ok(false) };
    if !Phone::is_whole(&conversation.phone) || !opt_outs::opt_out(&mut tx, id, reply).await? {
        return Ok(false);
    }
    let (phones, by) = ([conversation.phone.as_str()], Some(actor.user));
    let scope = SuppressionScope::All;
    suppression_rows::opt_out(&mut tx, actor.project, &phones, &[""], scope, by, now).await?;
    record(&mut tx, actor, "opted_out_by_person", &conversation.phone, json!({}), now).await?;
    tx.commit().await?;
    Ok(true)
}

/// Marks a conversation as read up to the last reply that was shown, for everybody in the project.
/// Returns whether that changed anything.
pub async fn mark_read(
    app: &App,
    actor: Actor<'_>,
    id: ConversationId,
    seen: ReplyId,
) -> sqlx::Result<bool> {
    let mut tx = app.db.begin().await?;
    let Some(conversation) = lock(&mut tx, actor.project, id).await? else { return Ok(false) };
    let marked = conversations::mark_read(&mut tx, id, seen).await?;
    if marked {
        let detail = json!({});
        record(&mut tx, actor, "conversation_read", &conversation.phone, detail, app.clock.now())
            .await?;
    }
    tx.commit().await?;
    Ok(marked)
}

/// Marks a conversation as unread. Returns whether it was read before.
pub async fn mark_unread(app: &App, actor: Actor<'_>, id: ConversationId) -> sqlx::Result<bool> {
    let mut tx = app.db.begin().await?;
    let Some(conversation) = lock(&mut tx, actor.project, id).await? else { return Ok(false) };
    let marked = conversations::mark_unread(&mut tx, id).await?;
    if marked {
        let detail = json!({});
        record(&mut tx, actor, "conversation_unread", &conversation.phone, detail, app.clock.now())
            .await?;
    }
    tx.commit().await?;
    Ok(marked)
}

/// Replaces the project's opt-out keywords. Replies that are stored already stay what they are.
pub async fn save_opt_out_keywords(
    app: &App,
    actor: Actor<'_>,
    keywords: &[String],
) -> sqlx::Result<()> {
    let mut tx = app.db.begin().await?;
    let before = opt_outs::opt_out_keywords(&mut tx, actor.project).await?;
    opt_outs::set_opt_out_keywords(&mut tx, actor.project, keywords).await?;
    let detail = json!({ "before": before, "after": keywords });
    record(&mut tx, actor, "opt_out_keywords_saved", "", detail, app.clock.now()).await?;
    tx.commit().await
}

/// Returns a conversation, locked until the end of the transaction.
async fn lock(
    db: &mut PgConnection,
    project: ProjectId,
    id: ConversationId,
) -> sqlx::Result<Option<Conversation>> {
    let Some(conversation) = conversations::find(db, project, id).await? else { return Ok(None) };
    conversations::lock(db, project, &conversation.phone).await?;
    Ok(Some(conversation))
}

async fn record(
    db: &mut PgConnection,
    actor: Actor<'_>,
    action: &str,
    subject: &str,
    detail: Value,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    let entry = audit::Entry {
        project: Some(actor.project),
        user: Some(actor.user),
        action,
        subject,
        detail,
        ip: actor.ip,
    };
    audit::record(db, &entry, now).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn an_implausible_time_is_ignored() {
        let now = datetime!(2026-11-25 12:00 UTC);
        let at = datetime!(2026-11-25 11:00 UTC);
        assert_eq!(plausible_time(at.unix_timestamp(), now), Some(at));
        assert_eq!(plausible_time(at.unix_timestamp() * 1_000, now), Some(at));
        for implausible in [0, 1, -5, i64::MAX, i64::MIN, now.unix_timestamp() + 7_200] {
            assert_eq!(plausible_time(implausible, now), None, "{implausible}");
        }
    }
}
