//! Background jobs. Each calls a `run_once` of `ops` in a loop: immediately while there is work,
//! after a wake-up or a short delay when there is none, until shutdown. Calls in flight are always
//! finished, so that a shutdown leaves nothing in doubt.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Display;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::error;

use crate::app::App;
use crate::backpressure::PUSH_WORKERS;
use crate::db::accounts::login_sessions;
use crate::db::recovery::installation;
use crate::db::reporting::statistics;
use crate::db::sending::claims::{Claim, Claimed};
use crate::db::sending::workers::{self, VendorContact};
use crate::db::sending::{batch_transitions, uploads as upload_rows};
use crate::domain::ids::{ProjectId, SubmissionId};
use crate::domain::sending::batch::SCHEDULE_GRACE;
use crate::domain::sending::call_problem::CallProblem;
use crate::ops::receipts::{missing_pushes, poll, pull, push_inbox};
use crate::ops::replies::suppressions;
use crate::ops::reporting::{alerts, monthly_reports, notifications, vendor_figures};
use crate::ops::review::{self, apply, files};
use crate::ops::sending::submit::End;
use crate::ops::sending::{failure_guard, pause, plan, submit, uploads};
use crate::ops::{accounts, audit_chain, recovery, refusals, retention};

/// How long a job sleeps when it found no work: the longest delay of work that another process
/// created.
const IDLE_DELAY: Duration = Duration::from_millis(500);
/// The shortest sleep between two claims.
const MIN_IDLE_DELAY: Duration = Duration::from_millis(10);
/// How long a job sleeps after an error.
const ERROR_DELAY: Duration = Duration::from_secs(2);
/// How often leases and schedules are checked.
const HOUSEKEEPING: Duration = Duration::from_millis(500);

/// The most projects that can have all of their calls in flight in one process.
const PROJECTS_AT_ONCE: usize = 4;
/// Projects whose receipts are polled concurrently, so that one whose calls time out does not delay
/// the others.
const POLLS_AT_ONCE: usize = 4;
/// How often confirmed batches are looked for whose recipients are not messages yet.
const PLANNING: Duration = Duration::from_millis(150);
/// How often the failures of batches that are sending are checked.
const FAILURE_GUARD: Duration = Duration::from_secs(1);
/// How often missing pushes are looked for.
const MISSING_PUSHES: Duration = Duration::from_secs(20);
/// How often it is looked whether something has begun that people are notified of, or is over.
const ALERTS: Duration = Duration::from_secs(5);
/// How often it is checked whether a month has ended of which a report is mailed.
const MONTHLY_REPORTS: Duration = Duration::from_secs(60);
/// Drafts that were not touched for this long are deleted, and incomplete uploads sooner.
const DRAFT_RETENTION: time::Duration = time::Duration::days(14);
const BROKEN_UPLOAD_RETENTION: time::Duration = time::Duration::hours(1);
/// How often changes of statistics are added to the counts.
const STATISTICS: Duration = Duration::from_secs(1);
/// How often it is checked whether the vendor's own counts are due.
const VENDOR_FIGURES: Duration = Duration::from_secs(60);
/// How often ended login sessions and files that nobody needs any more are deleted.
const CLEAN_UP: Duration = Duration::from_secs(600);

/// How often expired data is deleted or redacted, and message partitions are created ahead.
const RETENTION: Duration = Duration::from_secs(60);

/// How often audit events are chained.
const AUDIT_CHAIN: Duration = Duration::from_secs(60);

