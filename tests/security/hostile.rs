//! Every address with values that nobody means well: whatever is sent, no answer is a failure of the
//! console.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use reqwest::Method;
use sqlx::PgPool;
use usms_console::domain::accounts::role::Role;

use super::process::{connect_from, exchange};
use crate::harness::{CODE, TestClient, TestConsole};

/// Values that once were, or could be, too much for a parser, a column or a comparison.
const VALUES: [&str; 24] = [
    "",
    "\0",
    "a\0b",
    "99999999999999999999999999",
    "9223372036854775807",
    "-9223372036854775808",
    "2147483648",
    "-1",
    "1e999",
    "NaN",
    "null",
    "' or '1'='1",
    "{1}{0}{99999999999}",
    "\u{202e}\u{200b}\u{feff}",
    "\u{1f980}\u{301}",
    "\r\n\r\n",
    "0000-00-00",
    "9999999-12-31T99:99",
    "-4713-01-01",
    "-377705116800000000_r-7zzzzzzzzzzzz_",
    "9223372036854775807_m-7zzzzzzzzzzzz_",
    "m-7zzzzzzzzzzzz",
    "../../etc/passwd",
    "javascript:alert(1)",
];

/// Segments in the place of an id.
const SEGMENTS: [&str; 9] = [
    "%00",
    "-1",
    "99999999999999999999",
    "%ff%fe",
    "..%2f..%2f",
    "b-zzzzzzzzzzzzz",
    "%F0%9F%A6%80",
    "'%20or%201=1",
    "7zzzzzzzzzzzz",
];

/// Returns what stands between `start` and the next quotation mark, wherever `start` stands.
fn quoted_after<'a>(text: &'a str, start: &str) -> Vec<&'a str> {
    let rest = text.split(start).skip(1);
    rest.filter_map(|rest| rest.split_once('"')).map(|(inside, _)| inside).collect()
}

/// Returns the lines of the URL table: an address, and its routes.
pub fn url_table() -> Vec<(&'static str, &'static str)> {
    let table = include_str!("../../src/web/routes.rs");
    let starts = [".at(\"", ".only(\""];
    let strip = |line: &'static str| starts.iter().find_map(|start| line.strip_prefix(start));
    let lines = table.lines().filter_map(|line| strip(line.trim()));
    lines
        .map(|line| {
            let (path, routes) = line.split_once('"').unwrap();
            (path, routes.trim_start_matches([',', ' ', '[']))
        })
        .collect()
}

/// Returns every path of the URL table, with `{…}` for what varies.
fn paths() -> Vec<String> {
    let mut paths: BTreeSet<String> = BTreeSet::new();
    for (path, routes) in url_table() {
        let permissions = ["Read", "Send", "Approve", "Manage", "SeePhones"];
        let is_below = permissions.iter().any(|one| routes.contains(&format!("({one},")));
        let is_admin = path.starts_with("/admin/") || path.starts_with("/static/");
        if is_below {
            paths.insert(format!("/p/default{path}"));
        } else if !is_admin {
            paths.insert(path.to_owned());
        }
    }
    paths.insert("/hooks/{secret}".to_owned());
    let count = paths.len();
    assert!(count > 100, "the URL table has moved: {count}");
    paths.into_iter().map(|path| path.replace("{kind:csv|xlsx}", "csv")).collect()
}

/// Returns the names of all fields in all templates, and the parameters of links.
fn fields() -> Vec<String> {
    fn read(folder: &Path, into: &mut String) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                read(&path, into);
            } else {
                into.push_str(&std::fs::read_to_string(path).unwrap());
            }
        }
    }
    let mut text = String::new();
    for folder in ["templates", "src/web"] {
        read(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut text);
    }
    let mut names: BTreeSet<&str> = quoted_after(&text, " name=\"").into_iter().collect();
    names.extend(["before", "after", "order", "span", "from", "to", "by", "show", "seen", "q"]);
    names.extend(["phone", "state", "cause", "session_no", "sent_from", "sent_to", "cursor", "id"]);
    names.remove("csrf");
    // Pushes to the public URL, which leads out of this machine.
    names.remove("test");
    names.into_iter().filter(|name| !name.contains('{')).map(str::to_owned).collect()
}

