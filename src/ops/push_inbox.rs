//! Receipts and replies, from wherever they come: a push, a question, a look-up. All three ways end
//! in [`settle`], which writes each receipt's outcome once.
//!
//! Locks are taken in one order by everybody, so that any number of settlers work side by side: the
//! project's messages of other programs, submissions by id, reasons by code, batches by id.

use std::collections::{BTreeMap, BTreeSet};

use metrics::counter;
use serde_json::{Value, json};
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use tracing::warn;

use super::replies;
use crate::app::App;
use crate::db::claims::Claimed;
use crate::db::inbox::Waiting;
use crate::db::receipt_matches::Match;
use crate::db::receipts::{Incoming, Reason, Update};
use crate::db::submissions;
use crate::db::{batch_transitions, external_messages, inbox, receipt_matches, receipts};
use crate::domain::ids::{BatchId, MessageId, ProjectId, SubmissionId};
use crate::domain::message::Outcome;
use crate::domain::phone::{Phone, VendorPhone};
use crate::domain::receipt_codes;
use crate::usms::push::{self, Push};
use crate::usms::{Receipt, ReceiptResult};

/// A receipt of another program's message is known again when it was kept this lately: carriers
/// answer within 72 hours, and pushes come again within seconds.
const KNOWN_AGAIN: Duration = Duration::days(8);

/// Takes a push in: when this returns, it is on disk, whatever it says.
pub async fn store(app: &App, project: ProjectId, body: &[u8]) -> sqlx::Result<()> {
    let _taking = app.backpressure.begin();
    inbox::insert(&app.db, project, body, app.clock.now()).await?;
    counter!("console_pushes_total").increment(1);
    app.wake.process_pushes();
    Ok(())
}

/// Settles the oldest waiting pushes of one project together. If that fails, it settles them one by
/// one: what is wrong with one of them holds up none of the others. Answers whether there was
/// anything to settle. What was written of pushes that are not marked as settled any more, because the
/// process died, is written again and changes nothing.
pub async fn process_next(app: &App) -> sqlx::Result<bool> {
    let _place = app.backpressure.settler().await;
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
    // The pushes are held by this transaction, what they say is written in others.
    let settled = process_pushes(app, &mut tx, &waiting).await;
    let Err(error) = and_commit(tx, settled).await else { return Ok(true) };
    warn!(%error, pushes = waiting.len(), "cannot process pushes together; retrying one by one");
    for one in waiting {
        process_alone(app, one.id).await?;
    }
    Ok(true)
}

async fn and_commit(
    tx: sqlx::Transaction<'_, sqlx::Postgres>,
    done: sqlx::Result<()>,
) -> sqlx::Result<()> {
    match done {
        Ok(()) => tx.commit().await,
        Err(error) => tx.rollback().await.and(Err(error)),
    }
}

/// Settles one push. One that cannot be settled is tried again later and in the end set aside. An
/// error is the database's.
async fn process_alone(app: &App, id: i64) -> sqlx::Result<()> {
    let mut tx = app.db.begin().await?;
    let Some(waiting) = inbox::lock_one(&mut tx, id).await? else { return Ok(()) };
    let settled = process_pushes(app, &mut tx, &[waiting]).await;
    if let Err(error) = and_commit(tx, settled).await {
        warn!(push = id, %error, "cannot process push");
        inbox::record_failure(&app.db, id, &error.to_string(), app.clock.now()).await?;
    }
    Ok(())
}

