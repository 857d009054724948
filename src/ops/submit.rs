//! Submitting: claim, call, record. The claim is committed before the call, nothing is locked while
//! the call runs, and what the answer proves is committed after it. A call that may have been taken
//! is never repeated here.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use metrics::{counter, histogram};
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};
use tracing::{info, warn};

use super::credentials::{self, CredentialsError};
use super::push_inbox;
use crate::app::App;
use crate::db::claims::{self, Claim, ClaimRules, Claimed};
use crate::db::messages::Target;
use crate::db::submissions::NotTaken;
use crate::db::{batch_transitions, call_slots, messages, reviewed, submissions};
use crate::domain::batch::{PauseReason, may_leave};
use crate::domain::call_problem::CallProblem;
use crate::domain::ids::{BatchId, MessageId, SubmissionId};
use crate::domain::phone::{Phone, VendorPhone};
use crate::domain::review::Purpose;
use crate::keyring::CannotOpen;
use crate::usms::{self, CallError, NotSentBecause, UnknownBecause, Verdict};

/// How far calls may run ahead of the project's pace after a quiet moment.
pub(super) const BURST: Duration = Duration::milliseconds(200);
/// A lease outlives the longest call by this much, so that no call ends after its lease.
pub(super) const LEASE_MARGIN: Duration = Duration::seconds(30);
/// So many are claimed ahead of their places.
pub const AHEAD: usize = 2;
/// What was claimed ahead of a place waits no longer for it.
pub const MAX_AHEAD_WAIT: Duration = Duration::seconds(2);
/// Waits between tries that surely were not taken: doubling from the first to the longest.
const FIRST_WAIT: Duration = Duration::seconds(1);
const MAX_WAIT: Duration = Duration::minutes(5);
/// After so many tries in a row the batch is paused and a person is told.
const MAX_ATTEMPTS: i32 = 8;

/// Claims and sends the next submission, if one may leave now. Answers whether there was one.
pub async fn run_once(app: &App) -> Result<bool, sqlx::Error> {
    match claim(app).await? {
        Claim::Nothing => return Ok(false),
        Claim::TakenOut => {}
        Claim::Won(claimed) => {
            let ready = prepare(app, &claimed).await?;
            let end = call(app, &claimed, ready).await;
            record(app, &claimed, &end).await?;
        }
    }
    Ok(true)
}

/// Claims the next submission that may leave now.
pub async fn claim(app: &App) -> sqlx::Result<Claim> {
    claim_by(app, Vec::new(), 0).await
}

/// The same for a process that makes many calls at once. `ended` are calls that are over and not
/// recorded yet: their places are free. A few more than there are places may be claimed, to be at hand
/// when calls end: who asks sees to it that they wait.
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
    };
    let mut in_hand = app.in_hand.lock().await;
    let began = Instant::now();
    let claim = claims::claim(&app.db, &rules, now).await;
    histogram!("console_claim_seconds").record(began.elapsed());
    if let Ok(Claim::Won(claimed)) = &claim {
        in_hand.insert(claimed.id);
    }
    claim
}

/// Puts back what this process claimed without hearing of it, since its connection broke between the
/// commit and the answer. No claim of this process is under way meanwhile, so that what is not in hand
/// was never called. Returns how many.
pub async fn put_back_unknown(app: &App) -> sqlx::Result<usize> {
    let in_hand = app.in_hand.lock().await;
    let now = app.clock.now();
    let known: Vec<SubmissionId> = in_hand.iter().copied().collect();
    let mut tx = app.db.begin().await?;
    let back = claims::put_back_unknown(&mut tx, app.process, &known, now).await?;
    let batches: BTreeSet<BatchId> = back.iter().map(|(_, batch)| *batch).collect();
    for batch in batches {
        batch_transitions::close(&mut tx, batch, now).await?;
    }
    tx.commit().await?;
    for (submission, batch) in &back {
        warn!(%submission, %batch, "the answer to a claim was lost; put back into the queue");
    }
    Ok(back.len())
}

/// Puts in doubt whatever was in flight when its process died. Answers how many.
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

/// What is known after a try.
#[derive(Debug)]
#[allow(missing_docs)]
pub enum End {
    Taken {
        session_no: String,
        request_id: String,
        ret_code: i64,
        not_taken: Vec<NotTaken>,
    },
    Refused {
        ret_code: i64,
        answer: String,
        request_id: String,
        each: Vec<NotTaken>,
    },
    NotSent {
        ret_code: Option<i64>,
        why: String,
        pause_reason: Option<PauseReason>,
        throttled: bool,
    },
    InDoubt {
        ret_code: Option<i64>,
        why: String,
        request_id: String,
    },
    NotBegun,
}