/// Returns some fields, others for each path, each with one of the values.
fn some<'a>(fields: &'a [String], path: &str) -> Vec<(&'a str, &'static str)> {
    let start = path.bytes().map(usize::from).sum::<usize>();
    let chosen = fields.iter().enumerate().skip(start % 6).step_by(6);
    chosen.map(|(n, name)| (name.as_str(), VALUES[(start + n) % VALUES.len()])).collect()
}

/// Returns a path with `segment` for all that varies.
pub fn with_segment(path: &str, segment: &str) -> String {
    let mut out = String::new();
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('{') {
        let (_, after) = after.split_once('}').unwrap();
        out.push_str(before);
        out.push_str(segment);
        rest = after;
    }
    out + rest
}

async fn admin_with_data(console: &TestConsole) -> (TestClient, Vec<String>) {
    let operator = console.operator().await;
    let batch = operator.send(CODE, &["1", "5"], "18500001234").await;
    let preview = operator.upload_list(CODE, "list.csv", b"phone,1,2\n18500001235,1,2\n").await;
    let id = |path: &str| path.split('/').nth(4).unwrap().to_owned();
    let message: String = console
        .until(&operator, &batch, "a[href*='/messages/m-']")
        .await
        .attr("a[href*='/messages/m-']", "href");
    let ids = vec![id(&batch), id(&preview), id(&message)];
    (console.member("admin", Role::Admin).await, ids)
}

async fn check(client: &TestClient, method: Method, path: &str, body: Option<&[(&str, &str)]>) {
    let headers = [("sec-fetch-site", "same-origin")];
    let page = client.request(method.clone(), path, &headers, body).await;
    let status = page.status.as_u16();
    assert!(status < 500, "{method} {path} {body:?}: {status}\n{}", page.text);
}

#[sqlx::test]
async fn no_address_fails_at_what_stands_in_it(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let (admin, ids) = admin_with_data(&console).await;
    let csrf = admin.get("/account").await.csrf();
    for path in paths() {
        let own: Vec<&str> = ids.iter().map(String::as_str).collect();
        for segment in SEGMENTS.into_iter().chain(own) {
            let path = with_segment(&path, segment);
            if path.ends_with("/events") {
                continue;
            }
            check(&admin, Method::GET, &path, None).await;
            if !path.ends_with("logout") {
                check(&admin, Method::POST, &path, Some(&[("csrf", &csrf)])).await;
            }
            if path == with_segment(&path, "") {
                break;
            }
        }
    }
}

#[sqlx::test]
async fn no_query_makes_a_page_fail(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let (admin, ids) = admin_with_data(&console).await;
    let fields = fields();
    let encode = |name: &str, value: &str| serde_html_form::to_string([(name, value)]).unwrap();
    for path in paths() {
        let path = with_segment(&path, &ids[0]);
        if path.ends_with("/events") {
            continue;
        }
        for value in VALUES {
            let all: Vec<String> = fields.iter().map(|name| encode(name, value)).collect();
            check(&admin, Method::GET, &format!("{path}?{}", all.join("&")), None).await;
        }
        for (name, value) in some(&fields, &path) {
            check(&admin, Method::GET, &format!("{path}?{}", encode(name, value)), None).await;
        }
        for query in ["%", "a=%zz", "=&=&&", "a[]=1&a[]=2", "phone=%ff%fe", "before=1&before=2"] {
            check(&admin, Method::GET, &format!("{path}?{query}"), None).await;
        }
    }
}

