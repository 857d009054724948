//! What holds for every page.

use reqwest::{Method, StatusCode};
use sqlx::PgPool;

use crate::harness::{CODE, TestConsole};

const PATHS: [&str; 11] = [
    "/p/default/",
    "/p/default/send",
    "/p/default/batches",
    "/p/default/receipts",
    "/p/default/receipts?phone=18500001234",
    "/p/default/receipts/unknown-session",
    "/p/default/signatures",
    "/p/default/templates",
    "/p/default/templates/import",
    "/account",
    "/account/sessions",
];

#[sqlx::test]
async fn every_page_is_complete_in_both_languages_and_loads_nothing_from_other_hosts(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    operator.send(CODE, &["1234", "5"], "18500001234").await;
    for language in ["zh-CN", "en"] {
        for path in PATHS {
            let page = operator.get_in(language, path).await;
            assert_eq!(page.status, StatusCode::OK, "{path}");
            assert_eq!(page.attr("html", "lang"), language);
            assert_eq!(page.all("h1").len(), 1, "{path}");
            let csp = page.headers["content-security-policy"].to_str().unwrap();
            assert!(csp.starts_with("default-src 'none'") && !csp.contains("unsafe"), "{csp}");
            assert_eq!(page.headers["cache-control"], "no-store");
            assert_eq!(page.headers["x-content-type-options"], "nosniff");
            assert!(!page.has("[style], script:not([src]), [onclick]"), "{path}");
            for scheme in ["http://", "https://"] {
                assert!(!page.text.contains(&format!("=\"{scheme}")), "{path}");
            }
        }
    }
}

#[sqlx::test]
async fn each_kind_of_error_has_a_page_with_a_request_id_and_without_the_cause(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    for (path, status) in [
        ("/p/default/nothing", StatusCode::NOT_FOUND),
        ("/p/default/batches/b-zzz", StatusCode::NOT_FOUND),
        ("/p/default/batches/b-0000000000000", StatusCode::NOT_FOUND),
        ("/p/default/batches?before=x", StatusCode::BAD_REQUEST),
        ("/p/default/receipts/%00", StatusCode::NOT_FOUND),
    ] {
        let page = operator.get(path).await;
        assert_eq!(page.status, status, "{path}");
        assert!(page.has(".brackets h1") && page.has("code"), "{path}: {}", page.text);
    }
    assert_eq!(operator.get("/p/default").await.leads_to(), "/p/default/");
    let page = operator.request(Method::PUT, "/login", &[], Some(&[])).await;
    assert_eq!(page.status, StatusCode::METHOD_NOT_ALLOWED);
    assert!(page.has(".brackets h1"));
    console.app.db.close().await;
    let page = operator.get("/p/default/").await;
    assert!(page.status.is_server_error());
    assert!(page.has(".brackets h1"), "{}", page.text);
    assert!(!page.text.to_lowercase().contains("pool"), "{}", page.text);
}

#[sqlx::test]
async fn health_and_readiness_are_separate_checks(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let client = console.signed_out();
    assert_eq!(client.get("/healthz").await.status, StatusCode::OK);
    assert_eq!(client.get("/readyz").await.status, StatusCode::OK);
    console.app.db.close().await;
    assert_eq!(client.get("/healthz").await.status, StatusCode::OK);
    assert_eq!(client.get("/readyz").await.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[sqlx::test]
async fn styles_and_scripts_are_cached_forever_and_a_page_is_light(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let page = operator.get("/p/default/").await;
    let style = operator.get(&page.attr("link[rel=stylesheet]", "href")).await;
    assert_eq!(style.status, StatusCode::OK);
    assert!(style.headers["cache-control"].to_str().unwrap().contains("immutable"));
    let script = page.attr("script[src]", "src");
    assert!(operator.get(&script).await.text.contains("import"));
    // What a first visit loads, compressed: the page, its style, its scripts and its icons.
    let mut weight = 0;
    let folder = script.strip_suffix("app.js").unwrap().to_owned();
    let files = ["app.css", "app.js", "copy.js", "live.js", "preview.js", "icons.svg"];
    let files = files.map(|name| format!("{folder}{name}"));
    for path in files.iter().map(String::as_str).chain(["/p/default/"]) {
        let gzip = [("accept-encoding", "gzip")];
        let answer = operator.request(Method::GET, path, &gzip, None).await;
        assert_eq!(answer.headers["content-encoding"], "gzip", "{path}");
        weight += answer.bytes;
    }
    assert!(weight < 60_000, "{weight} bytes");
}

#[sqlx::test]
async fn switching_the_language_leads_back_to_the_same_page(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let back = operator.post("/language", &[("lang", "en"), ("next", "/p/default/batches")]).await;
    assert_eq!(back.leads_to(), "/p/default/batches");
    assert_eq!(operator.get("/p/default/batches").await.one("h1"), "Batches");
    let away = operator.post("/language", &[("lang", "en"), ("next", "//evil.example")]).await;
    assert_eq!(away.leads_to(), "/");
}

#[sqlx::test]
async fn ids_are_imported_and_each_wrong_one_is_explained(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let path = "/p/default/templates/import";
    let csrf = operator.get(path).await.csrf();
    let page = operator.post(path, &[("csrf", &csrf), ("ids", "UTA0001\nUTX999\n")]).await;
    assert_eq!(page.all("tbody tr").len(), 2);
    assert!(page.has("tbody .status.good") && page.has("tbody .status.bad"));
    assert_eq!(page.one("textarea").trim(), "UTX999");
    let empty = operator.post(path, &[("csrf", &csrf), ("ids", "  \n,")]).await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
    let path = "/p/default/signatures/import";
    let page = operator.post(path, &[("csrf", &csrf), ("ids", "【云帆书店】")]).await;
    assert!(page.has("tbody .status.good"), "{}", page.text);
}

#[sqlx::test]
async fn items_under_review_are_checked_until_they_are_decided(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let keys = usms_console::ops::credentials::of(&console.app, console.project).await.unwrap();
    let template = |name: &str, text: &str| usms_console::usms::CreateTemplate {
        purpose: 2,
        name: name.to_owned(),
        text: text.to_owned(),
        international: false,
        remark: String::new(),
        unsubscribe: String::new(),
        instruction: String::new(),
    };
    let good = template("发货", "您的订单{1}已发出");
    let bad = template("拒绝", "您的订单{1}被拒");
    let good = console.app.usms.create_template(&keys, &good).await.unwrap();
    let bad = console.app.usms.create_template(&keys, &bad).await.unwrap();
    let path = "/p/default/templates/import";
    let csrf = operator.get(path).await.csrf();
    let ids = format!("{good}\n{bad}");
    let page = operator.post(path, &[("csrf", &csrf), ("ids", &ids)]).await;
    assert_eq!(page.all("tbody .status.bad").len(), 0, "not decided yet");
    let list = "/p/default/templates?review=rejected";
    let page = console.until(&operator, list, ".reason").await;
    assert!(page.one("tbody").contains(&bad));
    let approved = operator.get("/p/default/templates?review=approved").await;
    assert!(approved.one("tbody").contains(&good));
}
