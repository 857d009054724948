//! Files as they are: what people, spreadsheets and other programs write, and the questions about it.

use std::ops::Deref;

use rust_xlsxwriter::{Format, Workbook};
use sqlx::PgPool;

use crate::harness::{CODE, NOTICE, Page, TestClient, TestConsole};

/// The preview of a file, and its path.
struct Preview {
    path: String,
    page: Page,
}

impl Deref for Preview {
    type Target = Page;

    fn deref(&self) -> &Page {
        &self.page
    }
}

/// Uploads a file for the template with an order and days.
async fn preview(operator: &TestClient, name: &str, content: &[u8]) -> Preview {
    let path = operator.upload_list(NOTICE, name, content).await;
    let page = operator.get(&path).await;
    Preview { path, page }
}

pub async fn notice_console(db: &PgPool) -> (TestConsole, TestClient) {
    let console = TestConsole::start(db).await;
    console.add_notice_template().await;
    let operator = console.operator().await;
    (console, operator)
}

/// Returns the number of rows by verdict, the ready ones first.
pub fn counts(page: &Page) -> Vec<String> {
    page.all("section[aria-labelledby=verdict] tbody td:nth-child(2)")
}

/// Answers a question of the preview with the button or field of this name.
async fn answer(operator: &TestClient, asked: Preview, name: &str, value: &str) -> Preview {
    let csrf = asked.csrf();
    let answered = operator.post(&asked.path, &[("csrf", &csrf), (name, value)]).await;
    assert!(answered.status.is_redirection(), "{}", answered.text);
    imported(operator, asked.path).await
}

/// Waits until a file was read again.
async fn imported(operator: &TestClient, path: String) -> Preview {
    let page = operator.until_imported(&path).await;
    Preview { path, page }
}

async fn confirm(operator: &TestClient, preview: &Preview) -> Page {
    let mut fields = preview.whole_form("form#yes");
    fields.push(("confirm".to_owned(), "valid".to_owned()));
    operator.post_owned(&preview.path.replace("/preview", "/confirm"), &fields).await
}

/// Returns a workbook with these rows in its first sheet.
fn workbook(rows: &[&[&str]]) -> Workbook {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    for (line, cells) in (0..).zip(rows) {
        sheet.write_row(line, 0, cells.iter().copied()).unwrap();
    }
    book
}

#[sqlx::test]
async fn an_unclosed_quotation_mark_is_named_with_its_line(db: PgPool) {
    let (_console, operator) = notice_console(&db).await;
    let text = "手机号,单号,天数,备注\n18500003100,1234,5,\"老客户\n18500003101,5678,5,新\n\
        18500003102,9012,5,新\n";
    let page = preview(&operator, "a.csv", text.as_bytes()).await;
    assert!(page.one("#errors h2").contains("第 2 行"), "{}", page.text);
}

#[sqlx::test]
async fn decimals_slashes_and_separators_never_make_another_phone(db: PgPool) {
    let (_console, operator) = notice_console(&db).await;
    let text = "phone,order,days\n1850000712.0,1234,5\n18500007130.0,1234,5\n1850000714/0,1,5\n";
    let page = preview(&operator, "a.csv", text.as_bytes()).await;
    assert_eq!(counts(&page), ["1", "2"], "{}", page.text);
    let sent = confirm(&operator, &page).await;
    assert!(sent.status.is_redirection());
    let phones: Vec<String> =
        sqlx::query_scalar("select phone from recipients where verdict = 'ready'")
            .fetch_all(&db)
            .await
            .unwrap();
    assert!(phones.iter().all(|phone| phone == "18500007130"), "{phones:?}");
}

#[sqlx::test]
async fn the_phone_column_is_chosen_by_name_and_content_and_of_two_a_person_chooses(db: PgPool) {
    let (_console, operator) = notice_console(&db).await;
    let landline = "电话,手机号,单号,天数\n010-12345678,18500002400,1234,5\n";
    let page = preview(&operator, "a.csv", landline.as_bytes()).await;
    assert!(page.one(".bubble").contains("订单号是1234，预计5天"), "{}", page.text);
    let two = "电话,手机号,单号,天数\n18500002490,18500002491,1234,5\n\
        18500002492,18500002493,1235,5\n";
    let page = preview(&operator, "b.csv", two.as_bytes()).await;
    assert_eq!(page.all("#question [name=phone_column]").len(), 2, "{}", page.text);
    assert!(page.one("#question").contains("18500002491"));
    assert!(!page.has("form#yes button[name=confirm]"), "nothing can be sent yet");
    let refused = confirm(&operator, &page).await;
    assert!(refused.leads_to().ends_with("/preview"), "{}", refused.text);
    let states: Vec<String> =
        sqlx::query_scalar("select state::text from batches").fetch_all(&db).await.unwrap();
    assert!(states.iter().all(|state| state == "draft"), "{states:?}");
    let page = answer(&operator, page, "phone_column", "1").await;
    assert!(!page.has("#question"));
    assert_eq!(counts(&page), ["2"]);
    assert!(page.one(".bubble").contains("订单号是1234，预计5天"), "{}", page.text);
    assert!(confirm(&operator, &page).await.status.is_redirection());
    let phones: Vec<String> = sqlx::query_scalar("select phone from messages order by phone")
        .fetch_all(&db)
        .await
        .unwrap();
    assert!(phones.iter().all(|phone| phone.ends_with('1') || phone.ends_with('3')), "{phones:?}");
}

