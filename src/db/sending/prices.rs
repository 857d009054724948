//! Prices of a project, and the prices that its batches were ordered at.

use sqlx::{PgConnection, PgExecutor, PgPool};
use time::{Date, OffsetDateTime};

use crate::domain::ids::{BatchId, ProjectId};
use crate::domain::sending::price::{CountryEstimate, Estimate, Price, PriceKind, PriceList};

/// Returns the prices of a project that are valid on a day.
pub async fn on(db: impl PgExecutor<'_>, project: ProjectId, day: Date) -> sqlx::Result<PriceList> {
    let prices = sqlx::query_as!(
        Price,
        r#"select distinct on (package, country) package as "kind: PriceKind", country,
             valid_from, price
           from prices where project_id = $1 and valid_from <= $2
           order by package, country, valid_from desc"#,
        project.0,
        day,
    )
    .fetch_all(db)
    .await?;
    Ok(prices.into_iter().collect())
}

/// A price in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedPrice {
    /// The price.
    pub price: Price,
    /// Whether it is a sample of the demo.
    pub sample: bool,
}

/// Returns all prices of a project, by kind and country, the newest of each first.
pub async fn all(db: impl PgExecutor<'_>, project: ProjectId) -> sqlx::Result<Vec<ListedPrice>> {
    let rows = sqlx::query!(
        r#"select package as "kind: PriceKind", country, valid_from, price, sample
           from prices where project_id = $1
           order by package, length(country), country, valid_from desc"#,
        project.0,
    )
    .fetch_all(db)
    .await?;
    let listed = rows.into_iter().map(|row| {
        let (kind, country) = (row.kind, row.country);
        let price = Price { kind, country, valid_from: row.valid_from, price: row.price };
        ListedPrice { price, sample: row.sample }
    });
    Ok(listed.collect())
}

/// Inserts prices of a project, samples or not. One of the same kind, country and day is replaced.
pub async fn upsert(
    db: &mut PgConnection,
    project: ProjectId,
    prices: &[Price],
    sample: bool,
) -> sqlx::Result<()> {
    let kinds: Vec<PriceKind> = prices.iter().map(|price| price.kind).collect();
    let countries: Vec<&str> = prices.iter().map(|price| price.country.as_str()).collect();
    let days: Vec<Date> = prices.iter().map(|price| price.valid_from).collect();
    let amounts: Vec<Option<i32>> = prices.iter().map(|price| price.price).collect();
    sqlx::query!(
        r#"insert into prices (project_id, package, country, valid_from, price, sample)
           select $1, *, $6::bool from unnest($2::sms_package[], $3::text[], $4::date[], $5::int[])
           on conflict (project_id, package, country, valid_from)
             do update set price = excluded.price, sample = excluded.sample"#,
        project.0,
        kinds as Vec<PriceKind>,
        countries as Vec<&str>,
        &days,
        amounts as Vec<Option<i32>>,
        sample,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes a price of a project. Returns whether it was there.
pub async fn delete(
    db: &mut PgConnection,
    project: ProjectId,
    kind: PriceKind,
    country: &str,
    valid_from: Date,
) -> sqlx::Result<bool> {
    let deleted = sqlx::query!(
        "delete from prices
         where project_id = $1 and package = $2 and country = $3 and valid_from = $4",
        project.0,
        kind as PriceKind,
        country,
        valid_from,
    )
    .execute(db)
    .await?;
    Ok(deleted.rows_affected() == 1)
}

/// Returns the day from which the first price of a kind is valid: today, or if it never had one,
/// the project's first day, so that it holds for what was sent without a price.
pub async fn first_day(
    db: &mut PgConnection,
    project: ProjectId,
    kind: PriceKind,
    today: Date,
) -> sqlx::Result<Date> {
    sqlx::query_scalar!(
        r#"select case when exists (select from prices where project_id = $1 and package = $2)
             then $3 else least($3, (created_at at time zone 'Asia/Shanghai')::date) end as "day!"
           from projects where id = $1"#,
        project.0,
        kind as PriceKind,
        today,
    )
    .fetch_one(db)
    .await
}

/// Stores what a batch abroad is ordered at.
pub async fn insert_countries(
    db: &mut PgConnection,
    batch: BatchId,
    estimate: &Estimate,
) -> sqlx::Result<()> {
    let countries = &estimate.countries;
    let codes: Vec<&str> = countries.iter().map(|one| one.country.as_str()).collect();
    let parts: Vec<i64> = countries.iter().map(|one| one.parts).collect();
    let prices: Vec<Option<i32>> = countries.iter().map(|one| one.price).collect();
    sqlx::query!(
        r#"insert into batch_countries (batch_id, country, parts, price)
           select $1, * from unnest($2::text[], $3::bigint[], $4::int[])"#,
        batch.0,
        codes as Vec<&str>,
        &parts,
        prices as Vec<Option<i32>>,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Returns what a batch was expected to cost when it was ordered.
pub async fn expected(db: impl PgExecutor<'_>, batch: BatchId) -> sqlx::Result<Estimate> {
    let countries = sqlx::query_as!(
        CountryEstimate,
        r#"select country as "country!", parts as "parts!", price as "price?"
           from expected_parts where batch_id = $1 order by 1"#,
        batch.0,
    )
    .fetch_all(db)
    .await?;
    Ok(Estimate { countries })
}

/// Costs in ten-thousandths of a yuan.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// The number of parts.
    pub parts: i64,
    /// The cost of the parts whose price is known.
    pub known: i64,
    /// The number of parts whose price is not known.
    pub unpriced: i64,
}

/// Returns what a batch has been billed: the parts in its receipts.
pub async fn billed(db: &PgPool, batch: BatchId) -> sqlx::Result<Cost> {
    sqlx::query_as!(
        Cost,
        r#"select coalesce(sum(parts), 0)::bigint as "parts!",
             coalesce(sum(parts * price), 0)::bigint as "known!",
             coalesce(sum(case when price is null then parts else 0 end), 0)::bigint as "unpriced!"
           from billed_parts where batch_id = $1"#,
        batch.0,
    )
    .fetch_one(db)
    .await
}

/// Returns what the batches were expected to cost that were ordered from `since` until before
/// `until`.
pub async fn expected_of_orders(
    db: &PgPool,
    project: ProjectId,
    since: OffsetDateTime,
    until: OffsetDateTime,
) -> sqlx::Result<Cost> {
    sqlx::query_as!(
        Cost,
        r#"select coalesce(sum(parts), 0)::bigint as "parts!",
             coalesce(sum(parts * price), 0)::bigint as "known!",
             coalesce(sum(case when price is null then parts else 0 end), 0)::bigint as "unpriced!"
           from expected_parts
           where project_id = $1 and ordered_at >= $2 and ordered_at < $3 and not never_sent"#,
        project.0,
        since,
        until,
    )
    .fetch_one(db)
    .await
}
