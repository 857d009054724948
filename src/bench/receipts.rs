//! Receipts: how fast pushes are taken in and settled beside bare batched inserts, how quick lists
//! and look-ups are at a small and a large past while receipts come in, and how many lists a second
//! are served beside Django's admin and a bare page over the same rows.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, ensure};
use sqlx::postgres::PgPoolOptions;
use tokio::process::{Child, Command};

use super::load::{self, Times};
use super::past::{self, Past};
use super::people::Person;
use super::processes;
use super::{Table, bare, batch, count, pushes};
use crate::domain::ids::{BatchId, Id, MessageId, first_number_at};

const NAME: &str = "owner";
const PASSWORD: &str = "a password of measurements";
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
        pushes::measure(&mut table, &db, &hook, &console, (plan.large, plan.pushed)).await?;
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
        let coming = tokio::spawn(pushes::push_on(hook.to_owned()));
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
    // It is one of the oldest, of two years ago.
    let year_ago = MessageId(first_number_at(batch.made_at() + time::Duration::days(365)));
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
