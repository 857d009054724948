//! Submitting: claim, call, record. The claim is committed before the call, nothing is locked while
//! the call runs, and its result is committed after it. A call that may have been accepted is never
//! retried.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use metrics::{counter, histogram};
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use tracing::{info, warn};

use super::pause;
use crate::app::App;
use crate::db::review::reviewed;
use crate::db::sending::claims::{self, Claim, ClaimRules, Claimed};
use crate::db::sending::messages::Target;
use crate::db::sending::submissions::RefusedMessage;
use crate::db::sending::{batch_transitions, call_slots, messages, submissions};
use crate::domain::ids::{BatchId, MessageId, SubmissionId};
use crate::domain::phone::{Phone, VendorPhone};
use crate::domain::review::Purpose;
use crate::domain::sending::batch::{PauseReason, may_leave};
pub use crate::domain::sending::call_end::End;
use crate::domain::sending::call_problem::CallProblem;
use crate::keyring::CannotOpen;
use crate::ops::credentials::{self, CredentialsError};
use crate::ops::receipts::push_inbox;
use crate::usms::{self, CallError, NotSentBecause, UnknownBecause, Verdict};

/// How far calls may exceed the project's rate after a pause: the calls of this much time.
pub(in crate::ops) const BURST: Duration = Duration::milliseconds(200);
/// How much a lease exceeds the longest call, so that no call ends after its lease.
pub(in crate::ops) const LEASE_MARGIN: Duration = Duration::seconds(30);
/// How many submissions a process may claim per project beyond its concurrent calls.
pub const AHEAD: usize = 2;
/// How long a submission that was claimed ahead may wait for its call.
pub const MAX_AHEAD_WAIT: Duration = Duration::seconds(2);
/// Delays between attempts that surely were not accepted: doubling from the first to the longest.
const FIRST_WAIT: Duration = Duration::seconds(1);
const MAX_WAIT: Duration = Duration::minutes(5);
/// After this many attempts in a row the batch is paused, and a person has to resume it.
const MAX_ATTEMPTS: i32 = 8;

/// Claims and sends the next submission that may be sent now. Returns whether there was one.
pub async fn run_once(app: &App) -> Result<bool, sqlx::Error> {
    match claim(app).await? {
        Claim::Nothing => return Ok(false),
        Claim::PhonesRemoved => {}
        Claim::Won(claimed) => {
            let ready = prepare(app, &claimed).await?;
            let end = call(app, &claimed, ready).await;
            record(app, &claimed, &end).await?;
        }
    }
    Ok(true)
}

/// Claims the next submission that may be sent now.
pub async fn claim(app: &App) -> sqlx::Result<Claim> {
    claim_by(app, Vec::new(), 0).await
}

/// Like [`claim`], for a process with many concurrent calls. `ended` are submissions whose calls
/// have ended but are not recorded yet: they do not count as concurrent. [`AHEAD`] more submissions
/// than concurrent calls may be claimed, to be ready when calls end; the caller must make them
/// wait.
pub async fn claim_ahead(app: &App, ended: Vec<SubmissionId>) -> sqlx::Result<Claim> {
    claim_by(app, ended, AHEAD).await
}

async fn claim_by(app: &App, ended: Vec<SubmissionId>, ahead: usize) -> sqlx::Result<Claim> {
    let now = app.clock.now();
    let rules = ClaimRules {
        lease: app.pace.call_timeout + MAX_AHEAD_WAIT + LEASE_MARGIN,
        pace: call_slots::Pace { interval: app.pace.call_interval(), burst: BURST },
        concurrency: i64::try_from(app.pace.concurrency).unwrap_or(i64::MAX),
        worker: app.process,
        ended,
        marketing_open: may_leave(Purpose::Marketing, now),
        ahead: i64::try_from(ahead).unwrap_or(0),
        seen: app.in_hand.seen(),
    };
    let mut lost_until = app.in_hand.lost_until.lock().await;
    // Stays if the response never comes: this future is dropped, or the connection breaks.
    let lost_before = lost_until.replace(now + rules.lease);
    let began = Instant::now();
    let claim = claims::claim(&app.db, &rules, now).await;
    histogram!("console_claim_seconds").record(began.elapsed());
    if let Ok(claim) = &claim {
        *lost_until = lost_before;
        if let Claim::Won(claimed) = claim {
            if app.in_hand.remembered.was_accepted(claimed.id) {
                // The database forgot it, and nothing else has shown that yet.
                warn!(submission = %claimed.id, "claimed again although it was accepted; not called");
                return Ok(Claim::Nothing);
            }
            app.in_hand.add(claimed.id, claimed.token);
            app.in_hand.remembered.add(claimed);
        }
    }
    claim
}

