//! One field finds anything of a project, and tells nobody more than they may know.

use reqwest::StatusCode;
use sqlx::PgPool;

use crate::harness::{CODE, CODE_TEMPLATE, Page, TestClient};
use crate::messages::{push, quiet, report, session_of};

const SEARCH: &str = "/p/default/search";

/// Returns what is found, by kind: `messages: 18500001234`.
fn hits(page: &Page) -> Vec<String> {
    let kinds = ["messages", "batches", "templates", "signatures", "people"];
    let of = |kind: &str| {
        let links = page.all(&format!("section[aria-labelledby=found-{kind}] .hits a"));
        links.into_iter().map(|name| format!("{kind}: {name}")).collect::<Vec<_>>()
    };
    kinds.into_iter().flat_map(of).collect()
}

async fn search(client: &TestClient, text: &str) -> Vec<String> {
    let page = client.get(&format!("{SEARCH}?q={text}")).await;
    assert_eq!(page.status, StatusCode::OK, "{text}: {}", page.text);
    hits(&page)
}

#[sqlx::test]
async fn one_field_finds_messages_batches_templates_signatures_and_people(db: PgPool) {
    let console = quiet(&db).await;
    let operator = console.operator().await;
    operator.send(CODE, &["1", "5"], "18500001234\n18500005678").await;
    let preview = operator.upload_list(CODE, "a.csv", b"18500001299,1,5\n").await;
    let list = operator.confirm_list(&preview, &[("name", "双十一预热")]).await;
    assert_eq!(search(&operator, "18500001234").await, ["messages: 18500001234"]);
    assert_eq!(search(&operator, "185 0000 1234").await, ["messages: 18500001234"]);
    assert_eq!(search(&operator, "5678").await, ["messages: 18500005678"]);
    assert_eq!(search(&operator, "十一").await, ["batches: 双十一预热"]);
    assert_eq!(search(&operator, "云帆").await[0], "signatures: 云帆书店");
    assert!(search(&operator, "登录").await.contains(&format!("templates: {CODE}")));
    assert_eq!(search(&operator, "OPERA").await, ["people: operator"]);
    assert_eq!(search(&operator, "nothing of this").await, [""; 0]);
    // What it leads to.
    let page = operator.get(&format!("{SEARCH}?q=十一")).await;
    assert_eq!(page.attr(".hits a", "href"), list);
    let page = operator.get(&format!("{SEARCH}?q=operator")).await;
    let batches = operator.get(&page.attr(".hits a", "href")).await;
    assert_eq!(batches.all(".batches tbody tr").len(), 2);
    // The field is on every page, and empty on the search page until something is searched for.
    assert!(
        operator.get("/p/default/").await.has(&format!("form[action='{SEARCH}'] input[name=q]"))
    );
    let empty = operator.get(SEARCH).await;
    assert!(empty.has("main input[name=q][autofocus]") && !empty.has("#found"));
    let english = operator.get_in("en", &format!("{SEARCH}?q=operator")).await;
    assert_eq!(english.one("#found h2"), "People");
}

#[sqlx::test]
async fn an_id_or_session_number_leads_to_its_page(db: PgPool) {
    let console = quiet(&db).await;
    let operator = console.operator().await;
    let batch = operator.send(CODE, &["1", "5"], "18500001234").await;
    let session = session_of(&console, &operator, &batch).await;
    push(
        &console,
        serde_json::json!([report("theirs-1", "18500009999", "发送成功", "DELIVRD", "")]),
    )
    .await;
    let message = operator.get("/p/default/messages?phone=18500001234").await;
    let message = message.attr(".messages tbody th a", "href");
    let id = |href: &str| href.rsplit('/').next().unwrap().to_owned();
    for (text, href) in [
        (id(&batch), batch.clone()),
        (id(&message), message.clone()),
        (session.clone(), format!("/p/default/receipts/{session}")),
        ("theirs-1".to_owned(), "/p/default/receipts/theirs-1".to_owned()),
        (CODE_TEMPLATE.to_owned(), format!("/p/default/templates/{CODE_TEMPLATE}")),
        ("SIG0001".to_owned(), "/p/default/signatures/SIG0001".to_owned()),
    ] {
        let page = operator.get(&format!("{SEARCH}?q={text}")).await;
        assert_eq!((page.status, page.leads_to()), (StatusCode::FOUND, href.clone()), "{text}");
        // While somebody types, it is one of the results.
        let headers = [("x-watch", "1")];
        let path = format!("{SEARCH}?q={text}");
        let typed = operator.request(reqwest::Method::GET, &path, &headers, None).await;
        assert!(!typed.has("main"), "{}", typed.text);
        assert!(!hits(&typed).is_empty(), "{text}: {}", typed.text);
    }
    let unknown = operator.get(&format!("{SEARCH}?q=0b1c2d3e-0000-4000-8000-000000000000")).await;
    let ask = "/p/default/receipts/0b1c2d3e-0000-4000-8000-000000000000";
    assert_eq!(unknown.attr("#found a.button", "href"), ask);
}

#[sqlx::test]
async fn a_viewer_finds_no_more_by_hidden_digits_than_by_others(db: PgPool) {
    let console = quiet(&db).await;
    let (operator, viewer) = (console.operator().await, console.viewer().await);
    let preview = operator.upload_list(CODE, "a.csv", b"18500001234,1,5\n").await;
    let batch = operator.confirm_list(&preview, &[("name", "回访 18500001234")]).await;
    session_of(&console, &operator, &batch).await;
    let main = |page: &Page| {
        page.html().select(&scraper::Selector::parse("main").unwrap()).next().unwrap().html()
    };
    let right = viewer.get(&format!("{SEARCH}?q=18500001234")).await;
    let wrong = viewer.get(&format!("{SEARCH}?q=18577771234")).await;
    let mask = viewer.get(&format!("{SEARCH}?q=185****1234")).await;
    assert_eq!(hits(&right), ["messages: 185****1234", "batches: 回访 185****1234"]);
    assert_eq!(main(&right), main(&wrong));
    assert_eq!(main(&right), main(&mask));
    assert!(!main(&right).contains("18500001234"));
    for part in ["0000", "50000", "0001234", "8500001234"] {
        assert_eq!(search(&viewer, part).await, [""; 0], "{part}");
    }
    assert_eq!(
        search(&viewer, "1234").await,
        ["messages: 185****1234", "batches: 回访 185****1234"]
    );
    assert_eq!(search(&viewer, "回访").await, ["batches: 回访 185****1234"]);
}

#[sqlx::test]
async fn each_kind_lists_eight_and_leads_to_all(db: PgPool) {
    let console = quiet(&db).await;
    let operator = console.operator().await;
    let phones: String = (0..9).map(|n| format!("1850000{n}234\n")).collect();
    operator.send(CODE, &["1", "5"], &phones).await;
    sqlx::query(
        "insert into batches select (jsonb_populate_record(b, jsonb_build_object(
            'id', b.id - n, 'name', '周报 ' || n, 'form_token', gen_random_uuid()))).*
          from batches b, generate_series(1, 10) n",
    )
    .execute(&db)
    .await
    .unwrap();
    let page = operator.get(&format!("{SEARCH}?q=周报")).await;
    assert_eq!(hits(&page).len(), 8);
    let all = operator.get(&page.attr("#found p a", "href")).await;
    assert_eq!(all.all(".batches tbody tr").len(), 10);
    let page = operator.get(&format!("{SEARCH}?q=8234")).await;
    assert_eq!(hits(&page).len(), 1, "one phone ends so");
}
