//! Faults on demand, and pushes to a customer.

use super::*;

#[tokio::test]
async fn strikes_with_faults() {
    let sandbox = quick(None);
    let mut taken = 0;
    for (kind, takes) in [
        ("reset_before", false),
        ("reset_after", true),
        ("broken_json", true),
        ("http_500", true),
        ("html", true),
        ("ret_code", false),
        ("hang", true),
        ("delay", true),
    ] {
        for own in [false, true] {
            let mut fault = json!({"action": "SendUSMSMessage", "kind": kind, "ret_code": 153});
            if own {
                fault["taken"] = json!(!takes);
            }
            admin(&sandbox, "faults", fault).await;
            assert_eq!(ret_code(&sandbox, "GetUSMSSendReceipt", &[]).await, 18001);
            let mut params = SEND.to_vec();
            params.push(("PhoneNumbers.0", "18512345678"));
            let pairs = signed("SendUSMSMessage", &params);
            let begun = Instant::now();
            let url = sandbox.url();
            let answer = tokio::time::timeout(Duration::from_millis(800), raw(&url, &pairs)).await;
            match (kind, answer) {
                ("hang", answer) => assert!(answer.is_err()),
                ("reset_before" | "reset_after", answer) => {
                    let broken = match answer.unwrap() {
                        Err(_) => true,
                        Ok(response) => response.bytes().await.is_err(),
                    };
                    assert!(broken, "{kind}");
                }
                ("http_500", answer) => assert_eq!(answer.unwrap().unwrap().status(), 500),
                ("ret_code", answer) => {
                    let answer: Value = answer.unwrap().unwrap().json().await.unwrap();
                    assert_eq!(answer["RetCode"], 153);
                }
                ("delay", answer) => {
                    assert_eq!(answer.unwrap().unwrap().status(), 200);
                    assert!(begun.elapsed() >= Duration::from_millis(500));
                }
                (_, answer) => {
                    assert!(answer.unwrap().unwrap().json::<Value>().await.is_err(), "{kind}");
                }
            }
            taken += i32::from(takes != own);
            assert_eq!(look(&sandbox, "counts").await["taken"], taken, "{kind} {own}");
        }
    }
    assert_eq!(send(&sandbox, "18512345678", &[]).await["RetCode"], 0);
    admin(&sandbox, "faults", json!({"kind": "ret_code", "ret_code": 18013, "times": 0})).await;
    for _ in 0..3 {
        assert_eq!(send(&sandbox, "18512345678", &[]).await["RetCode"], 18013);
    }
    http().delete(format!("{}/_admin/faults", sandbox.url())).send().await.unwrap();
    assert_eq!(send(&sandbox, "18512345678", &[]).await["RetCode"], 0);
    sandbox.stop().await;
}

/// What a customer's address was sent.
type Pushed = Arc<Mutex<Vec<Value>>>;

/// A customer who refuses the first `refused` pushes.
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
async fn pushes_receipts_and_replies() {
    let sandbox = quick(None);
    let (url, pushed) = customer(1);
    admin(&sandbox, "push", json!({"url": url})).await;
    for phone in ["18512345678", "18500000008", "18500000012"] {
        send(&sandbox, phone, &[("UserId", "u1")]).await;
    }
    wait(1800).await;
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
    send(&sandbox, "18500000011", &[]).await;
    wait(1800).await;
    let pushed = pushed.lock().unwrap().split_off(2);
    assert_eq!(pushed.len(), 3, "{pushed:?}");
    let reply = &pushed[0]["Data"][0];
    assert_eq!((&pushed[0]["MsgType"], &reply["ReplyContent"]), (&json!(0), &json!("<好>")));
    assert_eq!((&reply["UserId"], reply.get("ExtendCode")), (&json!("u1"), None));
    assert_eq!(pushed[1], pushed[2]);
    sandbox.stop().await;
}

#[tokio::test]
async fn gives_a_push_up_after_three_retries() {
    let sandbox = quick(None);
    let (url, pushed) = customer(usize::MAX);
    admin(&sandbox, "push", json!({"url": url})).await;
    send(&sandbox, "18512345678", &[]).await;
    wait(5000).await;
    assert_eq!(pushed.lock().unwrap().len(), 4);
    assert_eq!(look(&sandbox, "counts").await["pushes_given_up"], 1);
    sandbox.stop().await;
}
