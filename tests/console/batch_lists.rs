//! The list of batches: what tells them apart, and filters in the address.

use reqwest::StatusCode;
use sqlx::PgPool;
use usms_console::domain::role::Role;

use crate::harness::{CODE, CODE_TEMPLATE, NOTICE, Page, TestConsole, TestOptions};

const BATCHES: &str = "/p/default/batches";

fn names(page: &Page) -> Vec<String> {
    page.all(".batches tbody th a")
}

#[sqlx::test]
async fn batches_are_found_by_name_id_person_template_and_time(db: PgPool) {
    let options = TestOptions { workers: false, pushes: false, ..TestOptions::default() };
    let console = TestConsole::start_with(&db, options).await;
    console.add_notice_template().await;
    let operator = console.operator().await;
    let other = console.member("mei", Role::Operator).await;
    let first = operator.send(CODE, &["1", "5"], "18500001234").await;
    let second = other.send(NOTICE, &["1", "5"], "18500001235").await;
    let rename = "update batches set name = '周一 Newsletter' where ordered_by =
        (select id from users where name = 'mei')";
    sqlx::query(rename).execute(&db).await.unwrap();
    let id = |href: &str| href.rsplit('/').next().unwrap().to_owned();
    let mei: i64 =
        sqlx::query_scalar("select id from users where name = 'mei'").fetch_one(&db).await.unwrap();
    let mei = usms_console::domain::ids::UserId(mei);
    let today = time::OffsetDateTime::now_utc().to_offset(time::macros::offset!(+8)).date();
    for (query, found) in [
        (String::new(), 2),
        ("name=newsLETTER".to_owned(), 1),
        ("name=周一".to_owned(), 1),
        (format!("name={}", id(&second)), 1),
        ("person=mei".to_owned(), 1),
        (format!("person={mei}"), 1),
        ("template=UTN0001".to_owned(), 1),
        ("template=UTN0001&person=operator".to_owned(), 0),
        (format!("from={today}"), 2),
        ("to=2020-01-01".to_owned(), 0),
        ("state=sending&person=mei&name=".to_owned(), 1),
        ("state=paused&person=mei".to_owned(), 0),
    ] {
        let page = operator.get(&format!("{BATCHES}?{query}")).await;
        assert_eq!(page.status, StatusCode::OK, "{query}");
        assert_eq!(names(&page).len(), found, "{query}: {}", page.text);
    }
    let page = operator.get(&format!("{BATCHES}?person=mei&template={CODE_TEMPLATE}&to=")).await;
    let tab = page.html();
    let tab = scraper::Selector::parse(".tabs a")
        .map(|s| tab.select(&s).nth(1).unwrap().value().attr("href").unwrap().to_owned())
        .unwrap();
    assert_eq!(tab, format!("{BATCHES}?state=draft&person=mei&template={CODE_TEMPLATE}"));
    for (wrong, field) in [
        ("person=nobody", "person"),
        ("template=x", "template"),
        ("from=x", "from"),
        ("from=2026-02-02&to=2026-01-01", "to"),
    ] {
        let page = operator.get(&format!("{BATCHES}?{wrong}")).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
        assert!(page.has(&format!("[name={field}][aria-invalid=true]")), "{wrong}");
    }
    assert_ne!(first, second);
}

#[sqlx::test]
async fn a_batch_is_named_by_template_and_time_and_drafts_are_apart(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let preview = operator.upload_list(CODE, "a.csv", b"18500001234,1,5\n").await;
    operator.until_imported(&preview).await;
    assert_eq!(names(&operator.get(BATCHES).await), [""; 0]);
    let drafts = operator.get(&format!("{BATCHES}?state=draft")).await;
    let name = names(&drafts).remove(0);
    let at = name.strip_prefix(CODE).unwrap();
    assert_eq!(at.len(), " 11-30 18:50".len(), "{name}");
    let batch = operator.confirm_list(&preview, &[]).await;
    assert_eq!(names(&operator.get(BATCHES).await), [name]);
    assert!(operator.get(&batch).await.status.is_success());
}

#[sqlx::test]
async fn the_list_says_when_batches_leave_and_how_many_messages_failed(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let batch = operator.send(CODE, &["1", "5"], "18509990001\n18500001234").await;
    console.until_complete(&operator, &batch).await;
    let page = operator.get(BATCHES).await;
    let cell = ".batches td.count a";
    assert_eq!(page.one(cell), "1");
    let failed = operator.get(&page.attr(cell, "href")).await;
    assert_eq!(failed.all(".messages tbody th a"), ["18509990001"]);
    sqlx::query(
        "update batches set state = 'scheduled', started_at = null,
        schedule_at = '2036-12-01 09:00+08'",
    )
    .execute(&db)
    .await
    .unwrap();
    let page = operator.get(&format!("{BATCHES}?state=scheduled")).await;
    assert!(page.text.contains("2036-12-01 09:00"), "{}", page.text);
}

#[sqlx::test]
async fn a_batch_shows_its_text_first_and_every_number_leads_to_its_messages(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    // The last four digits decide at the sandbox.
    let phones = "18509990001\n18509990002\n18509990099\n18500001234\n18500001235";
    let batch = operator.send(CODE, &["1", "5"], phones).await;
    let page = console.until_complete(&operator, &batch).await;
    let place = |what: &str| page.text.find(what).unwrap_or_else(|| panic!("no {what}"));
    let order = ["class=\"bubble\"", "class=\"ledger\"", "id=\"causes\"", "id=\"messages\""];
    assert!(order.map(place).is_sorted(), "text, sum, causes, phones");
    let html = page.html();
    let mut counts = 0;
    for cells in [".ledger dd a", "[data-part=causes] td.count a"] {
        for link in html.select(&scraper::Selector::parse(cells).unwrap()) {
            let n: usize = link.text().collect::<String>().trim().parse().unwrap();
            let found = operator.get(link.value().attr("href").unwrap()).await;
            assert_eq!(found.all(".messages tbody tr").len(), n, "{cells} {n}");
            counts += n;
        }
    }
    assert_eq!(counts, 5 + 3, "all messages by state, and those that failed by cause");
    let tabs = page.all("[data-part=states] a");
    assert_eq!(tabs, ["全部", "已送达 2", "失败 3"]);
    let failed = operator.get(&format!("{batch}?state=failed")).await;
    assert_eq!(failed.all(".messages tbody tr").len(), 3);
    let file = failed.attr("a[href*='messages.csv']", "href");
    assert_eq!(operator.get(&file).await.text.lines().count(), 4);
    assert!(operator.get(&format!("{batch}?state=nonsense")).await.status.is_success());
}
