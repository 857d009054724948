//! The preview of a list: what it says about a file, and what it keeps of what a person entered.

use reqwest::{Method, StatusCode};
use rust_xlsxwriter::{Format, Workbook};
use sqlx::PgPool;
use usms_console::sandbox::{Seeds, TemplateSeed};

use super::prices::set_price;
use crate::harness::{CODE, NOTICE, TestClient, TestConsole, until};

const CHANGED: &str = "您更改了读取方式，已重新校验，尚未发送。";

async fn notice_console(db: &PgPool) -> (TestConsole, TestClient) {
    let console = TestConsole::start(db).await;
    console.add_notice_template().await;
    let operator = console.operator().await;
    (console, operator)
}

fn saved(fill: impl FnOnce(&mut Workbook)) -> Vec<u8> {
    let mut book = Workbook::new();
    fill(&mut book);
    book.save_to_buffer().unwrap()
}

/// Posts the form that confirms with these columns.
async fn confirm_with(operator: &TestClient, preview: &str, columns: &[&str]) {
    let mut fields = operator.get(preview).await.whole_form("form#yes");
    fields.extend(columns.iter().map(|used| ("column".to_owned(), (*used).to_owned())));
    fields.push(("confirm".to_owned(), "valid".to_owned()));
    let answer = operator.post_owned(&preview.replace("/preview", "/confirm"), &fields).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
}

#[sqlx::test]
async fn that_a_list_was_checked_again_is_said_once_it_has_been_read(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let preview = operator.upload_list(CODE, "a.csv", b"18500000100,5,1234\n").await;
    confirm_with(&operator, &preview, &["phone", "2", "1"]).await;
    // A page of progress is drawn meanwhile, and a script looks at the page in the background.
    look_until_read(&operator, &preview).await;
    set_state(&db, "receiving").await;
    let progress = operator.get(&preview).await;
    assert!(progress.has("[data-watch]") && !progress.has(".flash"), "{}", progress.text);
    set_state(&db, "read").await;
    look_until_read(&operator, &preview).await;
    let page = operator.get(&preview).await;
    assert_eq!(page.one(".notice.flash.doubtful"), CHANGED, "{}", page.text);
    assert!(!operator.get(&preview).await.has(".flash"), "it is said once");
}

async fn set_state(db: &PgPool, state: &str) {
    let update = "update uploads set state = $1::upload_state";
    sqlx::query(update).bind(state).execute(db).await.unwrap();
}

/// Looks at the page as its script does, until the list has been read.
async fn look_until_read(operator: &TestClient, preview: &str) {
    until("the list is read", async || {
        let look = [("x-watch", "1")];
        let page = operator.request(Method::GET, preview, &look, None).await;
        !page.has("[data-watch]")
    })
    .await;
}

#[sqlx::test]
async fn a_wrong_choice_of_a_column_keeps_the_other_choices(db: PgPool) {
    let (_console, operator) = notice_console(&db).await;
    let text = "电话,单号,天数,备注\n18500003100,1234,5,x\n";
    let preview = operator.upload_list(NOTICE, "a.csv", text.as_bytes()).await;
    let mut fields = operator.get(&preview).await.whole_form("form#columns");
    fields.retain(|(name, _)| name != "column" && name != "header");
    fields.extend(["phone", "2", "2", "1"].map(|used| ("column".to_owned(), used.to_owned())));
    let answer = operator.post_owned(&preview, &fields).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.one("#columns-error").contains("同一用途对应了两列"), "{}", answer.text);
    let chosen = answer.whole_form("form#columns");
    let columns: Vec<&str> =
        chosen.iter().filter(|(name, _)| name == "column").map(|(_, used)| used.as_str()).collect();
    assert_eq!(columns, ["phone", "2", "2", "1"]);
    assert!(!answer.has("form#columns [name=header][checked]"));
}

#[sqlx::test]
async fn of_an_empty_sheet_another_can_be_read(db: PgPool) {
    let (_console, operator) = notice_console(&db).await;
    let book = saved(|book| {
        let list = book.add_worksheet().set_name("名单").unwrap();
        list.write_row(0, 0, ["18500003100", "1234", "5"]).unwrap();
        book.add_worksheet().set_name("空白").unwrap();
    });
    let preview = operator.upload_list(NOTICE, "a.xlsx", &book).await;
    let csrf = operator.get(&preview).await.csrf();
    operator.post(&preview, &[("csrf", &csrf), ("sheet", "空白")]).await;
    let page = operator.until_imported(&preview).await;
    assert_eq!(page.one("h1"), "工作表为空");
    assert!(page.has("#errors.doubtful") && !page.text.contains("GBK"), "{}", page.text);
    assert_eq!(page.all("#sheet option"), ["名单（1 行）", "空白（0 行）"]);
    let mut fields = page.whole_form("form#sheets");
    fields.retain(|(name, _)| name != "sheet");
    fields.push(("sheet".to_owned(), "名单".to_owned()));
    operator.post_owned(&preview, &fields).await;
    let page = operator.until_imported(&preview).await;
    assert!(page.one(".bubble").contains("订单号是1234"), "{}", page.text);
}