/// Puts back submissions that this process claimed without learning of it, because its connection
/// broke between the commit and the response. No claim of this process runs meanwhile, so that a
/// submission that is not in `in_hand` was never sent. Returns how many.
pub async fn requeue_unknown(app: &App) -> sqlx::Result<usize> {
    let mut lost_until = app.in_hand.lost_until.lock().await;
    let now = app.clock.now();
    *lost_until = lost_until.filter(|until| now < *until);
    if lost_until.is_none() {
        return Ok(0);
    }
    // What it has called is not in hand any more, but the database may have forgotten that.
    let mut known = app.in_hand.submissions();
    known.extend(app.in_hand.remembered.sent());
    let mut tx = app.db.begin().await?;
    let put_back = claims::requeue_unknown(&mut tx, app.process, &known, now).await?;
    let batches: BTreeSet<BatchId> = put_back.iter().map(|(_, batch)| *batch).collect();
    for batch in batches {
        batch_transitions::close(&mut tx, batch, now).await?;
    }
    tx.commit().await?;
    for (submission, batch) in &put_back {
        warn!(%submission, %batch, "the answer to a claim was lost; put back into the queue");
    }
    Ok(put_back.len())
}

/// Puts submissions in doubt that were in flight when their process died. Returns how many.
pub async fn expire_leases(app: &App) -> Result<usize, sqlx::Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let expired = submissions::doubt_expired(&mut tx, now).await?;
    let batches: BTreeSet<BatchId> = expired.iter().map(|(_, batch)| *batch).collect();
    for batch in batches {
        batch_transitions::close(&mut tx, batch, now).await?;
    }
    tx.commit().await?;
    for (submission, batch) in &expired {
        warn!(%submission, %batch, "submission lease expired; messages are in doubt");
    }
    Ok(expired.len())
}

/// What a call needs, loaded before it may begin.
#[derive(Debug)]
pub struct Ready {
    keys: Result<usms::Credentials, CannotOpen>,
    targets: Vec<Target>,
}

/// Loads what the call of a claimed submission needs. An error means that nothing was sent.
pub async fn prepare(app: &App, claimed: &Claimed) -> sqlx::Result<Ready> {
    let (keys, targets) = tokio::join!(
        credentials::of(app, claimed.project_id),
        messages::targets(&app.db, claimed.id),
    );
    let keys = match keys {
        Ok(keys) => Ok(keys),
        Err(CredentialsError::Database(error)) => return Err(error),
        Err(CredentialsError::Sealed(error)) => Err(error),
    };
    let targets = targets?;
    app.in_hand.remembered.prepare(claimed, targets.iter().map(|target| target.id));
    Ok(Ready { keys, targets })
}

/// Makes the call of a claimed submission.
pub async fn call(app: &App, claimed: &Claimed, ready: Ready) -> End {
    let keys = match ready.keys {
        Ok(keys) => keys,
        Err(error) => {
            let pause_reason = Some(PauseReason::Permission);
            warn!(submission = %claimed.id, %error, "submission not sent");
            return End::not_sent(CallProblem::Sealed.stored(), pause_reason);
        }
    };
    let began = Instant::now();
    let end = if claimed.each_own {
        batch_call(app, &keys, claimed, &ready.targets).await
    } else {
        single_call(app, &keys, claimed, ready.targets).await
    };
    histogram!("console_call_seconds").record(began.elapsed());
    end
}

