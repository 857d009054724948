//! Statistics: they add up to the messages whatever happens, and exports show the same.

use std::collections::BTreeMap;

use reqwest::StatusCode;
use serde_json::json;
use sqlx::PgPool;
use time::{Date, Duration, OffsetDateTime};
use usms_console::db::receipts::external_messages;
use usms_console::db::reporting::statistics;
use usms_console::db::reporting::statistics::StatisticsQuery;
use usms_console::domain::ids::SubmissionId;
use usms_console::domain::period;
use usms_console::domain::statistics::By;
use usms_console::ops::receipts::push_inbox;

use super::prices::set_price;
use crate::harness::{
    CODE, CODE_TEMPLATE, Page, TestClient, TestConsole, TestOptions, assert_sound, until,
};

pub const STATISTICS: &str = "/p/default/statistics";
pub const FAILURES: &str = "/p/default/failures";

pub async fn fold(db: &PgPool) -> u64 {
    statistics::fold(&mut db.acquire().await.unwrap()).await.unwrap()
}

/// Counts the console's own messages by state.
async fn states(db: &PgPool) -> BTreeMap<String, i64> {
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "select message_state(s.state, o.outcome)::text, count(*)
         from messages m join submissions s on s.id = m.submission_id
         left join outcomes o on o.id = m.id group by 1",
    )
    .fetch_all(db)
    .await
    .unwrap();
    rows.into_iter().collect()
}

/// Returns the same as the statistics have it.
async fn counted(db: &PgPool) -> BTreeMap<String, i64> {
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "select by_state.state, sum(by_state.n)::bigint from counted_messages c
         cross join lateral (values ('queued', queued), ('submitted', submitted),
           ('in_doubt', in_doubt), ('delivered', delivered), ('failed', failed),
           ('unknown', unknown), ('refused', refused), ('cancelled', cancelled),
           ('suppressed', suppressed)) as by_state (state, n)
         where batch_id <> 0 group by 1 having sum(by_state.n) <> 0",
    )
    .fetch_all(db)
    .await
    .unwrap();
    rows.into_iter().collect()
}

/// Returns the body of a push.
fn receipts(items: &[(&str, &str, &str)], session: &str) -> Vec<u8> {
    let items: Vec<_> = items
        .iter()
        .map(|(phone, result, code)| {
            json!({ "SessionNo": session, "Phone": phone, "CostCount": 2, "ReceiptResult": result,
                "ReceiptTime": OffsetDateTime::now_utc().unix_timestamp(), "ReceiptCode": code,
                "ReceiptDesc": "=words" })
        })
        .collect();
    json!({ "MsgType": 2, "Data": items }).to_string().into_bytes()
}

/// Pushes receipts and processes them.
pub async fn push_receipts(console: &TestConsole, items: &[(&str, &str, &str)], session: &str) {
    push_inbox::store(&console.app, console.project, &receipts(items, session)).await.unwrap();
    console.process_pushes().await;
}

/// Waits until a batch of `n` recipients has its messages.
async fn until_planned(db: &PgPool, n: i32) {
    let query = "select exists (select from batches b where total = $1 and planned and total =
       (select count(*) from messages m where m.batch_id = b.id))";
    until(&format!("a batch of {n} becomes messages"), async || {
        sqlx::query_scalar(query).bind(n).fetch_one(db).await.unwrap()
    })
    .await;
}

/// Sends to these rows, and waits until every outcome is final.
pub async fn send_list(console: &TestConsole, operator: &TestClient, rows: &str) -> String {
    let preview = operator.upload_list(CODE, "a.csv", rows.as_bytes()).await;
    let batch = operator.confirm_list(&preview, &[]).await;
    console.until_complete(operator, &batch).await;
    batch
}

pub fn rows(range: std::ops::Range<usize>) -> String {
    range.map(|n| format!("1850{n:07},{n},5\n")).collect()
}

fn figures(page: &Page) -> Vec<String> {
    page.all(".figures dd")
}

