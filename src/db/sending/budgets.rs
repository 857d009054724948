//! Budgets, and what orders have reserved of them.

use sqlx::{PgConnection, PgPool};
use time::{Date, OffsetDateTime};

use crate::domain::ids::{BatchId, BudgetId, ProjectId, UserId};
use crate::domain::sending::budget::{Amount, Budget, BudgetPeriod, BudgetUnit};

/// Which budgets are read, with what is used in the periods of which day.
#[derive(Debug, Clone, Copy)]
pub struct Query {
    /// The project.
    pub project: ProjectId,
    /// The person whose own budgets are included; `None` for those of all.
    pub user: Option<UserId>,
    /// The day in China.
    pub day: Date,
    /// A batch whose reservation is not counted.
    pub without: Option<BatchId>,
}

/// Returns the budgets of a project, and what is used of them.
pub async fn read(db: &mut PgConnection, query: Query) -> sqlx::Result<Vec<Budget>> {
    sqlx::query_as!(
        Budget,
        r#"select b.id as "id: BudgetId", b.user_id as "user: UserId", u.name as "name?",
             b.period as "period: BudgetPeriod", b.unit as "unit: BudgetUnit", b.cap, b.hard,
             coalesce((select sum(case b.unit when 'messages' then r.messages else r.cost end)
               from budget_reservations r
               where r.project_id = b.project_id and (b.user_id is null or r.user_id = b.user_id)
                 and r.batch_id is distinct from $4
                 and case b.period when 'day' then r.day = $3
                   else r.day >= date_trunc('month', $3::date)::date
                     and r.day < (date_trunc('month', $3::date) + interval '1 month')::date end),
               0)::bigint as "used!"
           from budgets b left join users u on u.id = b.user_id
           where b.project_id = $1 and ($2::bigint is null or b.user_id is null or b.user_id = $2)
           order by b.user_id nulls first, b.period, b.unit"#,
        query.project as ProjectId,
        query.user as Option<UserId>,
        query.day,
        query.without as Option<BatchId>,
    )
    .fetch_all(db)
    .await
}

/// Locks the budgets that an order of a person counts for, until the end of the transaction. Orders that
/// count for the same one follow each other, so that each sees what the one before has reserved. Always in
/// the order of their ids, and after the batch.
pub async fn lock(db: &mut PgConnection, project: ProjectId, user: UserId) -> sqlx::Result<()> {
    sqlx::query!(
        r#"select id from budgets where project_id = $1 and (user_id is null or user_id = $2)
           order by id for update"#,
        project as ProjectId,
        user as UserId,
    )
    .fetch_all(db)
    .await?;
    Ok(())
}

/// Reserves what an order takes, on the day on which it leaves. An earlier reservation of the batch is
/// replaced.
pub async fn reserve(
    db: &mut PgConnection,
    project: ProjectId,
    user: UserId,
    batch: BatchId,
    day: Date,
    order: Amount,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"insert into budget_reservations
             (batch_id, project_id, user_id, day, ordered, ordered_cost, messages, cost)
           values ($1, $2, $3, $4, $5, $6, $5, $6)
           on conflict (batch_id) do update set user_id = $3, day = $4, ordered = $5,
             ordered_cost = $6, messages = $5, cost = $6"#,
        batch as BatchId,
        project as ProjectId,
        user as UserId,
        day,
        order.messages,
        order.cost,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The reservation of a batch.
#[derive(Debug)]
pub struct Reservation {
    /// Who ordered it.
    pub user: UserId,
    /// The day in China on which it leaves.
    pub day: Date,
    /// The number of messages.
    pub messages: i32,
    /// The expected cost.
    pub cost: i64,
}

/// Finds the reservation of a batch.
pub async fn find(db: &mut PgConnection, batch: BatchId) -> sqlx::Result<Option<Reservation>> {
    sqlx::query_as!(
        Reservation,
        r#"select user_id as "user: UserId", day, messages, cost
           from budget_reservations where batch_id = $1"#,
        batch as BatchId,
    )
    .fetch_optional(db)
    .await
}

/// Gives back what a batch reserved and does not send: what was cancelled, refused or suppressed. Of its cost,
/// the same share is given back.
pub async fn give_back(db: &mut PgConnection, batch: BatchId) -> sqlx::Result<()> {
    sqlx::query!(
        r#"update budget_reservations r
           set messages = kept.n, cost = r.ordered_cost * kept.n / r.ordered
           from (select least(kept_messages($1), ordered) as n
             from budget_reservations where batch_id = $1) kept
           where r.batch_id = $1 and r.messages <> kept.n"#,
        batch as BatchId,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A budget to be saved.
#[derive(Debug, Clone, Copy)]
pub struct NewBudget {
    /// Whose orders count; `None` for those of all.
    pub user: Option<UserId>,
    /// The time that it is for.
    pub period: BudgetPeriod,
    /// What it counts.
    pub unit: BudgetUnit,
    /// The most that may be used.
    pub cap: i64,
    /// Whether it refuses what is over it.
    pub hard: bool,
}

/// Saves a budget; one for the same person, period and unit is replaced.
pub async fn save(
    db: &mut PgConnection,
    project: ProjectId,
    new: &NewBudget,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"insert into budgets (id, project_id, user_id, period, unit, cap, hard)
           values (new_id($7), $1, $2, $3, $4, $5, $6)
           on conflict (project_id, coalesce(user_id, 0), period, unit)
             do update set cap = $5, hard = $6"#,
        project as ProjectId,
        new.user as Option<UserId>,
        new.period as BudgetPeriod,
        new.unit as BudgetUnit,
        new.cap,
        new.hard,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes a budget. Returns whether it existed.
pub async fn delete(
    db: &mut PgConnection,
    project: ProjectId,
    budget: BudgetId,
) -> sqlx::Result<bool> {
    let deleted = sqlx::query!(
        "delete from budgets where project_id = $1 and id = $2",
        project as ProjectId,
        budget as BudgetId,
    )
    .execute(db)
    .await?;
    Ok(deleted.rows_affected() == 1)
}

/// Returns what is used of a budget on each day that has reservations, from `since` until before `until`.
pub async fn by_day(
    db: &PgPool,
    project: ProjectId,
    budget: &Budget,
    since: Date,
    until: Date,
) -> sqlx::Result<Vec<(Date, i64)>> {
    let rows = sqlx::query!(
        r#"select day, sum(case $5::budget_unit when 'messages' then messages else cost end)::bigint
             as "used!"
           from budget_reservations
           where project_id = $1 and day >= $2 and day < $3 and ($4::bigint is null or user_id = $4)
           group by day order by day"#,
        project as ProjectId,
        since,
        until,
        budget.user as Option<UserId>,
        budget.unit as BudgetUnit,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.day, row.used)).collect())
}
