//! Background loops. Each turns one `run_once` of `ops` over and over: at once while there is work,
//! after a wake-up or a short rest when there is none, and until the process is told to stop. A call
//! in flight is always finished: stopping leaves nothing in doubt.

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
use crate::db::claims::{Claim, Claimed};
use crate::db::workers::{self, VendorHeard};
use crate::db::{batch_transitions, login_sessions, statistics, uploads as upload_rows};
use crate::domain::batch::SCHEDULE_GRACE;
use crate::domain::call_problem::CallProblem;
use crate::domain::ids::{ProjectId, SubmissionId};
use crate::ops::submit::End;
use crate::ops::{
    apply, failure_guard, files, missing_pushes, notifications, plan, poll, pull, push_inbox,
    retention, review, submit, uploads, vendor_figures,
};

/// How long a loop rests when it found nothing: the longest delay of work that another process made.
const REST: Duration = Duration::from_millis(500);
/// Nobody looks for work more often than this.
const MIN_REST: Duration = Duration::from_millis(10);
/// How long a loop rests after an error.
const REST_AFTER_ERROR: Duration = Duration::from_secs(2);
/// Leases are checked, and schedules looked at, this often.
const HOUSEKEEPING: Duration = Duration::from_millis(500);

/// So many projects may have all of their calls under way in one process.
const PROJECTS_AT_ONCE: usize = 4;
/// So many projects are asked about receipts at once: one that does not answer holds up no other.
const POLLS_AT_ONCE: usize = 4;
/// How soon the recipients of a batch that was confirmed begin to become messages.
const PLANNING: Duration = Duration::from_millis(150);
/// Batches that are sending are watched over this often.
const FAILURE_GUARD: Duration = Duration::from_secs(1);
/// Whether pushes are missing is looked at this often.
const MISSING_PUSHES: Duration = Duration::from_secs(20);
/// Drafts that nobody touches are removed after this long, uploads that broke off sooner.
const DRAFT_RETENTION: time::Duration = time::Duration::days(14);
const BROKEN_UPLOAD_RETENTION: time::Duration = time::Duration::hours(1);
/// Differences of statistics are folded into the counts this often.
const STATISTICS: Duration = Duration::from_secs(1);
/// Whether it is time for the vendor's own counts is looked at this often.
const VENDOR_FIGURES: Duration = Duration::from_secs(60);
/// Login sessions that have ended and files of forms that were left are removed this often.
const CLEAN_UP: Duration = Duration::from_secs(600);

/// What is past keeping is removed, and pieces of the messages are made ahead, this often.
const RETENTION: Duration = Duration::from_secs(60);

/// Runs all loops until `stop`, then until their work in hand is done.
pub async fn run(app: App, stop: CancellationToken) {
    let mut loops = JoinSet::new();
    loops.spawn(submit_all(app.clone(), stop.clone()));
    for _ in 0..PUSH_WORKERS {
        let settle = app.clone();
        loops.spawn(turn("settle", stop.clone(), move || process_pushes(settle.clone())));
    }
    for _ in 0..POLLS_AT_ONCE {
        let ask = app.clone();
        loops.spawn(turn("poll receipts", stop.clone(), move || poll_receipts(ask.clone())));
    }
    let review = app.clone();
    loops.spawn(turn("reviews", stop.clone(), move || check_reviews(review.clone())));
    let doubt = app.clone();
    loops.spawn(turn("applications in doubt", stop.clone(), move || {
        check_applications(doubt.clone())
    }));
    let tell = app.clone();
    loops.spawn(turn("notices", stop.clone(), move || deliver_notifications(tell.clone())));
    let read = app.clone();
    loops.spawn(turn("reading", stop.clone(), move || uploads(read.clone())));
    let plan = app.clone();
    loops.spawn(turn("planning", stop.clone(), move || plan_messages(plan.clone())));
    let failure_guard = app.clone();
    loops.spawn(turn("overseeing", stop.clone(), move || guard_failures(failure_guard.clone())));
    let pull = app.clone();
    loops.spawn(turn("pull reports", stop.clone(), move || pull_reports(pull.clone())));
    let miss = app.clone();
    loops.spawn(turn("missing pushes", stop.clone(), move || missing_pushes(miss.clone())));
    let fold = app.clone();
    loops.spawn(turn("statistics", stop.clone(), move || fold_statistics(fold.clone())));
    let figures = app.clone();
    loops.spawn(turn("vendor's counts", stop.clone(), move || {
        fetch_vendor_figures(figures.clone())
    }));
    let retention = app.clone();
    loops.spawn(turn("retention", stop.clone(), move || apply_retention(retention.clone())));
    let tidy = app.clone();
    loops.spawn(turn("tidying", stop.clone(), move || clean_up(tidy.clone())));
    loops.spawn(turn("schedule", stop.clone(), move || housekeeping(app.clone())));
    while let Some(ended) = loops.join_next().await {
        if let Err(error) = ended {
            error!(%error, "background loop failed");
        }
    }
}

