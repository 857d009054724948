//! Batches: a list of a million rows from the upload's last byte to its preview, a spreadsheet of a
//! hundred thousand, and a million messages submitted to a sandbox that takes 50 ms to answer. The
//! script that somebody would write instead, over the vendor's own SDK, runs beside it.

use std::ops::Range;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rust_xlsxwriter::Workbook;
use serde_json::{Value, json};
use sqlx::PgPool;
use tokio::process::Command;

use super::people::{Person, option_saying, value_of};
use super::processes::{self, Process};
use super::{Table, count};

const NAME: &str = "owner";
const PASSWORD: &str = "a password of measurements";
/// How long the sandbox takes to answer.
const ANSWER: Duration = Duration::from_millis(50);
/// Nothing happens for so long before memory at rest is measured.
const REST: Duration = Duration::from_secs(15);
/// Calls under way at once.
const CONCURRENCY: f64 = 8.0;
/// Phones one call takes.
const EACH: f64 = 200.0;

/// What is measured.
#[derive(Debug, Clone)]
pub struct Plan {
    /// An empty database.
    pub database_url: String,
    /// Rows of the list.
    pub rows: usize,
    /// Rows of the spreadsheet.
    pub xlsx_rows: usize,
    /// A Python that has the vendor's SDK, to measure the script beside it.
    pub python: Option<String>,
    /// The script.
    pub peer: String,
}

