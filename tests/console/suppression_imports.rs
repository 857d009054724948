//! Files of opt-outs: nothing is added unless all is understood, or a person says which.

use reqwest::StatusCode;
use rust_xlsxwriter::{Format, Workbook};
use sqlx::PgPool;
use usms_console::domain::accounts::role::Role;
use usms_console::ops::replies::suppressions::import;

use super::replies::{number, suppressed};
use crate::harness::{Page, TestClient, TestConsole};

const LIST: &str = "/p/default/suppressions";
/// Four rows: a phone, and three that are not understood.
const UNREADABLE: &[u8] =
    "手机号\n18500004100\n1.85E+10\n185****4101\n18500004102,18500004103\n".as_bytes();

async fn upload(client: &TestClient, name: &str, content: &[u8]) -> Page {
    let fields = client.get(LIST).await.whole_form("main form.form");
    client.upload(LIST, &fields, &[("list", name, content)]).await
}

/// Uploads a file that waits. Returns its path.
async fn waiting(client: &TestClient, name: &str, content: &[u8]) -> String {
    let answer = upload(client, name, content).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{name}: {}", answer.text);
    let path = answer.leads_to();
    assert!(path.starts_with(&format!("{LIST}/imports/i-")), "{name}: added at once, {path}");
    path
}

async fn add_good(client: &TestClient, path: &str) -> Page {
    let fields = client.get(path).await.whole_form("form#add");
    client.post_owned(path.split('?').next().unwrap(), &fields).await
}

async fn clear(db: &PgPool) {
    sqlx::query("delete from suppressions").execute(db).await.unwrap();
}

