//! No query of message search reads a whole table, whatever its filters.

use sqlx::postgres::PgPoolOptions;
use sqlx::{Executor, PgPool};
use time::{Duration, OffsetDateTime};
use usms_console::db::sending::message_search::{
    FoundMessage, MessageQuery, MessageSearch, Next, Page, Phones, Source,
};
use usms_console::domain::ids::{BatchId, Id, MessageId, ProjectId, SignatureId, TemplateId};
use usms_console::domain::receipt_codes::Category;
use usms_console::domain::sending::message::MessageState;

/// 30,000 messages of 10 batches and 20,000 external messages. One in ten failed, the newest are
/// queued. The fifth batch left 210 hours late, and the newest external messages were reported years later.
const FILL: &str = "
    insert into projects (id, slug, name, ucloud_project_id, public_key, private_key_sealed,
      hook_secret_sealed, hook_secret_hash, created_at) values (1, 'a', 'A', 'x', 'x', '', '', '', now());
    insert into users (id, name, password_hash, is_owner, created_at) values (1, 'a', '', false, now());
    insert into signatures (id, project_id, sig_id, content, international, status, checked_at,
      changed_at, next_check_at)
      select n, 1, n, 'S' || n, false, 'approved', now(), now(), now() from generate_series(1, 2) n;
    insert into sms_templates (id, project_id, template_id, name, purpose, text, international, status,
      checked_at, changed_at, next_check_at)
      select n, 1, n, 'T' || n, 'notice', 'code {1}', false, 'approved', now(), now(), now()
      from generate_series(1, 3) n;
    insert into reasons (code, description, category)
      select 'E' || n, '', 'powered_off' from generate_series(1, 20) n;
    insert into reasons (code, description, category) values ('DELIVRD', '', 'delivered');
    insert into batches (id, project_id, name, state, signature_id, template_id, sig_content,
      vendor_template_id, template_text, purpose, international, total, parts, ordered_by, form_token)
      select (n * 1000::bigint) << 22, 1, n, 'sending', 1 + n / 10, 1 + n % 2, 'S', '1', 'code {1}',
        'notice', false, 3000, 3000, 1, gen_random_uuid() from generate_series(1, 10) n;
    insert into submissions (id, project_id, batch_id, state, n, next_try_at, session_no, complete)
      select b.id + (n::bigint << 22), 1, b.id,
        case when b.id < 9000::bigint << 22 then 'accepted' else 'ready' end::submission_state,
        100, now(), 's-' || b.name || '-' || n, b.id < 9000::bigint << 22
      from batches b, generate_series(1, 30) n;
    insert into messages (id, project_id, submission_id, batch_id, template_id, phone, params)
      select s.id + m, 1, s.id, s.batch_id, b.template_id,
        '1850' || lpad(((s.id >> 22) * 100 + m)::text, 7, '0'), array[m::text]
      from submissions s join batches b on b.id = s.batch_id, generate_series(1, 100) m;
    insert into outcomes (id, project_id, submission_id, batch_id, template_id, outcome, reason_id,
      parts, recorded_at)
      select m.id, 1, m.submission_id, m.batch_id, m.template_id,
        case when m.id % 10 = 0 then 'failed' else 'delivered' end::outcome,
        case when m.id % 10 = 0 then 1 + m.id % 7 else 21 end, 1, now()
      from messages m join submissions s on s.id = m.submission_id where s.complete;
    update submissions set delivered = 90, failed = 10 where complete;
    update submissions set sent_at = id_time(id) + interval '210 hours'
      where batch_id = 5000::bigint << 22;
    insert into external_messages (id, project_id, session_no, phone, user_id, outcome, reason_id,
      parts, recorded_at)
      select (n::bigint << 22) + 7, 1, 'f-' || n / 50, '1860' || lpad(n::text, 7, '0'), '',
        case when n % 10 = 0 then 'failed' else 'delivered' end::outcome,
        case when n % 10 = 0 then 1 + n % 7 else 21 end, 1,
        case when n > 19000 then now() else id_time(n::bigint << 22) end
      from generate_series(1, 20000) n;
    analyze";

/// Returns how many rows sequential scans of message tables have read. Empty partitions add none.
async fn sequentially_read(db: &PgPool) -> i64 {
    db.execute("select pg_stat_force_next_flush()").await.unwrap();
    sqlx::query_scalar(
        "select coalesce(sum(seq_tup_read), 0)::bigint from pg_stat_user_tables
         where relname ~ '^(messages|outcomes|external_messages)'",
    )
    .fetch_one(db)
    .await
    .unwrap()
}

/// Returns a time after the beginning of ids.
fn at(after: Duration) -> Option<OffsetDateTime> {
    Some(MessageId(0).made_at() + after)
}

