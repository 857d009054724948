//! The log: every filter and what they do together, paging, files, and the story of one message.

use std::collections::BTreeSet;
use std::io::Cursor;

use calamine::{Data, Reader, Xlsx};
use reqwest::StatusCode;
use serde_json::json;
use sqlx::PgPool;

use crate::harness::{Page, TestClient, TestConsole, TestOptions, http};

pub const LOG: &str = "/p/default/messages";
pub const CODE: &str = "登录验证码";

/// Nothing comes by itself: the test is the carrier.
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
    console.pushes_processed().await;
}

pub fn report(
    session: &str,
    phone: &str,
    result: &str,
    code: &str,
    words: &str,
) -> serde_json::Value {
    json!({ "SessionNo": session, "Phone": phone, "CostCount": 1, "ReceiptTime": 1_790_000_000,
        "ReceiptResult": result, "ReceiptCode": code, "ReceiptDesc": words, "UserId": "" })
}

pub async fn session_of(console: &TestConsole, operator: &TestClient, batch: &str) -> String {
    let cell = ".messages tbody td:last-child a";
    console.until(operator, batch, cell).await.one(cell)
}

fn phones(page: &Page) -> Vec<String> {
    page.all(".messages tbody th a")
}

pub async fn found(client: &TestClient, query: &str) -> Vec<String> {
    let page = client.get(&format!("{LOG}?{query}")).await;
    assert_eq!(page.status, StatusCode::OK, "{query}: {}", page.text);
    phones(&page)
}

/// Two batches, one of another text, and three messages of another program; with receipts.
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
async fn each_filter_finds_its_messages_own_and_foreign_newest_first(db: PgPool) {
    let Mixed { console: _house, operator, first, session } = mixed(&db).await;
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
async fn what_is_set_is_shown_and_each_can_be_taken_off(db: PgPool) {
    let Mixed { console: _house, operator, first, .. } = mixed(&db).await;
    let address = format!("{LOG}?phone=0002&batch={}&state=failed", id_of(&first));
    let page = operator.get(&address).await;
    assert_eq!(page.all(".chips li").len(), 4);
    assert!(page.one(".chips").contains("后四位 0002") && page.one(".chips").contains("失败"));
    let without = page.attr(".chips li:last-of-type a, .chips li:nth-child(3) a", "href");
    assert_eq!(without, format!("{LOG}?phone=0002&batch={}", id_of(&first)));
    assert!(page.has("#fold[checked]"), "open when one is set");
    assert!(!operator.get(LOG).await.has("#fold[checked]"));
    assert!(page.has("details.more[open]"));
    let nothing = operator.get(&format!("{LOG}?session=who-knows")).await;
    let ask = nothing.attr(".brackets a.button", "href");
    assert_eq!(ask, "/p/default/receipts/who-knows");
    assert!(operator.get_in("en", &format!("{LOG}?phone=9999")).await.text.contains("No message"));
}

#[sqlx::test]
async fn a_filter_that_cannot_be_meant_is_named_and_nothing_that_was_typed_is_lost(db: PgPool) {
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
            let page = client.get(&format!("{LOG}?{query}")).await;
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
            assert!(page.has(&format!("#{field}-error")), "{query}");
            let named = format!("input[name={field}][aria-invalid]");
            assert_eq!(page.value(&named), value, "{query}");
            assert_eq!(page.value("input[name=text]"), "x", "{query}");
            assert!(!page.has(".messages"), "{query}");
            let file = client.get(&format!("{LOG}.csv?{query}")).await;
            assert_eq!(file.status, StatusCode::SEE_OTHER, "{query}");
        }
        for query in ["state=lost", "cause=moon", "template=UTX", "signature=nobody"] {
            let page = client.get(&format!("{LOG}?{query}")).await;
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
            let page = client.get(&format!("{LOG}?{harmless}")).await;
            assert_eq!(page.status, StatusCode::OK, "{harmless}");
        }
        let huge = format!("{LOG}?text={}", "x".repeat(4_000));
        assert_eq!(client.get(&huge).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert_eq!(console.signed_out().get(LOG).await.status, StatusCode::SEE_OTHER);
}

/// Adds messages of another program, each in a millisecond of its own or all in one.
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
    page.html().select(&links).map(|one| one.attr("href").unwrap().to_owned()).collect()
}

