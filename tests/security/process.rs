//! The console's program as a process of its own, so that its limits, memory and logs can be seen.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::Stdio;

use sqlx::{ConnectOptions, PgPool};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::process::{Child, Command};
use usms_console::sandbox;

use crate::harness::{TestClient, TestConsole};

/// A process that serves pages and is killed in the end.
pub struct Process {
    pub address: SocketAddr,
    child: Child,
    log: PathBuf,
    _folder: tempfile::TempDir,
}

impl Process {
    /// Starts it on the database and sandbox of `console`, with these variables and, if not 0, at
    /// most so many open files.
    pub async fn start(
        db: &PgPool,
        console: &TestConsole,
        variables: &[(&str, &str)],
        files: u32,
    ) -> Self {
        let address = free_address();
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let mut command = Command::new("sh");
        let limit = if files == 0 { String::new() } else { format!("ulimit -n {files}; ") };
        command
            .arg("-c")
            .arg(format!("{limit}exec \"$0\" serve --no-worker"))
            .arg(env!("CARGO_BIN_EXE_usms-console"))
            .env("DATABASE_URL", db.connect_options().to_url_lossy().as_str())
            .env("CONSOLE_SECRET_KEY", "07".repeat(32))
            .env("USMS_API_URL", console.sandbox.url())
            .env("UCLOUD_PUBLIC_KEY", sandbox::PUBLIC_KEY)
            .env("UCLOUD_PRIVATE_KEY", sandbox::PRIVATE_KEY)
            .env("UCLOUD_PROJECT_ID", sandbox::PROJECT_ID)
            .env("CONSOLE_LISTEN", address.to_string())
            .env_remove("RUST_LOG")
            .envs(variables.iter().copied())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(&log).unwrap())
            .kill_on_drop(true);
        let child = command.spawn().unwrap();
        let process = Self { address, child, log, _folder: folder };
        process.client().until_up().await;
        process
    }

    pub fn client(&self) -> TestClient {
        TestClient::new(self.client_url())
    }

    pub fn client_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns what it has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Returns the most memory that it ever had, in MiB.
    pub fn most_memory(&self) -> u64 {
        let status = format!("/proc/{}/status", self.child.id().unwrap());
        let status = std::fs::read_to_string(status).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1_024
    }
}

/// Returns an address on loopback that nobody listens on.
pub fn free_address() -> SocketAddr {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap()
}

/// Connects to `to` from another address of loopback.
pub async fn connect_from(from: [u8; 4], to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((IpAddr::from(from), 0).into()).unwrap();
    socket.connect(to).await.unwrap()
}

/// Sends `request` as it is, and returns all that comes until the server closes the connection.
pub async fn exchange(mut connection: TcpStream, request: &[u8]) -> String {
    connection.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    // A connection that is reset has said what it had to say.
    let _ = connection.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}
