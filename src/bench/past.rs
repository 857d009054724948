//! A past of so many messages, written straight into the tables: six of ten are the project's own,
//! four another program's, spread over two years.

use anyhow::Context;
use sqlx::{AssertSqlSafe, PgConnection, PgPool};

/// Messages of one batch.
const OF_A_BATCH: i64 = 10_000;
/// Messages of one submission.
const OF_A_CALL: i64 = 200;
/// Days of the past.
const DAYS: i64 = 720;
/// Where other programs' session numbers come from.
const FOREIGN_SESSION: i64 = 100;

/// What there is to ask for.
#[derive(Debug)]
pub struct Past {
    /// A phone that was sent to.
    pub phone: String,
    /// A session number of the console.
    pub session_no: String,
    /// A batch, as it is written in addresses.
    pub batch: i64,
    /// The template most messages have.
    pub template: i64,
}

/// Writes `rows` messages, batch after batch, oldest first.
pub async fn write(db: &PgPool, rows: i64) -> anyhow::Result<Past> {
    reasons(db).await?;
    let batches = (rows * 6 / 10 / OF_A_BATCH).max(1);
    for n in 0..batches {
        // The newest are of this hour.
        let minutes = 30 + DAYS * 24 * 60 * (batches - 1 - n) / batches;
        let mut tx = db.begin().await?;
        if n < batches * 9 / 10 {
            // Only the last tenth is counted in the statistics: the past is to be there soon.
            sqlx::query("set local session_replication_role = replica").execute(&mut *tx).await?;
        }
        batch(&mut tx, n, minutes).await?;
        external(&mut tx, n * OF_A_BATCH * 4 / 6, OF_A_BATCH * 4 / 6, minutes).await?;
        tx.commit().await?;
    }
    look_through(db).await?;
    found(db).await
}

/// As the server does by itself: it counts neither tables that are empty nor what has no rows of its
/// own because it is kept in pieces.
async fn look_through(db: &PgPool) -> anyhow::Result<()> {
    let filled = sqlx::query_scalar::<_, String>(
        "select quote_ident(relname) from pg_class
         where relkind = 'r' and relnamespace = 'public'::regnamespace and pg_relation_size(oid) > 0",
    );
    for table in filled.fetch_all(db).await? {
        sqlx::query(AssertSqlSafe(format!("vacuum analyze {table}"))).execute(db).await?;
    }
    Ok(())
}

/// The months of the past have pieces of their own, as if the console had been there all the time.
pub async fn months(db: &PgPool) -> anyhow::Result<()> {
    sqlx::raw_sql(
        "do $$
         declare
           today timestamptz := month_of(now());
           oldest timestamptz := today - interval '24 months';
           whole text;
         begin
           foreach whole in array array['messages', 'outcomes', 'external_messages'] loop
             execute format('alter table %I detach partition %I', whole, whole || '_first');
             execute format('alter table %I attach partition %I for values from (minvalue) to (%L)',
               whole, whole || '_first', first_id(oldest));
             for n in 0..24 loop
               execute format('create table %I partition of %I for values from (%L) to (%L)',
                 whole || '_' || to_char(oldest + n * interval '1 month', 'YYYY_MM'), whole,
                 first_id(oldest + n * interval '1 month'),
                 first_id(oldest + (n + 1) * interval '1 month'));
             end loop;
           end loop;
           update partitions set to_id = first_id(oldest) where name = 'first';
           insert into partitions
             select to_char(oldest + n * interval '1 month', 'YYYY_MM'),
               first_id(oldest + n * interval '1 month'),
               first_id(oldest + (n + 1) * interval '1 month')
             from generate_series(0, 24) n;
         end $$",
    )
    .execute(db)
    .await?;
    Ok(())
}

