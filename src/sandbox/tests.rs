//! The sandbox from outside, over real sockets, and the rules that need no socket.

use std::collections::HashSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use actix_web::{App, HttpResponse, HttpServer, web};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha1::{Digest as _, Sha1};

use super::params::Params;
use super::{
    PRIVATE_KEY, PROJECT_ID, PUBLIC_KEY, Sandbox, Seeds, Settings, SignatureSeed, TemplateSeed,
    phone, receipts, signing, text,
};

fn any_port() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

/// A sandbox that is quicker than people, with a signature and three templates.
fn quick(journal: Option<PathBuf>) -> Sandbox {
    let sandbox = Sandbox::start(Settings {
        review_after: Duration::from_millis(400),
        receipt_after: Duration::from_millis(200),
        journal,
        ..Settings::on(any_port())
    })
    .unwrap();
    sandbox.seed(seeds());
    sandbox
}

fn seeds() -> Seeds {
    let template = |id: &str, text: &str, international, status| TemplateSeed {
        template_id: id.into(),
        name: "模板".into(),
        text: text.into(),
        international,
        status,
        ..TemplateSeed::default()
    };
    Seeds {
        signatures: vec![SignatureSeed {
            sig_id: "SIG1".into(),
            content: "优刻得".into(),
            ..SignatureSeed::default()
        }],
        templates: vec![
            template("T0", "系统维护通知", false, 2),
            template("T2", "{1}您好，订单{2}已发货", false, 2),
            template("TI", "Hello {1}", true, 2),
            template("TX", "停用", false, 4),
        ],
    }
}

fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

/// Signs as a client does.
fn signed(action: &str, params: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut pairs = owned(params);
    pairs.extend(owned(&[
        ("Action", action),
        ("PublicKey", PUBLIC_KEY),
        ("ProjectId", PROJECT_ID),
    ]));
    pairs.sort();
    let joined: String = pairs.iter().map(|(name, text)| format!("{name}{text}")).collect();
    let signature = hex::encode(Sha1::digest(format!("{joined}{PRIVATE_KEY}")));
    pairs.push(("Signature".into(), signature));
    pairs
}

fn http() -> reqwest::Client {
    super::push::client().unwrap()
}

async fn raw(url: &str, pairs: &[(String, String)]) -> reqwest::Result<reqwest::Response> {
    http().post(url).form(pairs).send().await
}

async fn call(sandbox: &Sandbox, action: &str, params: &[(&str, &str)]) -> Value {
    let response = raw(&sandbox.url(), &signed(action, params)).await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.headers().contains_key("x-ucloud-request-uuid"));
    let answer: Value = response.json().await.unwrap();
    assert_eq!(answer["Action"], format!("{action}Response"));
    answer
}

async fn ret_code(sandbox: &Sandbox, action: &str, params: &[(&str, &str)]) -> i64 {
    call(sandbox, action, params).await["RetCode"].as_i64().unwrap()
}

async fn admin(sandbox: &Sandbox, path: &str, body: Value) -> Value {
    let url = format!("{}/_admin/{path}", sandbox.url());
    http().post(url).json(&body).send().await.unwrap().json().await.unwrap()
}

async fn look(sandbox: &Sandbox, path: &str) -> Value {
    let url = format!("{}/_admin/{path}", sandbox.url());
    http().get(url).send().await.unwrap().json().await.unwrap()
}

const SEND: [(&str, &str); 2] = [("TemplateId", "T0"), ("SigContent", "优刻得")];

async fn send(sandbox: &Sandbox, phone: &str, more: &[(&str, &str)]) -> Value {
    let mut params = SEND.to_vec();
    params.push(("PhoneNumbers.0", phone));
    params.extend(more);
    call(sandbox, "SendUSMSMessage", &params).await
}

async fn send_batch(sandbox: &Sandbox, tasks: Value) -> Value {
    let content = STANDARD.encode(tasks.to_string());
    call(sandbox, "SendBatchUSMSMessage", &[("TaskContent", &content)]).await
}

