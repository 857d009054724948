//! Receipts: how fast pushes are taken in and settled beside bare batched inserts, how quick lists
//! and look-ups are at a small and a large past while receipts come in, and how many lists a second
//! are served beside Django's admin and a bare page over the same rows.

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio::process::{Child, Command};
use tokio::task::JoinSet;

use super::load::{self, Times};
use super::past::{self, Past};
use super::people::Person;
use super::processes::{self, Process};
use super::{Table, bare, batch, count};
use crate::domain::ids::{BatchId, MessageId, first_number_at};

const NAME: &str = "owner";
const PASSWORD: &str = "a password of measurements";
/// Receipts of one push.
const OF_A_PUSH: usize = 200;
/// Connections that push, and that insert.
const PUSHERS: usize = 8;
/// Receipts that come in each second while pages are asked for.
const MEANWHILE: u64 = 2_000;
/// Pages asked for each second, and for how long.
const A_SECOND: u32 = 50;
const HOW_LONG: Duration = Duration::from_secs(6);
/// Connections of the throughput of a list.
const READERS: usize = 32;

/// What is measured.
#[derive(Debug, Clone)]
pub struct Plan {
    /// An empty database, or one that an earlier measurement left: its past is used again.
    pub database_url: String,
    /// Messages of the small past, and of the large one.
    pub small: i64,
    /// See `small`.
    pub large: i64,
    /// Receipts that are pushed at once.
    pub pushed: i64,
    /// A Python that has Django, to measure its admin beside it.
    pub python: Option<String>,
    /// The folder of Django's side.
    pub peer: String,
    /// Only these; all when none is named.
    pub only: Vec<Part>,
}

/// What can be measured alone. A past is written in any case, if there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// How quick each page is, while receipts come in.
    Pages,
    /// How many lists a second.
    Lists,
    /// How fast pushes are taken in and settled.
    Pushes,
}

impl Plan {
    fn has(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }
}

/// Measures all of it and prints tables.
pub async fn run(plan: &Plan) -> anyhow::Result<()> {
    // Another part of this program may have been quicker.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let sandbox = processes::sandbox(&batch::seeds()).await?;
    let console = processes::console(&plan.database_url, &sandbox.url).await?;
    let db = PgPoolOptions::new().max_connections(8).connect(&plan.database_url).await?;
    let filled = count(&db, "select count(*) from batches").await? > 0;
    if !filled {
        processes::add_owner(&plan.database_url, &sandbox.url, NAME, PASSWORD).await?;
    }
    let mut person = Person::sign_in(&console.url, NAME, PASSWORD).await?;
    let hook = processes::hook_path(&plan.database_url, &sandbox.url).await?;
    let hook = format!("{}{hook}", console.url);
    let mut pages = Pages::default();
    let large = if filled {
        past::found(&db).await?
    } else {
        batch::import(&mut person).await?;
        past::months(&db).await?;
        let small = past::write(&db, plan.small).await?;
        if plan.has(Part::Pages) {
            pages.ask(plan.small, &small, &person, &hook).await?;
        }
        past::write(&db, plan.large - plan.small).await?
    };
    if plan.has(Part::Pages) {
        pages.ask(plan.large, &large, &person, &hook).await?;
        pages.print();
    }
    let mut table = Table::default();
    if plan.has(Part::Lists) {
        lists(plan, &mut table, &large, &person).await?;
    }
    if plan.has(Part::Pushes) {
        pushes(plan, &mut table, &db, &hook, &console).await?;
    }
    table.print();
    console.stop().await?;
    sandbox.stop().await
}

/// Times of each kind of page, by size of the past.
#[derive(Debug, Default)]
struct Pages(Vec<(String, Vec<(i64, Times)>)>);