async fn reasons(db: &PgPool) -> anyhow::Result<()> {
    sqlx::query(
        "insert into reasons (code, description, category) values
           ('DELIVRD', '用户接收成功', 'delivered'), ('ERRNUM', '号码不存在', 'invalid_number'),
           ('-37', '关机或不在服务区', 'powered_off'), ('MLBLACK', '黑名单号码', 'blacklist'),
           ('KEYWORD', '内容含有敏感词', 'content')
         on conflict do nothing",
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A batch of ten thousand: of a hundred, three failed and one is unknown.
async fn batch(tx: &mut PgConnection, n: i64, minutes_ago: i64) -> anyhow::Result<()> {
    let batch: i64 = sqlx::query_scalar(
        "insert into batches (id, project_id, name, state, signature_id, template_id, sig_content,
           vendor_template_id, template_text, purpose, international, total, parts, ordered_by,
           form_token, ordered_at, started_at, finished_at, each_own)
         select new_id(now() - $1 * interval '1 minute'), t.project_id, '取件 ' || $2, 'done', s.id,
           t.id, s.content, t.template_id, t.text, t.purpose, false, $3::int, $3::int, u.id,
           gen_random_uuid(), now() - $1 * interval '1 minute', now() - $1 * interval '1 minute',
           now() - $1 * interval '1 minute', true
         from sms_templates t, signatures s, users u limit 1 returning id",
    )
    .bind(minutes_ago)
    .bind(n)
    .bind(OF_A_BATCH)
    .fetch_one(&mut *tx)
    .await?;
    sqlx::query(
        "with calls as (
           insert into submissions (id, project_id, batch_id, state, n, next_try_at, sent_at,
             answered_at, session_no, attempts)
           select new_id(made.at), b.project_id, b.id, 'accepted', $3::int, made.at, made.at, made.at,
             gen_random_uuid(), 1
           from batches b
           cross join lateral (select now() - $2 * interval '1 minute' as at) made
           cross join generate_series(1, $4::bigint)
           where b.id = $1
           returning id, project_id, batch_id, sent_at
         )
         insert into messages (id, project_id, submission_id, batch_id, template_id, phone, params)
         select new_id(c.sent_at), c.project_id, c.id, c.batch_id, b.template_id,
           '185' || lpad((random() * 9999)::int::text, 4, '0')
             || lpad((random() * 9999)::int::text, 4, '0'),
           array['客户' || g, 'YT' || lpad((random() * 9999999)::int::text, 10, '0'), '东门']
         from calls c join batches b on b.id = c.batch_id cross join generate_series(1, $3) g",
    )
    .bind(batch)
    .bind(minutes_ago)
    .bind(OF_A_CALL)
    .bind(OF_A_BATCH / OF_A_CALL)
    .execute(&mut *tx)
    .await?;
    outcomes(tx, batch).await
}

async fn outcomes(db: &mut PgConnection, batch: i64) -> anyhow::Result<()> {
    sqlx::query(
        "insert into outcomes (id, project_id, submission_id, batch_id, template_id, outcome,
           reason_id, parts, receipt_at, recorded_at)
         select m.id, m.project_id, m.submission_id, m.batch_id, m.template_id, fate.outcome, r.id, 1,
           s.sent_at + interval '7 seconds', s.sent_at + interval '8 seconds'
         from messages m join submissions s on s.id = m.submission_id
         cross join lateral (
           select case when m.id % 100 < 3 then 'failed' when m.id % 100 = 3 then 'unknown'
             else 'delivered' end::outcome as outcome,
             case m.id % 100 when 0 then 'ERRNUM' when 1 then '-37' when 2 then 'MLBLACK'
               when 3 then 'KEYWORD' else 'DELIVRD' end as code
         ) fate
         join reasons r on r.code = fate.code
         where m.batch_id = $1",
    )
    .bind(batch)
    .execute(&mut *db)
    .await?;
    sqlx::query(
        "update submissions s set delivered = o.delivered, failed = o.failed, unknown = o.unknown,
           complete = true
         from (select submission_id, count(*) filter (where outcome = 'delivered') as delivered,
             count(*) filter (where outcome = 'failed') as failed,
             count(*) filter (where outcome = 'unknown') as unknown
           from outcomes where batch_id = $1 group by 1) o
         where o.submission_id = s.id",
    )
    .bind(batch)
    .execute(&mut *db)
    .await?;
    sqlx::query(
        "update batches b set complete = true, delivered = s.delivered, failed = s.failed,
           unknown = s.unknown, refused = 0, suppressed = 0, cancelled = 0
         from (select sum(delivered) as delivered, sum(failed) as failed, sum(unknown) as unknown
           from submissions where batch_id = $1) s where b.id = $1",
    )
    .bind(batch)
    .execute(&mut *db)
    .await?;
    Ok(())
}

