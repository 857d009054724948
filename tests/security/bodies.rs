//! Request bodies: packed, endless, slow, and many at once.

use std::io::Write;
use std::net::SocketAddr;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use reqwest::{Method, StatusCode};
use sqlx::PgPool;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use usms_console::web;

use super::process::{Process, connect_from, exchange, free_address};
use crate::harness::{PASSWORD, TestConsole, http};

/// More bodies of one client than may be incomplete at once.
const MANY: usize = 40;

fn zeros_packed(megabytes: usize) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..megabytes {
        packed.write_all(&vec![0; 1 << 20]).unwrap();
    }
    packed.finish().unwrap()
}

#[sqlx::test]
async fn a_packed_form_is_refused_without_being_unpacked(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let process = Process::start(&db, &console, &[], 0).await;
    let before = process.most_memory();
    let bomb = zeros_packed(200);
    for path in ["/login", "/language", "/logout", "/p/default/send", "/p/default/batches/new"] {
        for kind in ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
            let request = http()
                .post(format!("http://{}{path}", process.address))
                .header("content-type", kind)
                .header("content-encoding", "gzip")
                .body(bomb.clone());
            let response = request.send().await.unwrap();
            assert_eq!(response.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE, "{path} {kind}");
        }
    }
    let grown = process.most_memory() - before;
    assert!(grown < 40, "grown by {grown} MiB");
}

#[sqlx::test]
async fn any_coding_of_a_form_is_refused_but_identity(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let client = console.signed_out();
    for (coding, is_read) in [
        ("identity", true),
        ("Identity", true),
        ("GZIP", false),
        ("deflate", false),
        ("br", false),
        ("zstd", false),
        ("identity, gzip", false),
        ("x-gzip", false),
    ] {
        let headers = [("content-encoding", coding), ("sec-fetch-site", "same-origin")];
        let fields = [("username", "nobody"), ("password", "x")];
        let page = client.request(Method::POST, "/login", &headers, Some(&fields)).await;
        assert_eq!(page.status != StatusCode::UNSUPPORTED_MEDIA_TYPE, is_read, "{coding}");
        assert!(page.status.is_client_error(), "{coding}: {}", page.status);
    }
}

#[sqlx::test]
async fn a_form_larger_than_any_is_refused_with_or_without_a_length(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let post = |body: String| {
        http()
            .post(format!("http://{}/login", console.address))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body)
            .send()
    };
    let many = format!("csrf=x{}", "&a=".repeat(20_000));
    assert_eq!(post(many).await.unwrap().status(), StatusCode::PAYLOAD_TOO_LARGE);
    let large = "a".repeat(3 << 20);
    for length in [format!("Content-Length: {}", large.len()), CHUNKED.to_owned()] {
        let head =
            format!("POST /login HTTP/1.1\r\nHost: x\r\n{length}\r\nContent-Type: {FORM}\r\n\r\n");
        let body = if length == CHUNKED { in_chunks(&large) } else { large.clone() };
        let answer = answer_while_sending(console.address, head + &body).await;
        assert!(answer.starts_with("HTTP/1.1 413"), "{length}: {answer}");
    }
}

const FORM: &str = "application/x-www-form-urlencoded";
const CHUNKED: &str = "Transfer-Encoding: chunked";

/// Returns a body in chunks, without the one that ends it.
fn in_chunks(body: &str) -> String {
    let chunks = body.as_bytes().chunks(64 << 10).map(String::from_utf8_lossy);
    chunks.map(|chunk| format!("{:x}\r\n{chunk}\r\n", chunk.len())).collect()
}

/// Returns the beginning of the answer that comes while a request is being sent.
async fn answer_while_sending(address: SocketAddr, request: String) -> String {
    let (mut from, mut to) = TcpStream::connect(address).await.unwrap().into_split();
    let sending = tokio::spawn(async move {
        // The server may close the connection before all is sent.
        let _ = to.write_all(request.as_bytes()).await;
        to
    });
    let mut answer = vec![0; 4 << 10];
    let read = tokio::time::timeout(Duration::from_secs(60), from.read(&mut answer)).await;
    let length = read.expect("answers").unwrap_or(0);
    sending.abort();
    String::from_utf8_lossy(&answer[..length]).into_owned()
}