/// What a turn came to: more to do at once, or how long to rest.
enum Turn {
    More,
    Rest(Duration),
}

async fn turn<W, F, E>(name: &'static str, stop: CancellationToken, mut work: W)
where
    W: FnMut() -> F,
    F: Future<Output = Result<Turn, E>>,
    E: Display,
{
    while !stop.is_cancelled() {
        let how_long = match work().await {
            Ok(Turn::More) => continue,
            Ok(Turn::Rest(how_long)) => how_long,
            Err(error) => {
                error!(job = name, %error, "background job failed; will retry");
                REST_AFTER_ERROR
            }
        };
        rest(&stop, how_long).await;
    }
}

/// Calls that are over and being recorded. Their places are free: the next calls need not wait for
/// the record.
#[derive(Clone, Debug, Default)]
struct EndedCalls {
    ids: Arc<Mutex<BTreeSet<SubmissionId>>>,
    more: Arc<Notify>,
}

impl EndedCalls {
    fn add(&self, id: SubmissionId) {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
        self.more.notify_one();
    }

    fn remove(&self, id: SubmissionId) {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }

    fn list(&self) -> Vec<SubmissionId> {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect()
    }
}

/// So many calls of one project may be under way in this process. A few more may have been claimed: one
/// begins when one of these ends, without a look at the database in between.
#[derive(Clone, Debug, Default)]
struct CallPlaces(Arc<Mutex<HashMap<ProjectId, Arc<Semaphore>>>>);

impl CallPlaces {
    fn of(&self, project: ProjectId, concurrency: usize) -> Arc<Semaphore> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(project).or_insert_with(|| Arc::new(Semaphore::new(concurrency))).clone()
    }
}

/// Claims one submission after the other and sends as many at once as the process may.
async fn submit_all(app: App, stop: CancellationToken) {
    let room = Arc::new(Semaphore::new((app.pace.concurrency + submit::AHEAD) * PROJECTS_AT_ONCE));
    let (ended, places) = (EndedCalls::default(), CallPlaces::default());
    let mut calls = JoinSet::new();
    while let Some(place) = free_place(&room, &stop).await {
        match submit::claim_ahead(&app, ended.list()).await {
            Ok(Claim::TakenOut) => {}
            Ok(Claim::Won(claimed)) => {
                let (app, ended, stop) = (app.clone(), ended.clone(), stop.clone());
                let places = places.of(claimed.project_id, app.pace.concurrency);
                calls.spawn(async move {
                    send(&app, &claimed, &ended, &places, &stop).await;
                    drop(place);
                });
            }
            Ok(Claim::Nothing) => rest_from_claims(&app, &stop, &ended, !calls.is_empty()).await,
            Err(error) => {
                error!(job = "submit", %error, "cannot claim submissions; will retry");
                rest(&stop, REST_AFTER_ERROR).await;
            }
        }
        while calls.try_join_next().is_some() {}
    }
    while calls.join_next().await.is_some() {}
}

async fn free_place(
    room: &Arc<Semaphore>,
    stop: &CancellationToken,
) -> Option<OwnedSemaphorePermit> {
    tokio::select! {
        biased;
        () = stop.cancelled() => None,
        place = room.clone().acquire_owned() => place.ok(),
    }
}

/// Sends when there is a place, and records what came of it. The call is over when the record fails;
/// it is tried until the lease runs out, when the submission becomes in doubt, as it must.
async fn send(
    app: &App,
    claimed: &Claimed,
    ended: &EndedCalls,
    places: &Semaphore,
    stop: &CancellationToken,
) {
    let end = match submit::prepare(app, claimed).await {
        Ok(ready) => match a_place(places, stop).await {
            Some(_place) => submit::call(app, claimed, ready).await,
            None => End::NotBegun,
        },
        Err(error) => {
            error!(submission = %claimed.id, %error, "submission not sent");
            // It failed before anything left: no doubt about that.
            End::not_sent(CallProblem::Database.stored(), None)
        }
    };
    ended.add(claimed.id);
    while let Err(error) = submit::record(app, claimed, &end).await {
        error!(submission = %claimed.id, %error, "cannot record the response yet");
        if app.clock.now() >= claimed.lease_until {
            break;
        }
        tokio::time::sleep(REST).await;
    }
    ended.remove(claimed.id);
}

/// A place for a call, unless none is free for so long that what waits is better put back, or the
/// process is told to stop.
async fn a_place<'a>(
    places: &'a Semaphore,
    stop: &CancellationToken,
) -> Option<SemaphorePermit<'a>> {
    let longest = submit::MAX_AHEAD_WAIT.unsigned_abs();
    tokio::select! {
        biased;
        place = places.acquire() => place.ok(),
        () = stop.cancelled() => None,
        () = tokio::time::sleep(longest) => None,
    }
}