#[sqlx::test]
async fn a_first_row_without_a_phone_is_a_row_and_a_title_above_the_header_is_none(db: PgPool) {
    let (_console, operator) = notice_console(&db).await;
    let page = preview(&operator, "a.csv", ",李,5\n18500002300,韩,6\n".as_bytes()).await;
    assert_eq!(counts(&page), ["1", "1"], "{}", page.text);
    let titled = "2026年客户名单\n手机号;单号;天数\n18500002300;韩;6\n";
    let page = preview(&operator, "b.csv", titled.as_bytes()).await;
    assert_eq!(counts(&page), ["1"], "{}", page.text);
    assert!(page.one("q").contains("2026年客户名单"));
}

#[sqlx::test]
async fn values_that_programs_write_for_nothing_are_set_aside_unless_a_person_sends_them(
    db: PgPool,
) {
    let (_console, operator) = notice_console(&db).await;
    let text = "手机号,名,天数\n18500000400,#REF!,1\n18500000401,#N/A,1\n18500000402,null,1\n\
        18500000403,undefined,1\n18500000404,NaN,1\n18500000405,{name},1\n18500000406,${code},1\n\
        18500000407,None,1\n18500000408,李雷,1\n";
    let page = preview(&operator, "a.csv", text.as_bytes()).await;
    assert_eq!(counts(&page), ["1", "8"], "{}", page.text);
    let page = answer(&operator, page, "placeholders", "1").await;
    assert_eq!(counts(&page), ["9"], "{}", page.text);
    let page = answer(&operator, page, "placeholders", "0").await;
    assert_eq!(counts(&page), ["1", "8"]);
}

#[sqlx::test]
async fn a_damaged_byte_names_its_row_and_does_not_change_the_encoding(db: PgPool) {
    let (_console, operator) = notice_console(&db).await;
    for mark in ["\u{feff}", ""] {
        let mut text = format!("{mark}手机号,姓名,分钟\n18500001900,韩梅梅,5\n").into_bytes();
        text.extend(b"18500001901,\xe6\x9d\x8e\xe9\x9b\xb7\xe6,5\n");
        let page = preview(&operator, "a.csv", &text).await;
        assert_eq!(counts(&page), ["1", "1"], "{}", page.text);
        assert!(page.one(".bubble").contains("韩梅梅"));
        assert!(page.one("#aside tbody").contains("李雷"), "{}", page.text);
    }
}

#[sqlx::test]
async fn cells_are_sent_as_the_spreadsheet_shows_them_or_asked_about(db: PgPool) {
    let (_console, operator) = notice_console(&db).await;
    let mut book = workbook(&[&["手机号", "值", "天数"]]);
    let sheet = book.worksheet_from_index(0).unwrap();
    for (line, (number, format)) in (1..).zip([
        (0.85, "0%"),
        (3412.0, "000000"),
        (1200.0, "¥#,##0.00"),
        (14.5 / 24.0, "h:mm"),
        (26.25 / 24.0, "[h]:mm"),
        (45_621.604, "yyyy\"年\"m\"月\"d\"日\""),
        (0.25, "# ?/?"),
    ]) {
        sheet.write(line, 0, 18_500_001_400_f64 + f64::from(line)).unwrap();
        let format = Format::new().set_num_format(format);
        sheet.write_number_with_format(line, 1, number, &format).unwrap();
        sheet.write(line, 2, 5).unwrap();
    }
    let page = preview(&operator, "a.xlsx", &book.save_to_buffer().unwrap()).await;
    assert_eq!(counts(&page), ["6", "1"], "{}", page.text);
    assert!(page.one("main").contains("第 8 行：0.25"), "{}", page.text);
    let values: Vec<String> = sqlx::query_scalar(
        "select params[1] from recipients where verdict = 'ready' order by position",
    )
    .fetch_all(&db)
    .await
    .unwrap();
    assert_eq!(values, ["85%", "003412", "¥1,200.00", "14:30", "26:15", "2024年11月25日"]);
    let page = answer(&operator, page, "as_stored", "1").await;
    assert_eq!(counts(&page), ["7"], "{}", page.text);
}