/// Runs all jobs until `stop`, then until their current work is done.
pub async fn run(app: App, stop: CancellationToken) {
    let stopping = app.clone();
    first_look(&app, &stop).await;
    let mut jobs = JoinSet::new();
    jobs.spawn(submit_all(app.clone(), stop.clone()));
    for _ in 0..PUSH_WORKERS {
        let job_app = app.clone();
        jobs.spawn(run_job("process pushes", stop.clone(), move || {
            process_pushes(job_app.clone())
        }));
    }
    for _ in 0..POLLS_AT_ONCE {
        let job_app = app.clone();
        jobs.spawn(run_job("poll receipts", stop.clone(), move || poll_receipts(job_app.clone())));
    }
    let job_app = app.clone();
    jobs.spawn(run_job("reviews", stop.clone(), move || check_reviews(job_app.clone())));
    let job_app = app.clone();
    jobs.spawn(run_job("applications in doubt", stop.clone(), move || {
        check_applications(job_app.clone())
    }));
    let job_app = app.clone();
    jobs.spawn(run_job("notifications", stop.clone(), move || {
        deliver_notifications(job_app.clone())
    }));
    let (job_app, job_stop) = (app.clone(), stop.clone());
    jobs.spawn(run_job("import uploads", stop.clone(), move || {
        uploads(job_app.clone(), job_stop.clone())
    }));
    let job_app = app.clone();
    jobs.spawn(run_job("plan messages", stop.clone(), move || plan_messages(job_app.clone())));
    let job_app = app.clone();
    jobs.spawn(run_job("failure guard", stop.clone(), move || guard_failures(job_app.clone())));
    let job_app = app.clone();
    jobs.spawn(run_job("pull reports", stop.clone(), move || pull_reports(job_app.clone())));
    let job_app = app.clone();
    jobs.spawn(run_job("alerts", stop.clone(), move || watch_alerts(job_app.clone())));
    let job_app = app.clone();
    jobs.spawn(run_job("monthly reports", stop.clone(), move || mail_reports(job_app.clone())));
    let job_app = app.clone();
    jobs.spawn(run_job("missing pushes", stop.clone(), move || missing_pushes(job_app.clone())));
    let job_app = app.clone();
    jobs.spawn(run_job("statistics", stop.clone(), move || fold_statistics(job_app.clone())));
    let job_app = app.clone();
    jobs.spawn(run_job("vendor figures", stop.clone(), move || {
        fetch_vendor_figures(job_app.clone())
    }));
    let job_app = app.clone();
    jobs.spawn(run_job("retention", stop.clone(), move || apply_retention(job_app.clone())));
    let job_app = app.clone();
    jobs.spawn(run_job("clean-up", stop.clone(), move || clean_up(job_app.clone())));
    let job_app = app.clone();
    jobs.spawn(run_job("audit chain", stop.clone(), move || chain_audit(job_app.clone())));
    jobs.spawn(run_job("schedule", stop.clone(), move || housekeeping(app.clone())));
    while let Some(ended) = jobs.join_next().await {
        if let Err(error) = ended {
            error!(%error, "background loop failed");
        }
    }
    if let Err(error) = record_stop(&stopping).await {
        error!(%error, "cannot record that this process stops");
    }
}

/// Looks at the database before anything is done with it.
async fn first_look(app: &App, stop: &CancellationToken) {
    while !stop.is_cancelled() {
        match recovery::check(app).await {
            Ok(_) => return,
            Err(error) => {
                error!(%error, "cannot look at the database; will retry");
                sleep(stop, ERROR_DELAY).await;
            }
        }
    }
}

/// Looks at the database, as a process without workers does: what people did through it and the replies
/// that it received are restored if the database goes back.
pub async fn watch(app: App, stop: CancellationToken) {
    let look = async || match recovery::check(&app).await {
        Ok(_) => Ok(Next::Sleep(HOUSEKEEPING)),
        Err(error) => Err(error),
    };
    run_job("watch the database", stop.clone(), look).await;
}

/// Records a clean stop, unless the database has lost what this process remembers.
async fn record_stop(app: &App) -> sqlx::Result<()> {
    if recovery::check(app).await? {
        workers::stop(&app.db, app.process, app.clock.now()).await?;
    }
    Ok(())
}

/// The result of one iteration of a job: run again at once, or sleep first.
enum Next {
    RunAgain,
    Sleep(Duration),
}

