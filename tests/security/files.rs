//! Files that people upload: whatever they hold, they cost the console little memory and no life.

mod bombs;
mod process;
mod readers;

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use sqlx::PgPool;
use usms_console::domain::accounts::role::Role;

use crate::harness::{CODE, Page, TestClient, TestConsole, TestOptions, eventually, until};
use bombs::{Book, Content, OldSheet, ROW, Zip, old_book};
use process::Serve;

const LIST: &str = "/p/default/suppressions";

/// What the page says of a file that is too large, damaged, or whose reader was ended.
const SENTENCES: [&str; 5] =
    ["解压后超出合理大小", "无法打开", "内存或时间超出限制", "没有可读取的行", "超过 500 列"];

/// Files of which each would take more than is allowed if it were laid out.
fn bombs() -> Vec<(&'static str, Vec<u8>)> {
    let corner = OldSheet {
        declared: (65_535, 255),
        cells: vec![(0, 0), (65_535, 255)],
        ..OldSheet::default()
    };
    let undeclared = OldSheet { declared: (0, 0), ..corner.clone() };
    let declared =
        OldSheet { declared: (u32::MAX - 1, 255), cells: vec![(0, 0)], ..OldSheet::default() };
    let one_text = OldSheet {
        declared: (9, 255),
        texts: (0..10).flat_map(|row| (0..255).map(move |column| (row, column))).collect(),
        ..OldSheet::default()
    };
    let many_strings = |name| Book {
        strings_name: name,
        strings: Content { before: "<sst>", unit: "<si/>", bytes: 24 << 20, after: "</sst>" },
        ..Book::default()
    };
    let long_strings = format!("<si><t>{}</t></si>", "x".repeat(30_000));
    let deep = "<a>".repeat(1 << 16);
    vec![
        ("corner.xls", old_book(std::slice::from_ref(&corner), "")),
        ("corners.xls", old_book(&vec![corner; 12], "")),
        ("undeclared.xls", old_book(&vec![undeclared; 12], "")),
        ("declared.xls", old_book(&[declared], "")),
        ("text.xls", old_book(&vec![one_text; 16], &"x".repeat(8_000))),
        ("strings.xlsx", many_strings("xl/sharedStrings.xml").bytes()),
        ("capital.xlsx", many_strings("xl/SharedStrings.xml").bytes()),
        (
            "long.xlsx",
            Book {
                strings: Content {
                    before: "<sst>",
                    unit: &long_strings,
                    bytes: 56 << 20,
                    after: "</sst>",
                },
                ..Book::default()
            }
            .bytes(),
        ),
        (
            "unclosed.xlsx",
            Book {
                sheet: Content {
                    before: "<worksheet><sheetData><row><c t=\"str\"><v>",
                    unit: "x",
                    bytes: 4 << 20,
                    after: "",
                },
                ..Book::default()
            }
            .bytes(),
        ),
        (
            "deep.xlsx",
            Book {
                sheet: Content { before: &deep, unit: "<a>", bytes: 3 << 20, after: "" },
                ..Book::default()
            }
            .bytes(),
        ),
        ("sheets.xlsx", Book { sheets: 60_000, ..Book::default() }.bytes()),
        (
            "styles.xlsx",
            Book {
                styles: Content {
                    before: "<styleSheet><cellXfs>",
                    unit: "<xf numFmtId=\"14\"/>",
                    bytes: 2 << 20,
                    after: "</cellXfs></styleSheet>",
                },
                ..Book::default()
            }
            .bytes(),
        ),
        (
            "larger.xlsx",
            Book {
                more: ["a", "b", "c", "d", "e", "f", "g", "h"]
                    .map(|name| {
                        (name, Content { before: "", unit: "a", bytes: 150 << 20, after: "" })
                    })
                    .into(),
                ..Book::default()
            }
            .bytes(),
        ),
        ("entries.xlsx", {
            let mut zip = Zip::default();
            for n in 0..60_000 {
                zip.put(&format!("xl/worksheets/{n:x}"), 0, b"", 0, 0);
            }
            zip.finish()
        }),
        ("deflate64.xlsx", {
            let mut zip = Zip::default();
            zip.put("_rels/.rels", 9, b"\x03\x00", 0, 1 << 30);
            zip.finish()
        }),
        (
            "twice.xlsx",
            Book {
                more: vec![("XL/Worksheets/Sheet1.xml", Content::plain("<a/>"))],
                ..Book::default()
            }
            .bytes(),
        ),
        ("quote.csv", [b"18500004101,\"".to_vec(), vec![b'x'; 19 << 20]].concat()),
        ("line.csv", vec![b'x'; 19 << 20]),
        ("columns.csv", vec![b','; 1_000_000].into_iter().chain(*b"18500004101\n").collect()),
    ]
}

