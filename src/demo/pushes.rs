//! Sample pushes: counts for the last days, and two unreadable pushes.

use serde_json::{Value, json};
use time::Duration;

use crate::app::App;
use crate::db::receipts::push_url::{self, PushKind};
use crate::domain::ids::ProjectId;
use crate::domain::time::CHINA;
use crate::ops::receipts::push_inbox;

/// Numbers of pushes of status reports and of replies, for today and the days before.
const COUNTS: [(i64, i64); 7] =
    [(36, 2), (214, 9), (187, 4), (240, 11), (52, 1), (61, 3), (198, 6)];

/// Stores the pushes as if they had come until the current time of `app`.
pub async fn insert_all(app: &App, project: ProjectId) -> anyhow::Result<()> {
    let now = app.clock.now();
    let mut db = app.db.acquire().await?;
    for (days, (reports, replies)) in (0..).zip(COUNTS) {
        let at = now - Duration::days(days);
        let day = at.to_offset(CHINA).date();
        push_url::count(&mut db, project, day, PushKind::Reports, reports, at).await?;
        push_url::count(&mut db, project, day, PushKind::Replies, replies, at).await?;
    }
    drop(db);
    let data = json!([
        report("18500001206", "88a0b5c1-0f02-4d6c-9d5e-6c6e00000001"),
        { "Phone": "18500009057", "ReceiptResult": "发送成功", "ReceiptCode": "DELIVRD" },
        report("18500001207", "88a0b5c1-0f02-4d6c-9d5e-6c6e00000001"),
    ]);
    let half_unreadable = json!({ "MsgType": 2, "Data": data }).to_string();
    for body in [half_unreadable.as_str(), "MsgType=2&Phone=18500001208&ReceiptResult=Success"] {
        push_inbox::store(app, project, body.as_bytes()).await?;
        app.clock.advance(Duration::minutes(2));
    }
    while push_inbox::process_next(app).await? {}
    Ok(())
}

fn report(phone: &str, session_no: &str) -> Value {
    json!({ "SessionNo": session_no, "Phone": phone, "CostCount": 1, "ReceiptResult": "发送成功",
        "ReceiptCode": "DELIVRD", "ReceiptDesc": "用户接收成功" })
}