async fn run_job<W, F, E>(name: &'static str, stop: CancellationToken, mut work: W)
where
    W: FnMut() -> F,
    F: Future<Output = Result<Next, E>>,
    E: Display,
{
    while !stop.is_cancelled() {
        let delay = match work().await {
            Ok(Next::RunAgain) => continue,
            Ok(Next::Sleep(delay)) => delay,
            Err(error) => {
                error!(job = name, %error, "background job failed; will retry");
                ERROR_DELAY
            }
        };
        sleep(&stop, delay).await;
    }
}

/// Calls that have ended but are not recorded yet. They no longer count as in flight: the next
/// calls need not wait for the record.
#[derive(Clone, Debug, Default)]
struct EndedCalls {
    ids: Arc<Mutex<BTreeSet<SubmissionId>>>,
    added: Arc<Notify>,
}

impl EndedCalls {
    fn add(&self, id: SubmissionId) {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
        self.added.notify_one();
    }

    fn remove(&self, id: SubmissionId) {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }

    fn list(&self) -> Vec<SubmissionId> {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect()
    }
}

/// Limits the concurrent calls per project in this process. A few more submissions may be claimed;
/// their calls begin as soon as others end, without a database query in between.
#[derive(Clone, Debug, Default)]
struct CallLimits(Arc<Mutex<HashMap<ProjectId, Arc<Semaphore>>>>);

impl CallLimits {
    fn get(&self, project: ProjectId, concurrency: usize) -> Arc<Semaphore> {
        let mut limits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        limits.entry(project).or_insert_with(|| Arc::new(Semaphore::new(concurrency))).clone()
    }
}

/// Claims submissions one by one and sends them concurrently, as many as the limits allow.
async fn submit_all(app: App, stop: CancellationToken) {
    let claims =
        Arc::new(Semaphore::new((app.pace.concurrency + submit::AHEAD) * PROJECTS_AT_ONCE));
    let (ended, limits) = (EndedCalls::default(), CallLimits::default());
    let mut calls = JoinSet::new();
    while let Some(permit) = claim_permit(&claims, &stop).await {
        match submit::claim_ahead(&app, ended.list()).await {
            Ok(Claim::PhonesRemoved) => {}
            Ok(Claim::Won(claimed)) => {
                let (app, ended, stop) = (app.clone(), ended.clone(), stop.clone());
                let limit = limits.get(claimed.project_id, app.pace.concurrency);
                calls.spawn(async move {
                    send(&app, &claimed, &ended, &limit, &stop).await;
                    drop(permit);
                });
            }
            Ok(Claim::Nothing) => wait_to_claim(&app, &stop, &ended, !calls.is_empty()).await,
            Err(error) => {
                error!(job = "submit", %error, "cannot claim submissions; will retry");
                sleep(&stop, ERROR_DELAY).await;
            }
        }
        while calls.try_join_next().is_some() {}
    }
    while calls.join_next().await.is_some() {}
}

async fn claim_permit(
    claims: &Arc<Semaphore>,
    stop: &CancellationToken,
) -> Option<OwnedSemaphorePermit> {
    tokio::select! {
        biased;
        () = stop.cancelled() => None,
        permit = claims.clone().acquire_owned() => permit.ok(),
    }
}

/// Makes the call when the limit allows, and records its result. If recording fails, it is retried
/// until the lease expires; the submission is then in doubt, as it must be.
async fn send(
    app: &App,
    claimed: &Claimed,
    ended: &EndedCalls,
    limit: &Semaphore,
    stop: &CancellationToken,
) {
    let end = match submit::prepare(app, claimed).await {
        Ok(ready) => match call_permit(limit, stop).await {
            Some(_permit) => submit::call(app, claimed, ready).await,
            None => End::NotBegun,
        },
        Err(error) => {
            error!(submission = %claimed.id, %error, "submission not sent");
            // Surely not sent: preparing comes before the call.
            End::not_sent(CallProblem::Database.stored(), None)
        }
    };
    ended.add(claimed.id);
    while let Err(error) = submit::record(app, claimed, &end).await {
        error!(submission = %claimed.id, %error, "cannot record the response yet");
        if app.clock.now() >= claimed.lease_until {
            break;
        }
        tokio::time::sleep(IDLE_DELAY).await;
    }
    ended.remove(claimed.id);
}

/// Waits for permission to call. Returns `None` at shutdown, or if it took so long that the
/// submission should go back into the queue.
async fn call_permit<'a>(
    limit: &'a Semaphore,
    stop: &CancellationToken,
) -> Option<SemaphorePermit<'a>> {
    let max_wait = submit::MAX_AHEAD_WAIT.unsigned_abs();
    tokio::select! {
        biased;
        permit = limit.acquire() => permit.ok(),
        () = stop.cancelled() => None,
        () = tokio::time::sleep(max_wait) => None,
    }
}