#[sqlx::test]
async fn statistics_equal_the_messages_after_everything_that_can_happen_to_them(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    // Delivered, failed for four reasons, unknown; some without a receipt yet.
    let all = format!(
        "{}18500000001,1,5\n18500000002,1,5\n18500000003,1,5\n18500000004,1,5\n18500000007,1,5\n",
        rows(1_000..1_040)
    );
    send_list(&console, &operator, &all).await;
    // Refused as a whole.
    console.fault(json!({ "action": "SendBatchUSMSMessage", "kind": "ret_code", "ret_code": 18023, "times": 1 })).await;
    send_list(&console, &operator, "18500001201,2,5\n18500001202,3,5\n").await;
    console.clear_faults().await;
    // In doubt to the end.
    console
        .fault(json!({ "action": "SendBatchUSMSMessage", "kind": "reset_before", "times": 1 }))
        .await;
    let preview = operator.upload_list(CODE, "d.csv", rows(1_400..1_403).as_bytes()).await;
    let batch = operator.confirm_list(&preview, &[]).await;
    console.until(&operator, &batch, "a[href$='/in-doubt']").await;
    // Cancelled before it was sent.
    let tomorrow = OffsetDateTime::now_utc() + Duration::hours(20 + 8);
    let typed = format!("{}T{:02}:{:02}", tomorrow.date(), tomorrow.hour(), tomorrow.minute());
    let later = [("schedule_at", typed.as_str())];
    let preview = operator.upload_list(CODE, "c.csv", rows(1_300..1_307).as_bytes()).await;
    let batch = operator.confirm_list(&preview, &later).await;
    until_planned(&db, 7).await;
    let csrf = operator.get(&batch).await.csrf();
    operator.post(&format!("{batch}/cancel"), &[("csrf", &csrf), ("confirm", "1")]).await;
    // Opted out between the order and its time.
    let preview = operator.upload_list(CODE, "e.csv", rows(1_500..1_504).as_bytes()).await;
    let batch = operator.confirm_list(&preview, &later).await;
    until_planned(&db, 4).await;
    for statement in [
        "insert into suppressions (project_id, phone, id, reason)
         select id, '18500001502', new_id(now()), 'reply' from projects",
        "update batches set schedule_at = now() where state = 'scheduled'",
    ] {
        sqlx::query(statement).execute(&db).await.unwrap();
    }
    console.until_complete(&operator, &batch).await;
    // External messages, and a late receipt for the unknown one.
    let external = [
        ("18500002001", "发送成功", "DELIVRD"),
        ("18500002002", "发送失败", "-37"),
        ("18500002003", "发送失败", "ERRNUM"),
        ("18500002004", "发送失败", "-1"),
    ];
    push_receipts(&console, &external, "foreign-1").await;
    let session: String = sqlx::query_scalar(
        "select s.session_no from messages m join submissions s on s.id = m.submission_id
         where m.phone = '18500000007'",
    )
    .fetch_one(&db)
    .await
    .unwrap();
    assert_eq!(states(&db).await.get("unknown"), Some(&1));
    push_receipts(&console, &[("18500000007", "发送成功", "DELIVRD")], &session).await;
    let by_state = states(&db).await;
    assert_eq!(by_state.get("unknown"), None, "{by_state:?}");
    assert_eq!(by_state.get("delivered"), Some(&44));
    assert_eq!((by_state.get("suppressed"), by_state.get("in_doubt")), (Some(&1), Some(&3)));
    assert_eq!(counted(&db).await, by_state);
    fold(&db).await;
    assert_eq!(counted(&db).await, by_state);
    assert_sound(&db).await;
    let page = operator.get(&format!("{STATISTICS}?span=7d")).await;
    let sum: Vec<String> = page.all("section[aria-labelledby=sum] .ledger dd");
    assert_eq!(sum[0], by_state.values().sum::<i64>().to_string());
    assert!(figures(&page)[0].starts_with("51"), "{:?}", figures(&page));
    assert!(page.has("section[aria-labelledby=sum] .status.good"), "the ledger adds up");
    assert_eq!(page.all("section[aria-labelledby=others] .ledger dd"), ["4", "1", "3"]);
    let failures = operator.get(&format!("{FAILURES}?span=7d")).await;
    assert!(failures.text.contains("空号或号码错误") && failures.text.contains("ERRNUM"));
    assert!(failures.text.contains("18023"), "{}", failures.text);
    assert!(failures.has("section[aria-labelledby=others]"));
    assert!(failures.has("a[href$='/resend']"));
    let link = failures.attr(".cause a[href*='/messages?'][href*=invalid_number]", "href");
    assert!(link.contains("/messages?state=failed&cause=invalid_number&sent_from="), "{link}");
    let link = failures.attr(".cause .code a[href*='code=ERRNUM']", "href");
    assert!(
        link.contains("/messages?state=failed&cause=invalid_number&code=ERRNUM&sent_from="),
        "{link}"
    );
}

