//! Signatures and templates from application to deletion.

use super::*;

const SIGNATURE: [(&str, &str); 4] =
    [("SigType", "0"), ("SigPurpose", "0"), ("CertificateType", "0"), ("Description", "自用")];

#[tokio::test]
async fn signatures_are_reviewed_changed_and_deleted() {
    let sandbox = start(None);
    let create = async |content: &str, more: &[(&str, &str)]| {
        let mut params = SIGNATURE.to_vec();
        params.push(("SigContent", content));
        params.extend(more);
        call(&sandbox, "CreateUSMSSignature", &params).await
    };
    let query = async |id: &str| {
        call(&sandbox, "QueryUSMSSignature", &[("SigId", id)]).await["Data"].clone()
    };
    let delete =
        async |id: &str| ret_code(&sandbox, "DeleteUSMSSignature", &[("SigIds.0", id)]).await;
    let review = async |id: &str, status: u8, reason: &str| {
        let verdict = json!({"id": id, "status": status, "err_desc": reason});
        admin_post(&sandbox, "review", verdict).await;
    };
    let id = create("云帆科技", &[]).await["SigId"].as_str().unwrap().to_owned();
    assert_eq!(query(&id).await["Status"], 0);
    let other = create("云帆读书", &[]).await["SigId"].as_str().unwrap().to_owned();
    assert_eq!(delete(&other).await, 0, "only what is in review is not deleted");
    review(&id, 1, "").await;
    assert_eq!(query(&id).await["Status"], 1);
    assert_eq!(delete(&id).await, 18003);
    review(&id, 3, "名称不符").await;
    let rejected = query(&id).await;
    assert_eq!((&rejected["Status"], &rejected["ErrDesc"]), (&json!(3), &json!("名称不符")));
    let mut params = SIGNATURE.to_vec();
    params.extend([("SigId", id.as_str()), ("SigContent", "接受科技")]);
    params.push(("File", "aGVsbG8="));
    assert_eq!(ret_code(&sandbox, "UpdateUSMSSignature", &params).await, 18002);
    params.pop();
    params.push(("File", "image/jpeg;base64,aGVsbG8="));
    assert_eq!(ret_code(&sandbox, "UpdateUSMSSignature", &params).await, 0);
    let resubmitted = query(&id).await;
    assert_eq!((&resubmitted["Status"], &resubmitted["ErrDesc"]), (&json!(0), &json!("")));
    assert_eq!(resubmitted["SigContent"], "接受科技");
    review(&id, 2, "").await;
    assert_eq!(query(&id).await["Status"], 2);
    assert_eq!(ret_code(&sandbox, "UpdateUSMSSignature", &params).await, 18003);
    review(&id, 4, "违规").await;
    assert_eq!(query(&id).await["ErrDesc"], "违规");
    assert_eq!((delete(&id).await, delete(&id).await), (0, 18003));
    let large = STANDARD.encode(vec![0; 4 * 1024 * 1024 + 1]);
    assert_eq!(create("大文件", &[("File", &large)]).await["RetCode"], 18003);
    assert_eq!(create("大文件", &[("File", &large[..5_592_404])]).await["RetCode"], 0);
    assert_eq!(create("【括号】", &[]).await["RetCode"], 18003);
    sandbox.stop().await;
}

