//! What happens when the database went back in time: a standby was promoted, a backup was restored,
//! a snapshot was rolled back. Nothing is sent from the moment of that on, because every claim asks
//! whether the database is whole; living processes write again what they remember; batches of which
//! nobody knows what was sent wait for a person.

use serde_json::{Value, json};
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use tracing::{info, warn};

use super::actor::Actor;
use super::receipts::push_inbox;
use super::reporting::notifications;
use super::sending::submit;
use crate::app::App;
use crate::db::audit;
use crate::db::recovery::installation::{self, Identity, Observed, Seen};
use crate::db::recovery::recoveries::{self, Affected, Cause, RecoveryEnd, RecoveryId, Reports};
use crate::db::recovery::remembered_actions::{self, RememberedAction};
use crate::db::recovery::remembered_calls::{self, Rewritten};
use crate::db::replies::suppressions;
use crate::db::sending::{batch_transitions, batches, sending_stops};
use crate::domain::ids::{BatchId, ProjectId, UserId};
use crate::domain::phone::Phone;
use crate::domain::replies::reply::Decision;
use crate::domain::replies::suppression::{SuppressionReason, SuppressionScope};
use crate::domain::sending::batch::PauseReason;
use crate::domain::sending::call_problem::CallProblem;

/// How long processes that were alive may take to report. After that, batches that they may have
/// sent wait for a person.
const MAX_WAIT: Duration = Duration::seconds(20);
/// For so long a recovery stays open, so that every living process takes part, also those that started
/// in the lost time and that the database does not know.
const MIN_WAIT: Duration = Duration::seconds(4);
/// If the last process did not stop cleanly, and none was seen for longer than this, the machine may
/// have been rolled back as a whole.
const MAX_SILENCE: Duration = Duration::minutes(10);

/// The event of an opt-out by reply.
const OPTED_OUT: &str = "opted_out_by_reply";

/// Looks whether the database went back and, if it did, does this process's part of the repair.
/// Returns whether sending may go on.
pub async fn check(app: &App) -> sqlx::Result<bool> {
    let observed = installation::observe(&app.db, app.process).await?;
    let seen = app.in_hand.seen();
    let (recovery, cause) = match (observed.open, cause(app, &observed, seen)) {
        (Some(open), _) => open,
        (None, None) => {
            follow(app, &observed).await?;
            return Ok(true);
        }
        (None, Some(cause)) => {
            let begun = recoveries::begin(&app.db, cause, app.clock.now()).await?;
            warn!(
                cause = cause.key(),
                "the database was rolled back to an earlier point in time; sending has stopped"
            );
            begun
        }
    };
    // Only a process that has seen the database before can remember what it lost.
    if seen.is_some() && app.in_hand.owes_report(recovery) {
        report(app, recovery).await?;
        // Where another process ends the recovery, the log goes on from here.
        app.in_hand.set_seen(observed.seen);
        app.in_hand.set_beat(None);
    }
    let ended = try_end(app, recovery, cause).await?;
    if ended {
        let observed = installation::observe(&app.db, app.process).await?;
        app.in_hand.set_seen(observed.seen);
        app.in_hand.set_beat(None);
        app.wake.submit();
    }
    Ok(ended)
}

/// Remembers how the database is, for the time when it is not so any more.
async fn follow(app: &App, observed: &Observed) -> sqlx::Result<()> {
    if let Some(newest) = observed.newest.filter(|newest| app.in_hand.owes_report(*newest)) {
        // It ended before this process looked. What it has sent is written again all the same.
        match app.in_hand.seen() {
            Some(_) => report(app, newest).await?,
            None => app.in_hand.set_reported(newest),
        }
    }
    app.in_hand.set_seen(observed.seen);
    app.in_hand.remembered.forget(app.clock.now());
    app.in_hand.pushes.forget(app.clock.now());
    app.in_hand.actions.read_along(&app.db, app.clock.now()).await
}

