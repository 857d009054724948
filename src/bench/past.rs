//! A history of messages over two years, inserted directly into the tables: six of ten are the
//! project's own messages, the others external messages.

use anyhow::Context;
use sqlx::{AssertSqlSafe, PgConnection, PgPool};

/// The number of messages in a batch.
const MESSAGES_PER_BATCH: i64 = 10_000;
/// The number of messages in a submission.
const MESSAGES_PER_CALL: i64 = 200;
/// The length of the history in days.
const DAYS: i64 = 720;
/// The number of external messages with the same session number.
const MESSAGES_PER_EXTERNAL_SESSION: i64 = 100;

/// Keys of the history to search for.
#[derive(Debug)]
pub struct Past {
    /// A phone with a message.
    pub phone: String,
    /// A session number of a submission.
    pub session_no: String,
    /// The number of a batch's id.
    pub batch: i64,
    /// The number of the id of the template that all batches have.
    pub template: i64,
}

/// Writes `rows` messages, batch by batch, oldest first.
pub async fn write(db: &PgPool, rows: i64) -> anyhow::Result<Past> {
    reasons(db).await?;
    let batches = (rows * 6 / 10 / MESSAGES_PER_BATCH).max(1);
    for n in 0..batches {
        // The newest batch is 30 minutes old.
        let minutes = 30 + DAYS * 24 * 60 * (batches - 1 - n) / batches;
        let mut tx = db.begin().await?;
        if n < batches * 9 / 10 {
            // To save time, the triggers that count statistics run for the last tenth only.
            sqlx::query("set local session_replication_role = replica").execute(&mut *tx).await?;
        }
        batch(&mut tx, n, minutes).await?;
        external(&mut tx, n * MESSAGES_PER_BATCH * 4 / 6, MESSAGES_PER_BATCH * 4 / 6, minutes)
            .await?;
        tx.commit().await?;
    }
    vacuum(db).await?;
    find(db).await
}

/// Vacuums and analyzes the tables that the server itself would: neither empty ones, nor
/// partitioned ones, which have no rows of their own.
async fn vacuum(db: &PgPool) -> anyhow::Result<()> {
    let tables = sqlx::query_scalar::<_, String>(
        "select quote_ident(relname) from pg_class
         where relkind = 'r' and relnamespace = 'public'::regnamespace and pg_relation_size(oid) > 0",
    );
    for table in tables.fetch_all(db).await? {
        sqlx::query(AssertSqlSafe(format!("vacuum analyze {table}"))).execute(db).await?;
    }
    Ok(())
}

/// Creates partitions for the months of the history, as if the console had run all the time.
pub async fn create_partitions(db: &PgPool) -> anyhow::Result<()> {
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

/// Inserts a batch of ten thousand messages. Of a hundred, three failed and one is unknown.
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
    .bind(MESSAGES_PER_BATCH)
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
    .bind(MESSAGES_PER_CALL)
    .bind(MESSAGES_PER_BATCH / MESSAGES_PER_CALL)
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
    .bind(MESSAGES_PER_EXTERNAL_SESSION)
    .execute(db)
    .await?;
    Ok(())
}

/// Returns keys in an existing history.
pub async fn find(db: &PgPool) -> anyhow::Result<Past> {
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

/// Inserts a batch whose messages wait for their receipts, 200 with each session number. Returns
/// the session number, phone and id of each message, in order.
pub async fn insert_waiting(db: &PgPool, rows: i64) -> anyhow::Result<Vec<(String, String, i64)>> {
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
    let messages = sqlx::query_as(
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
    .bind(MESSAGES_PER_CALL)
    .bind(rows / MESSAGES_PER_CALL)
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(messages)
}
