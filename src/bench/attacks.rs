//! Benchmarks under attack: how quickly `/healthz` and pushes are answered, and how fast a batch leaves,
//! while strangers keep one core busy with requests. A process that burns a core, and sends nothing, is
//! what that is compared with.

use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;
use sqlx::PgPool;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};

use super::Table;
use super::batch::{add_fault, csv, import, seeds, submit, upload};
use super::load::{Times, at_fixed_rate};
use super::people::{Person, value_of};
use super::processes::{self, Process};

const NAME: &str = "owner";
const PASSWORD: &str = "a password of measurements";
/// How long each measurement of response times takes.
const DURATION: Duration = Duration::from_secs(10);
/// The attackers of one kind that work at once.
const ATTACKERS: usize = 8;
/// The address that attacks come from. The person of the measurement has another one.
const ATTACKER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// Runs the benchmark on the empty database at `database_url`, with batches of `rows` messages, and
/// prints a table.
pub async fn run(database_url: &str, rows: usize) -> anyhow::Result<()> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut table = Table::default();
    let sandbox = processes::sandbox(&seeds()).await?;
    let console = processes::console(database_url, &sandbox.url).await?;
    let db = PgPool::connect(database_url).await?;
    processes::add_owner(database_url, &sandbox.url, NAME, PASSWORD).await?;
    let mut person = Person::sign_in(&console.url, NAME, PASSWORD).await?;
    import(&mut person).await?;
    add_fault(&sandbox, json!({ "kind": "delay", "millis": 50, "times": 0 })).await?;
    let push = processes::push_path(database_url, &sandbox.url).await?;
    let push = format!("{}{push}", console.url);

    let mut taken = Vec::new();
    for busy in [Busy::Nothing, Busy::Burning, Busy::Attack] {
        let running = busy.start(&console.url);
        let times = answers(&console, &push).await?;
        table.add(&format!("{}: /healthz, p99", busy.name()), milliseconds(&times.0), "");
        table.add(&format!("{}: push, p99", busy.name()), milliseconds(&times.1), busy.bar());
        let start = taken.len() * rows;
        let list = csv(start..start + rows);
        let (draft, _, _) = upload(&mut person, &console, "list.csv", list).await?;
        let time = submit(&mut person, &db, &draft, rows).await?;
        taken.push(time.as_secs_f64());
        let what = format!("{}: {rows} messages submitted", busy.name());
        table.add(&what, format!("{:.1} s", time.as_secs_f64()), "");
        let requests = running.stop()?;
        if busy == Busy::Attack {
            table.add("hostile requests sent meanwhile", requests.to_string(), "");
        }
    }
    if let [_, burning, attack] = taken.as_slice() {
        let share = burning * 100.0 / attack;
        table.add(
            "rate beside an attack, of that beside a burnt core",
            format!("{share:.0} %"),
            "≥ 90 %",
        );
    }
    table.add("most memory", format!("{:.0} MB", console.peak_memory()?), "< 256 MB");
    console.stop().await?;
    sandbox.stop().await?;
    table.print();
    Ok(())
}

fn milliseconds(times: &Times) -> String {
    format!("{:.1} ms", times.percentile(99))
}

/// Returns the response times of `/healthz` and of pushes, at once.
async fn answers(console: &Process, push: &str) -> anyhow::Result<(Times, Times)> {
    let http = reqwest::Client::builder().timeout(Duration::from_secs(30)).build()?;
    let health = http.get(format!("{}/healthz", console.url));
    let body = r#"{"MsgType":2,"Data":[{"SessionNo":"attack","Phone":"18500001234",
        "ReceiptResult":"Success","ReceiptCode":"DELIVRD"}]}"#;
    let push = http.post(push).body(body);
    let health = at_fixed_rate(&health, 20, DURATION);
    let push = at_fixed_rate(&push, 50, DURATION);
    let (health, push) = tokio::join!(health, push);
    Ok((health?, push?))
}

/// What one core is busy with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Busy {
    Nothing,
    Burning,
    Attack,
}

