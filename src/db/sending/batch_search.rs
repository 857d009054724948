//! The search for batches, newest first.
//!
//! However many batches there are, a page reads few rows. One index yields batches in the order of their ids; what it
//! does not cover is checked for a bounded number of them. A name that is rare is found by the index of letter pairs.

use sqlx::PgPool;
use time::OffsetDateTime;

use crate::db::sending::batches::{self, Batch};
use crate::domain::ids::{BatchId, ProjectId, TemplateId, UserId, first_number_at};
use crate::domain::sending::batch::BatchState;

/// The number of batches that a search checks without an index.
const MAX_SCANNED: i64 = 1_000;

/// The filters of a search for batches. Unset filters match everything.
#[derive(Debug, Clone)]
pub struct BatchQuery {
    /// The states.
    pub states: Vec<BatchState>,
    /// A part of the name, in lower case; an empty string matches all.
    pub name: String,
    /// Whether phones in names are masked, and so not searched.
    pub masked: bool,
    /// Who ordered it.
    pub person: Option<UserId>,
    /// Its template.
    pub template: Option<TemplateId>,
    /// Batches made at this time or later.
    pub since: Option<OffsetDateTime>,
    /// Batches made before this time.
    pub until: Option<OffsetDateTime>,
    /// The page begins after this batch.
    pub before: Option<BatchId>,
}

impl Default for BatchQuery {
    fn default() -> Self {
        Self {
            states: BatchState::ALL.to_vec(),
            name: String::new(),
            masked: false,
            person: None,
            template: None,
            since: None,
            until: None,
            before: None,
        }
    }
}

impl BatchQuery {
    /// Returns the first id of the page, and the id before which it ends.
    fn ids(&self) -> (i64, i64) {
        let until = self.until.map_or(i64::MAX, first_number_at);
        let before = self.before.map_or(i64::MAX, |id| id.0);
        (self.since.map_or(0, first_number_at), until.min(before))
    }

    /// Returns whether the name is long enough for the index of letter pairs.
    fn has_pairs(&self) -> bool {
        self.name.chars().nth(1).is_some()
    }
}

/// What follows a page of batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Continues {
    /// Nothing.
    No,
    /// More batches, after this one.
    After(BatchId),
    /// The search stopped after a bounded number of batches, before the page was full. More may follow after this one.
    Further(BatchId),
}

/// Returns at most `limit` batches of the project that match the query, newest first, and what follows them.
pub async fn page(
    db: &PgPool,
    project: ProjectId,
    query: &BatchQuery,
    limit: i64,
) -> sqlx::Result<(Vec<Batch>, Continues)> {
    let is_full = |ids: &[BatchId]| i64::try_from(ids.len()).is_ok_and(|n| n >= limit);
    let (mut ids, edge) = scan(db, project, query, limit).await?;
    let mut next = edge.map_or(Continues::No, Continues::Further);
    if edge.is_some() && !is_full(&ids) && query.has_pairs() {
        ids = by_pairs(db, project, query, limit).await?;
        next = Continues::No;
    }
    if let Some(last) = ids.last().filter(|_| is_full(&ids)) {
        next = Continues::After(*last);
    }
    Ok((batches::by_ids(db, project, &ids).await?, next))
}

/// Returns the batches that match among the first ones of the index that narrows the search most, and the last of those if
/// there are more.
async fn scan(
    db: &PgPool,
    project: ProjectId,
    query: &BatchQuery,
    limit: i64,
) -> sqlx::Result<(Vec<BatchId>, Option<BatchId>)> {
    let (from, to) = query.ids();
    macro_rules! rows {
        ($by:tt) => {
            sqlx::query!(
                r#"with scanned as materialized (
                     select b.id, b.name, b.state, b.ordered_by, b.template_id from batches b
                     where b.project_id = $1 and b.id >= $2 and b.id < $3 and "#
                    + $by
                    + r#" order by b.id desc limit $4
                   )
                   select id as "id!: BatchId", false as "edge!" from (
                     select id from scanned
                     where ($5::bigint is null or ordered_by = $5)
                       and ($6::bigint is null or template_id = $6)
                       and state = any($7::batch_state[])
                       and ($8 = '' or strpos(lower(case when $9 then phones_masked_in(name) else name end), $8) > 0)
                     order by id desc limit $10
                   ) matching
                   union all
                   select min(id), true from scanned having count(*) = $4"#,
                project.0,
                from,
                to,
                MAX_SCANNED,
                query.person.map(|id| id.0),
                query.template.map(|id| id.0),
                &query.states as &[BatchState],
                query.name,
                query.masked,
                limit,
            )
            .map(|row| (row.id, row.edge))
            .fetch_all(db)
            .await?
        };
    }
    let rows = match query {
        BatchQuery { template: Some(_), .. } => rows!("b.template_id = $6"),
        BatchQuery { person: Some(_), .. } => rows!("b.ordered_by = $5"),
        BatchQuery { states, .. } if states.len() == 1 => rows!("b.state = ($7::batch_state[])[1]"),
        BatchQuery { .. } => rows!("true"),
    };
    let edge = rows.iter().find(|(_, is_edge)| *is_edge).map(|(id, _)| *id);
    Ok((rows.into_iter().filter(|(_, is_edge)| !is_edge).map(|(id, _)| id).collect(), edge))
}

/// Returns the batches that match, by the index of letter pairs.
async fn by_pairs(
    db: &PgPool,
    project: ProjectId,
    query: &BatchQuery,
    limit: i64,
) -> sqlx::Result<Vec<BatchId>> {
    let (from, to) = query.ids();
    sqlx::query_scalar!(
        r#"select b.id as "id: BatchId" from batches b
           where b.project_id = $1 and b.id >= $2 and b.id < $3
             and search_pairs(lower(b.name)) @> search_pairs($7)
             and strpos(lower(case when $8 then phones_masked_in(b.name) else b.name end), $7) > 0
             and ($4::bigint is null or b.ordered_by = $4)
             and ($5::bigint is null or b.template_id = $5)
             and b.state = any($6::batch_state[])
           order by b.id desc limit $9"#,
        project.0,
        from,
        to,
        query.person.map(|id| id.0),
        query.template.map(|id| id.0),
        &query.states as &[BatchState],
        query.name,
        query.masked,
        limit,
    )
    .fetch_all(db)
    .await
}

/// Somebody who ordered batches.
#[derive(Debug, Clone)]
pub struct Orderer {
    /// Their account.
    pub id: UserId,
    /// Its name.
    pub name: String,
}

/// Returns at most `limit` people who ordered batches of the project and have `name`, in lower case, in their name.
/// Each is read once, however many batches they ordered.
pub async fn orderers(
    db: &PgPool,
    project: ProjectId,
    name: &str,
    limit: i64,
) -> sqlx::Result<Vec<Orderer>> {
    sqlx::query_as!(
        Orderer,
        r#"with recursive people (id) as (
             (select ordered_by from batches where project_id = $1 order by ordered_by limit 1)
             union all
             select (select b.ordered_by from batches b where b.project_id = $1 and b.ordered_by > p.id
               order by b.ordered_by limit 1)
             from people p where p.id is not null
           )
           select u.id as "id: UserId", u.name from people p join users u on u.id = p.id
           where strpos(lower(u.name), $2) > 0 order by u.name limit $3"#,
        project.0,
        name,
        limit,
    )
    .fetch_all(db)
    .await
}
