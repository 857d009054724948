//! A private PostgreSQL server for the demo, which never touches other servers.

use std::ffi::OsStr;
use std::fs::Permissions;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

/// Where Debian installs the server's programs, in a folder for each version.
const DEBIAN_FOLDER: &str = "/usr/lib/postgresql";
const DATABASE: &str = "usms_console";
const SUPERUSER: &str = "usms";

/// Why the PostgreSQL server could not be started.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// The server's programs were not found.
    #[error(
        "PostgreSQL is not installed: run scripts/demo, which installs it, or set DATABASE_URL"
    )]
    NotInstalled,
    /// There is no folder for its data.
    #[error("HOME is not set: cannot choose where to keep the demo data")]
    NoHome,
    /// A folder or file could not be accessed.
    #[error("{0}: {1}")]
    File(PathBuf, std::io::Error),
    /// A program failed.
    #[error("{0} failed: {1}")]
    Program(String, String),
}

/// A running private PostgreSQL server.
#[derive(Debug)]
pub struct Cluster {
    folder: PathBuf,
    programs: PathBuf,
    port: u16,
    password: String,
}

impl Cluster {
    /// Starts the server, and creates it first if there is none. `fresh` deletes an existing one.
    ///
    /// # Errors
    /// [`ClusterError::NotInstalled`] and [`ClusterError::NoHome`] say what to do; the others are
    /// failures of the system.
    pub async fn start(fresh: bool) -> Result<Self, ClusterError> {
        let folder = folder()?;
        let programs = programs().ok_or(ClusterError::NotInstalled)?;
        let mut cluster = Self { folder, programs, port: free_port()?, password: String::new() };
        cluster.stop_orphan().await;
        if fresh && cluster.folder.exists() {
            let path = cluster.folder.clone();
            std::fs::remove_dir_all(&path).map_err(|error| ClusterError::File(path, error))?;
        }
        cluster.create_folder().await?;
        cluster.password = cluster.load_or_create_password()?;
        if !cluster.data().join("PG_VERSION").exists() {
            cluster.init().await?;
        }
        cluster.run().await?;
        cluster.create_database().await?;
        Ok(cluster)
    }

    /// Returns the connection URL.
    pub fn url(&self) -> String {
        format!("postgres://{SUPERUSER}:{}@127.0.0.1:{}/{DATABASE}", self.password, self.port)
    }

    /// Returns the demo's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Stops the server. Its data stays.
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

    /// Stops the server of a demo that was killed.
    async fn stop_orphan(&self) {
        if self.data().join("postmaster.pid").exists() {
            let _ = self.control(&["stop", "-m", "fast", "-w"]).await;
        }
    }

    async fn create_folder(&self) -> Result<(), ClusterError> {
        let path = &self.folder;
        let file_error = |error| ClusterError::File(path.clone(), error);
        std::fs::create_dir_all(path).map_err(file_error)?;
        // It contains the password and the demo's secret key.
        std::fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(file_error)?;
        if is_root() {
            let owner = [OsStr::new("postgres:postgres"), path.as_os_str()];
            run_to_end("chown", Command::new("chown").args(owner)).await?;
        }
        Ok(())
    }

    fn load_or_create_password(&self) -> Result<String, ClusterError> {
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
        run_to_end("initdb", &mut command).await
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
        run_to_end("pg_ctl", &mut command).await
    }

    async fn create_database(&self) -> Result<(), ClusterError> {
        let existing = format!("select from pg_database where datname = '{DATABASE}'");
        let port = self.port.to_string();
        let server = ["-h", "127.0.0.1", "-p", &port, "-U", SUPERUSER];
        let mut query = self.program("psql");
        query.env("PGPASSWORD", &self.password).args(server);
        query.args(["-d", "postgres", "-tAc", &format!("select count(*) from ({existing}) x")]);
        let output = query.output().await.map_err(|error| program_error("psql", &error))?;
        if String::from_utf8_lossy(&output.stdout).trim() == "1" {
            return Ok(());
        }
        let mut create = self.program("createdb");
        create.env("PGPASSWORD", &self.password).args(server).arg(DATABASE);
        run_to_end("createdb", &mut create).await
    }

    /// Returns the command of a PostgreSQL program. If we are root, which PostgreSQL refuses, it
    /// runs as `postgres`. It has a process group of its own, so that Ctrl-C reaches the console
    /// only and the database outlives it.
    fn program(&self, name: &str) -> Command {
        let path = self.programs.join(name);
        let mut command = if is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]).arg(path);
            command
        } else {
            Command::new(path)
        };
        // Every program warns about a working directory that `postgres` may not enter.
        command.current_dir("/").process_group(0).stdin(Stdio::null());
        command
    }
}

/// Runs a program to its end.
async fn run_to_end(name: &str, command: &mut Command) -> Result<(), ClusterError> {
    // The server inherits the output of `pg_ctl start`, so a pipe would never be closed.
    let error_file = std::env::temp_dir().join(format!("usms-console-{}.err", std::process::id()));
    let errors = std::fs::File::create(&error_file)
        .map_err(|error| ClusterError::File(error_file.clone(), error))?;
    command.stdout(Stdio::null()).stderr(errors);
    let status = command.status().await.map_err(|error| program_error(name, &error))?;
    let message = std::fs::read_to_string(&error_file).unwrap_or_default();
    let _ = std::fs::remove_file(&error_file);
    if status.success() {
        Ok(())
    } else {
        Err(ClusterError::Program(name.to_owned(), message.trim().replace('\n', "; ")))
    }
}

fn program_error(name: &str, error: &std::io::Error) -> ClusterError {
    ClusterError::Program(name.to_owned(), error.to_string())
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|metadata| {
        use std::os::unix::fs::MetadataExt;
        metadata.uid() == 0
    })
}

/// Returns the folder of the demo's data. `postgres` may not enter root's home, so for root it is
/// where services have their data.
fn folder() -> Result<PathBuf, ClusterError> {
    if is_root() {
        return Ok(PathBuf::from("/var/lib/usms-console-demo"));
    }
    let data = std::env::var_os("XDG_DATA_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/share")));
    Ok(data.ok_or(ClusterError::NoHome)?.join("usms-console/demo"))
}

/// Returns the folder of the programs of the newest installed server, or of the one in the search
/// path.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir(DEBIAN_FOLDER).into_iter().flatten().flatten();
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
        .map_err(|error| program_error("finding a free port", &error))
}