/// Does this process's part of a recovery: writes again what it remembers.
async fn report(app: &App, recovery: RecoveryId) -> sqlx::Result<()> {
    // No claim of this process is under way meanwhile, so that every call is remembered.
    let _claims = app.in_hand.lost_until.lock().await;
    let lost = repair(app).await?;
    if !lost.is_empty() {
        hold_lost(app, recovery, &lost).await?;
    }
    restore_pushes(app).await;
    let forgotten = app.in_hand.actions.forgotten(&app.db).await?;
    for (at, action) in forgotten.iter().enumerate() {
        let is_undone = forgotten[at + 1..].iter().any(|later| undoes(later, action));
        if let Err(error) = redo(app, recovery, action, is_undone).await {
            // Whom or what it names may be lost as well.
            warn!(action = action.action, %error, "cannot restore or reapply an action of a person");
        }
    }
    let since = app.in_hand.remembered.remembers_since();
    let now = app.clock.now();
    recoveries::report(&app.db, recovery, app.process, !lost.is_empty(), since, now).await?;
    app.in_hand.set_reported(recovery);
    Ok(())
}

/// Stores and processes again the replies that the database has forgotten, so that nothing is sent to
/// whom opted out.
async fn restore_pushes(app: &App) {
    let mut restored = 0;
    for push in app.in_hand.pushes.all() {
        match push_inbox::restore(app, &push).await {
            Ok(was_lost) => restored += usize::from(was_lost),
            // Its project may be lost as well.
            Err(error) => warn!(project = %push.project, %error, "cannot restore a push"),
        }
    }
    info!(restored, "restored pushes with replies that were missing from the database");
}

/// Holds batches with calls that cannot be written again: the rows of these are planned anew, and would
/// be sent once more.
async fn hold_lost(app: &App, recovery: RecoveryId, lost: &[BatchId]) -> sqlx::Result<()> {
    let mut tx = app.db.begin().await?;
    let affected = recoveries::affected(&mut tx, app.clock.now()).await?;
    let affected: Vec<_> = affected.into_iter().filter(|one| lost.contains(&one.batch)).collect();
    hold(app, &mut tx, recovery, &affected).await?;
    tx.commit().await?;
    warn!(?lost, held = affected.len(), "calls of these batches cannot be restored");
    Ok(())
}

/// Returns what shows that the database went back; `None` if nothing does.
fn cause(app: &App, observed: &Observed, seen: Option<Seen>) -> Option<Cause> {
    match observed.identity {
        Identity::Copied => Some(Cause::Copied),
        Identity::Promoted => Some(Cause::Promoted),
        Identity::Same => match (seen, observed.last_seen_at) {
            (Some(seen), _) if observed.seen.position < seen.position => Some(Cause::RolledBack),
            (Some(_), _) if observed.own_beat < app.in_hand.last_beat() => Some(Cause::RolledBack),
            (None, Some(at)) if app.clock.now() - at > MAX_SILENCE => Some(Cause::Silent),
            (Some(_), _) | (None, _) => None,
        },
    }
}

/// Writes again the calls that the database has forgotten. Returns the batches of those that cannot
/// be written: their order or their rows are gone.
async fn repair(app: &App) -> sqlx::Result<Vec<BatchId>> {
    let calls = app.in_hand.remembered.all();
    let forgotten = remembered_calls::forgotten(&app.db, calls).await?;
    let mut lost = Vec::new();
    let count = forgotten.len();
    for call in forgotten {
        let mut tx = app.db.begin().await?;
        let rewritten = remembered_calls::rewrite(&mut tx, &call).await?;
        if rewritten == Rewritten::Gone {
            tx.rollback().await?;
            lost.push(call.claimed.batch_id);
            continue;
        }
        tx.commit().await?;
        // It may have ended meanwhile, and found nothing to record that on.
        if let Some(end) = app.in_hand.remembered.end_of(&call.claimed) {
            submit::record(app, &call.claimed, &end).await?;
        }
    }
    info!(count, lost = lost.len(), "restored calls that were missing from the database");
    lost.sort_unstable();
    lost.dedup();
    Ok(lost)
}