/// Sends the same text to all phones.
async fn single_call(
    app: &App,
    keys: &usms::Credentials,
    claimed: &Claimed,
    targets: Vec<Target>,
) -> End {
    let params = targets.first().map(|target| target.params.clone()).unwrap_or_default();
    let phones: Vec<String> = targets.into_iter().map(|target| target.phone).collect();
    let user_id = claimed.id.vendor_user_id();
    let request = usms::SendMessage {
        phones: &phones,
        template_id: &claimed.vendor_template_id,
        sig_content: &claimed.sig_content,
        params: &params,
        user_id: &user_id,
    };
    match app.usms.send_message(keys, &request).await {
        Ok(sent) => accepted(sent.session_no, sent.request_id, 0, Vec::new(), sent.complaint),
        Err(error) => conclude(error, claimed),
    }
}

/// Sends texts with values of their own.
async fn batch_call(
    app: &App,
    keys: &usms::Credentials,
    claimed: &Claimed,
    targets: &[Target],
) -> End {
    let group = usms::TargetGroup {
        template_id: claimed.vendor_template_id.clone(),
        sig_content: claimed.sig_content.clone(),
        targets: targets
            .iter()
            .map(|target| usms::Target {
                phone: target.phone.clone(),
                params: target.params.clone(),
                user_id: target.id.vendor_user_id(),
            })
            .collect(),
    };
    match app.usms.send_batch(keys, &usms::SendBatch { groups: vec![group] }).await {
        Ok(sent) => conclude_batch(sent, claimed, targets),
        Err(error) => conclude(error, claimed),
    }
}

/// Returns what the response to a batch call proves. With a session number, at least one phone was
/// accepted; without one none was, provided that every phone is accounted for.
fn conclude_batch(sent: usms::SentBatch, claimed: &Claimed, targets: &[Target]) -> End {
    let each = match_failures(&sent.failures, targets);
    let (ret_code, request_id) = (sent.ret_code.0, sent.request_id);
    if let Some(session_no) = sent.session_no {
        return accepted(session_no, request_id, ret_code, each, sent.complaint);
    }
    let none_accepted = match sent.success_count {
        Some(count) => count == 0,
        None => each.len() == targets.len(),
    };
    if !none_accepted {
        let why = CallProblem::NoSessionNo.stored();
        return End::InDoubt { ret_code: Some(ret_code), why, request_id };
    }
    let reason = each.first().map(|first| first.reason.clone()).unwrap_or_default();
    // An error of the whole call also names its phones in `FailContent`, and still decides.
    if let Some((code, message)) = sent.complaint {
        let message = if message.is_empty() { reason.clone() } else { message };
        let end = conclude(CallError::from_response(code, message, request_id.clone()), claimed);
        if !matches!(end, End::Refused { .. }) {
            return end;
        }
    }
    End::Refused { ret_code, answer: reason, request_id, each }
}

/// Returns the result of a call with a session number.
fn accepted(
    session_no: String,
    request_id: String,
    ret_code: i64,
    not_taken: Vec<RefusedMessage>,
    complaint: Option<(usms::RetCode, String)>,
) -> End {
    match complaint {
        Some((ret_code, answer)) => {
            let ret_code = ret_code.0;
            End::TakenWithComplaint { session_no, request_id, ret_code, answer, not_taken }
        }
        None => End::Taken { session_no, request_id, ret_code, not_taken },
    }
}

/// Returns the messages of failures: by our `UserId`, else by the phone.
fn match_failures(failures: &[usms::Failure], targets: &[Target]) -> Vec<RefusedMessage> {
    let ids: BTreeSet<MessageId> = targets.iter().map(|target| target.id).collect();
    let phones: BTreeMap<&str, MessageId> =
        targets.iter().map(|target| (target.phone.as_str(), target.id)).collect();
    let found: BTreeMap<MessageId, &str> = failures
        .iter()
        .filter_map(|failure| {
            let by_id = MessageId::from_vendor_user_id(&failure.user_id);
            let id = by_id.filter(|id| ids.contains(id)).or_else(|| {
                match Phone::from_vendor(&failure.phone) {
                    VendorPhone::Whole(phone) => phones.get(phone.as_str()).copied(),
                    VendorPhone::Masked(_) | VendorPhone::Other(_) => None,
                }
            })?;
            Some((id, failure.reason.as_str()))
        })
        .collect();
    found.into_iter().map(|(id, reason)| RefusedMessage { id, reason: reason.to_owned() }).collect()
}