/// Files of odd shapes that are no harm: they are read.
fn oddities() -> Vec<(&'static str, Vec<u8>)> {
    let rows = |before, after| Book {
        sheet: Content { before, unit: ROW, bytes: ROW.len(), after },
        ..Book::default()
    };
    vec![
        (
            "dimension.xlsx",
            rows(
                "<worksheet><dimension ref=\"A1:XFD1048576\"/><sheetData>",
                "</sheetData><mergeCells><mergeCell ref=\"A1:XFD1048576\"/></mergeCells></worksheet>",
            )
            .bytes(),
        ),
        (
            "doctype.xlsx",
            rows(
                "<!DOCTYPE a [<!ENTITY b \"bbbbbbbb\"><!ENTITY c \"&b;&b;&b;&b;\">]>\
                 <worksheet><sheetData><row><c t=\"str\"><v>&c;</v></c></row>",
                "</sheetData></worksheet>",
            )
            .bytes(),
        ),
        (
            "nested.xlsx",
            Book { more: vec![("a.xlsx", Content::plain("PK\u{3}\u{4}"))], ..Book::default() }.bytes(),
        ),
        ("good.xls", old_book(&[OldSheet { declared: (0, 0), cells: vec![(0, 0)], ..OldSheet::default() }], "")),
        ("good.csv", b"18500004101\n".to_vec()),
    ]
}

/// Returns what the preview of a file says is wrong with it.
async fn wrong_with(operator: &TestClient, name: &str, content: &[u8]) -> String {
    let preview = operator.upload_list(CODE, name, content).await;
    let page = operator.get(&preview).await;
    let what = if page.has("#errors h2") { page.one("#errors h2") } else { String::new() };
    let discard = [("csrf", page.csrf())];
    let fields: Vec<(&str, &str)> = discard.iter().map(|(k, v)| (*k, v.as_str())).collect();
    operator.post(&preview.replace("/preview", "/discard"), &fields).await;
    what
}

/// Returns the fields of the form for a recipient list.
fn list_fields(form: &Page) -> Vec<(String, String)> {
    let mut fields = form.whole_form("form[data-upload]");
    fields.retain(|(name, _)| name != "template");
    fields.push(("template".to_owned(), form.option_containing("#template option", CODE)));
    fields
}

/// Uploads a file of phones to suppress.
async fn opt_out(client: &TestClient, name: &str, content: &[u8]) -> Page {
    let fields = client.get(LIST).await.whole_form("main form.form");
    client.upload(LIST, &fields, &[("list", name, content)]).await
}

/// Starts a console in a process of its own. Returns it and somebody who may upload files to it.
async fn serve(db: &PgPool) -> (TestConsole, Serve, TestClient) {
    let options = TestOptions { workers: false, ..TestOptions::default() };
    let console = TestConsole::start_with(db, options).await;
    let signed_in = console.operator().await;
    let serve = Serve::start(db, &console).await;
    let operator = signed_in.at(serve.url.clone());
    operator.until_up().await;
    (console, serve, operator)
}

#[sqlx::test]
async fn console_and_readers_together_stay_small_whatever_is_uploaded(db: PgPool) {
    let (_console, serve, operator) = serve(&db).await;
    for (name, content) in bombs() {
        let what = wrong_with(&operator, name, &content).await;
        assert!(SENTENCES.iter().any(|sentence| what.contains(sentence)), "{name}: {what:?}");
        assert!(serve.peak().megabytes < 256, "{name}: {:?}", serve.peak());
    }
    let of_each_kind = ["corners.xls", "text.xls", "long.xlsx", "entries.xlsx", "line.csv"];
    for (name, content) in bombs().into_iter().filter(|(name, _)| of_each_kind.contains(name)) {
        let refused = opt_out(&operator, name, &content).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}: {}", refused.text);
    }
    let peak = serve.peak();
    assert!(peak.megabytes < 256, "{peak:?}");
    assert!(peak.readers > 0, "files are read in a process of their own");
    assert_eq!(peak.environment, Vec::<String>::new(), "a reader knows no secret");
    assert_eq!(operator.get(LIST).await.status, StatusCode::OK);
}