/// Moves everything that was sent within the last hour to `at`.
async fn move_all_to(db: &PgPool, at: OffsetDateTime) {
    sqlx::query("update submissions set sent_at = $1 where sent_at > now() - interval '1 hour'")
        .bind(at)
        .execute(db)
        .await
        .unwrap();
}

#[sqlx::test]
async fn a_day_ends_at_midnight_in_china_and_is_compared_with_the_one_before(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let day = period::day_of(OffsetDateTime::now_utc()) - Duration::days(2);
    let midnight = period::midnight(day);
    send_list(&console, &operator, &rows(1_000..1_004)).await;
    move_all_to(&db, midnight - Duration::SECOND).await;
    send_list(&console, &operator, &rows(1_100..1_106)).await;
    move_all_to(&db, midnight).await;
    fold(&db).await;
    let shown = async |from: Date, to: Date, by: &str| {
        operator.get(&format!("{STATISTICS}?from={from}&to={to}&by={by}")).await
    };
    let page = shown(day, day, "day").await;
    assert_eq!(page.all("tbody th"), [format!("{day} {}", weekday(day))]);
    assert!(figures(&page)[0].starts_with("6+50%"), "{:?}", figures(&page));
    let page = shown(day - Duration::DAY, day, "hour").await;
    let hours: Vec<String> = page.all("section[aria-labelledby=numbers] tbody th");
    let before = day - Duration::DAY;
    assert_eq!(hours, [format!("{day} 00:00"), format!("{before} 23:00")]);
    assert_eq!(page.all("section[aria-labelledby=numbers] tbody td:nth-child(2)"), ["6", "4"]);
    // The values can be read without pointing at the chart.
    assert!(page.attr(".chart .slot:nth-of-type(24)", "aria-label").contains("23:00"));
}

fn weekday(day: Date) -> &'static str {
    ["星期一", "星期二", "星期三", "星期四", "星期五", "星期六", "星期日"]
        [usize::from(day.weekday().number_days_from_monday())]
}

#[sqlx::test]
async fn today_is_compared_with_yesterday_up_to_the_same_minute(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let now = OffsetDateTime::now_utc();
    send_list(&console, &operator, &rows(1_000..1_004)).await;
    move_all_to(&db, now - Duration::DAY + Duration::minutes(10)).await;
    send_list(&console, &operator, &rows(1_100..1_102)).await;
    move_all_to(&db, now - Duration::DAY - Duration::minutes(1)).await;
    let project = console.project;
    let earlier = |until| StatisticsQuery {
        project,
        since: period::midnight(period::day_of(now)) - Duration::days(2),
        until,
        others: false,
    };
    let sent = async |until| {
        let steps = statistics::by_time(&db, earlier(until), true).await.unwrap();
        steps.iter().map(|(_, counts)| counts.tally.sent()).sum::<i64>()
    };
    assert_eq!(sent(now - Duration::DAY).await, 2);
    assert_eq!(sent(now - Duration::DAY + Duration::minutes(11)).await, 6);
}

