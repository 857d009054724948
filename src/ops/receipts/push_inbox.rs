//! Processing receipts and replies. Receipts come from pushes (pulled reports are stored like
//! pushes), from polling and from look-ups; all of them end in the same functions, which write each
//! outcome once.
//!
//! Locks are always taken in the same order, so that any number of push workers can run
//! concurrently: the project's external messages, submissions by id, reasons by code, batches by
//! id.

use std::collections::{BTreeMap, BTreeSet};

use metrics::counter;
use serde_json::{Value, json};
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use tracing::warn;

use super::push_problems::Problems;
use crate::app::App;
use crate::db::receipts::inbox::Waiting;
use crate::db::receipts::outcomes::MessageUpdate;
use crate::db::receipts::receipt_matches::Match;
use crate::db::receipts::reported::{Incoming, Reason, ReasonedReceipt};
use crate::db::receipts::{external_messages, inbox, outcomes, receipt_matches};
use crate::db::recovery::remembered_pushes::{self, RememberedPush};
use crate::db::sending::batch_transitions;
use crate::db::sending::claims::Claimed;
use crate::db::sending::submissions;
use crate::domain::ids::{BatchId, MessageId, ProjectId, SubmissionId};
use crate::domain::phone::{Phone, VendorPhone};
use crate::domain::receipt::Changes;
use crate::domain::receipt_codes;
use crate::domain::sending::message::Outcome;
use crate::ops::replies;
use crate::usms::push::{self, Push};
use crate::usms::{Receipt, ReceiptResult};

/// How far back a repeated receipt of an external message is recognized: carriers report within 72
/// hours, and pushes are repeated within seconds.
const DUPLICATE_WINDOW: Duration = Duration::days(8);

/// Stores a push in the inbox, whatever its body. When this returns, it is committed to disk.
pub async fn store(app: &App, project: ProjectId, body: &[u8]) -> sqlx::Result<()> {
    let _storing = app.backpressure.begin_storing();
    let now = app.clock.now();
    inbox::insert(&app.db, project, body, now).await?;
    app.in_hand.pushes.add(project, body, now);
    counter!("console_pushes_total").increment(1);
    app.wake.process_pushes();
    Ok(())
}

/// Stores a push again that the database has forgotten, and processes it. Returns whether it had been
/// forgotten.
pub async fn restore(app: &App, push: &RememberedPush) -> sqlx::Result<bool> {
    let Some(id) = remembered_pushes::rewrite(&app.db, push).await? else { return Ok(false) };
    process_alone(app, id).await?;
    Ok(true)
}

/// Processes the oldest waiting pushes of one project together or, if that fails, one by one, so
/// that a problem with one of them does not block the others. Returns whether there was any. If the
/// process dies before pushes are marked as processed, they are processed again, which changes
/// nothing.
pub async fn process_next(app: &App) -> sqlx::Result<bool> {
    let _permit = app.backpressure.acquire_worker().await;
    let mut tx = app.db.begin().await?;
    let waiting = inbox::lock_waiting(&mut tx).await?;
    if waiting.is_empty() {
        drop(tx);
        let Some(id) = inbox::failed_before(&app.db, app.clock.now()).await? else {
            return Ok(false);
        };
        process_alone(app, id).await?;
        return Ok(true);
    }
    // This transaction locks the pushes; their receipts are written in others.
    let result = process_pushes(app, &mut tx, &waiting).await;
    let Err(error) = commit_or_roll_back(tx, result).await else { return Ok(true) };
    warn!(%error, pushes = waiting.len(), "cannot process pushes together; retrying one by one");
    for push in waiting {
        process_alone(app, push.id).await?;
    }
    Ok(true)
}

async fn commit_or_roll_back(
    tx: sqlx::Transaction<'_, sqlx::Postgres>,
    result: sqlx::Result<()>,
) -> sqlx::Result<()> {
    match result {
        Ok(()) => tx.commit().await,
        Err(error) => tx.rollback().await.and(Err(error)),
    }
}

/// Processes one push. One that cannot be processed is retried later, and set aside in the end.
async fn process_alone(app: &App, id: i64) -> sqlx::Result<()> {
    let mut tx = app.db.begin().await?;
    let Some(waiting) = inbox::lock_one(&mut tx, id).await? else { return Ok(()) };
    let result = process_pushes(app, &mut tx, &[waiting]).await;
    if let Err(error) = commit_or_roll_back(tx, result).await {
        warn!(push = id, %error, "cannot process push");
        inbox::record_failure(&app.db, id, &error.to_string(), app.clock.now()).await?;
    }
    Ok(())
}

