//! Bare inserts for comparison: receipts are written into a table of the same size as the
//! console's, without anything else. Storing and processing pushes is measured against it.

use std::time::Instant;

use sqlx::{AssertSqlSafe, PgPool};
use tokio::task::JoinSet;

/// The keys of a receipt.
#[derive(Debug, Clone)]
pub(super) struct ReceiptKey {
    pub(super) session_no: String,
    pub(super) phone: String,
    pub(super) user_id: String,
}

/// The layout of a table of receipts.
#[derive(Debug)]
pub(super) struct Layout {
    create: &'static str,
    indexes: &'static str,
    /// The expressions that are inserted for a receipt `t` with an id, a session number and a
    /// phone.
    row: &'static str,
}

/// Nine columns and two indexes, to find receipts by phone.
pub(super) const TWO_INDEXES: Layout = Layout {
    create: "create table bare_receipts (id bigint, project_id bigint, session_no text, phone text,
               outcome text, code text, words text, parts int, receipt_at timestamptz)",
    indexes: "alter table bare_receipts add primary key (id);
              create index on bare_receipts (project_id, phone, id)",
    row: "id, 1, session_no, phone, 'delivered', 'DELIVRD', '用户接收成功', 1, now()",
};

/// The columns and indexes of external messages, for all filters of the message search.
pub(super) const ALL_INDEXES: Layout = Layout {
    create: "create table bare_receipts (like external_messages)",
    indexes: "alter table bare_receipts add primary key (id);
              create index on bare_receipts (project_id, id);
              create index on bare_receipts (project_id, right(phone, 4), id, phone);
              create index on bare_receipts (project_id, session_no, phone, id);
              create index on bare_receipts (project_id, outcome, id) where outcome <> 'delivered';
              create index on bare_receipts (project_id, reason_id, id) where outcome <> 'delivered'",
    row: "id, 1, session_no, phone, '', 'delivered', 1, 1, now(), now()",
};

/// A table of receipts, without anything around it.
#[derive(Debug)]
pub(super) struct BareTable<'a> {
    db: &'a PgPool,
    layout: Layout,
    next_id: i64,
}

impl<'a> BareTable<'a> {
    /// Creates a table with `stored` receipts.
    pub(super) async fn create(
        db: &'a PgPool,
        layout: Layout,
        stored: i64,
    ) -> anyhow::Result<Self> {
        let Layout { create, indexes, row } = layout;
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
        Ok(Self { db, layout, next_id: stored + 1 })
    }

    /// Writes receipts in their order, with a statement for each chunk, over `connections`
    /// connections. Returns the receipts per second.
    #[allow(clippy::cast_precision_loss)]
    pub(super) async fn write(
        &mut self,
        chunks: &[Vec<ReceiptKey>],
        connections: usize,
    ) -> anyhow::Result<f64> {
        let mut waiting = Vec::with_capacity(chunks.len());
        for chunk in chunks {
            let ids: Vec<i64> = (self.next_id..).take(chunk.len()).collect();
            self.next_id += i64::try_from(chunk.len())?;
            let sessions: Vec<String> = chunk.iter().map(|key| key.session_no.clone()).collect();
            let phones: Vec<String> = chunk.iter().map(|key| key.phone.clone()).collect();
            waiting.push((ids, sessions, phones));
        }
        let mut waiting = waiting.into_iter();
        let insert = format!(
            "insert into bare_receipts select {} from
               unnest($1::bigint[], $2::text[], $3::text[]) as t (id, session_no, phone)",
            self.layout.row
        );
        let started = Instant::now();
        let mut workers = JoinSet::new();
        for _ in 0..connections {
            let share: Vec<_> = waiting.by_ref().take(chunks.len().div_ceil(connections)).collect();
            let (db, insert) = (self.db.clone(), insert.clone());
            workers.spawn(async move {
                for (ids, sessions, phones) in share {
                    let insert = sqlx::query(AssertSqlSafe(insert.clone()));
                    insert.bind(ids).bind(sessions).bind(phones).execute(&db).await?;
                }
                anyhow::Ok(())
            });
        }
        for result in workers.join_all().await {
            result?;
        }
        let receipts: usize = chunks.iter().map(Vec::len).sum();
        Ok(receipts as f64 / started.elapsed().as_secs_f64())
    }

    /// Drops the table.
    pub(super) async fn drop_table(self) -> anyhow::Result<()> {
        sqlx::raw_sql("drop table bare_receipts").execute(self.db).await?;
        Ok(())
    }
}
