//! PullUSMSReport: handed out once.

use super::*;

async fn pull(sandbox: &Sandbox, limit: &str) -> Vec<Value> {
    let answer = call(sandbox, "PullUSMSReport", &[("Limit", limit)]).await;
    assert_eq!(answer["RetCode"], 0, "{answer}");
    answer["ReportSet"].as_array().unwrap().clone()
}

#[tokio::test]
async fn hands_each_report_out_once() {
    let sandbox = quick(None);
    admin(&sandbox, "pull", json!({"open": true})).await;
    // Its receipt comes after ten seconds: it is not handed out before.
    send(&sandbox, "18500000010", &[]).await;
    let session = send(&sandbox, "18500001234", &[("UserId", "u1")]).await["SessionNo"].clone();
    for phone in ["18500001235", "18500000001", "18500000008"] {
        send(&sandbox, phone, &[]).await;
    }
    wait(300).await;
    let first = pull(&sandbox, "1").await;
    assert_eq!(first[0]["SessionNo"], session);
    assert_eq!(first[0]["UserId"], "u1");
    let rest: Vec<Value> =
        pull(&sandbox, "200").await.into_iter().map(|one| one["Phone"].clone()).collect();
    assert_eq!(rest, ["18500001235", "18500000001"]);
    assert_eq!(pull(&sandbox, "200").await.len(), 0);
    assert_eq!(look(&sandbox, "counts").await["reports_to_pull"], 1);
    // A query finds them all the same.
    let session = session.as_str().unwrap();
    let asked = call(&sandbox, "GetUSMSSendReceipt", &[("SessionNoSet.0", session)]).await;
    assert_eq!(asked["Data"][0]["ReceiptSet"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn is_closed_until_it_is_opened_and_takes_up_to_200() {
    let sandbox = quick(None);
    send(&sandbox, "18500001234", &[]).await;
    assert_eq!(ret_code(&sandbox, "PullUSMSReport", &[("Limit", "1")]).await, 299);
    admin(&sandbox, "pull", json!({"open": true})).await;
    for (limit, expected) in [("0", 18003), ("201", 18003), ("many", 18002), ("200", 0)] {
        assert_eq!(ret_code(&sandbox, "PullUSMSReport", &[("Limit", limit)]).await, expected);
    }
    wait(300).await;
    assert_eq!(pull(&sandbox, "200").await.len(), 0, "sent while it was closed");
}

#[tokio::test]
async fn remembers_what_was_handed_out() {
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal");
    let sandbox = quick(Some(journal.clone()));
    admin(&sandbox, "pull", json!({"open": true})).await;
    for phone in ["18500001234", "18500001235"] {
        send(&sandbox, phone, &[]).await;
    }
    wait(300).await;
    assert_eq!(pull(&sandbox, "1").await.len(), 1);
    sandbox.stop().await;
    let sandbox = quick(Some(journal));
    let left = pull(&sandbox, "200").await;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0]["Phone"], "18500001235");
}