/// Processes pushes of one project.
async fn process_pushes(app: &App, db: &mut PgConnection, waiting: &[Waiting]) -> sqlx::Result<()> {
    let now = app.clock.now();
    let Some(project) = waiting.first().map(|push| push.project_id) else { return Ok(()) };
    let mut processed = Vec::with_capacity(waiting.len());
    let mut incoming = Vec::new();
    // The index of the push of each receipt.
    let mut origins = Vec::new();
    for (origin, waiting_push) in waiting.iter().enumerate() {
        let problems = match push::parse(&waiting_push.body) {
            Ok(Push::Reports(items)) => {
                let (read, problems) = read_reports(items);
                origins.resize(origins.len() + read.len(), origin);
                incoming.extend(read);
                problems
            }
            Ok(Push::Replies(items)) => replies::store(db, project, items, now).await?,
            Err(error) => {
                let mut problems = Problems::default();
                problems.add(&error.to_string(), Value::Null);
                problems
            }
        };
        processed.push((waiting_push.id, problems));
    }
    for index in process_separately(app, project, &incoming, now).await? {
        let receipt = &incoming[index];
        let item = json!({ "SessionNo": receipt.session_no, "Phone": receipt.phone,
            "ReceiptCode": receipt.code, "UserId": receipt.user_id });
        processed[origins[index]].1.add("no such phone in this session of ours", item);
    }
    for (id, problems) in processed.iter().filter(|(_, problems)| problems.count() > 0) {
        warn!(push = id, items = problems.count(), "push has unreadable items");
    }
    let processed: Vec<(i64, Value)> =
        processed.into_iter().map(|(id, problems)| (id, problems.into_json())).collect();
    inbox::mark_processed(db, &processed, now).await
}

fn read_reports(items: Vec<Result<Receipt, push::BadItem>>) -> (Vec<Incoming>, Problems) {
    let mut incoming = Vec::with_capacity(items.len());
    let mut problems = Problems::default();
    for item in items {
        match item {
            Ok(receipt) => incoming.push(read(&receipt)),
            Err(bad) => problems.add(bad.why, bad.raw),
        }
    }
    (incoming, problems)
}

/// Converts a receipt of the vendor.
pub fn read(receipt: &Receipt) -> Incoming {
    let outcome = match receipt.result {
        ReceiptResult::Success => Outcome::Delivered,
        ReceiptResult::Fail => Outcome::Failed,
        ReceiptResult::Unknown => Outcome::Unknown,
    };
    let phone = match Phone::from_vendor(&receipt.phone) {
        VendorPhone::Whole(phone) => phone.as_str().to_owned(),
        VendorPhone::Masked(phone) | VendorPhone::Other(phone) => phone,
    };
    Incoming {
        session_no: receipt.session_no.clone(),
        category: receipt_codes::reason_category(outcome, &receipt.code, &phone),
        phone,
        user_id: receipt.user_id.clone(),
        submission: SubmissionId::from_vendor_user_id(&receipt.user_id),
        message: MessageId::from_vendor_user_id(&receipt.user_id),
        outcome,
        code: clipped(&receipt.code, 64),
        description: clipped(&receipt.description, 200),
        parts: i32::try_from(receipt.cost_count.clamp(0, 1_000)).unwrap_or(0),
        receipt_at: receipt.time.and_then(|at| OffsetDateTime::from_unix_timestamp(at).ok()),
    }
}

fn clipped(text: &str, max: usize) -> String {
    text.chars().filter(|c| *c != '\0').take(max).collect()
}

/// Writes receipts: the outcomes of our own messages, and the others as external messages. Receipts
/// that are known already change nothing. Returns the indexes of unmatched receipts, whose session
/// is ours but whose phone is not in it; nothing is written for them.
pub async fn process(
    app: &App,
    db: &mut PgConnection,
    project: ProjectId,
    incoming: &[Incoming],
    now: OffsetDateTime,
) -> sqlx::Result<Vec<usize>> {
    process_known_since(app, db, project, incoming, now - DUPLICATE_WINDOW, now).await
}

/// Like [`process`], for receipts that may be of any age: duplicates of external messages are
/// looked for without a limit.
pub async fn process_of_any_age(
    app: &App,
    db: &mut PgConnection,
    project: ProjectId,
    incoming: &[Incoming],
    now: OffsetDateTime,
) -> sqlx::Result<Vec<usize>> {
    process_known_since(app, db, project, incoming, OffsetDateTime::UNIX_EPOCH, now).await
}

