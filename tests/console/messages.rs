//! Message search: the filters alone and combined, paging, exports, and the timeline of a message.

use std::collections::BTreeSet;
use std::io::Cursor;

use calamine::{Data, Reader, Xlsx};
use reqwest::StatusCode;
use serde_json::json;
use sqlx::PgPool;

use crate::harness::{CODE, Page, TestClient, TestConsole, TestOptions, http};

pub const MESSAGES: &str = "/p/default/messages";

/// A console without receipts of its own: the test plays the carrier.
pub async fn quiet(db: &PgPool) -> TestConsole {
    let receipt_after = std::time::Duration::from_secs(3_600);
    TestConsole::start_with(
        db,
        TestOptions { pushes: false, receipt_after, ..TestOptions::default() },
    )
    .await
}

pub async fn push(console: &TestConsole, reports: serde_json::Value) {
    let body = json!({ "MsgType": 2, "Data": reports }).to_string();
    let url = format!("http://{}{}", console.address, console.hook_path);
    assert!(http().post(url).body(body).send().await.unwrap().status().is_success());
    console.until_pushes_processed().await;
}

pub fn report(
    session: &str,
    phone: &str,
    result: &str,
    code: &str,
    description: &str,
) -> serde_json::Value {
    json!({ "SessionNo": session, "Phone": phone, "CostCount": 1, "ReceiptTime": 1_790_000_000,
        "ReceiptResult": result, "ReceiptCode": code, "ReceiptDesc": description, "UserId": "" })
}

pub async fn session_of(console: &TestConsole, operator: &TestClient, batch: &str) -> String {
    let cell = ".messages tbody td:last-child a";
    console.until(operator, batch, cell).await.one(cell)
}

fn phones(page: &Page) -> Vec<String> {
    page.all(".messages tbody th a")
}

pub async fn found(client: &TestClient, query: &str) -> Vec<String> {
    let page = client.get(&format!("{MESSAGES}?{query}")).await;
    assert_eq!(page.status, StatusCode::OK, "{query}: {}", page.text);
    phones(&page)
}

/// Two batches with different texts, three external messages, and receipts.
struct Mixed {
    console: TestConsole,
    operator: TestClient,
    first: String,
    session: String,
}

async fn mixed(db: &PgPool) -> Mixed {
    let console = quiet(db).await;
    let operator = console.operator().await;
    let first = operator.send(CODE, &["4711", "5"], "18500000001\n18500000002\n18500000003").await;
    let session = session_of(&console, &operator, &first).await;
    let file = "18500000001,8899,10\n13800000004,Spring,10\n";
    let preview = operator.upload_list(CODE, "a.csv", file.as_bytes()).await;
    let second = operator.confirm_list(&preview, &[]).await;
    session_of(&console, &operator, &second).await;
    push(
        &console,
        json!([
            report(&session, "18500000001", "发送成功", "DELIVRD", "收到"),
            report(&session, "18500000002", "发送失败", "-37", "关机"),
            report("other-1", "18500000002", "发送失败", "MK:0001", "空号"),
            report("other-1", "18500000005", "发送成功", "DELIVRD", "收到"),
            report("other-2", "(60)123456789", "状态未知", "NULL", "=1+1"),
        ]),
    )
    .await;
    Mixed { console, operator, first, session }
}

fn id_of(batch: &str) -> &str {
    batch.rsplit('/').next().unwrap()
}

