//! Phones and tables that are pasted instead of uploaded.

use sqlx::PgPool;

use super::files::{counts, notice_console};
use crate::harness::{CODE, NOTICE, Page, TestClient, TestConsole};

/// Pastes a list. Returns the path and page of its preview.
async fn paste(operator: &TestClient, template: &str, pasted: &str) -> (String, Page) {
    let form = operator.get("/p/default/batches/new").await;
    let mut fields = form.whole_form("form[data-upload]");
    let option = form.option_containing("#template option", template);
    fields.retain(|(name, _)| name != "phones" && name != "template_id");
    fields.extend([("phones".to_owned(), pasted.to_owned()), ("template_id".to_owned(), option)]);
    let sent = operator.upload("/p/default/batches/new", &fields, &[]).await;
    assert!(sent.status.is_redirection(), "{}", sent.text);
    let path = sent.leads_to();
    let page = operator.until_imported(&path).await;
    (path, page)
}

#[sqlx::test]
async fn pasted_phones_are_read_as_those_of_the_form_for_one_message(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    for (pasted, expected) in [
        ("18500002500,18500002501,18500002502", &["0", "3"][..]),
        ("18500002500、18500002501\n18500002502 18500002503", &["0", "4"]),
        ("18500002500,1234,5\n18500002501,1235,5", &["2"]),
    ] {
        let (_, page) = paste(&operator, CODE, pasted).await;
        assert_eq!(counts(&page), expected, "{pasted}: {}", page.text);
    }
}

#[sqlx::test]
async fn a_pasted_table_with_chinese_separators_is_read_and_its_rejected_rows_are_csv(db: PgPool) {
    let (_console, operator) = notice_console(&db).await;
    for separator in ["，", "、", "；"] {
        let lines = [
            ["18500002500", "1,200\"A\"", "5"].join(separator),
            ["1850000250", "1,300\"B\"", "6"].join(separator),
        ];
        let (path, page) = paste(&operator, NOTICE, &lines.join("\n")).await;
        assert_eq!(counts(&page), ["1", "1"], "{separator}: {}", page.text);
        assert!(page.one(".bubble").contains("订单号是1,200\"A\"，预计5天"), "{}", page.text);
        let rejected = operator.get(&path.replace("/preview", "/rejected.csv")).await.text;
        let row = "\n\"1850000250\",\"1,300\"\"B\"\"\",\"6\",\"2\",";
        assert!(rejected.contains(row), "{separator}: {rejected}");
    }
}
