//! Processes of the console and the sandbox, and the memory they use.

use std::net::TcpListener;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};

use crate::sandbox;

/// The secret key of the measured consoles.
const SECRET_KEY: &str = "0606060606060606060606060606060606060606060606060606060606060606";

/// A child process, which is killed when this is dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    /// The base URL that it serves.
    pub url: String,
}

impl Process {
    /// Returns its peak memory in megabytes (the kernel's `VmHWM`).
    pub fn peak_memory(&self) -> anyhow::Result<f64> {
        self.status("VmHWM:")
    }

    /// Returns its current memory in megabytes (the kernel's `VmRSS`).
    pub fn memory(&self) -> anyhow::Result<f64> {
        self.status("VmRSS:")
    }

    /// Resets the peak memory.
    pub fn reset_peak(&self) -> anyhow::Result<()> {
        let id = self.child.id().context("the process has ended")?;
        std::fs::write(format!("/proc/{id}/clear_refs"), "5").context("the peak cannot be reset")
    }

    fn status(&self, name: &str) -> anyhow::Result<f64> {
        status(self.child.id().context("the process has ended")?, name)
    }

    /// Measures the memory of the process and its children together, until it is asked for the peak.
    pub fn watch_tree(&self) -> anyhow::Result<TreeWatch> {
        let id = self.child.id().context("the process has ended")?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            let mut peak = 0.0_f64;
            while !stopped.load(Ordering::Relaxed) {
                peak = peak.max(tree_memory(id));
                std::thread::sleep(Duration::from_millis(5));
            }
            peak
        });
        Ok(TreeWatch { stop, thread })
    }

    /// Sends it SIGTERM and waits until it has ended.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        let id = self.child.id().context("the process has ended")?.to_string();
        Command::new("kill").args(["-TERM", &id]).status().await?;
        self.child.wait().await?;
        Ok(())
    }
}

/// A measurement that is under way.
#[derive(Debug)]
pub struct TreeWatch {
    stop: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<f64>,
}

impl TreeWatch {
    /// Ends the measurement. Returns the peak in megabytes.
    pub fn peak(self) -> anyhow::Result<f64> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().ok().context("the measurement panicked")
    }
}

fn status(id: u32, name: &str) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kilobytes: f64 = line
        .and_then(|rest| rest.trim().strip_suffix(" kB"))
        .and_then(|number| number.trim().parse().ok())
        .context("the kernel does not say")?;
    Ok(kilobytes / 1_024.0)
}

/// Returns the present memory of a process and its children in megabytes. Children that end meanwhile
/// count nothing.
fn tree_memory(id: u32) -> f64 {
    let tasks = std::fs::read_dir(format!("/proc/{id}/task")).into_iter().flatten().flatten();
    let children =
        tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
    let children: Vec<u32> = children
        .flat_map(|ids| ids.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<_>>())
        .collect();
    let of = |id| status(id, "VmRSS:").unwrap_or(0.0);
    of(id) + children.into_iter().map(of).sum::<f64>()
}

/// Returns a free address of this machine, as host and port.
pub fn free_address() -> anyhow::Result<String> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}

/// Returns the command of this program.
pub fn command() -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.stdout(Stdio::null()).kill_on_drop(true).env("RUST_LOG", "warn");
    Ok(command)
}

/// Starts a sandbox with signatures and templates.
pub async fn sandbox(seeds: &Value) -> anyhow::Result<Process> {
    let address = free_address()?;
    let child = command()?.args(["sandbox", "--listen", &address]).spawn()?;
    let process = Process { child, url: format!("http://{address}") };
    until_ready(&process.url, "/_admin/counts").await?;
    let seed =
        reqwest::Client::new().post(format!("{}/_admin/seed", process.url)).json(seeds).send();
    seed.await?.error_for_status()?;
    Ok(process)
}

/// Starts a console that uses a sandbox, with settings for high speed.
pub async fn console(database_url: &str, api_url: &str) -> anyhow::Result<Process> {
    let address = free_address()?;
    let child = with_settings(&mut command()?, database_url, api_url)
        .arg("serve")
        .env("CONSOLE_LISTEN", &address)
        .env("CONSOLE_SUBMIT_CONCURRENCY", "8")
        .env("CONSOLE_SUBMIT_RATE", "10000")
        .env("CONSOLE_CALL_TIMEOUT", "5s")
        .env("CONSOLE_RECEIPT_POLL", "1h")
        .spawn()?;
    let process = Process { child, url: format!("http://{address}") };
    until_ready(&process.url, "/readyz").await?;
    Ok(process)
}

/// Waits until a child serves `path`, and returns it.
pub async fn ready(child: Child, listen: &str, path: &str) -> anyhow::Result<Process> {
    let process = Process { child, url: format!("http://{listen}") };
    until_ready(&process.url, path).await?;
    Ok(process)
}

/// Returns the path of the project's push URL.
pub async fn push_path(database_url: &str, api_url: &str) -> anyhow::Result<String> {
    let output = with_settings(&mut command()?, database_url, api_url)
        .args(["project", "list", "--json"])
        .stdout(Stdio::piped())
        .output()
        .await?;
    let projects: Value = serde_json::from_slice(&output.stdout)?;
    let path = projects[0]["hook_path"].as_str().context("there is no project")?;
    Ok(path.to_owned())
}

fn with_settings<'a>(
    command: &'a mut Command,
    database_url: &str,
    api_url: &str,
) -> &'a mut Command {
    command
        .env("DATABASE_URL", database_url)
        .env("CONSOLE_SECRET_KEY", SECRET_KEY)
        .env("USMS_API_URL", api_url)
        .env("UCLOUD_PUBLIC_KEY", sandbox::PUBLIC_KEY)
        .env("UCLOUD_PRIVATE_KEY", sandbox::PRIVATE_KEY)
        .env("UCLOUD_PROJECT_ID", sandbox::PROJECT_ID)
}

/// Creates an owner account.
pub async fn add_owner(
    database_url: &str,
    api_url: &str,
    name: &str,
    password: &str,
) -> anyhow::Result<()> {
    let mut child = with_settings(&mut command()?, database_url, api_url)
        .args(["user", "add", name, "--role", "owner", "--password-stdin"])
        .stdin(Stdio::piped())
        .spawn()?;
    let mut input = child.stdin.take().context("no standard input")?;
    input.write_all(password.as_bytes()).await?;
    drop(input);
    if child.wait().await?.success() { Ok(()) } else { bail!("the account could not be added") }
}

/// Waits until `path` is served.
pub async fn until_ready(url: &str, path: &str) -> anyhow::Result<()> {
    let http = reqwest::Client::new();
    for _ in 0..400 {
        let response = http.get(format!("{url}{path}")).send().await;
        if response.is_ok_and(|response| response.status().is_success()) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    bail!("nobody answers at {url}")
}
