//! Benchmarks of batches: a list of a million rows from the upload's last byte to its preview, a
//! spreadsheet of a hundred thousand rows, and a million messages submitted to a sandbox that takes
//! 50 ms to respond. For comparison, a script with the vendor's own SDK does the same.

use std::ops::Range;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rust_xlsxwriter::Workbook;
use serde_json::{Value, json};
use sqlx::PgPool;
use tokio::process::Command;

use super::people::{Person, option_containing, value_of};
use super::processes::{self, Process};
use super::{Table, count};

const NAME: &str = "owner";
const PASSWORD: &str = "a password of measurements";
/// How long the sandbox takes to respond.
const RESPONSE_TIME: Duration = Duration::from_millis(50);
/// The idle time before memory at rest is measured.
const IDLE_TIME: Duration = Duration::from_secs(15);
/// The number of concurrent calls.
const CONCURRENCY: f64 = 8.0;
/// The number of phones in a call.
const PHONES_PER_CALL: f64 = 200.0;

/// The parameters of the benchmark.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The URL of an empty database.
    pub database_url: String,
    /// The number of rows of the list.
    pub rows: usize,
    /// The number of rows of the spreadsheet.
    pub xlsx_rows: usize,
    /// A Python with the vendor's SDK; without one, the script is not run.
    pub python: Option<String>,
    /// The path of the script.
    pub peer: String,
}