impl End {
    /// Surely not sent, for a reason of our own.
    pub fn not_sent(why: String, pause_reason: Option<PauseReason>) -> Self {
        Self::NotSent { ret_code: None, why, pause_reason, throttled: false }
    }

    /// The name used in metrics.
    fn name(&self) -> &'static str {
        match self {
            Self::Taken { .. } => "taken",
            Self::Refused { .. } => "refused",
            Self::NotSent { .. } => "not_taken",
            Self::InDoubt { .. } => "in_doubt",
            Self::NotBegun => "not_begun",
        }
    }
}

/// What a call needs, fetched before there is a place for it.
#[derive(Debug)]
pub struct Ready {
    keys: Result<usms::Credentials, CannotOpen>,
    targets: Vec<Target>,
}

/// Fetches what the call of a claimed submission needs. Fails before anything was sent.
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
    Ok(Ready { keys, targets: targets? })
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

/// One text to all.
async fn single_call(
    app: &App,
    keys: &usms::Credentials,
    claimed: &Claimed,
    targets: Vec<Target>,
) -> End {
    let params = targets.first().map(|one| one.params.clone()).unwrap_or_default();
    let phones: Vec<String> = targets.into_iter().map(|one| one.phone).collect();
    let user_id = claimed.id.vendor_user_id();
    let request = usms::SendMessage {
        phones: &phones,
        template_id: &claimed.vendor_template_id,
        sig_content: &claimed.sig_content,
        params: &params,
        user_id: &user_id,
    };
    match app.usms.send_message(keys, &request).await {
        Ok(sent) => End::Taken {
            session_no: sent.session_no,
            request_id: sent.request_id,
            ret_code: 0,
            not_taken: Vec::new(),
        },
        Err(error) => conclude(error, claimed),
    }
}

/// A text of their own for each.
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
            .map(|one| usms::Target {
                phone: one.phone.clone(),
                params: one.params.clone(),
                user_id: one.id.vendor_user_id(),
            })
            .collect(),
    };
    match app.usms.send_batch(keys, &usms::SendBatch { groups: vec![group] }).await {
        Ok(sent) => conclude_batch(sent, targets),
        Err(error) => conclude(error, claimed),
    }
}

/// What an answer proves that may have taken some and refused others. A session number says that at
/// least one was taken; without one nothing was, provided that every phone is accounted for.
fn conclude_batch(sent: usms::SentBatch, targets: &[Target]) -> End {
    let not_taken = whose(&sent.failures, targets);
    let ret_code = sent.ret_code.0;
    if let Some(session_no) = sent.session_no {
        return End::Taken { session_no, request_id: sent.request_id, ret_code, not_taken };
    }
    let all_named = not_taken.len() == targets.len();
    if all_named || sent.success_count == Some(0) {
        let answer = not_taken.first().map(|one| one.reason.clone()).unwrap_or_default();
        let request_id = sent.request_id;
        return End::Refused { ret_code, answer, request_id, each: not_taken };
    }
    End::InDoubt {
        ret_code: Some(ret_code),
        why: CallProblem::NoSessionNo.stored(),
        request_id: sent.request_id,
    }
}

/// The messages that failures speak of: by our `UserId`, or else by the phone.
fn whose(failures: &[usms::Failure], targets: &[Target]) -> Vec<NotTaken> {
    let ids: BTreeSet<MessageId> = targets.iter().map(|one| one.id).collect();
    let phones: BTreeMap<&str, MessageId> =
        targets.iter().map(|one| (one.phone.as_str(), one.id)).collect();
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
    found.into_iter().map(|(id, reason)| NotTaken { id, reason: reason.to_owned() }).collect()
}

/// What an error of the call proves (USMS API reference, RetCodes; the rule of section "what they
/// allow": only an answer that proves nothing was taken allows another try). What would be said of
/// every other call of the batch as well pauses it.
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
            let of_all = matches!(ret_code.0, 18016..=18018) && claimed.total > claimed.n;
            let pause_reason = match ret_code.verdict() {
                Verdict::PauseBalance => Some(PauseReason::Balance),
                Verdict::CallPerson => Some(PauseReason::Permission),
                _ if of_all => Some(PauseReason::Refused),
                _ => None,
            };
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

