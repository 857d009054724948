//! A console in a process of its own, with the memory that it and its readers take.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sqlx::{ConnectOptions, PgPool};
use tokio::process::{Child, Command};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::harness::TestConsole;
use usms_console::sandbox;

/// The most that was seen at once.
#[derive(Clone, Debug, Default)]
pub struct Peak {
    /// The memory of the console and its readers together.
    pub megabytes: u64,
    /// Readers.
    pub readers: usize,
    /// The names of the variables in their environments.
    pub environment: Vec<String>,
}

/// A running console.
pub struct Serve {
    pub url: String,
    pub process: Child,
    peak: Arc<Mutex<Peak>>,
    _watching: DropGuard,
}

impl Serve {
    /// Starts the program on the database and the sandbox of a test console.
    pub async fn start(db: &PgPool, console: &TestConsole) -> Self {
        Self::start_with(db, console, &[]).await
    }

    /// Starts it with these variables as well.
    pub async fn start_with(
        db: &PgPool,
        console: &TestConsole,
        variables: &[(&str, &str)],
    ) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        drop(listener);
        let process = Command::new(env!("CARGO_BIN_EXE_usms-console"))
            .arg("serve")
            .env_clear()
            .env("DATABASE_URL", db.connect_options().to_url_lossy().to_string())
            .env("CONSOLE_SECRET_KEY", "07".repeat(32))
            .env("CONSOLE_LISTEN", &address)
            .env("USMS_API_URL", console.sandbox.url())
            .env("UCLOUD_PUBLIC_KEY", sandbox::PUBLIC_KEY)
            .env("UCLOUD_PRIVATE_KEY", sandbox::PRIVATE_KEY)
            .env("UCLOUD_PROJECT_ID", sandbox::PROJECT_ID)
            .envs(variables.iter().copied())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let peak = Arc::new(Mutex::new(Peak::default()));
        let stop = CancellationToken::new();
        let (id, seen, stopped) = (process.id().unwrap(), peak.clone(), stop.clone());
        tokio::task::spawn_blocking(move || {
            while !stopped.is_cancelled() {
                let now = look_at(id);
                let mut peak = seen.lock().unwrap();
                peak.megabytes = peak.megabytes.max(now.megabytes);
                peak.readers = peak.readers.max(now.readers);
                if peak.environment.is_empty() {
                    peak.environment = now.environment;
                }
                drop(peak);
                std::thread::sleep(Duration::from_millis(3));
            }
        });
        let url = format!("http://{address}");
        Self { url, process, peak, _watching: stop.drop_guard() }
    }

    /// Returns the ids of its readers.
    pub fn readers(&self) -> Vec<u32> {
        self.process.id().map(readers_of).unwrap_or_default()
    }

    pub fn peak(&self) -> Peak {
        self.peak.lock().unwrap().clone()
    }
}

/// Returns the limits of a process.
pub fn limits(id: u32) -> HashMap<String, u64> {
    let limits = fs::read_to_string(format!("/proc/{id}/limits")).unwrap_or_default();
    let limit = |line: &str| {
        let (name, values) = line.split_at_checked(26)?;
        Some((name.trim().to_owned(), values.split_whitespace().next()?.parse().ok()?))
    };
    limits.lines().filter_map(limit).collect()
}

/// Returns the group of a process: a terminal sends Ctrl-C to a whole group.
pub fn group(id: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.split(' ').nth(2)?.parse().ok()
}

/// Asks a process to end, as a system does that stops.
pub fn ask_to_end(id: u32) {
    let id = rustix::process::Pid::from_raw(i32::try_from(id).unwrap()).unwrap();
    // It may have ended by itself.
    let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
}

/// Returns whether a process still runs.
pub fn is_alive(id: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    !status.is_empty() && !status.contains("State:\tZ")
}

/// Returns the ids of the processes that a process has started.
fn children(parent: u32) -> HashSet<u32> {
    let tasks = fs::read_dir(format!("/proc/{parent}/task")).into_iter().flatten().flatten();
    tasks
        .filter_map(|task| fs::read_to_string(task.path().join("children")).ok())
        .flat_map(|ids| {
            ids.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<u32>>()
        })
        .collect()
}

/// Returns the ids of a console's readers. Between its start and its program a process still is the
/// console, as far as the kernel can tell.
fn readers_of(console: u32) -> Vec<u32> {
    let is_reader = |id: &u32| {
        fs::read(format!("/proc/{id}/cmdline"))
            .is_ok_and(|line| line.split(|byte| *byte == 0).nth(1) == Some(b"read-file".as_slice()))
    };
    children(console).into_iter().filter(is_reader).collect()
}

fn look_at(console: u32) -> Peak {
    let readers = readers_of(console);
    let environment = readers.iter().flat_map(|id| {
        let bytes = fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
        let variables = String::from_utf8_lossy(&bytes).into_owned();
        let names = variables.split('\0').filter_map(|one| one.split_once('='));
        names.map(|(name, _)| name.to_owned()).collect::<Vec<_>>()
    });
    let environment: Vec<String> =
        environment.filter(|name| !name.starts_with("MIMALLOC_")).collect();
    let kilobytes = resident(console) + readers.iter().map(|id| resident(*id)).sum::<u64>();
    Peak { megabytes: kilobytes / 1_024, readers: readers.len(), environment }
}

fn resident(id: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
