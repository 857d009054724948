//! A private PostgreSQL for the demo, which never touches one that runs already.

use std::ffi::OsStr;
use std::fs::Permissions;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

/// Where Debian keeps the server's programs, a folder per version.
const DEBIAN: &str = "/usr/lib/postgresql";
const DATABASE: &str = "usms_console";
const SUPERUSER: &str = "usms";

/// Why the demo has no PostgreSQL.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// The programs are missing.
    #[error(
        "PostgreSQL is not installed: run scripts/demo, which installs it, or set DATABASE_URL"
    )]
    NotInstalled,
    /// There is nowhere to keep it.
    #[error("HOME is not set: cannot choose where to keep the demo data")]
    NoHome,
    /// A folder or file.
    #[error("{0}: {1}")]
    File(PathBuf, std::io::Error),
    /// A program failed.
    #[error("{0} failed: {1}")]
    Program(String, String),
}

/// A running private PostgreSQL.
#[derive(Debug)]
pub struct Cluster {
    folder: PathBuf,
    programs: PathBuf,
    port: u16,
    password: String,
}

impl Cluster {
    /// Starts it, making it first if it is not there. `fresh` throws the earlier one away.
    pub async fn start(fresh: bool) -> Result<Self, ClusterError> {
        let folder = folder()?;
        let programs = programs().ok_or(ClusterError::NotInstalled)?;
        let mut cluster = Self { folder, programs, port: free_port()?, password: String::new() };
        cluster.stop_leftover().await;
        if fresh && cluster.folder.exists() {
            let path = cluster.folder.clone();
            std::fs::remove_dir_all(&path).map_err(|error| ClusterError::File(path, error))?;
        }
        cluster.make_folder().await?;
        cluster.password = cluster.keep_password()?;
        if !cluster.data().join("PG_VERSION").exists() {
            cluster.init().await?;
        }
        cluster.run().await?;
        cluster.create_database().await?;
        Ok(cluster)
    }

    /// How to connect.
    pub fn url(&self) -> String {
        format!("postgres://{SUPERUSER}:{}@127.0.0.1:{}/{DATABASE}", self.password, self.port)
    }

    /// The demo's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Stops it; its data stays.
    pub async fn stop(self) {
        if let Err(error) = self.control(&["stop", "-m", "fast", "-w"]).await {
            tracing::warn!(%error, "cannot stop the demo's PostgreSQL");
        }
    }

    fn data(&self) -> PathBuf {
        self.folder.join("postgresql")
    }

    fn password_file(&self) -> PathBuf {
        self.folder.join("postgresql-password")
    }

    /// A demo that was killed leaves its server running.
    async fn stop_leftover(&self) {
        if self.data().join("postmaster.pid").exists() {
            let _ = self.control(&["stop", "-m", "fast", "-w"]).await;
        }
    }

    async fn make_folder(&self) -> Result<(), ClusterError> {
        let path = &self.folder;
        let failed = |error| ClusterError::File(path.clone(), error);
        std::fs::create_dir_all(path).map_err(failed)?;
        // It holds the password and the demo's secret key.
        std::fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(failed)?;
        if is_root() {
            let owner = [OsStr::new("postgres:postgres"), path.as_os_str()];
            finished("chown", Command::new("chown").args(owner)).await?;
        }
        Ok(())
    }

    fn keep_password(&self) -> Result<String, ClusterError> {
        let path = self.password_file();
        if let Ok(password) = std::fs::read_to_string(&path) {
            return Ok(password.trim().to_owned());
        }
        let password = hex::encode(rand::random::<[u8; 16]>());
        std::fs::write(&path, &password).map_err(|error| ClusterError::File(path, error))?;
        Ok(password)
    }

    async fn init(&self) -> Result<(), ClusterError> {
        let mut command = self.program("initdb");
        command
            .arg("-D")
            .arg(self.data())
            .args(["-U", SUPERUSER, "-A", "scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8"])
            .arg("--pwfile")
            .arg(self.password_file());
        finished("initdb", &mut command).await
    }