/// The vendor's words, or ours where it said nothing.
pub(super) fn why_unknown(because: UnknownBecause) -> String {
    match because {
        UnknownBecause::Gateway(words) => words,
        UnknownBecause::TimedOut(_) => CallProblem::TimedOut.stored(),
        UnknownBecause::CutOff(_) => CallProblem::CutOff.stored(),
        UnknownBecause::HttpStatus(_) => CallProblem::HttpStatus.stored(),
        UnknownBecause::NotAnAnswer(_) => CallProblem::NotAnAnswer.stored(),
        UnknownBecause::NoProof(_) => CallProblem::NoSessionNo.stored(),
    }
}

/// The vendor's words, or ours where it said nothing.
pub(super) fn why_not_sent(because: NotSentBecause) -> String {
    match because {
        NotSentBecause::Throttled(words)
        | NotSentBecause::Gateway(words)
        | NotSentBecause::ServiceFault(words) => words,
        NotSentBecause::Unreachable(_) => CallProblem::Unreachable.stored(),
        NotSentBecause::Unbuildable(_) => CallProblem::Unbuildable.stored(),
    }
}

/// Commits what a call came to. May be repeated until it succeeds: the second time moves nothing.
pub async fn record(app: &App, claimed: &Claimed, end: &End) -> sqlx::Result<()> {
    let now = app.clock.now();
    let began = Instant::now();
    let mut tx = app.db.begin().await?;
    match end {
        End::Taken { session_no, request_id, ret_code, not_taken } => {
            push_inbox::accept(app, &mut tx, claimed, session_no, request_id, now).await?;
            let code = i32::try_from(*ret_code).unwrap_or(-1);
            submissions::refuse_some(&mut tx, claimed.id, not_taken, code, now).await?;
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
            look_again(&mut tx, claimed, *ret_code, now).await?;
            info!(submission = %claimed.id, ret_code, "submission refused");
        }
        End::NotSent { ret_code, why, pause_reason, throttled } => {
            let code = ret_code.and_then(|code| i32::try_from(code).ok());
            let next = now + if *throttled { FIRST_WAIT } else { wait_after(claimed.attempts) };
            submissions::ready_again(&mut tx, claimed, !throttled, next, code, why, now).await?;
            if *throttled {
                call_slots::slow_down(&mut tx, claimed.project_id, now).await?;
            }
            let tired = !throttled && claimed.attempts >= MAX_ATTEMPTS;
            let pause_reason = pause_reason.or(tired.then_some(PauseReason::VendorUnavailable));
            if let Some(pause_reason) = pause_reason {
                batch_transitions::pause(
                    &mut tx,
                    claimed.project_id,
                    claimed.batch_id,
                    pause_reason,
                    why,
                )
                .await?;
            }
            if let Some(code) = ret_code.filter(|_| pause_reason == Some(PauseReason::Refused)) {
                look_again(&mut tx, claimed, code, now).await?;
            }
            info!(submission = %claimed.id, ret_code, "submission not accepted; will retry");
        }
        End::InDoubt { ret_code, why, request_id } => {
            let code = ret_code.and_then(|code| i32::try_from(code).ok());
            submissions::doubt(&mut tx, claimed, code, why, request_id).await?;
            warn!(submission = %claimed.id, ret_code, "submission in doubt");
        }
        End::NotBegun => {
            submissions::ready_again(&mut tx, claimed, false, now, None, "", now).await?;
        }
    }
    batch_transitions::close(&mut tx, claimed.batch_id, now).await?;
    tx.commit().await?;
    app.in_hand.lock().await.remove(&claimed.id);
    histogram!("console_record_seconds").record(began.elapsed());
    counter!("console_submissions_total", "end" => end.name()).increment(1);
    Ok(())
}

/// The vendor says that the signature (18016) or the template (18017, 18018) is not what we think
/// it is: it is asked about at once.
async fn look_again(
    db: &mut PgConnection,
    claimed: &Claimed,
    ret_code: i64,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    let row = match ret_code {
        18016 => reviewed::Row::Signature(claimed.signature_id),
        18017 | 18018 => reviewed::Row::Template(claimed.template_id),
        _ => return Ok(()),
    };
    reviewed::look_at(db, row, now).await.map(drop)
}

/// How long a submission waits after its `attempts`-th try.
fn wait_after(attempts: i32) -> Duration {
    let doublings = u32::try_from(attempts - 1).unwrap_or(0).min(16);
    (FIRST_WAIT * 2_i32.pow(doublings)).min(MAX_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        assert_eq!(wait_after(1), Duration::seconds(1));
        assert_eq!(wait_after(4), Duration::seconds(8));
        assert_eq!(wait_after(400), MAX_WAIT);
    }
}