/// Returns why a batch is paused whose call was answered with a code that needs a person, whether or not
/// its messages were accepted.
fn pause_reason(ret_code: usms::RetCode) -> Option<PauseReason> {
    match ret_code.verdict() {
        Verdict::PauseBalance => Some(PauseReason::Balance),
        Verdict::CallPerson => Some(PauseReason::Permission),
        Verdict::Show
        | Verdict::RetryFew
        | Verdict::SlowDown
        | Verdict::Retry
        | Verdict::Partly
        | Verdict::InDoubt => None,
    }
}

/// Returns what an error of the call proves (USMS API reference, RetCodes, section "what they
/// allow": only a response that proves that nothing was accepted allows another attempt). An error
/// that every other call of the batch would have as well pauses the batch.
fn conclude(error: CallError, claimed: &Claimed) -> End {
    match error {
        CallError::Unknown { because, ret_code, request_id } => {
            let why = why_unknown(because);
            End::InDoubt { ret_code: ret_code.map(|code| code.0), why, request_id }
        }
        CallError::NotSent { because, ret_code, .. } => {
            let throttled = matches!(because, NotSentBecause::Throttled(_));
            let why = why_not_sent(because);
            End::NotSent {
                ret_code: ret_code.map(|code| code.0),
                why,
                pause_reason: None,
                throttled,
            }
        }
        CallError::Refused { ret_code, message, request_id } => {
            let affects_all = matches!(ret_code.0, 18016..=18018) && claimed.total > claimed.n;
            let pause_reason =
                pause_reason(ret_code).or(affects_all.then_some(PauseReason::Refused));
            let ret_code = ret_code.0;
            match pause_reason {
                Some(_) => {
                    let ret_code = Some(ret_code);
                    End::NotSent { ret_code, why: message, pause_reason, throttled: false }
                }
                None => End::Refused { ret_code, answer: message, request_id, each: Vec::new() },
            }
        }
    }
}

/// Returns the vendor's message or, where there is none, the stored form of the [`CallProblem`].
pub(in crate::ops) fn why_unknown(because: UnknownBecause) -> String {
    match because {
        UnknownBecause::Gateway(message) => message,
        UnknownBecause::TimedOut(_) => CallProblem::TimedOut.stored(),
        UnknownBecause::CutOff(_) => CallProblem::CutOff.stored(),
        UnknownBecause::HttpStatus(status) => CallProblem::HttpStatus(status).stored(),
        UnknownBecause::NotAnAnswer(_) => CallProblem::NotAnAnswer.stored(),
        UnknownBecause::NoProof(_) => CallProblem::NoSessionNo.stored(),
    }
}

/// Returns the vendor's message or, where there is none, the stored form of the [`CallProblem`].
pub(in crate::ops) fn why_not_sent(because: NotSentBecause) -> String {
    match because {
        NotSentBecause::Throttled(message)
        | NotSentBecause::Gateway(message)
        | NotSentBecause::ServiceFault(message) => message,
        NotSentBecause::Unreachable(_) => CallProblem::Unreachable.stored(),
        NotSentBecause::Unbuildable(_) => CallProblem::Unbuildable.stored(),
    }
}