#[sqlx::test]
async fn each_filter_finds_its_own_and_external_messages_newest_first(db: PgPool) {
    let Mixed { console: _console, operator, first, session } = mixed(&db).await;
    let (one, two, three) = ("18500000001", "18500000002", "18500000003");
    let (four, five, abroad) = ("13800000004", "18500000005", "(60)123456789");
    let all = found(&operator, "").await;
    assert_eq!(all[3..], [four, one, three, two, one], "{all:?}");
    let external: BTreeSet<&str> = all[..3].iter().map(String::as_str).collect();
    assert_eq!(external, BTreeSet::from([two, five, abroad]));
    let first = id_of(&first);
    let none: [&str; 0] = [];
    for (query, wanted) in [
        ("phone=%2B86+185-0000-0002".to_owned(), vec![two, two]),
        ("phone=0002".to_owned(), vec![two, two]),
        ("phone=185****0002".to_owned(), vec![two, two]),
        (format!("session={session}"), vec![three, two, one]),
        ("session=other-2".to_owned(), vec![abroad]),
        (format!("batch={first}"), vec![three, two, one]),
        ("template=UTA0001".to_owned(), vec![four, one, three, two, one]),
        ("template=UTM0001".to_owned(), none.to_vec()),
        ("signature=SIG0001".to_owned(), vec![four, one, three, two, one]),
        ("signature=%E4%BA%91%E5%B8%86%E4%B9%A6%E5%BA%97&phone=0004".to_owned(), vec![four]),
        ("state=delivered".to_owned(), vec![five, one]),
        ("state=failed".to_owned(), vec![two, two]),
        ("state=unknown".to_owned(), vec![abroad]),
        ("state=submitted".to_owned(), vec![four, one, three]),
        ("state=queued".to_owned(), none.to_vec()),
        ("code=mk:0001".to_owned(), vec![two]),
        ("code=DELIVRD".to_owned(), vec![five, one]),
        ("code=%27+or+1%3D1".to_owned(), none.to_vec()),
        ("cause=powered_off".to_owned(), vec![two]),
        ("cause=delivered".to_owned(), vec![five, one]),
        ("text=4711".to_owned(), vec![three, two, one]),
        ("text=sPRING".to_owned(), vec![four]),
        ("text=%E5%88%86%E9%92%9F%E5%86%85".to_owned(), vec![four, one, three, two, one]),
        ("text=%25".to_owned(), none.to_vec()),
        (format!("batch={first}&state=failed"), vec![two]),
        (format!("batch={first}&state=submitted"), vec![three]),
        (format!("batch={first}&state=delivered"), vec![one]),
        (format!("batch={first}&cause=powered_off&phone=0002"), vec![two]),
        ("template=UTA0001&code=-37".to_owned(), vec![two]),
        ("signature=SIG0001&state=failed&text=47".to_owned(), vec![two]),
        (format!("phone=0001&state=delivered&session={session}"), vec![one]),
        ("from=2020-01-01&to=2020-01-02".to_owned(), none.to_vec()),
        ("from=2020-01-01T08:00&to=8000-01-01&state=failed".to_owned(), vec![two, two]),
    ] {
        let mut seen = found(&operator, &query).await;
        if query == "state=delivered" || query.contains("DELIVRD") || query.contains("=delivered") {
            seen.sort_by_key(|phone| phone != five);
        }
        assert_eq!(seen, wanted, "{query}");
    }
}

#[sqlx::test]
async fn filters_in_use_are_shown_and_each_can_be_removed(db: PgPool) {
    let Mixed { console: _console, operator, first, .. } = mixed(&db).await;
    let path = format!("{MESSAGES}?phone=0002&batch={}&state=failed", id_of(&first));
    let page = operator.get(&path).await;
    assert_eq!(page.all(".chips li").len(), 4);
    assert!(page.one(".chips").contains("后四位 0002") && page.one(".chips").contains("失败"));
    let without = page.attr(".chips li:last-of-type a, .chips li:nth-child(3) a", "href");
    assert_eq!(without, format!("{MESSAGES}?phone=0002&batch={}", id_of(&first)));
    assert!(page.has("#fold[checked]"), "open when one is set");
    assert!(!operator.get(MESSAGES).await.has("#fold[checked]"));
    assert!(page.has("details.more[open]"));
    let nothing = operator.get(&format!("{MESSAGES}?session=who-knows")).await;
    let lookup = nothing.attr(".brackets a.button", "href");
    assert_eq!(lookup, "/p/default/receipts/who-knows");
    assert!(
        operator.get_in("en", &format!("{MESSAGES}?phone=9999")).await.text.contains("No message")
    );
}