#[tokio::test]
async fn templates_are_checked_reviewed_changed_and_deleted() {
    let sandbox = start(None);
    let create = async |purpose: &str, text: &str, more: &[(&str, &str)]| {
        let mut params = vec![("Purpose", purpose), ("TemplateName", "名"), ("Template", text)];
        params.extend(more);
        call(&sandbox, "CreateUSMSTemplate", &params).await
    };
    let long = "字".repeat(501);
    for (expected, purpose, text) in [
        (18003, "2", "{1}"),
        (18003, "2", "{2}元"),
        (18003, "2", "★促销"),
        (18003, "2", &long),
        (18003, "1", "您的密码{1}"),
        (18001, "3", "大促销"),
        (18003, "4", "通知"),
        (18002, "x", "通知"),
        (0, "1", "您的验证码{1}"),
    ] {
        assert_eq!(create(purpose, text, &[]).await["RetCode"], expected, "{text}");
    }
    let answer = create("3", "大促销，拒收请回复R", &[("UnsubscribeInfo", "拒收请回复R")]).await;
    let id = answer["TemplateId"].as_str().unwrap();
    let status = async || {
        call(&sandbox, "QueryUSMSTemplate", &[("TemplateId", id)]).await["Data"]["Status"].clone()
    };
    assert_eq!(status().await, 0);
    admin_post(&sandbox, "review", json!({"id": id, "status": 2})).await;
    assert_eq!(status().await, 2);
    let update = async |name: &str, text: &str| {
        let params = [("TemplateId", id), ("TemplateName", name), ("Template", text)];
        ret_code(&sandbox, "UpdateUSMSTemplate", &params).await
    };
    assert_eq!(update("新名", "大促销，拒收请回复R").await, 0);
    assert_eq!(status().await, 2);
    assert_eq!(update("新名", "小促销，拒收请回复R").await, 18003);
    admin_post(&sandbox, "review", json!({"id": id, "status": 3})).await;
    assert_eq!(update("新名", "小促销，拒收请回复R").await, 0);
    assert_eq!(status().await, 0);
    admin_post(&sandbox, "review", json!({"id": id, "status": 1})).await;
    let ids = [("TemplateIds.0", "T0"), ("TemplateIds.1", id)];
    assert_eq!(ret_code(&sandbox, "DeleteUSMSTemplate", &ids).await, 18003);
    assert_eq!(ret_code(&sandbox, "DeleteUSMSTemplate", &ids[..1]).await, 0);
    assert_eq!(send(&sandbox, "18512345678", &[]).await["RetCode"], 18017);
    sandbox.stop().await;
}

#[test]
fn a_review_proceeds_with_time() {
    let mut world = World::open(&Settings {
        review_after: Duration::from_millis(400),
        ..Settings::on(any_port())
    })
    .unwrap();
    let dispatch = |world: &mut World, action: &str, params: &[(&str, &str)], now: i64| {
        let form = serde_html_form::to_string(params).unwrap();
        let params = Params::read("", "", form.as_bytes()).unwrap();
        api::dispatch(action, &params, world, now).unwrap().fields
    };
    let mut params = SIGNATURE.to_vec();
    params.push(("SigContent", "拒绝科技"));
    let created = dispatch(&mut world, "CreateUSMSSignature", &params, 1_000);
    let id = created["SigId"].as_str().unwrap();
    let query = |world: &mut World, now| {
        let fields = dispatch(world, "QueryUSMSSignature", &[("SigId", id)], now);
        let data = &fields["Data"];
        (data["Status"].as_i64().unwrap(), data["ErrDesc"].as_str().unwrap().to_owned())
    };
    for (now, status) in [(1_000, 0), (1_199, 0), (1_200, 1), (1_399, 1), (1_400, 3), (9_000, 3)] {
        let (actual, reason) = query(&mut world, now);
        assert_eq!((actual, reason.is_empty()), (status, status != 3), "{now}");
    }
    params.pop();
    params.extend([("SigId", id), ("SigContent", "接受科技")]);
    dispatch(&mut world, "UpdateUSMSSignature", &params, 10_000);
    for (now, status) in [(10_199, 0), (10_399, 1), (10_400, 2)] {
        assert_eq!(query(&mut world, now), (status, String::new()), "{now}");
    }
    let template = [
        ("Purpose", "3"),
        ("TemplateName", "名"),
        ("Template", "大促销，拒收请回复R"),
        ("UnsubscribeInfo", "拒收请回复R"),
    ];
    let created = dispatch(&mut world, "CreateUSMSTemplate", &template, 20_000);
    let id = [("TemplateId", created["TemplateId"].as_str().unwrap())];
    for (now, status) in [(20_199, 0), (20_200, 1), (20_400, 2)] {
        let fields = dispatch(&mut world, "QueryUSMSTemplate", &id, now);
        assert_eq!(fields["Data"]["Status"], status, "{now}");
    }
}