    async fn run(&self) -> Result<(), ClusterError> {
        let options = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=60",
            self.port
        );
        let log = self.folder.join("postgresql.log");
        let log = log.to_string_lossy();
        self.control(&["start", "-w", "-l", &log, "-o", &options]).await
    }

    async fn control(&self, args: &[&str]) -> Result<(), ClusterError> {
        let mut command = self.program("pg_ctl");
        command.arg("-D").arg(self.data()).args(args);
        finished("pg_ctl", &mut command).await
    }

    async fn create_database(&self) -> Result<(), ClusterError> {
        let there = format!("select from pg_database where datname = '{DATABASE}'");
        let port = self.port.to_string();
        let server = ["-h", "127.0.0.1", "-p", &port, "-U", SUPERUSER];
        let mut ask = self.program("psql");
        ask.env("PGPASSWORD", &self.password).args(server);
        ask.args(["-d", "postgres", "-tAc", &format!("select count(*) from ({there}) x")]);
        let answer = ask.output().await.map_err(|error| program_failed("psql", &error))?;
        if String::from_utf8_lossy(&answer.stdout).trim() == "1" {
            return Ok(());
        }
        let mut create = self.program("createdb");
        create.env("PGPASSWORD", &self.password).args(server).arg(DATABASE);
        finished("createdb", &mut create).await
    }

    /// A program of PostgreSQL, as `postgres` if we are root, which may not run it, and in a process
    /// group of its own, so that Ctrl-C reaches the console alone and the database outlives it.
    fn program(&self, name: &str) -> Command {
        let path = self.programs.join(name);
        let mut command = if is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]).arg(path);
            command
        } else {
            Command::new(path)
        };
        // A working directory that `postgres` may not enter makes every program complain.
        command.current_dir("/").process_group(0).stdin(Stdio::null());
        command
    }
}

async fn finished(name: &str, command: &mut Command) -> Result<(), ClusterError> {
    // `pg_ctl start` hands its output to the server: a pipe would never end.
    let error_file = std::env::temp_dir().join(format!("usms-console-{}.err", std::process::id()));
    let errors = std::fs::File::create(&error_file)
        .map_err(|error| ClusterError::File(error_file.clone(), error))?;
    command.stdout(Stdio::null()).stderr(errors);
    let status = command.status().await.map_err(|error| program_failed(name, &error))?;
    let said = std::fs::read_to_string(&error_file).unwrap_or_default();
    let _ = std::fs::remove_file(&error_file);
    if status.success() {
        Ok(())
    } else {
        Err(ClusterError::Program(name.to_owned(), said.trim().replace('\n', "; ")))
    }
}

fn program_failed(name: &str, error: &std::io::Error) -> ClusterError {
    ClusterError::Program(name.to_owned(), error.to_string())
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| {
        use std::os::unix::fs::MetadataExt;
        own.uid() == 0
    })
}

/// Root's home is closed to `postgres`, so root keeps the demo where services keep their data.
fn folder() -> Result<PathBuf, ClusterError> {
    if is_root() {
        return Ok(PathBuf::from("/var/lib/usms-console-demo"));
    }
    let data = std::env::var_os("XDG_DATA_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/share")));
    Ok(data.ok_or(ClusterError::NoHome)?.join("usms-console/demo"))
}

/// The newest server that is installed, or the one in the search path.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir(DEBIAN).into_iter().flatten().flatten();
    let newest = versions
        .filter_map(|entry| {
            let version: u32 = entry.file_name().to_str()?.parse().ok()?;
            let programs = entry.path().join("bin");
            programs.join("initdb").exists().then_some((version, programs))
        })
        .max();
    newest.map(|(_, programs)| programs).or_else(|| {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path).find(|folder| folder.join("initdb").exists())
    })
}

fn free_port() -> Result<u16, ClusterError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|error| program_failed("finding a free port", &error))
}