/// Waits until another claim may succeed. While calls run, a claim may have failed only because
/// the project's next call slot is not due, or because it has reached its concurrency: the end of a
/// call is then the time to try again.
async fn wait_to_claim(app: &App, stop: &CancellationToken, ended: &EndedCalls, busy: bool) {
    let slot = Duration::try_from(app.pace.call_interval()).unwrap_or(IDLE_DELAY);
    let max_wait = if busy { slot.clamp(MIN_IDLE_DELAY, IDLE_DELAY) } else { IDLE_DELAY };
    tokio::select! {
        () = app.wake.to_submit() => {}
        () = ended.added.notified() => {}
        () = sleep(stop, max_wait) => {}
    }
}

async fn sleep(stop: &CancellationToken, delay: Duration) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = tokio::time::sleep(delay) => {}
    }
}

async fn process_pushes(app: App) -> sqlx::Result<Next> {
    app.backpressure.wait_for_burst().await;
    if push_inbox::process_next(&app).await? {
        return Ok(Next::RunAgain);
    }
    let _ = tokio::time::timeout(IDLE_DELAY, app.wake.to_process_pushes()).await;
    Ok(Next::Sleep(Duration::ZERO))
}

async fn poll_receipts(app: App) -> sqlx::Result<Next> {
    Ok(match poll::run_once(&app).await? {
        0 => Next::Sleep(IDLE_DELAY),
        _ => Next::RunAgain,
    })
}

async fn check_reviews(app: App) -> sqlx::Result<Next> {
    Ok(match review::run_once(&app).await? {
        0 => Next::Sleep(IDLE_DELAY),
        _ => Next::RunAgain,
    })
}

async fn check_applications(app: App) -> Result<Next, review::LookupError> {
    apply::expire_leases(&app).await?;
    Ok(if apply::in_doubt::run_once(&app).await? {
        Next::RunAgain
    } else {
        Next::Sleep(IDLE_DELAY)
    })
}

async fn deliver_notifications(app: App) -> sqlx::Result<Next> {
    if !installation::is_whole(&app.db).await? {
        return Ok(Next::Sleep(IDLE_DELAY));
    }
    Ok(if notifications::run_once(&app).await? { Next::RunAgain } else { Next::Sleep(IDLE_DELAY) })
}

async fn uploads(app: App, stop: CancellationToken) -> sqlx::Result<Next> {
    if uploads::import::run_until(&app, &stop).await? {
        return Ok(Next::RunAgain);
    }
    let _ = tokio::time::timeout(IDLE_DELAY, app.wake.to_read()).await;
    Ok(Next::Sleep(Duration::ZERO))
}

async fn plan_messages(app: App) -> sqlx::Result<Next> {
    Ok(if plan::run_once(&app).await? { Next::RunAgain } else { Next::Sleep(PLANNING) })
}

async fn guard_failures(app: App) -> sqlx::Result<Next> {
    failure_guard::run_once(&app).await?;
    Ok(Next::Sleep(FAILURE_GUARD))
}

