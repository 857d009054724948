//! What all downloads have in common.

use reqwest::StatusCode;
use sqlx::PgPool;
use usms_console::domain::time::CHINA;

use super::replies::{AT, push_replies, reply};
use crate::harness::{CODE, TestConsole};

#[sqlx::test]
async fn files_state_times_in_china_with_their_offset(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let batch = operator.send(CODE, &["4312", "5"], "18500001234").await;
    console.until_complete(&operator, &batch).await;
    push_replies(&console, &[reply("18500001234", "收到", AT)]).await;
    let csrf = operator.get("/p/default/suppressions").await.csrf();
    let fields = [("csrf", csrf.as_str()), ("phones", "18500001001"), ("reason", "complaint")];
    let added = operator.post("/p/default/suppressions", &fields).await;
    assert_eq!(added.status, StatusCode::SEE_OTHER, "{}", added.text);
    let sent_at: time::OffsetDateTime = sqlx::query_scalar("select sent_at from submissions")
        .fetch_one(&console.app.db)
        .await
        .unwrap();
    let rfc3339 = time::format_description::well_known::Rfc3339;
    let sent_at = sent_at.to_offset(CHINA).format(&rfc3339).unwrap();
    for (path, times) in [
        (format!("{batch}/messages.csv"), 2),
        ("/p/default/messages.csv".to_owned(), 2),
        ("/p/default/replies.csv".to_owned(), 2),
        ("/p/default/suppressions.csv".to_owned(), 1),
    ] {
        let file = operator.get(&path).await.text;
        let row = file.lines().nth(1).unwrap();
        assert_eq!(row.matches("+08:00").count(), times, "{path}: {row}");
        assert!(!row.contains("Z\""), "{path}: {row}");
    }
    let messages = operator.get("/p/default/messages.csv").await.text;
    assert!(messages.contains(&sent_at), "{sent_at}: {messages}");
    let replies = operator.get("/p/default/replies.csv").await.text;
    assert!(replies.contains(",\"2025-10-09T16:53:20+08:00\","), "{replies}");
}
