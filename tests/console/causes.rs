//! One code that means different things at different carriers.

use serde_json::json;
use sqlx::PgPool;

use super::messages::{MESSAGES, found, push, quiet, report, session_of};
use crate::harness::CODE;

/// What code 10 means at each carrier: a phone that we send to, one that another program sends to,
/// the cause in URLs, and its text.
const MEANINGS: [(&str, &str, &str, &str); 3] = [
    ("13800000001", "13800000011", "powered_off", "关机或不在服务区"),
    ("18900000002", "18900000012", "expired", "超过有效期未送达"),
    ("18500000003", "18500000013", "invalid_number", "空号或号码错误"),
];

#[sqlx::test]
async fn a_code_that_carriers_use_differently_is_found_counted_and_shown_by_its_cause(db: PgPool) {
    let console = quiet(&db).await;
    let operator = console.operator().await;
    let phones: Vec<&str> = MEANINGS.iter().map(|(phone, ..)| *phone).collect();
    let batch = operator.send(CODE, &["4711", "5"], &phones.join("\n")).await;
    let session = session_of(&console, &operator, &batch).await;
    let receipts: Vec<_> = MEANINGS
        .iter()
        .flat_map(|(ours, theirs, ..)| [(session.as_str(), *ours), ("other-1", *theirs)])
        .map(|(session, phone)| report(session, phone, "发送失败", "10", "失败"))
        .collect();
    push(&console, json!(receipts)).await;
    assert_eq!(found(&operator, "code=10").await.len(), 6);
    for (ours, theirs, cause, text) in MEANINGS {
        assert_eq!(found(&operator, &format!("cause={cause}")).await, [theirs, ours]);
        assert_eq!(found(&operator, &format!("cause={cause}&code=10")).await, [theirs, ours]);
        let page = operator.get(&format!("{MESSAGES}?phone={ours}")).await;
        assert_eq!(page.one(".messages tbody td b"), text);
        let timeline = operator.get(&page.attr(".messages tbody th a", "href")).await;
        assert!(timeline.text.contains(text), "{cause}");
        let file = operator.get(&format!("{MESSAGES}.csv?cause={cause}")).await;
        let rows = file.text.lines().filter(|line| line.contains(&format!(",\"{cause}\",")));
        assert_eq!((rows.count(), file.text.lines().count()), (2, 3), "{}", file.text);
        // One of ours and one of another program.
        let failures = operator.get("/p/default/failures?span=today").await;
        let figure =
            format!(".cause .count a[href*='/messages?state=failed&cause={cause}&sent_from']");
        let counts = failures.all(&figure);
        assert!(
            counts.len() == 2 && counts.iter().all(|n| n.starts_with('1')),
            "{cause}: {counts:?}"
        );
    }
}

#[sqlx::test]
async fn the_carrier_of_a_masked_phone_is_known_from_its_remaining_digits(db: PgPool) {
    let console = quiet(&db).await;
    let operator = console.operator().await;
    push(&console, json!([report("other-1", "138****0001", "发送失败", "10", "失败")])).await;
    assert_eq!(found(&operator, "cause=powered_off").await, ["138****0001"]);
    assert!(found(&operator, "cause=carrier_unspecified").await.is_empty());
}

#[sqlx::test]
async fn what_the_vendor_advises_for_a_code_is_shown_wherever_the_code_is_explained(db: PgPool) {
    let console = quiet(&db).await;
    let operator = console.operator().await;
    let batch = operator.send(CODE, &["4711", "5"], "18500000001\n18500000002\n18500000003").await;
    let session = session_of(&console, &operator, &batch).await;
    let receipt = |phone, code| report(&session, phone, "发送失败", code, "失败");
    let blacklisted = receipt("18500000001", "BLACK");
    let both = [receipt("18500000002", "KEYWORD"), receipt("18500000003", "-119")];
    push(&console, json!([blacklisted, both[0], both[1]])).await;
    let (consent, text) =
        ("取得对方书面同意后，联系 UCloud 技术支持解除拦截。", "UCloud 建议：修改短信内容后重发。");
    let list = operator.get(&format!("{MESSAGES}?phone=18500000001")).await;
    let message = operator.get(&list.attr(".messages tbody th a", "href")).await;
    assert!(message.one(".reason").contains(&format!("UCloud 建议：{consent}")));
    assert!(message.one(".reason").contains("取得书面同意后"), "{}", message.text);
    let receipts = operator.get(&format!("/p/default/receipts/{session}")).await;
    assert!(receipts.text.contains(consent) && receipts.text.contains(text), "{}", receipts.text);
    let causes = operator.get(&batch).await.one("[data-part=causes]");
    assert!(causes.contains(consent) && causes.contains(text), "{causes}");
    let failures = operator.get("/p/default/failures?span=today").await;
    // One code alone has its advice with the cause, several have it each.
    let causes = failures.all(".cause tr:first-child th");
    assert!(causes.iter().any(|cause| cause.contains(consent)), "{causes:?}");
    let codes = failures.all(".cause tr.code th");
    assert!(codes.len() == 2 && codes.iter().all(|code| code.contains(text)), "{codes:?}");
    let english = operator.get_in("en", "/p/default/failures?span=today").await;
    assert!(english.text.contains("UCloud advises: get the recipient"));
}