#[sqlx::test]
async fn many_files_at_once_are_read_one_after_another_and_pages_answer_meanwhile(db: PgPool) {
    let (_console, serve, operator) = serve(&db).await;
    let rows = Book {
        sheet: Content {
            before: "<worksheet><sheetData>",
            unit: "<row/>",
            bytes: 1 << 20,
            after: "</sheetData></worksheet>",
        },
        ..Book::default()
    }
    .bytes();
    let fields = operator.get(LIST).await.whole_form("main form.form");
    let files = [("list", "rows.xlsx", rows.as_slice())];
    let uploads =
        futures_util::future::join_all((0..8).map(|_| operator.upload(LIST, &fields, &files)));
    let probes = async {
        let mut longest = Duration::ZERO;
        for _ in 0..20 {
            let asked = Instant::now();
            assert_eq!(operator.get("/healthz").await.status, StatusCode::OK);
            longest = longest.max(asked.elapsed());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        longest
    };
    let (refused, longest) = tokio::join!(uploads, probes);
    for page in refused {
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", page.text);
    }
    let peak = serve.peak();
    assert!(peak.readers <= 2, "{peak:?}");
    assert!(peak.megabytes < 256, "{peak:?}");
    assert!(longest < Duration::from_secs(2), "{longest:?}");
}

#[sqlx::test]
async fn a_reader_is_limited_and_ends_with_its_console(db: PgPool) {
    let (_console, mut serve, operator) = serve(&db).await;
    let form = operator.get("/p/default/batches/new").await;
    let fields = list_fields(&form);
    let rows = "18500004101,1234,5\n".repeat(500_000);
    let files = [("recipients", "a.csv", rows.as_bytes())];
    let answer = operator.upload("/p/default/batches/new", &fields, &files).await;
    assert!(answer.status.is_redirection(), "{}", answer.text);
    let reader = eventually(async || serve.readers().into_iter().next()).await.unwrap();
    let limits = eventually(async || {
        let limits = process::limits(reader);
        limits.get("Max file size").is_some_and(|most| *most == 0).then_some(limits)
    });
    let limits = limits.await.unwrap();
    assert!(limits["Max data size"] <= 128 << 20, "{limits:?}");
    assert!(limits["Max cpu time"] <= 60 && limits["Max open files"] <= 16, "{limits:?}");
    serve.process.kill().await.unwrap();
    until("the reader has ended", async || !process::is_alive(reader)).await;
}

#[sqlx::test]
async fn files_of_odd_shapes_are_read(db: PgPool) {
    let console = TestConsole::start(&db).await;
    console.add_notice_template().await;
    let operator = console.operator().await;
    for (name, content) in oddities() {
        let preview = operator.upload_list(CODE, name, &content).await;
        let page = operator.get(&preview).await;
        assert!(!page.has("#errors h2"), "{name}: {}", page.text);
    }
}

#[sqlx::test]
async fn a_file_whose_reader_died_twice_is_not_read_again_until_a_person_asks(db: PgPool) {
    let console =
        TestConsole::start_with(&db, TestOptions { workers: false, ..TestOptions::default() })
            .await;
    let operator = console.operator().await;
    let fields = list_fields(&operator.get("/p/default/batches/new").await);
    let files = [("recipients", "a.csv", b"18500004101,1234,5\n".as_slice())];
    let answer = operator.upload("/p/default/batches/new", &fields, &files).await;
    let preview = answer.leads_to();
    let state = async || -> String {
        sqlx::query_scalar("select state::text from uploads").fetch_one(&db).await.unwrap()
    };
    let dies = "update uploads set state = 'reading', turn = turn + 1,
                  lease_until = now() - interval '1 minute'";
    for _ in 0..2 {
        sqlx::query(dies).execute(&db).await.unwrap();
    }
    while usms_console::ops::sending::uploads::import::run_once(&console.app).await.unwrap() {}
    assert_eq!(state().await, "unreadable");
    let page = operator.get(&preview).await;
    assert!(page.one("#errors h2").contains("内存或时间超出限制"), "{}", page.text);
    // A person may have it read with other options: then it counts from the beginning.
    sqlx::query("update uploads set state = 'waiting', turn_asked = turn")
        .execute(&db)
        .await
        .unwrap();
    sqlx::query(dies).execute(&db).await.unwrap();
    while usms_console::ops::sending::uploads::import::run_once(&console.app).await.unwrap() {}
    assert_eq!(state().await, "read");
}

#[sqlx::test]
async fn an_application_file_is_named_by_what_it_is(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let admin = console.member("admin", Role::Admin).await;
    let png = b"\x89PNG\r\n\x1a\n<html><script>alert(1)</script>".as_slice();
    for (name, content, stored) in [
        ("a.html", png, "a.png"),
        ("inv\u{202e}gnp.exe", png, "invgnp.png"),
        ("photo.JPEG", b"\xff\xd8\xff\xe0rest", "photo.JPEG"),
        ("scan", b"%PDF-1.7", "scan.pdf"),
        ("a\u{200b}\u{2066}b\u{feff}.pdf", b"%PDF-1.7", "ab.pdf"),
        ("", png, "file.png"),
        ("营业执照.png.html", png, "营业执照.png"),
        (&"x".repeat(300), png, &format!("{}.png", "x".repeat(116))),
    ] {
        let (project, by) = (console.project, person(&db).await);
        let id =
            usms_console::ops::review::files::store(&console.app, project, by, name, content).await;
        let served = admin.get(&format!("/p/default/files/{}", id.unwrap())).await;
        let header = |name: &str| served.headers[name].to_str().unwrap().to_owned();
        let disposition = header("content-disposition");
        let encoded = disposition.split("UTF-8''").nth(1).unwrap();
        let given = percent_encoding::percent_decode_str(encoded).decode_utf8().unwrap();
        assert_eq!(given, stored, "{name}");
        assert!(disposition.starts_with("attachment"), "{disposition}");
        assert_eq!(header("x-content-type-options"), "nosniff");
    }
}

async fn person(db: &PgPool) -> usms_console::domain::ids::UserId {
    let id: i64 = sqlx::query_scalar("select id from users limit 1").fetch_one(db).await.unwrap();
    usms_console::domain::ids::UserId(id)
}
