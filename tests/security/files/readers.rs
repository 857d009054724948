//! Readers that are ended, cannot begin, or are not wanted any more; and many people who want one.

use std::io::Write;
use std::process::{Command, Stdio};

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use usms_console::domain::limits::{MAX_LISTS, MAX_LISTS_OF_PERSON};

use super::process::{ask_to_end, group, is_alive};
use super::*;
use crate::process::Process;

/// Uploads a list that takes a while to be read. Returns its preview.
async fn long_list(operator: &TestClient) -> String {
    let fields = list_fields(&operator.get("/p/default/batches/new").await);
    let rows = "18500004101,1234,5\n".repeat(500_000);
    let files = [("recipients", "a.csv", rows.as_bytes())];
    let answer = operator.upload("/p/default/batches/new", &fields, &files).await;
    assert!(answer.status.is_redirection(), "{}", answer.text);
    answer.leads_to()
}

/// Returns a spreadsheet that takes a while to be read, and has no phones.
fn long_book(megabytes: usize) -> Vec<u8> {
    let rows = Content {
        before: "<worksheet><sheetData>",
        unit: "<row/>",
        bytes: megabytes << 20,
        after: "</sheetData></worksheet>",
    };
    Book { sheet: rows, ..Book::default() }.bytes()
}

async fn reader_of(serve: &Serve) -> u32 {
    eventually(async || serve.readers().into_iter().next()).await.expect("a reader")
}

/// Returns the state of the only upload, and how many readers have died of it.
async fn upload_state(db: &PgPool) -> (String, i32) {
    let sql = "select state::text, case when state = 'reading' then turn - turn_asked - 1
        else turn - turn_asked end from uploads";
    sqlx::query_as(sql).fetch_one(db).await.unwrap()
}

#[sqlx::test]
async fn a_reader_that_was_asked_to_end_is_not_counted_as_one_that_died(db: PgPool) {
    let (_console, serve, operator) = serve(&db).await;
    long_list(&operator).await;
    for _ in 0..2 {
        let reader = reader_of(&serve).await;
        ask_to_end(reader);
        until("the reader has ended", async || !is_alive(reader)).await;
    }
    until("the file is read all the same", async || upload_state(&db).await.0 == "read").await;
}

#[sqlx::test]
async fn a_console_that_stops_gives_the_file_back_that_it_reads(db: PgPool) {
    let (_console, mut serve, operator) = serve(&db).await;
    long_list(&operator).await;
    let reader = reader_of(&serve).await;
    let console = serve.process.id().unwrap();
    assert_ne!(group(reader), group(console), "Ctrl-C is for the console alone");
    ask_to_end(reader);
    ask_to_end(console);
    serve.process.wait().await.unwrap();
    assert!(!is_alive(reader));
    assert_eq!(upload_state(&db).await, ("waiting".to_owned(), 0));
}

#[sqlx::test]
async fn a_file_that_the_console_cannot_read_for_now_is_not_called_broken(db: PgPool) {
    let options = TestOptions { workers: false, ..TestOptions::default() };
    let console = TestConsole::start_with(&db, options).await;
    let signed_in = console.operator().await;
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    // Spreadsheets need a temporary file.
    let variables = [("TMPDIR", missing.to_str().unwrap())];
    let serve = Serve::start_with(&db, &console, &variables).await;
    let operator = signed_in.at(serve.url.clone());
    operator.until_up().await;
    let book = Book::default().bytes();
    let refused = opt_out(&operator, "a.xlsx", &book).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.headers.contains_key("retry-after"));
    assert!(refused.one("#errors h2").contains("您的文件没有问题"), "{}", refused.text);
    let fields = list_fields(&operator.get("/p/default/batches/new").await);
    let files = [("recipients", "a.xlsx", book.as_slice())];
    let answer = operator.upload("/p/default/batches/new", &fields, &files).await;
    assert!(answer.status.is_redirection(), "{}", answer.text);
    until("it was tried in vain", async || {
        let tried = "select turn > 0 and state = 'waiting' from uploads";
        sqlx::query_scalar(tried).fetch_one(&db).await.unwrap()
    })
    .await;
    assert_eq!(upload_state(&db).await, ("waiting".to_owned(), 0));
    std::fs::create_dir(&missing).unwrap();
    until("the file is read later", async || upload_state(&db).await.0 == "read").await;
}

