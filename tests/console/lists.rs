//! Uploading a file: from its first byte to a verdict on every row.

use reqwest::StatusCode;
use sqlx::PgPool;

use crate::harness::{CODE, NOTICE, TestConsole};

/// Returns the counts of the preview by verdict.
fn verdicts(page: &crate::harness::Page) -> Vec<(String, String)> {
    let labels = page.all("table[class=list] tbody tr .swatch + *, tbody th .row");
    let counts = page.all("section[aria-labelledby=verdict] tbody td:nth-child(2)");
    labels.into_iter().zip(counts).collect()
}

#[sqlx::test]
async fn every_row_has_its_verdict_and_rejected_rows_can_be_downloaded_fixed_and_uploaded(
    db: PgPool,
) {
    let console = TestConsole::start(&db).await;
    console.add_notice_template().await;
    let operator = console.operator().await;
    let sent = operator.send(NOTICE, &["7", "5"], "18500000020").await;
    console.until_complete(&operator, &sent).await;
    let file = "手机号,订单号,天数\n+86 185-0000-0100,1234,5\n1.85E+10,1,5\n010-12345678,2,5\n\
        18500000101,,5\n18500000102,【x】,5\n18500000100,9,5\n18500000020,7,5\n+60123456789,1,5\n\
        18500000103,\"=cmd()\",5\n";
    let preview = operator.upload_list(NOTICE, "名单.csv", file.as_bytes()).await;
    let page = operator.get(&preview).await;
    let counts = page.all("section[aria-labelledby=verdict] tbody td:nth-child(2)");
    assert_eq!(counts, ["2", "1", "1", "2", "1", "1", "1"], "{:?}", verdicts(&page));
    assert_eq!(page.all("#aside ~ * tbody tr, #aside tbody tr").len(), 7);
    let reasons = page.all("#aside tbody td:nth-child(4)").join("\n");
    for reason in ["科学计数法", "固定电话", "变量 1", "仅保留第一行", "24 小时内"]
    {
        assert!(reasons.contains(reason), "{reason}: {reasons}");
    }
    assert!(
        page.all(".bubble").iter().any(|text| text.contains("您的订单号是1234，预计5天后到货"))
    );
    let rejected = operator.get(&preview.replace("/preview", "/rejected.csv")).await;
    assert!(
        rejected.text.starts_with("\u{feff}手机号,订单号,天数,line,verdict,reason"),
        "{}",
        rejected.text
    );
    assert!(rejected.text.contains("\"1.85E+10\",\"1\",\"5\",\"3\","), "{}", rejected.text);
    assert!(
        rejected.text.contains("\"'+60123456789\",\"1\",\"5\",\"9\","),
        "not a formula: {}",
        rejected.text
    );
    let fixed =
        rejected.text.replace("1.85E+10", "18500000104").replace("010-12345678", "'+8618500000105");
    let again = operator.upload_list(NOTICE, "fixed.csv", fixed.as_bytes()).await;
    let page = operator.get(&again).await;
    let counts = page.all("section[aria-labelledby=verdict] tbody td:nth-child(2)");
    // The duplicate of the first file is the only row of its phone now.
    assert_eq!(counts, ["3", "1", "1", "1", "1"], "{}", page.text);
}

#[sqlx::test]
async fn a_list_is_read_in_every_format_that_spreadsheets_save(db: PgPool) {
    let console = TestConsole::start(&db).await;
    console.add_notice_template().await;
    let operator = console.operator().await;
    let text = "手机号;说明;分钟\r\n18500000100;\"甲;乙\";5\r\n";
    let utf16: Vec<u8> = "\u{feff}手机号\t说明\t分钟\n18500000100\t甲;乙\t5\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let gbk = encoding_rs::GBK.encode(text).0.to_vec();
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    for (column, name) in ["手机号", "说明", "分钟"].into_iter().enumerate() {
        sheet.write(0, u16::try_from(column).unwrap(), name).unwrap();
    }
    sheet.write(1, 0, 18_500_000_100_f64).unwrap();
    sheet.write(1, 1, "甲;乙").unwrap();
    sheet.write(1, 2, 5).unwrap();
    let xlsx = book.save_to_buffer().unwrap();
    let headless = "18500000100,甲;乙,5".as_bytes().to_vec();
    for (name, content) in [
        ("a.csv", text.as_bytes().to_vec()),
        ("gbk.csv", gbk),
        ("a.tsv", utf16),
        ("a.xlsx", xlsx),
        ("vendor.txt", headless),
    ] {
        let preview = operator.upload_list(NOTICE, name, &content).await;
        let page = operator.get(&preview).await;
        let counts = page.all("section[aria-labelledby=verdict] tbody td:nth-child(2)");
        assert_eq!(counts, ["1"], "{name}: {}", page.text);
        assert!(page.one(".bubble").contains("您的订单号是甲;乙，预计5天后到货"), "{name}");
    }
}

