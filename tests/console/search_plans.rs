//! No search for batches or people reads the whole table, whatever its filters.

use sqlx::postgres::PgPoolOptions;
use sqlx::{Executor, PgPool};
use usms_console::db::sending::batch_search::{self, BatchQuery, Continues};
use usms_console::domain::ids::{BatchId, Id, ProjectId, TemplateId, UserId};
use usms_console::domain::sending::batch::BatchState;

/// 20,000 batches of three people, of which the oldest has a name of its own.
const FILL: &str = "
    insert into projects (id, slug, name, ucloud_project_id, public_key, private_key_sealed,
      hook_secret_sealed, hook_secret_hash, created_at) values (1, 'a', 'A', 'x', 'x', '', '', '', now());
    insert into users (id, name, password_hash, is_owner, created_at)
      select n, 'person ' || n, '', false, now() from generate_series(1, 3) n;
    insert into signatures (id, project_id, sig_id, content, international, status, checked_at,
      changed_at, next_check_at) values (1, 1, 1, 'S', false, 'approved', now(), now(), now());
    insert into sms_templates (id, project_id, template_id, name, purpose, text, international, status,
      checked_at, changed_at, next_check_at)
      select n, 1, n, 'T' || n, 'notice', 'code {1}', false, 'approved', now(), now(), now()
      from generate_series(1, 3) n;
    insert into batches (id, project_id, name, state, signature_id, template_id, sig_content,
      vendor_template_id, template_text, purpose, international, total, parts, ordered_by, form_token)
      select n::bigint << 22, 1, case when n = 1 then '周报 alpha' else '提醒 ' || n end,
        case when n % 100 = 0 then 'paused' else 'done' end::batch_state, 1, 1 + n % 2, 'S', '1', 'code {1}',
        'notice', false, 1, 1, 1 + n % 2, gen_random_uuid() from generate_series(1, 20000) n;
    analyze";

async fn sequentially_read(db: &PgPool) -> i64 {
    db.execute("select pg_stat_force_next_flush()").await.unwrap();
    let read = "select seq_tup_read::bigint from pg_stat_user_tables where relname = 'batches'";
    sqlx::query_scalar(read).fetch_one(db).await.unwrap()
}

#[sqlx::test]
async fn no_search_for_batches_reads_the_whole_table(db: PgPool) {
    let options = (*db.connect_options()).clone();
    let options = options.options([("timezone", "UTC"), ("plan_cache_mode", "force_generic_plan")]);
    let db = PgPoolOptions::new().max_connections(1).connect_lazy_with(options);
    sqlx::raw_sql(FILL).execute(&db).await.unwrap();
    let all = BatchQuery::default;
    let name = |name: &str| BatchQuery { name: name.to_owned(), ..all() };
    let further = Continues::Further(BatchId(19_001 << 22));
    let queries = [
        ("newest", all(), 30, None),
        ("rare name", name("alpha"), 1, Some(Continues::No)),
        ("common name", name("提醒"), 30, None),
        ("letter", name("周"), 0, Some(further)),
        ("no name", name("zzz"), 0, Some(Continues::No)),
        ("masked", BatchQuery { masked: true, ..name("alpha") }, 1, Some(Continues::No)),
        ("person", BatchQuery { person: Some(UserId(2)), ..all() }, 30, None),
        ("nobody", BatchQuery { person: Some(UserId(3)), ..all() }, 0, Some(Continues::No)),
        ("template", BatchQuery { template: Some(TemplateId(2)), ..all() }, 30, None),
        ("unused", BatchQuery { template: Some(TemplateId(3)), ..all() }, 0, Some(Continues::No)),
        ("state", BatchQuery { states: vec![BatchState::Paused], ..all() }, 30, None),
        ("before", BatchQuery { before: Some(BatchId(5 << 22)), ..all() }, 4, Some(Continues::No)),
        (
            "until",
            BatchQuery { until: Some(BatchId(9 << 22).made_at()), ..all() },
            8,
            Some(Continues::No),
        ),
    ];
    for (what, query, least, next) in queries {
        let before = sequentially_read(&db).await;
        let (found, continues) = batch_search::page(&db, ProjectId(1), &query, 30).await.unwrap();
        assert_eq!(found.len(), least, "{what}");
        assert!(found.is_sorted_by(|newer, older| newer.id > older.id), "{what}");
        let last = found.last().map(|batch| Continues::After(batch.id));
        assert_eq!(Some(continues), next.or(last), "{what}");
        assert_eq!(sequentially_read(&db).await - before, 0, "{what} reads the whole table");
    }
    let before = sequentially_read(&db).await;
    let people = batch_search::orderers(&db, ProjectId(1), "person", 8).await.unwrap();
    assert_eq!(people.len(), 2);
    assert_eq!(sequentially_read(&db).await - before, 0);
}