#[sqlx::test]
async fn a_body_in_chunks_that_never_ends_is_answered_and_its_connection_closed(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let coded = "Content-Encoding: gzip\r\n";
    for (path, headers, status) in [
        ("/login", coded, 415),
        ("/nothing", "", 404),
        ("/hooks/wrong", "", 404),
        ("/hooks/wrong", coded, 404),
        ("//hooks/wrong", "", 404),
        ("/healthz", "", 404),
    ] {
        let connection = TcpStream::connect(console.address).await.unwrap();
        let (mut from, mut to) = connection.into_split();
        let head =
            format!("POST {path} HTTP/1.1\r\nHost: x\r\n{CHUNKED}\r\n{headers}\r\n1\r\na\r\n");
        to.write_all(head.as_bytes()).await.unwrap();
        let sending = tokio::spawn(async move {
            while to.write_all(b"1\r\na\r\n").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        });
        let mut answer = Vec::new();
        let closed = from.read_to_end(&mut answer);
        let closed = tokio::time::timeout(Duration::from_secs(45), closed).await;
        assert!(closed.is_ok(), "{path} holds its connection");
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{path}: {answer}");
        sending.await.unwrap();
    }
}

/// Begins a form at `address` and sends its first byte.
async fn begin_form(from: [u8; 4], address: SocketAddr) -> TcpStream {
    let mut connection = connect_from(from, address).await;
    let head = "POST /login HTTP/1.1\r\nHost: x\r\nContent-Type: \
                application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\na";
    connection.write_all(head.as_bytes()).await.unwrap();
    connection
}

async fn rest_of(connection: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let _ = connection.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[sqlx::test]
async fn a_body_that_does_not_arrive_is_given_up_and_others_are_served_meanwhile(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let mut slow = Vec::new();
    for _ in 0..MANY {
        slow.push(begin_form([127, 0, 0, 2], console.address).await);
    }
    let mut answers = tokio::task::JoinSet::new();
    for mut connection in slow {
        answers.spawn(async move { rest_of(&mut connection).await });
    }
    // Those beyond what one client may have are refused at once; others still sign in.
    for _ in 0..MANY - web::http::limits::bodies::MAX_INCOMPLETE {
        let answer = answers.join_next().await.unwrap().unwrap();
        assert!(answer.starts_with("HTTP/1.1 429"), "{answer}");
        assert!(answer.to_lowercase().contains("retry-after: "), "{answer}");
    }
    let operator = console.operator().await;
    assert_eq!(operator.get("/p/default/").await.status, StatusCode::OK);
    while let Some(answer) = answers.join_next().await {
        let answer = answer.unwrap();
        assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    }
}

#[sqlx::test]
async fn a_body_that_no_handler_reads_does_not_hold_the_connection(db: PgPool) {
    let console = TestConsole::start(&db).await;
    for path in ["/nothing", "/static/x/y", "/p/default/send", "/healthz"] {
        let connection = TcpStream::connect(console.address).await.unwrap();
        let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\na");
        let closed =
            tokio::time::timeout(Duration::from_secs(60), exchange(connection, head.as_bytes()));
        let answer = closed.await.expect("closes the connection");
        assert!(answer.starts_with("HTTP/1.1 "), "{path}: {answer}");
    }
}

#[sqlx::test]
async fn one_address_cannot_use_up_the_connections_of_all(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let process = Process::start(&db, &console, &[], 600).await;
    let mut held = Vec::new();
    for _ in 0..700 {
        let Ok(connection) = tokio::time::timeout(
            Duration::from_secs(1),
            connect_from([127, 0, 0, 2], process.address),
        )
        .await
        else {
            break;
        };
        held.push(connection);
    }
    let request = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let others = connect_from([127, 0, 0, 3], process.address).await;
    let answer = tokio::time::timeout(Duration::from_secs(4), exchange(others, request)).await;
    assert!(answer.unwrap().starts_with("HTTP/1.1 200"));
}

#[sqlx::test]
async fn pushes_have_an_address_and_a_thread_of_their_own_if_wanted(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let hooks = free_address();
    let variables = [("CONSOLE_HOOKS_LISTEN", hooks.to_string())];
    let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
    let process = Process::start(&db, &console, &variables, 0).await;
    let push = |address: SocketAddr| {
        let url = format!("http://{address}{}", console.hook_path);
        http().post(url).body(r#"{"MsgType":2,"Data":[]}"#).send()
    };
    assert_eq!(push(hooks).await.unwrap().status(), StatusCode::OK);
    assert_eq!(push(process.address).await.unwrap().status(), StatusCode::OK);
    let status = |path: &str| http().get(format!("http://{hooks}{path}")).send();
    assert_eq!(status("/healthz").await.unwrap().status(), StatusCode::OK);
    for path in ["/login", "/metrics", "/p/default/"] {
        assert_eq!(status(path).await.unwrap().status(), StatusCode::NOT_FOUND, "{path}");
    }
    let client = process.client();
    console.account("mei", usms_console::domain::accounts::role::Role::Operator).await;
    let landed = client.sign_in("mei", PASSWORD, "/").await;
    assert_eq!(landed.status, StatusCode::SEE_OTHER);
}