#[sqlx::test]
async fn an_invalid_filter_is_named_and_no_input_is_lost(db: PgPool) {
    let Mixed { console, operator, .. } = mixed(&db).await;
    let viewer = console.viewer().await;
    for client in [&operator, &viewer] {
        for (query, field, value) in [
            ("phone=12&text=x", "phone", "12"),
            ("phone=%3Cscript%3E&text=x", "phone", "<script>"),
            ("batch=b-0000000000001&text=x", "batch", "b-0000000000001"),
            ("batch=%27%3B+drop&text=x", "batch", "'; drop"),
            ("from=yesterday&text=x", "from", "yesterday"),
            ("from=2026-11-31&text=x", "from", "2026-11-31"),
            ("from=2026-11-03&to=2026-11-02&text=x", "to", "2026-11-02"),
        ] {
            let page = client.get(&format!("{MESSAGES}?{query}")).await;
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
            assert!(page.has(&format!("#{field}-error")), "{query}");
            let named = format!("input[name={field}][aria-invalid]");
            assert_eq!(page.value(&named), value, "{query}");
            assert_eq!(page.value("input[name=text]"), "x", "{query}");
            assert!(!page.has(".messages"), "{query}");
            let file = client.get(&format!("{MESSAGES}.csv?{query}")).await;
            assert_eq!(file.status, StatusCode::SEE_OTHER, "{query}");
        }
        for query in ["state=lost", "cause=moon", "template=UTX", "signature=nobody"] {
            let page = client.get(&format!("{MESSAGES}?{query}")).await;
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
            assert!(page.has("select[aria-invalid]"), "{query}");
        }
        for harmless in [
            "after=rubbish".to_owned(),
            "before=rubbish".to_owned(),
            "text=%00%F0%9F%98%80%E2%80%AE".to_owned(),
            "session=%00%27".to_owned(),
            "unknown=1".to_owned(),
            "from=1970-01-01&to=8999-12-31".to_owned(),
            "from=&to=&state=&phone=++".to_owned(),
        ] {
            let page = client.get(&format!("{MESSAGES}?{harmless}")).await;
            assert_eq!(page.status, StatusCode::OK, "{harmless}");
        }
        let huge = format!("{MESSAGES}?text={}", "x".repeat(4_000));
        assert_eq!(client.get(&huge).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert_eq!(console.signed_out().get(MESSAGES).await.status, StatusCode::SEE_OTHER);
}

/// Adds external messages, some of them in the same millisecond.
async fn add_external(db: &PgPool, from: i32, to: i32, outcome: &str) {
    sqlx::query(
        "insert into external_messages
           (id, project_id, session_no, phone, user_id, outcome, parts, recorded_at)
         select new_id(now() + n * interval '1 ms' * (n % 3)), p.id, 'f-' || n / 7,
           '185' || lpad(n::text, 8, '0'), '', $3::outcome, 1, now()
         from projects p, generate_series($1, $2) n",
    )
    .bind(from)
    .bind(to)
    .bind(outcome)
    .execute(db)
    .await
    .unwrap();
}

fn ids(page: &Page) -> Vec<String> {
    let links = scraper::Selector::parse(".messages tbody th a").unwrap();
    page.html().select(&links).map(|link| link.attr("href").unwrap().to_owned()).collect()
}

#[sqlx::test]
async fn paging_skips_nothing_and_repeats_nothing_while_messages_arrive(db: PgPool) {
    let console =
        TestConsole::start_with(&db, TestOptions { workers: false, ..TestOptions::default() })
            .await;
    let operator = console.operator().await;
    let rows: String = (0..230).map(|n| format!("1850001{n:04},{n},5\n")).collect();
    let preview = {
        let import = tokio::spawn(import_lists(console.app.clone()));
        let preview = operator.upload_list(CODE, "a.csv", rows.as_bytes()).await;
        operator.confirm_list(&preview, &[]).await;
        import.abort();
        preview
    };
    while usms_console::ops::sending::plan::run_once(&console.app).await.unwrap() {}
    add_external(&db, 1, 120, "delivered").await;
    let batch = preview.split('/').nth(4).unwrap().to_owned();
    for (query, wanted) in [
        (String::new(), 350),
        ("state=queued".to_owned(), 230),
        ("state=delivered".to_owned(), 120),
        (format!("batch={batch}"), 230),
        ("signature=SIG0001".to_owned(), 230),
        ("template=UTA0001&state=queued".to_owned(), 230),
    ] {
        let mut path = format!("{MESSAGES}?{query}");
        let (mut seen, mut pages) = (Vec::new(), 0);
        loop {
            let page = operator.get(&path).await;
            assert_eq!(page.has("a[rel=prev]"), pages > 0, "{query}: only after the first page");
            seen.extend(ids(&page));
            pages += 1;
            assert!(pages < 20, "{query}");
            // New messages arrive meanwhile; they are newer than those already seen.
            add_external(&db, 1_000 + pages * 10, 1_004 + pages * 10, "unknown").await;
            if !page.has("a[rel=next]") {
                break;
            }
            path = page.attr("a[rel=next]", "href");
        }
        let distinct: BTreeSet<&String> = seen.iter().collect();
        assert_eq!(distinct.len(), seen.len(), "{query}: nothing twice");
        let mut sorted = seen.clone();
        sorted.sort_by(|a, b| b.cmp(a));
        assert_eq!(seen, sorted, "{query}: newest first");
        assert!(seen.len() >= wanted, "{query}: {} of {wanted}", seen.len());
        // And forward again, to the newest.
        let (mut forward, mut newest) = (Vec::new(), operator.get(&path).await);
        while newest.has("a[rel=prev]") {
            assert!(forward.len() < 600, "{query}");
            forward.extend(ids(&newest).into_iter().rev());
            let newer = newest.attr("a[rel=prev]", "href");
            assert!(newer.contains(&query) && newer.contains("before="), "{newer}");
            newest = operator.get(&newer).await;
        }
        assert!(forward.is_sorted_by(|a, b| a < b), "{query}: nothing twice, in order");
        forward.extend(ids(&newest));
        assert!(seen.iter().all(|id| forward.contains(id)), "{query}: nothing skipped");
        assert_eq!(ids(&newest), ids(&operator.get(&format!("{MESSAGES}?{query}")).await));
        sqlx::query("delete from external_messages where outcome = 'unknown'")
            .execute(&db)
            .await
            .unwrap();
    }
}

/// Imports lists, where no workers run.
async fn import_lists(app: usms_console::app::App) {
    loop {
        let _ = usms_console::ops::sending::uploads::import::run_once(&app).await;
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[sqlx::test]
async fn a_viewer_sees_masked_phones_in_lists_timelines_and_exports(db: PgPool) {
    let Mixed { console, operator, .. } = mixed(&db).await;
    let viewer = console.viewer().await;
    let page = viewer.get(&format!("{MESSAGES}?phone=18500000002")).await;
    assert_eq!(phones(&page), ["185****0002", "185****0002"]);
    let timeline = viewer.get(&page.attr(".messages tbody th a", "href")).await;
    assert_eq!(timeline.one("h1"), "185****0002");
    let csv = viewer.get(&format!("{MESSAGES}.csv")).await;
    assert!(csv.text.contains("185****0002"));
    let list = viewer.get(MESSAGES).await;
    for text in [&list.text, &timeline.text, &csv.text] {
        assert!(!text.contains("18500000002") && !text.contains("123456789"), "{text}");
    }
    let xlsx = book(&viewer, "").await;
    assert!(xlsx.iter().flatten().all(|cell| !cell.contains("18500000002")));
    assert!(operator.get(&format!("{MESSAGES}.csv")).await.text.contains("18500000002"));
}

/// Returns the cells of the exported spreadsheet, all of which must be text.
async fn book(client: &TestClient, query: &str) -> Vec<Vec<String>> {
    let response = client.request_to(&format!("{MESSAGES}.xlsx?{query}")).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let mut book = Xlsx::new(Cursor::new(response.bytes().await.unwrap().to_vec())).unwrap();
    let name = book.sheet_names()[0].clone();
    let range = book.worksheet_range(&name).unwrap();
    let cell = |cell: &Data| match cell {
        Data::String(text) => text.clone(),
        Data::Empty => String::new(),
        other => panic!("{other:?} is not text"),
    };
    range.rows().map(|row| row.iter().map(cell).collect()).collect()
}

#[sqlx::test]
async fn exports_hold_what_the_filters_find_as_text_and_are_audited(db: PgPool) {
    let Mixed { console: _console, operator, first, session } = mixed(&db).await;
    let csv = operator.get(&format!("{MESSAGES}.csv")).await;
    let head = "\u{feff}id,batch,phone,state,session_no,user_id,parts,receipt_code,receipt_desc,\
        submitted_at,receipt_at,text,batch_name,template,cause,source\n";
    assert!(csv.text.starts_with(head), "{}", csv.text);
    assert_eq!(csv.text.lines().count(), 9);
    assert!(csv.text.contains("\"NULL\",\"'=1+1\","), "not a formula: {}", csv.text);
    assert!(csv.text.contains(",\"'-37\","), "{}", csv.text);
    let failed = format!("state=failed&batch={}", id_of(&first));
    let rows = book(&operator, &failed).await;
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0][0], "id");
    let row = &rows[1];
    assert_eq!(&row[1..5], [id_of(&first), "18500000002", "failed", session.as_str()]);
    assert_eq!(&row[7..9], ["-37", "关机"]);
    assert!(row[11].starts_with("【云帆书店】您的验证码是4711，5分钟"), "{row:?}");
    assert_eq!(&row[14..], ["powered_off", "own"]);
    let all = book(&operator, "").await;
    assert_eq!(all.len(), 9);
    assert_eq!(all.iter().filter(|row| row[15] == "other").count(), 3);
    assert!(all.iter().any(|row| row[8] == "=1+1"), "cells of text need no apostrophe: {all:?}");
    let audited: Vec<(String, serde_json::Value)> = sqlx::query_as(
        "select action, detail from audit_log where action like 'messages_export%' order by id",
    )
    .fetch_all(&db)
    .await
    .unwrap();
    assert_eq!(audited.len(), 6);
    assert_eq!(audited[0], ("messages_export_started".to_owned(), json!({ "file": "csv" })));
    assert_eq!(audited[1].1["count"], 8);
    let filter = json!({ "file": "xlsx", "state": "failed", "batch": id_of(&first), "count": 1 });
    assert_eq!(audited[3], ("messages_exported".to_owned(), filter));
}

#[sqlx::test]
async fn a_timeline_shows_who_ordered_it_the_responses_of_vendor_and_carrier_and_the_reply(
    db: PgPool,
) {
    let Mixed { console, operator, first, session } = mixed(&db).await;
    let reply = json!({ "MsgType": 0, "Data": [{ "Phone": "18500000002", "UserId": "",
        "ReplyContent": "<b>不要了</b>", "ReplyTime": 1_990_000_000 }] });
    let url = format!("http://{}{}", console.address, console.hook_path);
    http().post(url).body(reply.to_string()).send().await.unwrap();
    push(&console, json!([])).await;
    let csrf = operator.get("/p/default/suppressions").await.csrf();
    let fields = [("csrf", csrf.as_str()), ("phones", "18500000002"), ("reason", "complaint")];
    operator.post("/p/default/suppressions", &fields).await;
    let list = operator.get(&format!("{first}?x")).await;
    let path = list.attr(".messages tbody tr:nth-child(2) th a", "href");
    let page = operator.get(&path).await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(page.one(".bubble"), "【云帆书店】您的验证码是4711，5分钟内有效。");
    let timeline = page.all(".story li");
    for (step, text) in [(0, "operator 发起"), (1, "已受理"), (2, "失败 -37")] {
        assert!(timeline.iter().any(|entry| entry.contains(text)), "{step}: {timeline:?}");
    }
    assert!(timeline.iter().any(|entry| entry.contains("<b>不要了</b>")), "{timeline:?}");
    assert!(timeline.iter().any(|entry| entry.contains("退订") && entry.contains("投诉")));
    assert!(page.one(".reason").contains("关机") && page.one(".reason").contains("重发"));
    let links: Vec<String> = [id_of(&first), session.as_str(), "UTA0001"].map(str::to_owned).into();
    for link in links {
        assert!(page.has(&format!("dl a[href$='{link}']")), "{link}");
    }
    assert!(page.has(&format!(".head a[href$='{}/resend']", id_of(&first))));
    assert!(!page.text.contains("<b>不要了"), "escaped");
    // An external message has no text, but a timeline all the same.
    let other = operator.get(&format!("{MESSAGES}?session=other-1&phone=0002")).await;
    let other = operator.get(&other.attr(".messages tbody th a", "href")).await;
    assert!(other.one(".reason").contains("空号") && !other.has(".bubble"));
    assert!(other.one("dl").contains("other-1") && !other.has(".head a[href$=resend]"));
    for wrong in ["m-0000000000001", "b-1", "m-", "%00"] {
        let page = operator.get(&format!("{MESSAGES}/{wrong}")).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{wrong}");
    }
}

#[sqlx::test]
async fn a_timeline_shows_a_doubt_and_who_resolved_it(db: PgPool) {
    let console = quiet(&db).await;
    let operator = console.operator().await;
    let lost = json!({ "action": "SendUSMSMessage", "kind": "reset_after", "times": 1 });
    console.fault(lost).await;
    let batch = operator.send(CODE, &["1", "5"], "18500000001").await;
    let in_doubt = format!("{batch}/in-doubt");
    let page = console.until(&operator, &batch, ".notice.doubtful a").await;
    let timeline = operator.get(&page.attr(".messages tbody th a", "href")).await;
    assert!(timeline.one(".story li.doubtful").contains("未收到明确结果"), "{}", timeline.text);
    assert_eq!(timeline.attr(".story li.doubtful a", "href"), in_doubt);
    assert_eq!(found(&operator, "state=in_doubt").await, ["18500000001"]);
    let form = operator.get(&in_doubt).await;
    let fields = [
        ("csrf", form.csrf()),
        ("submission", form.value("input[name=submission]")),
        ("decision", "treat_as_sent".to_owned()),
    ];
    let fields: Vec<(&str, &str)> =
        fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    operator.post(&in_doubt, &fields).await;
    let timeline = operator.get(&page.attr(".messages tbody th a", "href")).await;
    assert!(
        timeline.all(".story li").iter().any(|entry| entry.contains("operator 确认视为已发送"))
    );
    assert_eq!(found(&operator, "state=in_doubt").await, Vec::<String>::new());
    assert_eq!(found(&operator, "state=submitted").await, ["18500000001"]);
}

#[sqlx::test]
async fn columns_are_chosen_and_remembered(db: PgPool) {
    let options = TestOptions { workers: false, pushes: false, ..TestOptions::default() };
    let console = TestConsole::start_with(&db, options).await;
    let operator = console.operator().await;
    operator.send(CODE, &["1", "5"], "18500001234").await;
    let page = operator.get(MESSAGES).await;
    let columns = |page: &Page| page.all(".messages thead th").len();
    assert!(page.all(".messages thead th").contains(&"创建时间".to_owned()));
    assert_eq!(columns(&page), 8);
    let csrf = page.csrf();
    let fields =
        [("csrf", csrf.as_str()), ("column", "created"), ("column", "session"), ("next", MESSAGES)];
    let answer = operator.post(&format!("{MESSAGES}/columns"), &fields).await;
    assert_eq!(answer.leads_to(), MESSAGES);
    let chosen = operator.get(MESSAGES).await;
    assert_eq!(chosen.all(".messages thead th"), ["手机号", "状态", "创建时间", "发送序列号"]);
    assert_eq!(chosen.all("#columns input[checked]").len(), 2);
}