#[sqlx::test]
async fn a_sheet_whose_rows_are_all_hidden_is_no_damaged_file(db: PgPool) {
    let (_console, operator) = notice_console(&db).await;
    let book = saved(|book| {
        let list = book.add_worksheet();
        list.write_row(0, 0, ["18500003100", "1234", "5"]).unwrap();
        list.set_row_hidden(0).unwrap();
    });
    let preview = operator.upload_list(NOTICE, "a.xlsx", &book).await;
    let page = operator.get(&preview).await;
    assert_eq!(page.one("h1"), "工作表的行均被隐藏");
    assert!(!page.text.contains("无法读取该文件") && page.has("button[name=hidden].act"));
    let quote = "手机号,单号,天数\n18500003100,1234,\"5\n18500003101,1,5\n";
    let preview = operator.upload_list(NOTICE, "a.csv", quote.as_bytes()).await;
    let page = operator.get_in("en", &preview).await;
    assert_eq!(page.one("h1"), "This file can't be read");
    assert!(page.has("#errors.errors") && !page.has("[name=hidden], [name=encoding]"));
    assert_eq!(page.one("#errors p"), "Nothing was sent.");
}

#[sqlx::test]
async fn numbers_that_are_sent_as_stored_can_be_read_as_shown_again(db: PgPool) {
    let (_console, operator) = notice_console(&db).await;
    let book = saved(|book| {
        let list = book.add_worksheet();
        list.write_row(0, 0, ["手机号", "值", "天数"]).unwrap();
        list.write_row(1, 0, ["18500003100", "", "5"]).unwrap();
        let fraction = Format::new().set_num_format("# ?/?");
        list.write_number_with_format(1, 1, 0.25, &fraction).unwrap();
    });
    let preview = operator.upload_list(NOTICE, "a.xlsx", &book).await;
    let ready = "section[aria-labelledby=verdict] tbody td:nth-child(2)";
    let hints = "section[aria-labelledby=verdict] tbody td.text";
    let page = operator.get(&preview).await;
    assert_eq!(page.all(ready), ["0", "1"]);
    assert_eq!(page.all(hints)[1], "无法确定 Excel 如何显示其中的数字");
    let press = async |name: &str| {
        let csrf = operator.get(&preview).await.csrf();
        operator.post(&preview, &[("csrf", &csrf), (name, "1")]).await;
        operator.until_imported(&preview).await
    };
    let page = press("as_stored").await;
    assert_eq!(page.all(ready), ["1"]);
    assert!(page.has("button[name=as_shown][value='1']"), "{}", page.text);
    let page = press("as_shown").await;
    assert_eq!(page.all(ready), ["0", "1"]);
    assert!(!page.has("button[name=as_shown]"));
}

#[sqlx::test]
async fn each_cause_of_an_invalid_value_is_explained(db: PgPool) {
    let (_console, operator) = notice_console(&db).await;
    let hints = "section[aria-labelledby=verdict] tbody td.text";
    let text = "手机号,单号,天数\n18500003100,null,5\n18500003101,【1】,5\n18500003102,#N/A,5\n";
    let preview = operator.upload_list(NOTICE, "a.csv", text.as_bytes()).await;
    let page = operator.get(&preview).await;
    assert_eq!(
        page.all(hints)[1],
        "变量值疑似缺失，例如 null、#N/A：2 行 · 变量含有不可发送的字符：1 行",
        "{}",
        page.text
    );
}

#[sqlx::test]
async fn a_list_of_which_nothing_can_be_sent_says_why_instead_of_asking_when(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let preview = operator.upload_list(CODE, "a.csv", b"1850000010,5,1234\n1850,5,1\n").await;
    let page = operator.get_in("en", &preview).await;
    assert_eq!(page.one("#nothing h3"), "None of the 2 rows can be sent: Invalid phone number");
    assert!(!page.has("#at, #name, #canary, button[name=confirm]"), "{}", page.text);
    assert!(page.has("#nothing a[href$='rejected.csv']"));
    // Its columns can still be changed.
    confirm_with(&operator, &preview, &["phone", "2", "1"]).await;
    operator.until_imported(&preview).await;
}