/// Commits the result of a call. Safe to retry until it succeeds: a second time changes nothing.
pub async fn record(app: &App, claimed: &Claimed, end: &End) -> sqlx::Result<()> {
    let now = app.clock.now();
    let began = Instant::now();
    app.in_hand.remembered.end(claimed, end);
    let mut tx = app.db.begin().await?;
    match end {
        End::Taken { session_no, request_id, ret_code, not_taken }
        | End::TakenWithComplaint { session_no, request_id, ret_code, not_taken, .. } => {
            push_inbox::accept(app, &mut tx, claimed, session_no, request_id, now).await?;
            let code = i32::try_from(*ret_code).unwrap_or(-1);
            submissions::refuse_some(&mut tx, claimed.id, not_taken, code, now).await?;
            if let End::TakenWithComplaint { answer, .. } = end {
                submissions::record_complaint(&mut tx, claimed.id, code, answer).await?;
                warn!(submission = %claimed.id, ret_code, "submission accepted with a complaint");
                if let Some(reason) = pause_reason(usms::RetCode(*ret_code)) {
                    let (project, batch) = (claimed.project_id, claimed.batch_id);
                    pause::pause(app, &mut tx, project, batch, reason, answer).await?;
                }
            }
            info!(
                submission = %claimed.id,
                n = claimed.n,
                refused = not_taken.len(),
                "submission accepted"
            );
        }
        End::Refused { ret_code, answer, request_id, each } => {
            let code = i32::try_from(*ret_code).unwrap_or(-1);
            submissions::refuse(&mut tx, claimed, code, answer, request_id, each, now).await?;
            poll_review(&mut tx, claimed, *ret_code, now).await?;
            info!(submission = %claimed.id, ret_code, "submission refused");
        }
        End::NotSent { ret_code, why, pause_reason, throttled } => {
            let code = ret_code.and_then(|code| i32::try_from(code).ok());
            let next = now + if *throttled { FIRST_WAIT } else { wait_after(claimed.attempts) };
            submissions::requeue(&mut tx, claimed, !throttled, next, code, why, now).await?;
            if *throttled {
                call_slots::slow_down(&mut tx, claimed.project_id, now).await?;
            }
            let out_of_attempts = !throttled && claimed.attempts >= MAX_ATTEMPTS;
            let pause_reason =
                pause_reason.or(out_of_attempts.then_some(PauseReason::VendorUnavailable));
            if let Some(pause_reason) = pause_reason {
                pause::pause(app, &mut tx, claimed.project_id, claimed.batch_id, pause_reason, why)
                    .await?;
            }
            if let Some(code) = ret_code.filter(|_| pause_reason == Some(PauseReason::Refused)) {
                poll_review(&mut tx, claimed, code, now).await?;
            }
            info!(submission = %claimed.id, ret_code, "submission not accepted; will retry");
        }
        End::InDoubt { ret_code, why, request_id } => {
            let code = ret_code.and_then(|code| i32::try_from(code).ok());
            submissions::doubt(&mut tx, claimed, code, why, request_id).await?;
            warn!(submission = %claimed.id, ret_code, "submission in doubt");
        }
        End::NotBegun => {
            submissions::requeue(&mut tx, claimed, false, now, None, "", now).await?;
        }
    }
    batch_transitions::close(&mut tx, claimed.batch_id, now).await?;
    tx.commit().await?;
    app.in_hand.remove(claimed.id, claimed.token);
    histogram!("console_record_seconds").record(began.elapsed());
    counter!("console_submissions_total", "end" => end.name()).increment(1);
    Ok(())
}

/// Makes a signature (RetCode 18016) or template (18017, 18018) due for polling, since the vendor
/// says that it is not approved any more.
async fn poll_review(
    db: &mut PgConnection,
    claimed: &Claimed,
    ret_code: i64,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    let row = match ret_code {
        18016 => match claimed.signature_id {
            Some(id) => reviewed::Row::Signature(id),
            None => return Ok(()),
        },
        18017 | 18018 => reviewed::Row::Template(claimed.template_id),
        _ => return Ok(()),
    };
    reviewed::schedule_check(db, row, now).await.map(drop)
}

/// Returns how long a submission waits after its `attempts`-th attempt.
fn wait_after(attempts: i32) -> Duration {
    let doublings = u32::try_from(attempts - 1).unwrap_or(0).min(16);
    (FIRST_WAIT * 2_i32.pow(doublings)).min(MAX_WAIT)
}

#[cfg(test)]
mod tests;