#[sqlx::test]
async fn hidden_rows_are_left_out_unless_a_person_ticks_the_box(db: PgPool) {
    let (_console, operator) = notice_console(&db).await;
    let rows: [&[&str]; 4] = [
        &["手机号", "单号", "天数"],
        &["18500002000", "1", "5"],
        &["18500002001", "2", "5"],
        &["18500002002", "3", "5"],
    ];
    let mut book = workbook(&rows);
    book.worksheet_from_index(0).unwrap().set_row_hidden(2).unwrap();
    let page = preview(&operator, "a.xlsx", &book.save_to_buffer().unwrap()).await;
    assert_eq!(counts(&page), ["2"], "{}", page.text);
    assert!(page.one("main").contains("1 行被隐藏"), "{}", page.text);
    let page = answer(&operator, page, "hidden", "1").await;
    assert_eq!(counts(&page), ["3"], "{}", page.text);
    let page = answer(&operator, page, "hidden", "0").await;
    assert_eq!(counts(&page), ["2"]);
}

#[sqlx::test]
async fn the_sheet_with_phones_is_proposed_and_another_can_be_chosen(db: PgPool) {
    let (_console, operator) = notice_console(&db).await;
    let mut book = workbook(&[&["说明"], &["请勿修改"]]);
    for (name, phone) in [("名单", "18500002100"), ("备用", "18500002101")] {
        let sheet = book.add_worksheet().set_name(name).unwrap();
        sheet.write_row(0, 0, ["手机号", "单号", "天数"]).unwrap();
        sheet.write_row(1, 0, [phone, "1", "5"]).unwrap();
    }
    let page = preview(&operator, "a.xlsx", &book.save_to_buffer().unwrap()).await;
    assert_eq!(counts(&page), ["1"], "{}", page.text);
    assert_eq!(page.all("#sheet option").len(), 3);
    assert!(page.one(".head").contains("名单"), "small files name their sheet");
    let mut fields = page.whole_form("form#columns");
    fields.retain(|(name, _)| name != "sheet");
    fields.push(("sheet".to_owned(), "备用".to_owned()));
    assert!(operator.post_owned(&page.path, &fields).await.status.is_redirection());
    let page = imported(&operator, page.path).await;
    assert!(page.one(".head").contains("备用"), "{}", page.text);
    let phone: String =
        sqlx::query_scalar("select phone from recipients").fetch_one(&db).await.unwrap();
    assert_eq!(phone, "18500002101");
}

#[sqlx::test]
async fn a_spreadsheet_of_before_2007_is_sent_only_after_a_person_has_accepted_it(db: PgPool) {
    let (_console, operator) = notice_console(&db).await;
    let old = include_bytes!("../files/spreadsheets/libreoffice-autofilter.xls");
    for name in ["a.xls", "a.et"] {
        let page = preview(&operator, name, old).await;
        assert!(page.one("#question").contains("另存为 .xlsx"), "{}", page.text);
        assert!(!page.has("form#yes button[name=confirm]"));
        let page = answer(&operator, page, "old_spreadsheet", "1").await;
        assert!(!page.has("#question"), "{}", page.text);
    }
}

#[sqlx::test]
async fn web_pages_documents_and_images_are_recognized_whatever_their_name(db: PgPool) {
    let (_console, operator) = notice_console(&db).await;
    let page = include_bytes!("../files/spreadsheets/webpage.xls");
    let small = "<html>\n<body><table>\n<tr><td>手机号</td></tr>\n</table></body></html>";
    for (name, content, word) in [
        ("a.xls", &page[..], "网页"),
        ("b.xls", small.as_bytes(), "网页"),
        ("c.xlsx", b"%PDF-1.7\n", "PDF"),
        ("d.csv", b"\x89PNG\r\n\x1a\n", "图片"),
    ] {
        let form = operator.get("/p/default/batches/new").await;
        let fields = form.whole_form("form[data-upload]");
        let answer = operator
            .upload("/p/default/batches/new", &fields, &[("recipients", name, content)])
            .await;
        assert!(answer.one("#recipients-error").contains(word), "{name}: {}", answer.text);
    }
}