/// Writes again what a person did. What stops messages is done again; the rest is shown, for the
/// person to repeat it.
async fn redo(
    app: &App,
    recovery: RecoveryId,
    action: &RememberedAction,
    is_undone: bool,
) -> sqlx::Result<()> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    if is_recorded_again(&mut tx, action).await?
        || !remembered_actions::rewrite(&mut tx, action, recovery).await?
    {
        return Ok(());
    }
    let redone = !is_undone
        && match (action.action.as_str(), action.project, action.batch(), action.user) {
            ("batch_paused", Some(project), Some(batch), _) => {
                batch_transitions::pause(&mut tx, project, batch, PauseReason::Person, "").await?
            }
            ("batch_cancelled", Some(project), Some(batch), Some(by)) => {
                batch_transitions::cancel(&mut tx, project, batch, by, now).await?
            }
            ("sending_stopped", project, _, by) => {
                sending_stops::insert(&mut tx, project, by, now).await?
            }
            (_, Some(project), _, by) => opt_out_again(&mut tx, project, action, by, now).await?,
            _ => false,
        };
    if redone {
        remembered_actions::set_redone(&mut tx, action.id).await?;
    }
    tx.commit().await
}

/// Returns whether an event was recorded again with the reply that it is about.
async fn is_recorded_again(db: &mut PgConnection, action: &RememberedAction) -> sqlx::Result<bool> {
    let (OPTED_OUT, Some(project)) = (action.action.as_str(), action.project) else {
        return Ok(false);
    };
    let suppression = suppressions::of_phone(db, project, &action.subject).await?;
    Ok(suppression.is_some_and(|one| one.reason == SuppressionReason::Reply && !one.pending))
}

/// Suppresses the phone of an opt-out again. Returns whether the action was one.
async fn opt_out_again(
    db: &mut PgConnection,
    project: ProjectId,
    action: &RememberedAction,
    by: Option<UserId>,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let (phone, text) = (action.subject.as_str(), |key: &str| {
        action.detail.get(key).and_then(Value::as_str).unwrap_or_default()
    });
    let scope = match action.action.as_str() {
        OPTED_OUT | "opted_out_by_person" => SuppressionScope::All,
        "opt_out_decided" => match Decision::from_key(text("decision")) {
            Some(Decision::All) => SuppressionScope::All,
            Some(Decision::Marketing) => SuppressionScope::Marketing,
            Some(Decision::No) | None => return Ok(false),
        },
        _ => return Ok(false),
    };
    if !Phone::is_whole(phone) {
        return Ok(false);
    }
    suppressions::opt_out(db, project, &[phone], &[text("words")], scope, by, now).await?;
    Ok(true)
}

/// Returns whether a later action took back an earlier one.
fn undoes(later: &RememberedAction, earlier: &RememberedAction) -> bool {
    let same = later.project == earlier.project && later.subject == earlier.subject;
    let words = (earlier.action.as_str(), later.action.as_str());
    same && matches!(
        words,
        ("batch_paused", "batch_resumed")
            | ("sending_stopped", "sending_resumed")
            | (
                OPTED_OUT | "opted_out_by_person" | "opt_out_decided",
                "opt_out_undone" | "suppression_removed"
            )
    )
}

