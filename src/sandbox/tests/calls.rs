//! Request signing, sending, receipts, and restarts.

use super::*;

#[tokio::test]
async fn wrongly_signed_calls_are_refused() {
    let sandbox = start(None);
    let pairs = signed("GetUSMSSendReceipt", &[("SessionNoSet.0", "x")]);
    let change = |name: &'static str, to: Option<&'static str>| {
        let mut pairs = pairs.clone();
        pairs.retain(|(known, _)| known != name);
        pairs.extend(to.map(|to| (name.to_owned(), to.to_owned())));
        pairs
    };
    for (pairs, expected) in [
        (pairs.clone(), 0),
        (change("Signature", None), 170),
        (change("Signature", Some("0")), 171),
        (change("PublicKey", Some("nobody")), 171),
        (change("SessionNoSet.0", Some("y")), 171),
        (change("Action", None), 160),
    ] {
        let answer: Value = raw(&sandbox.url(), &pairs).await.unwrap().json().await.unwrap();
        assert_eq!(answer["RetCode"], expected, "{pairs:?}");
    }
    assert_eq!(ret_code(&sandbox, "DoUSMS", &[]).await, 161);
    // The same call with GET, and as JSON.
    let url = format!("{}/?{}", sandbox.url(), serde_html_form::to_string(&pairs).unwrap());
    let answer: Value = http().get(url).send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["RetCode"], 0);
    let mut body: serde_json::Map<_, _> =
        pairs.into_iter().map(|(name, text)| (name, Value::from(text))).collect();
    body.remove("SessionNoSet.0");
    body.insert("SessionNoSet".into(), json!(["x"]));
    let response = http().post(sandbox.url()).json(&body).send().await.unwrap();
    assert_eq!(response.json::<Value>().await.unwrap()["RetCode"], 0);
    sandbox.stop().await;
}

#[tokio::test]
async fn calls_beyond_the_limits_are_refused() {
    let sandbox = start(None);
    let answer = send(&sandbox, "18512345678", &[("UserId", "order-1")]).await;
    assert_eq!((&answer["RetCode"], &answer["UserId"]), (&json!(0), &json!("order-1")));
    assert_eq!(answer["SessionNo"].as_str().unwrap().len(), 36);
    let phone = ("PhoneNumbers.0", "18512345678");
    let (t0, sig) = (("TemplateId", "T0"), ("SigContent", "优刻得"));
    let t2 = ("TemplateId", "T2");
    let long_id = "i".repeat(33);
    for (expected, params) in [
        (18001, vec![t0, sig]),
        (18001, vec![phone, sig]),
        (18001, vec![phone, t0]),
        (18014, vec![("PhoneNumbers.0", "185-1234"), t0, sig]),
        (18016, vec![phone, t0, ("SigContent", "别人")]),
        (18017, vec![phone, ("TemplateId", "TX"), sig]),
        (18018, vec![phone, t2, sig, ("TemplateParams.0", "甲")]),
        (18033, vec![phone, t2, sig, ("TemplateParams.0", "甲"), ("TemplateParams.1", "")]),
        (18023, vec![phone, t2, sig, ("TemplateParams.0", "赌博"), ("TemplateParams.1", "1")]),
        (18003, vec![phone, t0, sig, ("UserId", &long_id)]),
        (18003, vec![phone, t0, sig, ("UserId", "it's")]),
        (18003, vec![phone, t0, sig, ("UserId", "😀")]),
        (0, vec![phone, ("TemplateId", "TI"), ("TemplateParams.0", "Bob")]),
    ] {
        let code = ret_code(&sandbox, "SendUSMSMessage", &params).await;
        assert_eq!(code, expected, "{params:?}");
    }
    let names: Vec<String> = (0..1001).map(|index| format!("PhoneNumbers.{index}")).collect();
    let mut many: Vec<(&str, &str)> =
        names.iter().map(|name| (name.as_str(), "18512345678")).collect();
    many.extend(SEND);
    assert_eq!(ret_code(&sandbox, "SendUSMSMessage", &many).await, 18019);
    assert_eq!(ret_code(&sandbox, "SendUSMSMessage", &many[1..]).await, 18001);
    let last = many.remove(1000);
    assert_eq!(last.0, "PhoneNumbers.1000");
    assert_eq!(ret_code(&sandbox, "SendUSMSMessage", &many).await, 0);
    assert_eq!(admin_get(&sandbox, "counts").await["taken"], 1002);
    sandbox.stop().await;
}