impl Pages {
    /// Asks for each page while receipts come in.
    async fn ask(
        &mut self,
        rows: i64,
        past: &Past,
        person: &Person,
        hook: &str,
    ) -> anyhow::Result<()> {
        let coming = tokio::spawn(push_on(hook.to_owned()));
        for (name, page) in pages(past) {
            let request = person.request(&format!("/p/default/{page}"));
            load::at_a_pace(&request, A_SECOND, Duration::from_secs(1)).await?;
            let times = load::at_a_pace(&request, A_SECOND, HOW_LONG).await?;
            let (p50, p99) = (times.percentile(50), times.percentile(99));
            println!("{rows} messages, {name}: p50 {p50:.1} ms, p99 {p99:.1} ms");
            match self.0.iter_mut().find(|(known, _)| known == name) {
                Some((_, of)) => of.push((rows, times)),
                None => self.0.push((name.to_owned(), vec![(rows, times)])),
            }
        }
        coming.abort();
        Ok(())
    }

    fn print(&self) {
        let Some((_, sizes)) = self.0.first() else { return };
        let heads: Vec<String> =
            sizes.iter().map(|(rows, _)| format!("p50 at {rows} | p99 at {rows}")).collect();
        println!("\n| page | {} |", heads.join(" | "));
        println!("| --- |{}", " --- | --- |".repeat(sizes.len()));
        for (name, of) in &self.0 {
            let cells: Vec<String> = of
                .iter()
                .map(|(_, at)| format!("{:.1} | {:.1}", at.percentile(50), at.percentile(99)))
                .collect();
            println!("| {name} | {} |", cells.join(" | "));
        }
    }
}

fn pages(past: &Past) -> Vec<(&'static str, String)> {
    let batch = BatchId(past.batch);
    let (phone, session) = (&past.phone, &past.session_no);
    let last_four = &phone[phone.len() - 4..];
    let year_ago = time::OffsetDateTime::now_utc() - time::Duration::days(365);
    let year_ago = MessageId(first_number_at(year_ago));
    vec![
        ("messages", "messages".to_owned()),
        ("messages, a phone", format!("messages?phone={phone}")),
        ("messages, last four digits", format!("messages?phone={last_four}")),
        ("messages, a session number", format!("messages?session={session}")),
        ("messages, a batch", format!("messages?batch={batch}")),
        ("messages, a template", "messages?template=UTBENCH".to_owned()),
        ("messages, a year back", format!("messages?after={year_ago}")),
        ("messages, newer than a year ago", format!("messages?before={year_ago}")),
        (
            "messages, a template, a year back",
            format!("messages?template=UTBENCH&after={year_ago}"),
        ),
        ("messages, failed", "messages?state=failed".to_owned()),
        ("messages, a code", "messages?code=MLBLACK".to_owned()),
        ("messages, a cause", "messages?cause=powered_off".to_owned()),
        ("messages, a code and a template", "messages?code=MLBLACK&template=UTBENCH".to_owned()),
        ("messages, waiting", "messages?state=submitted".to_owned()),
        ("messages, a text that is rare", "messages?text=YT0000000001".to_owned()),
        ("messages, nothing found", "messages?phone=18999999999".to_owned()),
        ("receipts of a session number", format!("receipts/{session}")),
        ("receipts of a phone", format!("receipts?phone={phone}")),
        ("a batch", format!("batches/{batch}")),
        ("batches", "batches".to_owned()),
        ("replies", "replies".to_owned()),
        ("dashboard", String::new()),
        ("statistics, 30 days", "statistics?span=30d".to_owned()),
        ("failures, 30 days", "failures?span=30d".to_owned()),
    ]
}

/// Pushes of another program's receipts, so many a second, until it is ended.
async fn push_on(hook: String) -> anyhow::Result<()> {
    let http = reqwest::Client::new();
    let a_second = MEANWHILE / OF_A_PUSH as u64;
    let mut tick = tokio::time::interval(Duration::from_secs(1) / u32::try_from(a_second)?);
    let begun = uuid::Uuid::new_v4();
    for n in 0_usize.. {
        tick.tick().await;
        let answer = http.post(&hook).json(&body(&of_another(begun, n))).send().await?;
        ensure!(answer.status().is_success(), "a push: {}", answer.status());
    }
    Ok(())
}

