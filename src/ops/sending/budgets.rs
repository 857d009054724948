//! Budgets: an order reserves what it takes in its own transaction, on the day on which it leaves. What is
//! over a hard budget is refused, what is over a soft one waits for an approver.

use serde_json::json;
use sqlx::PgConnection;
use time::{Date, OffsetDateTime};

use crate::app::App;
use crate::db::audit;
use crate::db::reporting::alerts::Condition;
use crate::db::sending::budgets::{self, NewBudget, Query};
use crate::domain::alert::AlertEvent;
use crate::domain::ids::{BatchId, BudgetId, ProjectId, UserId};
use crate::domain::period;
use crate::domain::review::Purpose;
use crate::domain::sending::batch::leaves_at;
use crate::domain::sending::budget::{Amount, Budget, BudgetVerdict, OverBudget};
use crate::ops::actor::Actor;
use crate::ops::reporting::notifications;

/// What an order is about to reserve.
#[derive(Debug, Clone, Copy)]
pub struct Claim {
    /// The project.
    pub project: ProjectId,
    /// Who ordered it.
    pub user: UserId,
    /// The day in China on which it leaves.
    pub day: Date,
    /// What it takes.
    pub order: Amount,
}

/// Returns the day in China on which messages leave that are ordered for a time, or for now.
pub fn leaving_day(
    purpose: Purpose,
    schedule_at: Option<OffsetDateTime>,
    now: OffsetDateTime,
) -> Date {
    period::day_of(leaves_at(purpose, schedule_at.map_or(now, |at| at.max(now))))
}

/// Why nothing was reserved.
#[derive(Debug, thiserror::Error)]
pub enum BudgetError {
    /// A hard budget would be exceeded, or a soft one by somebody who cannot decide that.
    #[error(transparent)]
    Over(#[from] Box<OverBudget>),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Locks the budgets that an order counts for. Returns whether it needs an approver.
///
/// # Errors
///
/// [`BudgetError::Over`] names the first hard budget that it is over.
pub(in crate::ops) async fn check(
    db: &mut PgConnection,
    claim: &Claim,
    without: Option<BatchId>,
) -> Result<Vec<Budget>, BudgetError> {
    budgets::lock(db, claim.project, claim.user).await?;
    let query = Query { project: claim.project, user: Some(claim.user), day: claim.day, without };
    let all = budgets::read(db, query).await?;
    match all.iter().find(|budget| budget.verdict(claim.order) == BudgetVerdict::Refused) {
        Some(budget) => {
            Err(Box::new(OverBudget { budget: budget.clone(), order: claim.order }).into())
        }
        None => Ok(all),
    }
}

/// Returns the first budget for which an order needs an approver.
pub fn asks(budgets: &[Budget], order: Amount) -> Option<&Budget> {
    budgets.iter().find(|budget| budget.verdict(order) == BudgetVerdict::Asks)
}

/// Reserves what an order takes, after [`check`] in the same transaction. Notifies people of each budget of which it
/// uses four fifths or all, once in its period.
pub(in crate::ops) async fn reserve(
    app: &App,
    db: &mut PgConnection,
    batch: BatchId,
    claim: &Claim,
    checked: &[Budget],
) -> sqlx::Result<()> {
    let Claim { project, user, day, order } = *claim;
    budgets::reserve(db, project, user, batch, day, order).await?;
    for budget in checked {
        for percent in budget.passes(order) {
            let event = if percent < 100 { AlertEvent::Budget80 } else { AlertEvent::Budget100 };
            let used = budget.used + order.of(budget.unit);
            let body = notifications::of_budget(app, db, project, event, budget, used).await?;
            let subject = format!("{}/{}", budget.id, budget.period.first_day(day));
            let (subject, body) = (subject.as_str(), &json!(body));
            let condition = Condition { project, event, subject, batch: None, body };
            notifications::notify_begin(app, db, &condition).await?;
        }
    }
    Ok(())
}

/// How an approval or another time may treat a soft budget that is exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ops) enum Soft {
    /// A person decides who may.
    Decided,
    /// Nobody has decided.
    Open,
}

/// Moves the reservation of a batch to the day on which it leaves now.
///
/// # Errors
///
/// [`BudgetError::Over`] names the budget of that day that does not allow it.
pub(in crate::ops) async fn move_to(
    app: &App,
    db: &mut PgConnection,
    project: ProjectId,
    batch: BatchId,
    day: Date,
    soft: Soft,
) -> Result<(), BudgetError> {
    let Some(found) = budgets::find(db, batch).await? else { return Ok(()) };
    let order = Amount { messages: found.messages, cost: found.cost };
    if found.day == day && soft == Soft::Open {
        return Ok(());
    }
    let claim = Claim { project, user: found.user, day, order };
    let checked = check(db, &claim, Some(batch)).await?;
    if let Some(budget) = asks(&checked, order).filter(|_| soft == Soft::Open) {
        return Err(Box::new(OverBudget { budget: budget.clone(), order }).into());
    }
    if found.day != day {
        reserve(app, db, batch, &claim, &checked).await?;
    }
    Ok(())
}

/// Returns the budgets that an order of a person would count for, as they are now.
pub async fn outlook(
    app: &App,
    project: ProjectId,
    user: UserId,
    day: Date,
    without: Option<BatchId>,
) -> sqlx::Result<Vec<Budget>> {
    let mut db = app.db.acquire().await?;
    budgets::read(&mut db, Query { project, user: Some(user), day, without }).await
}

/// Saves a budget.
pub async fn save(app: &App, actor: Actor<'_>, new: &NewBudget) -> sqlx::Result<()> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    budgets::save(&mut tx, actor.project, new, now).await?;
    let detail = json!({
        "period": new.period.key(),
        "unit": new.unit.key(),
        "cap": new.cap,
        "hard": new.hard,
        "user": new.user.map(|user| user.to_string()),
    });
    record(app, &mut tx, actor, "budget_saved", detail).await?;
    tx.commit().await
}

/// Deletes a budget. Returns whether it existed.
pub async fn delete(app: &App, actor: Actor<'_>, budget: BudgetId) -> sqlx::Result<bool> {
    let mut tx = app.db.begin().await?;
    if !budgets::delete(&mut tx, actor.project, budget).await? {
        return Ok(false);
    }
    record(app, &mut tx, actor, "budget_deleted", json!({})).await?;
    tx.commit().await?;
    Ok(true)
}

async fn record(
    app: &App,
    db: &mut PgConnection,
    actor: Actor<'_>,
    action: &str,
    detail: serde_json::Value,
) -> sqlx::Result<()> {
    let entry = audit::Entry {
        project: Some(actor.project),
        user: Some(actor.user),
        action,
        subject: "",
        detail,
        ip: actor.ip,
    };
    audit::record(db, &entry, app.clock.now()).await
}