#[sqlx::test]
async fn hidden_rows_and_sheets_are_counted_in_proper_english(db: PgPool) {
    let (_console, operator) = notice_console(&db).await;
    let book = saved(|book| {
        let list = book.add_worksheet().set_name("A").unwrap();
        list.write_row(0, 0, ["18500003100", "1234", "5"]).unwrap();
        list.write_row(1, 0, ["18500003101", "1234", "5"]).unwrap();
        list.set_row_hidden(1).unwrap();
        book.add_worksheet().set_name("B").unwrap().write(0, 0, "x").unwrap();
    });
    let preview = operator.upload_list(NOTICE, "a.xlsx", &book).await;
    let page = operator.get_in("en", &preview).await;
    assert!(page.text.contains("1 row of the sheet is hidden"), "{}", page.text);
    assert_eq!(page.all("#sheet option"), ["A (2 rows)", "B (1 row)"]);
}

#[sqlx::test]
async fn a_price_that_has_changed_is_told_with_its_new_value(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let preview = operator.upload_list(CODE, "a.csv", b"18500000100,1234,5\n").await;
    let mut fields = operator.get(&preview).await.whole_form("form#yes");
    fields.push(("confirm".to_owned(), "valid".to_owned()));
    set_price(&db, "notice", "", 520).await;
    let answer = operator.post_owned(&preview.replace("/preview", "/confirm"), &fields).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(answer.all("#errors li"), ["单价：现为 ¥0.0520"], "{}", answer.text);
}

#[sqlx::test]
async fn limits_per_phone_number_are_told_by_purpose_before_sending(db: PgPool) {
    let (_console, operator) = notice_console(&db).await;
    for (template, params, about) in [
        (CODE, &["1234", "5"][..], "1 分钟 1 条、1 小时 3 条、1 天 6 条"),
        (CODE, &["1234", "5"][..], "锁定 30 分钟"),
        (NOTICE, &["1", "2"][..], "1 天 5 条（中国电信 2 条）"),
        (NOTICE, &["1", "2"][..], "1 分钟 5 条、1 小时 10 条、1 天 10 条"),
        (NOTICE, &["1", "2"][..], "1 天最多 100 条（相同内容 50 条）"),
        ("新书", &["1"][..], "每月最多 50 条"),
        ("新书", &["1"][..], "08:00–20:00"),
    ] {
        let fields = operator.send_fields(template, params, "18500001234").await;
        let check = operator.post_owned("/p/default/send", &fields).await;
        assert!(check.one("#frequency").contains(about), "{}", check.text);
        let row = format!("18500001234,{}\n", params.join(","));
        let preview = operator.upload_list(template, "a.csv", row.as_bytes()).await;
        let page = operator.until_imported(&preview).await;
        assert!(page.one("#frequency").contains(about), "{}", page.text);
    }
}

#[sqlx::test]
async fn marketing_is_shown_and_counted_with_exactly_one_opt_out(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let marketing = |id: &str, name: &str, text: String| TemplateSeed {
        template_id: id.to_owned(),
        name: name.to_owned(),
        purpose: 3,
        text,
        unsubscribe: "拒收请回复R".to_owned(),
        ..TemplateSeed::default()
    };
    let templates = vec![
        marketing("UTB0001", "已含退订", format!("{}拒收请回复R", "字".repeat(58))),
        marketing("UTB0002", "未含退订", "字".repeat(59)),
        TemplateSeed {
            unsubscribe: String::new(),
            ..marketing("UTB0003", "未填退订", "字".repeat(59))
        },
    ];
    console.sandbox.seed(Seeds { templates, ..Seeds::default() });
    let csrf = operator.get("/p/default/templates").await.csrf();
    let ids = [("csrf", csrf.as_str()), ("ids", "UTB0001\nUTB0002\nUTB0003")];
    operator.post("/p/default/templates/import", &ids).await;
    for (id, name, added, parts) in [
        ("UTB0001", "已含退订", false, "1 条"),
        ("UTB0002", "未含退订", true, "2 条"),
        ("UTB0003", "未填退订", true, "2 条"),
    ] {
        let fields = operator.send_fields(name, &[], "18500001234").await;
        let check = operator.post_owned("/p/default/send", &fields).await;
        assert!(check.one("dl.facts").contains(parts), "{}", check.one("dl.facts"));
        let preview = operator.upload_list(name, "a.csv", "手机号\n18500001234\n".as_bytes()).await;
        let list = operator.until_imported(&preview).await;
        let template = operator.get(&format!("/p/default/templates/{id}")).await;
        for (page, text) in [(&check, ".bubble"), (&list, ".bubble"), (&template, ".big-text")] {
            assert_eq!(page.one(text).matches("拒收请回复R").count(), 1, "{}", page.text);
            assert_eq!(page.has(".opt-out"), added, "{}", page.text);
        }
        // The page where the list is chosen shows the same.
        let choose = operator.get("/p/default/batches/new").await;
        let option = choose.option_containing("#template option", name);
        let new = operator.get(&format!("/p/default/batches/new?template_id={option}")).await;
        let shown = new.one("[data-template-text]");
        assert_eq!(shown.matches("拒收请回复R").count(), 1, "{shown}");
        assert_eq!(new.has(".opt-out"), added, "{}", new.text);
        let chosen = format!("#template option[value='{option}']");
        assert_eq!(new.attr(&chosen, "data-text"), shown);
        assert_eq!(new.attr(&chosen, "data-added").contains("UCloud 可能会在末尾添加"), added);
        if added {
            assert!(check.one(".opt-out").contains("UCloud 可能会在末尾添加"), "{}", check.text);
        }
    }
}

