//! Bare inserts: receipts are written into a table that holds as many as the log does, by something
//! that does nothing else. Taking pushes in and settling them is measured against it.

use std::time::Instant;

use sqlx::{AssertSqlSafe, PgPool};
use tokio::task::JoinSet;

use super::pushes::Named;

/// A table for receipts.
#[derive(Debug)]
pub(super) struct Kind {
    create: &'static str,
    indexes: &'static str,
    /// What is written of a receipt `t`, which has an id, a session number and a phone.
    row: &'static str,
}

/// Nine columns and two indexes: somebody keeps receipts and finds them by phone.
pub(super) const TWO_INDEXES: Kind = Kind {
    create: "create table bare_receipts (id bigint, project_id bigint, session_no text, phone text,
               outcome text, code text, words text, parts int, receipt_at timestamptz)",
    indexes: "alter table bare_receipts add primary key (id);
              create index on bare_receipts (project_id, phone, id)",
    row: "id, 1, session_no, phone, 'delivered', 'DELIVRD', '用户接收成功', 1, now()",
};

/// The columns and indexes of a message of the log that is known by its receipt alone.
pub(super) const SEARCHED: Kind = Kind {
    create: "create table bare_receipts (like external_messages)",
    indexes: "alter table bare_receipts add primary key (id);
              create index on bare_receipts (project_id, id);
              create index on bare_receipts (project_id, right(phone, 4), id, phone);
              create index on bare_receipts (project_id, session_no, phone, id);
              create index on bare_receipts (project_id, outcome, id) where outcome <> 'delivered';
              create index on bare_receipts (project_id, reason_id, id) where outcome <> 'delivered'",
    row: "id, 1, session_no, phone, '', 'delivered', 1, 1, now(), now()",
};

/// Such a table, until it is dropped.
#[derive(Debug)]
pub(super) struct Bare<'a> {
    db: &'a PgPool,
    kind: Kind,
    /// The next id.
    next: i64,
}

impl<'a> Bare<'a> {
    /// A table that holds so many receipts.
    pub(super) async fn with(db: &'a PgPool, kind: Kind, stored: i64) -> anyhow::Result<Self> {
        let Kind { create, indexes, row } = kind;
        let fill = format!(
            "{create};
             insert into bare_receipts select {row} from (
               select n as id, md5((n / 200)::text)::uuid::text as session_no,
                 '1860' || lpad((n * 7654321 % 10000000)::text, 7, '0') as phone
               from generate_series(1, {stored}::bigint) n
             ) t;
             {indexes}"
        );
        sqlx::raw_sql(AssertSqlSafe(fill)).execute(db).await?;
        sqlx::raw_sql("vacuum analyze bare_receipts").execute(db).await?;
        sqlx::raw_sql("checkpoint").execute(db).await?;
        Ok(Self { db, kind, next: stored + 1 })
    }

    /// Writes receipts in their order, a statement for each part of them, over so many connections.
    /// Answers how many a second.
    #[allow(clippy::cast_precision_loss)]
    pub(super) async fn write(
        &mut self,
        parts: &[Vec<Named>],
        connections: usize,
    ) -> anyhow::Result<f64> {
        let mut waiting = Vec::with_capacity(parts.len());
        for part in parts {
            let ids: Vec<i64> = (self.next..).take(part.len()).collect();
            self.next += i64::try_from(part.len())?;
            let sessions: Vec<String> = part.iter().map(|one| one.session_no.clone()).collect();
            let phones: Vec<String> = part.iter().map(|one| one.phone.clone()).collect();
            waiting.push((ids, sessions, phones));
        }
        let mut waiting = waiting.into_iter();
        let insert = format!(
            "insert into bare_receipts select {} from
               unnest($1::bigint[], $2::text[], $3::text[]) as t (id, session_no, phone)",
            self.kind.row
        );
        let began = Instant::now();
        let mut under_way = JoinSet::new();
        for _ in 0..connections {
            let share: Vec<_> = waiting.by_ref().take(parts.len().div_ceil(connections)).collect();
            let (db, insert) = (self.db.clone(), insert.clone());
            under_way.spawn(async move {
                for (ids, sessions, phones) in share {
                    let insert = sqlx::query(AssertSqlSafe(insert.clone()));
                    insert.bind(ids).bind(sessions).bind(phones).execute(&db).await?;
                }
                anyhow::Ok(())
            });
        }
        for one in under_way.join_all().await {
            one?;
        }
        let receipts: usize = parts.iter().map(Vec::len).sum();
        Ok(receipts as f64 / began.elapsed().as_secs_f64())
    }

    /// Drops it.
    pub(super) async fn end(self) -> anyhow::Result<()> {
        sqlx::raw_sql("drop table bare_receipts").execute(self.db).await?;
        Ok(())
    }
}
