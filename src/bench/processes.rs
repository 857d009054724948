//! Processes of the console and the sandbox, and what they take of the machine.

use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};

use crate::sandbox;

/// The secret key of consoles that are measured.
const SECRET_KEY: &str = "0606060606060606060606060606060606060606060606060606060606060606";

/// A process that ends with this value.
#[derive(Debug)]
pub struct Process {
    child: Child,
    /// Where it answers.
    pub url: String,
}

impl Process {
    /// The most memory it ever had, in megabytes, as the kernel says (`VmHWM`).
    pub fn peak_memory(&self) -> anyhow::Result<f64> {
        self.status("VmHWM:")
    }

    /// The memory it has now, in megabytes (`VmRSS`).
    pub fn memory(&self) -> anyhow::Result<f64> {
        self.status("VmRSS:")
    }

    /// Begins the peak anew.
    pub fn forget_peak(&self) -> anyhow::Result<()> {
        let id = self.child.id().context("the process has ended")?;
        std::fs::write(format!("/proc/{id}/clear_refs"), "5").context("the peak cannot be reset")
    }

    fn status(&self, name: &str) -> anyhow::Result<f64> {
        let id = self.child.id().context("the process has ended")?;
        let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kilobytes: f64 = line
            .and_then(|rest| rest.trim().strip_suffix(" kB"))
            .and_then(|number| number.trim().parse().ok())
            .context("the kernel does not say")?;
        Ok(kilobytes / 1_024.0)
    }

    /// Tells it to stop and waits until it has.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        let id = self.child.id().context("the process has ended")?.to_string();
        Command::new("kill").args(["-TERM", &id]).status().await?;
        self.child.wait().await?;
        Ok(())
    }
}

/// An address of this machine that nobody listens at.
pub fn free_address() -> anyhow::Result<String> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}

/// This program, to be run in a process of its own.
pub fn command() -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.stdout(Stdio::null()).kill_on_drop(true).env("RUST_LOG", "warn");
    Ok(command)
}

/// A sandbox that has what is needed to send.
pub async fn sandbox(seeds: &Value) -> anyhow::Result<Process> {
    let address = free_address()?;
    let child = command()?.args(["sandbox", "--listen", &address]).spawn()?;
    let process = Process { child, url: format!("http://{address}") };
    answers(&process.url, "/_admin/counts").await?;
    let seeded =
        reqwest::Client::new().post(format!("{}/_admin/seed", process.url)).json(seeds).send();
    seeded.await?.error_for_status()?;
    Ok(process)
}

/// A console in front of a sandbox, as fast as the bars ask for.
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
    answers(&process.url, "/readyz").await?;
    Ok(process)
}

/// A process that listens there, once it answers.
pub async fn until_it_answers(child: Child, listen: &str, path: &str) -> anyhow::Result<Process> {
    let process = Process { child, url: format!("http://{listen}") };
    answers(&process.url, path).await?;
    Ok(process)
}

/// Where the project's pushes go, below the console's own address.
pub async fn hook_path(database_url: &str, api_url: &str) -> anyhow::Result<String> {
    let listed = with_settings(&mut command()?, database_url, api_url)
        .args(["project", "list", "--json"])
        .stdout(Stdio::piped())
        .output()
        .await?;
    let listed: Value = serde_json::from_slice(&listed.stdout)?;
    let path = listed[0]["hook_path"].as_str().context("there is no project")?;
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

/// An account to sign in with.
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

/// Waits until somebody answers there.
pub async fn answers(url: &str, path: &str) -> anyhow::Result<()> {
    let http = reqwest::Client::new();
    for _ in 0..400 {
        let answer = http.get(format!("{url}{path}")).send().await;
        if answer.is_ok_and(|answer| answer.status().is_success()) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    bail!("nobody answers at {url}")
}