/// Settles pushes of one project.
async fn process_pushes(app: &App, db: &mut PgConnection, waiting: &[Waiting]) -> sqlx::Result<()> {
    let now = app.clock.now();
    let Some(project) = waiting.first().map(|one| one.project_id) else { return Ok(()) };
    let mut settled = Vec::with_capacity(waiting.len());
    let mut incoming = Vec::new();
    // The push of each receipt.
    let mut origins = Vec::new();
    for (origin, one) in waiting.iter().enumerate() {
        let problems = match push::parse(&one.body) {
            Ok(Push::Reports(items)) => {
                let (read, problems) = read_reports(items);
                origins.resize(origins.len() + read.len(), origin);
                incoming.extend(read);
                problems
            }
            Ok(Push::Replies(items)) => {
                let problems = replies::keep(db, project, items, now).await?;
                problems.into_iter().map(without_nul).collect()
            }
            Err(error) => vec![problem(&error.to_string(), Value::Null)],
        };
        settled.push((one.id, problems));
    }
    for stray in process_separately(app, project, &incoming, now).await? {
        let one = &incoming[stray];
        let item = json!({ "SessionNo": one.session_no, "Phone": one.phone,
            "ReceiptCode": one.code, "UserId": one.user_id });
        settled[origins[stray]].1.push(problem("no such phone in this session of ours", item));
    }
    for (id, problems) in settled.iter().filter(|(_, problems)| !problems.is_empty()) {
        warn!(push = id, items = problems.len(), "push has unreadable items");
    }
    let settled: Vec<(i64, Value)> =
        settled.into_iter().map(|(id, problems)| (id, Value::Array(problems))).collect();
    inbox::mark_processed(db, &settled, now).await
}

fn read_reports(items: Vec<Result<Receipt, push::BadItem>>) -> (Vec<Incoming>, Vec<Value>) {
    let mut incoming = Vec::with_capacity(items.len());
    let mut problems = Vec::new();
    for item in items {
        match item {
            Ok(receipt) => incoming.push(read(&receipt)),
            Err(bad) => problems.push(problem(bad.why, bad.raw)),
        }
    }
    (incoming, problems)
}

/// What is wrong with an item of a push, as it is kept.
fn problem(why: &str, item: Value) -> Value {
    json!({ "why": why, "item": without_nul(item) })
}

/// PostgreSQL keeps every character but one.
fn without_nul(value: Value) -> Value {
    let clean = |text: String| text.replace('\0', "\u{fffd}");
    match value {
        Value::String(text) => Value::String(clean(text)),
        Value::Array(items) => Value::Array(items.into_iter().map(without_nul).collect()),
        Value::Object(fields) => Value::Object(
            fields.into_iter().map(|(name, value)| (clean(name), without_nul(value))).collect(),
        ),
        Value::Null | Value::Bool(_) | Value::Number(_) => value,
    }
}

/// A vendor's receipt in the console's words.
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
        category: receipt_codes::kept_under(outcome, &receipt.code, &phone),
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

fn clipped(text: &str, most: usize) -> String {
    text.chars().filter(|letter| *letter != '\0').take(most).collect()
}

/// Writes the outcomes of receipts: those of our own messages to the messages, the others as
/// messages of other programs. What is known already changes nothing. Answers the places of those
/// that name a session of ours and a phone which is not in it; nothing is written of them.
pub async fn process(
    app: &App,
    db: &mut PgConnection,
    project: ProjectId,
    incoming: &[Incoming],
    now: OffsetDateTime,
) -> sqlx::Result<Vec<usize>> {
    process_known_since(app, db, project, incoming, now - KNOWN_AGAIN, now).await
}

/// The same for receipts that may be of any age: those of other programs are looked for among all
/// that was ever kept.
pub async fn process_of_any_age(
    app: &App,
    db: &mut PgConnection,
    project: ProjectId,
    incoming: &[Incoming],
    now: OffsetDateTime,
) -> sqlx::Result<Vec<usize>> {
    process_known_since(app, db, project, incoming, OffsetDateTime::UNIX_EPOCH, now).await
}

/// The same as [`settle`] in transactions of its own: our receipts first, so that only those of other
/// programs, which are told apart one settler after the other, are waited for.
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
    let late = process(app, &mut tx, project, &others, now).await?;
    tx.commit().await?;
    unmatched.extend(late.into_iter().map(|index| rest[index]));
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
        // An answer that makes one of these ours either committed before this, and is seen now, or
        // waits until they are kept, and takes them back.
        external_messages::lock(db, project).await?;
        rest = find_owners(db, project, incoming, &rest, &mut owners).await?;
    }
    let unmatched = write_owned(app, db, project, incoming, &owners, now).await?;
    write_external(db, project, rest.iter().map(|index| &incoming[*index]), since, now).await?;
    counter!("console_receipts_total").increment(rest.len() as u64);
    Ok(unmatched)
}