#[tokio::test]
async fn a_review_ends_by_itself() {
    let sandbox = Sandbox::start(Settings {
        review_after: Duration::from_millis(400),
        ..Settings::on(any_port())
    })
    .unwrap();
    let mut params = SIGNATURE.to_vec();
    params.push(("SigContent", "云帆科技"));
    let answer = call(&sandbox, "CreateUSMSSignature", &params).await;
    let id = [("SigId", answer["SigId"].as_str().unwrap())];
    until(async || call(&sandbox, "QueryUSMSSignature", &id).await["Data"]["Status"] == 2).await;
    sandbox.stop().await;
}

#[tokio::test]
async fn marketing_is_sent_with_how_to_opt_out_exactly_once() {
    let mut seeds = seeds();
    let marketing = |id: &str, text: &str, unsubscribe: &str| TemplateSeed {
        template_id: id.to_owned(),
        name: id.to_owned(),
        purpose: 3,
        text: text.to_owned(),
        unsubscribe: unsubscribe.to_owned(),
        ..TemplateSeed::default()
    };
    let long = "字".repeat(495);
    seeds.templates = vec![
        marketing("M1", "新书上架，拒收请回复R", "拒收请回复R"),
        marketing("M2", "新书上架，回T退订", "拒收请回复R"),
        marketing("M3", "新书上架。", "拒收请回复R"),
        marketing("M4", "新书上架。", ""),
        marketing("M5", &long, "拒收请回复R"),
        marketing("M6", "新书上架，回复ＴＤ退订", "拒收请回复R"),
        marketing("M7", "新书上架，退订回复0000", "拒收请回复R"),
        marketing("M8", "新书上架，回复0退订。", "回复0退订"),
        marketing("M9", "满100元可退订", "回T退订。"),
    ];
    let sandbox = start(None);
    sandbox.seed(seeds);
    let send = async |id: &str| {
        let params =
            [("PhoneNumbers.0", "18500001234"), ("SigContent", "优刻得"), ("TemplateId", id)];
        ret_code(&sandbox, "SendUSMSMessage", &params).await
    };
    for (id, text) in [
        ("M1", "【优刻得】新书上架，拒收请回复R"),
        ("M2", "【优刻得】新书上架，回T退订"),
        ("M3", "【优刻得】新书上架。拒收请回复R"),
        ("M4", "【优刻得】新书上架。拒收请回复R"),
        ("M6", "【优刻得】新书上架，回复ＴＤ退订"),
        ("M7", "【优刻得】新书上架，退订回复0000"),
        ("M8", "【优刻得】新书上架，回复0退订。"),
        ("M9", "【优刻得】满100元可退订回T退订。"),
    ] {
        assert_eq!(send(id).await, 0, "{id}");
        let messages = admin_get(&sandbox, "messages").await;
        assert_eq!(messages.as_array().unwrap().last().unwrap()["text"], text, "{id}");
    }
    assert_eq!(send("M5").await, 18003, "longer than 500 characters with it");
    // A value that ends with one counts as well, in both ways of sending.
    let template = marketing("M10", "本周活动：{1}", "拒收请回复R");
    sandbox.seed(Seeds { templates: vec![template], ..Seeds::default() });
    let text = async || {
        let messages = admin_get(&sandbox, "messages").await;
        messages.as_array().unwrap().last().unwrap()["text"].clone()
    };
    for (value, text_of_value) in [
        ("新书，回T退订", "【优刻得】本周活动：新书，回T退订"),
        ("新书", "【优刻得】本周活动：新书拒收请回复R"),
    ] {
        let params = [
            ("PhoneNumbers.0", "18500001234"),
            ("SigContent", "优刻得"),
            ("TemplateId", "M10"),
            ("TemplateParams.0", value),
        ];
        assert_eq!(ret_code(&sandbox, "SendUSMSMessage", &params).await, 0, "{value}");
        assert_eq!(text().await, text_of_value);
        let content = json!([{
            "TemplateId": "M10",
            "SigContent": "优刻得",
            "Target": [{ "Phone": "18500001235", "TemplateParams": [value] }],
        }]);
        let content = STANDARD.encode(content.to_string());
        let params = [("TaskContent", content.as_str())];
        assert_eq!(ret_code(&sandbox, "SendBatchUSMSMessage", &params).await, 0, "{value}");
        assert_eq!(text().await, text_of_value);
    }
}

