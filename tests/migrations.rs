//! The migrations, over an empty database and over data.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods)]

use sqlx::{Executor, PgPool};

#[sqlx::test(migrations = false)]
async fn all_migrations_run_on_an_empty_database_and_a_second_time_change_nothing(db: PgPool) {
    let migrator = sqlx::migrate!();
    migrator.run(&db).await.unwrap();
    let before = columns(&db).await;
    migrator.run(&db).await.unwrap();
    assert_eq!(before, columns(&db).await);
    assert!(before.iter().any(|column| column == "messages.phone"));
}

#[sqlx::test]
async fn phones_and_session_numbers_compare_byte_by_byte_wherever_they_are_kept(db: PgPool) {
    let columns: Vec<(String, bool)> = sqlx::query_as(
        "select c.relname || '.' || a.attname, l.collname = 'C'
         from pg_attribute a join pg_class c on c.oid = a.attrelid
           join pg_collation l on l.oid = a.attcollation
         where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
           and a.attname in ('phone', 'session_no') and not a.attisdropped",
    )
    .fetch_all(&db)
    .await
    .unwrap();
    assert!(columns.len() >= 8, "{columns:?}");
    assert!(columns.iter().all(|(_, bytes)| *bytes), "{columns:?}");
}

#[sqlx::test(migrations = false)]
async fn rows_of_the_first_migration_outlive_the_later_ones(db: PgPool) {
    let migrator = sqlx::migrate!();
    let mut all = migrator.iter();
    db.execute(sqlx::AssertSqlSafe(all.next().unwrap().sql.as_str().to_owned())).await.unwrap();
    db.execute(
        "insert into projects values (1, 'a', '甲', 'org-a', 'k', '\\x00', '\\x00', '\\x01', now());
         insert into users values (2, 'Mei', 'hash', false, null, now());
         insert into members values (1, 2, 'operator', now());",
    )
    .await
    .unwrap();
    for migration in all {
        db.execute(sqlx::AssertSqlSafe(migration.sql.as_str().to_owned())).await.unwrap();
    }
    let name: String =
        sqlx::query_scalar("select p.name from projects p join members m on m.project_id = p.id")
            .fetch_one(&db)
            .await
            .unwrap();
    assert_eq!(name, "甲");
}

#[sqlx::test(migrations = false)]
async fn reviewed_rows_of_the_second_migration_are_counted_found_and_asked_about(db: PgPool) {
    let migrator = sqlx::migrate!();
    for (n, migration) in migrator.iter().enumerate() {
        if n == 2 {
            db.execute(
                "insert into projects values (1, 'a', '甲', 'org-a', 'k', '\\x00', '\\x00', '\\x01', now());
                 insert into signatures values
                   (3, 1, 'SIG1', '云帆', false, 'approved', '', now(), now(), null),
                   (4, 1, 'SIG2', '青禾', false, 'rejected', '不清晰', now(), now(), now());
                 insert into sms_templates values
                   (5, 1, 'UTA1', '验证码', 'notice', '您的{1}', '', '', '', false, 'waiting', '',
                    now(), now(), null);",
            )
            .await
            .unwrap();
        }
        db.execute(sqlx::AssertSqlSafe(migration.sql.as_str().to_owned())).await.unwrap();
    }
    let counts: Vec<(String, String, bool, i64)> = sqlx::query_as(
        "select subject::text, status::text, gone, n from review_counts order by 1, 2",
    )
    .fetch_all(&db)
    .await
    .unwrap();
    let count =
        |subject: &str, status: &str, gone| (subject.to_owned(), status.to_owned(), gone, 1);
    assert_eq!(
        counts,
        [
            count("signature", "approved", false),
            count("signature", "rejected", true),
            count("template", "waiting", false),
        ]
    );
    let found: i64 = sqlx::query_scalar(
        "select count(*) from sms_templates
         where pairs @> search_pairs('验证码') and next_check_at <= now()",
    )
    .fetch_one(&db)
    .await
    .unwrap();
    assert_eq!(found, 1);
}