/// A thread that keeps a core busy.
struct Running {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<anyhow::Result<u64>>,
}

impl Busy {
    fn name(self) -> &'static str {
        match self {
            Self::Nothing => "idle",
            Self::Burning => "beside a burnt core",
            Self::Attack => "under attack",
        }
    }

    fn bar(self) -> &'static str {
        if self == Self::Attack { "< 100 ms" } else { "" }
    }

    fn start(self, url: &str) -> Running {
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, url) = (stop.clone(), url.to_owned());
        let thread = std::thread::spawn(move || match self {
            Self::Nothing => Ok(0),
            Self::Burning => {
                while !stopped.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
                Ok(0)
            }
            Self::Attack => attack(&url, &stopped),
        });
        Running { stop, thread }
    }
}

impl Running {
    /// Stops it. Returns how many requests it has sent.
    fn stop(self) -> anyhow::Result<u64> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().ok().context("the attack panicked")?
    }
}

/// Attacks in all ways at once, on one thread, until it is stopped.
fn attack(url: &str, stop: &AtomicBool) -> anyhow::Result<u64> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let sent = Arc::new(AtomicU64::new(0));
    runtime.block_on(async {
        let mut attackers = tokio::task::JoinSet::new();
        let guesses = guesses(url).await?;
        for attack in [packed_forms(url)?, guesses, unknown_pages(url)?, wrong_pushes(url)?] {
            for _ in 0..ATTACKERS {
                let request = attack.try_clone().context("a request that can be made once only")?;
                attackers.spawn(repeat(request, sent.clone()));
            }
        }
        let address = url.trim_start_matches("http://").to_owned();
        attackers.spawn(slow_bodies(address.parse()?));
        while !stop.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        attackers.abort_all();
        anyhow::Ok(())
    })?;
    Ok(sent.load(Ordering::Relaxed))
}

/// Sends a request again and again, whatever comes back.
async fn repeat(request: reqwest::RequestBuilder, sent: Arc<AtomicU64>) {
    while let Some(request) = request.try_clone() {
        let _ = request.send().await;
        sent.fetch_add(1, Ordering::Relaxed);
    }
}

fn client() -> anyhow::Result<reqwest::Client> {
    let none = reqwest::redirect::Policy::none();
    let client = reqwest::Client::builder().redirect(none).local_address(ATTACKER);
    Ok(client.timeout(Duration::from_secs(5)).build()?)
}

fn packed_forms(url: &str) -> anyhow::Result<reqwest::RequestBuilder> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(&vec![0; 50 << 20])?;
    let request = client()?.post(format!("{url}/login")).header("content-encoding", "gzip");
    let kind = "application/x-www-form-urlencoded";
    Ok(request.header("content-type", kind).body(packed.finish()?))
}

async fn guesses(url: &str) -> anyhow::Result<reqwest::RequestBuilder> {
    let mut visitor = Person::visitor(url, client()?);
    let csrf = value_of(&visitor.get("/login").await?, "csrf")?;
    let fields = [("username", NAME), ("password", "a wrong guess"), ("csrf", csrf.as_str())];
    Ok(visitor.form("/login", &fields))
}

fn unknown_pages(url: &str) -> anyhow::Result<reqwest::RequestBuilder> {
    Ok(client()?.get(format!("{url}/p/default/messages?phone=18500001234")))
}

fn wrong_pushes(url: &str) -> anyhow::Result<reqwest::RequestBuilder> {
    Ok(client()?.post(format!("{url}/hooks/{}", "0".repeat(64))).body("{}"))
}

async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((ATTACKER, 0).into())?;
    socket.connect(address).await
}

/// Opens connections with bodies that never end, a hundred at a time.
async fn slow_bodies(address: SocketAddr) {
    let head = "POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\na";
    loop {
        let mut held = Vec::new();
        for _ in 0..100 {
            let Ok(mut connection) = connect(address).await else { continue };
            let _ = connection.write_all(head.as_bytes()).await;
            held.push(connection);
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
