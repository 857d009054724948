//! The migrations, over an empty database and over data.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods)]

use std::process::{Command, Output};

use sqlx::{ConnectOptions, Executor, PgPool};

/// Runs the console's command on a database.
fn run(db: &PgPool, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_usms-console"))
        .args(args)
        .env("DATABASE_URL", db.connect_options().to_url_lossy().as_str())
        .env("CONSOLE_SECRET_KEY", "07".repeat(32))
        .env("USMS_API_URL", "http://127.0.0.1:9")
        .output()
        .unwrap()
}

#[sqlx::test(migrations = false)]
async fn commands_that_only_read_leave_an_older_database_as_it_is_and_say_so(db: PgPool) {
    let mut older = sqlx::migrate!();
    let all = older.migrations.len();
    for (applied, what) in [(0, "no tables"), (all - 1, "older")] {
        older.migrations = sqlx::migrate!().migrations[..applied].to_vec().into();
        if applied > 0 {
            older.run(&db).await.unwrap();
        }
        let before = columns(&db).await;
        for args in [&["doctor"][..], &["user", "list"], &["project", "list", "--json"]] {
            let output = run(&db, args);
            assert!(!output.status.success());
            let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
            let said: Vec<&str> = text.lines().filter(|line| line.contains(what)).collect();
            assert_eq!(said.len(), 1, "{args:?}: {text}");
            assert!(said[0].contains("usms-console migrate"), "{text}");
            assert_eq!(columns(&db).await, before, "{args:?}");
        }
    }
    assert!(run(&db, &["migrate"]).status.success());
    let later = "insert into _sqlx_migrations
        select max(version) + 1, 'later', now(), true, '\\x00', 0 from _sqlx_migrations";
    sqlx::query(later).execute(&db).await.unwrap();
    let output = run(&db, &["user", "list"]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && text.contains("newer"), "{text}");
}

#[sqlx::test(migrations = false)]
async fn commands_that_only_read_change_nothing(db: PgPool) {
    assert!(run(&db, &["migrate"]).status.success());
    for args in [&["user", "list"][..], &["project", "list"]] {
        let output = run(&db, args);
        assert!(output.status.success(), "{output:?}");
    }
    let doctor = String::from_utf8(run(&db, &["doctor"]).stdout).unwrap();
    assert!(doctor.contains("ok      database\n") && doctor.contains("BROKEN  UCloud"), "{doctor}");
}

#[sqlx::test(migrations = false)]
async fn migrations_run_on_an_empty_database_and_change_nothing_the_second_time(db: PgPool) {
    let migrator = sqlx::migrate!();
    migrator.run(&db).await.unwrap();
    let before = columns(&db).await;
    migrator.run(&db).await.unwrap();
    assert_eq!(before, columns(&db).await);
    assert!(before.iter().any(|column| column == "messages.phone"));
}