#[test]
fn a_reader_keeps_to_lower_limits_that_it_cannot_raise() {
    let task = r#"{"text":{"encoding":"utf-8","delimiter":"comma"}}"#;
    let script = r#"ulimit -t 30 && exec "$0" read-file "$1""#;
    let mut reader = Command::new("setpriv")
        .args(["--bounding-set", "-sys_resource", "sh", "-c", script])
        .args([env!("CARGO_BIN_EXE_usms-console"), task])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    reader.stdin.take().unwrap().write_all(b"18500004101\n").unwrap();
    let done = reader.wait_with_output().unwrap();
    assert!(done.status.success(), "{:?}", done.status);
    assert!(String::from_utf8_lossy(&done.stdout).contains("18500004101"));
}

#[sqlx::test]
async fn the_last_words_of_a_reader_are_logged_without_values_of_its_file(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let process = Process::start(&db, &console, &[], 0).await;
    let operator = console.operator().await.at(process.client_url());
    for (name, content) in bombs() {
        opt_out(&operator, name, &content).await;
    }
    let log = process.log();
    let died: Vec<&str> = log.lines().filter(|line| line.contains("reader of a file")).collect();
    assert!(died.iter().any(|line| line.contains("memory allocation of")), "{died:#?}");
    assert!(!died.iter().any(|line| line.contains("18500004101")), "{died:#?}");
}

#[sqlx::test]
async fn lists_beyond_those_that_may_wait_are_refused_and_lose_nothing(db: PgPool) {
    let (_console, serve, operator) = serve(&db).await;
    let approver = _console.approver().await.at(serve.url.clone());
    let book = long_book(4);
    let mut fields = operator.get(LIST).await.whole_form("main form.form");
    fields.retain(|(name, _)| name != "phones");
    fields.push(("phones".to_owned(), "18500004199".to_owned()));
    let files = [("list", "rows.xlsx", book.as_slice())];
    let many = (0..MAX_LISTS_OF_PERSON + 4).map(|_| operator.upload(LIST, &fields, &files));
    let another = async {
        until("somebody reads", async || !serve.readers().is_empty()).await;
        opt_out(&approver, "rows.csv", b"18500004101\n").await
    };
    let (answers, another) = tokio::join!(futures_util::future::join_all(many), another);
    assert_eq!(another.status, StatusCode::SEE_OTHER, "others have places left");
    let of = |status| answers.iter().filter(|page| page.status == status).count();
    let refused = of(StatusCode::TOO_MANY_REQUESTS);
    assert!((1..=4).contains(&refused), "{refused}");
    assert_eq!(of(StatusCode::UNPROCESSABLE_ENTITY), answers.len() - refused);
    let busy = answers.iter().find(|page| page.status == StatusCode::TOO_MANY_REQUESTS).unwrap();
    assert!(busy.headers.contains_key("retry-after"));
    assert!(busy.one("#errors h2").contains("此文件尚未读取"), "{}", busy.text);
    assert!(busy.text.contains("18500004199"), "what was typed is kept");
    assert!(serve.peak().megabytes < 256, "{:?}", serve.peak());
    const { assert!(MAX_LISTS > MAX_LISTS_OF_PERSON) };
    let later = opt_out(&operator, "good.csv", b"18500004102\n").await;
    assert_eq!(later.status, StatusCode::SEE_OTHER, "the places are free again");
}

/// Sends a GET request of `client` and returns the connection.
async fn begin(serve: &Serve, client: &TestClient, path: &str) -> TcpStream {
    let request = client.request_to(path).build().unwrap();
    let cookies = request.headers()["cookie"].to_str().unwrap();
    let address = serve.url.trim_start_matches("http://");
    let mut connection = TcpStream::connect(address).await.unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nCookie: {cookies}\r\n\r\n");
    connection.write_all(head.as_bytes()).await.unwrap();
    connection
}

#[sqlx::test]
async fn a_list_is_not_read_on_when_its_reader_has_gone(db: PgPool) {
    let (console, serve, operator) = serve(&db).await;
    let id: i64 = sqlx::query_scalar(
        "insert into suppression_imports
           (id, project_id, uploaded_by, file_name, content, typed, reason, note)
         values (new_id(now()), $1, (select max(id) from users), 'a.xlsx', $2, '{}', 'import', '')
         returning id",
    )
    .bind(console.project.0)
    .bind(long_book(400))
    .fetch_one(&db)
    .await
    .unwrap();
    let path = format!("{LIST}/imports/{}", usms_console::domain::ids::SuppressionImportId(id));
    for path in [path.clone(), format!("{path}/rejected.csv")] {
        let connection = begin(&serve, &operator, &path).await;
        let reader = reader_of(&serve).await;
        connection.set_zero_linger().unwrap();
        drop(connection);
        let left = Instant::now();
        until("the reader has ended", async || !is_alive(reader)).await;
        assert!(left.elapsed() < Duration::from_secs(2), "{path}: {:?}", left.elapsed());
    }
}