#[sqlx::test]
async fn paging_loses_nothing_and_repeats_nothing_while_new_ones_come(db: PgPool) {
    let console =
        TestConsole::start_with(&db, TestOptions { workers: false, ..TestOptions::default() })
            .await;
    let operator = console.operator().await;
    let rows: String = (0..230).map(|n| format!("1850001{n:04},{n},5\n")).collect();
    let preview = {
        let plan = tokio::spawn(plan_by_hand(console.app.clone()));
        let preview = operator.upload_list(CODE, "a.csv", rows.as_bytes()).await;
        operator.confirm_list(&preview, &[]).await;
        plan.abort();
        preview
    };
    while usms_console::ops::plan::run_once(&console.app).await.unwrap() {}
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
        let mut address = format!("{LOG}?{query}");
        let (mut seen, mut pages) = (Vec::new(), 0);
        loop {
            let page = operator.get(&address).await;
            assert_eq!(page.has("a[rel=prev]"), pages > 0, "{query}: only where one went back");
            seen.extend(ids(&page));
            pages += 1;
            assert!(pages < 20, "{query}");
            // New ones come in between; they are newer than what has been seen.
            add_external(&db, 1_000 + pages * 10, 1_004 + pages * 10, "unknown").await;
            if !page.has("a[rel=next]") {
                break;
            }
            address = page.attr("a[rel=next]", "href");
        }
        let distinct: BTreeSet<&String> = seen.iter().collect();
        assert_eq!(distinct.len(), seen.len(), "{query}: nothing twice");
        let mut sorted = seen.clone();
        sorted.sort_by(|a, b| b.cmp(a));
        assert_eq!(seen, sorted, "{query}: newest first");
        assert!(seen.len() >= wanted, "{query}: {} of {wanted}", seen.len());
        // And on again, to the newest.
        let (mut again, mut newest) = (Vec::new(), operator.get(&address).await);
        while newest.has("a[rel=prev]") {
            assert!(again.len() < 600, "{query}");
            again.extend(ids(&newest).into_iter().rev());
            let newer = newest.attr("a[rel=prev]", "href");
            assert!(newer.contains(&query) && newer.contains("before="), "{newer}");
            newest = operator.get(&newer).await;
        }
        assert!(again.is_sorted_by(|a, b| a < b), "{query}: nothing twice, in order");
        again.extend(ids(&newest));
        assert!(seen.iter().all(|one| again.contains(one)), "{query}: nothing lost");
        assert_eq!(ids(&newest), ids(&operator.get(&format!("{LOG}?{query}")).await));
        sqlx::query("delete from external_messages where outcome = 'unknown'")
            .execute(&db)
            .await
            .unwrap();
    }
}

/// Reads and plans lists, where no workers run.
async fn plan_by_hand(app: usms_console::app::App) {
    loop {
        let _ = usms_console::ops::uploads::import::run_once(&app).await;
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[sqlx::test]
async fn a_viewer_sees_masked_phones_in_the_log_in_stories_and_in_files(db: PgPool) {
    let Mixed { console, operator, .. } = mixed(&db).await;
    let viewer = console.viewer().await;
    let page = viewer.get(&format!("{LOG}?phone=18500000002")).await;
    assert_eq!(phones(&page), ["185****0002", "185****0002"]);
    let story = viewer.get(&page.attr(".messages tbody th a", "href")).await;
    assert_eq!(story.one("h1"), "185****0002");
    let csv = viewer.get(&format!("{LOG}.csv")).await;
    assert!(csv.text.contains("185****0002"));
    let list = viewer.get(LOG).await;
    for text in [&list.text, &story.text, &csv.text] {
        assert!(!text.contains("18500000002") && !text.contains("123456789"), "{text}");
    }
    let xlsx = book(&console, &viewer, "").await;
    assert!(xlsx.iter().flatten().all(|cell| !cell.contains("18500000002")));
    assert!(operator.get(&format!("{LOG}.csv")).await.text.contains("18500000002"));
}

/// The cells of the spreadsheet; every cell must be text.
async fn book(console: &TestConsole, client: &TestClient, query: &str) -> Vec<Vec<String>> {
    let _ = console;
    let answer = client.request_to(&format!("{LOG}.xlsx?{query}")).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let mut book = Xlsx::new(Cursor::new(answer.bytes().await.unwrap().to_vec())).unwrap();
    let name = book.sheet_names()[0].clone();
    let range = book.worksheet_range(&name).unwrap();
    let cell = |cell: &Data| match cell {
        Data::String(text) => text.clone(),
        Data::Empty => String::new(),
        other => panic!("{other:?} is no text"),
    };
    range.rows().map(|row| row.iter().map(cell).collect()).collect()
}

#[sqlx::test]
async fn files_hold_what_the_filters_find_as_text_and_are_audited(db: PgPool) {
    let Mixed { console, operator, first, session } = mixed(&db).await;
    let csv = operator.get(&format!("{LOG}.csv")).await;
    let head = "\u{feff}id,batch,phone,state,session_no,user_id,parts,receipt_code,receipt_desc,\
        submitted_at,receipt_at,text,batch_name,template,cause,source\n";
    assert!(csv.text.starts_with(head), "{}", csv.text);
    assert_eq!(csv.text.lines().count(), 9);
    assert!(csv.text.contains("NULL,'=1+1,"), "no formula: {}", csv.text);
    assert!(csv.text.contains(",'-37,"), "{}", csv.text);
    let failed = format!("state=failed&batch={}", id_of(&first));
    let rows = book(&console, &operator, &failed).await;
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0][0], "id");
    let row = &rows[1];
    assert_eq!(&row[1..5], [id_of(&first), "18500000002", "failed", session.as_str()]);
    assert_eq!(&row[7..9], ["'-37", "关机"]);
    assert!(row[11].starts_with("【云帆书店】您的验证码是4711，5分钟"), "{row:?}");
    assert_eq!(&row[14..], ["powered_off", "own"]);
    let all = book(&console, &operator, "").await;
    assert_eq!(all.len(), 9);
    assert_eq!(all.iter().filter(|row| row[15] == "other").count(), 3);
    let audited: Vec<(String, serde_json::Value)> = sqlx::query_as(
        "select action, detail from audit_log where action like 'log_export%' order by id",
    )
    .fetch_all(&db)
    .await
    .unwrap();
    assert_eq!(audited.len(), 6);
    assert_eq!(audited[0], ("log_export_begun".to_owned(), json!({ "file": "csv" })));
    assert_eq!(audited[1].1["count"], 8);
    let filter = json!({ "file": "xlsx", "state": "failed", "batch": id_of(&first), "count": 1 });
    assert_eq!(audited[3], ("log_exported".to_owned(), filter));
}