/// Every kind of query, with the least that its first page finds; nothing at all, if that is 0.
fn queries() -> Vec<(&'static str, MessageQuery, usize)> {
    let all = || MessageQuery::default();
    let (batch, template) = (Some(BatchId(3_000 << 22)), Some(TemplateId(1)));
    let failed = Some(MessageState::Failed);
    let code = Some("e3".to_owned());
    let text = Some("nobody wrote this".to_owned());
    let phone = Some(Phones::Whole("18500301042".to_owned()));
    let four = Some(Phones::LastFour("1042".to_owned()));
    let mut queries = vec![
        ("newest", all(), 50),
        ("phone", MessageQuery { phone, ..all() }, 1),
        ("last four", MessageQuery { phone: four.clone(), ..all() }, 5),
        ("last four and state", MessageQuery { phone: four, state: failed, ..all() }, 0),
        ("session", MessageQuery { session: Some("s-3-4".to_owned()), ..all() }, 50),
        ("external session", MessageQuery { session: Some("f-3".to_owned()), ..all() }, 50),
        ("batch", MessageQuery { batch, ..all() }, 50),
        ("batch and state", MessageQuery { batch, state: failed, ..all() }, 50),
        ("batch and code", MessageQuery { batch, code: code.clone(), ..all() }, 40),
        ("template", MessageQuery { template, ..all() }, 50),
        ("template and state", MessageQuery { template, state: failed, ..all() }, 50),
        ("template and code", MessageQuery { template, code: code.clone(), ..all() }, 50),
        ("unused template", MessageQuery { template: Some(TemplateId(3)), ..all() }, 0),
        ("signature", MessageQuery { signature: Some(SignatureId(2)), ..all() }, 50),
        ("code", MessageQuery { code, ..all() }, 50),
        ("cause", MessageQuery { cause: Some(Category::PoweredOff), ..all() }, 50),
        ("arrived", MessageQuery { cause: Some(Category::Delivered), ..all() }, 50),
        ("text", MessageQuery { text: text.clone(), ..all() }, 0),
        ("text and state", MessageQuery { text, state: failed, ..all() }, 0),
    ];
    let (sent_since, sent_until) = (at(Duration::seconds(2)), at(Duration::seconds(30)));
    let late = (at(Duration::hours(200)), at(Duration::hours(220)));
    let sent = || MessageQuery { sent_since, sent_until, ..all() };
    queries.extend([
        ("sent", sent(), 50),
        ("sent since", MessageQuery { sent_since, ..all() }, 50),
        ("sent until", MessageQuery { sent_until, ..all() }, 50),
        ("sent and batch", MessageQuery { batch, ..sent() }, 50),
        ("sent and template", MessageQuery { template, ..sent() }, 50),
        ("sent and signature", MessageQuery { signature: Some(SignatureId(1)), ..sent() }, 50),
        ("sent and cause", MessageQuery { cause: Some(Category::PoweredOff), ..sent() }, 50),
        ("sent late", MessageQuery { sent_since: late.0, sent_until: late.1, ..all() }, 50),
        ("sent late and state", MessageQuery { sent_since: late.0, state: failed, ..all() }, 50),
        ("reported late", MessageQuery { sent_since: late.1, ..all() }, 50),
        ("own", MessageQuery { source: Some(Source::Own), ..all() }, 50),
        ("external", MessageQuery { source: Some(Source::Other), ..all() }, 50),
    ]);
    for state in MessageState::ALL {
        let least = match state {
            MessageState::Delivered | MessageState::Failed | MessageState::Queued => 50,
            _ => 0,
        };
        queries.push((state.key(), MessageQuery { state: Some(state), ..sent() }, least));
    }
    for state in MessageState::ALL {
        let present = [MessageState::Delivered, MessageState::Failed, MessageState::Queued];
        let least = if present.contains(&state) { 50 } else { 0 };
        queries.push((state.key(), MessageQuery { state: Some(state), ..all() }, least));
    }
    queries
}

/// Returns message search over a filled database, on one connection, with plans as in `serve`.
async fn filled(db: &PgPool) -> MessageSearch {
    let options = (*db.connect_options()).clone();
    let options = options.options([("timezone", "UTC"), ("plan_cache_mode", "force_generic_plan")]);
    let db = PgPoolOptions::new().connect_lazy_with(options);
    let search = MessageSearch::new(&db, PgPoolOptions::new().max_connections(1));
    sqlx::raw_sql(FILL).execute(search.pool()).await.unwrap();
    search
}