/// Writes the receipts whose submission was found. Answers the places of those whose phone is not in
/// it.
async fn write_owned(
    app: &App,
    db: &mut PgConnection,
    project: ProjectId,
    incoming: &[Incoming],
    owners: &[Option<SubmissionId>],
    now: OffsetDateTime,
) -> sqlx::Result<Vec<usize>> {
    let ours: Vec<usize> = (0..incoming.len()).filter(|index| owners[*index].is_some()).collect();
    let told: Vec<(SubmissionId, &Incoming)> =
        ours.iter().filter_map(|index| Some((owners[*index]?, &incoming[*index]))).collect();
    let unmatched = write_ours(app, db, project, &told, now).await?;
    counter!("console_receipts_total").increment(ours.len() as u64);
    Ok(unmatched.into_iter().map(|stray| ours[stray]).collect())
}

/// Finds the submissions of the receipts at `places`: by session number, else by a `UserId` of ours.
/// Answers the places of the others.
async fn find_owners(
    db: &mut PgConnection,
    project: ProjectId,
    incoming: &[Incoming],
    places: &[usize],
    owners: &mut [Option<SubmissionId>],
) -> sqlx::Result<Vec<usize>> {
    let sessions: BTreeSet<&str> =
        places.iter().map(|index| incoming[*index].session_no.as_str()).collect();
    let sessions: Vec<&str> = sessions.into_iter().collect();
    let known: BTreeMap<String, SubmissionId> =
        receipts::of_sessions(db, project, &sessions).await?.into_iter().collect();
    let mut named = Vec::new();
    for index in places {
        let one = &incoming[*index];
        owners[*index] = known.get(&one.session_no).copied();
        if owners[*index].is_none() && (one.submission.is_some() || one.message.is_some()) {
            named.push((*index, one));
        }
    }
    if !named.is_empty() {
        for (index, owner) in receipts::of_user_ids(db, project, &named).await? {
            owners[index] = Some(owner);
        }
    }
    Ok(places.iter().copied().filter(|index| owners[*index].is_none()).collect())
}

/// Writes receipts of our own submissions. Answers the places of those whose phone is not in theirs.
async fn write_ours(
    app: &App,
    db: &mut PgConnection,
    project: ProjectId,
    told: &[(SubmissionId, &Incoming)],
    now: OffsetDateTime,
) -> sqlx::Result<Vec<usize>> {
    if told.is_empty() {
        return Ok(Vec::new());
    }
    let submissions: BTreeSet<SubmissionId> = told.iter().map(|(id, _)| *id).collect();
    let submissions: Vec<SubmissionId> = submissions.into_iter().collect();
    let locked = receipt_matches::lock(db, &submissions).await?;
    let found = receipt_matches::matches(db, project, told, &locked).await?;
    let unproven: BTreeSet<SubmissionId> =
        locked.iter().filter(|one| one.unproven).map(|one| one.id).collect();
    let proofs: BTreeMap<SubmissionId, &str> = found
        .iter()
        .filter(|one| unproven.contains(&one.submission))
        .map(|one| (one.submission, told[one.index].1.session_no.as_str()))
        .collect();
    let next_poll = now + app.pace.first_receipt_poll;
    let mut moved = receipts::prove(db, &proofs, now, next_poll).await?;
    let updates = updates(&found, told);
    if !updates.is_empty() {
        let says: Vec<&Incoming> = updates.iter().map(|(_, says)| *says).collect();
        let reasons = reasons_of(db, &says).await?;
        let updates: Vec<Update<'_>> = updates
            .into_iter()
            .zip(reasons)
            .map(|((of, says), reason)| Update { of, says, reason })
            .collect();
        moved.extend(receipts::write(db, project, &updates, now).await?);
    }
    let moved: BTreeSet<BatchId> = moved.into_iter().collect();
    for batch in moved {
        batch_transitions::close(db, batch, now).await?;
    }
    let found: BTreeSet<usize> = found.iter().map(|one| one.index).collect();
    Ok((0..told.len()).filter(|index| !found.contains(index)).collect())
}

