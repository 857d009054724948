//! PullUSMSReport: each report is returned once.

use super::*;

async fn pull(sandbox: &Sandbox, limit: &str) -> Vec<Value> {
    let answer = call(sandbox, "PullUSMSReport", &[("Limit", limit)]).await;
    assert_eq!(answer["RetCode"], 0, "{answer}");
    answer["ReportSet"].as_array().unwrap().clone()
}

#[tokio::test]
async fn each_report_is_returned_once() {
    let sandbox = start(None);
    admin_post(&sandbox, "pull", json!({"open": true})).await;
    // The receipt of this one comes after 30 seconds; it is not returned before.
    send(&sandbox, "18500000009", &[]).await;
    let session = send(&sandbox, "18500001234", &[("UserId", "u1")]).await["SessionNo"].clone();
    for phone in ["18500001235", "18500000001", "18500000008"] {
        send(&sandbox, phone, &[]).await;
    }
    wait(300).await;
    let first = pull(&sandbox, "1").await;
    assert_eq!(first[0]["SessionNo"], session);
    assert_eq!(first[0]["UserId"], "u1");
    let rest: Vec<Value> =
        pull(&sandbox, "200").await.into_iter().map(|report| report["Phone"].clone()).collect();
    assert_eq!(rest, ["18500001235", "18500000001"]);
    assert_eq!(pull(&sandbox, "200").await.len(), 0);
    assert_eq!(admin_get(&sandbox, "counts").await["reports_to_pull"], 1);
    // A query still finds the receipt.
    let session = session.as_str().unwrap();
    let answer = call(&sandbox, "GetUSMSSendReceipt", &[("SessionNoSet.0", session)]).await;
    assert_eq!(answer["Data"][0]["ReceiptSet"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn pulling_must_be_enabled_and_returns_up_to_200_reports() {
    let sandbox = start(None);
    send(&sandbox, "18500001234", &[]).await;
    assert_eq!(ret_code(&sandbox, "PullUSMSReport", &[("Limit", "1")]).await, 299);
    admin_post(&sandbox, "pull", json!({"open": true})).await;
    for (limit, expected) in [("0", 18003), ("201", 18003), ("many", 18002), ("200", 0)] {
        assert_eq!(ret_code(&sandbox, "PullUSMSReport", &[("Limit", limit)]).await, expected);
    }
    wait(300).await;
    assert_eq!(pull(&sandbox, "200").await.len(), 0, "sent while it was disabled");
}

#[tokio::test]
async fn a_restart_does_not_return_reports_again() {
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal");
    let sandbox = start(Some(journal.clone()));
    admin_post(&sandbox, "pull", json!({"open": true})).await;
    for phone in ["18500001234", "18500001235"] {
        send(&sandbox, phone, &[]).await;
    }
    wait(300).await;
    assert_eq!(pull(&sandbox, "1").await.len(), 1);
    sandbox.stop().await;
    let sandbox = start(Some(journal));
    let rest = pull(&sandbox, "200").await;
    assert_eq!(rest.len(), 1);
    assert_eq!(rest[0]["Phone"], "18500001235");
}