#[sqlx::test]
async fn every_grouping_has_the_same_sum_and_exports_match_the_pages(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    set_price(&db, "notice", "", 450).await;
    send_list(&console, &operator, &format!("{}18500000001,1,5\n", rows(1_000..1_009))).await;
    operator.send(CODE, &["4310", "5"], "18500001500").await;
    console.until(&operator, "/p/default/receipts?phone=18500001500", ".status.good").await;
    add_international(&db).await;
    for by in By::ALL {
        let page = operator.get_in("en", &format!("{STATISTICS}?span=today&by={}", by.key())).await;
        let sum = |row: &str| -> Vec<String> {
            page.all(&format!("section[aria-labelledby=numbers] {row} td:nth-child(2)"))
        };
        let rows: i64 = sum("tbody").iter().map(|n| n.parse::<i64>().unwrap()).sum();
        assert_eq!(rows.to_string(), sum("tfoot")[0], "{by:?}");
        assert_eq!(rows, 14, "{by:?}");
        let export = format!("{STATISTICS}.csv?span=today&by={}", by.key());
        let file = operator.get(&export).await;
        let mut reader =
            csv::Reader::from_reader(file.text.trim_start_matches('\u{feff}').as_bytes());
        let column = reader.headers().unwrap().iter().position(|name| name == "sent").unwrap();
        let all: i64 =
            reader.records().map(|row| row.unwrap()[column].parse::<i64>().unwrap()).sum();
        assert_eq!(all, 14, "{by:?}");
    }
    let page = operator.get_in("en", &format!("{STATISTICS}?span=today&by=country")).await;
    let countries = page.all("section[aria-labelledby=numbers] tbody th");
    assert_eq!(
        countries,
        ["Mainland China +86", "International, no receipt yet", "Malaysia +60", "Singapore +65"]
    );
    let page = operator.get(&format!("{STATISTICS}?span=today&by=template")).await;
    assert!(page.has(&format!("tbody a[href$='/templates/{CODE_TEMPLATE}']")));
    let page = operator.get(&format!("{STATISTICS}?span=today&by=person")).await;
    assert_eq!(page.all("section[aria-labelledby=numbers] tbody th"), ["operator"]);
    // The international price is not set: no cost is shown rather than a wrong one.
    assert!(!figures(&page)[5].contains('¥'), "{:?}", figures(&page));
    set_price(&db, "international", "", 3_000).await;
    let page = operator.get(&format!("{STATISTICS}?span=today")).await;
    assert!(figures(&page)[5].contains("¥1.10"), "{:?}", figures(&page));
    assert_sound(&db).await;
}

/// Adds a batch of three international messages, two of which have their receipts.
async fn add_international(db: &PgPool) {
    for statement in [
        "insert into batches select (jsonb_populate_record(b, jsonb_build_object('id',
           new_id(now()), 'international', true, 'price', null, 'form_token', gen_random_uuid(), 'total', 3,
           'complete', false, 'delivered', null, 'failed', null, 'unknown', null, 'refused', null,
           'suppressed', null, 'cancelled', null))).* from batches b limit 1",
        "insert into submissions (id, project_id, batch_id, state, n, next_try_at, sent_at,
           session_no)
         select new_id(now()), project_id, id, 'accepted', 3, now(), now(), 's-abroad'
         from batches where international",
        "insert into messages (id, project_id, submission_id, batch_id, template_id, phone, params)
         select new_id(now()), s.project_id, s.id, s.batch_id, b.template_id, phone, '{}'
         from submissions s join batches b on b.id = s.batch_id
         cross join unnest(array['(60)123456789', '(65)81234567', '(60)123456780']) as phone
         where b.international",
        "insert into outcomes (id, project_id, submission_id, batch_id, template_id, outcome,
           parts, receipt_at, recorded_at)
         select id, project_id, submission_id, batch_id, template_id,
           case when phone like '(65)%' then 'failed'::outcome else 'delivered' end, 1, now(),
           now()
         from messages where phone in ('(60)123456789', '(65)81234567')",
        "update submissions set delivered = 1, failed = 1 where session_no = 's-abroad'",
    ] {
        sqlx::query(statement).execute(db).await.unwrap();
    }
}

