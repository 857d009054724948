//! Receipts and replies, from wherever they come: a push, a question, a look-up. All three ways end
//! in [`settle`], which writes each receipt's outcome once.

use std::collections::{BTreeMap, BTreeSet};

use metrics::counter;
use serde_json::{Value, json};
use sqlx::PgConnection;
use time::OffsetDateTime;
use tracing::warn;

use super::replies;
use crate::app::App;
use crate::db::receipts::{Incoming, Match};
use crate::db::submissions::{self, Claimed};
use crate::db::{batch_transitions, inbox, receipts};
use crate::domain::ids::{BatchId, MessageId, ProjectId, SubmissionId};
use crate::domain::message::Outcome;
use crate::domain::phone::{Phone, VendorPhone};
use crate::domain::receipt_codes;
use crate::usms::push::{self, Push};
use crate::usms::{Receipt, ReceiptResult};

/// Takes a push in: when this returns, it is on disk, whatever it says.
pub async fn take_in(app: &App, project: ProjectId, body: &[u8]) -> sqlx::Result<()> {
    inbox::keep(&app.db, project, body, app.clock.now()).await?;
    counter!("console_pushes_total").increment(1);
    app.wake.settle();
    Ok(())
}

/// Settles the oldest waiting push. Answers whether there was one.
pub async fn run_once(app: &App) -> sqlx::Result<bool> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let Some(waiting) = inbox::take(&mut tx).await? else { return Ok(false) };
    let problems = match push::parse(&waiting.body) {
        Ok(Push::Reports(items)) => {
            let (incoming, problems) = read_reports(items);
            settle(app, &mut tx, waiting.project_id, &incoming, now).await?;
            problems
        }
        Ok(Push::Replies(items)) => replies::keep(&mut tx, waiting.project_id, items, now).await?,
        Err(error) => vec![json!({ "why": error.to_string(), "item": null })],
    };
    if !problems.is_empty() {
        warn!(push = waiting.id, items = problems.len(), "a push had items that cannot be read");
    }
    inbox::settle(&mut tx, waiting.id, &Value::Array(problems), now).await?;
    tx.commit().await?;
    Ok(true)
}

fn read_reports(items: Vec<Result<Receipt, push::BadItem>>) -> (Vec<Incoming>, Vec<Value>) {
    let mut incoming = Vec::with_capacity(items.len());
    let mut problems = Vec::new();
    for item in items {
        match item.map(|receipt| read(&receipt)) {
            Ok(Some(one)) => incoming.push(one),
            Ok(None) => problems.push(json!({ "why": "unknown ReceiptResult", "item": null })),
            Err(bad) => problems.push(json!({ "why": bad.why, "item": bad.raw })),
        }
    }
    (incoming, problems)
}

/// A vendor's receipt in the console's words; `None` when its result is none we know.
pub fn read(receipt: &Receipt) -> Option<Incoming> {
    let outcome = match receipt.result {
        ReceiptResult::Success => Outcome::Delivered,
        ReceiptResult::Fail => Outcome::Failed,
        ReceiptResult::Unknown => Outcome::Unknown,
        ReceiptResult::Other(_) => return None,
    };
    let (phone, operator) = match Phone::from_vendor(&receipt.phone) {
        VendorPhone::Whole(phone) => (phone.as_str().to_owned(), phone.operator()),
        VendorPhone::Masked(phone) | VendorPhone::Other(phone) => (phone, None),
    };
    let category = match outcome {
        Outcome::Delivered => "delivered",
        Outcome::Failed
        | Outcome::Unknown
        | Outcome::Refused
        | Outcome::Cancelled
        | Outcome::Suppressed => receipt_codes::categorise(&receipt.code, operator).key(),
    };
    Some(Incoming {
        session_no: receipt.session_no.clone(),
        phone,
        user_id: receipt.user_id.clone(),
        submission: SubmissionId::from_vendor_user_id(&receipt.user_id),
        message: MessageId::from_vendor_user_id(&receipt.user_id),
        outcome,
        code: clipped(&receipt.code, 64),
        description: clipped(&receipt.description, 200),
        category,
        parts: i32::try_from(receipt.cost_count.clamp(0, 1_000)).unwrap_or(0),
        receipt_at: receipt.time.and_then(|at| OffsetDateTime::from_unix_timestamp(at).ok()),
    })
}

fn clipped(text: &str, most: usize) -> String {
    text.chars().filter(|letter| *letter != '\0').take(most).collect()
}