fn utf16(text: &str) -> Vec<u8> {
    format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn book(fill: impl FnOnce(&mut Workbook)) -> Vec<u8> {
    let mut book = Workbook::new();
    fill(&mut book);
    book.save_to_buffer().unwrap()
}

#[sqlx::test]
async fn a_file_of_which_everything_is_understood_is_added_at_once(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let second_sheet = book(|book| {
        book.add_worksheet().write(0, 0, "填写说明").unwrap();
        let sheet = book.add_worksheet();
        sheet.write(0, 0, "姓名").unwrap().write(0, 1, "手机号").unwrap();
        sheet.write(1, 1, "18500004101").unwrap().write(2, 1, "18500004102").unwrap();
    });
    let hidden_row = book(|book| {
        let sheet = book.add_worksheet();
        sheet.write(0, 0, "手机号").unwrap().write(1, 0, "18500004101").unwrap();
        sheet.write(2, 0, "18500004102").unwrap();
        sheet.set_row_hidden(2).unwrap();
    });
    let scientific = book(|book| {
        let format = Format::new().set_num_format("0.00E+00");
        let sheet = book.add_worksheet();
        sheet.write(0, 0, "手机号").unwrap();
        for (row, phone) in [(1, 18_500_004_101_f64), (2, 18_500_004_102_f64)] {
            sheet.write_with_format(row, 0, phone, &format).unwrap();
        }
    });
    let order_numbers =
        "姓名,订单号,手机号\n李,18500004130,18500004101\n韩,18500004132,18500004102\n";
    let gbk = encoding_rs::GBK.encode("姓名;手机号\n李雷;18500004101\n韩梅;18500004102\n").0;
    let files: [(&str, Vec<u8>); 16] = [
        ("orders.csv", order_numbers.into()),
        ("headless.csv", "18500004101\n18500004102\n".into()),
        ("columns.csv", "李,18500004101,5\n韩,18500004102,6\n".into()),
        ("title.csv", "2026年退订名单\n\n手机号,姓名\n18500004101,李\n18500004102,韩\n".into()),
        ("remark.csv", "手机号码（必填）,姓名\n18500004101,李\n18500004102,韩\n".into()),
        ("landline.csv", "电话,手机号\n010-12345678,18500004101\n,18500004102\n".into()),
        ("gbk.csv", gbk.to_vec()),
        ("utf16.tsv", utf16("手机号\t姓名\n18500004101\t李\n18500004102\t韩\n")),
        ("cr.csv", "手机号,姓名\r18500004101,李\r18500004102,韩\r".into()),
        (
            "spellings.csv",
            "phone\n+86 185-0000-4101\n18500004102.0\n(185)00004101\n'18500004102\n".into(),
        ),
        ("list.txt", "18500004101,18500004102".into()),
        ("lines.txt", "18500004101，18500004102、18500004101\n\n".into()),
        (
            "damaged.csv",
            "手机号,姓名\n18500004101,李\n18500004102,\u{97e9}".as_bytes()[..47].to_vec(),
        ),
        ("second.xlsx", second_sheet),
        ("hidden.xlsx", hidden_row),
        ("numbers.xlsx", scientific),
    ];
    for (name, content) in files {
        let answer = upload(&operator, name, &content).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{name}: {}", answer.text);
        assert_eq!(answer.leads_to(), LIST, "{name} waits");
        assert_eq!(suppressed(&db).await, ["18500004101", "18500004102"], "{name}");
        let list = operator.get(LIST).await;
        assert!(list.one(".flash").contains('2'), "{name}");
        let row = list.one("tbody tr");
        assert!(row.contains("批量导入") && row.contains(name), "{name}: {row}");
        clear(&db).await;
    }
    assert_eq!(number(&db, "select count(*) from suppression_imports").await, 0);
    let detail: serde_json::Value = sqlx::query_scalar(
        "select detail from audit_log where action = 'suppressions_added' order by id limit 1",
    )
    .fetch_one(&db)
    .await
    .unwrap();
    assert_eq!((&detail["file"], &detail["phones"]), (&"orders.csv".into(), &2.into()));
}

#[sqlx::test]
async fn the_exported_list_is_read_as_it_is_written(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let csrf = operator.get(LIST).await.csrf();
    let phones = "+60123456789\n18500004101\n+1 (202) 555-0123";
    let fields = [("csrf", csrf.as_str()), ("phones", phones), ("note", "18500004199")];
    operator.post(LIST, &fields).await;
    let before = suppressed(&db).await;
    assert_eq!(before.len(), 3);
    let exported = operator.get(&format!("{LIST}.csv")).await.text;
    clear(&db).await;
    assert_eq!(upload(&operator, "suppressions.csv", exported.as_bytes()).await.leads_to(), LIST);
    assert_eq!(suppressed(&db).await, before);
    let international = "phone\n'+60123456789\n'+1 (202) 555-0123\n(60)123456789\n";
    clear(&db).await;
    upload(&operator, "international.csv", international.as_bytes()).await;
    assert_eq!(suppressed(&db).await, ["(1)2025550123", "(60)123456789"]);
    // For viewers, phones are masked: such a file is not understood.
    let masked = console.viewer().await.get(&format!("{LIST}.csv")).await.text;
    let page = operator.get(&waiting(&operator, "masked.csv", masked.as_bytes()).await).await;
    assert_eq!(page.one("#rejected"), "2");
    assert!(!page.has("form#add"), "there is nothing to add");
}

#[sqlx::test]
async fn unreadable_rows_are_named_and_the_good_ones_are_added_on_request_once(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let path = waiting(&operator, "a.csv", UNREADABLE).await;
    assert_eq!(suppressed(&db).await, Vec::<String>::new(), "nothing is added");
    let page = operator.get(&path).await;
    assert_eq!(page.one("#new"), "1");
    assert_eq!(page.all("tbody td.count"), ["3", "4", "5"]);
    assert_eq!(page.all("tbody th"), ["1.85E+10", "185****4101", "18500004102"]);
    let reasons = page.all("tbody td.text:not(.muted)");
    assert!(reasons[0].contains("科学计数法") && reasons[2].contains("多个手机号"), "{reasons:?}");
    assert!(operator.get(LIST).await.one("#waiting a").contains("a.csv"));

    let before = operator.get(&page.attr("#download", "href")).await;
    let fields = page.whole_form("form#add");
    assert_eq!(operator.post_owned(&path, &fields).await.leads_to(), path);
    assert_eq!(suppressed(&db).await, ["18500004100"]);
    let page = operator.get(&path).await;
    assert!(!page.has("form#add") && page.has("#download"), "{}", page.text);
    assert_eq!((page.one("#new"), page.one("#rejected")), ("1".to_owned(), "3".to_owned()));
    assert!(!operator.get(LIST).await.has("#waiting"));

    // A second press adds nothing twice.
    assert_eq!(operator.post_owned(&path, &fields).await.leads_to(), path);
    assert!(operator.get(&path).await.has(".flash"));
    let events = "select count(*) from audit_log where action = 'suppressions_added'";
    assert_eq!(number(&db, events).await, 1);

    let file = operator.get(&page.attr("#download", "href")).await;
    assert_eq!(file.headers["content-type"], "text/csv; charset=utf-8");
    assert_eq!(file.text, before.text, "the rest is the same before and after");
    let lines: Vec<&str> = file.text.trim_start_matches('\u{feff}').lines().collect();
    assert_eq!(lines[0], "手机号,,line,verdict,reason");
    assert!(
        lines[1].starts_with("\"1.85E+10\",\"\",\"3\",")
            && lines[3].starts_with("\"18500004102\",\"18500004103\",\"5\",")
    );
    assert_eq!(lines.len(), 4);

    let csrf = page.csrf();
    let discard = format!("{path}/discard");
    assert_eq!(operator.post(&discard, &[("csrf", &csrf)]).await.leads_to(), LIST);
    assert_eq!(operator.get(&path).await.status, StatusCode::NOT_FOUND);
    assert_eq!(suppressed(&db).await, ["18500004100"], "what was added stays");
}

#[sqlx::test]
async fn the_rest_has_the_same_verdicts_when_it_is_uploaded_again(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let path = waiting(&operator, "a.csv", UNREADABLE).await;
    let page = operator.get(&path).await;
    let mut file = operator.get(&page.attr("#download", "href")).await.text;
    for round in 0..3 {
        let path = waiting(&operator, "rest.csv", file.as_bytes()).await;
        let page = operator.get(&path).await;
        assert_eq!(page.one("#rejected"), "3", "{round}: {}", page.text);
        assert_eq!(page.all("tbody th"), ["1.85E+10", "185****4101", "18500004102"], "{round}");
        file = operator.get(&page.attr("#download", "href")).await.text;
        assert!(file.starts_with("\u{feff}手机号,,line,verdict,reason"), "{round}: {file}");
    }
    let corrected = file.replace("1.85E+10", "18500004104").replace("185****4101", "18500004101");
    let corrected = corrected.replace("18500004103", "");
    assert_eq!(upload(&operator, "rest.csv", corrected.as_bytes()).await.leads_to(), LIST);
    assert_eq!(suppressed(&db).await, ["18500004101", "18500004102", "18500004104"]);
}

#[sqlx::test]
async fn several_columns_of_phones_are_asked_about(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let two_sheets = book(|book| {
        for (name, phone) in [("退订", "18500004101"), ("全部客户", "18500004102")] {
            let sheet = book.add_worksheet().set_name(name).unwrap();
            sheet.write(0, 0, "手机号").unwrap().write(1, 0, phone).unwrap();
        }
    });
    let files: [(&str, Vec<u8>); 5] = [
        ("named.csv", "手机号,备用手机\n18500004101,18500004102\n".into()),
        ("numbered.csv", "手机号1,手机号2\n18500004101,18500004102\n".into()),
        ("headless.csv", "李,18500004101,18500004102\n".into()),
        // Order numbers look like phones, and the phones are damaged.
        ("damaged.csv", "手机号,订单号\n18500004101,18500004102\n1.85E+10,\n1.85E+10,\n".into()),
        ("sheets.xlsx", two_sheets),
    ];
    for (name, content) in files {
        let path = waiting(&operator, name, &content).await;
        let page = operator.get(&path).await;
        assert!(!page.has("form#add") && !page.has("#new"), "{name}");
        assert!(
            operator.post_owned(&path, &page.whole_form("form#discard")).await.leads_to() == path
        );
        assert_eq!(suppressed(&db).await, Vec::<String>::new(), "{name}: nothing was chosen");
        let choices = page.all("form#question label");
        assert_eq!(choices.len(), 2, "{name}");
        assert!(choices[0].contains("18500004101") && choices[1].contains("18500004102"));
        let values: Vec<String> = (1..=2)
            .map(|n| page.value(&format!("form#question label:nth-of-type({n}) input")))
            .collect();
        let one = add_good(&operator, &format!("{path}?column={}", values[0])).await;
        assert_eq!(one.status, StatusCode::SEE_OTHER, "{name}: {}", one.text);
        assert_eq!(suppressed(&db).await, ["18500004101"], "{name}");
        let path = waiting(&operator, name, &content).await;
        let both = format!("{path}?column={}&column={}", values[0], values[1]);
        add_good(&operator, &both).await;
        assert_eq!(suppressed(&db).await, ["18500004101", "18500004102"], "{name}");
        clear(&db).await;
        sqlx::query("delete from suppression_imports").execute(&db).await.unwrap();
    }
    let question = waiting(&operator, "a.csv", "a,b\n18500004101,18500004102\n".as_bytes()).await;
    let none = operator.get(&format!("{question}?read=1")).await;
    assert_eq!(none.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(none.one("form#question .error"), "请至少选择一列");
    assert_eq!(operator.get(&question).await.attr("form#question button", "name"), "read");
    let page = operator.get(&format!("{question}?column=0-0")).await;
    assert!(page.has("form#other input[value='0-0'][checked]"));
    assert!(page.has("form#other input[value='0-1']:not([checked])"));
    for wrong in ["9-9", "x", "0-7"] {
        let page = operator.get(&format!("{question}?column={wrong}")).await;
        assert!(page.has("form#question"), "{wrong}: {}", page.text);
    }
}

#[sqlx::test]
async fn a_row_of_which_a_part_is_not_understood_is_named(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let many = (0..250).map(|n| format!("1850000{n:04}")).collect::<Vec<_>>().join(",");
    let wide = format!("手机号\n18500004101\n{many}\n");
    let cases: [(&str, &[u8], &[&str]); 12] = [
        ("damaged byte", b"phone,name\n1850000\xff4101,Li\n18500004102,Han\n", &["2"]),
        ("no phone", "手机号,姓名\n18500004101,李\n,韩\n".as_bytes(), &["3"]),
        ("first row", "李,18500004101\n韩,空号\n".as_bytes(), &["2"]),
        ("first row 2", "1.85E+10\n18500004101\n".as_bytes(), &["1"]),
        ("one cell", "手机号\n18500004101\n\"18500004102,18500004103\"\n".as_bytes(), &["3"]),
        ("slash", "手机号\n18500004101\n18500004102/18500004103\n".as_bytes(), &["3"]),
        ("further column", "手机号,姓名\n18500004101,李\n18500004102,韩,18500004103\n".as_bytes(), &["3"]),
        (
            "another phone",
            "电话,手机号\n010-12345678,18500004101\n010-12345679,18500004102\n18500004103,18500004104\n"
                .as_bytes(),
            &["4"],
        ),
        ("shifted", "李,18500004101\n韩,18500004102\n18500004103,王\n".as_bytes(), &["3"]),
        ("landline", "手机号\n18500004101\n010-12345678\n".as_bytes(), &["3"]),
        ("footer", "手机号,姓名\n18500004101,李\n合计,1\n".as_bytes(), &["3"]),
        ("wide", wide.as_bytes(), &["3"]),
    ];
    for (name, content, lines) in cases {
        let path = waiting(&operator, "a.csv", content).await;
        let page = operator.get(&path).await;
        assert_eq!(page.all("tbody td.count"), lines, "{name}: {}", page.text);
    }
    assert_eq!(suppressed(&db).await, Vec::<String>::new());
    // In a list of phones, one that is none is named as well.
    let list = format!("{many},1850000");
    let path = waiting(&operator, "list.txt", list.as_bytes()).await;
    let page = operator.get(&path).await;
    assert_eq!((page.one("#new"), page.one("#rejected")), ("250".to_owned(), "1".to_owned()));
    let many_wrong: String = (0..70).map(|n| format!("1850000{n}\n")).collect();
    let file = format!("手机号\n18500004101\n{many_wrong}");
    let path = waiting(&operator, "many.csv", file.as_bytes()).await;
    let page = operator.get(&path).await;
    assert_eq!((page.all("tbody tr").len(), page.one("#rejected")), (50, "70".to_owned()));
    let file = operator.get(&page.attr("#download", "href")).await;
    assert_eq!(file.text.lines().count(), 71);
}

#[sqlx::test]
async fn a_file_that_cannot_be_read_is_refused_with_the_reason(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let large = vec![b'1'; (4 << 20) + 1];
    let cases: [(&str, &[u8], &str); 11] = [
        ("page.xls", b"<html><table><tr><td>18500004101</td></tr></table></html>", "网页"),
        ("a.xls", b"%PDF-1.7\n", "PDF"),
        ("a.xlsx", b"\x89PNG\r\n\x1a\n\0\0", "图片"),
        ("a.exe", b"MZ\x01\x02\0\0", "不是文本或表格"),
        ("empty.csv", b"", "非空文件"),
        ("blank.csv", b"\n , \n", "没有可读取的行"),
        ("header.csv", "手机号,姓名\n".as_bytes(), "没有可读取的行"),
        ("quote.csv", "手机号,备注\n18500004101,\"x\n18500004102,y\n".as_bytes(), "第 2 行"),
        ("broken.xlsx", b"PK\x03\x04 not a zip", "无法打开"),
        ("names.csv", "姓名\n李雷\n韩梅梅\n".as_bytes(), "没有手机号"),
        ("large.csv", &large, "最多 4 MB"),
    ];
    for (name, content, why) in cases {
        let page = upload(&operator, name, content).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}: {}", page.text);
        assert!(page.one("#errors").contains(why), "{name}: {}", page.one("#errors"));
        assert_eq!(page.attr("#errors a", "href"), "#list", "{name}");
    }
    assert_eq!(suppressed(&db).await, Vec::<String>::new());
    assert_eq!(number(&db, "select count(*) from suppression_imports").await, 0);
}

#[sqlx::test]
async fn phones_typed_beside_a_file_wait_with_it(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let mut fields = operator.get(LIST).await.whole_form("main form.form");
    for (name, value) in &mut fields {
        match name.as_str() {
            "phones" => "18500004109\n18500004100".clone_into(value),
            "reason" => "complaint".clone_into(value),
            "note" => "电话投诉".clone_into(value),
            _ => {}
        }
    }
    let answer = operator.upload(LIST, &fields, &[("list", "a.csv", UNREADABLE)]).await;
    let path = answer.leads_to();
    let page = operator.get(&path).await;
    assert_eq!((page.one("#new"), page.one("#duplicates")), ("2".to_owned(), "1".to_owned()));
    add_good(&operator, &path).await;
    assert_eq!(suppressed(&db).await, ["18500004100", "18500004109"]);
    let row = operator.get(LIST).await.one("tbody tr");
    assert!(row.contains("投诉") && row.contains("电话投诉"), "{row}");
    // Known phones are counted as such.
    let page = operator.get(&waiting(&operator, "a.csv", UNREADABLE).await).await;
    assert_eq!((page.one("#new"), page.one("#there")), ("0".to_owned(), "1".to_owned()));
    assert!(!page.has("form#add"));
}

#[sqlx::test]
async fn only_who_may_send_sees_a_file_that_waits_and_it_is_deleted_after_a_day(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let viewer = console.viewer().await;
    let path = waiting(&operator, "a.csv", UNREADABLE).await;
    for language in ["zh-CN", "en"] {
        let question = waiting(&operator, "b.csv", b"a,b\n18500004101,18500004102\n").await;
        for path in [&path, &question] {
            let page = operator.get_in(language, path).await;
            assert_eq!(page.status, StatusCode::OK);
            assert_eq!((page.attr("html", "lang"), page.all("h1").len()), (language.to_owned(), 1));
            assert!(!page.text.contains("suppression-"), "{}", page.text);
        }
    }
    let csrf = viewer.get(LIST).await.csrf();
    for part in ["", "/rejected.csv"] {
        assert_eq!(viewer.get(&format!("{path}{part}")).await.status, StatusCode::FORBIDDEN);
    }
    for part in ["", "/discard"] {
        let answer = viewer.post(&format!("{path}{part}"), &[("csrf", &csrf)]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
    }
    assert!(!viewer.get(LIST).await.has("#waiting"));
    let answer = operator.post(&path, &[("csrf", "wrong")]).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    for id in ["i-0000000000001", "x-1", "i-zzz"] {
        let gone = operator.get(&format!("{LIST}/imports/{id}")).await;
        assert_eq!(gone.status, StatusCode::NOT_FOUND, "{id}");
    }
    assert_eq!(suppressed(&db).await, Vec::<String>::new());
    assert_eq!(console.member("admin", Role::Admin).await.get(&path).await.status, StatusCode::OK);

    assert_eq!(import::delete_old(&console.app).await.unwrap(), 0);
    let day = "update suppression_imports set id = id - ((86400001)::bigint << 22)";
    sqlx::query(day).execute(&db).await.unwrap();
    assert_eq!(import::delete_old(&console.app).await.unwrap(), 3);
    assert_eq!(operator.get(&path).await.status, StatusCode::NOT_FOUND);
}
