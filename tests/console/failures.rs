//! Causes of failures, exports of counts, and the vendor's own counts.

use std::io::Cursor;

use calamine::{Data, Reader, Xlsx};
use reqwest::StatusCode;
use serde_json::json;
use sqlx::PgPool;
use time::macros::datetime;
use time::{Duration, OffsetDateTime};
use usms_console::app::App;
use usms_console::clock::Clock;
use usms_console::domain::phone::{Carrier, Phone};
use usms_console::ops::reporting::vendor_figures;

use super::statistics::{FAILURES, STATISTICS, push_receipts, rows, send_list};
use crate::harness::{CODE_TEMPLATE, TestConsole, TestOptions};

#[sqlx::test]
async fn viewers_can_read_and_export_counts_and_every_export_is_audited(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let batch =
        send_list(&console, &operator, &format!("{}18500000002,1,5\n", rows(1_000..1_003))).await;
    let session: String =
        sqlx::query_scalar("select session_no from submissions").fetch_one(&db).await.unwrap();
    // A code and a carrier's description that look like formulas.
    let external = [("18500002002", "发送失败", "=1+1")];
    push_receipts(&console, &external, "theirs").await;
    sqlx::query("update reasons set description = '=cmd()' where code = '-37'")
        .execute(&db)
        .await
        .unwrap();
    let viewer = console.viewer().await;
    let page = viewer.get(&format!("{FAILURES}?span=today")).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("关机或不在服务区") && !page.has("a[href$='/resend']"));
    assert!(!page.text.contains("18500000002") && !page.text.contains(&session));
    assert!(operator.get(FAILURES).await.has(&format!("a[href='{batch}/resend']")));
    let file = viewer.get(&format!("{FAILURES}.csv?span=today")).await;
    assert!(file.text.contains("\"failed\",\"powered_off\",\"'-37\",\"'=cmd()\""), "{}", file.text);
    let book = viewer.get(&format!("{STATISTICS}.xlsx?span=today&by=batch")).await;
    assert_eq!(book.status, StatusCode::OK);
    for (kind, count) in [("csv", 1), ("xlsx", 1)] {
        let rows: i64 = sqlx::query_scalar(
            "select count(*) from audit_log where actor = 'viewer' and detail->>'file' = $1
               and action in ('statistics_exported', 'failures_exported')",
        )
        .bind(kind)
        .fetch_one(&db)
        .await
        .unwrap();
        assert_eq!(rows, count, "{kind}");
    }
    let request = operator.request_to(&format!("{STATISTICS}.xlsx?span=today&by=batch"));
    let bytes = request.send().await.unwrap().bytes().await.unwrap();
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).unwrap();
    let sheet = book.worksheet_range_at(0).unwrap().unwrap();
    let head: Vec<String> = sheet.rows().next().unwrap().iter().map(Data::to_string).collect();
    assert_eq!(head[..5], ["batch", "name", "total", "delivered", "failed"]);
    let row: Vec<&Data> = sheet.rows().nth(1).unwrap().iter().collect();
    assert_eq!((row[2], row[3], row[4]), (&Data::Float(4.0), &Data::Float(3.0), &Data::Float(1.0)));
    assert_eq!(row[0].to_string(), batch.rsplit('/').next().unwrap());
    let signed_out = console.signed_out().get(&format!("{STATISTICS}?span=7d&by=hour")).await;
    assert_eq!(signed_out.status, StatusCode::SEE_OTHER);
}

#[sqlx::test]
async fn failures_can_be_filtered_by_cause_carrier_or_template(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let file =
        "18500000001,1,5\n18500000002,1,5\n13800000001,1,5\n18900000005,1,5\n18500001000,1,5\n";
    send_list(&console, &operator, file).await;
    let shown = async |query: &str| {
        let page = operator.get_in("en", &format!("{FAILURES}?span=today&{query}")).await;
        (page.all(".cause tr:first-child .count:nth-of-type(1)"), page)
    };
    let first = |counts: &[String]| -> Vec<i64> {
        counts.iter().map(|n| n.split(',').next().unwrap().trim().parse().unwrap()).collect()
    };
    let (counts, page) = shown("").await;
    assert_eq!(first(&counts), [2, 1, 1]);
    let operators = page.all("section[aria-labelledby=operators] tbody th");
    assert_eq!(operators, ["China Unicom", "China Mobile", "China Telecom"]);
    let (counts, page) = shown("operator=cmcc").await;
    assert_eq!(first(&counts), [1]);
    assert!(page.has("ul[aria-label=Filters] a"), "each filter can be removed");
    assert!(page.text.contains("shows all carriers"), "message search has no filter by carrier");
    let (counts, _) = shown("state=failed&cause=powered_off").await;
    assert_eq!(first(&counts), [1]);
    let (counts, page) = shown(&format!("template={CODE_TEMPLATE}&code=ERRNUM")).await;
    assert_eq!(first(&counts), [2]);
    assert!(page.text.contains("on the day a message was") && !page.text.contains("all carriers"));
    let link = page.attr(".cause .count a[href*='code=ERRNUM']", "href");
    let messages = operator.get(&link).await;
    assert_eq!(messages.all("table.list tbody tr").len(), 2, "{link}");
    assert!(link.contains(&format!("template={CODE_TEMPLATE}")), "{link}");
    let (counts, page) = shown("template=UTX").await;
    assert!(counts.is_empty() && page.text.contains("No failures in this period"));
}