async fn external(
    db: &mut PgConnection,
    from: i64,
    rows: i64,
    minutes_ago: i64,
) -> anyhow::Result<()> {
    sqlx::query(
        "insert into external_messages (id, project_id, session_no, phone, user_id, outcome, reason_id,
           parts, receipt_at, recorded_at)
         select new_id(made.at), p.id, 'other-' || n / $4,
           '186' || lpad((random() * 9999)::int::text, 4, '0')
             || lpad((random() * 9999)::int::text, 4, '0'),
           'order-' || n, fate.outcome, r.id, 1, made.at, made.at
         from projects p
         cross join lateral (select now() - $3 * interval '1 minute' as at) made
         cross join generate_series($1, $1 + $2 - 1) n
         cross join lateral (
           select case when n % 50 = 0 then 'failed' else 'delivered' end::outcome as outcome,
             case when n % 50 = 0 then 'ERRNUM' else 'DELIVRD' end as code
         ) fate
         join reasons r on r.code = fate.code",
    )
    .bind(from)
    .bind(rows)
    .bind(minutes_ago)
    .bind(FOREIGN_SESSION)
    .execute(db)
    .await?;
    Ok(())
}

/// What there is to ask for in a past that is there.
pub async fn found(db: &PgPool) -> anyhow::Result<Past> {
    let (phone, session_no, batch, template): (String, String, i64, i64) = sqlx::query_as(
        "select m.phone, s.session_no, m.batch_id, m.template_id
         from submissions s join messages m on m.submission_id = s.id
         order by s.id offset 300 limit 1",
    )
    .fetch_optional(db)
    .await?
    .context("there is no past")?;
    Ok(Past { phone, session_no, batch, template })
}

/// A batch whose messages wait for their receipts, 200 to a session number. Answers session number,
/// phone and id of each, in order.
pub async fn waiting(db: &PgPool, rows: i64) -> anyhow::Result<Vec<(String, String, i64)>> {
    let mut tx = db.begin().await?;
    let batch: i64 = sqlx::query_scalar(
        "insert into batches (id, project_id, name, state, signature_id, template_id, sig_content,
           vendor_template_id, template_text, purpose, international, total, parts, ordered_by,
           form_token, ordered_at, started_at, finished_at, each_own)
         select new_id(now()), t.project_id, '等回执', 'done', s.id, t.id, s.content, t.template_id,
           t.text, t.purpose, false, $1::int, $1::int, u.id, gen_random_uuid(), now(), now(), now(),
           true
         from sms_templates t, signatures s, users u limit 1 returning id",
    )
    .bind(rows)
    .fetch_one(&mut *tx)
    .await?;
    let made = sqlx::query_as(
        "with calls as (
           insert into submissions (id, project_id, batch_id, state, n, next_try_at, sent_at,
             answered_at, session_no, attempts, next_poll_at)
           select new_id(now()), b.project_id, b.id, 'accepted', $2::int, now(), now(), now(),
             gen_random_uuid(), 1, now() + interval '1 day'
           from batches b, generate_series(1, $3::bigint) where b.id = $1
           returning id, project_id, batch_id, session_no
         ), put as (
           insert into messages (id, project_id, submission_id, batch_id, template_id, phone, params)
           select new_id(now()), c.project_id, c.id, c.batch_id, b.template_id,
             '187' || lpad((row_number() over ())::text, 8, '0'), array['甲', '乙', '丙']
           from calls c join batches b on b.id = c.batch_id cross join generate_series(1, $2)
           returning id, submission_id, phone
         )
         select c.session_no, p.phone, p.id from put p join calls c on c.id = p.submission_id
         order by p.id",
    )
    .bind(batch)
    .bind(OF_A_CALL)
    .bind(rows / OF_A_CALL)
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(made)
}