#[sqlx::test]
async fn rejected_rows_mean_the_same_however_often_they_are_downloaded_and_uploaded(db: PgPool) {
    let (_console, operator) = notice_console(&db).await;
    let text = "手机号,金额,天数\n1850000081,-50元,5\n18500000900,1234,\n18500000901,'=x,\n\
        18500000902,''y,,多出,的格\n";
    let mut content = text.as_bytes().to_vec();
    let mut first: Option<(Vec<String>, Vec<String>)> = None;
    for _ in 0..3 {
        let page = preview(&operator, "a.csv", &content).await;
        let found = (counts(&page), page.all("#aside tbody td:nth-child(4)"));
        let expected = first.get_or_insert_with(|| found.clone());
        assert_eq!(&found, expected, "{}", page.text);
        let download = page.path.replace("/preview", "/rejected.csv");
        content = operator.get(&download).await.text.into_bytes();
    }
    let text = String::from_utf8(content).unwrap();
    assert_eq!(text.matches(",line,verdict,reason").count(), 1, "{text}");
    assert!(
        text.contains(",\"'-50元\",") && text.contains(",\"'=x\",") && text.contains(",\"''y\","),
        "{text}"
    );
    assert!(text.contains(",\"多出\",\"的格\","), "cells beyond the header are kept: {text}");
}

#[sqlx::test]
async fn rejected_rows_of_a_spreadsheet_come_back_as_a_spreadsheet(db: PgPool) {
    let (_console, operator) = notice_console(&db).await;
    let rows: [&[&str]; 3] =
        [&["手机号", "金额", "天数"], &["1850000081", "-50元", "5"], &["18500000900", "'=x", ""]];
    let mut content = workbook(&rows).save_to_buffer().unwrap();
    for _ in 0..3 {
        let page = preview(&operator, "a.xlsx", &content).await;
        assert_eq!(counts(&page), ["0", "1", "1"], "{}", page.text);
        assert!(page.text.contains("/rejected.xlsx"), "{}", page.text);
        let download = page.path.replace("/preview", "/rejected.xlsx");
        let response = operator.request_to(&download).send().await.unwrap();
        content = response.bytes().await.unwrap().to_vec();
    }
    let values: Vec<Vec<String>> = sqlx::query_scalar(
        "select cells from recipients where batch_id = (select max(batch_id) from recipients) order by position",
    )
    .fetch_all(&db)
    .await
    .unwrap();
    assert_eq!(values[0][..3], ["1850000081", "-50元", "5"]);
    assert_eq!(values[1][1], "=x");
}

#[sqlx::test]
async fn a_mapping_that_was_chosen_by_hand_survives_in_the_file_of_rejected_rows(db: PgPool) {
    let (_console, operator) = notice_console(&db).await;
    let text = "甲,乙,手机号\n5,1234,18500000900\n6,,18500000901\n";
    let page = preview(&operator, "a.csv", text.as_bytes()).await;
    let mut fields = page.whole_form("form#columns");
    fields.retain(|(name, _)| name != "column");
    fields.extend(["2", "1", "phone"].map(|used| ("column".to_owned(), used.to_owned())));
    assert!(operator.post_owned(&page.path, &fields).await.status.is_redirection());
    let page = imported(&operator, page.path).await;
    assert!(page.one(".bubble").contains("订单号是1234，预计5天"), "{}", page.text);
    let rejected = operator.get(&page.path.replace("/preview", "/rejected.csv")).await.text;
    let fixed = rejected.replace("\"6\",\"\",", "\"6\",\"1235\",");
    let page = preview(&operator, "b.csv", fixed.as_bytes()).await;
    assert!(page.one(".bubble").contains("订单号是1235，预计6天"), "{}", page.text);
}

#[sqlx::test]
async fn values_of_verification_templates_are_codes(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let text = "phone,code,min\n18500000100,1234567,5\n18500000101,12345678,5\n\
        18500000102,李雷,5\n18500000103,A1b2,5\n";
    let preview = operator.upload_list(CODE, "a.csv", text.as_bytes()).await;
    let page = operator.get(&preview).await;
    assert_eq!(counts(&page), ["2", "2"], "{}", page.text);
}

#[sqlx::test]
async fn links_phones_and_marks_in_values_are_warned_about(db: PgPool) {
    let (_console, operator) = notice_console(&db).await;
    let text = "手机号,说明,天数\n18500000100,见 https://example.cn/a,5\n18500000101,￥50,5\n\
        18500000102,★,5\n18500000103,请拨 010-12345678,5\n18500000104,正常,5\n";
    let page = preview(&operator, "a.csv", text.as_bytes()).await;
    assert_eq!(counts(&page), ["5"], "{}", page.text);
    let warnings = page.all(".notice li").join("\n");
    for word in ["链接", "电话", "※", "元"] {
        assert!(warnings.contains(word), "{word}: {warnings}");
    }
}

