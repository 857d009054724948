//! Injected faults, and pushes to a customer.

use super::*;

#[tokio::test]
async fn faults_strike_calls() {
    let sandbox = start(None);
    let (mut calls, mut accepted) = (0, 0);
    for (kind, takes_effect) in [
        ("reset_before", false),
        ("reset_after", true),
        ("broken_json", true),
        ("http_500", true),
        ("http_status", true),
        ("html", true),
        ("ret_code", false),
        ("hang", true),
        ("delay", true),
    ] {
        for inverted in [false, true] {
            let mut fault = json!({"action": "SendUSMSMessage", "kind": kind, "ret_code": 153});
            if inverted {
                fault["taken"] = json!(!takes_effect);
            }
            admin_post(&sandbox, "faults", fault).await;
            assert_eq!(ret_code(&sandbox, "GetUSMSSendReceipt", &[]).await, 18001);
            let mut params = SEND.to_vec();
            params.push(("PhoneNumbers.0", "18512345678"));
            let pairs = signed("SendUSMSMessage", &params);
            let started = Instant::now();
            let url = sandbox.url();
            let request = tokio::spawn(async move { raw(&url, &pairs).await });
            calls += 1;
            until(async || {
                let counts = admin_get(&sandbox, "counts").await;
                counts["by_action"]["SendUSMSMessage"] == calls
            })
            .await;
            if kind == "hang" {
                wait(800).await;
                assert!(!request.is_finished());
                request.abort();
            } else {
                let response = request.await.unwrap();
                match kind {
                    "reset_before" | "reset_after" => {
                        let broken = match response {
                            Err(_) => true,
                            Ok(response) => response.bytes().await.is_err(),
                        };
                        assert!(broken, "{kind}");
                    }
                    "http_500" => assert_eq!(response.unwrap().status(), 500),
                    "http_status" => assert_eq!(response.unwrap().status(), 503),
                    "ret_code" => {
                        let answer: Value = response.unwrap().json().await.unwrap();
                        assert_eq!(answer["RetCode"], 153);
                    }
                    "delay" => {
                        assert_eq!(response.unwrap().status(), 200);
                        assert!(started.elapsed() >= Duration::from_millis(500));
                    }
                    _ => assert!(response.unwrap().json::<Value>().await.is_err(), "{kind}"),
                }
            }
            accepted += i32::from(takes_effect != inverted);
            let counts = admin_get(&sandbox, "counts").await;
            assert_eq!(counts["taken"], accepted, "{kind} {inverted}");
        }
    }
    assert_eq!(send(&sandbox, "18512345678", &[]).await["RetCode"], 0);
    admin_post(&sandbox, "faults", json!({"kind": "ret_code", "ret_code": 18013, "times": 0}))
        .await;
    for _ in 0..3 {
        assert_eq!(send(&sandbox, "18512345678", &[]).await["RetCode"], 18013);
    }
    http().delete(format!("{}/_admin/faults", sandbox.url())).send().await.unwrap();
    assert_eq!(send(&sandbox, "18512345678", &[]).await["RetCode"], 0);
    sandbox.stop().await;
}

/// The pushes that a customer received.
type Pushed = Arc<Mutex<Vec<Value>>>;

/// Starts a customer's server that refuses the first `refused` pushes. Returns its push URL.
fn customer(refused: usize) -> (String, Pushed) {
    let pushed = Pushed::default();
    let data = web::Data::from(Arc::clone(&pushed));
    let server = HttpServer::new(move || {
        App::new().app_data(data.clone()).default_service(web::post().to(
            move |pushed: web::Data<Mutex<Vec<Value>>>, body: web::Json<Value>| async move {
                let mut pushed = pushed.lock().unwrap();
                pushed.push(body.into_inner());
                let code = i32::from(pushed.len() <= refused);
                HttpResponse::Ok().json(json!({"code": code, "message": "ok"}))
            },
        ))
    })
    .workers(1)
    .disable_signals()
    .bind(any_port())
    .unwrap();
    let url = format!("http://{}/hooks/x", server.addrs()[0]);
    tokio::spawn(server.run());
    (url, pushed)
}

#[tokio::test]
async fn receipts_and_replies_are_pushed() {
    let sandbox = start(None);
    let (url, pushed) = customer(1);
    admin_post(&sandbox, "push", json!({"url": url})).await;
    for phone in ["18512345678", "18500000008", "18500000012"] {
        send(&sandbox, phone, &[("UserId", "u1")]).await;
    }
    until(async || pushed.lock().unwrap().len() >= 2).await;
    // The other two phones have no push.
    wait(500).await;
    {
        let pushed = pushed.lock().unwrap();
        assert_eq!(pushed.len(), 2, "{pushed:?}");
        assert_eq!(pushed[0], pushed[1]);
        assert_eq!(pushed[1]["MsgType"], 2);
        assert_eq!(pushed[1]["Data"].as_array().unwrap().len(), 1);
        assert_eq!(pushed[1]["Data"][0]["Phone"], "18512345678");
        assert!(pushed[1]["Data"][0]["SessionNo"].is_string());
    }
    let page = format!("{}/_inbox/18512345678", sandbox.url());
    let answer = http().post(&page).form(&[("text", "<好>")]).send().await.unwrap();
    let html = answer.text().await.unwrap();
    assert!(html.contains("【优刻得】系统维护通知") && html.contains("&lt;好&gt;"), "{html}");
    until(async || pushed.lock().unwrap().len() >= 3).await;
    send(&sandbox, "18500000011", &[]).await;
    // Both pushes of its receipt may come as one, if the machine is so slow that both are due.
    let receipts = || -> Vec<Value> {
        let pushed = pushed.lock().unwrap();
        pushed[3..].iter().flat_map(|push| push["Data"].as_array().unwrap().clone()).collect()
    };
    until(async || receipts().len() >= 2).await;
    wait(500).await;
    let reply = pushed.lock().unwrap()[2].clone();
    assert_eq!((&reply["MsgType"], &reply["Data"].as_array().unwrap().len()), (&json!(0), &1));
    let reply = &reply["Data"][0];
    assert_eq!(reply["ReplyContent"], "<好>");
    assert_eq!((&reply["UserId"], reply.get("ExtendCode")), (&json!("u1"), None));
    let receipts = receipts();
    assert_eq!(receipts.len(), 2, "{receipts:?}");
    assert_eq!(receipts[0]["Phone"], "18500000011");
    assert_eq!(receipts[0], receipts[1]);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_push_is_given_up_after_three_retries() {
    let sandbox = start(None);
    let (url, pushed) = customer(usize::MAX);
    admin_post(&sandbox, "push", json!({"url": url})).await;
    send(&sandbox, "18512345678", &[]).await;
    until(async || admin_get(&sandbox, "counts").await["pushes_given_up"] == 1).await;
    assert_eq!(pushed.lock().unwrap().len(), 4);
    wait(1_200).await;
    assert_eq!(pushed.lock().unwrap().len(), 4, "a fifth push");
    sandbox.stop().await;
}