#[sqlx::test]
async fn folding_while_receipts_arrive_changes_no_sum(db: PgPool) {
    let console =
        TestConsole::start_with(&db, TestOptions { workers: false, ..TestOptions::default() })
            .await;
    console.operator().await;
    let mut sessions = Vec::new();
    for n in 0..8 {
        sessions.push(add_submission(&db, n).await);
    }
    let expected = 8 * 50;
    let folding = tokio::spawn({
        let db = db.clone();
        async move {
            let mut folded = 0;
            for _ in 0..60 {
                folded += fold(&db).await;
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
            folded
        }
    });
    let pushing = sessions.into_iter().map(|(session, phones)| {
        let (app, project) = (console.app.clone(), console.project);
        tokio::spawn(async move {
            for (n, phone) in phones.iter().enumerate() {
                let result = ["发送成功", "发送失败", "状态未知"][n % 3];
                let body = receipts(&[(phone.as_str(), result, "X")], &session);
                push_inbox::store(&app, project, &body).await.unwrap();
                push_inbox::process_next(&app).await.unwrap();
            }
        })
    });
    let pushing: Vec<_> = pushing.collect();
    for _ in 0..40 {
        assert_eq!(counted(&db).await.values().sum::<i64>(), expected, "at every moment");
        tokio::time::sleep(std::time::Duration::from_millis(3)).await;
    }
    for task in pushing {
        task.await.unwrap();
    }
    console.process_pushes().await;
    let folded = folding.await.unwrap();
    assert!(folded > 0);
    assert_eq!(counted(&db).await, states(&db).await);
    fold(&db).await;
    let left: i64 = sqlx::query_scalar("select count(*) from hourly_messages_new")
        .fetch_one(&db)
        .await
        .unwrap();
    assert_eq!(left, 0);
    assert_eq!(counted(&db).await, states(&db).await);
    assert_sound(&db).await;
}

#[sqlx::test]
async fn signatures_are_told_apart_by_their_brackets(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    for (phone, international) in [("18500001234", false), ("18500001235", true)] {
        let batch = operator.send(CODE, &["1234", "5"], phone).await;
        console.until_complete(&operator, &batch).await;
        sqlx::query(
            "update batches set international = $1 where id = (select max(id) from batches)",
        )
        .bind(international)
        .execute(&db)
        .await
        .unwrap();
    }
    let page = operator.get("/p/default/statistics?span=today&by=signature").await;
    let rows = page.all("main table tbody th");
    for bracketed in ["【云帆书店】", "[云帆书店]"] {
        assert!(rows.iter().any(|row| row.contains(bracketed)), "{bracketed}: {rows:?}");
    }
}

/// Adds a batch of 50 phones that the vendor accepted. Returns its session number and the phones.
async fn add_submission(db: &PgPool, n: usize) -> (String, Vec<String>) {
    let session = format!("s-{n}");
    let phones: Vec<String> = (0..50).map(|phone| format!("1850000{n}{phone:03}")).collect();
    sqlx::query(
        "insert into batches (id, project_id, name, state, signature_id, template_id, sig_content,
           vendor_template_id, template_text, purpose, international, total, parts, ordered_by,
           form_token)
         select new_id(now()), t.project_id, $1, 'done', s.id, t.id, s.content, t.template_id,
           t.text, t.purpose, false, 50, 50, u.id, gen_random_uuid()
         from sms_templates t, signatures s, users u limit 1",
    )
    .bind(&session)
    .execute(db)
    .await
    .unwrap();
    sqlx::query(
        "insert into submissions (id, project_id, batch_id, state, n, next_try_at, sent_at,
           session_no)
         select new_id(now()), project_id, id, 'accepted', 50, now(), now(), $1
         from batches where name = $1",
    )
    .bind(&session)
    .execute(db)
    .await
    .unwrap();
    sqlx::query(
        "insert into messages (id, project_id, submission_id, batch_id, template_id, phone, params)
         select new_id(now()), s.project_id, s.id, s.batch_id, b.template_id, phone, '{}'
         from submissions s join batches b on b.id = s.batch_id cross join unnest($2::text[]) phone
         where s.session_no = $1",
    )
    .bind(&session)
    .bind(&phones)
    .execute(db)
    .await
    .unwrap();
    (session, phones)
}