/// Writes the outcomes of receipts: those of our own messages to the messages, the others as
/// messages of other programs. What is known already changes nothing.
pub async fn settle(
    app: &App,
    db: &mut PgConnection,
    project: ProjectId,
    incoming: &[Incoming],
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    counter!("console_receipts_total").increment(incoming.len() as u64);
    let all: Vec<&Incoming> = incoming.iter().collect();
    let ours = receipts::matches(db, project, &all).await?;
    write_ours(app, db, project, &all, &ours, now).await?;
    let matched: BTreeSet<usize> = ours.iter().map(|one| one.place).collect();
    let foreign: Vec<&Incoming> =
        (0..all.len()).filter(|place| !matched.contains(place)).map(|place| all[place]).collect();
    settle_foreign(app, db, project, &foreign, now).await
}

/// Receipts that matched nothing so far. Their sessions are held first: an answer that makes one
/// ours either committed before (and is seen now) or waits until these are kept (and adopts them).
async fn settle_foreign(
    app: &App,
    db: &mut PgConnection,
    project: ProjectId,
    foreign: &[&Incoming],
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    let sessions: BTreeSet<&str> = foreign.iter().map(|one| one.session_no.as_str()).collect();
    for session in sessions {
        receipts::hold_session(db, project, session).await?;
    }
    let late = receipts::matches(db, project, foreign).await?;
    write_ours(app, db, project, foreign, &late, now).await?;
    let matched: BTreeSet<usize> = late.iter().map(|one| one.place).collect();
    for (place, one) in foreign.iter().enumerate() {
        if !matched.contains(&place) {
            let reason =
                receipts::keep_reason(db, &one.code, &one.description, one.category).await?;
            receipts::keep_foreign(db, project, one, reason, now).await?;
        }
    }
    Ok(())
}

async fn write_ours(
    app: &App,
    db: &mut PgConnection,
    project: ProjectId,
    incoming: &[&Incoming],
    ours: &[Match],
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    if ours.is_empty() {
        return Ok(());
    }
    let submissions: BTreeMap<SubmissionId, &str> =
        ours.iter().map(|one| (one.submission, incoming[one.place].session_no.as_str())).collect();
    let ids: Vec<SubmissionId> = submissions.keys().copied().collect();
    receipts::lock(db, &ids).await?;
    for (submission, session_no) in &submissions {
        let next_poll = now + app.pace.first_receipt_poll;
        receipts::prove(db, *submission, session_no, now, next_poll).await?;
    }
    let mut outcomes: BTreeMap<_, (Match, &Incoming, i32)> = BTreeMap::new();
    for one in ours {
        let receipt = incoming[one.place];
        let reason =
            receipts::keep_reason(db, &receipt.code, &receipt.description, receipt.category)
                .await?;
        // Of two receipts of one message in one push, the better known one counts.
        let entry = outcomes.entry(one.message).or_insert((*one, receipt, reason));
        if entry.1.outcome == Outcome::Unknown {
            *entry = (*one, receipt, reason);
        }
    }
    let outcomes: Vec<(Match, &Incoming, i32)> = outcomes.into_values().collect();
    receipts::write(db, project, &outcomes, now).await?;
    let batches: BTreeSet<BatchId> = ours.iter().map(|one| one.batch).collect();
    for batch in batches {
        batch_transitions::settle(db, batch, now).await?;
    }
    Ok(())
}

/// Records that a submission was taken, and takes back receipts that were quicker than the answer.
pub async fn hold_and_accept(
    app: &App,
    db: &mut PgConnection,
    claimed: &Claimed,
    session_no: &str,
    request_id: &str,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    let next_poll = now + app.pace.first_receipt_poll;
    receipts::hold_session(db, claimed.project_id, session_no).await?;
    submissions::accept(db, claimed, session_no, request_id, now, next_poll).await?;
    let early = receipts::adopt(db, claimed.project_id, session_no).await?;
    let early: Vec<Incoming> = early
        .into_iter()
        .map(|one| Incoming {
            session_no: session_no.to_owned(),
            phone: one.phone,
            submission: Some(claimed.id),
            message: None,
            user_id: one.user_id,
            outcome: one.outcome,
            code: one.code,
            description: one.description,
            category: receipt_codes::Category::from_key(&one.category)
                .map_or("carrier_unspecified", |category| category.key()),
            parts: one.parts,
            receipt_at: one.receipt_at,
        })
        .collect();
    settle_adopted(app, db, claimed.project_id, &early, now).await
}

async fn settle_adopted(
    app: &App,
    db: &mut PgConnection,
    project: ProjectId,
    early: &[Incoming],
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    let all: Vec<&Incoming> = early.iter().collect();
    let ours = receipts::matches(db, project, &all).await?;
    write_ours(app, db, project, &all, &ours, now).await
}