/// While calls run, a claim may fail only because the project's next call slot is not due, or since
/// all of its calls are under way: the end of one is the moment to look again.
async fn rest_from_claims(app: &App, stop: &CancellationToken, ended: &EndedCalls, busy: bool) {
    let slot = Duration::try_from(app.pace.call_interval()).unwrap_or(REST);
    let longest = if busy { slot.clamp(MIN_REST, REST) } else { REST };
    tokio::select! {
        () = app.wake.to_submit() => {}
        () = ended.more.notified() => {}
        () = rest(stop, longest) => {}
    }
}

async fn rest(stop: &CancellationToken, how_long: Duration) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = tokio::time::sleep(how_long) => {}
    }
}

async fn process_pushes(app: App) -> sqlx::Result<Turn> {
    app.backpressure.let_pass().await;
    if push_inbox::process_next(&app).await? {
        return Ok(Turn::More);
    }
    let _ = tokio::time::timeout(REST, app.wake.to_process_pushes()).await;
    Ok(Turn::Rest(Duration::ZERO))
}

async fn poll_receipts(app: App) -> sqlx::Result<Turn> {
    Ok(match poll::run_once(&app).await? {
        0 => Turn::Rest(REST),
        _ => Turn::More,
    })
}

async fn check_reviews(app: App) -> sqlx::Result<Turn> {
    Ok(match review::run_once(&app).await? {
        0 => Turn::Rest(REST),
        _ => Turn::More,
    })
}

async fn check_applications(app: App) -> Result<Turn, review::LookupError> {
    apply::expire_leases(&app).await?;
    Ok(if apply::in_doubt::run_once(&app).await? { Turn::More } else { Turn::Rest(REST) })
}

async fn deliver_notifications(app: App) -> sqlx::Result<Turn> {
    Ok(if notifications::run_once(&app).await? { Turn::More } else { Turn::Rest(REST) })
}

async fn uploads(app: App) -> sqlx::Result<Turn> {
    if uploads::import::run_once(&app).await? {
        return Ok(Turn::More);
    }
    let _ = tokio::time::timeout(REST, app.wake.to_read()).await;
    Ok(Turn::Rest(Duration::ZERO))
}

async fn plan_messages(app: App) -> sqlx::Result<Turn> {
    Ok(if plan::run_once(&app).await? { Turn::More } else { Turn::Rest(PLANNING) })
}

async fn guard_failures(app: App) -> sqlx::Result<Turn> {
    failure_guard::run_once(&app).await?;
    Ok(Turn::Rest(FAILURE_GUARD))
}

async fn fold_statistics(app: App) -> sqlx::Result<Turn> {
    let mut db = app.db.acquire().await?;
    statistics::fold(&mut db).await?;
    Ok(Turn::Rest(STATISTICS))
}

async fn fetch_vendor_figures(app: App) -> Result<Turn, vendor_figures::FiguresError> {
    Ok(if vendor_figures::run_once(&app).await? { Turn::More } else { Turn::Rest(VENDOR_FIGURES) })
}

async fn clean_up(app: App) -> sqlx::Result<Turn> {
    login_sessions::delete_ended(&app.db, app.clock.now()).await?;
    files::remove_unused(&app).await?;
    notifications::delete_old(&app).await?;
    let now = app.clock.now();
    upload_rows::delete_abandoned(&app.db, now - DRAFT_RETENTION, now - BROKEN_UPLOAD_RETENTION)
        .await?;
    workers::forget_dead(&app.db, now).await?;
    Ok(Turn::Rest(CLEAN_UP))
}

async fn pull_reports(app: App) -> sqlx::Result<Turn> {
    Ok(if pull::run_once(&app).await? { Turn::More } else { Turn::Rest(REST) })
}

async fn missing_pushes(app: App) -> sqlx::Result<Turn> {
    missing_pushes::run_once(&app).await?;
    Ok(Turn::Rest(MISSING_PUSHES))
}

/// What this process heard from the vendor, by the clock.
fn vendor_contact(app: &App) -> VendorHeard {
    let (now, heard) = (app.clock.now(), app.usms.heard());
    let (trouble_at, problem) = heard.problem.unzip();
    VendorHeard {
        heard_at: heard.answered.map(|at| now - at.elapsed()),
        trouble_at: trouble_at.map(|at| now - at.elapsed()),
        problem: problem.unwrap_or_default(),
    }
}

async fn apply_retention(app: App) -> sqlx::Result<Turn> {
    Ok(if retention::run_once(&app).await? { Turn::More } else { Turn::Rest(RETENTION) })
}

async fn housekeeping(app: App) -> sqlx::Result<Turn> {
    let now = app.clock.now();
    workers::beat(&app.db, app.process, &vendor_contact(&app), now).await?;
    submit::put_back_unknown(&app).await?;
    submit::expire_leases(&app).await?;
    let (started, missed) = batch_transitions::start_due(&app.db, now, SCHEDULE_GRACE).await?;
    if started > 0 {
        app.wake.submit();
    }
    if missed > 0 {
        tracing::warn!(missed, "scheduled times were missed; batches are paused");
    }
    Ok(Turn::Rest(HOUSEKEEPING))
}