#[sqlx::test]
async fn a_value_that_ends_with_an_opt_out_is_followed_by_no_other(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let operator = console.operator().await;
    let templates = vec![TemplateSeed {
        template_id: "UTB0001".to_owned(),
        name: "活动".to_owned(),
        purpose: 3,
        text: format!("{}：{{1}}", "字".repeat(56)),
        unsubscribe: "拒收请回复R".to_owned(),
        ..TemplateSeed::default()
    }];
    console.sandbox.seed(Seeds { templates, ..Seeds::default() });
    let csrf = operator.get("/p/default/templates").await.csrf();
    let ids = [("csrf", csrf.as_str()), ("ids", "UTB0001")];
    operator.post("/p/default/templates/import", &ids).await;
    for (value, added, parts) in [("新书，回T退订", false, "1 条"), ("新书", true, "2 条")]
    {
        let fields = operator.send_fields("活动", &[value], "18500001234").await;
        for path in ["/p/default/send", "/p/default/send/preview"] {
            let page = operator.post_owned(path, &fields).await;
            assert_eq!(page.one(".bubble").contains("拒收请回复R"), added, "{}", page.text);
            assert_eq!(page.has(".opt-out"), added, "{}", page.text);
        }
        let check = operator.post_owned("/p/default/send", &fields).await;
        assert!(check.one("dl.facts").contains(parts), "{}", check.one("dl.facts"));
        // What is sent is shown as it was checked.
        let form = check.form_fields("confirm");
        let batch = operator.post_owned("/p/default/send", &form).await.leads_to();
        let page = operator.get(&batch).await;
        let message = page.attr("a[href*='/messages/']", "href");
        let page = operator.get(&message).await;
        assert_eq!(page.text.contains("拒收请回复R"), added, "{}", page.text);
    }
    let list = "18500001235,新书，回T退订\n18500001236,新书\n";
    let list = list.replace("新书，回T退订", "\"新书，回T退订\"");
    let preview = operator.upload_list("活动", "a.csv", list.as_bytes()).await;
    let page = operator.until_imported(&preview).await;
    let shown = page.all(".bubble");
    let with = |text: &str| shown.iter().filter(|one| one.contains(text)).count();
    assert_eq!((with("回T退订"), with("拒收请回复R")), (1, 1), "{shown:?}");
    let parts: i32 = sqlx::query_scalar("select (report->>'parts')::int from uploads")
        .fetch_one(&db)
        .await
        .unwrap();
    assert_eq!(parts, 3);
}

#[sqlx::test]
async fn a_draft_whose_template_became_marketing_is_read_again_and_needs_approval(db: PgPool) {
    let console = TestConsole::start(&db).await;
    console.add_notice_template().await;
    let operator = console.operator().await;
    let list = "18500001234,书,5\n".as_bytes();
    let preview = operator.upload_list(NOTICE, "a.csv", list).await;
    // The text ends with an opt-out, so that it stays the same.
    let ends = "update sms_templates set text = text || '，拒收请回复R' where name = $1";
    sqlx::query(ends).bind(NOTICE).execute(&db).await.unwrap();
    let back = operator.confirm_list(&preview, &[]).await;
    assert!(back.starts_with(&preview), "{back}");
    operator.until_imported(&preview).await;
    let marketing = "update sms_templates set purpose = 'marketing' where name = $1";
    sqlx::query(marketing).bind(NOTICE).execute(&db).await.unwrap();
    let back = operator.confirm_list(&preview, &[]).await;
    assert!(back.starts_with(&preview), "{back}");
    operator.until_imported(&preview).await;
    let batch = operator.confirm_list(&preview, &[]).await;
    assert_eq!(operator.get(&batch).await.one(".head .status"), "待审批");
}