/// What a receipt names.
#[derive(Debug)]
struct Named {
    session_no: String,
    phone: String,
    user_id: String,
}

/// The receipts of another program's `n`-th call.
fn of_another(begun: uuid::Uuid, n: usize) -> Vec<Named> {
    let one = |phone| Named {
        session_no: format!("{begun}-{n}"),
        // Numbers that are not in order, and come again after ten million.
        phone: format!("1860{:07}", (n * OF_A_PUSH + phone) * 7_654_321 % 10_000_000),
        user_id: "another-program".to_owned(),
    };
    (0..OF_A_PUSH).map(one).collect()
}

/// A push, as the vendor would make it.
fn body(receipts: &[Named]) -> Value {
    let item = |one: &Named| {
        json!({ "SessionNo": one.session_no, "Phone": one.phone, "CostCount": 1,
            "ReceiptTime": 1_790_000_000, "ReceiptResult": "发送成功", "ReceiptCode": "DELIVRD",
            "ReceiptDesc": "用户接收成功", "UserId": one.user_id })
    };
    json!({ "MsgType": 2, "Data": receipts.iter().map(item).collect::<Vec<_>>() })
}

/// The same fifty rows as the console's list, Django's admin and a bare page serve them.
async fn lists(plan: &Plan, table: &mut Table, past: &Past, person: &Person) -> anyhow::Result<()> {
    let ours = person.request("/p/default/messages?template=UTBENCH");
    load::as_much_as_goes(&ours, READERS, Duration::from_secs(2)).await?;
    let ours = load::as_much_as_goes(&ours, READERS, Duration::from_secs(10)).await?;
    table.add("list of a template, 50 rows: console", format!("{ours:.0} requests/s"), "");
    let page = bare::serve(&plan.database_url).await?;
    let bare = reqwest::Client::new().get(format!("{}/{}", page.url, past.template));
    load::as_much_as_goes(&bare, READERS, Duration::from_secs(2)).await?;
    let bare = load::as_much_as_goes(&bare, READERS, Duration::from_secs(10)).await?;
    page.stop().await?;
    table.add("the same by a bare page", format!("{bare:.0} requests/s"), "");
    table.add("console's share of it", format!("{:.0} %", ours * 100.0 / bare), "≥ 60 %");
    let Some(python) = &plan.python else { return Ok(()) };
    let django = Django::start(python, &plan.peer, &plan.database_url).await?;
    let list = format!("{}/admin/log/message/?template__id__exact={}", django.url, past.template);
    let cookie = format!("sessionid={}", django.session);
    let asked = reqwest::Client::new().get(&list).header("cookie", cookie);
    let times = load::at_a_pace(&asked, 1, Duration::from_secs(5)).await?;
    let theirs = load::as_much_as_goes(&asked, READERS, Duration::from_secs(20)).await?;
    let what = format!("{theirs:.1} requests/s (alone: {:.0} ms)", times.percentile(50));
    table.add("the same by Django's admin", what, "");
    table.add("console's multiple of it", format!("{:.0}", ours / theirs.max(0.01)), "≥ 50");
    django.stop().await
}

/// Django's admin over the same tables, in two processes.
#[derive(Debug)]
struct Django {
    child: Child,
    url: String,
    session: String,
}

impl Django {
    async fn start(python: &str, folder: &str, database_url: &str) -> anyhow::Result<Self> {
        let address = processes::free_address()?;
        let prepared = Command::new(python)
            .args(["site_of_admin.py", "prepare"])
            .current_dir(folder)
            .env("DATABASE_URL", database_url)
            .output()
            .await?;
        ensure!(
            prepared.status.success(),
            "Django cannot be prepared: {}",
            String::from_utf8_lossy(&prepared.stderr)
        );
        let session = String::from_utf8(prepared.stdout)?;
        let session = session.lines().last().context("no session")?.trim().to_owned();
        let child = Command::new(python)
            .args([
                "-m",
                "gunicorn",
                "--workers",
                "2",
                "--bind",
                &address,
                "site_of_admin:application",
            ])
            .current_dir(folder)
            .env("DATABASE_URL", database_url)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let url = format!("http://{address}");
        processes::answers(&url, "/admin/login/").await?;
        Ok(Self { child, url, session })
    }

