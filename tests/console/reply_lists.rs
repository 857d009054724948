//! The list of replies and its export: paging, filters, search, and who sees what.

use reqwest::StatusCode;
use serde_json::Value;
use sqlx::PgPool;

use super::replies::{AT, REPLIES, newest, number, press, push_replies, quiet, reply};

#[sqlx::test]
async fn the_reply_list_is_paged_filtered_and_searched(db: PgPool) {
    let console = quiet(&db).await;
    let operator = console.operator().await;
    let phone = |n: i64| format!("1850000{:04}", 1_000 + n);
    let mut items: Vec<Value> = (0..120).map(|n| reply(&phone(n), "好的", AT + n)).collect();
    items.push(reply(&phone(3), "请问《海错图》有货吗 ABC", AT - 9));
    items.extend([reply(&phone(5), "退订", AT + 5), reply("(60)123451003", "ok", AT - 99)]);
    push_replies(&console, &items).await;
    let mut seen = Vec::new();
    let mut next = Some(REPLIES.to_owned());
    while let Some(path) = next {
        let page = operator.get(&path).await;
        seen.extend(page.all("tbody th a"));
        next = page.has("a[rel=next]").then(|| page.attr("a[rel=next]", "href"));
    }
    let mut expected: Vec<String> = (0..120).rev().map(phone).collect();
    expected.push("(60)123451003".to_owned());
    assert_eq!(seen, expected);
    let found =
        async |query: &str| operator.get(&format!("{REPLIES}?{query}")).await.all("tbody th a");
    assert_eq!(found("phone=%2b86+185-0000-1003").await, [phone(3)]);
    assert_eq!(found("phone=1003").await, [phone(3), "(60)123451003".to_owned()]);
    assert_eq!(found("q=海错").await, [phone(3)]);
    assert_eq!(found("q=错").await, [phone(3)]);
    assert_eq!(found("q=abc&phone=1003").await, [phone(3)]);
    assert_eq!(found("q=海错&show=opted-out").await, Vec::<String>::new());
    assert_eq!(found("show=opted-out").await, [phone(5)]);
    assert_eq!(found("show=unread&q=ok").await, ["(60)123451003"]);
    assert_eq!(found("q=好的").await.len(), 50);
}

#[sqlx::test]
async fn a_search_that_continues_page_by_page_finds_all_in_order(db: PgPool) {
    let console = quiet(&db).await;
    let operator = console.operator().await;
    // 4,000 conversations; the older half and one of the newest contain the text.
    sqlx::raw_sql(
        "insert into replies (id, project_id, phone, content, extend_code, user_id, replied_at,
             recorded_at)
           select new_id(now()), p.id, '1850000' || n, case when n < 2110 or n = 3990 then '没收到'
             when n = 2500 then '海错图' else '好' end, '', '', at, at
           from projects p, generate_series(0, 3999) n,
             lateral (select now() - (4000 - n) * interval '1 minute' as at) t;
         insert into conversations (id, project_id, phone, replies, unread, last_id, last_at,
             last_text, newest_id)
           select new_id(now()), project_id, phone, 1, 1, id, replied_at, content, id from replies;
         analyze",
    )
    .execute(&db)
    .await
    .unwrap();
    for show in ["", "&show=unread"] {
        let mut path = format!("{REPLIES}?q=没收到{show}");
        let (mut seen, mut continued) = (Vec::new(), 0);
        loop {
            let page = operator.get(&path).await;
            seen.extend(page.all("tbody th a"));
            continued += usize::from(page.has("div.notice a[rel=next]"));
            assert!(!page.has(".brackets"), "no empty result is shown before everything was read");
            if !page.has("a[rel=next]") {
                break;
            }
            assert_eq!(page.all("a[rel=next]").len(), 1);
            path = page.attr("a[rel=next]", "href");
        }
        let older = (0..2_110).rev().map(|n| format!("1850000{n}"));
        let wanted: Vec<String> = std::iter::once("18500003990".to_owned()).chain(older).collect();
        assert!(seen == wanted, "{} of {}", seen.len(), wanted.len());
        assert!(continued > 0, "the first pages offer to continue");
    }
    let rare = operator.get(&format!("{REPLIES}?q=海错")).await;
    assert_eq!(rare.all("tbody th a"), ["18500002500"], "a rare text is found at once");
}