#[sqlx::test]
async fn the_column_mapping_can_be_changed_and_wrong_mappings_are_refused(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let file = b"18500000100,5,1234\n18500000101,5,5678\n";
    let preview = operator.upload_list(CODE, "a.csv", file).await;
    let page = operator.get(&preview).await;
    assert!(page.one(".bubble").contains("验证码是5，1234分钟"));
    let mut fields = page.whole_form("form#columns");
    let columns = |fields: &mut Vec<(String, String)>, used: [&str; 3]| {
        fields.retain(|(name, _)| name != "column");
        fields.extend(used.map(|column| ("column".to_owned(), column.to_owned())));
    };
    columns(&mut fields, ["phone", "2", "2"]);
    let twice = operator.post_owned(&preview, &fields).await;
    assert_eq!(twice.status, StatusCode::UNPROCESSABLE_ENTITY);
    columns(&mut fields, ["", "2", "1"]);
    let no_phone = operator.post_owned(&preview, &fields).await;
    assert_eq!(no_phone.status, StatusCode::UNPROCESSABLE_ENTITY);
    columns(&mut fields, ["phone", "2", "1"]);
    let good = operator.post_owned(&preview, &fields).await;
    assert_eq!(good.status, StatusCode::SEE_OTHER, "{}", good.text);
    let page = operator.until_imported(&preview).await;
    assert!(page.one(".bubble").contains("验证码是1234，5分钟"), "{}", page.text);
}

#[sqlx::test]
async fn files_that_are_not_lists_are_refused_with_the_reason_and_leave_nothing_behind(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let form = operator.get("/p/default/batches/new").await;
    let huge = vec![b'1'; (20 << 20) + 1];
    let wrong: [(&str, &[u8]); 4] = [
        ("a.png", b"\x89PNG\r\n\x1a\n"),
        ("a.pdf", b"%PDF-1.4"),
        ("empty.csv", b""),
        ("huge.csv", &huge),
    ];
    for (name, content) in wrong {
        let fields = form.whole_form("form[data-upload]");
        let answer = operator
            .upload("/p/default/batches/new", &fields, &[("recipients", name, content)])
            .await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
        assert!(answer.has("#recipients-error"), "{name}: {}", answer.text);
    }
    let without_file =
        operator.upload("/p/default/batches/new", &form.whole_form("form[data-upload]"), &[]).await;
    assert!(without_file.has("#recipients-error"));
    let drafts: i64 =
        sqlx::query_scalar("select count(*) from batches").fetch_one(&db).await.unwrap();
    assert_eq!(drafts, 0);
    for (name, content, why) in [
        ("quote.csv", [b"18500000100,\"x\n".as_slice(), &vec![b'y'; 2 << 20]].concat(), "引号"),
        ("broken.xlsx", b"PK\x03\x04 not a zip".to_vec(), "无法打开"),
        ("blank.csv", b"\n\n , ,\n".to_vec(), "没有可读取的行"),
    ] {
        let preview = operator.upload_list(CODE, name, &content).await;
        let page = operator.get(&preview).await;
        assert!(page.one("#errors h2").contains(why), "{name}: {}", page.text);
        let csrf = page.csrf();
        operator.post(&preview.replace("/preview", "/discard"), &[("csrf", &csrf)]).await;
    }
    let left: i64 = sqlx::query_scalar(
        "select (select count(*) from batches) + (select count(*) from recipients)
           + (select count(*) from upload_chunks)",
    )
    .fetch_one(&db)
    .await
    .unwrap();
    assert_eq!(left, 0);
}

#[sqlx::test]
async fn a_form_without_its_token_or_from_a_viewer_uploads_nothing(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let form = operator.get("/p/default/batches/new").await;
    let mut fields = form.whole_form("form[data-upload]");
    fields.retain(|(name, _)| name != "csrf");
    let files: [(&str, &str, &[u8]); 1] = [("recipients", "a.csv", b"18500000100,1,2")];
    let answer = operator.upload("/p/default/batches/new", &fields, &files).await;
    assert!(answer.status.is_client_error());
    let viewer = console.viewer().await;
    assert_eq!(viewer.get("/p/default/batches/new").await.status, StatusCode::FORBIDDEN);
    let preview = operator.upload_list(CODE, "a.csv", b"18500000100,1,2").await;
    assert_eq!(viewer.get(&preview).await.status, StatusCode::FORBIDDEN);
    let rejected = preview.replace("/preview", "/rejected.csv");
    assert_eq!(viewer.get(&rejected).await.status, StatusCode::FORBIDDEN);
    let drafts: i64 =
        sqlx::query_scalar("select count(*) from batches").fetch_one(&db).await.unwrap();
    assert_eq!(drafts, 1);
}

#[sqlx::test]
async fn a_double_click_on_upload_makes_one_draft(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let form = operator.get("/p/default/batches/new").await;
    let fields = form.whole_form("form[data-upload]");
    let files: [(&str, &str, &[u8]); 1] = [("recipients", "a.csv", b"18500000100,1,2")];
    let (first, second) = tokio::join!(
        operator.upload("/p/default/batches/new", &fields, &files),
        operator.upload("/p/default/batches/new", &fields, &files),
    );
    assert_eq!(first.status, StatusCode::SEE_OTHER);
    assert_eq!(second.status, StatusCode::SEE_OTHER);
    let drafts: i64 =
        sqlx::query_scalar("select count(*) from batches").fetch_one(&db).await.unwrap();
    assert_eq!(drafts, 1);
}

#[sqlx::test]
async fn the_sample_file_of_a_template_can_be_uploaded_as_it_is(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let form = operator.get("/p/default/batches/new").await;
    let sample = operator.get(&form.attr("[data-sample-link]", "href")).await;
    assert_eq!(sample.status, StatusCode::OK);
    let template = form.one("#template option");
    let name = template.split(" · ").next().unwrap();
    let preview = operator.upload_list(name, "sample.csv", sample.text.as_bytes()).await;
    let page = operator.get(&preview).await;
    assert_eq!(page.all("section[aria-labelledby=verdict] tbody td:nth-child(2)"), ["2"]);
}