/// Ends a recovery if nothing more can be expected of living processes. Returns whether it has ended.
async fn try_end(app: &App, recovery: RecoveryId, cause: Cause) -> sqlx::Result<bool> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let Some(reports) = recoveries::lock(&mut tx, recovery).await? else {
        return Ok(true);
    };
    let waited = now - reports.noticed_at;
    let end = match cause {
        // Nothing tells a restored backup from a copy that only looks like the installation.
        Cause::Copied => return Ok(false),
        Cause::Silent => RecoveryEnd::Held,
        Cause::Promoted | Cause::RolledBack => match reports {
            Reports { made: 0, .. } => return Ok(false),
            _ if waited < MIN_WAIT => return Ok(false),
            Reports { missing: 1.., .. } if waited < MAX_WAIT => return Ok(false),
            Reports { missing: 0, incomplete: 0, with_losses: 0, .. } => RecoveryEnd::Repaired,
            Reports { .. } => RecoveryEnd::Held,
        },
    };
    // The batches of calls that could not be written again are held already.
    let is_unknown = cause == Cause::Silent || reports.missing + reports.incomplete > 0;
    if end == RecoveryEnd::Held && is_unknown {
        let affected = recoveries::affected(&mut tx, now).await?;
        hold(app, &mut tx, recovery, &affected).await?;
    }
    installation::write(&mut tx).await?;
    recoveries::end(&mut tx, recovery, end, None, now).await?;
    notifications::database_went_back(app, &mut tx, cause.key()).await?;
    tx.commit().await?;
    info!(?end, "the recovery has ended; sending has resumed");
    Ok(true)
}

/// Holds batches of which messages may have been sent in the lost time, and notifies of each.
async fn hold(
    app: &App,
    db: &mut PgConnection,
    recovery: RecoveryId,
    affected: &[Affected],
) -> sqlx::Result<()> {
    for one in affected {
        if !recoveries::hold(db, recovery, one).await? {
            continue;
        }
        if let Some(batch) = batches::find(&mut *db, one.project, one.batch).await? {
            let reason = PauseReason::DatabaseWentBack;
            notifications::batch_paused(app, db, one.project, &batch, reason).await?;
        }
    }
    Ok(())
}

/// The result of an adoption.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adopted {
    /// This database was the installation already.
    Already,
    /// It is now. This many batches wait for a person.
    Now(usize),
}

/// Makes this database the installation, as a person says: it sends, pulls and applies from now on.
/// Batches of which messages may have been sent since its last sign of life wait for a person.
pub async fn adopt(app: &App, by: Option<UserId>, ip: &str) -> sqlx::Result<Adopted> {
    let observed = installation::observe(&app.db, app.process).await?;
    let now = app.clock.now();
    let (recovery, cause) = match (observed.open, cause(app, &observed, app.in_hand.seen())) {
        (Some(open), _) => open,
        (None, None | Some(Cause::Silent)) => return Ok(Adopted::Already),
        (None, Some(cause)) => recoveries::begin(&app.db, cause, now).await?,
    };
    let mut tx = app.db.begin().await?;
    if recoveries::lock(&mut tx, recovery).await?.is_none() {
        return Ok(Adopted::Already);
    }
    let affected = recoveries::affected(&mut tx, now).await?;
    hold(app, &mut tx, recovery, &affected).await?;
    let held = affected.len();
    installation::write(&mut tx).await?;
    recoveries::end(&mut tx, recovery, RecoveryEnd::Adopted, by, now).await?;
    notifications::database_went_back(app, &mut tx, cause.key()).await?;
    let entry = audit::Entry {
        project: None,
        user: by,
        action: "installation_adopted",
        subject: "",
        detail: json!({ "held": held }),
        ip,
    };
    audit::record(&mut tx, &entry, now).await?;
    tx.commit().await?;
    app.wake.submit();
    Ok(Adopted::Now(held))
}

/// Puts the rest of a held batch in doubt. Returns how many messages are in doubt now, or `None` if it
/// was not held.
pub async fn doubt_rest(app: &App, actor: Actor<'_>, batch: BatchId) -> sqlx::Result<Option<i64>> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let why = CallProblem::WentBack.stored();
    let Some(messages) = recoveries::doubt_rest(&mut tx, actor.project, batch, &why, now).await?
    else {
        return Ok(None);
    };
    batch_transitions::close(&mut tx, batch, now).await?;
    let entry = audit::Entry {
        project: Some(actor.project),
        user: Some(actor.user),
        action: "batch_rest_doubted",
        subject: &batch.to_string(),
        detail: json!({ "messages": messages }),
        ip: actor.ip,
    };
    audit::record(&mut tx, &entry, now).await?;
    tx.commit().await?;
    Ok(Some(messages))
}