    async fn stop(mut self) -> anyhow::Result<()> {
        let id = self.child.id().context("Django has ended")?.to_string();
        Command::new("kill").args(["-TERM", &id]).status().await?;
        self.child.wait().await?;
        Ok(())
    }
}

/// Receipts of our own messages and of others, as fast as they are taken, beside bare inserts.
#[allow(clippy::cast_precision_loss)]
async fn pushes(
    plan: &Plan,
    table: &mut Table,
    db: &PgPool,
    hook: &str,
    console: &Process,
) -> anyhow::Result<()> {
    let receipts = receipts(db, plan.pushed).await?;
    let bare = bare_inserts(db, &receipts, BARE).await?;
    table.add("the same by bare batched inserts", format!("{bare:.0} rows/s"), "");
    let searched = bare_inserts(db, &receipts, BARE_BUT_SEARCHED).await?;
    let what = "the same with the indexes that the log is searched by";
    table.add(what, format!("{searched:.0} rows/s"), "");
    let items = receipts.len() * OF_A_PUSH;
    let bodies: Vec<Vec<u8>> =
        receipts.iter().map(|push| serde_json::to_vec(&body(push))).collect::<Result<_, _>>()?;
    drop(receipts);
    console.forget_peak()?;
    let before = console.memory()?;
    let began = Instant::now();
    let times = push_all(hook, bodies).await?;
    let taken = items as f64 / began.elapsed().as_secs_f64();
    let share = taken * 100.0 / bare;
    let what = format!("{items} receipts in pushes of {OF_A_PUSH}: taken in durably");
    table.add(&what, format!("{taken:.0} a second ({share:.0} %)"), "> 100 % of bare");
    table.add("answer, p99", format!("{:.1} ms", times.percentile(99)), "< 50 ms");
    until_settled(db).await?;
    let settled = items as f64 / began.elapsed().as_secs_f64();
    let share = settled * 100.0 / bare;
    let of_searched = settled * 100.0 / searched;
    let what = format!("{settled:.0} a second ({share:.0} %; with indexes {of_searched:.0} %)");
    table.add("settled into the log", what, "≥ 50 % of bare");
    let memory = format!("{before:.0} → {:.0} MB", console.peak_memory()?);
    table.add("memory meanwhile", memory, "");
    let waiting = "select count(*) from submissions where state = 'accepted' and not settled";
    let waiting = count(db, waiting).await?;
    table.add("sessions left without all of their receipts", waiting.to_string(), "0");
    Ok(())
}

/// A table for receipts with two indexes, and how a push is written into it.
const BARE: [&str; 2] = [
    "create table bare_receipts (id bigint primary key, project_id bigint, session_no text,
       phone text, outcome text, code text, words text, parts int, receipt_at timestamptz);
     create index on bare_receipts (project_id, phone, id)",
    "insert into bare_receipts
     select id, 1, session_no, phone, 'delivered', 'DELIVRD', '用户接收成功', 1, now()
     from unnest($1::bigint[], $2::text[], $3::text[]) as t (id, session_no, phone)",
];
/// The same with the columns and indexes of a message of the log that is known by its receipt alone.
const BARE_BUT_SEARCHED: [&str; 2] = [
    "create table bare_receipts (like foreign_messages including indexes)",
    "insert into bare_receipts
     select id, 1, session_no, phone, '', 'delivered', 1, 1, now(), now()
     from unnest($1::bigint[], $2::text[], $3::text[]) as t (id, session_no, phone)",
];