#[tokio::test]
async fn changing_and_deleting_follow_the_api_reference_or_the_manual() {
    let sandbox = start(None);
    let mut params = SIGNATURE.to_vec();
    params.push(("SigContent", "云帆科技"));
    let created = call(&sandbox, "CreateUSMSSignature", &params).await;
    let id = created["SigId"].as_str().unwrap();
    params.push(("SigId", id));
    let answers = async |status: u8| {
        admin_post(&sandbox, "review", json!({"id": id, "status": status})).await;
        ret_code(&sandbox, "UpdateUSMSSignature", &params).await
    };
    let delete = async || ret_code(&sandbox, "DeleteUSMSSignature", &[("SigIds.0", id)]).await;
    for (status, expected) in [(0, 18003), (1, 18003), (2, 18003), (3, 0), (4, 18003)] {
        assert_eq!(answers(status).await, expected, "API reference, {status}");
    }
    admin_post(&sandbox, "review", json!({"id": id, "status": 1})).await;
    assert_eq!(delete().await, 18003);
    admin_post(&sandbox, "rules", json!({"review": "manual"})).await;
    for (status, expected) in [(0, 0), (1, 0), (2, 18003), (3, 0), (4, 18003)] {
        assert_eq!(answers(status).await, expected, "manual, {status}");
    }
    admin_post(&sandbox, "review", json!({"id": id, "status": 1})).await;
    assert_eq!(delete().await, 0);
    sandbox.stop().await;
}

#[tokio::test]
async fn changing_the_text_of_a_template_follows_them_and_its_name_is_free() {
    let sandbox = start(None);
    let mut new_text = (0..).map(|n| format!("您的订单{n}已发货"));
    let answer = async |status: u8, field: &str, value: &str| {
        admin_post(&sandbox, "review", json!({"id": "T0", "status": status})).await;
        let params = [("TemplateId", "T0"), (field, value)];
        ret_code(&sandbox, "UpdateUSMSTemplate", &params).await
    };
    for (status, expected) in [(0, 18003), (1, 18003), (2, 18003), (3, 0), (4, 18003)] {
        let text = new_text.next().unwrap();
        assert_eq!(answer(status, "Template", &text).await, expected, "API reference, {status}");
        assert_eq!(answer(status, "TemplateName", "新名称").await, 0, "{status}");
    }
    admin_post(&sandbox, "rules", json!({"review": "manual"})).await;
    for (status, expected) in [(0, 0), (1, 0), (2, 18003), (3, 0), (4, 18003)] {
        let text = new_text.next().unwrap();
        assert_eq!(answer(status, "Template", &text).await, expected, "manual, {status}");
    }
    let params = [("TemplateId", "T0"), ("TemplateName", "名称"), ("UnsubscribeInfo", "回T退订")];
    assert_eq!(ret_code(&sandbox, "UpdateUSMSTemplate", &params).await, 0);
    let counts = admin_get(&sandbox, "counts").await;
    assert_eq!(counts["undocumented"], json!({"UpdateUSMSTemplate UnsubscribeInfo": 1}));
    sandbox.stop().await;
}