#[tokio::test]
async fn values_of_a_verification_template_are_one_to_seven_letters_or_digits() {
    let sandbox = start(None);
    sandbox.seed(Seeds {
        templates: vec![TemplateSeed {
            template_id: "TV".into(),
            purpose: 1,
            text: "验证码{1}".into(),
            ..TemplateSeed::default()
        }],
        ..Seeds::default()
    });
    let template = ("TemplateId", "TV");
    for (expected, value) in [
        (0, "1"),
        (0, "aB34567"),
        (18033, "12345678"),
        (18033, "李雷"),
        (18033, "12 34"),
        (18033, "１２３４"),
        (18033, ""),
    ] {
        let phone = ("PhoneNumbers.0", "18512345678");
        let params = [phone, template, ("SigContent", "优刻得"), ("TemplateParams.0", value)];
        assert_eq!(ret_code(&sandbox, "SendUSMSMessage", &params).await, expected, "{value}");
    }
    let target = |value: &str| json!({"Phone": "18512345679", "TemplateParams": [value]});
    let targets = json!([target("1234"), target("12345678")]);
    let task = json!([{"TemplateId": "TV", "SigContent": "优刻得", "Target": targets}]);
    let answer = send_batch(&sandbox, task).await;
    assert_eq!((&answer["RetCode"], &answer["SuccessCount"]), (&json!(18046), &json!(1)));
    assert_eq!(answer["FailContent"][0]["Target"][0]["TemplateParams"][0], "12345678");
    sandbox.stop().await;
}

#[tokio::test]
async fn the_valid_messages_of_a_batch_are_sent() {
    let sandbox = start(None);
    let target = |phone: &str, values: &[&str]| json!({"Phone": phone, "TemplateParams": values, "UserId": phone});
    let group = |template: &str, targets: Value| json!({"TemplateId": template, "SigContent": "优刻得", "Target": targets});
    let valid = target("18512345678", &["甲", "1"]);
    let answer = send_batch(
        &sandbox,
        json!([
            group("T2", json!([valid, target("18512345679", &["甲"]), target("1", &["甲", "1"])])),
            group("TX", json!([{"Phone": "18512345670"}])),
        ]),
    )
    .await;
    assert_eq!((&answer["RetCode"], &answer["SuccessCount"]), (&json!(18046), &json!(1)));
    assert!(answer["SessionNo"].is_string() && answer["ReqUuid"].is_string());
    let failed = &answer["FailContent"];
    assert_eq!(failed[0]["Target"].as_array().unwrap().len(), 2);
    assert!(failed[0]["Target"][0]["FailureDetails"].is_string());
    assert!(failed[1]["FailureDetails"].is_string());
    let listed = admin_get(&sandbox, "messages?phone=18512345678").await;
    assert_eq!(listed[0]["text"], "【优刻得】甲您好，订单1已发货");
    // As in the vendor's own example: RetCode 0, and yet a message was refused.
    let blacklisted = target("18500000099", &["甲", "1"]);
    let answer = send_batch(&sandbox, json!([group("T2", json!([valid, blacklisted]))])).await;
    assert_eq!((&answer["RetCode"], &answer["SuccessCount"]), (&json!(0), &json!(1)));
    assert_eq!(answer["FailContent"][0]["FailureDetails"], "phone in the black list");
    let answer = send_batch(&sandbox, json!([group("TX", json!([valid]))])).await;
    assert!(answer["RetCode"] == 18046 && answer.get("SessionNo").is_none());
    let many: Vec<Value> = (0..201).map(|_| valid.clone()).collect();
    assert_eq!(send_batch(&sandbox, json!([group("T2", json!(many))])).await["RetCode"], 18019);
    let content = [("TaskContent", "不是")];
    assert_eq!(ret_code(&sandbox, "SendBatchUSMSMessage", &content).await, 18002);
    assert_eq!(admin_get(&sandbox, "counts").await["phones_taken_twice"], 1);
    sandbox.stop().await;
}

