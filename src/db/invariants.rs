//! The invariants of the console, checked over the whole database by `doctor`.

use sqlx::PgPool;

/// The number of violations of each invariant; all zero in a sound database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Batches whose number of recipients differs from their messages.
    pub batch_totals: i64,
    /// Submissions whose number of messages differs from their messages.
    pub submission_totals: i64,
    /// Submissions whose counters differ from the outcomes of their messages.
    pub counters: i64,
    /// Finished batches that still have something to submit.
    pub unfinished: i64,
    /// Submissions marked complete that still wait for receipts, or the other way round.
    pub complete: i64,
    /// Session numbers of external messages that belong to a submission of the same project.
    pub misfiled_receipts: i64,
    /// Complete batches whose stored sums differ from those of their submissions.
    pub final_sums: i64,
    /// Counts of reviews that differ from the signatures and templates.
    pub review_counts: i64,
    /// Conversations that differ from their replies, or whose opt-out is not a suppression.
    pub conversations: i64,
    /// Batches whose statistics differ from their submissions.
    pub statistics: i64,
    /// Batches whose failures by reason differ from their statistics.
    pub failure_reasons: i64,
    /// Reservations of budgets that differ from the orders that they stand for.
    pub reservations: i64,
}

impl Broken {
    /// Returns the number of violations of each invariant, by name.
    pub fn by_name(&self) -> [(&'static str, i64); 12] {
        [
            ("batch totals match", self.batch_totals),
            ("submission totals match", self.submission_totals),
            ("counters match outcomes", self.counters),
            ("finished batches have nothing to submit", self.unfinished),
            ("complete batches await no receipts", self.complete),
            ("own receipts are not stored as external messages", self.misfiled_receipts),
            ("complete batches keep their totals", self.final_sums),
            ("review counts match", self.review_counts),
            ("conversation counts match and opt-outs are stored", self.conversations),
            ("statistics match submissions", self.statistics),
            ("failure counts by reason match statistics", self.failure_reasons),
            ("reservations equal the orders they stand for", self.reservations),
        ]
    }
}

struct BrokenMessages {
    batch_totals: i64,
    submission_totals: i64,
    counters: i64,
    unfinished: i64,
    complete: i64,
    misfiled_receipts: i64,
    final_sums: i64,
}

struct BrokenFigures {
    review_counts: i64,
    conversations: i64,
    statistics: i64,
    failure_reasons: i64,
    reservations: i64,
}

/// Counts the violations of each invariant. Messages that are past their retention are counted as
/// before.
pub async fn broken(db: &PgPool) -> sqlx::Result<Broken> {
    let (messages, figures) = (of_messages(db).await?, of_figures(db).await?);
    Ok(Broken {
        batch_totals: messages.batch_totals,
        submission_totals: messages.submission_totals,
        counters: messages.counters,
        unfinished: messages.unfinished,
        complete: messages.complete,
        misfiled_receipts: messages.misfiled_receipts,
        final_sums: messages.final_sums,
        review_counts: figures.review_counts,
        conversations: figures.conversations,
        statistics: figures.statistics,
        failure_reasons: figures.failure_reasons,
        reservations: figures.reservations,
    })
}

async fn of_messages(db: &PgPool) -> sqlx::Result<BrokenMessages> {
    sqlx::query_as!(
        BrokenMessages,
        r#"with told as (
             select submission_id,
               count(*) filter (where outcome = 'delivered') as delivered,
               count(*) filter (where outcome = 'failed') as failed,
               count(*) filter (where outcome = 'unknown') as unknown,
               count(*) filter (where outcome = 'refused') as refused,
               count(*) filter (where outcome = 'suppressed') as suppressed
             from outcomes group by submission_id
           )
           select
             (select count(*) from batches b where b.state <> 'draft' and b.total
               <> (select count(*) from messages m join submissions s on s.id = m.submission_id
                   where m.batch_id = b.id and s.retention <> 'deleted')
                 + (select coalesce(sum(s.n), 0) from submissions s
                   where s.batch_id = b.id and s.retention = 'deleted')
                 + (select count(*) from recipients r join uploads u on u.batch_id = r.batch_id
                    where r.batch_id = b.id and not b.planned and r.position > u.planned_to
                      and not exists (select from rewritten_rows w where w.batch_id = b.id
                        and r.position between w.first_row and w.last_row)
                      and (r.verdict = 'ready' or u.with_repeats and r.verdict = 'repeat')))
               as "batch_totals!",
             (select count(*) from submissions s where s.retention <> 'deleted' and s.n
               <> (select count(*) from messages m where m.submission_id = s.id))
               as "submission_totals!",
             (select count(*) from submissions s left join told on told.submission_id = s.id
               where s.retention <> 'deleted' and (s.delivered, s.failed, s.unknown, s.refused, s.suppressed)
                 is distinct from (coalesce(told.delivered, 0), coalesce(told.failed, 0),
                   coalesce(told.unknown, 0), coalesce(told.refused, 0),
                   coalesce(told.suppressed, 0))) as "counters!",
             (select count(*) from batches b where b.state in ('done', 'cancelled') and b.planned
               and exists (select from submissions s
                 where s.batch_id = b.id and s.state = 'ready')) as "unfinished!",
             (select count(*) from submissions s where s.complete
               <> (s.state = 'cancelled'
                 or s.delivered + s.failed + s.unknown + s.refused + s.suppressed = s.n))
               as "complete!",
             (select count(*) from external_messages f join submissions s
               on s.session_no = f.session_no and s.project_id = f.project_id) as "misfiled_receipts!",
             (select count(*) from batches b
               where b.delivered is distinct from case when b.complete then
                   (select sum(s.delivered) from submissions s where s.batch_id = b.id) end
                 or b.failed is distinct from case when b.complete then
                   (select sum(s.failed) from submissions s where s.batch_id = b.id) end
                 or b.unknown is distinct from case when b.complete then
                   (select sum(s.unknown) from submissions s where s.batch_id = b.id) end
                 or b.delivered + b.failed + b.unknown + b.refused + b.suppressed + b.cancelled
                   <> b.total) as "final_sums!""#,
    )
    .fetch_one(db)
    .await
}

