//! Benchmarks of receipts: how fast pushes are stored and processed, compared with bare batched
//! inserts; how fast lists and lookups are over a small and a large history while receipts come in;
//! and how many lists per second are served, compared with Django's admin and a bare page over the
//! same rows.

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
/// The number of requests per second for each page.
const PER_SECOND: u32 = 50;
/// How long each page is measured.
const DURATION: Duration = Duration::from_secs(6);
/// The number of connections that measure the throughput of a list.
const CONNECTIONS: usize = 32;

/// The parameters of the benchmark.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The URL of an empty database, or of one of an earlier run, whose history is used again.
    pub database_url: String,
    /// The number of messages of the small history.
    pub small: i64,
    /// The number of messages of the large history.
    pub large: i64,
    /// The number of receipts to push.
    pub pushed: i64,
    /// A Python with Django; without one, Django is not measured.
    pub python: Option<String>,
    /// The folder of the Django site.
    pub peer: String,
    /// The parts to run; all if empty.
    pub only: Vec<Part>,
}

/// A part of the benchmark that can be run alone. The history is written in any case, if there is
/// none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// The response times of each page while receipts come in.
    Pages,
    /// The number of lists per second.
    Lists,
    /// The speed of storing and processing pushes.
    Pushes,
}

impl Plan {
    fn has(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }
}

/// Runs the benchmark and prints tables.
pub async fn run(plan: &Plan) -> anyhow::Result<()> {
    // Fails if the process has a provider already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let sandbox = processes::sandbox(&batch::seeds()).await?;
    let console = processes::console(&plan.database_url, &sandbox.url).await?;
    let db = PgPoolOptions::new().max_connections(8).connect(&plan.database_url).await?;
    let filled = count(&db, "select count(*) from batches").await? > 0;
    if !filled {
        processes::add_owner(&plan.database_url, &sandbox.url, NAME, PASSWORD).await?;
    }
    let mut person = Person::sign_in(&console.url, NAME, PASSWORD).await?;
    let push_path = processes::push_path(&plan.database_url, &sandbox.url).await?;
    let push_url = format!("{}{push_path}", console.url);
    let mut pages = Pages::default();
    let large = if filled {
        past::find(&db).await?
    } else {
        batch::import(&mut person).await?;
        past::create_partitions(&db).await?;
        let small = past::write(&db, plan.small).await?;
        if plan.has(Part::Pages) {
            pages.measure(plan.small, &small, &person, &push_url).await?;
        }
        past::write(&db, plan.large - plan.small).await?
    };
    if plan.has(Part::Pages) {
        pages.measure(plan.large, &large, &person, &push_url).await?;
        pages.print();
    }
    let mut table = Table::default();
    if plan.has(Part::Lists) {
        lists(plan, &mut table, &large, &person).await?;
    }
    if plan.has(Part::Pushes) {
        pushes::measure(&mut table, &db, &push_url, &console, (plan.large, plan.pushed)).await?;
    }
    table.print();
    console.stop().await?;
    sandbox.stop().await
}

/// The response times of each page, by the size of the history.
#[derive(Debug, Default)]
struct Pages(Vec<(String, Vec<(i64, Times)>)>);

impl Pages {
    /// Measures each page while receipts come in.
    async fn measure(
        &mut self,
        rows: i64,
        past: &Past,
        person: &Person,
        push_url: &str,
    ) -> anyhow::Result<()> {
        let background = tokio::spawn(pushes::push_in_background(push_url.to_owned()));
        for (name, page) in pages(past) {
            let request = person.request(&format!("/p/default/{page}"));
            load::at_fixed_rate(&request, PER_SECOND, Duration::from_secs(1)).await?;
            let times = load::at_fixed_rate(&request, PER_SECOND, DURATION).await?;
            let (p50, p99) = (times.percentile(50), times.percentile(99));
            println!("{rows} messages, {name}: p50 {p50:.1} ms, p99 {p99:.1} ms");
            match self.0.iter_mut().find(|(existing, _)| existing == name) {
                Some((_, sizes)) => sizes.push((rows, times)),
                None => self.0.push((name.to_owned(), vec![(rows, times)])),
            }
        }
        background.abort();
        Ok(())
    }

    fn print(&self) {
        let Some((_, sizes)) = self.0.first() else { return };
        let headings: Vec<String> =
            sizes.iter().map(|(rows, _)| format!("p50 at {rows} | p99 at {rows}")).collect();
        println!("\n| page | {} |", headings.join(" | "));
        println!("| --- |{}", " --- | --- |".repeat(sizes.len()));
        for (name, sizes) in &self.0 {
            let cells: Vec<String> = sizes
                .iter()
                .map(|(_, times)| {
                    format!("{:.1} | {:.1}", times.percentile(50), times.percentile(99))
                })
                .collect();
            println!("| {name} | {} |", cells.join(" | "));
        }
    }
}

/// Returns the names and paths of the measured pages.
fn pages(past: &Past) -> Vec<(&'static str, String)> {
    let batch = BatchId(past.batch);
    let (phone, session) = (&past.phone, &past.session_no);
    let last_four = &phone[phone.len() - 4..];
    // The batch is one of the oldest, from two years ago.
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

/// Measures lists of the same fifty rows by the console, a bare page and Django's admin.
async fn lists(plan: &Plan, table: &mut Table, past: &Past, person: &Person) -> anyhow::Result<()> {
    let request = person.request("/p/default/messages?template=UTBENCH");
    load::at_full_rate(&request, CONNECTIONS, Duration::from_secs(2)).await?;
    let console = load::at_full_rate(&request, CONNECTIONS, Duration::from_secs(10)).await?;
    table.add("list of a template, 50 rows: console", format!("{console:.0} requests/s"), "");
    let page = bare::serve(&plan.database_url).await?;
    let request = reqwest::Client::new().get(format!("{}/{}", page.url, past.template));
    load::at_full_rate(&request, CONNECTIONS, Duration::from_secs(2)).await?;
    let bare = load::at_full_rate(&request, CONNECTIONS, Duration::from_secs(10)).await?;
    page.stop().await?;
    table.add("the same by a bare page", format!("{bare:.0} requests/s"), "");
    table.add("console's share of it", format!("{:.0} %", console * 100.0 / bare), "≥ 60 %");
    let Some(python) = &plan.python else { return Ok(()) };
    let django = Django::start(python, &plan.peer, &plan.database_url).await?;
    let list = format!("{}/admin/log/message/?template__id__exact={}", django.url, past.template);
    let cookie = format!("sessionid={}", django.session);
    let request = reqwest::Client::new().get(&list).header("cookie", cookie);
    let times = load::at_fixed_rate(&request, 1, Duration::from_secs(5)).await?;
    let admin = load::at_full_rate(&request, CONNECTIONS, Duration::from_secs(20)).await?;
    let what = format!("{admin:.1} requests/s (alone: {:.0} ms)", times.percentile(50));
    table.add("the same by Django's admin", what, "");
    table.add("console's multiple of it", format!("{:.0}", console / admin.max(0.01)), "≥ 50");
    django.stop().await
}

/// Django's admin over the same tables, with two worker processes.
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
        processes::until_ready(&url, "/admin/login/").await?;
        Ok(Self { child, url, session })
    }

    async fn stop(mut self) -> anyhow::Result<()> {
        let id = self.child.id().context("Django has ended")?.to_string();
        Command::new("kill").args(["-TERM", &id]).status().await?;
        self.child.wait().await?;
        Ok(())
    }
}