#[tokio::test]
async fn messages_have_receipts_once_they_are_due() {
    let sandbox = start(None);
    let mut sessions = Vec::new();
    for phone in ["18512345678", "18500000001", "18500000007", "18500000008"] {
        let answer = send(&sandbox, phone, &[("UserId", phone)]).await;
        sessions.push(answer["SessionNo"].as_str().unwrap().to_owned());
    }
    sessions.push("unknown".into());
    let names: Vec<String> = (0..101).map(|index| format!("SessionNoSet.{index}")).collect();
    let query: Vec<(&str, &str)> =
        names.iter().zip(&sessions).map(|(name, no)| (name.as_str(), no.as_str())).collect();
    wait(300).await;
    let data = call(&sandbox, "GetUSMSSendReceipt", &query).await["Data"].clone();
    let set = |index: usize| data[index]["ReceiptSet"].clone();
    assert_eq!(data.as_array().unwrap().len(), 5);
    assert_eq!(set(0)[0]["ReceiptResult"], "发送成功");
    assert_eq!(set(0)[0]["UserId"], "18512345678");
    assert_eq!(set(0)[0]["CostCount"], 1);
    assert_eq!(set(1)[0]["ReceiptCode"], "ERRNUM");
    assert_eq!(set(2)[0]["ReceiptResult"], "状态未知");
    assert_eq!((set(3), set(4)), (json!([]), json!([])));
    let many: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "x")).collect();
    assert_eq!(ret_code(&sandbox, "GetUSMSSendReceipt", &many).await, 18003);
    assert_eq!(ret_code(&sandbox, "GetUSMSSendReceipt", &[]).await, 18001);
    sandbox.stop().await;
}

#[tokio::test]
async fn the_journal_preserves_messages_over_restarts() {
    let path = std::env::temp_dir().join(format!("sandbox-{}.jsonl", uuid::Uuid::new_v4()));
    let sandbox = start(Some(path.clone()));
    let session = send(&sandbox, "18512345678", &[("UserId", "u")]).await["SessionNo"].clone();
    admin_post(&sandbox, "reply", json!({"phone": "18512345678", "content": "收到"})).await;
    sandbox.stop().await;
    let mut journal = std::fs::read(&path).unwrap();
    journal.extend(b"{\"Sent\":{\"session");
    std::fs::write(&path, journal).unwrap();
    for expected in 1..=2 {
        let settings = Settings { journal: Some(path.clone()), ..Settings::on(any_port()) };
        let sandbox = Sandbox::start(settings).unwrap();
        let counts = admin_get(&sandbox, "counts").await;
        assert_eq!(
            (&counts["taken"], &counts["phones_taken_twice"]),
            (&json!(expected), &json!(0))
        );
        assert_eq!(admin_get(&sandbox, "messages").await[0]["session_no"], session);
        assert_eq!(send(&sandbox, "18512345678", &[]).await["RetCode"], 0);
        sandbox.stop().await;
    }
    std::fs::remove_file(path).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a minute: a million messages"]
async fn a_million_messages_can_be_sent() {
    let sandbox = start(None);
    let names: Vec<String> = (0..1000).map(|index| format!("PhoneNumbers.{index}")).collect();
    let started = Instant::now();
    for call_no in 0..1000 {
        let phones: Vec<String> =
            (0..1000).map(|index| format!("185{:08}", call_no * 1000 + index)).collect();
        let mut params: Vec<(&str, &str)> = names
            .iter()
            .zip(&phones)
            .map(|(name, phone)| (name.as_str(), phone.as_str()))
            .collect();
        params.extend(SEND);
        assert_eq!(ret_code(&sandbox, "SendUSMSMessage", &params).await, 0);
        if call_no % 250 == 249 {
            println!("{} calls in {:?}", call_no + 1, started.elapsed());
        }
    }
    assert_eq!(admin_get(&sandbox, "counts").await["taken"], 1_000_000);
    sandbox.stop().await;
}