/// The same receipts in the same order, a statement for each push, as a handler would write them that
/// does nothing else. Answers how many a second.
#[allow(clippy::cast_precision_loss)]
async fn bare_inserts(
    db: &PgPool,
    receipts: &[Vec<Named>],
    [table, insert]: [&'static str; 2],
) -> anyhow::Result<f64> {
    sqlx::raw_sql(table).execute(db).await?;
    let push = |(n, push): (i64, &Vec<Named>)| {
        let ids: Vec<i64> = (n * OF_A_PUSH as i64..).take(push.len()).collect();
        let sessions: Vec<String> = push.iter().map(|one| one.session_no.clone()).collect();
        let phones: Vec<String> = push.iter().map(|one| one.phone.clone()).collect();
        (ids, sessions, phones)
    };
    let mut waiting = (0..).zip(receipts).map(push).collect::<Vec<_>>().into_iter();
    let began = Instant::now();
    let mut under_way = JoinSet::new();
    let each = receipts.len().div_ceil(PUSHERS);
    for _ in 0..PUSHERS {
        let (db, share) = (db.clone(), waiting.by_ref().take(each).collect::<Vec<_>>());
        under_way.spawn(async move {
            for (ids, sessions, phones) in share {
                let written = sqlx::query(insert).bind(ids).bind(sessions).bind(phones);
                written.execute(&db).await?;
            }
            anyhow::Ok(())
        });
    }
    for one in under_way.join_all().await {
        one?;
    }
    let pace = receipts.iter().map(Vec::len).sum::<usize>() as f64 / began.elapsed().as_secs_f64();
    sqlx::query("drop table bare_receipts").execute(db).await?;
    Ok(pace)
}

/// Receipts in pushes as the vendor would make them: six of ten are of our own messages.
async fn receipts(db: &PgPool, receipts: i64) -> anyhow::Result<Vec<Vec<Named>>> {
    let own = receipts * 6 / 10 / OF_A_PUSH as i64 * OF_A_PUSH as i64;
    let mut waiting = past::waiting(db, own).await?.into_iter().map(|(session_no, phone, id)| {
        Named { session_no, phone, user_id: MessageId(id).vendor_user_id() }
    });
    let mut pushes = Vec::new();
    loop {
        let push: Vec<Named> = waiting.by_ref().take(OF_A_PUSH).collect();
        if push.is_empty() {
            break;
        }
        pushes.push(push);
    }
    let others = usize::try_from(receipts - own)? / OF_A_PUSH;
    let begun = uuid::Uuid::new_v4();
    for n in 0..others {
        // Between our own, as they come.
        pushes.insert(n * pushes.len() / others, of_another(begun, n));
    }
    Ok(pushes)
}

async fn push_all(hook: &str, bodies: Vec<Vec<u8>>) -> anyhow::Result<Times> {
    let mut shares: Vec<Vec<Vec<u8>>> = vec![Vec::new(); PUSHERS];
    for (n, body) in bodies.into_iter().enumerate() {
        shares[n % PUSHERS].push(body);
    }
    let mut under_way = JoinSet::new();
    for share in shares {
        let (hook, http) = (hook.to_owned(), reqwest::Client::new());
        under_way.spawn(async move {
            let mut times = Vec::with_capacity(share.len());
            for body in share {
                let began = Instant::now();
                let push = http.post(&hook).header("content-type", "application/json").body(body);
                let answer = push.send().await?;
                ensure!(answer.status().is_success(), "a push: {}", answer.status());
                times.push(began.elapsed());
            }
            anyhow::Ok(times)
        });
    }
    let mut all = Vec::new();
    for one in under_way.join_all().await {
        all.extend(one?);
    }
    Ok(Times::new(all))
}

async fn until_settled(db: &PgPool) -> anyhow::Result<()> {
    let began = Instant::now();
    while count(db, "select count(*) from inbox where settled_at is null").await? > 0 {
        if began.elapsed() > Duration::from_secs(600) {
            bail!("pushes are never settled");
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}