async fn fold_statistics(app: App) -> sqlx::Result<Next> {
    let mut db = app.db.acquire().await?;
    statistics::fold(&mut db).await?;
    Ok(Next::Sleep(STATISTICS))
}

async fn fetch_vendor_figures(app: App) -> Result<Next, vendor_figures::FiguresError> {
    Ok(if vendor_figures::run_once(&app).await? {
        Next::RunAgain
    } else {
        Next::Sleep(VENDOR_FIGURES)
    })
}

async fn clean_up(app: App) -> sqlx::Result<Next> {
    login_sessions::delete_ended(&app.db, app.clock.now()).await?;
    accounts::delete_old_tries(&app).await?;
    refusals::delete_old(&app).await?;
    files::remove_unused(&app).await?;
    suppressions::import::delete_old(&app).await?;
    notifications::delete_old(&app).await?;
    let now = app.clock.now();
    upload_rows::delete_abandoned(&app.db, now - DRAFT_RETENTION, now - BROKEN_UPLOAD_RETENTION)
        .await?;
    workers::forget_dead(&app.db, now).await?;
    Ok(Next::Sleep(CLEAN_UP))
}

async fn pull_reports(app: App) -> sqlx::Result<Next> {
    // What is pulled once is not given to the real installation.
    if !installation::is_whole(&app.db).await? {
        return Ok(Next::Sleep(IDLE_DELAY));
    }
    Ok(if pull::run_once(&app).await? { Next::RunAgain } else { Next::Sleep(IDLE_DELAY) })
}

async fn missing_pushes(app: App) -> sqlx::Result<Next> {
    missing_pushes::run_once(&app).await?;
    Ok(Next::Sleep(MISSING_PUSHES))
}

async fn watch_alerts(app: App) -> sqlx::Result<Next> {
    if installation::is_whole(&app.db).await? {
        alerts::run_once(&app).await?;
    }
    Ok(Next::Sleep(ALERTS))
}

async fn mail_reports(app: App) -> sqlx::Result<Next> {
    if installation::is_whole(&app.db).await? {
        monthly_reports::run_once(&app).await?;
    }
    Ok(Next::Sleep(MONTHLY_REPORTS))
}

/// Returns this process's last contact with the vendor, in times of the clock.
fn vendor_contact(app: &App) -> VendorContact {
    let (now, contact) = (app.clock.now(), app.usms.last_contact());
    let (trouble_at, problem) = contact.problem.unzip();
    VendorContact {
        heard_at: contact.response.map(|at| now - at.elapsed()),
        trouble_at: trouble_at.map(|at| now - at.elapsed()),
        problem: problem.unwrap_or_default(),
    }
}

async fn apply_retention(app: App) -> sqlx::Result<Next> {
    Ok(if retention::run_once(&app).await? { Next::RunAgain } else { Next::Sleep(RETENTION) })
}

async fn chain_audit(app: App) -> sqlx::Result<Next> {
    if !installation::is_whole(&app.db).await? {
        return Ok(Next::Sleep(AUDIT_CHAIN));
    }
    Ok(if audit_chain::run_once(&app).await? { Next::RunAgain } else { Next::Sleep(AUDIT_CHAIN) })
}

async fn housekeeping(app: App) -> sqlx::Result<Next> {
    let now = app.clock.now();
    if !recovery::check(&app).await? {
        return Ok(Next::Sleep(HOUSEKEEPING));
    }
    workers::beat(&app.db, app.process, &vendor_contact(&app), now).await?;
    app.in_hand.set_beat(Some(now));
    submit::requeue_unknown(&app).await?;
    submit::expire_leases(&app).await?;
    let missed = pause::pause_missed(&app, SCHEDULE_GRACE).await?;
    let (started, _) = batch_transitions::start_due(&app.db, now, SCHEDULE_GRACE).await?;
    if started > 0 {
        app.wake.submit();
    }
    if missed > 0 {
        tracing::warn!(missed, "scheduled times were missed; batches are paused");
    }
    Ok(Next::Sleep(HOUSEKEEPING))
}