async fn of_figures(db: &PgPool) -> sqlx::Result<BrokenFigures> {
    sqlx::query_as!(
        BrokenFigures,
        r#"select
             (select count(*) from (
                 select project_id, 'signature'::review_subject as subject, status, gone, count(*) as n
                   from signatures group by 1, 3, 4
                 union all
                 select project_id, 'template', status, gone, count(*)
                   from sms_templates group by 1, 3, 4
               ) counted
               full join (select * from review_counts where n <> 0) retention
                 using (project_id, subject, status, gone)
               where counted.n is distinct from retention.n) as "review_counts!",
             (select count(*) from (
                 select project_id, phone, count(*)::int as n,
                   bool_or(opt_out in ('active', 'marketing')) as stands,
                   bool_or(opt_out = 'perhaps') and not bool_or(opt_out = 'active') as undecided,
                   bool_or(opt_out = 'active') as "all",
                   max(id) as newest, (array_agg(id order by replied_at desc, id desc))[1] as last
                 from replies group by 1, 2
               ) r
               full join conversations c using (project_id, phone)
               where (c.replies, c.opted_out, c.undecided, c.newest_id, c.last_id)
                   is distinct from (r.n, r.stands, r.undecided, r.newest, r.last)
                 or (c.opted_out or c.undecided) and phone ~ '^1[3-9][0-9]{9}$' and not exists (
                   select from suppressions s
                   where s.project_id = c.project_id and s.phone = c.phone
                     and (s.scope = 'all' or not r."all"))) as "conversations!",
             (select count(*) from (
                 select batch_id, hour_of(coalesce(sent_at, id_time(id))) as hour, sum(n) as n,
                   sum(delivered) as delivered, sum(failed) as failed, sum(unknown) as unknown,
                   sum(suppressed) as suppressed
                 from submissions group by 1, 2
               ) s
               full join (
                 select batch_id, hour, sum(n) as n, sum(delivered) as delivered,
                   sum(failed) as failed, sum(unknown) as unknown, sum(suppressed) as suppressed,
                   sum(queued + submitted + in_doubt + delivered + failed + unknown + refused
                     + cancelled + suppressed) as added
                 from counted_messages where batch_id <> 0
                 group by 1, 2 having sum(n) <> 0 or sum(parts) <> 0
               ) c using (batch_id, hour)
               where (s.n, s.delivered, s.failed, s.unknown, s.suppressed, s.n) is distinct from
                 (c.n, c.delivered, c.failed, c.unknown, c.suppressed, c.added)) as "statistics!",
             (select count(*) from (
                 select batch_id, hour, sum(failed) as failed, sum(refused) as refused,
                   sum(unknown) as unknown
                 from counted_messages group by 1, 2
                 having sum(failed) <> 0 or sum(refused) <> 0 or sum(unknown) <> 0
               ) c
               full join (
                 select batch_id, hour, sum(case outcome when 'failed' then n else 0 end) as failed,
                   sum(case outcome when 'refused' then n else 0 end) as refused,
                   sum(case outcome when 'unknown' then n else 0 end) as unknown
                 from counted_failures group by 1, 2 having sum(n) <> 0
               ) f using (batch_id, hour)
               where (c.failed, c.refused, c.unknown) is distinct from
                 (f.failed, f.refused, f.unknown)) as "failure_reasons!",
             (select count(*) from budget_reservations r join batches b on b.id = r.batch_id
               where r.user_id <> b.ordered_by or b.state = 'draft'
                 or r.ordered <> b.total or r.cost <> r.ordered_cost * r.messages / r.ordered
                 or b.state in ('awaiting_approval', 'scheduled') and r.messages <> b.total
                 or (b.state = 'cancelled' or b.complete) and r.messages <> kept_messages(b.id))
               as "reservations!""#,
    )
    .fetch_one(db)
    .await
}