async fn wait(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

#[test]
fn signs_as_the_vendor_does() {
    let sign = |query: &str, key: &str| {
        signing::sign(&Params::read("", "", query.as_bytes()).unwrap(), key)
    };
    let query = "Action=DescribeUHostInstance&Limit=10&Region=cn-bj2\
        &PublicKey=ucloudsomeone%40example.com1296235120854146120";
    assert_eq!(
        sign(query, "46f09bb9fab4f12dfc160dae12273d5332b5debe"),
        "cba5cf5ec4d4233d206b1b54951e3787350a642f"
    );
    let key = "my_private_key";
    assert_eq!(sign("foo=bar", key), "634edc1bb957c0d65e5ab5494cf3b7784fbc87af");
    let with_key = "PublicKey=my_public_key&foo=bar&Signature=x";
    assert_eq!(sign(with_key, key), "d4411ab30953fb0bbcb1e7313081f05e4e91a394");
}

#[test]
fn flattens_json_as_the_sdks_do() {
    let body = br#"{"A":["x",{"B":1.0}],"C":true,"D":null,"E":12}"#;
    let params = Params::read("", "application/json", body).unwrap();
    let pairs: Vec<_> = params.pairs().collect();
    assert_eq!(pairs, [("A.0", "x"), ("A.1.B", "1"), ("C", "true"), ("E", "12")]);
}

#[test]
fn reads_phones_and_texts() {
    for same in ["18512345678", "(86)18512345678", "(0086)18512345678"] {
        assert_eq!(phone::parse(same).as_deref(), Some("18512345678"));
    }
    assert_eq!(phone::parse("(0060)123456789").as_deref(), Some("(60)123456789"));
    for bad in ["", "1851234567", "+8618512345678", "185 1234 5678", "28512345678", "(86)123"] {
        assert_eq!(phone::parse(bad), None, "{bad}");
    }
    assert_eq!(text::count_variables("{2}和{1}和{1}"), Ok(2));
    assert!(text::count_variables("{1}{3}").is_err());
    assert!(text::count_variables("{name}").is_err());
    assert!(text::variables_only("{1} {2}") && !text::variables_only("{1}元"));
    assert_eq!(text::render("{2}-{1}", &["a", "b"]), "b-a");
    assert_eq!(text::parts(&"字".repeat(70), false), 1);
    assert_eq!(text::parts(&"字".repeat(71), false), 2);
    assert_eq!(text::parts(&"字".repeat(135), false), 3);
    assert_eq!(text::parts(&"a".repeat(160), true), 1);
    assert_eq!(text::parts(&"a".repeat(161), true), 2);
    assert_eq!(text::parts(&"字".repeat(71), true), 2);
}

#[test]
fn outcomes_are_told_apart_by_four_digits() {
    let digits: HashSet<_> = receipts::OUTCOMES.iter().map(|outcome| outcome.digits).collect();
    assert_eq!(digits.len(), receipts::OUTCOMES.len());
    assert_eq!(receipts::outcome("18500000001").code, "ERRNUM");
    assert_eq!(receipts::outcome("18512345678").code, "DELIVRD");
    let manual = include_str!("../../docs/SANDBOX.md");
    for outcome in receipts::OUTCOMES {
        let row = format!("| `{}` | ", outcome.digits);
        let line = manual.lines().find(|line| line.starts_with(&row)).expect(outcome.digits);
        assert!(line.contains(outcome.code) && line.contains(outcome.desc), "{line}");
    }
    for credential in [PUBLIC_KEY, PRIVATE_KEY, PROJECT_ID] {
        assert!(manual.contains(credential));
    }
}

#[tokio::test]
async fn refuses_who_is_not_the_account() {
    let sandbox = quick(None);
    let pairs = signed("GetUSMSSendReceipt", &[("SessionNoSet.0", "x")]);
    let change = |name: &'static str, to: Option<&'static str>| {
        let mut pairs = pairs.clone();
        pairs.retain(|(known, _)| known != name);
        pairs.extend(to.map(|to| (name.to_owned(), to.to_owned())));
        pairs
    };
    for (pairs, wanted) in [
        (pairs.clone(), 0),
        (change("Signature", None), 170),
        (change("Signature", Some("0")), 171),
        (change("PublicKey", Some("nobody")), 171),
        (change("SessionNoSet.0", Some("y")), 171),
        (change("Action", None), 160),
    ] {
        let answer: Value = raw(&sandbox.url(), &pairs).await.unwrap().json().await.unwrap();
        assert_eq!(answer["RetCode"], wanted, "{pairs:?}");
    }
    assert_eq!(ret_code(&sandbox, "DoUSMS", &[]).await, 161);
    // The same by GET, and as JSON.
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
async fn sends_within_the_limits_only() {
    let sandbox = quick(None);
    let answer = send(&sandbox, "18512345678", &[("UserId", "order-1")]).await;
    assert_eq!((&answer["RetCode"], &answer["UserId"]), (&json!(0), &json!("order-1")));
    assert_eq!(answer["SessionNo"].as_str().unwrap().len(), 36);
    let one = ("PhoneNumbers.0", "18512345678");
    let (t0, sig) = (("TemplateId", "T0"), ("SigContent", "优刻得"));
    let t2 = ("TemplateId", "T2");
    let long_id = "i".repeat(33);
    for (wanted, params) in [
        (18001, vec![t0, sig]),
        (18001, vec![one, sig]),
        (18001, vec![one, t0]),
        (18014, vec![("PhoneNumbers.0", "185-1234"), t0, sig]),
        (18016, vec![one, t0, ("SigContent", "别人")]),
        (18017, vec![one, ("TemplateId", "TX"), sig]),
        (18018, vec![one, t2, sig, ("TemplateParams.0", "甲")]),
        (18033, vec![one, t2, sig, ("TemplateParams.0", "甲"), ("TemplateParams.1", "")]),
        (18023, vec![one, t2, sig, ("TemplateParams.0", "赌博"), ("TemplateParams.1", "1")]),
        (18003, vec![one, t0, sig, ("UserId", &long_id)]),
        (18003, vec![one, t0, sig, ("UserId", "it's")]),
        (18003, vec![one, t0, sig, ("UserId", "😀")]),
        (0, vec![one, ("TemplateId", "TI"), ("TemplateParams.0", "Bob")]),
    ] {
        let code = ret_code(&sandbox, "SendUSMSMessage", &params).await;
        assert_eq!(code, wanted, "{params:?}");
    }
    let names: Vec<String> = (0..1001).map(|index| format!("PhoneNumbers.{index}")).collect();
    let mut many: Vec<(&str, &str)> =
        names.iter().map(|name| (name.as_str(), "18512345678")).collect();
    many.extend(SEND);
    assert_eq!(ret_code(&sandbox, "SendUSMSMessage", &many).await, 18019);
    assert_eq!(ret_code(&sandbox, "SendUSMSMessage", &many[1..]).await, 18001);
    let none = many.remove(1000);
    assert_eq!(none.0, "PhoneNumbers.1000");
    assert_eq!(ret_code(&sandbox, "SendUSMSMessage", &many).await, 0);
    assert_eq!(look(&sandbox, "counts").await["taken"], 1002);
    sandbox.stop().await;
}

#[tokio::test]
async fn sends_the_good_part_of_a_batch() {
    let sandbox = quick(None);
    let target = |phone: &str, values: &[&str]| json!({"Phone": phone, "TemplateParams": values, "UserId": phone});
    let group = |template: &str, targets: Value| json!({"TemplateId": template, "SigContent": "优刻得", "Target": targets});
    let good = target("18512345678", &["甲", "1"]);
    let answer = send_batch(
        &sandbox,
        json!([
            group("T2", json!([good, target("18512345679", &["甲"]), target("1", &["甲", "1"])])),
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
    let listed = look(&sandbox, "messages?phone=18512345678").await;
    assert_eq!(listed[0]["text"], "【优刻得】甲您好，订单1已发货");
    // The vendor's own example: RetCode 0, and yet something failed.
    let black = target("18500000099", &["甲", "1"]);
    let answer = send_batch(&sandbox, json!([group("T2", json!([good, black]))])).await;
    assert_eq!((&answer["RetCode"], &answer["SuccessCount"]), (&json!(0), &json!(1)));
    assert_eq!(answer["FailContent"][0]["FailureDetails"], "phone in the black list");
    let answer = send_batch(&sandbox, json!([group("TX", json!([good]))])).await;
    assert!(answer["RetCode"] == 18046 && answer.get("SessionNo").is_none());
    let many: Vec<Value> = (0..201).map(|_| good.clone()).collect();
    assert_eq!(send_batch(&sandbox, json!([group("T2", json!(many))])).await["RetCode"], 18019);
    let content = [("TaskContent", "不是")];
    assert_eq!(ret_code(&sandbox, "SendBatchUSMSMessage", &content).await, 18002);
    assert_eq!(look(&sandbox, "counts").await["phones_taken_twice"], 1);
    sandbox.stop().await;
}

#[tokio::test]
async fn gives_receipts_once_they_are_due() {
    let sandbox = quick(None);
    let mut sessions = Vec::new();
    for phone in ["18512345678", "18500000001", "18500000007", "18500000008"] {
        let answer = send(&sandbox, phone, &[("UserId", phone)]).await;
        sessions.push(answer["SessionNo"].as_str().unwrap().to_owned());
    }
    sessions.push("unknown".into());
    let names: Vec<String> = (0..101).map(|index| format!("SessionNoSet.{index}")).collect();
    let asked: Vec<(&str, &str)> =
        names.iter().zip(&sessions).map(|(name, no)| (name.as_str(), no.as_str())).collect();
    wait(300).await;
    let data = call(&sandbox, "GetUSMSSendReceipt", &asked).await["Data"].clone();
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

#[tokio::test]
async fn remembers_over_restarts() {
    let path = std::env::temp_dir().join(format!("sandbox-{}.jsonl", uuid::Uuid::new_v4()));
    let sandbox = quick(Some(path.clone()));
    let session = send(&sandbox, "18512345678", &[("UserId", "u")]).await["SessionNo"].clone();
    admin(&sandbox, "reply", json!({"phone": "18512345678", "content": "收到"})).await;
    sandbox.stop().await;
    let mut torn = std::fs::read(&path).unwrap();
    torn.extend(b"{\"Sent\":{\"session");
    std::fs::write(&path, torn).unwrap();
    for taken in 1..=2 {
        let settings = Settings { journal: Some(path.clone()), ..Settings::on(any_port()) };
        let sandbox = Sandbox::start(settings).unwrap();
        let counts = look(&sandbox, "counts").await;
        assert_eq!((&counts["taken"], &counts["phones_taken_twice"]), (&json!(taken), &json!(0)));
        assert_eq!(look(&sandbox, "messages").await[0]["session_no"], session);
        assert_eq!(send(&sandbox, "18512345678", &[]).await["RetCode"], 0);
        sandbox.stop().await;
    }
    std::fs::remove_file(path).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a minute: a million messages"]
async fn holds_a_million_messages() {
    let sandbox = quick(None);
    let names: Vec<String> = (0..1000).map(|index| format!("PhoneNumbers.{index}")).collect();
    let begun = Instant::now();
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
            println!("{} calls in {:?}", call_no + 1, begun.elapsed());
        }
    }
    assert_eq!(look(&sandbox, "counts").await["taken"], 1_000_000);
    sandbox.stop().await;
}