/// Measures all of it and prints a table.
pub async fn run(plan: &Plan) -> anyhow::Result<()> {
    // Another part of this program may have been quicker.
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
    let (draft, upload, read) = upload(&mut person, &console, "list.csv", list).await?;
    let what = format!("{} rows of CSV ({:.1} MB), 3 variables: upload", plan.rows, mega(size));
    table.add(&what, seconds(upload), "");
    table.add("from its last byte to the preview", seconds(read), "< 15 s");
    table.add("most memory meanwhile", megabytes(console.peak_memory()?), "< 200 MB");

    let book = xlsx(plan.xlsx_rows)?;
    let what = format!("{} rows of XLSX ({:.1} MB)", plan.xlsx_rows, mega(book.len()));
    let (other, _, read) = self::upload(&mut person, &console, "list.xlsx", book).await?;
    table.add(&format!("{what}: to the preview"), seconds(read), "< 5 s");
    table.add("most memory meanwhile", megabytes(console.peak_memory()?), "");
    discard(&mut person, &other).await?;

    fault(&sandbox, json!({ "kind": "delay", "millis": ANSWER.as_millis() as u64, "times": 0 }))
        .await?;
    console.forget_peak()?;
    let took = submit(&mut person, &db, &draft, plan.rows).await?;
    #[allow(clippy::cast_precision_loss)]
    let least = (plan.rows as f64 / EACH).ceil() * ANSWER.as_secs_f64() / CONCURRENCY;
    table.add(&format!("{} messages submitted", plan.rows), seconds(took), "");
    let share = least * 100.0 / took.as_secs_f64();
    let what = "share of what 8 calls of 50 ms at a time allow";
    table.add(what, format!("{share:.0} % ({least:.1} s)"), "≥ 90 %");
    table.add("most memory meanwhile", megabytes(console.peak_memory()?), "");
    let (taken, twice) = counts(&sandbox).await?;
    table.add("taken by the sandbox, and twice", format!("{taken}, {twice}"), "each once");
    tokio::time::sleep(REST).await;
    table.add("memory at rest afterwards", megabytes(console.memory()?), "< 60 MB");
    let more = csv(plan.rows..2 * plan.rows);
    let (draft, _, _) = self::upload(&mut person, &console, "more.csv", more).await?;
    submit(&mut person, &db, &draft, plan.rows).await?;
    tokio::time::sleep(REST).await;
    let what = format!("memory at rest after another {}", plan.rows);
    table.add(&what, megabytes(console.memory()?), "no growth");

    cut_off(plan, &mut table, &sandbox, &console, &mut person, &db).await?;
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

/// A signature and a template that can be sent with.
pub fn seeds() -> Value {
    json!({
        "signatures": [{ "sig_id": "SIGBENCH", "content": "云帆书店" }],
        "templates": [{ "template_id": "UTBENCH", "name": "取件通知", "purpose": 2,
            "text": "{1}您好，您的包裹{2}已到{3}，请及时领取。" }],
    })
}

/// Phones that arrive: their last four digits are those of no failure.
fn phone(n: usize) -> String {
    format!("1{:02}{:04}{:04}", 30 + n / 10_000 / 9_000, n / 9_000 % 10_000, 1_000 + n % 9_000)
}

fn csv(rows: Range<usize>) -> Vec<u8> {
    let mut list = String::from("手机号,姓名,单号,地点\n");
    for n in rows {
        use std::fmt::Write;
        // Writing into memory cannot fail.
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

/// Makes them known to the console.
pub async fn import(person: &mut Person) -> anyhow::Result<()> {
    for (list, id) in [("signatures", "SIGBENCH"), ("templates", "UTBENCH")] {
        let address = format!("/p/default/{list}/import");
        let csrf = value_of(&person.get(&address).await?, "csrf")?;
        let _ = person.post(&address, &[("csrf", &csrf), ("ids", id)]).await;
    }
    Ok(())
}

/// Uploads a list. Answers its preview, how long the bytes took, and how long from the last of them
/// until every row had its verdict.
async fn upload(
    person: &mut Person,
    console: &Process,
    name: &str,
    list: Vec<u8>,
) -> anyhow::Result<(String, Duration, Duration)> {
    let form = person.get("/p/default/batches/new").await?;
    let (csrf, token) = (value_of(&form, "csrf")?, value_of(&form, "form_token")?);
    let signature = option_saying(&form, "云帆书店")?;
    let template = option_saying(&form, "UTBENCH")?;
    let fields = [
        ("csrf", csrf.as_str()),
        ("form_token", &token),
        ("signature_id", &signature),
        ("template_id", &template),
    ];
    console.forget_peak()?;
    let began = Instant::now();
    let file = ("recipients", name, list);
    let preview = person.upload("/p/default/batches/new", &fields, file).await?;
    let uploaded = began.elapsed();
    let last_byte = Instant::now();
    loop {
        let page = person.get(&preview).await?;
        if page.contains("id=\"verdict\"") {
            return Ok((preview, uploaded, last_byte.elapsed()));
        }
        if page.contains("id=\"errors\"") || last_byte.elapsed() > Duration::from_secs(600) {
            bail!("the list was not read: {page}");
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn discard(person: &mut Person, preview: &str) -> anyhow::Result<()> {
    let csrf = value_of(&person.get(preview).await?, "csrf")?;
    let address = preview.replace("/preview", "/discard");
    person.post(&address, &[("csrf", &csrf)]).await.map(drop)
}

async fn fault(sandbox: &Process, order: Value) -> anyhow::Result<()> {
    let there = format!("{}/_admin/faults", sandbox.url);
    reqwest::Client::new().post(there).json(&order).send().await?.error_for_status()?;
    Ok(())
}

async fn no_faults(sandbox: &Process) -> anyhow::Result<()> {
    let there = format!("{}/_admin/faults", sandbox.url);
    reqwest::Client::new().delete(there).send().await?.error_for_status()?;
    Ok(())
}

async fn counts(sandbox: &Process) -> anyhow::Result<(i64, i64)> {
    let counts: Value =
        reqwest::get(format!("{}/_admin/counts", sandbox.url)).await?.json().await?;
    let number = |name: &str| counts[name].as_i64().unwrap_or(-1);
    Ok((number("taken"), number("phones_taken_twice")))
}

/// Confirms a draft and waits until nothing of it is left to submit.
async fn submit(
    person: &mut Person,
    db: &PgPool,
    preview: &str,
    rows: usize,
) -> anyhow::Result<Duration> {
    let page = person.get(preview).await?;
    let (csrf, checked) = (value_of(&page, "csrf")?, value_of(&page, "checked")?);
    let address = preview.replace("/preview", "/confirm");
    let fields =
        [("csrf", csrf.as_str()), ("checked", &checked), ("name", "bench"), ("confirm", "1")];
    let began = Instant::now();
    person.post(&address, &fields).await?;
    loop {
        let open = count(
            db,
            "select count(*) from batches where state in ('sending', 'scheduled', 'paused')",
        )
        .await?;
        if open == 0 {
            return Ok(began.elapsed());
        }
        if began.elapsed() > Duration::from_secs(3_600) {
            bail!("{rows} messages are never submitted");
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Messages of the comparison.
const COMPARED: usize = 20_000;
/// A connection is cut behind a call that was taken this often.
const CUT_EVERY: Duration = Duration::from_millis(150);

/// The same list by the console and by the script, while connections are cut behind calls that the
/// vendor took: how many phones are sent to twice.
async fn cut_off(
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
    let cutting = cut_on_and_off(&sandbox.url);
    let took = submit(person, db, &draft, COMPARED).await;
    cutting.abort();
    no_faults(sandbox).await?;
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
    let cutting = cut_on_and_off(&sandbox.url);
    let began = Instant::now();
    let ran = peer(python, &plan.peer, sandbox, &path).await;
    let took = began.elapsed();
    cutting.abort();
    no_faults(sandbox).await?;
    std::fs::remove_file(&path)?;
    ran?;
    let (taken, twice) = counts(sandbox).await?;
    let what = format!("official Python SDK, 8 threads, 3 tries: {COMPARED} messages, as before");
    let said = format!("{}, {} taken, {} twice", seconds(took), taken - before.0, twice - before.1);
    table.add(&what, said, "");
    plain_peer(table, python, plan, sandbox).await
}

/// The script again, without faults, for its speed alone.
async fn plain_peer(
    table: &mut Table,
    python: &str,
    plan: &Plan,
    sandbox: &Process,
) -> anyhow::Result<()> {
    fault(sandbox, json!({ "kind": "delay", "millis": ANSWER.as_millis() as u64, "times": 0 }))
        .await?;
    let path = std::env::temp_dir().join(format!("usms-bench-{}.csv", std::process::id()));
    let rows = plan.rows.min(200_000);
    let list = String::from_utf8(csv(0..rows))?;
    std::fs::write(&path, list.split_once('\n').map_or("", |(_, rest)| rest))?;
    let began = Instant::now();
    let ran = peer(python, &plan.peer, sandbox, &path).await;
    let took = began.elapsed();
    std::fs::remove_file(&path)?;
    ran?;
    #[allow(clippy::cast_precision_loss)]
    let pace = rows as f64 / took.as_secs_f64();
    let what = format!("official Python SDK, 8 threads: {rows} messages, no faults");
    table.add(&what, format!("{} ({pace:.0} a second)", seconds(took)), "");
    Ok(())
}

fn cut_on_and_off(url: &str) -> tokio::task::JoinHandle<()> {
    let there = format!("{url}/_admin/faults");
    let http = reqwest::Client::new();
    tokio::spawn(async move {
        let delay = json!({ "kind": "delay", "millis": ANSWER.as_millis() as u64, "times": 0 });
        let cut = json!({ "kind": "reset_after", "times": 1 });
        loop {
            let _ = http.delete(&there).send().await;
            let _ = http.post(&there).json(&cut).send().await;
            let _ = http.post(&there).json(&delay).send().await;
            tokio::time::sleep(CUT_EVERY).await;
        }
    })
}

async fn peer(python: &str, script: &str, sandbox: &Process, list: &Path) -> anyhow::Result<()> {
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