#[sqlx::test]
async fn the_export_holds_what_the_filters_find_and_every_download_is_audited(db: PgPool) {
    let console = quiet(&db).await;
    let operator = console.operator().await;
    let (one, two, three) = ("18500001001", "18500001002", "18500001003");
    let items = [
        reply(one, "请问 ABC 有货吗", AT),
        reply(one, "好的", AT + 1),
        reply(two, "退订", AT + 2),
        reply(two, "abc?", AT + 3),
        reply(three, "谢谢", AT + 4),
        reply("(60)123451003", "ok", AT + 5),
    ];
    for item in items {
        push_replies(&console, &[item]).await;
    }
    let (_, page) = newest(&operator).await;
    press(&operator, &page, "read").await;
    for (query, wanted) in [
        ("", vec!["ok", "谢谢", "abc?", "退订", "好的", "请问 ABC 有货吗"]),
        ("?q=abc", vec!["abc?", "请问 ABC 有货吗"]),
        ("?phone=%2b86+185-0000-1001", vec!["好的", "请问 ABC 有货吗"]),
        ("?phone=1003", vec!["ok", "谢谢"]),
        ("?show=unread", vec!["谢谢", "abc?", "退订", "好的", "请问 ABC 有货吗"]),
        ("?show=opted-out", vec!["abc?", "退订"]),
        ("?show=opted-out&phone=1002&q=abc", vec!["abc?"]),
        ("?show=opted-out&phone=1001", vec![]),
        ("?q=%00%27%25", vec![]),
    ] {
        let page = operator.get(&format!("{REPLIES}{query}")).await;
        let file = operator.get(&page.attr(".head a[href*='replies.csv']", "href")).await;
        assert_eq!(file.status, StatusCode::OK, "{query}");
        let rows: Vec<&str> =
            file.text.lines().skip(1).map(|line| line.split("\",\"").nth(2).unwrap()).collect();
        assert_eq!(rows, wanted, "{query}");
    }
    let detail: Value = sqlx::query_scalar(
        "select detail from audit_log where action = 'replies_exported'
           and detail->>'q' = 'abc' and detail->>'phone' = '1002'",
    )
    .fetch_one(&db)
    .await
    .unwrap();
    assert_eq!(detail["show"], "opted-out");
}

#[sqlx::test]
async fn a_long_conversation_is_paged_back_to_its_first_reply(db: PgPool) {
    let console = quiet(&db).await;
    let operator = console.operator().await;
    // Many in the same second.
    let items: Vec<Value> =
        (0..130).map(|n| reply("18500001001", &n.to_string(), AT + n / 70)).collect();
    push_replies(&console, &items).await;
    let (path, _) = newest(&operator).await;
    let mut seen = Vec::new();
    let mut earlier = Some(path);
    while let Some(path) = earlier {
        let page = operator.get(&path).await;
        let mut bubbles = page.all(".theirs .bubble");
        bubbles.reverse();
        seen.extend(bubbles);
        let more = "nav a[href*=before]";
        earlier = page.has(more).then(|| page.attr(more, "href"));
    }
    let expected: Vec<String> = (0..130).rev().map(|n| n.to_string()).collect();
    assert_eq!(seen, expected);
}

#[sqlx::test]
async fn a_viewer_sees_masked_phones_and_changes_nothing_and_exports_are_audited(db: PgPool) {
    let console = quiet(&db).await;
    push_replies(
        &console,
        &[reply("18500001001", "=HYPERLINK(1)", AT), reply("18500001002", "T", AT)],
    )
    .await;
    let viewer = console.viewer().await;
    let (path, page) = newest(&viewer).await;
    let list = viewer.get(REPLIES).await;
    for page in [&page, &list] {
        assert!(page.text.contains("185****100") && !page.text.contains("1850000100"));
    }
    assert!(!page.has("main form"), "a viewer has no buttons");
    let csrf = page.csrf();
    for step in ["read", "unread", "opt-out", "take-back"] {
        let action = format!("{path}/{step}");
        let answer = viewer.post(&action, &[("csrf", csrf.as_str()), ("reply", "r-0")]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{step}");
    }
    assert_eq!(number(&db, "select sum(unread)::bigint from conversations").await, 2);
    let file = viewer.get("/p/default/replies.csv").await.text;
    assert!(file.starts_with("\u{feff}id,phone,content,replied_at,received_at,opt_out,"));
    assert!(file.contains("\"185****1001\",\"'=HYPERLINK(1)\",\"2025-10-09T"), "{file}");
    assert!(!file.contains("1850000100"));
    let operator = console.operator().await;
    let file = operator.get("/p/default/replies.csv").await.text;
    assert!(file.contains("\"18500001002\",\"T\",") && file.contains(",\"stands\","), "{file}");
    let exports = "select count(*) from audit_log where action = 'replies_exported'";
    assert_eq!(number(&db, exports).await, 2);
    // Signed out, the bookmark leads to the sign-in page first.
    let away = console.signed_out().get(&path).await;
    assert!(away.leads_to().starts_with("/login?next="));
}