/// Of what was told, what is new: once a message, and of two receipts of one the better known.
fn updates<'a>(
    found: &[Match],
    told: &[(SubmissionId, &'a Incoming)],
) -> Vec<(Match, &'a Incoming)> {
    let mut updates: BTreeMap<MessageId, (Match, &Incoming)> = BTreeMap::new();
    for one in found {
        let says = told[one.index].1;
        if is_news(one.known, says.outcome) {
            let entry = updates.entry(one.message).or_insert((*one, says));
            if entry.1.outcome == Outcome::Unknown {
                *entry = (*one, says);
            }
        }
    }
    updates.into_values().collect()
}

/// Whether a receipt changes what is known.
fn is_news(known: Option<Outcome>, says: Outcome) -> bool {
    match known {
        None => true,
        Some(Outcome::Unknown) => says != Outcome::Unknown,
        Some(
            Outcome::Delivered
            | Outcome::Failed
            | Outcome::Refused
            | Outcome::Cancelled
            | Outcome::Suppressed,
        ) => false,
    }
}

/// The numbers of the reasons of receipts, in their order.
async fn reasons_of(db: &mut PgConnection, says: &[&Incoming]) -> sqlx::Result<Vec<i32>> {
    let wanted: BTreeSet<Reason<'_>> = says.iter().map(|one| one.reason()).collect();
    let ids = receipts::reason_ids(db, &wanted).await?;
    let numbers: BTreeMap<Reason<'_>, i32> = wanted.into_iter().zip(ids).collect();
    Ok(says.iter().filter_map(|one| numbers.get(&one.reason()).copied()).collect())
}

/// Keeps receipts of other programs' messages: once a session and phone, the better known of two.
async fn write_external(
    db: &mut PgConnection,
    project: ProjectId,
    incoming: impl Iterator<Item = &Incoming>,
    since: OffsetDateTime,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    let mut external: BTreeMap<(&str, &str), &Incoming> = BTreeMap::new();
    for one in incoming {
        let entry = external.entry((&one.session_no, &one.phone)).or_insert(one);
        if entry.outcome == Outcome::Unknown {
            *entry = one;
        }
    }
    if external.is_empty() {
        return Ok(());
    }
    let external: Vec<&Incoming> = external.into_values().collect();
    let reasons = reasons_of(db, &external).await?;
    let external: Vec<(&Incoming, i32)> = external.into_iter().zip(reasons).collect();
    external_messages::keep(db, project, &external, since, now).await
}

/// Records that a submission was taken, and takes back receipts that were quicker than the answer.
pub async fn accept(
    app: &App,
    db: &mut PgConnection,
    claimed: &Claimed,
    session_no: &str,
    request_id: &str,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    let next_poll = now + app.pace.first_receipt_poll;
    external_messages::hold_off(db, claimed.project_id).await?;
    submissions::accept(db, claimed, session_no, request_id, now, next_poll).await?;
    let early = external_messages::adopt(db, claimed.project_id, session_no, claimed.id).await?;
    let early: Vec<Incoming> = early
        .into_iter()
        .map(|one| Incoming {
            session_no: session_no.to_owned(),
            category: receipt_codes::kept_under(one.outcome, &one.code, &one.phone),
            phone: one.phone,
            submission: Some(claimed.id),
            message: None,
            user_id: one.user_id,
            outcome: one.outcome,
            code: one.code,
            description: one.description,
            parts: one.parts,
            receipt_at: one.receipt_at,
        })
        .collect();
    let told: Vec<(SubmissionId, &Incoming)> = early.iter().map(|one| (claimed.id, one)).collect();
    let unmatched = write_ours(app, db, claimed.project_id, &told, now).await?;
    if !unmatched.is_empty() {
        let n = unmatched.len();
        warn!(submission = %claimed.id, n, "receipts for phone numbers not in this session");
    }
    Ok(())
}