#[sqlx::test]
async fn the_database_and_the_pages_know_the_same_carriers(db: PgPool) {
    for prefix in 100..200 {
        let phone = format!("{prefix}00001234");
        let in_code = Carrier::of(&phone);
        let in_code = in_code.map_or("", |operator| match operator {
            Carrier::Cmcc => "cmcc",
            Carrier::Ctcc => "ctcc",
            Carrier::Cucc => "cucc",
        });
        let in_database: String = sqlx::query_scalar("select phone_operator($1)")
            .bind(&phone)
            .fetch_one(&db)
            .await
            .unwrap();
        assert!(
            in_code == in_database || Phone::parse(&phone).is_err(),
            "{phone}: {in_code} {in_database}"
        );
    }
    for (phone, country) in
        [("18500001234", "86"), ("(60)12", "60"), ("(0060)12", "60"), ("", "86"), ("(x)", "86")]
    {
        let in_database: String = sqlx::query_scalar("select phone_country($1)")
            .bind(phone)
            .fetch_one(&db)
            .await
            .unwrap();
        assert_eq!(in_database, country, "{phone}");
    }
}

#[sqlx::test]
async fn the_vendors_counts_are_shown_beside_ours_and_differences_are_explained(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    send_list(&console, &operator, &rows(1_000..1_004)).await;
    // The vendor publishes the counts of today tomorrow.
    let tomorrow = OffsetDateTime::now_utc() + Duration::DAY;
    let app = App { clock: Clock::set_to(tomorrow), ..console.app.clone() };
    assert_eq!(vendor_figures::ask(&app, console.project).await.unwrap(), 1);
    let row = async || {
        let page = operator.get(&format!("{STATISTICS}?span=today")).await;
        page.all("section[aria-labelledby=vendor] tbody td")
    };
    let cells = row().await;
    assert_eq!(cells[..4], ["4", "0", "4", "0"], "{cells:?}");
    assert_eq!(cells[5], "一致。");
    push_receipts(&console, &[("18500002001", "发送成功", "DELIVRD")], "theirs").await;
    let cells = row().await;
    assert_eq!((cells[1].as_str(), cells[3].as_str()), ("1", "-1"));
    assert!(cells[5].contains("少 1 条"), "{cells:?}");
    // The vendor accepted messages that the console does not know.
    sqlx::query("update vendor_days set sent = sent + 9").execute(&db).await.unwrap();
    assert!(row().await[5].contains("多 8 条"));
    // Fetching again brings the vendor's current counts.
    vendor_figures::ask(&app, console.project).await.unwrap();
    assert_eq!(row().await[2], "4");
}

#[sqlx::test]
async fn the_vendors_counts_are_fetched_every_morning_or_on_request_and_a_refusal_is_shown(
    db: PgPool,
) {
    let console =
        TestConsole::start_with(&db, TestOptions { workers: false, ..TestOptions::default() })
            .await;
    let app = App { clock: Clock::set_to(datetime!(2026-11-25 01:00 UTC)), ..console.app.clone() };
    assert!(!vendor_figures::run_once(&app).await.unwrap(), "the first time is next morning");
    app.clock.advance(Duration::hours(22));
    assert!(!vendor_figures::run_once(&app).await.unwrap());
    app.clock.advance(Duration::hours(1));
    assert!(vendor_figures::run_once(&app).await.unwrap());
    assert!(!vendor_figures::run_once(&app).await.unwrap(), "once a day");
    let counts = console.admin(reqwest::Method::GET, "counts", json!(null)).await;
    assert_eq!(counts["by_action"]["GetUSMSSendStatistics"], 2, "domestic and international");
    let operator = console.operator().await;
    console
        .fault(json!({ "action": "GetUSMSSendStatistics", "kind": "ret_code", "ret_code": 292 }))
        .await;
    let csrf = operator.get(STATISTICS).await.csrf();
    let fetch = format!("{STATISTICS}/ask");
    let answer = operator.post(&fetch, &[("csrf", csrf.as_str())]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let page = operator.get(STATISTICS).await;
    assert!(page.one("section[aria-labelledby=vendor] .notice").contains("292"), "{}", page.text);
    operator.post(&fetch, &[("csrf", csrf.as_str())]).await;
    assert!(!operator.get(STATISTICS).await.has("section[aria-labelledby=vendor] .notice"));
    let viewer = console.viewer().await;
    let csrf = viewer.get(STATISTICS).await.csrf();
    let answer = viewer.post(&fetch, &[("csrf", csrf.as_str())]).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
}