#[sqlx::test]
async fn phones_and_session_numbers_compare_byte_by_byte_in_every_table(db: PgPool) {
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
async fn rows_of_the_first_migration_survive_the_later_ones(db: PgPool) {
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
async fn reviewed_rows_of_the_second_migration_are_counted_found_and_checked(db: PgPool) {
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
async fn messages_sent_before_there_were_statistics_are_counted(db: PgPool) {
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
                 insert into foreign_messages (id, project_id, session_no, phone, user_id, outcome,
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
async fn rows_of_the_audit_log_can_be_added_and_never_changed(db: PgPool) {
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
async fn messages_and_outcomes_are_found_after_their_tables_were_partitioned(db: PgPool) {
    let migrator = sqlx::migrate!();
    for (n, migration) in migrator.iter().enumerate() {
        if n == 5 {
            db.execute(
                "insert into projects values (1, 'a', '甲', 'org-a', 'k', '\\x00', '\\x00', '\\x01', now());
                 insert into messages select new_id(now() - n * interval '40 days'), 1, 2, 3, 4,
                   '18500001234', '{a}' from generate_series(0, 30) n;
                 insert into reasons (code, description, category) values ('X', '', 'channel');
                 insert into outcomes select id, 1, 2, 3, 4, 'failed', 1, 1, null, now() from messages;
                 insert into foreign_messages values
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
    assert_eq!(fresh, 3, "now, the next month, and the partition without an end");
}

/// Rows in every table and column that `standard_terms` renames, as the schema was before it.
const BEFORE_STANDARD_TERMS: &str = "
    insert into projects (id, slug, name, ucloud_project_id, public_key, private_key_sealed,
      hook_secret_sealed, hook_secret_hash, created_at, notice_emails, notice_language, keep_months,
      blank_days, opt_out_words, hook_refused_address)
    values (1, 'a', '甲', 'org-a', 'k', '\\x00', '\\x00', '\\x01', now(), '{mei@example.test}', 'en', 6,
      45, '{退订}', '203.0.113.9');
    insert into users values (2, 'Mei', 'hash', false, null, now());
    insert into login_sessions (key_hash, user_id, state, address, agent, created_at, seen_at, expires_at)
    values ('\\x02', 2, '{}', '203.0.113.7', 'Firefox', now(), now(), now() + interval '1 day');
    insert into audit_log values (3, 1, 2, 'Mei', 'signed_in', '', '{}', '203.0.113.8');
    insert into signatures (id, project_id, sig_id, content, international, status, checked_at, changed_at,
      next_check_at, delete_asked_by)
    values (4, 1, 'SIG1', '云帆', false, 'approved', now(), now(), now(), 2);
    insert into sms_templates (id, project_id, template_id, name, purpose, text, international, status,
      checked_at, changed_at, next_check_at)
    values (5, 1, 'UTA1', '验证码', 'notice', '您的{1}', false, 'approved', now(), now(), now());
    insert into applications (id, project_id, subject, template_id, mends, state, content, applied_by,
      form_token, answer, next_look_at, looks)
    values (6, 1, 'template', 5, true, 'in_doubt', '{}', 2, gen_random_uuid(), 'no answer', now(), 3);
    insert into review_events (id, project_id, template_id, event, user_id)
    values (7, 1, 5, 'mended', 2), (8, 1, 5, 'changed_there', null);
    insert into batches (id, project_id, name, state, hold, hold_detail, signature_id, template_id,
      sig_content, vendor_template_id, template_text, purpose, international, total, parts, ordered_by,
      form_token, canary, canary_wait_seconds, canary_percent, canary_left_at, settled)
    values (9, 1, 'b', 'paused', 'canary', '3/200', 4, 5, '云帆', 'UTA1', 't', 'notice', false, 3, 3, 2,
      gen_random_uuid(), 100, 60, 5, now(), false);
    insert into submissions (id, project_id, batch_id, state, n, delivered, failed, unknown, next_try_at,
      sent_at, session_no, answer, settled, kept)
    values (10, 1, 9, 'accepted', 3, 1, 1, 1, now(), now(), 's', 'OK', true, 'blanked'),
      (11, 1, 9, 'accepted', 3, 1, 1, 1, now(), now(), 't', '', true, 'gone');
    insert into foreign_messages (id, project_id, session_no, phone, user_id, outcome, parts, receipt_at,
      recorded_at)
    select new_id(now() + n * interval '40 days'), 1, 'f', '1850000001' || n, '', 'delivered', 1, now(), now()
    from generate_series(0, 1) n;
    insert into keeping (project_id, removed_to, blanked_to) values (1, 12, 13);
    insert into inbox (id, project_id, body, received_at, settled_at) values (14, 1, 'x', now(), now());
    insert into notices (id, project_id, channel, body, attempts, told_at, trouble)
    values (15, 1, 'email', '{}', 1, now(), 'mail refused');
    insert into conversations (id, project_id, phone, replies, unread, opted_out, last_id, last_at,
      last_words, newest_id)
    values (16, 1, '18500000012', 1, 0, true, 17, now(), 'T', 17);
    insert into replies (id, project_id, phone, content, extend_code, user_id, replied_at, recorded_at,
      opt_out, timed, answers, taken_back_by, taken_back_at)
    values (17, 1, '18500000012', 'T', '', '', now(), now(), 'taken_back', true, 18, 2, now()),
      (18, 1, '18500000012', '退订', '', '', now(), now(), 'stands', true, null, null, null);
    insert into suppressions (project_id, phone, id, reason, note, offered_at)
    values (1, '18500000012', 19, 'reply', '', now());
    insert into uploads (batch_id, project_id, state, source, file_name, wanted, touched_at)
    values (9, 1, 'read', 'text', 'a.csv', '{}', now());
    insert into recipients values (9, 2, 'ready', '18500000013', '{}', '', '{}');
    insert into workers (id, started_at, seen_at, vendor_heard_at, vendor_trouble_at, vendor_trouble)
    values (gen_random_uuid(), now(), now(), now(), now(), 'reset');
    insert into report_pulls (project_id, next_at, failures, trouble) values (1, now(), 2, 'HTTP 500');";

/// Those rows under the new names: one query for each table, which returns one row of text.
const AFTER_STANDARD_TERMS: [(&str, &str); 17] = [
    ("select concat_ws(' ', notification_emails[1], notification_language, retention_months, redact_days,
       opt_out_keywords[1], hook_refused_ip) from projects", "mei@example.test en 6 45 退订 203.0.113.9"),
    ("select concat_ws(' ', host(ip::inet), user_agent) from login_sessions", "203.0.113.7 Firefox"),
    ("select ip from audit_log", "203.0.113.8"),
    ("select delete_requested_by::text from signatures", "2"),
    ("select concat_ws(' ', is_resubmission, vendor_message, checks, next_check_at is not null)
       from applications", "t no answer 3 t"),
    ("select string_agg(event::text, ' ' order by id) from review_events", "resubmitted changed_by_vendor"),
    ("select concat_ws(' ', pause_reason, pause_detail, trial_size, trial_wait_seconds,
       trial_failure_percent, trial_sent_at is not null, complete) from batches", "trial 3/200 100 60 5 t f"),
    ("select string_agg(concat_ws(' ', vendor_message, complete, retention), ', ' order by id)
       from submissions", "OK t redacted,  t deleted"),
    ("select count(*)::text from external_messages where phone like '1850000001_'", "2"),
    ("select concat_ws(' ', deleted_to, redacted_to) from retention_progress", "12 13"),
    ("select (processed_at is not null)::text from inbox", "true"),
    ("select concat_ws(' ', channel, delivered_at is not null, error) from notifications",
       "email t mail refused"),
    ("select last_text from conversations", "T"),
    ("select string_agg(concat_ws(' ', opt_out, in_reply_to, undone_by), ', ' order by id) from replies",
       "undone 18 2, active"),
    ("select concat_ws(' ', blacklisted_at is not null, (select read_options from uploads),
       (select position from recipients)) from suppressions", "t {} 2"),
    ("select concat_ws(' ', vendor_answered_at is not null, vendor_error_at is not null, vendor_error)
       from workers", "t t reset"),
    ("select error from report_pulls", "HTTP 500"),
];

#[sqlx::test(migrations = false)]
async fn an_upgrade_to_the_standard_terms_loses_no_row_and_keeps_counting(db: PgPool) {
    let migrator = sqlx::migrate!();
    for migration in migrator.iter() {
        if migration.description == "standard terms" {
            db.execute("select make_pieces(now())").await.unwrap();
            db.execute(BEFORE_STANDARD_TERMS).await.unwrap();
        }
        db.execute(sqlx::AssertSqlSafe(migration.sql.as_str().to_owned())).await.unwrap();
    }
    for (query, row) in AFTER_STANDARD_TERMS {
        let found: String = sqlx::query_scalar(query).fetch_one(&db).await.unwrap();
        assert_eq!(found, row, "{query}");
    }
    let old: Vec<String> = sqlx::query_scalar(
        "select relname::text from pg_class where relnamespace = 'public'::regnamespace
           and relname ~ 'foreign|keeping|pieces|notices|unsettled'
         union all
         select proname::text from pg_proc where pronamespace = 'public'::regnamespace
           and (proname ~ 'foreign|piece|tell' or prosrc ~ 'foreign_|pieces')",
    )
    .fetch_all(&db)
    .await
    .unwrap();
    assert_eq!(old, Vec::<String>::new(), "nothing has an old name");

    let counted = "select coalesce(sum(n), 0)::bigint from counted_messages where batch_id = 0";
    let before: i64 = sqlx::query_scalar(counted).fetch_one(&db).await.unwrap();
    db.execute(
        "insert into external_messages (id, project_id, session_no, phone, user_id, outcome, parts,
           receipt_at, recorded_at)
         values (new_id(now()), 1, 'g', '18500000014', '', 'failed', 1, now(), now())",
    )
    .await
    .unwrap();
    let after: i64 = sqlx::query_scalar(counted).fetch_one(&db).await.unwrap();
    assert_eq!(after - before, 1, "an external message is counted");
    db.execute("select make_partitions(now() + interval '70 days')").await.unwrap();
    let dropped: bool =
        sqlx::query_scalar("select drop_partition('first')").fetch_one(&db).await.unwrap();
    assert!(dropped || before > 0, "the oldest partition can be dropped");
}

#[sqlx::test(migrations = false)]
async fn stored_causes_follow_the_table_where_they_can_only_mean_one_thing(db: PgPool) {
    let migrator = sqlx::migrate!();
    let reasons = [
        ("R:00002", "关机", "invalid_number", "powered_off"),
        ("r:00002", "停机", "invalid_number", "powered_off"),
        ("-10", "余额不足", "arrears", "channel"),
        // Another carrier's cause, a refusal, and a code that is no longer one thing.
        ("R:00002", "空号", "expired", "expired"),
        ("-10", "余额不足", "refused", "refused"),
        ("1", "停机", "invalid_number", "invalid_number"),
        // The same words are already stored under the new cause.
        ("TIMEOUT", "超时", "not_provisioned", "not_provisioned"),
        ("TIMEOUT", "超时", "channel", "channel"),
    ];
    for migration in migrator.iter() {
        if migration.version == 20_261_208_000_001 {
            for (code, words, was, _) in reasons {
                sqlx::query(
                    "insert into reasons (code, description, category) values ($1, $2, $3)",
                )
                .bind(code)
                .bind(words)
                .bind(was)
                .execute(&db)
                .await
                .unwrap();
            }
        }
        db.execute(sqlx::AssertSqlSafe(migration.sql.as_str().to_owned())).await.unwrap();
    }
    let stored: Vec<(String, String, String)> =
        sqlx::query_as("select code, description, category from reasons order by id")
            .fetch_all(&db)
            .await
            .unwrap();
    let expected = reasons.map(|(code, words, _, now)| (code.into(), words.into(), now.into()));
    assert_eq!(stored, expected);
}

#[sqlx::test(migrations = false)]
async fn lists_of_sensitive_words_that_a_team_edited_stay_as_they_are(db: PgPool) {
    for migration in sqlx::migrate!().iter() {
        if migration.description == "forbidden topics" {
            // The first team has words, the second emptied its list, the third never looked at it.
            db.execute(
                "insert into projects (id, slug, name, ucloud_project_id, public_key,
                   private_key_sealed, hook_secret_sealed, hook_secret_hash, created_at)
                 select n, 'p' || n, '甲', 'org-' || n, 'k', '\\x00', '\\x00',
                   decode('0' || n, 'hex'), now()
                 from generate_series(1, 3) n;
                 insert into sensitive_words values (1, '竞品');
                 insert into audit_log (id, project_id, actor, action, subject, detail, ip)
                 values (4, 2, 'Mei', 'sensitive_words_kept', 'p2', '{\"count\": 0}', '-');",
            )
            .await
            .unwrap();
        }
        db.execute(sqlx::AssertSqlSafe(migration.sql.as_str().to_owned())).await.unwrap();
    }
    let edited: Vec<bool> =
        sqlx::query_scalar("select sensitive_words_edited from projects order by id")
            .fetch_all(&db)
            .await
            .unwrap();
    assert_eq!(edited, [true, true, false]);
    let words: Vec<String> =
        sqlx::query_scalar("select word from sensitive_words").fetch_all(&db).await.unwrap();
    assert_eq!(words, ["竞品"]);
}

#[sqlx::test(migrations = false)]
async fn the_two_prices_of_a_project_become_prices_of_every_purpose_and_of_all_countries(
    db: PgPool,
) {
    let migrator = sqlx::migrate!();
    for migration in migrator.iter() {
        if migration.description.ends_with("price list") {
            db.execute(
                "insert into projects (id, slug, name, ucloud_project_id, public_key,
                   private_key_sealed, hook_secret_sealed, hook_secret_hash, created_at,
                   price_domestic, price_international)
                 values (1, 'a', '甲', 'org-a', 'k', '\\x00', '\\x00', '\\x01',
                     '2026-01-31 20:00+00', 450, 3000),
                   (2, 'b', '乙', 'org-b', 'k', '\\x00', '\\x00', '\\x02', now(), null, null);",
            )
            .await
            .unwrap();
        }
        db.execute(sqlx::AssertSqlSafe(migration.sql.as_str().to_owned())).await.unwrap();
    }
    let prices: Vec<(i64, String, String, String, i32)> = sqlx::query_as(
        "select project_id, package::text, country, valid_from::text, price from prices
         order by prices.package",
    )
    .fetch_all(&db)
    .await
    .unwrap();
    let row = |package: &str, price| {
        (1, package.to_owned(), String::new(), "2026-02-01".to_owned(), price)
    };
    assert_eq!(prices, [row("notice", 450), row("marketing", 450), row("international", 3_000)]);
}

#[sqlx::test(migrations = false)]
async fn what_was_stored_before_a_name_or_a_rule_changed_is_read_as_before(db: PgPool) {
    for migration in sqlx::migrate!().iter() {
        if migration.description == "price kinds" {
            db.execute(
                "insert into projects (id, slug, name, ucloud_project_id, public_key,
                   private_key_sealed, hook_secret_sealed, hook_secret_hash, created_at)
                 values (1, 'a', '甲', 'org-a', 'k', '\\x00', '\\x00', '\\x01', now());
                 insert into users (id, name, password_hash, is_owner, created_at)
                 values (2, 'mei', '-', false, now());
                 insert into sms_templates (id, project_id, template_id, name, purpose, text,
                   international, status, reason, checked_at, changed_at, next_check_at)
                 values (3, 1, 'UTA1', '验证码', 'verification', '验证码{1}', false, 'approved', '',
                   now(), now(), now());
                 insert into signatures (id, project_id, sig_id, content, international, status,
                   reason, checked_at, changed_at, next_check_at)
                 values (7, 1, 'SIG1', '云帆', false, 'approved', '', now(), now(), now());
                 insert into batches (id, project_id, name, state, signature_id, template_id,
                   sig_content, vendor_template_id, template_text, purpose, international, total,
                   parts, ordered_by, form_token, ordered_at)
                 values (4, 1, '验证码', 'done', 7, 3, '云帆', 'UTA1', '验证码{1}', 'verification',
                   false, 1, 1, 2, gen_random_uuid(), now());
                 insert into prices values (1, 'notice', '', '2020-01-01', 450),
                   (1, 'international', '', '2020-01-01', 3000);
                 insert into notifications (id, project_id, channel, body, error)
                 values (5, 1, 'email', '{}', 'no-wish '), (6, 1, 'email', '{}', 'answer HTTP 500');",
            )
            .await
            .unwrap();
        }
        db.execute(sqlx::AssertSqlSafe(migration.sql.as_str().to_owned())).await.unwrap();
    }
    let errors: Vec<String> = sqlx::query_scalar("select error from notifications order by id")
        .fetch_all(&db)
        .await
        .unwrap();
    assert_eq!(errors, ["not-configured ", "answer HTTP 500"]);
    let price: Option<i32> =
        sqlx::query_scalar("select price from expected_parts").fetch_one(&db).await.unwrap();
    assert_eq!(price, Some(450), "verification codes cost what notices do");
    let proposed: bool = sqlx::query_scalar("select destination_proposed from sms_templates")
        .fetch_one(&db)
        .await
        .unwrap();
    assert!(!proposed, "what was imported before counts as confirmed");
    let ending: String =
        sqlx::query_scalar("select added_opt_out from batches").fetch_one(&db).await.unwrap();
    assert_eq!(ending, "");
}

#[sqlx::test]
async fn each_sql_function_has_the_text_of_its_file(db: PgPool) {
    let installed: Vec<(String, String)> = sqlx::query_as(
        "select proname::text,
           string_agg(pg_get_functiondef(oid), E'\\n' order by oid::regprocedure::text)
         from pg_proc p
         where pronamespace = 'public'::regnamespace
           and not exists (select from pg_depend where objid = p.oid and deptype = 'e')
         group by 1",
    )
    .fetch_all(&db)
    .await
    .unwrap();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/functions");
    for (name, text) in &installed {
        let file = std::fs::read_to_string(folder.join(format!("{name}.sql"))).unwrap_or_default();
        assert_eq!(file.trim_end(), text.trim_end(), "{name}: run scripts/prepare");
    }
    let files = std::fs::read_dir(folder).unwrap().count();
    assert_eq!(files, installed.len(), "no file is left of a function that is gone");
}

#[test]
fn no_migration_adds_a_column_that_rows_of_an_older_version_would_lack() {
    let mut checked = 0;
    for migration in sqlx::migrate!().migrations.iter() {
        let sql: String =
            migration.sql.as_str().lines().filter_map(|line| line.split("--").next()).collect();
        for column in sql.to_lowercase().split("add column").skip(1) {
            let column = column.split([',', ';']).next().unwrap();
            let is_filled = column.contains("default") || column.contains("generated");
            assert!(!column.contains("not null") || is_filled, "{}: {column}", migration.version);
            checked += 1;
        }
    }
    assert!(checked > 10);
}
