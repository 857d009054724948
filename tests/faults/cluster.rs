//! A PostgreSQL server for one test, which the test may kill.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A server in a temporary folder. Dropping it stops the server and removes the folder.
pub struct Cluster {
    folder: PathBuf,
    bin: PathBuf,
    port: u16,
}

impl Cluster {
    pub fn start() -> Self {
        let cluster = Self::empty();
        let data = cluster.folder.join("data");
        let initialized = cluster
            .program("initdb")
            .args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-D"])
            .arg(&data)
            .status()
            .unwrap();
        assert!(initialized.success());
        cluster.run();
        cluster
    }

    /// Returns a cluster without data.
    fn empty() -> Self {
        let port =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let folder = PathBuf::from(format!("/tmp/usms-killed-{port}"));
        fs::create_dir_all(&folder).unwrap();
        let cluster = Self { folder, bin: find_bin(), port };
        if is_root() {
            let owned = Command::new("chown").arg("postgres").arg(&cluster.folder).status();
            assert!(owned.unwrap().success());
        }
        cluster
    }

    /// Starts a standby that follows this server by streaming replication.
    pub fn standby(&self) -> Self {
        let standby = self.base_backup(&["-R"]);
        standby.run();
        standby
    }

    /// Starts a server from a base backup that follows nobody, as a copy for staging does.
    pub fn copy(&self) -> Self {
        let copy = self.base_backup(&["-R"]);
        let auto = copy.folder.join("data/postgresql.auto.conf");
        fs::write(auto, "").unwrap();
        copy.run();
        copy.promote();
        copy
    }

    /// Archives the write-ahead log from now on, and takes a base backup. The server is restarted.
    pub fn archive(&self) -> Self {
        let archive = self.folder.join("archive");
        assert!(self.program("mkdir").arg(&archive).status().unwrap().success());
        let settings =
            format!("archive_mode = on\narchive_command = 'cp %p {}/%f'\n", archive.display());
        self.configure(&settings);
        self.stop_at_once();
        self.run();
        self.base_backup(&[])
    }

    /// Recovers a base backup of another server to a time, and starts it.
    pub fn recover(&self, from: &Self, time: &str) {
        let settings = format!(
            "restore_command = 'cp {}/archive/%f %p'\nrecovery_target_time = '{time}'\n\
             recovery_target_action = 'promote'\narchive_mode = off\n",
            from.folder.display()
        );
        self.configure(&settings);
        let signal = self.folder.join("data/recovery.signal");
        assert!(self.program("touch").arg(signal).status().unwrap().success());
        self.run();
    }

    fn configure(&self, settings: &str) {
        let mut file = fs::File::options()
            .append(true)
            .open(self.folder.join("data/postgresql.conf"))
            .unwrap();
        std::io::Write::write_all(&mut file, settings.as_bytes()).unwrap();
    }

    fn base_backup(&self, more: &[&str]) -> Self {
        let backup = Self::empty();
        let copied = self
            .program("pg_basebackup")
            .args(["-c", "fast", "-h", "127.0.0.1", "-U", "postgres", "-p", &self.port.to_string()])
            .args(more)
            .arg("-D")
            .arg(backup.folder.join("data"))
            .status();
        assert!(copied.unwrap().success());
        backup
    }

    /// Makes a standby the primary.
    pub fn promote(&self) {
        let data = self.folder.join("data");
        let promoted = self.program("pg_ctl").args(["promote", "-w", "-D"]).arg(data).status();
        assert!(promoted.unwrap().success());
    }

    /// Copies the data as a snapshot of the disk would, while the server is down.
    pub fn take_snapshot(&self) {
        self.copy_folder("data", "snapshot");
    }

    /// Puts the data back as they were at [`Self::take_snapshot`], while the server is down.
    pub fn roll_back(&self) {
        fs::remove_dir_all(self.folder.join("data")).unwrap();
        self.copy_folder("snapshot", "data");
    }

    fn copy_folder(&self, from: &str, to: &str) {
        let copied = Command::new("cp")
            .arg("-a")
            .arg(self.folder.join(from))
            .arg(self.folder.join(to))
            .status();
        assert!(copied.unwrap().success());
    }

    /// Writes a dump of a database to a file of this cluster.
    pub fn dump(&self, database: &str) {
        let file = self.folder.join("dump");
        let dumped = self.client("pg_dump").args(["-Fc", "-d", database, "-f"]).arg(file).status();
        assert!(dumped.unwrap().success());
    }

    /// Restores the dump of a cluster into a new database of this one, as the README says.
    pub fn restore(&self, dumped: &Self, database: &str) {
        assert!(self.client("createdb").arg(database).status().unwrap().success());
        let file = dumped.folder.join("dump");
        let restored = self
            .client("pg_restore")
            .args(["--exit-on-error", "--no-owner", "-d", database])
            .arg(file)
            .status();
        assert!(restored.unwrap().success());
    }

    /// A client program for this server.
    fn client(&self, name: &str) -> Command {
        let mut command = self.program(name);
        command.args(["-h", "127.0.0.1", "-U", "postgres", "-p", &self.port.to_string()]);
        command
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn url_of(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Starts the server and waits until it accepts connections, after recovery if needed.
    pub fn run(&self) {
        let options = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories={}",
            self.port,
            self.folder.display()
        );
        let log = self.folder.join("log");
        let started = self
            .program("pg_ctl")
            .args(["start", "-w", "-o", &options, "-l"])
            .arg(&log)
            .arg("-D")
            .arg(self.folder.join("data"))
            .status()
            .unwrap();
        assert!(started.success(), "{}", fs::read_to_string(log).unwrap_or_default());
    }

    /// Kills every process of the server at once.
    pub fn kill(&self) {
        let file = fs::read_to_string(self.folder.join("data/postmaster.pid")).unwrap();
        let server = file.lines().next().unwrap().trim().to_owned();
        let children =
            fs::read_to_string(format!("/proc/{server}/task/{server}/children")).unwrap();
        let all = std::iter::once(server.as_str()).chain(children.split_whitespace());
        // One of them may end by itself at this moment.
        let _ = Command::new("kill").arg("-9").args(all).stderr(Stdio::null()).status();
        // It cannot be started again while the kernel still has it.
        let process = format!("/proc/{server}");
        for _ in 0..100 {
            if !Path::new(&process).exists() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    }

    /// Stops at once, without a checkpoint: the next start recovers from the log.
    pub fn stop_at_once(&self) {
        let data = self.folder.join("data");
        let stopped =
            self.program("pg_ctl").args(["stop", "-w", "-m", "immediate", "-D"]).arg(data).status();
        assert!(stopped.unwrap().success());
    }

    fn program(&self, name: &str) -> Command {
        let path = match self.bin.join(name) {
            path if path.exists() => path,
            _ => PathBuf::from(name),
        };
        let mut command = if is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]).arg(path);
            command
        } else {
            Command::new(path)
        };
        command.current_dir("/").stdout(Stdio::null()).stderr(Stdio::null());
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let data = self.folder.join("data");
        let _ = self.program("pg_ctl").args(["stop", "-m", "immediate", "-D"]).arg(data).status();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

/// Returns the folder of the newest PostgreSQL programs on this machine.
fn find_bin() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = debian.map(|entry| entry.path().join("bin")).collect();
    folders.sort();
    folders.reverse();
    folders.extend(std::env::split_paths(&path));
    let found =
        folders.into_iter().find(|folder: &PathBuf| Path::new(folder).join("initdb").exists());
    found.expect("PostgreSQL is missing: run scripts/test, which brings it")
}