#[sqlx::test]
async fn a_story_tells_who_ordered_it_what_the_vendor_and_the_carrier_said_and_what_came_back(
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
    let address = list.attr(".messages tbody tr:nth-child(2) th a", "href");
    let page = operator.get(&address).await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(page.one(".bubble"), "【云帆书店】您的验证码是4711，5分钟内有效。");
    let story = page.all(".story li");
    for (step, words) in [(0, "operator 发起"), (1, "已受理"), (2, "失败 -37")] {
        assert!(story.iter().any(|told| told.contains(words)), "{step}: {story:?}");
    }
    assert!(story.iter().any(|told| told.contains("<b>不要了</b>")), "{story:?}");
    assert!(story.iter().any(|told| told.contains("退订") && told.contains("投诉")));
    assert!(page.one(".reason").contains("关机") && page.one(".reason").contains("重发"));
    let links: Vec<String> = [id_of(&first), session.as_str(), "UTA0001"].map(str::to_owned).into();
    for link in links {
        assert!(page.has(&format!("dl a[href$='{link}']")), "{link}");
    }
    assert!(page.has(&format!(".head a[href$='{}/resend']", id_of(&first))));
    assert!(!page.text.contains("<b>不要了"), "escaped");
    // Another program's message has no text, but a story all the same.
    let other = operator.get(&format!("{LOG}?session=other-1&phone=0002")).await;
    let other = operator.get(&other.attr(".messages tbody th a", "href")).await;
    assert!(other.one(".reason").contains("空号") && !other.has(".bubble"));
    assert!(other.one("dl").contains("other-1") && !other.has(".head a[href$=resend]"));
    for wrong in ["m-0000000000001", "b-1", "m-", "%00"] {
        let page = operator.get(&format!("{LOG}/{wrong}")).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{wrong}");
    }
}

#[sqlx::test]
async fn a_story_tells_of_doubt_and_who_decided_it_and_of_what_was_sent_again(db: PgPool) {
    let console = quiet(&db).await;
    let operator = console.operator().await;
    let lost = json!({ "action": "SendUSMSMessage", "kind": "reset_after", "times": 1 });
    console.fault(lost).await;
    let batch = operator.send(CODE, &["1", "5"], "18500000001").await;
    let in_doubt = format!("{batch}/in-doubt");
    let page = console.until(&operator, &batch, ".notice.doubtful a").await;
    let story = operator.get(&page.attr(".messages tbody th a", "href")).await;
    assert!(story.one(".story li.doubtful").contains("未收到明确结果"), "{}", story.text);
    assert_eq!(story.attr(".story li.doubtful a", "href"), in_doubt);
    assert_eq!(found(&operator, "state=in_doubt").await, ["18500000001"]);
    let form = operator.get(&in_doubt).await;
    let fields = [
        ("csrf", form.csrf()),
        ("submission", form.value("input[name=submission]")),
        ("decision", "treat_as_sent".to_owned()),
    ];
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, of)| (*name, of.as_str())).collect();
    operator.post(&in_doubt, &fields).await;
    let story = operator.get(&page.attr(".messages tbody th a", "href")).await;
    assert!(story.all(".story li").iter().any(|told| told.contains("operator 确认视为已发送")));
    assert_eq!(found(&operator, "state=in_doubt").await, Vec::<String>::new());
    assert_eq!(found(&operator, "state=submitted").await, ["18500000001"]);
}