#[sqlx::test]
async fn an_external_message_that_proves_to_be_ours_is_moved_and_old_ones_stay_counted(db: PgPool) {
    let console =
        TestConsole::start_with(&db, TestOptions { workers: false, ..TestOptions::default() })
            .await;
    console.operator().await;
    let (session, phones) = add_submission(&db, 1).await;
    sqlx::query("update submissions set session_no = null").execute(&db).await.unwrap();
    push_receipts(&console, &[(&phones[0], "发送失败", "-37")], &session).await;
    push_receipts(&console, &[("18500009999", "发送成功", "DELIVRD")], "theirs").await;
    let external = async || -> i64 {
        sqlx::query_scalar(
            "select coalesce(sum(n), 0)::bigint from counted_messages where batch_id = 0",
        )
        .fetch_one(&db)
        .await
        .unwrap()
    };
    assert_eq!(external().await, 2);
    sqlx::query("update submissions set session_no = $1")
        .bind(&session)
        .execute(&db)
        .await
        .unwrap();
    let mut tx = db.begin().await.unwrap();
    let submission: i64 =
        sqlx::query_scalar("select id from submissions").fetch_one(&mut *tx).await.unwrap();
    let adopted =
        external_messages::adopt(&mut tx, console.project, &session, SubmissionId(submission))
            .await
            .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(adopted.len(), 1);
    assert_eq!(external().await, 1);
    // Old ones are deleted when their month is over.
    sqlx::query("delete from external_messages").execute(&db).await.unwrap();
    assert_eq!(external().await, 1);
    assert_sound(&db).await;
}

#[sqlx::test]
async fn an_invalid_period_is_named_and_no_input_is_lost(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    for (query, texts) in [
        ("from=yesterday", "开始日期无效"),
        ("from=2026-11-01&to=%00", "结束日期无效"),
        ("from=2026-11-09&to=2026-11-02", "结束日期早于开始日期"),
        ("from=2999-01-01", "早于开始日期,开始日期不能晚于今天"),
        ("from=2020-01-01", "最多 366 天"),
        ("from=-9999-01-01&to=-9999-01-01", "开始日期无效"),
        ("from=%F0%9F%93%85&by=%22%3E%3Cb%3E", "开始日期无效"),
    ] {
        for page_path in [STATISTICS, FAILURES] {
            let page = operator.get(&format!("{page_path}?{query}")).await;
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
            let error = page.one("#span-error");
            assert!(texts.split(',').any(|text| error.contains(text)), "{query}: {error}");
            assert!(page.has("input[aria-invalid=true]"));
            let file = operator.get(&format!("{page_path}.csv?{query}")).await;
            assert_eq!(file.status, StatusCode::BAD_REQUEST);
        }
    }
    let page = operator.get(&format!("{STATISTICS}?from=yesterday")).await;
    assert_eq!(page.value("input[name=from]"), "yesterday");
    let page = operator.get(&format!("{STATISTICS}?span=90d&by=hour")).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.text.contains("按小时最多显示 31 天"));
    let odd = "span=no&state=%00&operator=x&cause=%27%22%3Cb%3E&code=%E2%80%AE&template=%00%00";
    let page = operator.get(&format!("{FAILURES}?{odd}")).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(!page.text.contains("<b>"), "{}", page.text);
    assert!(operator.get(STATISTICS).await.text.contains("该时段无发送数据"));
}