/// Like [`process`], in transactions of its own: first our own receipts, so that only external
/// ones, which are written by one worker at a time, wait for a lock.
async fn process_separately(
    app: &App,
    project: ProjectId,
    incoming: &[Incoming],
    now: OffsetDateTime,
) -> sqlx::Result<Vec<usize>> {
    let mut tx = app.db.begin().await?;
    let all: Vec<usize> = (0..incoming.len()).collect();
    let mut owners = vec![None; incoming.len()];
    let rest = find_owners(&mut tx, project, incoming, &all, &mut owners).await?;
    let mut unmatched = write_owned(app, &mut tx, project, incoming, &owners, now).await?;
    tx.commit().await?;
    if rest.is_empty() {
        return Ok(unmatched);
    }
    let others: Vec<Incoming> = rest.iter().map(|index| incoming[*index].clone()).collect();
    let mut tx = app.db.begin().await?;
    let more = process(app, &mut tx, project, &others, now).await?;
    tx.commit().await?;
    unmatched.extend(more.into_iter().map(|index| rest[index]));
    Ok(unmatched)
}

async fn process_known_since(
    app: &App,
    db: &mut PgConnection,
    project: ProjectId,
    incoming: &[Incoming],
    since: OffsetDateTime,
    now: OffsetDateTime,
) -> sqlx::Result<Vec<usize>> {
    let all: Vec<usize> = (0..incoming.len()).collect();
    let mut owners = vec![None; incoming.len()];
    let mut rest = find_owners(db, project, incoming, &all, &mut owners).await?;
    if !rest.is_empty() {
        // If a submission that makes one of these ours is being recorded, it either committed
        // before this lock and is found now, or waits for the lock and then adopts the receipt.
        external_messages::lock(db, project).await?;
        rest = find_owners(db, project, incoming, &rest, &mut owners).await?;
    }
    let unmatched = write_owned(app, db, project, incoming, &owners, now).await?;
    write_external(db, project, rest.iter().map(|index| &incoming[*index]), since, now).await?;
    counter!("console_receipts_total").increment(rest.len() as u64);
    Ok(unmatched)
}

/// Writes the receipts whose submission was found. Returns the indexes of those whose phone is not
/// in it.
async fn write_owned(
    app: &App,
    db: &mut PgConnection,
    project: ProjectId,
    incoming: &[Incoming],
    owners: &[Option<SubmissionId>],
    now: OffsetDateTime,
) -> sqlx::Result<Vec<usize>> {
    let ours: Vec<usize> = (0..incoming.len()).filter(|index| owners[*index].is_some()).collect();
    let receipts: Vec<(SubmissionId, &Incoming)> =
        ours.iter().filter_map(|index| Some((owners[*index]?, &incoming[*index]))).collect();
    let unmatched = write_ours(app, db, project, &receipts, now).await?;
    counter!("console_receipts_total").increment(ours.len() as u64);
    Ok(unmatched.into_iter().map(|index| ours[index]).collect())
}

/// Writes the submissions of the receipts at `indexes` to `owners`, by session number, else by a `UserId`
/// of ours. Returns the indexes of the others.
async fn find_owners(
    db: &mut PgConnection,
    project: ProjectId,
    incoming: &[Incoming],
    indexes: &[usize],
    owners: &mut [Option<SubmissionId>],
) -> sqlx::Result<Vec<usize>> {
    let sessions: BTreeSet<&str> =
        indexes.iter().map(|index| incoming[*index].session_no.as_str()).collect();
    let sessions: Vec<&str> = sessions.into_iter().collect();
    let known: BTreeMap<String, SubmissionId> =
        outcomes::of_sessions(db, project, &sessions).await?.into_iter().collect();
    let mut named = Vec::new();
    for index in indexes {
        let receipt = &incoming[*index];
        owners[*index] = known.get(&receipt.session_no).copied();
        if owners[*index].is_none() && (receipt.submission.is_some() || receipt.message.is_some()) {
            named.push((*index, receipt));
        }
    }
    if !named.is_empty() {
        for (index, owner) in outcomes::of_user_ids(db, project, &named).await? {
            owners[index] = Some(owner);
        }
    }
    Ok(indexes.iter().copied().filter(|index| owners[*index].is_none()).collect())
}