#[sqlx::test]
async fn a_file_of_rejected_rows_leads_to_the_phones_that_a_person_has_chosen(db: PgPool) {
    let (_console, operator) = notice_console(&db).await;
    let text = "推荐人手机,客户电话,a,b\n18500000001,无,x,1\n18500000002,停机,x,1\n\
        18500000003,18500000009,x,1\n";
    let page = preview(&operator, "a.csv", text.as_bytes()).await;
    let mut fields = page.whole_form("form#columns");
    fields.retain(|(name, _)| name != "column");
    fields.extend(["", "phone", "1", "2"].map(|used| ("column".to_owned(), used.to_owned())));
    assert!(operator.post_owned(&page.path, &fields).await.status.is_redirection());
    let page = imported(&operator, page.path).await;
    assert_eq!(counts(&page), ["1", "2"], "{}", page.text);
    let rejected = operator.get(&page.path.replace("/preview", "/rejected.csv")).await.text;
    let page = preview(&operator, "b.csv", rejected.as_bytes()).await;
    assert_eq!(counts(&page), ["0", "2"], "nobody else is sent to: {}", page.text);
}

#[sqlx::test]
async fn a_file_and_pasted_phones_are_not_taken_together(db: PgPool) {
    let (_console, operator) = notice_console(&db).await;
    let form = operator.get("/p/default/batches/new").await;
    let mut fields = form.whole_form("form[data-upload]");
    fields.retain(|(name, _)| name != "phones");
    fields.push(("phones".to_owned(), "18500002500".to_owned()));
    let files: [(&str, &str, &[u8]); 1] = [("recipients", "a.csv", b"18500000100,1,2")];
    let answer = operator.upload("/p/default/batches/new", &fields, &files).await;
    assert!(answer.one("#recipients-error").contains("不能同时"), "{}", answer.text);
    let drafts: i64 =
        sqlx::query_scalar("select count(*) from batches").fetch_one(&db).await.unwrap();
    assert_eq!(drafts, 0);
}

#[sqlx::test]
async fn a_sheet_of_hidden_rows_says_so_and_rows_with_the_same_number_are_all_read(db: PgPool) {
    let (_console, operator) = notice_console(&db).await;
    let rows: [&[&str]; 2] = [&["18500002000", "1", "5"], &["18500002001", "2", "5"]];
    let mut book = workbook(&rows);
    let sheet = book.worksheet_from_index(0).unwrap();
    sheet.set_row_hidden(0).unwrap().set_row_hidden(1).unwrap();
    let content = book.save_to_buffer().unwrap();
    let page = preview(&operator, "a.xlsx", &content).await;
    assert!(page.one("#errors h2").contains('2'), "{}", page.text);
    let page = answer(&operator, page, "hidden", "1").await;
    assert_eq!(counts(&page), ["2"], "{}", page.text);
}

#[sqlx::test]
async fn numbers_of_doubtful_form_are_not_sent_by_way_of_the_rejected_rows(db: PgPool) {
    let (_console, operator) = notice_console(&db).await;
    let mut book = workbook(&[&["手机号", "值", "天数"], &["18500001400", "", "5"]]);
    let sheet = book.worksheet_from_index(0).unwrap();
    let format = Format::new().set_num_format("# ?/?");
    sheet.write_number_with_format(1, 1, 0.25, &format).unwrap();
    let mut content = book.save_to_buffer().unwrap();
    for _ in 0..2 {
        let page = preview(&operator, "a.xlsx", &content).await;
        assert_eq!(counts(&page), ["0", "1"], "{}", page.text);
        let download = page.path.replace("/preview", "/rejected.xlsx");
        let response = operator.request_to(&download).send().await.unwrap();
        content = response.bytes().await.unwrap().to_vec();
    }
}

#[sqlx::test]
async fn a_formula_around_a_text_is_that_text(db: PgPool) {
    let (_console, operator) = notice_console(&db).await;
    let text = "手机号,单号,天数\n\"=\"\"18500000100\"\"\",\"=\"\"007\"\"\",5\n";
    let page = preview(&operator, "a.csv", text.as_bytes()).await;
    assert_eq!(counts(&page), ["1"], "{}", page.text);
    assert!(page.one(".bubble").contains("订单号是007"), "{}", page.text);
}
