//! Signatures and templates from application to deletion.

use super::*;

const SIGNATURE: [(&str, &str); 4] =
    [("SigType", "0"), ("SigPurpose", "0"), ("CertificateType", "0"), ("Description", "自用")];

#[tokio::test]
async fn reviews_signatures() {
    let sandbox = quick(None);
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
    let id = create("拒绝科技", &[]).await["SigId"].as_str().unwrap().to_owned();
    assert_eq!(query(&id).await["Status"], 0);
    assert_eq!(delete(&id).await, 18003);
    wait(250).await;
    assert_eq!(query(&id).await["Status"], 1);
    wait(250).await;
    let rejected = query(&id).await;
    assert!(rejected["Status"] == 3 && !rejected["ErrDesc"].as_str().unwrap().is_empty());
    let mut params = SIGNATURE.to_vec();
    params.extend([("SigId", id.as_str()), ("SigContent", "接受科技")]);
    params.push(("File", "aGVsbG8="));
    assert_eq!(ret_code(&sandbox, "UpdateUSMSSignature", &params).await, 18002);
    params.pop();
    params.push(("File", "image/jpeg;base64,aGVsbG8="));
    assert_eq!(ret_code(&sandbox, "UpdateUSMSSignature", &params).await, 0);
    wait(450).await;
    assert_eq!(query(&id).await["Status"], 2);
    assert_eq!(ret_code(&sandbox, "UpdateUSMSSignature", &params).await, 18003);
    admin(&sandbox, "review", json!({"id": id, "status": 4, "err_desc": "违规"})).await;
    assert_eq!(query(&id).await["ErrDesc"], "违规");
    assert_eq!((delete(&id).await, delete(&id).await), (0, 18003));
    let large = STANDARD.encode(vec![0; 4 * 1024 * 1024 + 1]);
    assert_eq!(create("大文件", &[("File", &large)]).await["RetCode"], 18003);
    assert_eq!(create("大文件", &[("File", &large[..5_592_404])]).await["RetCode"], 0);
    assert_eq!(create("【括号】", &[]).await["RetCode"], 18003);
    sandbox.stop().await;
}

#[tokio::test]
async fn reviews_templates() {
    let sandbox = quick(None);
    let create = async |purpose: &str, text: &str, more: &[(&str, &str)]| {
        let mut params = vec![("Purpose", purpose), ("TemplateName", "名"), ("Template", text)];
        params.extend(more);
        call(&sandbox, "CreateUSMSTemplate", &params).await
    };
    let long = "字".repeat(501);
    for (wanted, purpose, text) in [
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
        assert_eq!(create(purpose, text, &[]).await["RetCode"], wanted, "{text}");
    }
    let answer = create("3", "大促销，拒收请回复R", &[("UnsubscribeInfo", "拒收请回复R")]).await;
    let id = answer["TemplateId"].as_str().unwrap();
    let status = async || {
        call(&sandbox, "QueryUSMSTemplate", &[("TemplateId", id)]).await["Data"]["Status"].clone()
    };
    wait(450).await;
    assert_eq!(status().await, 2);
    let update = async |name: &str, text: &str| {
        let params = [("TemplateId", id), ("TemplateName", name), ("Template", text)];
        ret_code(&sandbox, "UpdateUSMSTemplate", &params).await
    };
    assert_eq!(update("新名", "大促销，拒收请回复R").await, 0);
    assert_eq!(status().await, 2);
    assert_eq!(update("新名", "小促销，拒收请回复R").await, 0);
    assert_eq!(status().await, 0);
    let ids = [("TemplateIds.0", "T0"), ("TemplateIds.1", id)];
    assert_eq!(ret_code(&sandbox, "DeleteUSMSTemplate", &ids).await, 18003);
    assert_eq!(ret_code(&sandbox, "DeleteUSMSTemplate", &ids[..1]).await, 0);
    assert_eq!(send(&sandbox, "18512345678", &[]).await["RetCode"], 18017);
    sandbox.stop().await;
}