#[sqlx::test(migrations = false)]
async fn what_was_sent_before_statistics_were_kept_is_counted(db: PgPool) {
    let migrator = sqlx::migrate!();
    for migration in migrator.iter() {
        if migration.description == "statistics" {
            db.execute(
                "insert into projects (id, slug, name, ucloud_project_id, public_key,
                   private_key_sealed, hook_secret_sealed, hook_secret_hash, created_at)
                 values (1, 'a', '甲', 'org-a', 'k', '\\x00', '\\x00', '\\x01', now());
                 insert into users values (2, 'Mei', 'hash', false, null, now());
                 insert into signatures (id, project_id, sig_id, content, international, status,
                   checked_at, changed_at, next_check_at)
                 values (3, 1, 'SIG1', '云帆', false, 'approved', now(), now(), now());
                 insert into sms_templates (id, project_id, template_id, name, purpose, text,
                   international, status, checked_at, changed_at, next_check_at)
                 values (4, 1, 'UTA1', '验证码', 'notice', '您的{1}', false, 'approved', now(),
                   now(), now());
                 insert into batches (id, project_id, name, state, signature_id, template_id,
                   sig_content, vendor_template_id, template_text, purpose, international, total,
                   parts, ordered_by, form_token)
                 values (5, 1, 'b', 'done', 3, 4, '云帆', 'UTA1', 't', 'notice', false, 3, 3, 2,
                   gen_random_uuid());
                 insert into submissions (id, project_id, batch_id, state, n, delivered, failed,
                   next_try_at, sent_at, session_no)
                 values (6, 1, 5, 'accepted', 3, 1, 1, now(), now(), 's');
                 insert into messages (id, project_id, submission_id, batch_id, template_id, phone,
                   params)
                 select n, 1, 6, 5, 4, '1850000000' || n, '{}' from generate_series(7, 9) n;
                 insert into outcomes (id, project_id, submission_id, batch_id, template_id, outcome,
                   parts, receipt_at, recorded_at)
                 values (7, 1, 6, 5, 4, 'delivered', 2, now() + interval '3 seconds', now()),
                   (8, 1, 6, 5, 4, 'failed', 1, now(), now());
                 insert into external_messages (id, project_id, session_no, phone, user_id, outcome,
                   parts, receipt_at, recorded_at)
                 values (10, 1, 'f', '18500000099', '', 'delivered', 1, now(), now());",
            )
            .await
            .unwrap();
        }
        db.execute(sqlx::AssertSqlSafe(migration.sql.as_str().to_owned())).await.unwrap();
    }
    let counts: Vec<(i64, i64, i64, i64, i64, i64)> = sqlx::query_as(
        "select batch_id, sum(n)::bigint, sum(submitted)::bigint, sum(delivered)::bigint,
           sum(failed)::bigint, sum(parts)::bigint
         from counted_messages group by 1 order by 1",
    )
    .fetch_all(&db)
    .await
    .unwrap();
    assert_eq!(counts, [(0, 1, 0, 1, 0, 1), (5, 3, 1, 1, 1, 3)]);
    let failed: (String, i64) =
        sqlx::query_as("select operator, n from counted_failures").fetch_one(&db).await.unwrap();
    assert_eq!(failed, ("cucc".to_owned(), 1));
    let within: i32 = sqlx::query_scalar("select within_seconds from counted_times")
        .fetch_one(&db)
        .await
        .unwrap();
    assert_eq!(within, 4);
}

#[sqlx::test]
async fn the_audit_log_takes_rows_and_never_changes_them(db: PgPool) {
    db.execute(
        "insert into audit_log values (1, null, null, 'Mei', 'signed_in', '', '{}', '127.0.0.1')",
    )
    .await
    .unwrap();
    assert!(db.execute("update audit_log set actor = 'Eve'").await.is_err());
    assert!(db.execute("delete from audit_log").await.is_err());
    assert!(db.execute("truncate audit_log").await.is_err());
}

async fn columns(db: &PgPool) -> Vec<String> {
    sqlx::query_scalar(
        "select table_name || '.' || column_name from information_schema.columns
         where table_schema = 'public' order by 1",
    )
    .fetch_all(db)
    .await
    .unwrap()
}

#[sqlx::test(migrations = false)]
async fn messages_and_outcomes_of_before_are_found_where_they_were_once_they_lie_in_pieces(
    db: PgPool,
) {
    let migrator = sqlx::migrate!();
    for (n, migration) in migrator.iter().enumerate() {
        if n == 5 {
            db.execute(
                "insert into projects values (1, 'a', '甲', 'org-a', 'k', '\\x00', '\\x00', '\\x01', now());
                 insert into messages select new_id(now() - n * interval '40 days'), 1, 2, 3, 4,
                   '18500001234', '{a}' from generate_series(0, 30) n;
                 insert into reasons (code, description, category) values ('X', '', 'channel');
                 insert into outcomes select id, 1, 2, 3, 4, 'failed', 1, 1, null, now() from messages;
                 insert into external_messages values
                   (9, 1, 's-1', '18500001234', '', 'unknown', 1, 1, null, now());
                 insert into inbox values (8, 1, 'x', now(), null);",
            )
            .await
            .unwrap();
        }
        db.execute(sqlx::AssertSqlSafe(migration.sql.as_str().to_owned())).await.unwrap();
    }
    let found: (i64, i64, i64) = sqlx::query_as(
        "select (select count(*) from messages where phone = '18500001234'),
           (select count(*) from outcomes o join messages m using (id) where o.reason_id = 1),
           (select count(*) from external_messages where session_no = 's-1')",
    )
    .fetch_one(&db)
    .await
    .unwrap();
    assert_eq!(found, (31, 31, 1));
    let fresh: i64 = sqlx::query_scalar(
        "with one as (insert into messages select new_id(at), 1, 2, 3, 4, '18500001235', '{}'
           from unnest(array[now(), month_of(now()) + interval '40 days', now() + interval '9 years'])
             as at returning tableoid)
         select count(distinct tableoid) from one",
    )
    .fetch_one(&db)
    .await
    .unwrap();
    assert_eq!(fresh, 3, "now, the next month, and the piece without an end");
}