/// Runs the benchmark and prints a table.
pub async fn run(plan: &Plan) -> anyhow::Result<()> {
    // Fails if the process has a provider already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut table = Table::default();
    let sandbox = processes::sandbox(&seeds()).await?;
    let started = Instant::now();
    let console = processes::console(&plan.database_url, &sandbox.url).await?;
    table.add("first start, migrations included", seconds(started.elapsed()), "");
    let db = PgPool::connect(&plan.database_url).await?;
    processes::add_owner(&plan.database_url, &sandbox.url, NAME, PASSWORD).await?;
    let mut person = Person::sign_in(&console.url, NAME, PASSWORD).await?;
    import(&mut person).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    table.add("memory at rest", megabytes(console.memory()?), "< 60 MB");

    let list = csv(0..plan.rows);
    let size = list.len();
    let watch = console.watch_tree()?;
    let (draft, upload, read) = upload(&mut person, &console, "list.csv", list).await?;
    let memory = watch.peak()?;
    let what = format!("{} rows of CSV ({:.1} MB), 3 variables: upload", plan.rows, mega(size));
    table.add(&what, seconds(upload), "");
    table.add("from its last byte to the preview", seconds(read), "< 3 s");
    table.add("most memory meanwhile, with the reader", megabytes(memory), "< 120 MB");

    let book = xlsx(plan.xlsx_rows)?;
    let what = format!("{} rows of XLSX ({:.1} MB)", plan.xlsx_rows, mega(book.len()));
    let watch = console.watch_tree()?;
    let (other, _, read) = self::upload(&mut person, &console, "list.xlsx", book).await?;
    let memory = watch.peak()?;
    table.add(&format!("{what}: to the preview"), seconds(read), "< 1 s");
    table.add("most memory meanwhile, with the reader", megabytes(memory), "");
    discard(&mut person, &other).await?;

    add_fault(
        &sandbox,
        json!({ "kind": "delay", "millis": RESPONSE_TIME.as_millis() as u64, "times": 0 }),
    )
    .await?;
    console.reset_peak()?;
    let took = submit(&mut person, &db, &draft, plan.rows).await?;
    #[allow(clippy::cast_precision_loss)]
    let minimum =
        (plan.rows as f64 / PHONES_PER_CALL).ceil() * RESPONSE_TIME.as_secs_f64() / CONCURRENCY;
    table.add(&format!("{} messages submitted", plan.rows), seconds(took), "");
    let share = minimum * 100.0 / took.as_secs_f64();
    let what = "share of what 8 calls of 50 ms at a time allow";
    table.add(what, format!("{share:.0} % ({minimum:.1} s)"), "≥ 95 %");
    table.add("most memory meanwhile", megabytes(console.peak_memory()?), "");
    let (taken, twice) = counts(&sandbox).await?;
    table.add("taken by the sandbox, and twice", format!("{taken}, {twice}"), "each once");
    tokio::time::sleep(IDLE_TIME).await;
    table.add("memory at rest afterwards", megabytes(console.memory()?), "< 60 MB");
    let more = csv(plan.rows..2 * plan.rows);
    let (draft, _, _) = self::upload(&mut person, &console, "more.csv", more).await?;
    submit(&mut person, &db, &draft, plan.rows).await?;
    tokio::time::sleep(IDLE_TIME).await;
    let what = format!("memory at rest after another {}", plan.rows);
    table.add(&what, megabytes(console.memory()?), "no growth");

    compare_with_broken_connections(plan, &mut table, &sandbox, &console, &mut person, &db).await?;
    console.stop().await?;
    sandbox.stop().await?;
    table.print();
    Ok(())
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

fn megabytes(megabytes: f64) -> String {
    format!("{megabytes:.0} MB")
}

#[allow(clippy::cast_precision_loss)]
fn mega(bytes: usize) -> f64 {
    bytes as f64 / 1_000_000.0
}

/// Returns a signature and a template to send with.
pub fn seeds() -> Value {
    json!({
        "signatures": [{ "sig_id": "SIGBENCH", "content": "云帆书店" }],
        "templates": [{ "template_id": "UTBENCH", "name": "取件通知", "purpose": 2,
            "text": "{1}您好，您的包裹{2}已到{3}，请及时领取。" }],
    })
}

/// Returns the `n`-th phone. Its last four digits are from 1000, so that the sandbox delivers to
/// it.
fn phone(n: usize) -> String {
    format!("1{:02}{:04}{:04}", 30 + n / 10_000 / 9_000, n / 9_000 % 10_000, 1_000 + n % 9_000)
}

pub(super) fn csv(rows: Range<usize>) -> Vec<u8> {
    let mut list = String::from("手机号,姓名,单号,地点\n");
    for n in rows {
        use std::fmt::Write;
        // Writing to a string cannot fail.
        let _ = writeln!(list, "{},客户{n},YT{n:010},东门{}号柜", phone(n), n % 90);
    }
    list.into_bytes()
}

fn xlsx(rows: usize) -> anyhow::Result<Vec<u8>> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet_with_constant_memory()?;
    for (column, name) in ["手机号", "姓名", "单号", "地点"].into_iter().enumerate() {
        sheet.write(0, u16::try_from(column)?, name)?;
    }
    for n in 0..rows {
        let row = u32::try_from(n + 1)?;
        sheet.write(row, 0, phone(n).parse::<f64>()?)?;
        sheet.write(row, 1, format!("客户{n}"))?;
        sheet.write(row, 2, format!("YT{n:010}"))?;
        sheet.write(row, 3, format!("东门{}号柜", n % 90))?;
    }
    Ok(book.save_to_buffer()?)
}

/// Imports the signature and the template of [`seeds`] into the console.
pub async fn import(person: &mut Person) -> anyhow::Result<()> {
    for (list, id) in [("signatures", "SIGBENCH"), ("templates", "UTBENCH")] {
        let path = format!("/p/default/{list}/import");
        let csrf = value_of(&person.get(&path).await?, "csrf")?;
        let _ = person.post(&path, &[("csrf", &csrf), ("ids", id)]).await;
    }
    Ok(())
}

