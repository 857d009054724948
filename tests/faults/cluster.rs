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
        let port =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let folder = PathBuf::from(format!("/tmp/usms-killed-{port}"));
        fs::create_dir_all(&folder).unwrap();
        let cluster = Self { folder, bin: find_bin(), port };
        if is_root() {
            assert!(
                Command::new("chown")
                    .arg("postgres")
                    .arg(&cluster.folder)
                    .status()
                    .unwrap()
                    .success()
            );
        }
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
        let path = self.bin.join(name);
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