#[sqlx::test]
async fn no_query_reads_a_whole_table(db: PgPool) {
    let search = filled(&db).await;
    for (name, query, least) in queries() {
        let before = sequentially_read(search.pool()).await;
        let page = search.page(ProjectId(1), &query, None, 50).await.unwrap();
        let found = page.messages.len();
        assert!(found >= least && (least > 0 || found == 0), "{name}: {found} of {least}");
        let deeper = search.page(ProjectId(1), &query, page.next.after(), 50).await.unwrap();
        assert!(page.next == Next::End || deeper.next != page.next, "{name} reaches another page");
        if let (Next::After(_), Some(first)) = (page.next, deeper.messages.first()) {
            let newer = search.page_before(ProjectId(1), &query, first.id(), 50).await.unwrap();
            let ids = |page: &Page| page.messages.iter().map(FoundMessage::id).collect::<Vec<_>>();
            assert_eq!(ids(&newer), ids(&page), "{name}: the page before");
        }
        let read = sequentially_read(search.pool()).await - before;
        assert_eq!(read, 0, "{name} read whole tables");
    }
}

#[sqlx::test]
async fn paging_forward_shows_what_paging_back_showed(db: PgPool) {
    let search = filled(&db).await;
    // The newest 6,000 of the project's own, and 1,000 of other programs.
    let since = Some(MessageId(9_000 << 22).made_at());
    for (name, query, _) in queries() {
        let query = MessageQuery { since, ..query };
        let back = page_back(&search, &query, 700).await;
        let forward = page_forward(&search, &query, 700).await;
        assert_eq!(back.len(), forward.len(), "{name}");
        assert!(back == forward, "{name}: the same, in the same order");
    }
}

/// Returns all results by paging back from the newest, `limit` a page.
async fn page_back(search: &MessageSearch, query: &MessageQuery, limit: usize) -> Vec<MessageId> {
    let (mut ids, mut after) = (Vec::new(), None);
    loop {
        let page = search.page(ProjectId(1), query, after, limit).await.unwrap();
        ids.extend(page.messages.iter().map(FoundMessage::id));
        assert!(after.is_none() || page.next.after() < after, "{query:?} goes back");
        after = page.next.after();
        if after.is_none() {
            return ids;
        }
    }
}

/// Returns the same by paging forward from before the oldest, newest first.
async fn page_forward(
    search: &MessageSearch,
    query: &MessageQuery,
    limit: usize,
) -> Vec<MessageId> {
    let (mut ids, mut before) = (Vec::new(), MessageId(0));
    loop {
        let page = search.page_before(ProjectId(1), query, before, limit).await.unwrap();
        ids.extend(page.messages.iter().rev().map(FoundMessage::id));
        let Some(next) = page.next.after() else { break };
        assert!(next > before, "{query:?} goes forward");
        before = next;
    }
    ids.reverse();
    ids
}

/// One message of the project and one of another program in every ten days of a year, and a year
/// later some more.
const RARE: &str = "
    create temporary table moments as
      select ((n * 864000000::bigint) << 22) as at, n from generate_series(100, 190) n
      where n not between 137 and 173;
    insert into batches (id, project_id, name, state, signature_id, template_id, sig_content,
      vendor_template_id, template_text, purpose, international, total, parts, ordered_by, form_token)
      select at, 1, n, 'done', 1, 1, 'S', '1', 'code {1}', 'notice', false, 1, 1, 1,
        gen_random_uuid() from moments;
    insert into submissions (id, project_id, batch_id, state, n, next_try_at, session_no)
      select at + 1, 1, at, 'accepted', 1, now(), 'r-' || n from moments;
    insert into messages (id, project_id, submission_id, batch_id, template_id, phone, params)
      select at + 2, 1, at + 1, at, 1, '18500001234', array['1'] from moments;
    insert into external_messages (id, project_id, session_no, phone, user_id, outcome, parts,
      recorded_at)
      select at + (432000000::bigint << 22), 1, 'rf-' || n, '18500001235', '', 'delivered', 1, now()
      from moments";

#[sqlx::test]
async fn rare_messages_are_found_over_years_with_pages_of_any_size(db: PgPool) {
    let search = filled(&db).await;
    sqlx::raw_sql(RARE).execute(search.pool()).await.unwrap();
    let since = Some(MessageId(800 * (86_400_000 << 22)).made_at());
    let until = Some(MessageId(1_500 * (86_400_000 << 22)).made_at());
    let template = Some(TemplateId(1));
    let all = MessageQuery { since, ..MessageQuery::default() };
    let queries = [
        (108, all.clone()),
        (54, MessageQuery { template, ..all.clone() }),
        (54, MessageQuery { state: Some(MessageState::Submitted), ..all.clone() }),
        (74, MessageQuery { until, ..all }),
    ];
    for (expected, query) in queries {
        // Pages of up to three are full within a month; larger ones reach beyond it.
        for limit in [1, 3, 7, 40, 200] {
            let back = page_back(&search, &query, limit).await;
            assert_eq!(back.len(), expected, "{query:?} by {limit}");
            assert!(back.is_sorted_by(|newer, older| newer > older), "{query:?} by {limit}");
            assert!(
                page_forward(&search, &query, limit).await == back,
                "{query:?} forward by {limit}"
            );
        }
    }
}