/// Uploads a list. Returns the path of its preview, how long the upload took, and how long it took
/// from the last byte until every row had its verdict.
pub(super) async fn upload(
    person: &mut Person,
    console: &Process,
    name: &str,
    list: Vec<u8>,
) -> anyhow::Result<(String, Duration, Duration)> {
    let form = person.get("/p/default/batches/new").await?;
    let (csrf, token) = (value_of(&form, "csrf")?, value_of(&form, "form_token")?);
    let signature = option_containing(&form, "云帆书店")?;
    let template = option_containing(&form, "UTBENCH")?;
    let fields = [
        ("csrf", csrf.as_str()),
        ("form_token", &token),
        ("signature_id", &signature),
        ("template_id", &template),
    ];
    console.reset_peak()?;
    let started = Instant::now();
    let file = ("recipients", name, list);
    let preview = person.upload("/p/default/batches/new", &fields, file).await?;
    let upload_time = started.elapsed();
    let last_byte = Instant::now();
    loop {
        let page = person.get(&preview).await?;
        if page.contains("id=\"verdict\"") {
            return Ok((preview, upload_time, last_byte.elapsed()));
        }
        if page.contains("id=\"errors\"") || last_byte.elapsed() > Duration::from_secs(600) {
            bail!("the list was not read: {page}");
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn discard(person: &mut Person, preview: &str) -> anyhow::Result<()> {
    let csrf = value_of(&person.get(preview).await?, "csrf")?;
    let path = preview.replace("/preview", "/discard");
    person.post(&path, &[("csrf", &csrf)]).await.map(drop)
}

pub(super) async fn add_fault(sandbox: &Process, fault: Value) -> anyhow::Result<()> {
    let url = format!("{}/_admin/faults", sandbox.url);
    reqwest::Client::new().post(url).json(&fault).send().await?.error_for_status()?;
    Ok(())
}

async fn clear_faults(sandbox: &Process) -> anyhow::Result<()> {
    let url = format!("{}/_admin/faults", sandbox.url);
    reqwest::Client::new().delete(url).send().await?.error_for_status()?;
    Ok(())
}

/// Returns how many messages the sandbox accepted, and how many of them twice.
async fn counts(sandbox: &Process) -> anyhow::Result<(i64, i64)> {
    let counts: Value =
        reqwest::get(format!("{}/_admin/counts", sandbox.url)).await?.json().await?;
    let number = |name: &str| counts[name].as_i64().unwrap_or(-1);
    Ok((number("taken"), number("phones_taken_twice")))
}

/// Confirms a draft and waits until all of it is submitted. Returns how long that took.
pub(super) async fn submit(
    person: &mut Person,
    db: &PgPool,
    preview: &str,
    rows: usize,
) -> anyhow::Result<Duration> {
    let page = person.get(preview).await?;
    let (csrf, checked) = (value_of(&page, "csrf")?, value_of(&page, "checked")?);
    let version = value_of(&page, "version")?;
    let path = preview.replace("/preview", "/confirm");
    let fields = [
        ("csrf", csrf.as_str()),
        ("checked", &checked),
        ("version", &version),
        ("name", "bench"),
        ("confirm", "1"),
    ];
    let started = Instant::now();
    person.post(&path, &fields).await?;
    loop {
        let open = count(
            db,
            "select count(*) from batches where state in ('sending', 'scheduled', 'paused')",
        )
        .await?;
        if open == 0 {
            return Ok(started.elapsed());
        }
        if started.elapsed() > Duration::from_secs(3_600) {
            bail!("{rows} messages are never submitted");
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// The number of messages of the comparison.
const COMPARED: usize = 20_000;
/// How often a connection breaks after a call that the vendor accepted.
const BREAK_INTERVAL: Duration = Duration::from_millis(150);

/// Sends the same list with the console and with the script, while connections break after calls
/// that the vendor accepted, and counts the phones that got a message twice.
async fn compare_with_broken_connections(
    plan: &Plan,
    table: &mut Table,
    sandbox: &Process,
    console: &Process,
    person: &mut Person,
    db: &PgPool,
) -> anyhow::Result<()> {
    sqlx::query("delete from external_messages").execute(db).await?;
    let mut list = String::from("手机号,姓名,单号,地点\n");
    for n in 0..COMPARED {
        list.push_str(&format!("{},甲{n},乙{n},丙\n", phone(5_000_000 + n)));
    }
    let (draft, _, _) = upload(person, console, "cut.csv", list.clone().into_bytes()).await?;
    let before = counts(sandbox).await?;
    let breaking = break_connections(&sandbox.url);
    let took = submit(person, db, &draft, COMPARED).await;
    breaking.abort();
    clear_faults(sandbox).await?;
    let (taken, twice) = counts(sandbox).await?;
    let doubts =
        count(db, "select coalesce(sum(n), 0)::bigint from submissions where state = 'in_doubt'")
            .await?;
    let what = format!("console: {COMPARED} messages while connections are cut");
    let said = format!(
        "{}, {} taken, {} twice, {doubts} in doubt until receipts come",
        seconds(took?),
        taken - before.0,
        twice - before.1
    );
    table.add(&what, said, "none twice");
    let Some(python) = &plan.python else { return Ok(()) };
    let path = std::env::temp_dir().join(format!("usms-bench-{}.csv", std::process::id()));
    std::fs::write(&path, list.replace("手机号,姓名,单号,地点\n", ""))?;
    let before = counts(sandbox).await?;
    let breaking = break_connections(&sandbox.url);
    let started = Instant::now();
    let result = run_script(python, &plan.peer, sandbox, &path).await;
    let took = started.elapsed();
    breaking.abort();
    clear_faults(sandbox).await?;
    std::fs::remove_file(&path)?;
    result?;
    let (taken, twice) = counts(sandbox).await?;
    let what = format!("official Python SDK, 8 threads, 3 tries: {COMPARED} messages, as before");
    let said = format!("{}, {} taken, {} twice", seconds(took), taken - before.0, twice - before.1);
    table.add(&what, said, "");
    measure_script(table, python, plan, sandbox).await
}

/// Runs the script without broken connections, to measure its speed.
async fn measure_script(
    table: &mut Table,
    python: &str,
    plan: &Plan,
    sandbox: &Process,
) -> anyhow::Result<()> {
    add_fault(
        sandbox,
        json!({ "kind": "delay", "millis": RESPONSE_TIME.as_millis() as u64, "times": 0 }),
    )
    .await?;
    let path = std::env::temp_dir().join(format!("usms-bench-{}.csv", std::process::id()));
    let rows = plan.rows.min(200_000);
    let list = String::from_utf8(csv(0..rows))?;
    std::fs::write(&path, list.split_once('\n').map_or("", |(_, rest)| rest))?;
    let started = Instant::now();
    let result = run_script(python, &plan.peer, sandbox, &path).await;
    let took = started.elapsed();
    std::fs::remove_file(&path)?;
    result?;
    #[allow(clippy::cast_precision_loss)]
    let per_second = rows as f64 / took.as_secs_f64();
    let what = format!("official Python SDK, 8 threads: {rows} messages, no faults");
    table.add(&what, format!("{} ({per_second:.0} a second)", seconds(took)), "");
    Ok(())
}

/// Lets the connection of a call break every [`BREAK_INTERVAL`], until the task is aborted.
fn break_connections(url: &str) -> tokio::task::JoinHandle<()> {
    let url = format!("{url}/_admin/faults");
    let http = reqwest::Client::new();
    tokio::spawn(async move {
        let delay =
            json!({ "kind": "delay", "millis": RESPONSE_TIME.as_millis() as u64, "times": 0 });
        let reset = json!({ "kind": "reset_after", "times": 1 });
        loop {
            let _ = http.delete(&url).send().await;
            let _ = http.post(&url).json(&reset).send().await;
            let _ = http.post(&url).json(&delay).send().await;
            tokio::time::sleep(BREAK_INTERVAL).await;
        }
    })
}

async fn run_script(
    python: &str,
    script: &str,
    sandbox: &Process,
    list: &Path,
) -> anyhow::Result<()> {
    let status = Command::new(python)
        .arg(script)
        .arg(&sandbox.url)
        .arg(list)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .await
        .context("the script does not run")?;
    if status.success() { Ok(()) } else { bail!("the script failed") }
}
