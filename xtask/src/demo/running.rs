//! A host process with a directory of its own: started, asked whether it is ready,
//! stopped.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::cmd;

/// How long the host may take to be ready, and to stop.
const DEADLINE: Duration = Duration::from_secs(30);

/// How often it is asked.
const INTERVAL: Duration = Duration::from_millis(20);

/// What becomes of the host when the demo is over.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It is stopped.
    Stop,
    /// It runs on.
    Keep,
}

/// A host that is killed if nobody stops it or lets it run.
pub struct RunningHost {
    palisade: PathBuf,
    socket: PathBuf,
    log: PathBuf,
    child: Option<Child>,
    process: u32,
}

impl RunningHost {
    /// Starts a host whose data, socket and log are in `directory`, with `more` in
    /// its configuration, and waits until it is ready.
    pub fn start(palisade: &Path, directory: &Path, end: End, more: &str) -> Result<Self> {
        let (socket, log) = (directory.join("palisade.sock"), directory.join("host.log"));
        let log_file =
            File::create(&log).with_context(|| format!("cannot write `{}`", log.display()))?;
        let mut command = Command::new(palisade);
        cmd::clean(&mut command);
        // The bridge opens the socket as a user that may do nothing else.
        let config = directory.join("palisade.toml");
        fs::write(&config, format!("[server]\nsocket-mode = \"0666\"\n{more}"))?;
        command.arg("serve").arg("--config").arg(config);
        command.arg("--data").arg(directory.join("data")).arg("--socket").arg(&socket);
        command.stdin(Stdio::null()).stdout(log_file.try_clone()?).stderr(log_file);
        if end == End::Keep {
            // In a group of its own, it is not reached by an interrupt from the
            // terminal.
            command.process_group(0);
        }
        let child = command.spawn().with_context(|| cmd::cannot_start(&command))?;
        let process = child.id();
        let palisade = palisade.to_path_buf();
        let mut host = Self { palisade, socket, log, child: Some(child), process };
        host.wait_until_ready()?;
        println!("    listening on {}", host.socket.display());
        Ok(host)
    }

    /// Returns a command that speaks to this host.
    pub fn client(&self) -> Command {
        let mut command = Command::new(&self.palisade);
        cmd::clean(&mut command);
        command.env("PALISADE_SOCKET", &self.socket);
        command
    }

    /// The socket that it listens on.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// What it writes to standard output and standard error.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// The number of its process.
    pub fn process(&self) -> u32 {
        self.process
    }

    /// Lets it run on when this program ends.
    pub fn leave_running(&mut self) {
        self.child = None;
    }

    /// Asks it to stop and waits until it has.
    pub fn stop(mut self) -> Result<()> {
        let Some(child) = &mut self.child else { return Ok(()) };
        kill_process(Pid::from_child(child), Signal::TERM)?;
        let began = Instant::now();
        while began.elapsed() < DEADLINE {
            if let Some(status) = child.try_wait()? {
                self.child = None;
                if !status.success() {
                    bail!("the host ended with {status}\n{}", self.last_lines());
                }
                return Ok(());
            }
            thread::sleep(INTERVAL);
        }
        bail!("the host did not stop within {DEADLINE:?}\n{}", self.last_lines())
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let began = Instant::now();
        while began.elapsed() < DEADLINE {
            let status = self.child.as_mut().map(Child::try_wait).transpose()?.flatten();
            if let Some(status) = status {
                bail!("the host ended with {status}\n{}", self.last_lines());
            }
            if is_ready(&self.socket) {
                return Ok(());
            }
            thread::sleep(INTERVAL);
        }
        bail!("the host was not ready within {DEADLINE:?}\n{}", self.last_lines())
    }

    /// The end of its log, for an error.
    fn last_lines(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let (_, last) = lines.split_at(lines.len().saturating_sub(20));
        last.join("\n")
    }
}

impl Drop for RunningHost {
    fn drop(&mut self) {
        let Some(child) = &mut self.child else { return };
        // An error is being reported already: a host that is gone is what was
        // wanted.
        let _ = child.kill();
        let _ = child.wait();
    }
}

fn is_ready(socket: &Path) -> bool {
    let ask = || -> std::io::Result<String> {
        let mut stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: palisade\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200 "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_that_ends_at_once_is_reported() {
        let directory = tempfile::tempdir().unwrap();
        let error =
            RunningHost::start(Path::new("false"), directory.path(), End::Stop, "").err().unwrap();
        assert_eq!(error.to_string().trim_end(), "the host ended with exit status: 1");
    }

    #[test]
    fn a_socket_without_a_listener_is_not_ready() {
        assert!(!is_ready(Path::new("/nonexistent/palisade.sock")));
    }
}