#[sqlx::test]
async fn no_form_makes_a_page_fail(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let (admin, ids) = admin_with_data(&console).await;
    let csrf = admin.get("/account").await.csrf();
    let fields = fields();
    let large = "长".repeat(30_000);
    for path in paths() {
        // Wrong push secrets are answered ever later.
        let is_slow = path.starts_with("/hooks/");
        if is_slow || path.ends_with("/logout") || path.ends_with("/login") {
            continue;
        }
        for id in &ids {
            let path = with_segment(&path, id);
            for value in VALUES.into_iter().chain([large.as_str()]) {
                let few = fields.len().min(if value.len() > 1_000 { 6 } else { usize::MAX });
                let mut body: Vec<(&str, &str)> = vec![("csrf", &csrf)];
                body.extend(fields[..few].iter().map(|name| (name.as_str(), value)));
                check(&admin, Method::POST, &path, Some(&body)).await;
            }
            for (name, value) in some(&fields, &path) {
                let body = [("csrf", csrf.as_str()), (name, value), (name, "\0")];
                check(&admin, Method::POST, &path, Some(&body)).await;
            }
            if !path.contains(id.as_str()) {
                break;
            }
        }
    }
}

#[sqlx::test]
async fn no_kind_of_body_makes_a_page_fail(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let (admin, ids) = admin_with_data(&console).await;
    let bodies: [(&str, &[u8]); 9] = [
        ("application/json", b"{\"csrf\":[{}]}"),
        ("application/x-www-form-urlencoded", b"csrf=%ff&a=%"),
        ("application/x-www-form-urlencoded; charset=utf-16", b"\xff\xfec\0s\0"),
        ("multipart/form-data", b"no boundary"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n\r\n--x--"),
        ("multipart/form-data; boundary=x", b"--x\r\n\r\n"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data; name=\"\0\"; filename=\"\xff\"\r\n\r\na\r\n--x--\r\n"),
        ("text/plain", b""),
        ("", b"\0\0\0\0"),
    ];
    for path in paths() {
        let path = with_segment(&path, &ids[0]);
        for (kind, body) in bodies {
            let page = admin.post_body(&path, kind, body).await;
            assert!(page.status.as_u16() < 500, "{path} {kind}: {}\n{}", page.status, page.text);
        }
    }
}

#[sqlx::test]
async fn no_address_unpacks_a_body(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let (admin, ids) = admin_with_data(&console).await;
    let headers = [("sec-fetch-site", "same-origin"), ("content-encoding", "gzip")];
    for path in paths() {
        let path = with_segment(&path, &ids[0]);
        let page = admin.request(Method::POST, &path, &headers, Some(&[("csrf", "x")])).await;
        // UCloud may pack its pushes. They are read when their secret was found to be right.
        let expected = if path.starts_with("/hooks/") { 404 } else { 415 };
        assert_eq!(page.status.as_u16(), expected, "{path}");
    }
}

#[sqlx::test]
async fn no_address_waits_for_a_body_that_does_not_come(db: PgPool) {
    let console = TestConsole::start(&db).await;
    let (admin, ids) = admin_with_data(&console).await;
    let cookie = format!("console_session={}", admin.cookie("console_session").unwrap());
    let mut waiting = tokio::task::JoinSet::new();
    for (n, path) in paths().into_iter().enumerate() {
        let path = with_segment(&path, &ids[0]);
        let kind = if n % 2 == 0 {
            "application/x-www-form-urlencoded"
        } else {
            "multipart/form-data; boundary=x"
        };
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nCookie: {cookie}\r\nSec-Fetch-Site: same-origin\r\n\
             Content-Type: {kind}\r\nContent-Length: 1000\r\n\r\na"
        );
        let (address, from) = (console.address, [127, 0, 8, u8::try_from(n % 200).unwrap() + 1]);
        waiting.spawn(async move {
            let connection = connect_from(from, address).await;
            let answer = exchange(connection, head.as_bytes());
            let answer = tokio::time::timeout(Duration::from_secs(100), answer).await;
            (path, answer.expect("answers and closes the connection"))
        });
    }
    while let Some(answered) = waiting.join_next().await {
        let (path, answer) = answered.unwrap();
        let status: Option<u16> = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
        assert!(status.is_some_and(|status| status < 500), "{path}: {answer}");
    }
}