/// Writes receipts of our own submissions. Returns the indexes of those whose phone is not in the
/// submission.
async fn write_ours(
    app: &App,
    db: &mut PgConnection,
    project: ProjectId,
    incoming: &[(SubmissionId, &Incoming)],
    now: OffsetDateTime,
) -> sqlx::Result<Vec<usize>> {
    if incoming.is_empty() {
        return Ok(Vec::new());
    }
    let submissions: BTreeSet<SubmissionId> = incoming.iter().map(|(id, _)| *id).collect();
    let submissions: Vec<SubmissionId> = submissions.into_iter().collect();
    let locked = receipt_matches::lock(db, &submissions).await?;
    let found = receipt_matches::matches(db, project, incoming, &locked).await?;
    let unproven: BTreeSet<SubmissionId> = locked
        .iter()
        .filter(|submission| submission.unproven)
        .map(|submission| submission.id)
        .collect();
    let proofs: BTreeMap<SubmissionId, &str> = found
        .iter()
        .filter(|matched| unproven.contains(&matched.submission))
        .map(|matched| (matched.submission, incoming[matched.index].1.session_no.as_str()))
        .collect();
    let next_poll = now + app.pace.first_receipt_poll;
    let mut moved = outcomes::prove(db, &proofs, now, next_poll).await?;
    let updates = updates(db, &found, incoming).await?;
    moved.extend(outcomes::write(db, project, &updates, now).await?);
    let moved: BTreeSet<BatchId> = moved.into_iter().collect();
    for batch in moved {
        batch_transitions::close(db, batch, now).await?;
    }
    let found: BTreeSet<usize> = found.iter().map(|matched| matched.index).collect();
    Ok((0..incoming.len()).filter(|index| !found.contains(index)).collect())
}

/// Returns what the receipts change, message by message.
async fn updates<'a>(
    db: &mut PgConnection,
    found: &[Match],
    incoming: &[(SubmissionId, &'a Incoming)],
) -> sqlx::Result<Vec<MessageUpdate<'a>>> {
    let receipts: Vec<&Incoming> = found.iter().map(|of| incoming[of.index].1).collect();
    let reasons = reason_ids(db, &receipts).await?;
    let mut updates: BTreeMap<MessageId, MessageUpdate<'_>> = BTreeMap::new();
    for ((of, receipt), reason) in found.iter().zip(receipts).zip(reasons) {
        let changes = Changes::of(of.known);
        let entry = updates.entry(of.message).or_insert(MessageUpdate { of: *of, changes });
        entry.changes.add(receipt.outcome, (receipt, reason));
    }
    Ok(updates.into_values().collect())
}

/// Returns the ids of the receipts' reasons, in the same order; inserts those that are new.
async fn reason_ids(db: &mut PgConnection, receipts: &[&Incoming]) -> sqlx::Result<Vec<i32>> {
    let reasons: BTreeSet<Reason<'_>> = receipts.iter().map(|receipt| receipt.reason()).collect();
    let ids = outcomes::reason_ids(db, &reasons).await?;
    let ids: BTreeMap<Reason<'_>, i32> = reasons.into_iter().zip(ids).collect();
    Ok(receipts.iter().filter_map(|receipt| ids.get(&receipt.reason()).copied()).collect())
}

/// Writes receipts of external messages.
async fn write_external(
    db: &mut PgConnection,
    project: ProjectId,
    incoming: impl Iterator<Item = &Incoming>,
    since: OffsetDateTime,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    let external: Vec<&Incoming> = incoming.collect();
    if external.is_empty() {
        return Ok(());
    }
    let reasons = reason_ids(db, &external).await?;
    let external: Vec<ReasonedReceipt<'_>> = external.into_iter().zip(reasons).collect();
    external_messages::upsert(db, project, &external, since, now).await
}

/// Records that a submission was accepted, and adopts receipts that came before the response and
/// were stored as external messages.
pub async fn accept(
    app: &App,
    db: &mut PgConnection,
    claimed: &Claimed,
    session_no: &str,
    request_id: &str,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    let next_poll = now + app.pace.first_receipt_poll;
    external_messages::lock_shared(db, claimed.project_id).await?;
    submissions::accept(db, claimed, session_no, request_id, now, next_poll).await?;
    let early = external_messages::adopt(db, claimed.project_id, session_no, claimed.id).await?;
    let early: Vec<Incoming> = early
        .into_iter()
        .map(|external| Incoming {
            session_no: session_no.to_owned(),
            category: receipt_codes::reason_category(
                external.outcome,
                &external.code,
                &external.phone,
            ),
            phone: external.phone,
            submission: Some(claimed.id),
            message: None,
            user_id: external.user_id,
            outcome: external.outcome,
            code: external.code,
            description: external.description,
            parts: external.parts,
            receipt_at: external.receipt_at,
        })
        .collect();
    let receipts: Vec<(SubmissionId, &Incoming)> =
        early.iter().map(|receipt| (claimed.id, receipt)).collect();
    let unmatched = write_ours(app, db, claimed.project_id, &receipts, now).await?;
    if !unmatched.is_empty() {
        let n = unmatched.len();
        warn!(submission = %claimed.id, n, "receipts for phone numbers not in this session");
    }
    Ok(())
}
